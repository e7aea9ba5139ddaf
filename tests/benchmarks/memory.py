"""Memory of the window, against importing torch and Qt alone."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tests.benchmarks.children import run_module
from tests.benchmarks.figures import Figure, Options, at_most

AGAINST = "import of torch and PySide6"
MEGABYTES = 1e-6


def measure(options: Options) -> Iterable[Figure]:
    """Resident bytes: idle with a model on show, and the peak of a training on 60,000 images."""
    words = ["--data-dir", str(options.data_dir)] if options.data_dir else []
    imports = int(run_module("tests.benchmarks.memory_process"))
    window = json.loads(run_module("tests.benchmarks.window_process", "memory", *words))
    images = "60,000 images" if options.data_dir else "the bundled digits"
    details = {"imports": imports, **window}
    idle, training = window["idle"] - imports, window["training"] - imports
    yield at_most("memory: window, idle", AGAINST, idle, 250e6, "MB", MEGABYTES, **details)
    what = f"memory: training on {images}, peak"
    yield at_most(what, AGAINST, training, 500e6, "MB", MEGABYTES, **details)
