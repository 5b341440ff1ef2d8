"""Starting over: all tries are paid for, and the best one counts."""

import pytest
import torch
from small_worlds import oracle, random_queries, table

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.halting import MaxSteps
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.rules.proposal import Draw, DrawAgain
from adaptive_diffusion.rules.remasking import LeastConfidentSpan
from adaptive_diffusion.rules.revision_limits import RevisionLimits
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
    tries = [drawing().sample(queries, seed=5 + (number << 32)) for number in range(3)]
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


def test_observers_see_the_steps_of_the_answer_alone():
    queries = random_queries(40, 4, 3, given=0.2)
    seen, last = [], {}

    def observe(step):
        running = step.before.running
        rows = zip(step.before.query[running].tolist(), step.after.steps_taken[running].tolist(), strict=True)
        seen.extend(rows)
        last.update(zip(step.before.query.tolist(), step.after.tokens.tolist(), strict=True))

    sampler = Sampler(oracle(3, 4), proposal=Draw())
    best = Restart(sampler, tries=3, enough=2.0).sample(queries, seed=5, observers=[observe])
    assert len(seen) == len(set(seen))
    assert [last[query] for query in queries.ids.tolist()] == best.answers.tolist()
    assert (best.steps > torch.tensor([sum(query == one for one, _ in seen) for query in queries.ids.tolist()])).all()


def test_tries_of_neighbouring_seeds_differ():
    queries = Queries.of(torch.zeros(400, 4, dtype=torch.int64), torch.ones(400, 4, dtype=torch.bool))
    restart = Restart(Sampler(oracle(3, 4), proposal=Draw()), tries=4, enough=2.0)
    answers = [restart.sample(queries, seed=seed).answers for seed in (0, 1)]
    assert (answers[0] == answers[1]).all(1).float().mean() < 0.45  # .28, and .69 where tries are shared


@pytest.mark.parametrize("max_steps", [4, 5, 8])
def test_tokens_that_a_halting_row_keeps_count_with_the_probability_of_their_commit(max_steps):
    """A search ends at its step limit in the step that would open tokens again; no rule has read these."""
    queries = Queries.of(torch.zeros(60, 4, dtype=torch.int64), torch.ones(60, 4, dtype=torch.bool))
    limits = RevisionLimits(64, 4096, 1)
    rules = {"pace": Threshold(0.3), "remasking": LeastConfidentSpan(1.0, 1), "limits": limits}
    found = Sampler(oracle(3, 4), proposal=DrawAgain(), **rules).sample(queries, max_steps=max_steps)
    assert (found.log_probability > -15).all()


def test_several_variations_of_a_query_are_refused():
    with pytest.raises(ValueError, match="one answer to a query, not 2"):
        Restart(drawing()).sample(random_queries(2, 4, 3), n=2)
