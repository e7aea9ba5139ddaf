"""Large categorical models train in bounded memory."""

from __future__ import annotations

import platform
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


FAULTS = """
import resource
import torch
from vae_explorer.engine import ModelConfig, TrainingConfig, build_model, fit
from vae_explorer.engine.data import Dataset, Split
from vae_explorer.engine.evaluation import evaluation
torch.set_num_threads(1)
model = build_model(ModelConfig(image_shape=(1, 8, 8)))
few = Split(torch.zeros(20, 1, 8, 8, dtype=torch.uint8), None)
dataset = Dataset("few", "Few", few, few, few, ())
next({start})
for round in range(15):
    if round == 5:  # the first ones grow the heap
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.ones(2**19) for _ in range(20)]
    del blocks
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 10)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is about glibc's allocator")
@pytest.mark.parametrize(
    "start",
    ["fit(model, dataset, TrainingConfig(device='cpu'))", "evaluation(model, dataset)"],
    ids=["fit", "evaluation"],
)
def test_freed_memory_serves_the_next_step(start: str) -> None:
    """40 MB again and again, which are 10,240 page faults each time where the system lends them anew."""
    program = [sys.executable, "-c", FAULTS.format(start=start)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100
