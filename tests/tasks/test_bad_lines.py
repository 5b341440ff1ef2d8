"""Every form of file that a task reads: a bad line is refused with its number, the reason and the fix, or skipped."""

import gzip
import importlib.util
import json
from collections.abc import Callable

import pytest

from adaptive_diffusion.tasks.colouring import ColouringTask
from adaptive_diffusion.tasks.countdown import CountdownTask, Limits
from adaptive_diffusion.tasks.maze import MazeTask
from adaptive_diffusion.tasks.molecules import LengthGiven, MoleculeTask
from adaptive_diffusion.tasks.prompts import PromptData
from adaptive_diffusion.tasks.proteins import ProteinTask
from adaptive_diffusion.tasks.satisfiability import SatisfiabilityTask, Size
from adaptive_diffusion.tasks.sudoku import SudokuTask
from adaptive_diffusion.tasks.task import Task
from adaptive_diffusion.tasks.text import TextTask

PUZZLE, GRID = "1.3.3.1.2143.3.1", "1234341221434321"
OPEN_PROBLEM = {"nums": [86, 28, 13, 31], "target": 96}
FORMULA = "p cnf 3 2\n1 -2 3 0\n-1 2 0"
MAZE, SHORTEST = "S...#...G", "Soo.#o..G"
GRAPH = "p edge 3 1\ne 1 2"


def prompts(folder) -> Task:
    """The task of prompts, which comes from a file."""
    rows = [{"prompt": f"{number}+1=", "answer": str(number + 1)} for number in range(40)]
    path = folder / "training.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return PromptData(str(path), length=12, answer_length=4).task


Made = Callable[..., Task]
CASES: dict[str, tuple[Made, str, str, str, int, str]] = {
    # task, name of the file, sound text, bad text, line of the fault in the bad text, reason with the fix
    "sudoku, lines": (
        *(lambda _: SudokuTask(4), "a.txt", PUZZLE, "11" + PUZZLE[2:], 1),
        "1 stands 2 times in row 1; correct its clues",
    ),
    "sudoku, solutions": (
        *(lambda _: SudokuTask(4), "a.csv"),
        *(
            f"{PUZZLE},{GRID}",
            f"{PUZZLE},1243431221343421",
            1,
            "contradicts the clue at cell 3; correct one",
        ),
    ),
    "sudoku, ratings": (
        *(lambda _: SudokuTask(4), "a.csv", f"source,question,answer,rating\na,{PUZZLE},{GRID},7"),
        *("a", 1, "no column 2, where the header has the puzzle; complete the line"),
    ),
    "sudoku, grids": (
        *(lambda _: SudokuTask(4), "a.sdk", "1.3.\n3.1.\n2143\n.3.1", "\n1.3.\n3.1.\n2143\n"),
        *(2, "the grid that begins here has 3 of 4 rows; complete it"),
    ),
    "countdown, the target last": (
        *(lambda _: CountdownTask(Limits(4)), "a.txt", "86,28,13,31,96", "1,1,1,1,90", 1),
        "90 cannot be reached from 1, 1, 1, 1 with results up to 999; correct",
    ),
    "countdown, the target in output": (
        *(lambda _: CountdownTask(Limits(4)), "a.jsonl"),
        json.dumps({"input": "86,28,13,31", "output": "86+28=114,31-13=18,114-18=96"}),
        *(json.dumps({"input": "86,28,13,31", "output": "86+28=115"}), 1, "86+28=115 is false; correct it"),
    ),
    "countdown, the target apart": (
        *(lambda _: CountdownTask(Limits(4)), "a.jsonl", json.dumps(OPEN_PROBLEM)),
        *(json.dumps({"nums": [86, 28, 13, 31]}), 1, "there are 4 numbers and no target; add it"),
    ),
    "satisfiability, DIMACS": (
        *(lambda _: SatisfiabilityTask(Size(5, 4)), "a.cnf", FORMULA, "p cnf 3 1\n1 4 0", 2),
        "literal 4, where the header has 3 variables; correct one of both",
    ),
    "maze, grids": (
        *(lambda _: MazeTask(3, 3), "a.txt", "S..\n.#.\n..G", "\nS#.\n##.\n..G\n", 2),
        "no way leads from S to G; open a wall",
    ),
    "maze, lines": (
        *(lambda _: MazeTask(3, 3), "a.txt", MAZE, "SoooooooG", 1),
        "the given answer is no shortest path; correct it, or leave it out",
    ),
    "maze, table": (
        *(lambda _: MazeTask(3, 3), "a.csv", f"question,answer,rating\n{MAZE},{SHORTEST},3", "S..#G,,", 1),
        "5 cells in the maze where a grid of 3×3 has 9; correct the line",
    ),
    "colouring, DIMACS": (
        *(lambda _: ColouringTask(4, 3), "a.col", GRAPH, "p edge 3 1\ne 2 2", 2),
        "an edge from node 2 to itself, which no colouring allows; remove the line",
    ),
    "proteins, FASTA": (
        *(lambda _: ProteinTask(20), "a.fasta", ">a\nAC_", ">b rewrite=3-9\nACDE", 1),
        "3-9 lies outside the sequence of 4 residues; count from 1",
    ),
    "molecules, SMILES": (
        *(lambda _: MoleculeTask(16, framing=LengthGiven(), drawn_length=max), "a.smi", "C<|1|>", "CCO", 1),
        "nothing is open; mark what is to be written",
    ),
    "text, JSON": (
        *(lambda _: TextTask(32), "a.jsonl", '{"text": "a<|2|>"}', '{"txt": "b<|2|>"}', 1),
        "there is no text under 'text', the fields are txt; write {\"text\"",
    ),
    "text, lines": (lambda _: TextTask(32), "a.lines", "a<|2|>", "b", 1, "nothing is open; mark what is to be written"),
    "prompts, JSON": (prompts, "a.jsonl", '{"prompt": "1+2="}', "nothing", 1, "this is no JSON object; write {"),
    "prompts, table": (
        *(prompts, "a.csv", "prompt,answer\n1+2=,3", "4+5=,9,6", 1),
        "it has 3 cells, the header has 2; quote what holds",
    ),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("case", CASES)
def test_bad_line_is_refused_with_reason_and_fix_or_skipped(tmp_path, case, packed):
    if case.startswith("satisfiability") and importlib.util.find_spec("pysat") is None:
        pytest.skip("needs the extra tasks")
    make, name, sound, bad, line, reason = CASES[case]
    task, path = make(tmp_path), tmp_path / f"{name}{'.gz' * packed}"
    content = f"{sound}\n{bad}\n".encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    named = f"line {len(sound.splitlines()) + line}: "
    with pytest.raises(ValueError, match="`--skip-bad` goes on without") as refused:
        task.read(path, skip_bad=False)
    assert named in str(refused.value)
    assert reason in str(refused.value)
    file = task.read(path, skip_bad=True)
    assert len(file.problems) == 1
    (skipped,) = file.skipped
    assert named in skipped
    assert reason in skipped
    path.write_bytes(gzip.compress(bad.encode()) if packed else bad.encode())
    with pytest.raises(ValueError, match="holds no"):
        task.read(path, skip_bad=True)
