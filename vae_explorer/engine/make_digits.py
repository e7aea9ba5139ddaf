"""`python -m vae_explorer.engine.make_digits`: the embedded digits, made from MNIST's files.

The choice is random but fixed, balanced over the classes, and written without time stamps: run
again, it gives the same bytes (with the same version of zlib; with any other, the same arrays).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import logging
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vae_explorer.engine.command_line import run_command
from vae_explorer.engine.errors import DataError
from vae_explorer.engine.files import write_whole
from vae_explorer.engine.idx import find_idx, read_pair

TRAIN_PER_CLASS = 1000
TEST_PER_CLASS = 200
CLASSES = 10
SIDE = 28
SEED = 2013  # the year of "Auto-Encoding Variational Bayes"
_DOS_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can hold

# MD5 of the unpacked values, headers left out: the same for .gz and unpacked files
_CONTENT = {
    "train-images-idx3-ubyte": "6510e85a72c3e9475c492d559d3770d2",
    "train-labels-idx1-ubyte": "e86ee40d66677c011a9abda399ec8c4d",
    "t10k-images-idx3-ubyte": "240610fa99e73bfa49df8e7fc24d3206",
    "t10k-labels-idx1-ubyte": "073c3904dfbd3e141ff8aa01cfde6b15",
}

_log = logging.getLogger(__name__)


def choose_balanced(labels: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Indices (classes * per_class,) of a random, shuffled choice, `per_class` of every class."""
    # RandomState: its streams are frozen for good, which a Generator's are not
    random = np.random.RandomState(seed)
    chosen = [
        random.permutation(np.flatnonzero(labels == label))[:per_class] for label in range(CLASSES)
    ]
    return random.permutation(np.concatenate(chosen))


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write what `numpy.load` reads, compressed, without time stamps, and whole or not at all."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", _DOS_EPOCH)
            member.create_system = 3  # the same on every platform
            member.external_attr = 0o644 << 16
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
            archive.writestr(member, buffer.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    write_whole(path, content.getvalue())


def read_original(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of MNIST's `train` or `t10k` split; refused unless the originals."""
    files = []
    for stem in (f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"):
        path = find_idx(folder, stem)
        if path is None:
            raise DataError(f"{folder} has neither {stem} nor {stem}.gz.")
        files.append((stem, path))
    arrays = read_pair(files[0][1], files[1][1], SIDE, CLASSES)
    for (stem, path), array in zip(files, arrays, strict=True):
        if hashlib.md5(array.tobytes(), usedforsecurity=False).hexdigest() != _CONTENT[stem]:
            raise DataError(f"{path} is not the original MNIST file of that name.")
    return arrays


def make_digits(folder: Path, out: Path) -> None:
    """Choose the embedded digits from the MNIST files in `folder`, and write them to `out`."""
    arrays = {}
    for name, split, per_class in (
        ("train", "train", TRAIN_PER_CLASS),
        ("test", "t10k", TEST_PER_CLASS),
    ):
        images, labels = read_original(folder, split)
        chosen = choose_balanced(labels, per_class, SEED)
        arrays[f"{name}_images"] = images[chosen]
        arrays[f"{name}_labels"] = labels[chosen]
    write_npz(out, arrays)
    _log.info("Wrote %s, %s bytes.", out, f"{out.stat().st_size:,}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 2 where the files are not what they should be."""
    parser = argparse.ArgumentParser(description="Make the embedded digits from the MNIST files.")
    parser.add_argument(
        "--data-dir", type=Path, required=True, help="folder of the four MNIST files"
    )
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    def command() -> int:
        make_digits(options.data_dir, options.out)
        return 0

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
