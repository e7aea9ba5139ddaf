"""`fit`: what it yields, that it repeats itself to the last bit, and that a stop costs nothing."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.engine.small_data import NAMES, SHAPE, bars, small_dataset
from vae_explorer.engine.batches import choose_labelled, images_at_once
from vae_explorer.engine.checkpoint import read_tensors, write_tensors
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.control import TrainingControl
from vae_explorer.engine.device import available_accelerator
from vae_explorer.engine.errors import ConfigError, ModelFileError, TrainingError
from vae_explorer.engine.events import EpochEvent, Event, FinishedEvent, SnapshotEvent, StepEvent
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.latent_model import LatentModel
from vae_explorer.engine.likelihoods import Gaussian
from vae_explorer.engine.losses import OBJECTIVE, BatchLoss, BatchResult, MetricSums
from vae_explorer.engine.models import Model, build_model
from vae_explorer.engine.objective import (
    Weights,
    bound_terms,
    classifier_input,
    every_class_terms,
    unlabelled_bound,
)
from vae_explorer.engine.training import fit
from vae_explorer.engine.training_state import TrainingState
from vae_explorer.engine.vae import NetworkModel


def model_config(kind: str = "joint-vae", **changes: object) -> ModelConfig:
    values = {
        "kind": kind,
        "image_shape": SHAPE,
        "preset": "deep",
        "widths": (16,),
        "class_names": NAMES if kind == "joint-vae" else (),
        **changes,
    }
    return ModelConfig(**values)


def training_config(**changes: object) -> TrainingConfig:
    return TrainingConfig(**{"epochs": 3, "batch_size": 32, "device": "cpu", **changes})


def timeless(events: Iterator[Event] | list[Event]) -> list[object]:
    """Events without what a clock says, comparable bit by bit."""
    found: list[object] = []
    for event in events:
        if isinstance(event, StepEvent | EpochEvent):
            found.append(dataclasses.replace(event, seconds=0.0, images_per_second=0.0))
        elif isinstance(event, SnapshotEvent | FinishedEvent):
            state = event.state if isinstance(event, SnapshotEvent) else event.best_state
            found.append({name: tensor.numpy().tobytes() for name, tensor in state.items()})
    return found


def trained(
    config: ModelConfig, training: TrainingConfig, labelled: bool = True
) -> tuple[Model, list[Event]]:
    model = build_model(config, training.seed)
    return model, list(fit(model, small_dataset(labelled), training))


EVERY_SETTING = [
    {},
    {"objective": "iw", "samples": 3},
    {"gradient": "score-function", "samples": 2},
    {"optimisation": "alternating"},
    {"optimizer": "adamax", "schedule": "cosine"},
    {"beta": 2.0, "warmup_epochs": 2},
    {"augment": True},
    {"labels": 30},
    {"labels": 30, "objective": "iw", "samples": 2},
]


@pytest.mark.parametrize("settings", EVERY_SETTING, ids=str)
def test_the_same_seed_gives_the_same_events_to_the_last_bit(settings: dict[str, object]) -> None:
    training = training_config(**settings)
    first, second = (
        timeless(trained(model_config(classifier="conv"), training)[1]) for _ in range(2)
    )
    assert first == second
    other = timeless(
        trained(model_config(classifier="conv"), dataclasses.replace(training, seed=1))[1]
    )
    assert other != first


@pytest.mark.parametrize("settings", EVERY_SETTING, ids=str)
@pytest.mark.parametrize("stop_after", [7, 10])
def test_a_resumed_training_continues_as_if_it_had_never_stopped(
    settings: dict[str, object], stop_after: int, tmp_path: Path
) -> None:
    training, config, data = (
        training_config(**settings),
        model_config(classifier="conv"),
        small_dataset(),
    )
    whole = [e for e in trained(config, training)[1] if isinstance(e, EpochEvent | FinishedEvent)]
    control = TrainingControl()
    model = build_model(config, training.seed)
    # Single steps, so that the stop falls where it is wanted and not at a report.
    control.pause()
    control.step_once()
    parts: list[Event] = []
    for event in fit(model, data, training, control):
        if isinstance(event, StepEvent):
            if event.step == stop_after:
                control.stop()
            control.step_once()
        if isinstance(event, EpochEvent):
            parts.append(event)
        if isinstance(event, FinishedEvent):
            assert event.reason == "stopped"
            assert event.resume is not None
            event.resume.save(tmp_path / "state.safetensors")
    state = TrainingState.load(tmp_path / "state.safetensors")
    assert state.counters["step"] == stop_after
    again = build_model(config, 99)
    rest = list(fit(again, data, training, resume=state))
    parts += [event for event in rest if isinstance(event, EpochEvent | FinishedEvent)]
    assert timeless([*parts]) == timeless([*whole])


class StoppedWhileItWaits(TrainingControl):
    """A pause that ends in a stop once a training waits for its turn after so many epochs."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs_left = epochs

    def wait_for_turn(self) -> bool:
        if self.paused and self._epochs_left == 0:
            self.stop()
        return super().wait_for_turn()

    def epoch_ended(self) -> None:
        super().epoch_ended()
        self._epochs_left -= 1


