"""The images that the benchmarks use."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from tests.benchmarks.figures import Options
from vae_explorer.engine import load_dataset
from vae_explorer.engine.data import Dataset, Split
from vae_explorer.engine.errors import EngineError


def real_digits(options: Options) -> Dataset:
    """MNIST from the data folder, else the bundled digits."""
    try:
        return load_dataset("mnist", options.data_dir, download=False)
    except EngineError:
        return load_dataset("digits")


def random_images(count: int) -> Dataset:
    """Noise in MNIST's shape, `count` images to train on."""

    def split(size: int) -> Split:
        generator = torch.Generator().manual_seed(size)
        images = torch.randint(0, 256, (size, 1, 28, 28), dtype=torch.uint8, generator=generator)
        return Split(images, None)

    return Dataset("noise", "Noise", split(count), split(10), split(10), ())


@contextmanager
def torchvision_layout(options: Options) -> Iterator[Path | None]:
    """A folder that torchvision's MNIST class reads: it wants the raw files unpacked; None without them."""
    raw = None if options.data_dir is None else options.data_dir / "MNIST" / "raw"
    if raw is None or not raw.is_dir():
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "MNIST" / "raw"
        target.mkdir(parents=True)
        for source in raw.iterdir():
            if source.suffix == ".gz":
                with gzip.open(source) as packed, open(target / source.stem, "wb") as plain:
                    shutil.copyfileobj(packed, plain)
            elif not (target / source.name).exists():
                shutil.copy(source, target)
        yield Path(folder)
