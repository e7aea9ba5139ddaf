"""256 grey levels a pixel, against a one-hot tensor and a log-softmax."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.benchmarks.children import run_module
from tests.benchmarks.data import real_digits
from tests.benchmarks.figures import Figure, Options, at_least
from tests.benchmarks.resident import peak_memory, resident_memory
from tests.benchmarks.timing import Work, alternate, ratio
from tests.benchmarks.training import reports
from vae_explorer.engine import ModelConfig
from vae_explorer.engine.likelihoods import Categorical, Likelihood

LEVELS, PIXELS, BATCH = 256, 784, 128
WHAT, AGAINST = "categorical K = 256", "one-hot and log-softmax"
MODEL = ModelConfig(likelihood="categorical", levels=LEVELS, latent_dim=20)


class OneHotCategorical(Likelihood):
    """The usual way: all logits, a log-softmax of them, and a one-hot tensor as large as they are."""

    parameters_per_value = LEVELS

    def __init__(self) -> None:
        super().__init__()
        self._levels = Categorical(LEVELS)

    def target(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self._levels.target(images, generator)

    def encoder_input(self, target: Tensor) -> Tensor:
        return self._levels.encoder_input(target)

    def log_prob(self, parameters: Tensor, target: Tensor) -> Tensor:
        log_p = torch.log_softmax(parameters.unflatten(-1, (PIXELS, LEVELS)), -1)
        return (F.one_hot(target, LEVELS).to(log_p.dtype) * log_p).sum((-2, -1))

    def mean(self, parameters: Tensor) -> Tensor:
        return self._levels.mean(parameters)

    def sample(self, parameters: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self._levels.sample(parameters, generator)


def measure(options: Options) -> Iterable[Figure]:
    """Time of value and gradient alone, and of a whole step of a training; and the memory."""
    torch.set_num_threads(1)
    works = {name: work(name == "one-hot") for name in ("one-hot", "ours")}
    yield _times(f"{WHAT}, value and gradient", works, options.rounds(12))
    digits = real_digits(options)
    steps = {
        "one-hot": reports(MODEL, digits, BATCH, OneHotCategorical()),
        "ours": reports(MODEL, digits, BATCH),
    }
    yield _times(f"{WHAT}, a step of a training", steps, options.rounds(4))
    usual, ours = (_memory(name) for name in ("one-hot", "ours"))
    value = usual / ours
    yield at_least(f"{WHAT}, memory", AGAINST, value, 2.0, one_hot_bytes=usual, bytes=ours)


def _times(what: str, works: Mapping[str, Work], rounds: int) -> Figure:
    seconds = alternate(works, rounds)
    value = ratio(seconds["one-hot"], seconds["ours"])
    return at_least(what, AGAINST, value, 2.0, seconds=seconds)


def work(one_hot: bool) -> Work:
    """A function that computes log p(x|z) of a batch and its gradient."""
    likelihood = OneHotCategorical() if one_hot else Categorical(LEVELS)
    target = likelihood.target(torch.randint(0, 256, (BATCH, PIXELS), dtype=torch.uint8))
    logits = torch.randn(BATCH, PIXELS * LEVELS, requires_grad=True)

    def run() -> None:
        logits.grad = None
        likelihood.log_prob(logits, target).mean().backward()

    return run


def _memory(name: str) -> int:
    """What a process grows by at its largest, beyond the logits themselves."""
    return int(json.loads(run_module("tests.benchmarks.categorical", name))["bytes"])


def main(name: str) -> None:
    """The child: two rounds, and the growth of the process."""
    torch.set_num_threads(1)
    run = work(name == "one-hot")
    before = resident_memory()
    run()
    run()
    sys.stdout.write(json.dumps({"bytes": peak_memory() - before}))


if __name__ == "__main__":
    main(sys.argv[1])
