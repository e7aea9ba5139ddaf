"""`python -m tests.benchmarks`: measure, print one table, write JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.benchmarks.figures import Figure, Options, markdown_table, not_measured, text_table

TOPICS = (
    *("training", "categorical", "evaluation", "once"),
    *("window", "start", "memory", "growth", "accelerator"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; always 0, for slowness is no failure."""
    asked = _parser().parse_args(arguments)
    if asked.readme:
        sys.stdout.write(markdown_table(json.loads(asked.readme.read_text())["figures"]) + "\n")
        return 0
    options = Options(asked.quick, asked.data_dir, asked.xvfb, asked.plot)
    figures: list[Figure] = []
    for topic in asked.only or TOPICS:
        began = time.perf_counter()
        figures += _measured(topic, options)
        sys.stderr.write(f"{topic}: {time.perf_counter() - began:.0f} s\n")
    rows = [figure.to_dict() for figure in figures]
    sys.stdout.write(text_table(rows) + "\n")
    if asked.json:
        asked.json.write_text(json.dumps({"machine": _machine(), "figures": rows}, indent=1))
    return 0


def _measured(topic: str, options: Options) -> list[Figure]:
    """A topic's figures; what goes wrong in it is told in a row, and the other topics go on."""
    figures: list[Figure] = []
    try:
        for figure in import_module(f"tests.benchmarks.{topic}").measure(options):
            figures.append(figure)
            sys.stderr.write(f"  {figure.what}: {figure.shown}\n")
    except (RuntimeError, OSError, ValueError) as error:
        figures.append(not_measured(topic, "", "", str(error)))
    return figures


def _machine() -> dict[str, object]:
    import torch

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": load,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=TOPICS, metavar="TOPIC", help=", ".join(TOPICS)
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for a look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw growth as a picture")
    folder = os.environ.get("VAE_EXPLORER_DATA")
    parser.add_argument(
        "--data-dir", type=Path, default=folder and Path(folder), help="the folder with MNIST/raw"
    )
    parser.add_argument(
        "--xvfb", action="store_true", help="a virtual X screen instead of Qt's offscreen platform"
    )
    parser.add_argument("--readme", type=Path, metavar="JSON", help="print such a file as Markdown")
    return parser


if __name__ == "__main__":
    sys.exit(main())
