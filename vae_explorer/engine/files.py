"""Writing a file whole or not at all, and adding to one."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from vae_explorer.engine.errors import EngineError

try:
    import fcntl
except ImportError:  # Windows, which removes no file that somebody has open
    fcntl = None

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
PATIENCE = 0.5  # seconds that a file may be looked at by others; the window may stand still so long, and not longer
_IN_USE = (5, 32, 33, 1224)  # of Windows: access denied, shared, locked, mapped into memory


def write_whole(path: Path, data: bytes | Iterable[bytes | memoryview]) -> None:
    """Put data, or piece after piece of it, in a file, through a temporary file in the same folder.

    Missing folders are made.

    A link stays one, and what it points to is replaced; a device or a pipe is written to. The file has the mode of the
    one that it replaces, or the user's usual one. A writer that is killed leaves its temporary file behind; the next
    one removes it.

    Raises:
        EngineError: the file cannot be written; what was there before is untouched.
    """
    pieces = [data] if isinstance(data, bytes) else data
    with _problems_told(path):
        if _is_special(path):
            with path.open("ab") as file:  # behind what the standard output has already
                file.writelines(pieces)
            return
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)  # before: what it frees may be needed
        handle, temporary = _locked_part(target)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
                if target.exists():
                    os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
                if fcntl is not None:  # still locked: nobody can take it for abandoned
                    os.replace(temporary, target)
            if fcntl is None:
                _replace_patiently(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _replace_patiently(temporary: Path, target: Path) -> None:
    """As `os.replace`, on Windows, where a virus scanner opens every new file for a moment, and it cannot be moved."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            os.replace(temporary, target)
            return
        except PermissionError:
            if time.monotonic() >= end:
                raise
            time.sleep(PATIENCE / 50)


def check_writable(path: Path) -> None:
    """Find out before long work whether `write_whole` will be able to write there.

    Raises:
        EngineError: it will not.
    """
    with _problems_told(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not _is_special(path):
            target = Path(os.path.realpath(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = _locked_part(target)
            os.close(handle)
            os.unlink(temporary)


def _is_special(path: Path) -> bool:
    """Whether a device, a pipe or a folder is there, or a file under the name of one, such as /dev/stdout."""
    named_as_one = path.parent in (Path("/dev"), Path("/dev/fd"))
    return path.exists() and (named_as_one or not path.is_file())


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
    if "\0" in str(path):  # for which Python has a ValueError
        raise EngineError(f"{str(path)!r} cannot be written: no name has a null character in it.")
    try:
        yield
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {disk_problem(error)}") from error


def disk_problem(error: OSError) -> str:
    """What is wrong with a disk, and what to do where that is known; with its full stop."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return f"{reason}. Free some room, or choose another disk, and try again."
    if getattr(error, "winerror", None) in _IN_USE:
        return f"{reason}. Close it in other programs, or choose another name or folder."
    if error.errno == errno.EROFS or isinstance(error, PermissionError):
        return f"{reason}. Choose a folder of your own."
    return f"{reason}."


def _locked_part(path: Path) -> tuple[int, Path]:
    """A new temporary file beside `path`, held by a lock that ends with this process."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)  # less the umask
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
