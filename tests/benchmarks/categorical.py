"""256 grey levels a pixel, against a one-hot tensor and a log-softmax."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.benchmarks.children import run_module
from tests.benchmarks.figures import Figure, Options, at_least
from tests.benchmarks.resident import peak_memory, resident_memory
from tests.benchmarks.timing import alternate, ratio
from vae_explorer.engine.likelihoods import Categorical

LEVELS, PIXELS, BATCH, WIDTH = 256, 784, 128, 256
WHAT, AGAINST = "categorical K = 256", "one-hot and log-softmax"


def measure(options: Options) -> Iterable[Figure]:
    """Time of value and gradient alone, and of a decoder's last layer with them; and the memory."""
    torch.set_num_threads(1)
    for what, layer in ((f"{WHAT}, value and gradient", False), (f"{WHAT}, with its layer", True)):
        works = {name: work(name == "one-hot", layer) for name in ("one-hot", "ours")}
        seconds = alternate(works, options.rounds(12))
        value = ratio(seconds["one-hot"], seconds["ours"])
        yield at_least(what, AGAINST, value, 2.0, seconds=seconds)
    usual, ours = (_memory(name) for name in ("one-hot", "ours"))
    value = usual / ours
    yield at_least(f"{WHAT}, memory", AGAINST, value, 2.0, one_hot_bytes=usual, bytes=ours)


def work(one_hot: bool, layer: bool) -> Callable[[], None]:
    """A function that computes log p(x|z) of a batch and its gradient."""
    likelihood = Categorical(LEVELS)
    pixels = torch.randint(0, 256, (BATCH, PIXELS), dtype=torch.uint8)
    target = likelihood.target(pixels)
    last = torch.nn.Linear(WIDTH, PIXELS * LEVELS)
    hidden = torch.randn(BATCH, WIDTH)
    logits = last(hidden).detach().requires_grad_()

    def run() -> None:
        parameters = last(hidden) if layer else logits
        for tensor in (logits, *last.parameters()):
            tensor.grad = None
        log_prob = _one_hot_log_prob if one_hot else likelihood.log_prob
        log_prob(parameters, target).mean().backward()

    return run


def _one_hot_log_prob(parameters: Tensor, target: Tensor) -> Tensor:
    log_p = torch.log_softmax(parameters.unflatten(-1, (PIXELS, LEVELS)), -1)
    return (F.one_hot(target, LEVELS).to(log_p.dtype) * log_p).sum((-2, -1))


def _memory(name: str) -> int:
    """What a process grows by at its largest, beyond the logits themselves."""
    return int(json.loads(run_module("tests.benchmarks.categorical", name))["bytes"])


def main(name: str) -> None:
    """The child: two rounds, and the growth of the process."""
    torch.set_num_threads(1)
    run = work(name == "one-hot", layer=False)
    before = resident_memory()
    run()
    run()
    sys.stdout.write(json.dumps({"bytes": peak_memory() - before}))


if __name__ == "__main__":
    main(sys.argv[1])
