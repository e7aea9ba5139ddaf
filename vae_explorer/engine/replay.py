"""A step of a training as one launch, where the device is CUDA's.

A step is a hundred small operations, and to launch one takes the processor longer than a GPU takes to do it. CUDA
records them once, with the memory they use, and launches all of them at a time: the same step in a fifth of the time.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vae_explorer.engine.config import TrainingConfig
from vae_explorer.engine.losses import BatchResult
from vae_explorer.engine.objective import Weights

PLAIN_STEPS = 3  # before a recording, which must find the libraries' choices and workspaces made

Step = Callable[[Tensor, Tensor | None, Weights, float | Tensor], BatchResult]
"""From the indices of a batch, and of its labelled images where only some are, the weights and the learning rate."""


def is_replayable(config: TrainingConfig, device: torch.device) -> bool:
    """Whether the steps of a training can be recorded, if its pixels are on the device."""
    # AMD's devices say cuda, but their libraries may hang in a recording; before 2.9 torch collects garbage for it,
    # the window's among it, which only the window's thread may; Adamax counts its steps on the host.
    fits = torch.version.hip is None and torch.__version__ >= (2, 9)  # type: ignore[operator]
    return device.type == "cuda" and fits and config.optimizer == "adam"


@dataclass(frozen=True)
class _Recording:
    graph: torch.cuda.CUDAGraph
    index: Tensor
    labelled: Tensor | None
    result: BatchResult  # of the last replay


class ReplayedStep:
    """A step that is recorded when it has been taken a few times, anew for every size of its batches.

    Where it cannot be recorded, it is taken operation by operation, and a warning says so.

    Args:
        step: what it does must depend on nothing but its arguments and on what lies where it lay before.
        generator: the source of its random numbers, on the device.
        drop_gradients: undoes what a step that broke off leaves.
    """

    def __init__(
        self, step: Step, generator: torch.Generator, drop_gradients: Callable[[], None]
    ) -> None:
        self._step, self._generator, self._drop_gradients = step, generator, drop_gradients
        self._numbers = torch.zeros(3, device=generator.device)  # β, λ and the learning rate
        self._told = [math.nan] * len(self._numbers)
        self._taken: Counter[object] = Counter()
        self._recordings: dict[object, _Recording] = {}
        self._pool = None
        self._records = True

    def __call__(
        self, index: Tensor, labelled: Tensor | None, weights: Weights, rate: float, turn: int
    ) -> BatchResult:
        """Take the step.

        Args:
            turn: another number where it moves other parameters.
        """
        self._tell(float(weights.beta), float(weights.classification), rate)
        key = (turn, len(index), None if labelled is None else len(labelled))
        recording = self._recordings.get(key) or self._recorded(key, index, labelled)
        if recording is None:
            return self._take(index, labelled)
        recording.index.copy_(index)
        if recording.labelled is not None and labelled is not None:
            recording.labelled.copy_(labelled)
        recording.graph.replay()
        return recording.result

    def _tell(self, *numbers: float) -> None:
        for place, number in enumerate(numbers):
            if number != self._told[place]:
                self._numbers[place].fill_(number)
                self._told[place] = number

    def _take(self, index: Tensor, labelled: Tensor | None) -> BatchResult:
        beta, classification, rate = self._numbers
        return self._step(index, labelled, Weights(beta, classification), rate)

    def _recorded(self, key: object, index: Tensor, labelled: Tensor | None) -> _Recording | None:
        """A recording, where the step has been taken often enough and can be recorded."""
        self._taken[key] += 1
        if not self._records or self._taken[key] <= PLAIN_STEPS:
            return None
        stream = torch.cuda.current_stream()
        try:
            recording = self._recordings[key] = self._record(index, labelled)
            return recording
        except RuntimeError as error:
            why = str(error)  # not the error itself, which holds the memory of the attempt
        self._records = False
        self._recordings.clear()
        # neither the stream nor the generator leaves a recording that fails by itself
        torch.cuda.set_stream(stream)
        self._generator.graphsafe_set_state(self._generator.clone_state())
        self._drop_gradients()
        warnings.warn(
            f"Steps are launched operation by operation, which takes longer: {why}",
            RuntimeWarning,
            stacklevel=2,
        )
        return None

    def _record(self, index: Tensor, labelled: Tensor | None) -> _Recording:
        graph = torch.cuda.CUDAGraph()
        if torch.__version__ < (2, 14):  # type: ignore[operator]  # later ones find it by themselves
            graph.register_generator_state(self._generator)
        index = index.clone()
        labelled = None if labelled is None else labelled.clone()
        # by this thread alone: others may use the device meanwhile
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            result = self._take(index, labelled)
        self._pool = graph.pool()
        # without autograd's graph, whose nodes would tie later steps to the stream of the recording
        values = result.loss.detach(), result.kl_per_dimension.detach()
        result = replace(result, loss=values[0], kl_per_dimension=values[1])
        return _Recording(graph, index, labelled, result)
