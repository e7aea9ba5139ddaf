"""Files are whole or as they were; what a killed writer left goes; a full disk says what to do."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from vae_explorer.engine import files, run_folder
from vae_explorer.engine.errors import EngineError, FolderHeld
from vae_explorer.engine.files import disk_problem, write_whole

KILLED_IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from vae_explorer.engine import files
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
files.write_whole(Path(sys.argv[1]), b"new")
"""

HELD_IN_THE_MIDDLE = """
import os, sys
from pathlib import Path
from vae_explorer.engine import files
os.fsync = lambda _: (print("writing", flush=True), sys.stdin.readline())
files.write_whole(Path(sys.argv[1]), b"of the other")
"""

A_DISK_OF_64_KIB = """
import resource, signal, sys
from pathlib import Path
from vae_explorer.engine import errors, files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
try:
    files.write_whole(Path(sys.argv[1]), bytes(1_000_000))
except errors.EngineError as error:
    print(error)
"""

posix = pytest.mark.skipif(sys.platform == "win32", reason="locks and limits of POSIX")


def parts(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f".{path.name}.*.part"))


@posix
def test_what_a_killed_writer_left_goes_with_the_next_save(tmp_path: Path) -> None:
    path, other = tmp_path / "model [1].bin", tmp_path / "other.bin"
    path.write_bytes(b"old")
    for target in (path, other):
        killed = subprocess.run([sys.executable, "-c", KILLED_IN_THE_MIDDLE, str(target)])
        assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert len(parts(other)) == 1 and len(list(tmp_path.glob(".model*"))) == 1
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert not list(tmp_path.glob(".model*"))
    assert len(parts(other)) == 1  # of another file: not ours to judge


@posix
def test_a_writer_that_lives_keeps_its_part(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    with subprocess.Popen(
        [sys.executable, "-c", HELD_IN_THE_MIDDLE, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as slow:
        assert slow.stdin and slow.stdout
        slow.stdout.readline()
        held = parts(path)
        assert len(held) == 1
        write_whole(path, b"ours")
        assert parts(path) == held
        assert path.read_bytes() == b"ours"
        slow.stdin.write("go on\n")
        slow.stdin.flush()
        assert slow.wait(10) == 0
    assert path.read_bytes() == b"of the other"
    assert parts(path) == []


@posix
def test_a_real_limit_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", A_DISK_OF_64_KIB, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "model.bin cannot be written" in said
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["model.bin"]


def test_a_full_disk_says_what_to_do(tmp_path: Path, full_disk: Callable[[], None]) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    full_disk()
    with pytest.raises(EngineError, match=r"No space left.*Free some room, or choose another disk"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["model.bin"]


def test_a_folder_of_somebody_else_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(EngineError, match=r"Permission denied\. Choose a folder of your own"):
        write_whole(tmp_path / "model.bin", b"new")


@posix
def test_a_link_stays_one_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    file, link = tmp_path / "there" / "model.bin", tmp_path / "link.bin"
    file.parent.mkdir()
    link.symlink_to(file)
    for content in (b"first", b"second"):  # a link to nothing, then to a file
        write_whole(link, content)
        assert link.is_symlink() and file.read_bytes() == content


@posix
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"new")
    assert os.read(reader, 10) == b"new" and pipe.is_fifo()
    os.close(reader)
    device = tmp_path / "null"
    device.symlink_to("/dev/null")
    write_whole(device, b"new")
    assert device.is_symlink() and device.is_char_device()


@posix
def test_the_standard_output_is_added_to_though_it_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    code = """if True:
        from pathlib import Path
        from vae_explorer.engine.files import write_whole
        print("table", flush=True)
        write_whole(Path("/dev/stdout"), b"report")
    """
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert path.read_bytes() == b"table\nreport"


@posix
def test_a_file_has_the_usual_mode_or_that_of_the_one_replaced(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    before = os.umask(0o027)
    try:
        write_whole(path, b"new")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        write_whole(path, b"newer")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o604


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be written"):
        write_whole(tmp_path, b"new")


@pytest.mark.parametrize("code", [5, 32, 1224])
def test_a_file_that_windows_keeps_for_another_program_is_to_be_closed_there(code: int) -> None:
    error = PermissionError(13, "Access is denied")
    assert disk_problem(error) == "Access is denied. Choose a folder of your own."
    error.winerror = code  # type: ignore[attr-defined]
    assert "Close it in other programs" in disk_problem(error)


@pytest.mark.parametrize("looks", [2, 10_000])
def test_on_windows_a_look_at_the_new_file_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    path, asked, move = tmp_path / "model.bin", itertools.count(), os.replace
    path.write_bytes(b"old")

    def replace(source: Path, target: Path) -> None:
        if next(asked) < looks:
            raise PermissionError(13, "Another process uses the file")
        move(source, target)

    monkeypatch.setattr(files, "fcntl", None)
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    monkeypatch.setattr("os.replace", replace)
    if looks == 2:
        write_whole(path, b"new")
        assert path.read_bytes() == b"new"
    else:
        with pytest.raises(EngineError, match="Another process uses the file"):
            write_whole(path, b"new")
        assert path.read_bytes() == b"old"
    assert not parts(path)


class WindowsHandles:
    """The calls on files of a system that removes none that is open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: dict[int, Path] = {}
        unlink = Path.unlink

        def unlink_closed(path: Path, missing_ok: bool = False) -> None:
            if path in self.paths.values():
                raise PermissionError(13, "Another process uses the file")
            unlink(path, missing_ok)

        calls = SimpleNamespace(**{**vars(os), "open": self.open, "close": self.close})
        monkeypatch.setattr(run_folder, "os", calls)
        monkeypatch.setattr(run_folder, "fcntl", None)
        monkeypatch.setattr(Path, "unlink", unlink_closed)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        handle = os.open(path, flags, mode)
        self.paths[handle] = path
        return handle

    def close(self, handle: int) -> None:
        del self.paths[handle]
        os.close(handle)


def test_a_folder_is_held_on_windows_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handles = WindowsHandles(monkeypatch)
    folder = tmp_path / "run"
    for _ in range(2):
        with run_folder.held_folder(folder):
            with pytest.raises(FolderHeld), run_folder.held_folder(folder):
                pass
            assert len(handles.paths) == 1
        assert not folder.exists()
    folder.mkdir()
    (folder / ".training.lock").touch()  # of a process that was killed
    with run_folder.held_folder(folder):
        assert handles.paths
