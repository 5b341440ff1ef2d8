"""How many steps does a query need, and why? With the pretrained model, in less than a minute."""

# --8<-- [start:load]
import adaptive_diffusion as ad

model = ad.load("sudoku-6x6")
puzzles = "123456456123231564564231312645.45312", ".5....1.6..46..15.......2.1.....36.."
with open("puzzles.txt", "w") as file:
    file.write("\n".join(puzzles))
queries = ad.read_queries("puzzles.txt", model.task)
# --8<-- [end:load]

# --8<-- [start:sample]
sampler = ad.Sampler(
    model,
    pace=ad.pace.Threshold(0.95),  # commit what is at least 95% probable, at least one token
    remasking=ad.remasking.LowProbability(0.3),  # take back what has become improbable
    halting=ad.halting.LearnedHalting(0.9),  # stop when the answer is right with probability 0.9
)
result = sampler.sample(queries, seed=0, trace=True)
for row in range(2):
    print(f"query {row}: {result.nfe[row]} forwards, {result.revisions[row]} revisions; {result.why(row)}")
# --8<-- [end:sample]

# --8<-- [start:explain]
print(result.explain(1))
# --8<-- [end:explain]

# --8<-- [start:prices]
for price in (0.001, 0.01, 0.1, 0.5):
    priced = ad.Sampler(
        model,
        pace=ad.pace.Threshold(0.95),
        remasking=ad.remasking.LowProbability(0.3),
        halting=ad.halting.CostAware(price=price),
    )
    found = priced.sample(queries, seed=0)
    print(f"a forward costs {price} of a right answer: {found.nfe.tolist()} forwards")
# --8<-- [end:prices]
