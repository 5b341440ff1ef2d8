"""A file is complete, or it is not there."""

import os
import signal
import subprocess
import sys

import pytest

from adaptive_diffusion.storage.atomic_write import atomic_write, atomic_write_file, remove_leftovers


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_content_is_written_and_no_temporary_file_is_left(tmp_path):
    atomic_write_file(tmp_path / "a" / "x.txt", "größer")
    atomic_write_file(tmp_path / "a" / "y.bin", b"\0")
    assert (tmp_path / "a" / "x.txt").read_text(encoding="utf-8") == "größer"
    assert names(tmp_path) == ["a", "x.txt", "y.bin"]


def test_error_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    atomic_write_file(path, "old")

    def interrupted():
        with atomic_write(path) as part:
            part.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.txt"]


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.txt"
    atomic_write_file(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write_file(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.txt"]


def test_complete_folder_replaces_the_old_one(tmp_path):
    for content in ("a", "b"):
        with atomic_write(tmp_path / "traces") as part:
            part.mkdir()
            (part / f"{content}.parquet").write_text(content)
            assert not (tmp_path / "traces" / f"{content}.parquet").exists()
    assert names(tmp_path) == ["b.parquet", "traces"]


def test_temporary_name_has_the_same_suffix(tmp_path):
    with atomic_write(tmp_path / "figure.png") as part:
        assert part.suffix == ".png"
        part.touch()


def test_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "x"):
        pass


def test_process_killed_while_writing_leaves_the_old_file_and_a_temporary_file(tmp_path):
    atomic_write_file(tmp_path / "x.txt", "old")
    program = (
        "import pathlib, sys, time\nfrom adaptive_diffusion.storage.atomic_write import atomic_write\n"
        f"with atomic_write(pathlib.Path({str(tmp_path / 'x.txt')!r})) as part:\n"
        "    part.write_text('ne')\n    print('half', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / "x.txt").read_text() == "old"
    assert len(names(tmp_path)) == 2
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["x.txt"]


@pytest.mark.parametrize("name", ["x.txt", "a[1]*.txt"])
def test_next_writer_removes_what_a_dead_process_left_and_nothing_of_one_that_runs(tmp_path, name):
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    others = [f".part-1-{name}", f".part-{int(done.stdout)}-other.txt"]
    for left in [f".part-{int(done.stdout)}-{name}", *others]:
        (tmp_path / left).touch()
    atomic_write_file(tmp_path / name, "new")
    assert names(tmp_path) == sorted([name, *others])
