"""Timing on a machine that has other things to do: in turns, by medians."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

Work = Callable[[], object]


def repeated(work: Work, count: int) -> Work:
    """A piece of work done so many times over."""
    return lambda: [work() for _ in range(count)]


def alternate(
    works: Mapping[str, Work], rounds: int, clock: Callable[[], float] = time.thread_time
) -> dict[str, list[float]]:
    """Seconds of each piece of work, round by round: what slows one round slows all of its pieces.

    The clock of the thread stands still while another process has the processor. It is right for
    work on one thread, and `time.perf_counter` for everything else.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()  # caches, allocators and lazy initialisation
    for _ in range(rounds):
        for name, work in works.items():
            began = clock()
            work()
            seconds[name].append(clock() - began)
    return seconds


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over rounds of the ratios within a round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The p of cost ∝ sizeᵖ, by least squares on logarithms."""
    xs, ys = [math.log(s) for s in sizes], [math.log(c) for c in costs]
    return statistics.linear_regression(xs, ys).slope
