"""The window's delays, idle and while it trains: the real window in a process of its own."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.children import environment, run_module
from tests.benchmarks.figures import Figure, Options, milliseconds, share
from tests.benchmarks.timing import percentile, ratio

Delays = dict[str, list[float]]  # seconds on the clock, and of the window's thread at work

FRAME = 1 / 60
CHILD = "tests.benchmarks.window_process"


def measure(options: Options) -> Iterable[Figure]:
    """Moves, strokes, timers and the manifold; then the training that the window costs."""
    count = 100 if options.quick else 500
    for train in (False, True):
        when = "training" if train else "idle"
        delays = child(options, "hover", count, train)
        yield _p99(f"move over the canvas → picture, {when}", delays, FRAME)
        delays = child(options, "stroke", count, train)
        yield _p99(f"stroke on the pad → bars, {when}", delays, 0.033)
    late = child(options, "lateness", 4 * count, True)
    yield _p99("timer lateness, training", late, 0.008)
    worst = max(late["clock"])
    yield milliseconds("timer lateness, training, worst", worst, 0.050, **_spread(late))
    yield _p99("20 × 20 manifold, training", child(options, "manifold", count // 4, True), FRAME)
    yield _beside_command_line(options)


def child(options: Options, task: str, count: int, train: bool = False) -> Delays:
    """Run one task in a window of its own."""
    words = [task, "--count", str(count)]
    if train:
        words.append("--train")
    return json.loads(run_module(CHILD, *words, *_data(options), xvfb=options.xvfb))


def _data(options: Options) -> list[str]:
    return ["--data-dir", str(options.data_dir)] if options.data_dir else []


def _p99(what: str, delays: Delays, wanted: float) -> Figure:
    value, median = percentile(delays["clock"], 99), statistics.median(delays["clock"])
    figure = milliseconds(f"{what}, p99", value, wanted, **_spread(delays))
    return replace(figure, shown=f"{figure.shown} (p50 {1e3 * median:.1f})")


def _spread(delays: Delays) -> dict[str, object]:
    """The distribution on the clock, and of the work, which other processes do not lengthen by waiting."""
    return {
        name: {
            "count": len(values),
            "p50": statistics.median(values),
            "p99": percentile(values, 99),
            "worst": max(values),
        }
        for name, values in delays.items()
    }


def _beside_command_line(options: Options) -> Figure:
    """The same training in the window and by train.py, in turns."""
    epochs = 2 if options.quick else 3
    window, line = [], []
    for _ in range(2 if options.quick else 3):
        words = ["throughput", "--count", str(epochs), *_data(options)]
        window.append(float(run_module(CHILD, *words, xvfb=options.xvfb)))
        line.append(_command_line(options, epochs))
    what, against = "training with the window open", "train.py, the same work"
    return share(what, against, ratio(window, line), 0.9, window=window, command_line=line)


def _command_line(options: Options, epochs: int) -> float:
    """Images a second of train.py, the best epoch after the first."""
    from tests.benchmarks.window_process import MODEL

    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "train.py", "--model", "joint-vae", "--out", folder, "--quiet",
            "--dataset", "mnist" if options.data_dir else "digits", *_data(options),
            "--preset", MODEL.preset, "--widths", ",".join(map(str, MODEL.widths)),
            "--activation", MODEL.activation, "--classifier", MODEL.classifier,
            "--epochs", str(epochs), "--threads", "1",
        ]  # fmt: skip
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=root, env=environment()
        )
    rates = re.findall(r"\(([\d,]+) images/s", done.stdout)
    return max(float(rate.replace(",", "")) for rate in rates[1:])
