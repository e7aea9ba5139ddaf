"""No step waits for the device, which is given the next while it works on this, and all of one is on one device.

No accelerator is needed: waiting shows in the names of operations, and devices that mix show on tensors without values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests.engine.small_data import NAMES, SHAPE, small_dataset
from vae_explorer.engine.config import ModelConfig, Precision, TrainingConfig
from vae_explorer.engine.control import TrainingControl
from vae_explorer.engine.data import Dataset
from vae_explorer.engine.joint_vae import JointVAE
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


of_models = pytest.mark.parametrize(
    "model",
    [{}, {"preset": "conv"}, {"likelihood": "categorical"}, {"likelihood": "gaussian"}],
    ids=str,
)
of_trainings = pytest.mark.parametrize(
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


@of_models
@of_trainings
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


CUDA = torch.device("cuda", 0)


class Generator(torch.Generator):
    """One that says it is of the accelerator."""

    device = CUDA  # type: ignore[assignment]

    def __new__(cls, device: object = None) -> Generator:
        return super().__new__(cls)


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dataset]:
    """To train on where tensors have shapes, types and devices, but no values: what needs those is left out."""
    data = small_dataset()
    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr("vae_explorer.engine.training.pick_device", lambda _: CUDA)
    monkeypatch.setattr(
        "vae_explorer.engine.training.choose_labelled", lambda *a: torch.arange(a[2])
    )
    monkeypatch.setattr(JointVAE, "set_class_prior", lambda *_: None)
    monkeypatch.setattr(torch, "bincount", lambda x, minlength: x.new_zeros(minlength))
    monkeypatch.setattr(nn.Module, "to", lambda module, *a, **k: module)
    monkeypatch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield data


@of_models
@of_trainings
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_and_a_validation_are_on_one_device(
    model: dict[str, Any],
    training: dict[str, Any],
    precision: Precision,
    images: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with CUDA:
        network = build_model(
            ModelConfig("joint-vae", image_shape=SHAPE, class_names=NAMES, **model)
        )
    assert isinstance(network, NetworkModel)

    def backward(loss: Tensor) -> None:  # needs a driver, and is on the device that forward was on
        assert loss.device == CUDA
        for parameter in network.parameters():
            if parameter.requires_grad and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    monkeypatch.setattr(Tensor, "backward", backward)
    config = TrainingConfig(batch_size=32, precision=precision, **training)
    trainer = Trainer(network, images, config, TrainingControl(), None)
    trainer.replayed = None  # values are what a recording is of
    trainer.order.shuffle()
    before = trainer.report_sums._sums
    for _ in range(2):
        trainer._take_step()
    assert trainer.report_sums._sums is before and before.device == CUDA
    with pytest.raises(DataDependentOutputException):  # the numbers are asked for at its end
        trainer._validate()
