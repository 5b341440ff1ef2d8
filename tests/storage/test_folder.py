"""A run folder is locked by one process at a time, and all its files are inside."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from adaptive_diffusion.storage.folder import RunFolder

HOLD = "import sys, time\nfrom adaptive_diffusion.storage.folder import RunFolder\n"
HOLD += "with RunFolder(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)\n"


def test_second_process_is_refused_with_the_id_of_the_first(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match=f"in use by process {process.pid}"), RunFolder(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with RunFolder(tmp_path):
        pass


def test_same_process_cannot_lock_twice_but_can_lock_again_after_release(tmp_path):
    with (
        RunFolder(tmp_path / "run"),
        pytest.raises(ValueError, match=f"process {os.getpid()}"),
        RunFolder(tmp_path / "run"),
    ):
        pass
    with RunFolder(tmp_path / "run"), RunFolder(tmp_path / "other"):
        pass


def test_locking_removes_temporary_files(tmp_path):
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / ".part-1-x.parquet").touch()
    (tmp_path / ".part-1-folder").mkdir()
    with RunFolder(tmp_path):
        assert not list(tmp_path.rglob(".part-*"))


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(ValueError, match="is a file"), RunFolder(tmp_path / "run"):
        pass


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a/../x", "/etc/passwd", "", "..", "a\0", "link/x"])
def test_names_that_lead_elsewhere_are_refused_before_anything_is_written(tmp_path, name):
    folder = RunFolder(tmp_path / "run")
    with folder:
        (tmp_path / "run" / "link").symlink_to(tmp_path)
        for write in (lambda: folder.write(name, "x"), lambda: folder.write_json(name, {})):
            with pytest.raises(ValueError, match="cannot be the name"):
                write()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_folder_may_be_named_by_way_of_its_parent(tmp_path):
    (tmp_path / "here").mkdir()
    with RunFolder(tmp_path / "here" / ".." / "run") as folder:
        folder.write("a/b.txt", "x")
        assert (tmp_path / "run" / "a" / "b.txt").read_text() == "x"
        with pytest.raises(ValueError, match="cannot be the name"):
            folder.write("a/../../x", "x")


def test_json_is_read_as_it_was_written(tmp_path):
    with RunFolder(tmp_path) as folder:
        folder.write_json("a/b.json", {"ä": [1, None]})
        assert folder.read_json("a/b.json") == {"ä": [1, None]}
        assert folder.read_json("c.json", 7) == 7
        with pytest.raises(ValueError, match="Out of range"):
            folder.write_json("nan.json", float("nan"))
        assert not (tmp_path / "nan.json").exists()
        folder.write("d.json", "{")
        with pytest.raises(ValueError, match="damaged"):
            folder.read_json("d.json")


def test_refusal_leaves_no_new_folder(tmp_path):
    (tmp_path / "mine").mkdir()
    for name, writes in (("new", []), ("mine", []), ("written", ["a.txt"])):
        with suppress(ValueError), RunFolder(tmp_path / name) as folder:
            for file in writes:
                folder.write(file, "")
            raise ValueError("refused")
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "written"}
    assert (tmp_path / "written" / "a.txt").is_file()
