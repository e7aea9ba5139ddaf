"""The pixels of a large folder in one file: decoded once, mapped into memory from then on.

A training reads the pages it wants, and the system keeps as many of them as it has room for and
drops them again, so that the images may be more than the memory holds. The file is a plain .npy
in the order of the splits, and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import math
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_explorer import paths
from vae_explorer.engine.downloads import Cancelling, Progress
from vae_explorer.engine.errors import DataError
from vae_explorer.engine.image_folder import Frame, Listing, decode

IN_MEMORY = 64 * 2**20  # bytes of pixels; smaller folders are read anew each time, without a file
ABANDONED = 3600.0  # seconds without a byte, after which a part belongs to no living process
DECODING = 1  # to be counted up when the same picture comes out as other pixels
_BUFFER = 2**20

Shape = tuple[int, ...]

_log = logging.getLogger(__name__)


class PixelFile:
    """The same pixels by reading them, for pictures here and there.

    Touching pages that are not in memory takes ten times as long: the system reads on behind each, in vain.

    Args:
        path: of a .npy file.
        header: its length in bytes.
        size: of a picture, in bytes.
    """

    def __init__(self, path: Path, header: int, size: int) -> None:
        self._path, self._header, self._size = path, header, size
        self._handle = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._handle)

    def rows(self, index: Tensor) -> Tensor:
        """The pictures of some indices (B,), uint8 (B, C·H·W).

        Raises:
            DataError: the file is shorter than it was.
        """
        pixels = np.empty((len(index), self._size), np.uint8)
        for picture, number in zip(pixels, index.tolist(), strict=True):
            start = self._header + number * self._size
            if os.preadv(self._handle, [picture.data], start) != self._size:
                raise DataError(f"{self._path} cannot be read back: try again.")
        return torch.from_numpy(pixels)


def folder_pixels(
    listing: Listing,
    order: np.ndarray,
    frame: Frame,
    progress: Progress | None,
    cancelled: Cancelling | None,
) -> tuple[np.ndarray, PixelFile | None]:
    """The pictures of a folder in a given order, uint8 (N, C, H, W), and the file they are in, if any.

    From `IN_MEMORY` on they are a read-only view of a file; writing to it, or to a tensor made of
    it, ends the process. Where the system cannot read at a place, only the view is given.

    Args:
        listing: of the folder.
        order: int64 (N,), indices of the pictures.
        frame: what each is brought to.
        progress: told (pictures done, pictures in all), unless they are in the file already.
        cancelled: asked before each picture whether to stop.

    Raises:
        DataError: a file is no picture, or there is no room for the pixels.
        Cancelled: `cancelled()` said so; nothing is left behind.
    """
    shape = (len(order), *frame.shape)
    pictures = decode(listing, order, frame, progress, cancelled)
    if math.prod(shape) >= IN_MEMORY:
        names = _Names(listing, order, frame)
        cached = _cached(names, listing.folder, shape, pictures)
        if not hasattr(os, "preadv"):  # as on Windows
            return cached, None
        return cached, PixelFile(names.path, len(_header(shape)), math.prod(frame.shape))
    pixels = np.empty(shape, np.uint8)
    for index, picture in enumerate(pictures):
        pixels[index] = picture
    return pixels, None


class _Names:
    """Names of cache files: FOLDER-CONTENT-FRAME.npy, of which a change of the folder alters CONTENT."""

    def __init__(self, listing: Listing, order: np.ndarray, frame: Frame) -> None:
        self.directory = paths.user_cache() / "folders"
        self._owner = _digest([os.fsencode(listing.folder.resolve())])
        content = _digest([b"%d" % DECODING, order.tobytes(), *_entries(listing)])
        self._current = f"{self._owner}-{content}"
        self.path = self.directory / (
            f"{self._current}-{frame.size}x{frame.channels}-{frame.fit}.npy"
        )

    def remove_stale(self) -> None:
        """Remove what earlier states of the folder, and processes that died, have left."""
        for path in self.directory.glob(f"{self._owner}-*"):
            # on Windows a file in use stays, until the next time
            with contextlib.suppress(OSError):
                if path.suffix == ".part":
                    stale = time.time() - path.stat().st_mtime > ABANDONED
                else:
                    stale = not path.name.startswith(f"{self._current}-")
                if stale:
                    path.unlink()
                    _log.info("removed %s", path)


def _entries(listing: Listing) -> Iterable[bytes]:
    """Name, size and time of change of every picture."""
    for path in listing.files:
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
        yield os.fsencode(path.relative_to(listing.folder))
        yield b"%d %d" % (status.st_size, status.st_mtime_ns)


def _digest(pieces: Iterable[bytes]) -> str:
    found = hashlib.blake2b(digest_size=12)
    for piece in pieces:
        found.update(b"%d:" % len(piece) + piece)  # with lengths, no two lists read the same
    return found.hexdigest()


def _cached(
    names: _Names, folder: Path, shape: Shape, pictures: Iterable[np.ndarray]
) -> np.ndarray:
    """The pixels in the file, which is made first where it is missing or damaged."""
    names.remove_stale()
    pixels = _open(names.path, shape)
    if pixels is not None:
        return pixels
    size = math.prod(shape)
    try:
        names.directory.mkdir(parents=True, exist_ok=True)
        names.path.unlink(missing_ok=True)  # a damaged one: its room is needed
        free = shutil.disk_usage(names.directory).free
        if free < size:  # said now, not after an hour of decoding
            raise OSError(f"{_megabytes(free)} free")
        _write(names.path, shape, pictures)
    except OSError as error:
        raise DataError(
            f"The pixels of {folder}, {_megabytes(size)}, cannot be kept in {names.directory} "
            f"({error.strerror or error}): make room, choose a smaller image size, or name another "
            f"folder in {paths.CACHE_VARIABLE}."
        ) from error
    pixels = _open(names.path, shape)
    if pixels is None:
        raise DataError(f"{names.path} cannot be read back: try again.")
    return pixels


def _open(path: Path, shape: Shape) -> np.ndarray | None:
    """The file as an array, or None where it is missing, or not to the byte as long as it must be.

    It is mapped for reading alone: of a private copy that may be written to, systems set aside as
    much memory as the file is long, or refuse.
    """
    header = _header(shape)
    try:
        with path.open("rb") as file:
            whole = os.fstat(file.fileno()).st_size == len(header) + math.prod(shape)
            if not whole or file.read(len(header)) != header:
                return None
            return np.asarray(np.memmap(file, np.uint8, "r", len(header), shape))
    except OSError as error:
        _log.info("%s: %s", path, error)
        return None


def _write(path: Path, shape: Shape, pictures: Iterable[np.ndarray]) -> None:
    """Write picture by picture to a file beside, that takes its place when whole.

    Through a map, a full disk would end the process; `write` raises an OSError. Other users may
    not read the file (mkstemp's mode): the pictures in it may be private.
    """
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb", _BUFFER) as file:
            file.write(_header(shape))
            for picture in pictures:
                file.write(picture.tobytes())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


def _header(shape: Shape) -> bytes:
    """What precedes the pixels in a .npy file."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return header.getvalue()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
