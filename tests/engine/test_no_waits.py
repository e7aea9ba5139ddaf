"""No step waits for the device: an accelerator is given the next one while it works on this."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.engine.small_data import NAMES, SHAPE, small_dataset
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.control import TrainingControl
from vae_explorer.engine.models import build_model
from vae_explorer.engine.training import Trainer
from vae_explorer.engine.vae import NetworkModel

# What must know a value before it can go on: a number on the host, or a shape that depends on values.
# Adamax counts its steps on the host, where asking for a number waits for nothing: it is not tried here.
WAITING = {"_local_scalar_dense", "equal", "nonzero", "masked_select", "_unique2", "bincount"}
COPYING = ("tolist", "cpu")  # of a tensor; a dispatcher on a CPU sees neither


def waits(*_: object) -> None:
    pytest.fail("a step copies to the host")


class Watch(TorchDispatchMode):
    """Notes the names of all operations."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(  # noqa: ANN204
        self,
        func,  # noqa: ANN001
        types,  # noqa: ANN001
        args=(),  # noqa: ANN001
        kwargs=None,  # noqa: ANN001
    ):
        name = func.overloadpacket.__name__
        if name in ("index", "index_put_"):  # by a mask is a shape that depends on values
            assert not any(i is not None and i.dtype == torch.bool for i in args[1])
        self.names.add(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "model",
    [{}, {"preset": "conv"}, {"likelihood": "categorical"}, {"likelihood": "gaussian"}],
    ids=str,
)
@pytest.mark.parametrize(
    "training",
    [
        {},
        {"objective": "iw", "samples": 3},
        {"gradient": "score-function"},
        {"optimisation": "alternating"},
        {"labels": 30, "augment": True},
    ],
    ids=str,
)
def test_a_step_waits_for_nothing(
    model: dict[str, Any], training: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = build_model(ModelConfig("joint-vae", image_shape=SHAPE, class_names=NAMES, **model))
    assert isinstance(network, NetworkModel)
    trainer = Trainer(
        network,
        small_dataset(),
        TrainingConfig(batch_size=32, device="cpu", **training),
        TrainingControl(),
        None,
    )
    trainer.order.shuffle()
    with Watch() as watch, monkeypatch.context() as patch:
        for name in COPYING:
            patch.setattr(torch.Tensor, name, waits, raising=False)
        for _ in range(3):
            trainer._take_step()
    assert "mm" in watch.names or "addmm" in watch.names
    assert not watch.names & WAITING
