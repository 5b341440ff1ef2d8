"""Sample from a trained model, and see why a query took as many steps as it did.

python examples/sample.py runs/quickstart puzzles.txt
"""

import sys

import adaptive_diffusion as ad


def main(run: str = "runs/quickstart", file: str = "puzzles.txt") -> None:
    model = ad.load(run)
    sampler = ad.Sampler(
        model,
        pace=ad.pace.Threshold(0.95),  # commit what is at least 95% probable, at least one token per step
        remasking=ad.remasking.LowQuality(0.3),  # take back what the quality head predicts to be wrong
        halting=ad.halting.LearnedHalting(0.9),  # stop once the answer is right with probability 0.9
    )
    queries = ad.read_queries(file, model.task)
    result = sampler.sample(queries, n=3, seed=0, trace=True)
    for row in range(len(result.query)):
        print(f"query {result.query[row]}, variation {result.variation[row]}: {result.nfe[row]} NFE, {result.why(row)}")
        print(model.task.decode(result.answers[row]))
    slowest = int(result.nfe.argmax())
    print(result.explain(int(result.query[slowest]), int(result.variation[slowest])))


if __name__ == "__main__":
    main(*sys.argv[1:])
