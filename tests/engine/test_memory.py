"""Large categorical models train in bounded memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
from pathlib import Path
import torch
from vae_explorer.engine import ModelConfig, TrainingConfig, build_model, fit, load_dataset
torch.set_num_threads(1)
model = build_model(ModelConfig(likelihood="categorical", levels=256, preset="lecture"))
events = fit(model, load_dataset("digits"), TrainingConfig(batch_size=128, device="cpu"))
step = next(events).step
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(step, peak.split()[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_256_levels_train_at_batch_128_below_two_gigabytes() -> None:
    """200,704 logits an image: logits and their gradient are 206 MB, weights and moments of Adam 825 MB.

    The peak is VmHWM, which begins anew with the program; ru_maxrss would begin with the test runner's.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    steps, kilobytes = map(int, done.stdout.split())
    assert steps == 10
    assert kilobytes * 1024 < 2_000_000_000
