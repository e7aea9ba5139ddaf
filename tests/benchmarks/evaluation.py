"""The importance-weighted bound of many samples, against its matrix products alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import torch

from tests.benchmarks.figures import Figure, Options, share
from tests.benchmarks.products import Multiply, engines_multiply, torchs_multiply
from tests.benchmarks.timing import alternate, ratio
from vae_explorer.engine import ModelConfig, build_model
from vae_explorer.engine.device import keep_freed_memory
from vae_explorer.engine.importance import importance_bound
from vae_explorer.engine.vae import VAE

SAMPLES, IMAGES = 5000, 10_000
CONFIG = ModelConfig(preset="deep", widths=(200, 200), activation="tanh", latent_dim=50)
AT_ONCE = 2500  # rows of a product: what a processor's cache holds


def measure(options: Options) -> Iterable[Figure]:
    """A few images stand for ten thousand: the work of each is the same."""
    torch.set_num_threads(1)
    keep_freed_memory()  # as `evaluation` does
    model = build_model(CONFIG)
    assert isinstance(model, VAE)
    images = 4 if options.quick else 8
    works = {
        "bound": _bound(model, images),
        "products": _products(images, torchs_multiply),
        "engine's products": _products(images, engines_multiply),
    }
    seconds = alternate(works, options.rounds(16))
    value = ratio(seconds["products"], seconds["bound"])
    hours = sorted(seconds["bound"])[len(seconds["bound"]) // 2] * IMAGES / images / 3600
    yield share(
        f"IW bound, {SAMPLES} samples × {IMAGES:,} images, 200-200, d = 50",
        "its matrix products alone",
        value,
        0.6,
        ratio(seconds["engine's products"], seconds["bound"]),
        seconds=seconds,
        images=images,
        hours_on_one_thread=hours,
    )


def _bound(model: VAE, images: int) -> Callable[[], None]:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (images, 784), dtype=torch.uint8, generator=generator)
    target = model.likelihood.target(pixels, generator)
    with torch.no_grad():
        posterior = model.encode(target)

    def run() -> None:
        for _ in importance_bound(model, target, None, posterior, SAMPLES, generator):
            pass

    return run


def _products(images: int, multiply: Multiply) -> Callable[[], None]:
    widths = (CONFIG.latent_dim, *CONFIG.widths[::-1], CONFIG.pixels)
    layers = list(itertools.pairwise(widths))
    inputs = [torch.randn(AT_ONCE, left) for left, _ in layers]
    weights = [torch.randn(right, left) for left, right in layers]
    outputs = [torch.empty(AT_ONCE, right) for _, right in layers]

    def run() -> None:
        for _ in range(images * SAMPLES // AT_ONCE):
            for x, weight, out in zip(inputs, weights, outputs, strict=True):
                multiply(x, weight.t(), out)

    return run
