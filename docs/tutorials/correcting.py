"""Can a sampler mend a mistake that is already written? With the pretrained model, in less than a minute."""

# --8<-- [start:draft]
import torch

import adaptive_diffusion as ad

model = ad.load("sudoku-6x6")
solved = [int(digit) - 1 for digit in "123456456123231564564231312645645312"]
tokens = torch.tensor([solved])
tokens[0, 8] = 0  # the mistake: a 1 where a 6 belongs
given = torch.zeros(1, 36, dtype=torch.bool)
given[0, ::2] = True  # every second digit is fixed
given[0, 8] = False
queries = ad.Queries(torch.tensor([0]), tokens, editable=~given, drafted=~given, layout=model.task.layout)
# --8<-- [end:draft]

# --8<-- [start:revise]
for name, remasking in (
    ("nothing taken back", ad.remasking.NoRemasking()),
    ("remasking", ad.remasking.LowProbability(0.3)),
):
    sampler = ad.Sampler(model, pace=ad.pace.Threshold(0.95), remasking=remasking)
    result = sampler.sample(queries, trace=True)
    right = result.answers[0].tolist() == solved
    print(f"{name}: {result.revisions[0]} revisions, {'mended' if right else 'still wrong'}")
# --8<-- [end:revise]

# --8<-- [start:explain]
print(result.explain(0))
# --8<-- [end:explain]
