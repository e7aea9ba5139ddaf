"""The idx files of MNIST and its relatives, read with numpy and believed in nothing.

An idx file is two zero bytes, a type code, the number of dimensions, the dimensions as big-endian
32-bit numbers, and the values. Here the type is always unsigned bytes. A file may be gzipped.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from vae_explorer.engine.errors import DataError

UNSIGNED_BYTE = 0x08
MAX_BYTES = 4 * 2**30  # of one file, uncompressed: fourteen times the largest relative of MNIST


def find_idx(folder: Path, stem: str) -> Path | None:
    """The file called `stem` in `folder`, unpacked or gzipped; None where there is neither."""
    candidates = (folder / stem, folder / f"{stem}.gz")
    return next((path for path in candidates if path.is_file()), None)


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The values of an idx file of unsigned bytes.

    Args:
        path: the file, gzipped where its name ends in `.gz`.
        dimensions: how many it must have: 3 for images (N, H, W), 1 for labels (N,).

    Raises:
        DataError: the file is unreadable, of another kind, not as long as its header says, or too long for memory.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            shape = _read_header(file.read(4 + 4 * dimensions), path, dimensions)
            count = math.prod(shape)
            data = file.read(count + 1)  # one more than it should hold
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path} is damaged or incomplete: delete it, and fetch it again."
        ) from error
    except MemoryError as error:
        raise DataError(
            f"{path} announces more values than there is memory for: close other programs, or "
            "delete it if it is damaged, and fetch it again."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) < count:
        raise DataError(
            f"{path} is incomplete, {len(data):,} bytes of {count:,}: "
            "delete it, and fetch it again."
        )
    if len(data) > count:
        raise DataError(
            f"{path} holds more than the {count:,} bytes its header announces: it is no MNIST file."
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read_header(header: bytes, path: Path, dimensions: int) -> tuple[int, ...]:
    if len(header) < 4 + 4 * dimensions:
        raise DataError(f"{path} is incomplete: it ends within its header.")
    if header[:4] != bytes((0, 0, UNSIGNED_BYTE, dimensions)):
        kind = "images" if dimensions == 3 else "labels"
        raise DataError(f"{path} is not a file of {kind} in the MNIST (idx) format.")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if not 0 < math.prod(shape) <= MAX_BYTES:
        raise DataError(
            f"{path} announces {' x '.join(map(str, shape))} values, which cannot be right."
        )
    return shape


def read_pair(
    images_file: Path, labels_file: Path, side: int, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, side, side) and labels (N,), both uint8, that fit each other.

    Raises:
        DataError: a file is damaged, the counts differ, or a label or size is out of range.
    """
    images = read_idx(images_file, dimensions=3)
    labels = read_idx(labels_file, dimensions=1)
    if images.shape[1:] != (side, side):
        size = " x ".join(map(str, images.shape[1:]))
        raise DataError(f"{images_file} holds images of {size} pixels instead of {side} x {side}.")
    if len(images) != len(labels):
        raise DataError(
            f"{labels_file} has {len(labels):,} labels "
            f"for the {len(images):,} images of {images_file.name}."
        )
    if labels.max() >= classes:
        raise DataError(
            f"{labels_file} has a label {labels.max()}: there are classes 0 to {classes - 1} only."
        )
    return images, labels