@pytest.mark.parametrize("epochs_before", [0, 1])
def test_a_stop_while_paused_between_epochs_costs_nothing(epochs_before: int) -> None:
    training, config, data = training_config(), model_config(), small_dataset()
    whole = [e for e in trained(config, training)[1] if isinstance(e, EpochEvent | FinishedEvent)]
    control = StoppedWhileItWaits(epochs_before)
    control.pause()
    if epochs_before:
        control.epoch_once()
    first = list(fit(build_model(config, training.seed), data, training, control))
    finished = first[-1]
    assert isinstance(finished, FinishedEvent)
    assert (finished.reason, finished.epoch) == ("stopped", epochs_before)
    rest = list(fit(build_model(config, 99), data, training, resume=finished.resume))
    parts = [e for e in first if isinstance(e, EpochEvent)]
    parts += [e for e in rest if isinstance(e, EpochEvent | FinishedEvent)]
    assert timeless([*parts]) == timeless([*whole])


def test_resuming_another_training_is_refused() -> None:
    _, events = trained(model_config(), training_config(epochs=1))
    finished = events[-1]
    assert isinstance(finished, FinishedEvent)
    another = dataclasses.replace(small_dataset(), name="stripes", train=bars(300, 3))
    for model, data, training in (
        (model_config(latent_dim=3), small_dataset(), training_config()),
        (model_config(), another, training_config()),
        (model_config(), small_dataset(), training_config(seed=1)),
    ):
        with pytest.raises(ConfigError, match="another model"):
            list(fit(build_model(model), data, training, resume=finished.resume))
    anywhere = training_config(device="auto")
    assert list(fit(build_model(model_config()), small_dataset(), anywhere, resume=finished.resume))


def test_a_training_goes_on_on_another_kind_of_device(stopped: TrainingState) -> None:
    """Whose random numbers cannot be gone on with: their state has another size."""
    foreign = {**stopped.tensors, "generator": torch.zeros(16, dtype=torch.uint8)}
    state = dataclasses.replace(stopped, tensors=foreign)
    there, here = ([e for e in resumed(s) if isinstance(e, EpochEvent)] for s in (state, stopped))
    assert [e.epoch for e in there] == [e.epoch for e in here]
    assert there[-1].validation != here[-1].validation  # by the noise alone
    assert there[-1].validation.elbo == pytest.approx(here[-1].validation.elbo, rel=0.1)


def test_a_report_is_of_all_its_steps_also_those_before_a_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = [e for e in trained(model_config(), training_config())[1] if isinstance(e, StepEvent)]
    control, steps = TrainingControl(), itertools.count(1)
    take = BatchLoss.__call__

    def stop_at_seven(loss: BatchLoss, *arguments: Any) -> BatchResult:
        if next(steps) == 7:
            control.stop()
        return take(loss, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(BatchLoss, "__call__", stop_at_seven)
        model, data = build_model(model_config(), 0), small_dataset()
        finished = list(fit(model, data, training_config(), control))[-1]
    assert isinstance(finished, FinishedEvent) and finished.resume is not None
    assert finished.resume.counters["step"] == 7
    rest = resumed(finished.resume)
    first = next(event for event in rest if isinstance(event, StepEvent))
    assert timeless([first]) == timeless([whole[0]])


def test_the_best_weights_before_a_stop_stay_the_best_where_none_is_better(
    stopped: TrainingState,
) -> None:
    best = {f"best.{name}": tensor + 1.0 for name, tensor in stopped.part("best").items()}
    state = dataclasses.replace(
        stopped,
        tensors={**stopped.tensors, **best},
        counters={**stopped.counters, "best_objective": 1e9},
    )
    model = build_model(model_config())
    ended = list(fit(model, small_dataset(), training_config(), resume=state))[-1]
    assert isinstance(ended, FinishedEvent) and ended.best_epoch == 1
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, best[f"best.{name}"]), name
        assert torch.equal(ended.best_state[name], tensor), name


