"""How cost grows: images, latent dimensions, grey levels, hidden units, points on the canvas."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch

from tests.benchmarks.children import run_module
from tests.benchmarks.data import random_images
from tests.benchmarks.figures import Figure, Options
from tests.benchmarks.timing import Work, exponent
from tests.benchmarks.training import reports
from vae_explorer.engine import ModelConfig, TrainingConfig, build_model, fit
from vae_explorer.engine.training import REPORT_EVERY

BATCH = 128
LINEAR = 1.1  # the exponent that timing cannot tell from 1
Costs = Mapping[int, float]  # size -> seconds


def measure(options: Options) -> Iterable[Figure]:
    """Cost at each size, in seconds, and the exponent p of cost ∝ sizeᵖ over the larger half of them."""
    torch.set_num_threads(1)
    rounds = options.rounds(8)
    curves: dict[str, Costs] = {}
    for what, sizes, cost in _topics(options, rounds):
        curves[what] = {size: cost(size) for size in sizes}
        yield _figure(what, curves[what])
    arguments = ("points", "--count", str(rounds))
    found = json.loads(run_module("tests.benchmarks.window_process", *arguments))
    curves["points on the canvas, to show them"] = {int(k): v for k, v in found.items()}
    yield _figure(*list(curves.items())[-1])
    if options.plot:
        plot(curves, options.plot)


def _topics(
    options: Options, rounds: int
) -> list[tuple[str, tuple[int, ...], Callable[[int], float]]]:
    noise = random_images(10_000)

    def step(size: int, batch: int = BATCH, **model: object) -> float:
        run = reports(ModelConfig(**model), noise, batch)  # type: ignore[arg-type]
        run()
        return _median(run, rounds) / REPORT_EVERY

    most = 100_000 if options.quick else 1_000_000
    images = tuple(n for n in (10_000, 30_000, 100_000, 300_000, 1_000_000) if n <= most)
    return [
        ("images, an epoch", images, _epoch),
        ("latent dimensions d, a step", (2, 8, 32, 128), lambda d: step(d, latent_dim=d)),
        (
            "grey levels K, a step",
            (2, 8, 32, 128, 256),
            lambda k: step(k, batch=32, likelihood="categorical", levels=k),
        ),
        (
            "hidden units, a step",
            (256, 512, 1024, 2048, 4096),
            lambda h: step(h, preset="deep", widths=(h,)),
        ),
    ]


def _epoch(images: int) -> float:
    """Seconds of a whole epoch, its shuffle and validation included."""
    config = TrainingConfig(epochs=1, batch_size=BATCH)
    events = fit(build_model(ModelConfig()), random_images(images), config)
    next(events)
    began = time.thread_time()
    for _ in events:
        pass
    return time.thread_time() - began


def _median(run: Work, rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        began = time.thread_time()
        run()
        seconds.append(time.thread_time() - began)
    return statistics.median(seconds)


def _figure(what: str, costs: Costs) -> Figure:
    sizes, value = list(costs), _exponent(costs)
    ends = f"{_seconds(costs[sizes[0]])} → {_seconds(costs[sizes[-1]])}"
    return Figure(
        f"growth: {what}, {sizes[0]:,} → {sizes[-1]:,}",
        "linear, exponent 1",
        f"≤ {LINEAR:g}",
        value,
        f"exponent {value:.2f} ({ends})",
        value <= LINEAR,
        {"costs": {str(size): cost for size, cost in costs.items()}},
    )


def _exponent(costs: Costs) -> float:
    half = list(costs)[len(costs) // 2 - 1 :]  # where the fixed costs no longer hide the growth
    return exponent(half, [costs[size] for size in half])


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{1e3 * value:.1f} ms"


def plot(curves: Mapping[str, Costs], path: Path) -> None:
    """Cost over size on logarithmic axes, a panel each, with a line of exponent 1."""
    from matplotlib.figure import Figure as Plot
    from matplotlib.ticker import NullFormatter

    figure = Plot(figsize=(3.2 * len(curves), 3.2), layout="constrained")
    for axes, (what, costs) in zip(figure.subplots(1, len(curves)), curves.items(), strict=True):
        sizes, seconds = list(costs), list(costs.values())
        axes.loglog(sizes, seconds, "o-", color="#0072b2")
        last = [seconds[-1] * size / sizes[-1] for size in sizes]
        axes.loglog(sizes, last, "--", color="#888888", linewidth=1)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_title(f"{what}\nexponent {_exponent(costs):.2f}", fontsize=9)
        axes.set_ylabel("seconds")
    figure.savefig(path, dpi=150)
