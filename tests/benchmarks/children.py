"""Processes of their own: for the window, for memory, for the start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

TIME_LIMIT = 900  # seconds


def environment(xvfb: bool = False) -> dict[str, str]:
    """One thread of arithmetic, and Qt without a screen of the user's."""
    platform = "xcb" if xvfb else "offscreen"
    return {**os.environ, "QT_QPA_PLATFORM": platform, "OMP_NUM_THREADS": "1"}


def run_module(module: str, *arguments: str, xvfb: bool = False) -> str:
    """What `python -m module` writes.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    command = [sys.executable, "-m", module, *arguments]
    if xvfb and (wrapper := shutil.which("xvfb-run")):
        command = [wrapper, "-a", "-s", "-screen 0 1920x1200x24", *command]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIME_LIMIT, env=environment(xvfb)
    )
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr[-600:]}")
    return done.stdout
