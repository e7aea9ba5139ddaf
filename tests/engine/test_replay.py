"""Steps that are recorded and replayed are those that are taken one by one; and a GPU learns what a CPU learns."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.torch_version import TorchVersion

from tests.engine.small_data import NAMES, SHAPE, small_dataset
from tests.engine.test_accelerator import WAITING, Watch, of_models
from vae_explorer.engine import backprop, objective, replay
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.control import TrainingControl
from vae_explorer.engine.events import EpochEvent, Event, FinishedEvent, StepEvent
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.losses import BatchLoss, BatchResult
from vae_explorer.engine.models import build_model
from vae_explorer.engine.optimizers import Optimizer
from vae_explorer.engine.training import Trainer, fit
from vae_explorer.engine.training_state import TrainingState

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA")

# 300 images in batches of 32 end with one of 12, and 50 labelled ones with one of 18.
of_trainings = pytest.mark.parametrize(
    "training",
    [
        {},
        {"objective": "iw", "samples": 3},
        {"gradient": "score-function"},
        {"optimisation": "alternating"},
        {"labels": 50, "augment": True},
        {"warmup_epochs": 2, "schedule": "cosine"},
        {"precision": "bfloat16"},
        {"optimizer": "adamax"},
    ],
    ids=str,
)


def network(model: dict[str, Any]) -> JointVAE:
    built = build_model(ModelConfig("joint-vae", image_shape=SHAPE, class_names=NAMES, **model))
    assert isinstance(built, JointVAE)
    return built


def settings(**changes: Any) -> TrainingConfig:
    return TrainingConfig(**{"epochs": 3, "batch_size": 32, "device": "cpu", **changes})


class Redone:
    """In a recording's place, where there is no device that records: takes the step anew with what lies there."""

    def __init__(self, step: replay.ReplayedStep, index: Tensor, labelled: Tensor | None) -> None:
        self._step, self._index, self._labelled = step, index, labelled
        self.result: BatchResult | None = None

    def replay(self) -> None:
        found = self._step._take(self._index, self._labelled)
        assert self.result is not None
        self.result.sums.copy_(found.sums)


