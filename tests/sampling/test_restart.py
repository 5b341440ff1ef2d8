"""Starting over: all tries are paid for, and the best one counts."""

import torch
from small_worlds import oracle, random_queries, table

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.halting import MaxSteps
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.restart import Restart
from adaptive_diffusion.sampling.sampler import Sampler


def drawing():
    return Sampler(oracle(3, 4), proposal=Draw(), halting=MaxSteps(1))


def test_one_token_a_step_the_score_is_the_probability_of_the_answer():
    queries = Queries.of(torch.zeros(1, 4, dtype=torch.int64), torch.ones(1, 4, dtype=torch.bool))
    described = Sampler(oracle(3, 4), proposal=Draw()).sample(queries, n=50)
    expected = torch.stack([table(3, 4)[tuple(answer.tolist())] for answer in described.answers])
    torch.testing.assert_close(described.log_probability.exp(), expected, rtol=1e-5, atol=0)


def test_every_try_is_counted_and_the_best_is_returned():
    queries = random_queries(40, 4, 3, given=0.2)
    tries = [drawing().sample(queries, seed=5 + number) for number in range(3)]
    best = Restart(drawing(), tries=3, enough=2.0).sample(queries, seed=5)
    scores = torch.stack([each.log_probability for each in tries])
    assert torch.equal(best.log_probability, scores.amax(0))
    assert torch.equal(best.nfe, sum(each.nfe for each in tries))
    chosen = torch.stack([each.answers for each in tries])[scores.argmax(0), torch.arange(40)]
    assert torch.equal(best.answers, chosen)


def test_an_answer_that_scores_enough_is_not_tried_again():
    queries = random_queries(20, 4, 3)
    once = Restart(drawing(), tries=3, enough=0.0).sample(queries)
    assert torch.equal(once.nfe, drawing().sample(queries).nfe)
