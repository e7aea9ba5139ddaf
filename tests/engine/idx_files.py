"""Write small idx files for tests."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

PLAIN = ("train", "t10k")


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(path: Path, array: np.ndarray) -> None:
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def digits(count: int, classes: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    images = random.randint(0, 256, (count, 28, 28)).astype(np.uint8)
    return images, (np.arange(count) % classes).astype(np.uint8)


def write_raw(
    folder: Path,
    train: int = 40,
    test: int = 20,
    suffix: str = ".gz",
    prefixes: tuple[str, str] = PLAIN,
    classes: int = 10,
) -> tuple[np.ndarray, np.ndarray]:
    """The four files of a small MNIST; gives back the training images and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for prefix, count in zip(prefixes, (train, test), strict=True):
        images, labels = digits(count, classes, seed=count)
        write_idx(folder / f"{prefix}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte{suffix}", labels)
        written.append((images, labels))
    return written[0]
