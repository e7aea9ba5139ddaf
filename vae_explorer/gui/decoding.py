"""How long a model takes to decode, and so where that is done. No Qt here."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vae_explorer.gui.notation import signed

if TYPE_CHECKING:
    from vae_explorer.engine.explorer import Explorer

LONGEST = 0.005  # seconds, a third of a frame: a dragged pin is decoded twice, and then painted
_SEVERAL = 5
_TIMES = 3


@dataclass(frozen=True)
class DecodingTime:
    """Seconds of one core: of a single image, and of each further one in the same call."""

    first: float = 0.0
    each: float = 0.0

    def holds_up(self, images: int) -> bool:
        """Whether the window would be held up by decoding so many images in one call."""
        return self.first + self.each * (images - 1) > LONGEST


def decoding_time(explorer: Explorer) -> DecodingTime:
    """Measure a model, in a thread that is not the window's."""
    import torch

    cores = torch.get_num_threads()
    torch.set_num_threads(1)  # as the window's thread has it
    try:
        one, several = _seconds(explorer, 1), _seconds(explorer, _SEVERAL)
    finally:
        torch.set_num_threads(cores)
    return DecodingTime(one, max(0.0, several - one) / (_SEVERAL - 1))


def _seconds(explorer: Explorer, images: int) -> float:
    """The least of a few: the first finds no weights in the processor's cache."""
    codes, label = np.zeros((images, explorer.latent_dim), np.float32), 0
    # a thread's own time, whatever else the computer does; on Windows that goes by sixtieths of a second
    clock = time.perf_counter if sys.platform == "win32" else time.thread_time
    seconds: list[float] = []
    while len(seconds) < _TIMES:
        began = clock()
        explorer.decode(codes, label)
        seconds.append(clock() - began)
    return min(seconds)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A code as the decoder shows it.

    Attributes:
        code: (d,).
        label: y; None for a model of p(x).
        image: (H, W) or (H, W, 3), the mean or a draw.
        every: (C, H, W[, 3]), the means with every class; None for a model of p(x).
    """

    code: np.ndarray
    label: int | None
    image: np.ndarray
    every: np.ndarray | None

    def caption(self, class_names: Sequence[str]) -> str:
        """The code and its class in words: `z = (0.62, −0.35),  y = 3`."""
        if len(self.code) <= 2:
            text = ", ".join(signed(value, 2) for value in self.code)
            text = f"z = ({text})" if len(self.code) > 1 else f"z = {text}"
        else:
            text = f"‖z‖ = {float(np.linalg.norm(self.code)):.2f}"
        return text if self.label is None else f"{text},  y = {class_names[self.label]}"


def decode_code(explorer: Explorer, code: np.ndarray, label: int | None, draws: bool) -> Decoded:
    """Decode a code (d,) with every class; of the chosen one the mean, or a draw of p(x|z)."""
    every = None
    if label is not None:
        count = len(explorer.class_names)
        every = explorer.decode(np.repeat(code[None], count, 0), np.arange(count))
    if draws:
        image = explorer.decode(code[None], label, mode="sample")[0]
    else:
        image = explorer.decode(code[None])[0] if every is None else every[label]
    return Decoded(code, label, image, every)