def record(step: replay.ReplayedStep, index: Tensor, labelled: Tensor | None) -> Any:
    index = torch.zeros_like(index)
    labelled = None if labelled is None else torch.zeros_like(labelled)
    images, terms = len(index), len(index if labelled is None else labelled)
    graph = Redone(step, index, labelled)
    graph.result = BatchResult(torch.zeros(()), torch.zeros(6), images, terms, torch.zeros(0))
    return replay._Recording(graph, index, labelled, graph.result)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"optimisation": "alternating"},
        {"labels": 50},
        {"warmup_epochs": 2, "schedule": "cosine"},
    ],
    ids=str,
)
def test_a_recording_is_given_what_each_step_is_given(
    training: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay.ReplayedStep, "_record", record)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: None)
    ends = []
    for replays in (False, True):
        control = TrainingControl()
        trainer = Trainer(network({}), small_dataset(), settings(**training), control, None)
        if replays:
            trainer.replayed = replay.ReplayedStep(
                trainer._compute, trainer.generator, trainer._drop_gradients
            )
        for step in range(40):
            if trainer.order.position == trainer.order.steps:
                trainer.order.shuffle()
            if step == 25:
                control.set(beta=3.0, classification_weight=20.0, learning_rate=2e-3)
            trainer._take_settings()
            trainer._take_step()
        if trainer.replayed is not None:
            turns, sizes, *_ = zip(*trainer.replayed._recordings, strict=True)
            assert set(turns) == ({0, 1} if "optimisation" in training else {0})
            assert set(sizes) == {32, 12}  # the last batch is smaller
        ends.append((trainer.epoch_sums.tensor(), trainer.model.state_dict()))
    (sums, state), (replayed_sums, replayed_state) = ends
    # alike but for a learning rate in single precision, which Adam makes the most of where a gradient is near zero
    torch.testing.assert_close(replayed_sums, sums, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(replayed_state, state, rtol=0.0, atol=2e-3)


def test_a_learning_rate_on_the_device_is_not_asked_for() -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    parameter.grad = torch.ones(3)
    optimizer = Optimizer("adam", [parameter])
    with Watch() as watch:
        optimizer.step(torch.full((), 0.5))
    assert not watch.names & WAITING
    torch.testing.assert_close(parameter.detach(), torch.full((3,), 0.5))


def test_a_training_that_is_over_holds_no_memory() -> None:
    trainer = Trainer(network({}), small_dataset(), settings(), TrainingControl(), None)
    trainer.replayed = replay.ReplayedStep(
        trainer._compute, trainer.generator, trainer._drop_gradients
    )
    trainer.leave_best()
    ended = weakref.ref(trainer)
    gc.disable()
    try:
        del trainer
        assert ended() is None
    finally:
        gc.enable()


def ends(events: Iterator[Event]) -> tuple[list[tuple[float, ...]], dict[str, Tensor]]:
    """What the epochs of a training say, and its last weights."""
    told, last = [], {}
    for event in events:
        if isinstance(event, EpochEvent):
            metrics = [m.known() for m in (event.train, event.validation)]
            told.append(tuple(value for m in metrics for value in m.values()))
        elif isinstance(event, FinishedEvent):
            assert event.resume is not None
            last = event.resume.part("model")
    return told, last


@needs_cuda
@of_models
@of_trainings
def test_replayed_steps_are_those_taken_one_by_one(
    model: dict[str, Any], training: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(**training, device="cuda")
    replayed = ends(fit(network(model), small_dataset(), config))
    monkeypatch.setattr(replay, "PLAIN_STEPS", 10**9)
    one_by_one = ends(fit(network(model), small_dataset(), config))
    # but for convolutions, whose gradients cuDNN may add up in any order
    rtol, atol = (1e-3, 1e-4) if "preset" in model else (0.0, 0.0)
    torch.testing.assert_close(replayed, one_by_one, rtol=rtol, atol=atol)


@needs_cuda
def test_a_step_that_cannot_be_recorded_is_taken_operation_by_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = settings(device="cuda")
    whole = ends(fit(network({}), small_dataset(), config))
    take = BatchLoss.__call__

    def asks(loss: BatchLoss, *arguments: Any) -> BatchResult:
        result = take(loss, *arguments)
        result.sums.sum().item()
        return result

    monkeypatch.setattr(BatchLoss, "__call__", asks)
    with pytest.warns(RuntimeWarning, match="operation by operation"):
        found = ends(fit(network({}), small_dataset(), config))
    torch.testing.assert_close(found, whole, rtol=0, atol=0)


@needs_cuda
@of_models
@of_trainings
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")  # is young, as torch says
def test_no_step_waits_for_the_gpu(model: dict[str, Any], training: dict[str, Any]) -> None:
    config = settings(**training, device="cuda")
    trainer = Trainer(network(model), small_dataset(), config, TrainingControl(), None)
    trainer.order.shuffle()
    for step in range(9):  # of ten
        if step >= 6:  # recorded by then
            torch.cuda.set_sync_debug_mode("error")
        try:
            trainer._take_settings()
            trainer._take_step()
        finally:
            torch.cuda.set_sync_debug_mode("default")


@needs_cuda
@of_models
@pytest.mark.parametrize(
    "training",
    [{}, {"objective": "iw", "samples": 3}, {"gradient": "score-function"}, {"labels": 30}],
    ids=str,
)
def test_a_gpu_has_the_gradient_of_a_cpu(
    model: dict[str, Any], training: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def noise(mean: Tensor, samples: int, _: torch.Generator | None) -> Tensor:
        same = torch.randn(samples, *mean.shape, generator=torch.Generator().manual_seed(7))
        return same.to(mean.device)

    for module in (objective, backprop):
        monkeypatch.setattr(module, "standard_noise", noise)
    if not model.get("likelihood"):
        model = {**model, "binarisation": "fixed"}
    index, labelled = torch.arange(32), torch.arange(40, 60) if "labels" in training else None
    found = []
    for device in ("cpu", "cuda"):
        built = network(model)
        config = settings(**training, device=device)
        trainer = Trainer(built, small_dataset(), config, TrainingControl(), None)
        known = None if labelled is None else labelled.to(device)
        result = trainer.loss(
            *(trainer.pixels, trainer.labels, index.to(device), known, trainer.weights),
            trainer.generator,
        )
        if result.loss.requires_grad:
            result.loss.backward()
        gradients = {n: p.grad.cpu() for n, p in built.named_parameters() if p.grad is not None}
        found.append((result.loss.detach().cpu(), gradients))
    torch.testing.assert_close(found[1], found[0], rtol=1e-3, atol=1e-4)


def stopped(device: str) -> TrainingState:
    control, state = TrainingControl(), None
    for event in fit(network({}), small_dataset(), settings(device=device), control):
        if isinstance(event, StepEvent) and event.step >= 14:
            control.stop()
        elif isinstance(event, FinishedEvent):
            state = event.resume
    assert state is not None
    return state


def resumed_and_whole(state: TrainingState, device: str) -> tuple[Any, Any]:
    """The ends of a training that goes on with a state, and of one that never stopped."""
    config = settings(device=device)
    resumed = ends(fit(network({}), small_dataset(), config, resume=state))
    return resumed, ends(fit(network({}), small_dataset(), config))


@needs_cuda
def test_a_training_goes_on_bit_for_bit_on_a_gpu() -> None:
    resumed, whole = resumed_and_whole(stopped("cuda"), "cuda")
    assert resumed[0] == whole[0][-len(resumed[0]) :]
    torch.testing.assert_close(resumed[1], whole[1], rtol=0, atol=0)


@needs_cuda
@pytest.mark.parametrize("first, second", [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_training_goes_on_on_another_device(first: str, second: str) -> None:
    resumed, whole = resumed_and_whole(stopped(first), second)
    assert resumed[0][-1][0] == pytest.approx(whole[0][-1][0], rel=0.1)  # the ELBO


@pytest.mark.parametrize(
    "device, hip, version, optimizer, wanted",
    [
        ("cuda", None, "2.9.0", "adam", True),
        ("cuda", None, "2.14.1+cu130", "adam", True),
        ("cuda", None, "2.8.0", "adam", False),
        ("cuda", "6.4", "2.14.1", "adam", False),
        ("cuda", None, "2.14.1", "adamax", False),
        ("mps", None, "2.14.1", "adam", False),
        ("cpu", None, "2.14.1", "adam", False),
    ],
)
def test_only_what_can_be_recorded_is(
    device: str,
    hip: str | None,
    version: str,
    optimizer: str,
    wanted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.version, "hip", hip)
    monkeypatch.setattr(torch, "__version__", TorchVersion(version))
    config = settings(optimizer=optimizer)
    assert replay.is_replayable(config, torch.device(device)) == wanted
