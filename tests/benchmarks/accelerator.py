"""A training on the accelerator, where there is one: against the usual loop, its products, and steps one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from unittest import mock

import torch

from tests.benchmarks.categorical import AGAINST, BATCH, MODEL, OneHotCategorical
from tests.benchmarks.data import real_digits, torchvision_layout
from tests.benchmarks.figures import Figure, Options, at_least, not_measured, share
from tests.benchmarks.products import torchs_multiply
from tests.benchmarks.timing import Work, alternate, ratio, repeated
from tests.benchmarks.training import (
    PIECES,
    PRECISIONS,
    PRODUCTS,
    SIMPLE,
    WHAT,
    larger_models,
    products,
    reports,
    usual_steps,
)
from vae_explorer.engine import ModelConfig, replay
from vae_explorer.engine.data import Dataset
from vae_explorer.engine.device import available_accelerator
from vae_explorer.engine.training import REPORT_EVERY

STEPS = PIECES * REPORT_EVERY


def measure(options: Options) -> Iterable[Figure]:
    """Nothing where there is no accelerator."""
    device = available_accelerator()
    if device is None:
        return
    digits = real_digits(options)
    yield from _against_loader(options, digits, device.type)
    for batch, wanted in ((128, 0.65), (512, 0.85)):
        yield _product_share(
            options, digits, device.type, SIMPLE, batch, f"{WHAT}, batch {batch}", wanted
        )
    for what, model in larger_models(digits).items():
        yield _product_share(options, digits, device.type, model, 128, what, 0.6)
    for what, model in {WHAT: SIMPLE, **larger_models(digits)}.items():
        yield _against_launches(options, digits, model, what)
    steps = {
        "one-hot": reports(MODEL, digits, BATCH, OneHotCategorical(), device="auto"),
        "ours": reports(MODEL, digits, BATCH, device="auto"),
    }
    seconds = alternate(steps, options.rounds(12), time.perf_counter)
    value = ratio(seconds["one-hot"], seconds["ours"])
    yield at_least(_named("categorical K = 256"), AGAINST, value, 2.0, seconds=seconds)


def _named(what: str) -> str:
    return f"accelerator: {what}"


def _against_loader(options: Options, digits: Dataset, device: str) -> Iterable[Figure]:
    against = "the usual DataLoader loop"
    with torchvision_layout(options) as root:
        for precision in PRECISIONS:
            what = _named(f"{WHAT}, batch 128")
            if precision != "float32":
                what += f", {precision} products"
            if root is None:
                yield not_measured(what, against, "≥ 4.5×", "no MNIST in the data folder")
                continue
            ours = reports(SIMPLE, digits, 128, precision=precision, device="auto")
            works = {
                "usual": repeated(usual_steps(root, 128, device), PIECES),
                "ours": repeated(ours, PIECES),
            }
            seconds = alternate(works, options.rounds(12), time.perf_counter)
            value = ratio(seconds["usual"], seconds["ours"])
            yield at_least(what, against, value, 4.5, seconds=seconds, steps=STEPS)


def _product_share(
    options: Options,
    data: Dataset,
    device: str,
    model: ModelConfig,
    batch: int,
    what: str,
    wanted: float,
) -> Figure:
    alone = repeated(products(model, data, batch, torchs_multiply, device), STEPS)
    works = {
        "step": repeated(reports(model, data, batch, device="auto"), PIECES),
        "products": _to_the_end(alone),
    }
    seconds = alternate(works, options.rounds(16), time.perf_counter)
    value = ratio(seconds["products"], seconds["step"])
    return share(_named(what), PRODUCTS, value, wanted, seconds=seconds, steps=STEPS)


def _to_the_end(work: Work) -> Callable[[], None]:
    def run() -> None:
        work()
        torch.accelerator.synchronize()

    return run


def _against_launches(options: Options, data: Dataset, model: ModelConfig, what: str) -> Figure:
    """What it brings to hand the device a step as a whole."""
    replayed = repeated(reports(model, data, 128, device="auto"), PIECES)
    plain = repeated(reports(model, data, 128, device="auto"), PIECES)

    def one_by_one() -> None:
        with mock.patch.object(replay, "PLAIN_STEPS", 10**9):
            plain()

    works = {"one by one": one_by_one, "replayed": replayed}
    seconds = alternate(works, options.rounds(12), time.perf_counter)
    value = ratio(seconds["one by one"], seconds["replayed"])
    against = "the same, operation by operation"
    return Figure(_named(what), against, "", value, f"{value:.2f}×", None, {"seconds": seconds})
