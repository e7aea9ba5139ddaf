"""The windows of the gui tests, and a folder of a few images to train on in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.gui.conftest import joint, joint_file, make_controller, vae_file, wide_file

__all__ = ["joint", "joint_file", "make_controller", "vae_file", "wide_file"]


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two classes of 60 images: upright bars and lying bars."""
    folder = tmp_path_factory.mktemp("bars")
    random = np.random.default_rng(0)
    for name, axis in (("lying", 0), ("upright", 1)):
        (folder / name).mkdir()
        for index in range(60):
            image = np.zeros((28, 28), dtype=np.uint8)
            middle = int(random.integers(8, 20))
            band = [slice(4, 24), slice(4, 24)]
            band[axis] = slice(middle - 2, middle + 2)
            image[tuple(band)] = 220
            Image.fromarray(image).save(folder / name / f"{index}.png")
    return folder
