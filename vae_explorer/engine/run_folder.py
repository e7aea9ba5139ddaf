"""The folder of a training: made, tried and held, before anything is read or computed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from vae_explorer.engine.errors import EngineError, FolderHeld
from vae_explorer.engine.files import disk_problem

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextlib.contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder, which is made where it is missing and goes again if it stays empty.

    The lock ends with this process, whatever ends that.

    Raises:
        FolderHeld: another training has it.
        EngineError: it cannot be written to.
    """
    places = (folder, *folder.parents)
    missing = [place for place in places if not os.path.lexists(place)]
    lock = folder / ".training.lock"
    with contextlib.ExitStack() as after:
        after.callback(_remove_empty, missing)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = _open(lock)
        except (FileExistsError, NotADirectoryError) as error:
            file = next((place for place in places if place.is_file()), folder)
            raise EngineError(f"{file} is a file: name a folder.") from error
        except OSError as error:
            raise EngineError(f"{folder} cannot be written to: {disk_problem(error)}") from error
        if handle is None:
            raise FolderHeld(f"Another training writes into {folder}: name another folder.")
        after.callback(_close, lock, handle)
        yield


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders, the innermost first, as far as they are empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _open(lock: Path) -> int | None:
    """The file, locked; nothing where another process has it."""
    if fcntl is None:
        return _open_alone(lock)
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:  # a file system without locks
            return handle
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # its owner removed it in the moment before the lock


def _open_alone(lock: Path) -> int | None:
    """The same on Windows, where no file can be removed as long as a process has it open."""
    try:
        lock.unlink(missing_ok=True)  # of a process that is dead
    except PermissionError:
        return None
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except FileExistsError:  # another came first
        return None


def _close(lock: Path, handle: int) -> None:
    """Remove the file while it is locked; Windows removes none that is open."""
    with contextlib.suppress(OSError):
        if fcntl is not None:
            lock.unlink()
    os.close(handle)
    with contextlib.suppress(OSError):
        if fcntl is None:
            lock.unlink()
