"""How soon the window is there, and a first picture can be decoded; against importing torch."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable

from tests.benchmarks.children import environment, run_module
from tests.benchmarks.figures import Figure, Options, at_most

IMPORT = "import time, torch; print(time.monotonic())"
LIMIT, BEYOND = 1.0, 1.5  # seconds


def measure(options: Options) -> Iterable[Figure]:
    """From before the process is made, in turns with a process that only imports torch."""
    shown, decoded, imported = [], [], []
    for _ in range(options.rounds(7)):
        began = time.monotonic()
        child = json.loads(run_module("tests.benchmarks.start_process", xvfb=options.xvfb))
        shown.append(child["shown"] - began)
        decoded.append(child["decoded"] - began)
        imported.append(_import_torch())
    against = 'python -c "import torch"'
    details = {"shown": shown, "decoded": decoded, "import_torch": imported}
    value = statistics.median(shown)
    yield at_most("start: window visible", "the clock", value, LIMIT, "s", 1, **details)
    beyond = statistics.median(d - i for d, i in zip(decoded, imported, strict=True))
    what = "start: first decode, beyond the import"
    yield at_most(what, against, beyond, BEYOND, "s", 1, **details)


def _import_torch() -> float:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], capture_output=True, check=True, env=environment()
    )
    return float(done.stdout) - began
