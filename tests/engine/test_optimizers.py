"""Adam and Adamax against torch's own."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import pytest
import torch
from torch import nn

from vae_explorer.engine import ModelConfig, TrainingConfig
from vae_explorer.engine.optimisation import Optimisation
from vae_explorer.engine.optimizers import Optimizer
from vae_explorer.engine.vae import VAE


def small_network() -> nn.Module:
    torch.manual_seed(0)
    convolution = nn.Conv2d(3, 8, 3).to(
        memory_format=torch.channels_last
    )  # its strides are not those of its shape
    return nn.Sequential(convolution, nn.Flatten(), nn.Linear(8 * 6 * 6, 5))


@pytest.mark.parametrize("name", ["adam", "adamax"])
def test_steps_are_those_of_torch(name: Literal["adam", "adamax"]) -> None:
    mine, other = small_network(), small_network()
    optimizer = Optimizer(name, list(mine.parameters()))
    if name == "adam":
        reference = torch.optim.Adam(other.parameters(), fused=True)
    else:
        reference = torch.optim.Adamax(other.parameters())
    for step in range(20):
        x, rate = torch.randn(4, 3, 8, 8), 0.02 / (1 + step)
        held = step % 3 == 0  # a parameter without a gradient takes no step
        for network in (mine, other):
            network.requires_grad_(True)
            network[0].weight.requires_grad_(not held)  # type: ignore[index]
            network(x).square().sum().backward()
        optimizer.step(rate)
        reference.param_groups[0]["lr"] = rate
        reference.step()
        reference.zero_grad()
    for a, b in zip(mine.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.grad is None


@pytest.mark.parametrize("name", ["adam", "adamax"])
def test_the_memory_of_a_gradient_that_is_gone_does_not_become_denormal(
    name: Literal["adam", "adamax"],
) -> None:
    model = VAE(ModelConfig(preset="deep", widths=(4,)))
    optimisation = Optimisation(model, TrainingConfig(optimizer=name), total_steps=2000)
    sizes = []
    for step in range(2000):
        gone = 0.0 if step else 1e-3
        loss = torch.stack([gone * p.sum() for p in model.parameters()]).sum()
        optimisation.prepare(step)
        optimisation.step(loss, optimisation.current_rate)
        moments = [m for n, m in optimisation.tensors().items() if not n.endswith("step")]
        sizes.append(torch.stack([m.abs().amax() for m in moments]))
    seen = torch.stack(sizes)
    assert not ((seen > 0) & (seen < torch.finfo(torch.float32).tiny)).any()
    assert (seen[-1] == 0).any()


TRAINING = """
import sys
from vae_explorer.engine import ModelConfig, TrainingConfig, build_model, fit, load_dataset
events = fit(build_model(ModelConfig()), load_dataset("digits"), TrainingConfig(device="cpu"))
print(next(events).step, "torch._dynamo" in sys.modules)
"""


def test_a_training_does_not_import_the_compiler() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAINING], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["10", "False"]
