"""What a user sees: results, or one sentence and an exit status that means something."""

import subprocess
import sys
import warnings

import pytest
from typer.testing import CliRunner

from adaptive_diffusion.cli.app import app
from adaptive_diffusion.cli.options import run_folder
from adaptive_diffusion.cli.terminal import show_warnings_as_sentences, shown

STAGE = "  {name}: {{_target_: user_extensions.Work, log: log.txt, then: nothing, more: null}}\n"
ALLOW = "--allow-module=user_extensions"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs a command in an empty folder, with two experiments: ``small`` of two stages, ``empty``."""
    configs = tmp_path / "configs"
    (configs / "experiment").mkdir(parents=True)
    (configs / "config.yaml").write_text("seed: 0\nstages: {}\n")
    stages = "stages:\n" + STAGE.format(name="first") + STAGE.format(name="second")
    (configs / "experiment" / "small.yaml").write_text(f"# @package _global_\n{stages}")
    (configs / "experiment" / "empty.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_help_imports_nothing_heavy():
    program = "import sys\nfrom adaptive_diffusion.cli import main\nsys.argv = ['adaptive-diffusion', '--help']\n"
    program += (
        "try:\n    main()\nfinally:\n    print('heavy:', {'torch', 'numpy', 'hydra', 'lightning'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "heavy: set()" in shown
    for name in ("run", "train", "evaluate", "sample", "edit", "quickstart"):
        assert name in shown


def test_the_module_is_the_script():
    shown = subprocess.run([sys.executable, "-m", "adaptive_diffusion", "--version"], capture_output=True, text=True)
    assert shown.stdout.startswith("adaptive-diffusion 0.")


@pytest.mark.parametrize(
    "name", ["run", "train", "evaluate", "sample", "analyze", "ablate", "edit", "explain", "humaneval"]
)
def test_every_command_teaches_by_example(name):
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert f"adaptive-diffusion {name} " in result.output


def test_a_run_goes_through_its_stages_and_a_second_skips_them(command, tmp_path):
    first = command("run", "small", ALLOW)
    assert first.exit_code == 0, first.output
    assert (tmp_path / "runs" / "small" / "second.txt").is_file()
    assert (tmp_path / "log.txt").read_text() == "first\nsecond\n"
    second = command("run", "small", ALLOW)
    assert "second: finished before, skipped" in second.output
    assert (tmp_path / "log.txt").read_text() == "first\nsecond\n"


def test_refused_run_leaves_no_folder(command, tmp_path):
    result = command("run", "small", "stages.first._target_=user_extensions.Misfit", ALLOW)
    assert result.exit_code == 2
    assert result.stderr == "Error: stages.first: nothing fits\n"
    assert list((tmp_path / "runs").iterdir()) == []


def test_training_leaves_the_rest_to_a_later_run(command, tmp_path):
    look = "stages.second._target_=user_extensions.Look"
    assert command("train", "small", look, ALLOW).exit_code == 0
    assert (tmp_path / "log.txt").read_text() == "first\n"
    assert command("run", "small", look, ALLOW).exit_code == 0
    assert (tmp_path / "log.txt").read_text() == "first\nsecond\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "smal"), "There is no experiment 'smal'. The nearest is 'small'."),
        (("run", "small", "stages.frist=null"), "The nearest is 'stages.first'."),
        (("run", "empty"), "The config has no stages: name a preset"),
        (("run", "../small"), "cannot be the name of an experiment"),
        (("run", "small", "seed"), "not of the form key=value"),
        (("run", "small"), "--allow-module user_extensions"),
        (("run", "small", "stages.first._target_=os.system", ALLOW), "stages.first: _target_ 'os.system' is refused"),
        (("run", "small", "+x=${oc.env:HOME}", ALLOW), "x: '${oc.env:HOME}' is refused"),
        (("run", "small", "stages.first.then=refuse", ALLOW), "stages.first: this stage refuses its config"),
        (("ablate", "smal", "seed=0,1"), "There is no experiment 'smal'. The nearest is 'small'."),
        (("ablate", "small", "sead=0,1"), "There is no key 'sead' in the config. The nearest is 'seed'."),
        (("ablate", "small", "seed=0,1", "--engine", "cloud"), "There is no engine 'cloud'; they are local and ray."),
        (("ablate", "small", "--address", "ray://head:1"), "add --engine ray"),
        (("ablate", "small", "--queries", "some.txt"), "small is none of them"),
        (("ablate", "small", "--list", "nothing.txt"), "there is no file nothing.txt; write a setting a line"),
    ],
)
def test_a_refused_request_is_one_sentence_and_status_2(command, arguments, sentence):
    result = command(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [("run", "smal", "--debug"), ("--debug", "run", "smal")])
def test_debug_hands_the_error_on_with_its_traceback(command, arguments):
    assert isinstance(command(*arguments).exception, ValueError)


def test_a_defect_keeps_its_traceback(command):
    assert isinstance(command("run", "small", "stages.first.then=fail", ALLOW).exception, RuntimeError)


def test_a_full_disk_is_a_sentence_and_status_1(command):
    result = command("run", "small", "stages.first.then='full disk'", ALLOW)
    assert result.exit_code == 1
    assert result.stderr == "Error: No space left on device: trace.parquet\n"


@pytest.mark.parametrize("name", ["taken", "taken/inside"])
def test_file_in_the_place_of_a_folder_is_a_sentence(command, tmp_path, name):
    (tmp_path / "taken").write_text("")
    result = command("export", "sudoku-6x6", name)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {name}: a file stands where a folder is needed; choose another path, or move it\n"


@pytest.mark.parametrize("reader", ["terminal", "pipe"])
def test_a_terminal_is_shown_no_control_characters(monkeypatch, reader):
    monkeypatch.setattr("sys.stdout.isatty", lambda: reader == "terminal", raising=False)
    text = "def a():\n\treturn '\x1b]0;title\x07'\x9b2J"
    spelled = "def a():\n\treturn '\\x1b]0;title\\x07'\\x9b2J"
    assert shown(text) == (spelled if reader == "terminal" else text)


def test_warning_is_a_sentence_without_a_line_of_code(monkeypatch, capsys):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    show_warnings_as_sentences()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(UserWarning("nothing was revised"), UserWarning, "file.py", 3)
    assert capsys.readouterr().err == "Warning: nothing was revised\n"


@pytest.mark.parametrize(("then", "status"), [("interrupt", 130), ("'exit like lightning'", 130), ("terminate", 143)])
def test_after_an_interruption_a_message_names_the_command_that_goes_on(command, tmp_path, then, status):
    arguments = ("run", "small", f"stages.second.then={then}", ALLOW)
    result = command(*arguments)
    assert result.exit_code == status
    assert "the same command goes on" in result.stderr
    command(*arguments)
    assert (tmp_path / "log.txt").read_text() == "first\nsecond\nsecond resumed\n"


def test_where_nothing_is_stored_an_interruption_promises_nothing(command, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("adaptive_diffusion.runs.explain.explain_query", interrupted)
    result = command("explain", "somewhere", "0")
    assert (result.exit_code, result.stderr) == (130, "\nInterrupted.\n")


def test_overrides_have_a_folder_of_their_own():
    assert str(run_folder("quickstart", [])) == "runs/quickstart"
    assert str(run_folder("size/nine", ["seed=1", "a.b=0.5"])) == "runs/size-nine,seed=1,a.b=0.5"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a=[1,2]"], ["a=_1_2_"]),
        (["a='x'"], ['a="x"']),
        ([f"a={'x' * 300}"], [f"a={'x' * 301}"]),
        (["a=/x"], ["a=_x"]),
    ],
)
def test_different_overrides_never_share_a_folder(one, other):
    folders = run_folder("quickstart", one), run_folder("quickstart", other)
    assert folders[0] != folders[1]
    assert all(len(folder.name) < 130 and len(folder.parts) == 2 for folder in folders)


def test_names_of_samplers_are_complete_in_eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    printed = CliRunner().invoke(app, ["samplers"]).stdout
    assert "…" not in printed
    assert "answer_probability_limited" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_playground_without_its_extra_names_the_extra(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "adaptive_diffusion.playground.app", raising=False)
    result = command("play", "sudoku-6x6")
    assert result.exit_code == 1
    assert "pip install 'adaptive-diffusion[play]'" in result.output
