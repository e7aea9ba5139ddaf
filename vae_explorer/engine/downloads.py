"""Fetch a file: in pieces, with progress, so that it can be stopped and taken up again.

What has arrived lies in `NAME.part` beside the target, and becomes the target only when its
checksum is right.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from vae_explorer import __version__
from vae_explorer.engine.errors import Cancelled, DataError

Progress = Callable[[int, int | None], None]
Cancelling = Callable[[], bool]

CHUNK = 256 * 1024
TIMEOUT = 10.0  # seconds without a byte
ATTEMPTS = 3  # at one address, as long as each brings something new
_HEADERS = {"User-Agent": f"vae-explorer/{__version__}", "Accept-Encoding": "identity"}

_log = logging.getLogger(__name__)


class _Interrupted(Exception):
    """This address gives the file no further; its text goes into the sentence for the user."""


@dataclass(frozen=True)
class RemoteFile:
    """A file and where it is to be had.

    Attributes:
        name: of the file in its folder.
        urls: the same file at several addresses, the preferred one first.
        md5: of its bytes, in hexadecimal.
    """

    name: str
    urls: Sequence[str]
    md5: str


def fetch_all(
    files: Sequence[RemoteFile],
    folder: Path,
    progress: Progress | None = None,
    cancelled: Cancelling | None = None,
) -> None:
    """Fetch the files that `folder` has not got; `progress(done, total)` counts the bytes of all.

    Raises:
        DataError: no address gives a file, its checksum is wrong, or it cannot be written.
        Cancelled: `cancelled()` said so; what has arrived is kept for the next call to go on from.
    """
    missing = [file for file in files if not (folder / file.name).is_file()]
    total = _total_size(missing, cancelled) if progress else None
    finished = 0
    for file in missing:
        report = _shifted(progress, finished, total) if progress else None
        fetch(file, folder, report, cancelled)
        finished += (folder / file.name).stat().st_size


def fetch(
    file: RemoteFile,
    folder: Path,
    progress: Progress | None = None,
    cancelled: Cancelling | None = None,
) -> Path:
    """Fetch one file into `folder`, going on from what an earlier call left; see `fetch_all`.

    One that is there already is not fetched, but refused where its checksum is another.
    """
    target = folder / file.name
    if target.is_file():
        _check(target, file.md5)
        return target
    transfer = _Transfer(target, progress, cancelled)
    reasons = []
    for url in file.urls:
        try:
            transfer.run(url, file.md5)
            return target
        except _Interrupted as error:
            reasons.append(f"{urlsplit(url).hostname}: {error}")
            _log.info("%s from %s: %s", file.name, url, error)
        except OSError as error:  # of our own disk: the network's are _Interrupted
            raise DataError(
                f"{file.name} cannot be written to {folder}: {error.strerror or error}."
            ) from error
    raise DataError(
        f"{file.name} could not be downloaded ({'; '.join(reasons)}): check the connection, "
        f"or put the file into {folder} yourself."
    )


class _Transfer:
    """One file on its way to `target`, from one address after another."""

    def __init__(
        self,
        target: Path,
        progress: Progress | None,
        cancelled: Cancelling | None,
    ) -> None:
        self.target = target
        self.part = target.with_name(target.name + ".part")
        self._progress = progress or (lambda done, total: None)
        self._cancelled = cancelled or (lambda: False)

    def run(self, url: str, md5: str) -> None:
        """Fetch from `url`; a part that turns out to be of another file is thrown away once."""
        resumed = self._size() > 0
        self._receive_all(url)
        if resumed and self._md5() != md5:
            self.part.unlink(missing_ok=True)
            self._receive_all(url)
        if self._md5() != md5:
            self.part.unlink(missing_ok=True)
            raise _Interrupted("it sent a file with another checksum")
        os.replace(self.part, self.target)

    def _receive_all(self, url: str) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            before = self._size()
            try:
                self._receive(url)
                return
            except _Interrupted:
                if attempt == ATTEMPTS or self._size() <= before:
                    raise

    def _receive(self, url: str) -> None:
        """Append to the part what is missing, or begin again where the server knows no ranges."""
        self._stop_if_cancelled()
        offset = self._size()
        with _open(url, offset) as response:
            if response is None:  # there is nothing after `offset`
                return
            if not _continues(response, offset):
                offset = 0
            length = response.length  # of this answer: what is still to come
            total = None if length is None else offset + length
            self.part.parent.mkdir(parents=True, exist_ok=True)
            done = offset
            with self.part.open("ab" if offset else "wb") as out:
                self._progress(done, total)
                while piece := _read(response):
                    self._stop_if_cancelled()
                    out.write(piece)
                    done += len(piece)
                    self._progress(done, total)
        if total is not None and done < total:
            raise _Interrupted(f"the connection broke after {done:,} of {total:,} bytes")

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled(f"The download of {self.target.name} was stopped.")

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _md5(self) -> str:
        return _md5(self.part) if self.part.is_file() else ""


def _check(path: Path, md5: str) -> None:
    try:
        found = _md5(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if found != md5:
        raise DataError(
            f"{path} is damaged, incomplete or another file (its checksum is wrong): delete it, and fetch it again."
        )


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@contextlib.contextmanager
def _open(url: str, offset: int) -> Iterator[http.client.HTTPResponse | None]:
    """The server's answer, from `offset` on where it can; None where nothing lies behind it."""
    headers = dict(_HEADERS)
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        request = urllib.request.Request(url, headers=headers)
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if offset and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            yield None
            return
        raise _Interrupted(f"it answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_reason(error)) from error
    with response:
        yield response


def _continues(response: http.client.HTTPResponse, offset: int) -> bool:
    """Whether the answer begins at `offset`; a server may send the whole file instead."""
    content_range = response.headers.get("Content-Range", "")
    partial = response.status == http.client.PARTIAL_CONTENT
    return partial and content_range.startswith(f"bytes {offset}-")


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_reason(error)) from error


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)  # what a URLError wraps
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _total_size(files: Sequence[RemoteFile], cancelled: Cancelling | None) -> int | None:
    """The bytes of all files together, or None where a server does not say."""
    sizes = []
    for file in files:
        if cancelled and cancelled():
            return None
        request = urllib.request.Request(file.urls[0], headers=_HEADERS, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                sizes.append(int(response.headers["Content-Length"]))
        except (OSError, http.client.HTTPException, TypeError, ValueError):
            return None
    return sum(sizes)


def _shifted(progress: Progress, before: int, total: int | None) -> Progress:
    """Progress over several files from the progress of one, `before` bytes into them."""

    def report(done: int, _: int | None) -> None:
        progress(before + done, total)

    return report