def test_a_rate_is_of_images_in_the_time_of_their_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of one second from any look at it to the next: a report is looked at from its begin to its end."""
    clock = itertools.count()
    monkeypatch.setattr(
        "vae_explorer.engine.training.time", SimpleNamespace(perf_counter=lambda: next(clock))
    )
    _, events = trained(model_config(), training_config(epochs=2, batch_size=20))
    steps = [event for event in events if isinstance(event, StepEvent)]
    assert [event.step for event in steps] == [10, 15, 20, 30]
    assert [event.images_per_second for event in steps] == [200.0, 100.0, 100.0, 200.0]
    assert [event.seconds for event in steps] == [1.0, 2.0, 3.0, 4.0]
    epochs = [event for event in events if isinstance(event, EpochEvent)]
    assert [event.images_per_second for event in epochs] == [150.0, 150.0]


@pytest.fixture(scope="module")
def stopped() -> TrainingState:
    finished = trained(model_config(), training_config(epochs=1))[1][-1]
    assert isinstance(finished, FinishedEvent)
    assert finished.resume is not None
    return finished.resume


def resumed(state: TrainingState, **changes: object) -> list[Event]:
    data = dataclasses.replace(small_dataset(), **changes)
    return list(fit(build_model(model_config()), data, training_config(), resume=state))


@pytest.mark.parametrize(
    "changes",
    [{"train": bars(300, 3)}, {"train": bars(299, 0)}, {"fit": "pad"}],
    ids=["other images", "fewer images", "other fit"],
)
def test_resuming_on_other_images_is_refused(
    stopped: TrainingState, changes: dict[str, object]
) -> None:
    with pytest.raises(ConfigError, match="other images"):
        resumed(stopped, **changes)


def test_a_state_that_knows_only_the_name_of_its_data_resumes(
    stopped: TrainingState, tmp_path: Path
) -> None:
    """As states were written before data had more of an identity."""
    path = tmp_path / "state.safetensors"
    stopped.save(path)
    tensors, header = read_tensors(path)
    write_tensors(path, tensors, {**header, "dataset": "bars"})
    assert timeless(resumed(TrainingState.load(path))) == timeless(resumed(stopped))


def test_a_state_that_was_read_lets_go_of_its_file(stopped: TrainingState, tmp_path: Path) -> None:
    """Which the training that goes on writes anew: Windows replaces none that is mapped into memory."""
    path = tmp_path / "state.safetensors"
    stopped.save(path)
    state = TrainingState.load(path)
    with path.open("r+b") as file:  # what lies in the file changes with it
        file.write(bytes(path.stat().st_size))
    assert all(state.tensors[name].equal(value) for name, value in stopped.tensors.items())


@pytest.mark.parametrize("name", ["position", "learning_rate", "seconds"])
def test_a_state_without_a_counter_is_refused(stopped: TrainingState, name: str) -> None:
    counters = {key: value for key, value in stopped.counters.items() if key != name}
    with pytest.raises(ModelFileError, match=name):
        resumed(dataclasses.replace(stopped, counters=counters))


def test_a_state_without_a_tensor_or_an_epoch_is_refused(
    stopped: TrainingState, tmp_path: Path
) -> None:
    for gone in ("generator", "model.class_logits"):
        tensors = {name: value for name, value in stopped.tensors.items() if name != gone}
        with pytest.raises(ModelFileError, match=gone.rpartition(".")[2]):
            resumed(dataclasses.replace(stopped, tensors=tensors))
    dataclasses.replace(stopped, counters={}).save(tmp_path / "state.safetensors")
    with pytest.raises(ModelFileError, match="epoch"):
        TrainingState.load(tmp_path / "state.safetensors")


@pytest.mark.parametrize(
    "likelihood", ["bernoulli", "continuous-bernoulli", "gaussian", "categorical"]
)
@pytest.mark.parametrize("preset", ["lecture", "deep", "conv"])
def test_every_likelihood_and_network_learns(likelihood: str, preset: str) -> None:
    config = model_config(
        "vae", likelihood=likelihood, preset=preset, levels=9, learn_variance=True
    )
    model, events = trained(config, training_config(epochs=8, learning_rate=1e-2), labelled=False)
    elbo = [event.validation.elbo for event in events if isinstance(event, EpochEvent)]
    assert elbo[-1] > elbo[0] + 2.0
    if isinstance(model.likelihood, Gaussian):
        learned = model.likelihood.log_variance.exp().item()
        assert learned != pytest.approx(config.variance, rel=0.01)


def test_an_isotropic_posterior_trains() -> None:
    _, events = trained(
        model_config("vae", posterior="isotropic", latent_dim=3), training_config(epochs=4)
    )
    elbo = [event.validation.elbo for event in events if isinstance(event, EpochEvent)]
    assert elbo[-1] > elbo[0]


def test_a_joint_vae_learns_to_classify_and_its_class_prior_is_the_class_frequencies() -> None:
    model, events = trained(model_config(), training_config(epochs=8))
    last = [event for event in events if isinstance(event, EpochEvent)][-1]
    assert last.validation.accuracy is not None
    assert last.validation.accuracy > 0.95
    assert isinstance(model, JointVAE)  # whose π is a part of θ
    assert any(parameter is model.class_logits for parameter in model.generation_parameters())
    frequencies = torch.bincount(small_dataset().train.labels, minlength=3) / 300  # type: ignore[arg-type]
    torch.testing.assert_close(model.log_class_prior().exp(), frequencies, atol=0.02, rtol=0)  # type: ignore[operator, union-attr]


def test_reported_elbo_has_beta_one_and_the_objective_has_the_weights() -> None:
    _, events = trained(model_config(), training_config(beta=3.0, classification_weight=5.0))
    for event in events:
        if isinstance(event, EpochEvent):
            for m in (event.train, event.validation):
                assert m.log_prior is not None
                assert m.classification is not None
                assert m.elbo == pytest.approx(m.reconstruction - m.kl + m.log_prior)
                weighted = m.reconstruction - 3.0 * m.kl + m.log_prior + 5.0 * m.classification
                assert m.objective == pytest.approx(weighted, rel=1e-5)
            assert sum(event.kl_per_dimension) == pytest.approx(event.validation.kl, rel=1e-5)


def test_alternating_steps_move_one_half_at_a_time() -> None:
    config, control = model_config(), TrainingControl()
    model = build_model(config, 0)
    control.pause()
    control.step_once()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    moved: list[set[str]] = []
    for event in fit(model, small_dataset(), training_config(optimisation="alternating"), control):
        if isinstance(event, StepEvent):
            now = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            moved.append(
                {name.split(".")[0] for name in now if not torch.equal(now[name], before[name])}
            )
            before = now
            if event.step == 2:
                break
            control.step_once()
    assert moved[0] <= {"decoder", "class_logits"}
    assert "decoder" in moved[0]
    assert moved[1] == {"encoder", "classifier"}


def test_the_best_weights_are_kept_and_patience_ends_a_training() -> None:
    # by the objective: with this β another epoch has the best ELBO
    training = training_config(epochs=60, patience=2, learning_rate=0.05, beta=0.3)
    model, events = trained(model_config("vae"), training)
    epochs = [event for event in events if isinstance(event, EpochEvent)]
    finished = events[-1]
    assert isinstance(finished, FinishedEvent)
    assert finished.reason == "early-stopped"
    assert finished.epoch == finished.best_epoch + 2 == len(epochs)
    best = max(epochs, key=lambda event: event.validation.objective)
    assert best.epoch == finished.best_epoch
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, finished.best_state[name])


def test_as_good_as_before_is_no_better() -> None:
    """Of weights that stand still, for the noise of the validation is the same every time."""
    training = training_config(epochs=9, patience=2, learning_rate=1e-30)
    *events, finished = trained(model_config("vae"), training)[1]
    assert isinstance(finished, FinishedEvent)
    first, *others = (event.validation for event in events if isinstance(event, EpochEvent))
    assert others == [first, first]
    assert (finished.reason, finished.epoch, finished.best_epoch) == ("early-stopped", 3, 1)


def test_patience_begins_with_the_end_of_a_warm_up() -> None:
    training = training_config(epochs=9, patience=2, learning_rate=1e-30, warmup_epochs=4)
    finished = trained(model_config("vae"), training)[1][-1]
    assert isinstance(finished, FinishedEvent)
    assert (finished.reason, finished.epoch, finished.best_epoch) == ("early-stopped", 6, 1)


@pytest.mark.parametrize("kind", ["vae", "ppca"])
def test_the_test_split_is_never_touched(kind: str) -> None:
    config, training = model_config(kind), training_config(epochs=2)
    other = dataclasses.replace(small_dataset(), test=bars(5, 9))
    events = list(fit(build_model(config, training.seed), other, training))
    assert timeless(events) == timeless(trained(config, training)[1])


def test_a_diverging_training_says_so_and_leaves_finite_weights() -> None:
    model = build_model(model_config("vae", widths=(16, 16, 16, 16, 16)), 0)
    with pytest.raises(TrainingError, match="smaller learning rate"):
        list(fit(model, small_dataset(), training_config(epochs=20, learning_rate=1e6)))
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


@pytest.mark.parametrize("place", ["_take_step", "_new_sums"])
def test_short_memory_is_a_sentence_wherever_it_shows(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(_: object) -> None:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(f"vae_explorer.engine.training.Trainer.{place}", short)
    with pytest.raises(TrainingError, match="Memory is short"):
        list(fit(build_model(model_config()), small_dataset(), training_config()))


def test_beta_lambda_and_learning_rate_change_between_two_steps() -> None:
    control = TrainingControl()
    seen: list[StepEvent] = []
    for event in fit(
        build_model(model_config()), small_dataset(), training_config(batch_size=10), control
    ):
        if isinstance(event, StepEvent):
            seen.append(event)
            if len(seen) == 1:
                control.set(beta=0.25, classification_weight=7.0, learning_rate=1e-5)
    assert (seen[0].beta, seen[0].classification_weight, seen[0].learning_rate) == (1.0, 1.0, 1e-3)
    assert {(e.beta, e.classification_weight, e.learning_rate) for e in seen[1:]} == {
        (0.25, 7.0, 1e-5)
    }
    second = seen[1].metrics
    assert second.log_prior is not None
    assert second.classification is not None
    weighted = (
        second.reconstruction - 0.25 * second.kl + second.log_prior + 7.0 * second.classification
    )
    assert second.objective == pytest.approx(weighted, rel=1e-5)


@pytest.mark.parametrize("name", ["samples", "epochs"])
def test_other_settings_cannot_change_live(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot change"):
        TrainingControl().set(**{name: 2})
    with pytest.raises(ConfigError, match="zero or more"):
        TrainingControl().set(beta=float("nan"))


@pytest.mark.parametrize("value", ["a", True, -1, float("inf"), [1.0]])
def test_a_live_setting_is_a_number(value: Any) -> None:
    control = TrainingControl()
    with pytest.raises(ConfigError, match="zero or more"):
        control.set(learning_rate=value)
    control.set(beta=np.float32(0.5))  # type: ignore[arg-type]
    taken = control.take_settings()
    assert taken == {"beta": 0.5} and type(taken["beta"]) is float


def test_warm_up_raises_beta_from_zero_in_a_straight_line() -> None:
    _, events = trained(model_config(), training_config(epochs=4, batch_size=30, warmup_epochs=2))
    found = [event.beta for event in events if isinstance(event, StepEvent)]
    assert found == pytest.approx([0.5, 1.0, 1.0, 1.0])
    # and so in what is maximised, of a step an epoch
    _, events = trained(model_config(), training_config(batch_size=300, warmup_epochs=2))
    seen = [event.metrics for event in events if isinstance(event, StepEvent)]
    for beta, m in zip((0.0, 0.5, 1.0), seen, strict=True):
        assert m.log_prior is not None and m.classification is not None
        weighted = m.reconstruction - beta * m.kl + m.log_prior + m.classification
        assert m.objective == pytest.approx(weighted, rel=1e-5)
    # but not in what chooses the best epoch
    for m in (event.validation for event in events if isinstance(event, EpochEvent)):
        assert m.classification is not None
        assert m.objective == pytest.approx(m.elbo + m.classification, rel=1e-5)


def test_the_end_of_an_epoch_tells_the_settings_in_force() -> None:
    for kind, weighed in (("joint-vae", 3.0), ("vae", None)):
        settings = training_config(epochs=2, warmup_epochs=2, classification_weight=3.0)
        _, events = trained(model_config(kind), settings)
        ends = [event for event in events if isinstance(event, EpochEvent)]
        assert [event.beta for event in ends] == [0.5, 1.0]
        assert [event.classification_weight for event in ends] == [weighed] * 2
        assert ends[0].learning_rate == settings.learning_rate


def test_the_cosine_schedule_ends_near_zero() -> None:
    _, events = trained(model_config(), training_config(schedule="cosine"))
    rates = [event.learning_rate or 1.0 for event in events if isinstance(event, StepEvent)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 1e-5


def test_warm_up_and_schedule_multiply_what_is_set_live() -> None:
    settings = training_config(epochs=4, batch_size=30, warmup_epochs=2, schedule="cosine")
    control, plain = TrainingControl(), trained(model_config(), settings)[1]
    seen: list[StepEvent] = []
    for event in fit(build_model(model_config()), small_dataset(), settings, control):
        if isinstance(event, StepEvent):
            seen.append(event)
            if len(seen) == 1:
                control.set(beta=2.0 * settings.beta, learning_rate=3.0 * settings.learning_rate)
    before = [event for event in plain if isinstance(event, StepEvent)]
    assert [e.beta for e in seen[1:]] == pytest.approx([2.0 * (e.beta or 0.0) for e in before[1:]])
    assert [e.learning_rate for e in seen[1:]] == pytest.approx(
        [3.0 * (e.learning_rate or 0.0) for e in before[1:]]
    )


@pytest.mark.parametrize(
    ("kind", "settings", "live"),
    [
        ("vae", {}, {"classification_weight": 5.0}),
        ("joint-vae", {"objective": "iw", "samples": 2}, {"beta": 5.0}),
    ],
)
def test_a_live_setting_without_effect_changes_nothing(
    kind: str, settings: dict[str, object], live: dict[str, float]
) -> None:
    """Neither what is reported, nor which epoch is the best so far."""
    config, training = model_config(kind), training_config(**settings)
    control = TrainingControl()
    events: list[Event] = []
    for event in fit(build_model(config, training.seed), small_dataset(), training, control):
        events.append(event)
        if isinstance(event, EpochEvent):
            control.set(**live)
    assert timeless(events) == timeless(trained(config, training)[1])


def test_what_is_set_live_outlives_a_stop_and_begins_the_search_for_the_best_anew() -> None:
    config, training, data = model_config(), training_config(epochs=4), small_dataset()

    def run(control: TrainingControl, stop_after: int | None) -> list[Event]:
        seen: list[Event] = []
        for event in fit(build_model(config, training.seed), data, training, control):
            seen.append(event)
            if isinstance(event, EpochEvent) and event.epoch == 1:  # a worse objective
                control.set(beta=50.0, classification_weight=7.0, learning_rate=1e-4)
            if isinstance(event, EpochEvent) and event.epoch == stop_after:
                control.stop()
        return seen

    whole, stopped = run(TrainingControl(), None), run(TrainingControl(), 2)
    ends = [event for event in whole if isinstance(event, EpochEvent)]
    assert ends[1].validation.objective < ends[0].validation.objective and ends[1].is_best
    finished = stopped[-1]
    assert isinstance(finished, FinishedEvent)
    rest = fit(build_model(config, 99), data, training, resume=finished.resume)
    kinds = EpochEvent | FinishedEvent
    parts = [e for e in (*stopped[:-1], *rest) if isinstance(e, kinds)]
    assert timeless(parts) == timeless([e for e in whole if isinstance(e, kinds)])


def test_the_objective_of_few_labels_is_what_is_maximised() -> None:
    """With every image in one batch, J of the labelled and the bound of the others are each a mean."""
    data, weights = small_dataset(), Weights()
    images = data.train.images.flatten(1)
    assert data.train.labels is not None
    model = build_model(model_config(), 0)
    loss = BatchLoss(model, training_config(labels=30))
    known = torch.arange(30)
    result = loss(
        images.__getitem__,
        data.train.labels,
        torch.arange(40),
        known,
        weights,
        torch.Generator().manual_seed(0),
    )
    assert result.images == 40
    assert result.sums[OBJECTIVE].item() / 40 == pytest.approx(-result.loss.item(), rel=1e-6)
    sums = MetricSums(torch.device("cpu"), has_classes=True)
    sums.add(result)
    found = sums.metrics()
    assert found.objective == pytest.approx(-result.loss.item(), rel=1e-6)
    parts = (found.reconstruction, found.kl, found.log_prior, found.classification, found.accuracy)
    of_labelled = (result.sums[[0, 1, 3, 4, 5]] / 30).tolist()
    assert parts == pytest.approx(of_labelled, rel=1e-6)
    # validated by the same objective
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    both = loss(images.__getitem__, data.train.labels, known, known, weights, generators[0])
    held = loss.validate(images[:30], data.train.labels[:30], weights, generators[1])
    torch.testing.assert_close(held.sums, both.sums)


@pytest.mark.parametrize("labels", [None, 30])
@pytest.mark.parametrize("settings", [{"objective": "iw"}, {"gradient": "score-function"}])
def test_the_loss_is_of_the_bound_the_estimator_and_the_samples_asked_for(
    settings: dict[str, str], labels: int | None
) -> None:
    model, split = build_model(model_config(), 0), small_dataset().train
    assert isinstance(model, JointVAE) and split.labels is not None
    images, index = split.images.flatten(1), torch.arange(40)
    known = None if labels is None else torch.arange(labels)
    loss = BatchLoss(model, training_config(labels=labels, samples=3, **settings))
    first, second = (torch.Generator().manual_seed(0) for _ in range(2))
    found = loss(images.__getitem__, split.labels, index, known, Weights(), first).loss

    labelled = index if known is None else known
    target = model.likelihood.target(images[labelled], second)
    y = split.labels[labelled]
    terms = bound_terms(model, target, y, samples=3, generator=second, **settings)
    log_q = model.classify(classifier_input(images[labelled]))
    wanted = (terms.conditional(Weights()) + log_q.gather(1, y[:, None])[:, 0]).mean()
    if known is not None:
        target = model.likelihood.target(images[index], second)
        every = every_class_terms(model, target, samples=3, generator=second, **settings)
        log_q = model.classify(classifier_input(images[index]))
        wanted = wanted + unlabelled_bound(every, log_q, Weights()).mean()
    torch.testing.assert_close(found, -wanted)
    parameters = list(model.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(found, parameters), torch.autograd.grad(-wanted, parameters)
    )


def test_every_picture_of_a_training_is_augmented(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[int] = []
    monkeypatch.setattr(
        "vae_explorer.engine.losses.random_affine", lambda x, *_: moved.append(len(x)) or x
    )
    split = small_dataset().train
    loss = BatchLoss(build_model(model_config(), 0), training_config(labels=30, augment=True))
    some = torch.arange(40), torch.arange(30)
    generator = torch.Generator()
    loss(split.images.flatten(1).__getitem__, split.labels, *some, Weights(), generator)
    assert sorted(moved) == [30, 40]


@pytest.mark.parametrize("labels", [None, 30])
def test_pictures_are_validated_as_they_are(labels: int | None) -> None:
    split, model = small_dataset().validation, build_model(model_config(), 0)
    plain, augmented = (
        BatchLoss(model, training_config(labels=labels, augment=augment)).validate(
            split.images.flatten(1), split.labels, Weights(), torch.Generator().manual_seed(1)
        )
        for augment in (False, True)
    )
    assert torch.equal(plain.sums, augmented.sums)


@pytest.mark.parametrize(("pixels", "count"), [(64, 1000), (784, 1000), (49_152, 21), (2**21, 1)])
def test_large_images_are_taken_a_few_at_a_time(pixels: int, count: int) -> None:
    assert images_at_once(pixels) == count


def test_validation_takes_so_many_images_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_explorer.engine.training.images_at_once", lambda pixels: pixels // 9)
    taken: list[int] = []
    validate = BatchLoss.validate

    def noted(self: BatchLoss, images: torch.Tensor, *rest: Any) -> BatchResult:
        taken.append(len(images))
        assert not self._model.training
        return validate(self, images, *rest)

    monkeypatch.setattr(BatchLoss, "validate", noted)
    trained(model_config(), training_config(epochs=1))
    assert taken == [7] * 8 + [4]


def test_pause_step_epoch_and_stop_from_another_thread() -> None:
    control, model = TrainingControl(), build_model(model_config())
    control.pause()
    training = training_config(epochs=1000)
    taken: list[Event] = []
    epoch_over = threading.Event()

    def run() -> None:
        for event in fit(model, small_dataset(), training, control):
            taken.append(event)
            if isinstance(event, EpochEvent):
                epoch_over.set()

    worker = threading.Thread(target=run)
    worker.start()
    time.sleep(0.1)
    assert worker.is_alive()
    assert taken == []
    control.step_once()
    control.step_once()
    control.epoch_once()
    assert epoch_over.wait(60.0)
    time.sleep(0.1)
    assert worker.is_alive()
    control.stop()
    worker.join(60.0)
    assert not worker.is_alive()
    finished = taken[-1]
    assert isinstance(finished, FinishedEvent)
    assert finished.reason == "stopped"
    assert finished.epoch == 1
    assert finished.resume is not None
    assert finished.resume.counters["step"] == 10


def test_snapshots_are_copies_with_an_embedding_and_change_nothing() -> None:
    data, training = small_dataset(), training_config()
    plain = timeless(
        e for e in trained(model_config(), training)[1] if not isinstance(e, SnapshotEvent)
    )
    model = build_model(model_config(), 0)
    events = list(
        fit(
            model,
            data,
            training,
            snapshot_images=data.test.images,
            snapshot_labels=data.test.labels,
            snapshot_seconds=0.0,
        )
    )
    assert timeless(e for e in events if not isinstance(e, SnapshotEvent)) == plain
    snapshots = [event for event in events if isinstance(event, SnapshotEvent)]
    assert len(snapshots) > 3
    assert all(
        s.means is not None and s.stds is not None and s.means.shape == s.stds.shape == (60, 2)
        for s in snapshots
    )
    states = [s.state["encoder.layers.0.weight"] for s in snapshots]
    assert all(not torch.equal(a, b) for a, b in itertools.pairwise(states[:-1]))
    assert len({s.data_ptr() for s in states}) == len(states)


def test_labelled_images_are_as_even_over_classes_as_can_be() -> None:
    labels = torch.tensor([0] * 50 + [1] * 50 + [2] * 3)
    chosen = choose_labelled(labels, 3, 12, seed=0)
    assert len(set(chosen.tolist())) == 12
    assert torch.bincount(labels[chosen]).tolist() == [5, 4, 3]
    assert not torch.equal(chosen, choose_labelled(labels, 3, 12, seed=1))


def test_only_the_chosen_labels_are_used() -> None:
    """Wrong labels everywhere but on the labelled images change nothing."""
    config, training, data = model_config(), training_config(labels=12), small_dataset()
    labels = data.train.labels
    assert labels is not None
    kept = choose_labelled(labels, 3, 12, training.seed)
    wrong = (labels + 1) % 3
    wrong[kept] = labels[kept]
    model = build_model(config, 0)
    plain = timeless(list(fit(model, data, training)))
    # the choice itself is made by class, so that it is held fixed here
    spoiled = dataclasses.replace(data, train=dataclasses.replace(data.train, labels=wrong))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vae_explorer.engine.training.choose_labelled", lambda *_: kept)
        assert timeless(list(fit(build_model(config, 0), spoiled, training))) == plain


@pytest.mark.parametrize(
    ("config", "labelled", "training", "sentence"),
    [
        (model_config(image_shape=(1, 9, 9)), True, training_config(), "images of shape"),
        (model_config(), False, training_config(), "needs labels"),
        (
            model_config(kind="vae", class_names=()),
            True,
            training_config(ppca_fit="closed-form"),
            "PPCA's alone",
        ),
        (model_config(class_names=("a", "b")), True, training_config(), "2 classes"),
        (model_config(), True, training_config(labels=2), "may keep their label"),
        (model_config(), True, training_config(labels=301), "may keep their label"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    config: ModelConfig, labelled: bool, training: TrainingConfig, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        list(fit(build_model(config), small_dataset(labelled), training))


@pytest.mark.parametrize("kind", ["vae", "ppca"])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_without_images_is_refused(kind: str, split: str) -> None:
    data = dataclasses.replace(small_dataset(), **{split: bars(0, 0)})
    with pytest.raises(ConfigError, match=f"The {split} split of Bars has no images"):
        list(fit(build_model(model_config(kind)), data, training_config()))


def test_an_absent_device_is_refused() -> None:
    present = available_accelerator()
    absent = "mps" if present is None or present.type != "mps" else "cuda"
    with pytest.raises(ConfigError, match=f"no {absent} device"):
        list(fit(build_model(model_config()), small_dataset(), training_config(device=absent)))


def test_bfloat16_products_learn_the_same_to_their_precision() -> None:
    ends = []
    for precision in ("float32", "bfloat16"):
        _, events = trained(model_config(), training_config(epochs=8, precision=precision))
        ends.append([e.validation for e in events if isinstance(e, EpochEvent)][-1])
    assert ends[0] != ends[1]
    assert ends[1].elbo == pytest.approx(ends[0].elbo, rel=0.03)
    assert ends[1].accuracy == pytest.approx(ends[0].accuracy, abs=0.05)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # the compiler's own look
def test_compiled_networks_learn_the_same_and_leave_no_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []

    def compile_eagerly(network: torch.nn.Module) -> None:
        """The whole path but for the code generator, which takes a minute."""
        compiled.append(type(network).__name__)
        network._compiled_call_impl = torch.compile(network._call_impl, backend="eager")

    monkeypatch.setattr(torch.nn.Module, "compile", compile_eagerly)
    # Compiled networks make their logits by themselves and have autograd's gradient: so do the plain ones, to be equal
    # to the last bit.
    monkeypatch.setattr("vae_explorer.engine.losses.is_written_out", lambda *_: False)
    monkeypatch.setattr(NetworkModel, "log_likelihood", LatentModel.log_likelihood)
    plain = timeless(trained(model_config(), training_config())[1])
    model, events = trained(model_config(), training_config(compile=True))
    assert "MLPBody" in compiled
    assert timeless(events) == plain
    assert all(network._compiled_call_impl is None for network in model.children())


@pytest.mark.skipif(not torch.accelerator.is_available(), reason="this machine has no accelerator")
def test_an_accelerator_learns_the_same() -> None:
    on_cpu = trained(model_config(), training_config(epochs=8))[1]
    there = trained(model_config(), training_config(epochs=8, device="auto"))[1]
    ends = [
        [e.validation.elbo for e in events if isinstance(e, EpochEvent)][-1]
        for events in (on_cpu, there)
    ]
    assert ends[0] == pytest.approx(ends[1], rel=0.1)
