"""What is done once and waited for: a photograph as a model's input, PPCA in closed form."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from tests.benchmarks.figures import Figure, Options, at_most
from tests.benchmarks.timing import alternate, percentile
from vae_explorer.engine.drawing import to_model_input
from vae_explorer.engine.linear_gaussian import closed_form
from vae_explorer.engine.moments import image_moments


def measure(options: Options) -> Iterable[Figure]:
    torch.set_num_threads(1)
    photograph = np.zeros((4000, 4000), np.uint8)
    photograph[500:3500, 1800:2300] = 255  # a one
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (60_000, 1, 28, 28), dtype=torch.uint8, generator=generator)
    works = {
        "a photograph of 16 megapixels as a model input": (lambda: to_model_input(photograph), 2.0),
        "PPCA of 60,000 images in closed form": (
            lambda: closed_form(image_moments(images), 2),
            20.0,
        ),
    }
    for what, (work, wanted) in works.items():
        seconds = alternate({what: work}, options.rounds(8))[what]
        yield at_most(what, "waiting", percentile(seconds, 50), wanted, "s", 1.0, seconds=seconds)
