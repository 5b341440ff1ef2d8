"""A sweep does each cell once, whatever happens in between."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adaptive_diffusion.plugins.ray_engine import Ray
from adaptive_diffusion.runs.ablate.cells import ExperimentCell
from adaptive_diffusion.runs.ablate.sweep import Outcome, run_sweep
from adaptive_diffusion.runs.engine import Processes
from adaptive_diffusion.storage.folder import RunFolder

TESTS = Path(__file__).parents[2]
ALLOW = ("user_extensions",)


class Here:
    """An engine without processes, so that tests see what is done."""

    def each(self, work, pieces):
        yield from ((number, work(piece)) for number, piece in enumerate(pieces))


def cell(log: Path, level: int, seed: int, **more) -> ExperimentCell:
    stage = {"_target_": "user_extensions.Measure", "log": str(log), "level": level, "seed": seed, **more}
    return ExperimentCell((f"level={level}", f"seed={seed}"), {"stages": {"evaluation": stage}})


def grid(log: Path, kill: int | None = None) -> list[ExperimentCell]:
    """Twelve cells; the `kill`-th kills the sweep."""
    settings = [(level, seed) for level in range(4) for seed in range(3)]
    return [cell(log, *setting, **({"kill": True} if n == kill else {})) for n, setting in enumerate(settings)]


def sweep(folder: Path, cells: list, engine=None) -> list[Outcome]:
    described: list[Outcome] = []
    with RunFolder(folder, ALLOW) as held:
        run_sweep(cells, held, engine or Here(), lambda number, outcome: described.append(outcome))
    return described


def test_a_finished_cell_is_not_done_again_and_a_larger_grid_keeps_it(tmp_path):
    log = tmp_path / "log"
    sweep(tmp_path / "sweep", grid(log)[:5])
    described = sweep(tmp_path / "sweep", grid(log))
    assert [outcome.earlier for outcome in described] == [True] * 5 + [False] * 7
    lines = log.read_text().splitlines()
    assert len(lines) == len(set(lines)) == 12


def test_a_finished_cell_is_done_again_after_a_change_of_the_data_it_names(tmp_path):
    log, data = tmp_path / "log", tmp_path / "data.txt"
    cells = [cell(log, 1, 0), ExperimentCell(("data",), {**cell(log, 2, 0).config, "task": {"path": str(data)}})]
    data.write_text("one")
    sweep(tmp_path / "sweep", cells)
    for text, earlier in (("one", [True, True]), ("two", [True, False]), ("two", [True, True])):
        data.write_text(text)
        described = sweep(tmp_path / "sweep", cells)
        assert sorted((outcome.cell.setting, outcome.earlier) for outcome in described) == sorted(
            zip([one.setting for one in cells], earlier, strict=True)
        )
    assert log.read_text().splitlines() == ["1 0", "2 0", "2 0"]


def test_cells_of_equal_config_are_done_once(tmp_path):
    log = tmp_path / "log"
    described = sweep(tmp_path / "sweep", [cell(log, 1, 0), cell(log, 1, 0)])
    assert len(described) == 2
    assert log.read_text() == "1 0\n"


def test_a_cell_that_fails_stops_no_other_and_is_tried_again(tmp_path):
    log = tmp_path / "there" / "log"
    good = cell(tmp_path / "log", 2, 0)
    with pytest.raises(ValueError, match="1 of 2 cells failed, the first with: FileNotFoundError"):
        sweep(tmp_path / "sweep", [cell(log, 1, 0), good])
    summary = json.loads((tmp_path / "sweep" / "summary.json").read_text())
    assert [found["setting"] for found in summary["settings"]] == [["level=2"]]
    log.parent.mkdir()
    described = sweep(tmp_path / "sweep", [cell(log, 1, 0), good])
    assert {outcome.cell.setting[0]: outcome.earlier for outcome in described} == {"level=1": False, "level=2": True}


def test_sentence_of_a_cell_that_fails_ends_in_one_full_stop(tmp_path):
    with pytest.raises(ValueError, match=r"[^.]\. See log\.txt"):
        sweep(tmp_path / "sweep", [ExperimentCell(("level=1",), {"stages": {}})])


def test_what_a_cell_prints_is_in_its_log(tmp_path):
    sweep(tmp_path / "sweep", [cell(tmp_path / "log", 1, 0)])
    (log,) = (tmp_path / "sweep").glob("cells/*/log.txt")
    assert "evaluation: finished" in log.read_text()


DRIVER = """
import sys
from pathlib import Path
from test_sweep import grid, sweep
from adaptive_diffusion.runs.engine import Processes
if __name__ == "__main__":
    sweep(Path(sys.argv[1]), grid(Path(sys.argv[2]), kill=5), Processes(2))
"""


@pytest.mark.slow
def test_a_sweep_of_twelve_cells_killed_in_the_middle_ends_like_an_undisturbed_one(tmp_path):
    log, driver = tmp_path / "log", tmp_path / "driver.py"
    driver.write_text(DRIVER)
    paths = [str(Path(__file__).parent), str(TESTS), *sys.path]
    command = [sys.executable, str(driver), str(tmp_path / "killed"), str(log)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    assert subprocess.run(command, env=environment).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "summary.json").exists()
    results = [json.loads(file.read_text()) for file in (tmp_path / "killed").glob("cells/*/result.json")]
    finished = [" ".join(part.split("=")[1] for part in result["setting"]) for result in results]
    assert 0 < len(finished) < 12

    subprocess.run(command, env=environment, check=True)
    lines = log.read_text().splitlines()
    assert len(set(lines)) == 12
    assert [lines.count(setting) for setting in finished] == [1] * len(finished)
    sweep(tmp_path / "whole", grid(log, kill=5))
    killed, complete = ((tmp_path / name / "summary.json").read_bytes() for name in ("killed", "whole"))
    assert killed == complete


@pytest.mark.slow
@pytest.mark.parametrize("engine", [Processes(2), Ray(2)], ids=["processes", "ray"])
def test_an_engine_gives_the_numbers_of_one_process(tmp_path, engine):
    if isinstance(engine, Ray):
        pytest.importorskip("ray", reason="needs the extra: pip install adaptive-diffusion[ray]")
    log = tmp_path / "log"
    sweep(tmp_path / "one", grid(log))
    sweep(tmp_path / "two", grid(log), engine)
    one, two = ((tmp_path / name / "summary.json").read_bytes() for name in ("one", "two"))
    assert one == two
