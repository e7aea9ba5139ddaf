"""Writing a file whole or not at all, and adding to one."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vae_explorer.engine.errors import EngineError

try:
    import fcntl
except ImportError:  # Windows, which removes no file that somebody has open
    fcntl = None

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def write_whole(path: Path, data: bytes) -> None:
    """Put data in a file, through a temporary file in the same folder; missing folders are made.

    A writer that is killed leaves its temporary file behind; the next one removes it.

    Raises:
        EngineError: the file cannot be written; what was there before is untouched.
    """
    with _problems_told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)  # before: what it frees may be needed
        handle, temporary = _locked_part(path)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(temporary, 0o644)
                if fcntl is not None:  # still locked: nobody can take it for abandoned
                    os.replace(temporary, path)
            if fcntl is None:
                os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def append_to(path: Path, data: bytes) -> None:
    """Add data to the end of a file, on the disk when this returns; a crash amid it leaves a part of the data.

    Raises:
        EngineError: the file cannot be written; it is as long as before.
    """
    with _problems_told(path), path.open("ab", buffering=0) as file:
        length = file.tell()
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(length)
            raise


@contextlib.contextmanager
def _problems_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {disk_problem(error)}") from error


def disk_problem(error: OSError) -> str:
    """What is wrong with a disk, and what to do where that is known; with its full stop."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return f"{reason}. Free some room, or choose another disk, and try again."
    if error.errno == errno.EROFS or isinstance(error, PermissionError):
        return f"{reason}. Choose a folder of your own."
    return f"{reason}."


def _locked_part(path: Path) -> tuple[int, str]:
    """A new temporary file beside `path`, held by a lock that ends with this process."""
    while True:
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part"
        )
        if fcntl is None:
            return handle, temporary
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, temporary
        os.close(handle)  # swept in the moment before the lock


def _sweep(path: Path) -> None:
    """Remove the temporary files of this file's writers that are dead."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(OSError):  # its writer lives, or it is gone already
            if fcntl is None:
                part.unlink()
                continue
            with part.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
