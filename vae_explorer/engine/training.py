"""`fit`: a training as a plain generator of events.

The command line, the window's thread, a notebook and the tests iterate the same generator; there are no callbacks.
Pixels lie on the device as bytes, batches are gathered there, and nothing waits for the device between two reports; but
for a folder too large for its memory, which is read from a file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from vae_explorer.engine.batches import BatchOrder, choose_labelled, images_at_once
from vae_explorer.engine.config import TrainingConfig
from vae_explorer.engine.control import TrainingControl
from vae_explorer.engine.data import Dataset
from vae_explorer.engine.device import keep_freed_memory, pick_device, short_memory_is
from vae_explorer.engine.errors import ConfigError, TrainingError
from vae_explorer.engine.events import (
    EpochEvent,
    Event,
    FinishedEvent,
    Metrics,
    StateEvent,
    StepEvent,
)
from vae_explorer.engine.fused import release_gradient
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.keeping import Keeping
from vae_explorer.engine.latent_model import copy_state
from vae_explorer.engine.losses import BatchLoss, BatchResult, MetricSums
from vae_explorer.engine.models import Model
from vae_explorer.engine.objective import Weights
from vae_explorer.engine.optimisation import Optimisation
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.ppca_training import fit_ppca
from vae_explorer.engine.replay import ReplayedStep, is_replayable
from vae_explorer.engine.snapshots import Snapshots
from vae_explorer.engine.training_state import TrainingState
from vae_explorer.engine.vae import NetworkModel

REPORT_EVERY = 10  # steps; the only places where the device is waited for


def fit(
    model: Model,
    dataset: Dataset,
    config: TrainingConfig,
    control: TrainingControl | None = None,
    resume: TrainingState | None = None,
    *,
    snapshot_images: Tensor | None = None,
    snapshot_labels: Tensor | None = None,
    snapshot_seconds: float | None = None,
    state_seconds: float | None = None,
) -> Iterator[Event]:
    """Train a model in place.

    The same seed gives the same events to the last bit, on the same machine with the same number of threads. When the
    generator ends, or is closed, the model is on the CPU with the weights of the best validation objective so far.

    Args:
        model: a fresh model, or a trained one to go on with.
        dataset: its `train` split trains and its `validation` split chooses; `test` is never touched.
        control: stop, pause and live settings from another thread.
        resume: the state of a stopped training of the same model, data and configuration.
        snapshot_images: uint8 (n, C, H, W), whose posterior means every snapshot carries.
        snapshot_labels: int64 (n,), for a Joint VAE.
        snapshot_seconds: the least time between snapshots within an epoch; at the start, after every epoch and where
            the training holds there is one in any case. `None` for none at all. They do not change the training.
        state_seconds: the least time between states to be kept; there is one after the first epoch. `None` for none.

    Raises:
        ConfigError: model, data and configuration do not fit together.
        ModelFileError: a part of the state to resume is missing.
        TrainingError: the objective is no longer a number, or memory is short.
    """
    keep_freed_memory()
    control = control or TrainingControl()
    snapshots = Snapshots(snapshot_images, snapshot_labels, snapshot_seconds)
    keeping = Keeping(state_seconds)
    if isinstance(model, PPCA):
        yield from fit_ppca(model, dataset, config, control, resume, snapshots, keeping)
        return
    advice = "Memory is short: take a smaller batch, fewer samples or a smaller network."
    with short_memory_is(TrainingError(advice)):
        trainer = Trainer(model, dataset, config, control, resume)
        try:
            yield from trainer.run(snapshots, keeping)
        finally:
            trainer.leave_best()


class Trainer:
    """The state of one training: where it is, and how to take the next step."""

    def __init__(
        self,
        model: NetworkModel,
        dataset: Dataset,
        config: TrainingConfig,
        control: TrainingControl,
        resume: TrainingState | None,
    ) -> None:
        check_fits(model, dataset, config)
        self.model, self.dataset, self.config, self.control = model, dataset, config, control
        self.device = pick_device(config.device)
        model.to(self.device)
        self.generator = torch.Generator(self.device).manual_seed(config.seed)
        self.weights = Weights(config.beta, config.classification_weight)
        split = dataset.train
        self.pixels = split.rows(self.device)
        self.labels = None if split.labels is None else split.labels.to(self.device)
        labelled = None
        if isinstance(model, JointVAE) and config.labels is not None and split.labels is not None:
            labelled = choose_labelled(
                split.labels, dataset.classes, config.labels, config.seed
            ).to(self.device)
        if isinstance(model, JointVAE) and self.labels is not None and resume is None:
            known = self.labels if labelled is None else self.labels[labelled]
            model.set_class_prior(torch.bincount(known, minlength=dataset.classes).float())
        self.loss = BatchLoss(model, config)
        if config.compile:
            for network in model.children():
                network.compile()
        self.order = BatchOrder(len(split), config.batch_size, labelled, self.generator)
        self.optimisation = Optimisation(model, config, config.epochs * self.order.steps)
        self.replayed = None
        if is_replayable(config, self.device) and split.file is None:
            self.replayed = ReplayedStep(self._compute, self.generator, self._drop_gradients)
        self.epoch_sums, self.report_sums = self._new_sums(), self._new_sums()
        self.step, self.epoch, self.seconds = 0, 0, 0.0
        self.report_seconds = 0.0
        self.best_objective, self.best_epoch = float("-inf"), 0
        self.best_validation: dict[str, float] = {}
        self.best_state = copy_state(model)
        if resume is not None:
            with resume.restoring(model.config, config, dataset):
                self._restore(resume)

    def _new_sums(self) -> MetricSums:
        return MetricSums(self.device, has_classes=isinstance(self.model, JointVAE))

    def run(self, snapshots: Snapshots, keeping: Keeping) -> Iterator[Event]:
        """All epochs from where the training is."""
        reason = "early-stopped" if self._out_of_patience() else "completed"
        if snapshots.wanted:
            yield snapshots.take(self.model, self._epoch_now(), self.step)
        while reason == "completed" and self.epoch < self.config.epochs:
            yield from self._rest_of_epoch(snapshots, keeping)
            if self.control.stopping and self.order.position < self.order.steps:
                reason = "stopped"
                break
            yield self._end_epoch()
            if snapshots.wanted:
                yield snapshots.take(self.model, self._epoch_now(), self.step)
            yield from keeping.offer(self._state_event, epoch_ended=True)
            if self._out_of_patience():
                reason = "early-stopped"
            elif self.control.stopping and self.epoch < self.config.epochs:
                reason = "stopped"
        if self.best_epoch == 0:
            self._keep_best()
        state = self._state(copy=True)
        self.leave_best()
        yield FinishedEvent(reason, self.epoch, self.best_epoch, self.best_state, state)

    def _out_of_patience(self) -> bool:
        patience = self.config.patience
        # as long as β rises, the weights that it is for are yet to come
        since = max(self.best_epoch, self.config.warmup_epochs)
        return patience is not None and self.epoch - since >= patience

    def _rest_of_epoch(self, snapshots: Snapshots, keeping: Keeping) -> Iterator[Event]:
        """Steps until the epoch is over or a stop is asked for, with a report every few."""
        self.model.train()
        if self.order.position == self.order.steps:
            self.order.shuffle()
        mark = time.perf_counter()
        while self.order.position < self.order.steps:
            if self.control.paused or self.control.stopping:
                self.seconds += time.perf_counter() - mark
                turn = self.control.wait_for_turn()
                mark = time.perf_counter()
                if not turn:
                    break
            self._take_settings()
            self._take_step()
            last = self.order.position == self.order.steps
            if self.step % REPORT_EVERY == 0 or last or self.control.paused:
                yield self._report(mark)
                if snapshots.due(self.control.holding) and not last:
                    yield snapshots.take(self.model, self._epoch_now(), self.step)
                if not last:
                    yield from keeping.offer(self._state_event)
                mark = time.perf_counter()

    def _take_step(self) -> None:
        weights = Weights(self.weights.beta * self._warmup(), self.weights.classification)
        index, labelled = self.order.next()
        turn = self.optimisation.prepare(self.step)
        rate = self.optimisation.current_rate
        if self.replayed is None:
            result = self._compute(index, labelled, weights, rate)
        else:
            result = self.replayed(index, labelled, weights, rate, turn)
        self.report_sums.add(result)
        self.epoch_sums.add(result)
        self.step += 1

    def _compute(
        self, index: Tensor, labelled: Tensor | None, weights: Weights, rate: float | Tensor
    ) -> BatchResult:
        """What the device does in a step."""
        with self.autocast():
            result = self.loss(self.pixels, self.labels, index, labelled, weights, self.generator)
        self.optimisation.step(result.loss, rate)
        return result

    def autocast(self) -> AbstractContextManager[object]:
        """The precision of the networks' products."""
        if self.config.precision == "bfloat16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    def _warmup(self) -> float:
        if not self.config.warmup_epochs:
            return 1.0
        return min(1.0, self.step / (self.config.warmup_epochs * self.order.steps))

    def _take_settings(self) -> None:
        given = self.control.take_settings()
        if self.config.objective == "iw":  # the bound has no KL to weigh
            given.pop("beta", None)
        if not isinstance(self.model, JointVAE):
            given.pop("classification_weight", None)
        if "learning_rate" in given:
            self.optimisation.learning_rate = given.pop("learning_rate")
        if given:  # another objective: what was best under the old one is no longer comparable
            self.weights = Weights(
                given.get("beta", self.weights.beta),
                given.get("classification_weight", self.weights.classification),
            )
            self.best_objective = float("-inf")

    def _epoch_now(self) -> float:
        return self.step / self.order.steps

    def _report(self, mark: float) -> StepEvent:
        # waits for the device, so that the clock is read after the work
        metrics = self.report_sums.metrics()
        self.seconds += time.perf_counter() - mark
        if not np.isfinite(metrics.objective):
            raise TrainingError(
                f"The objective is no longer a number after {self.step} steps: take a smaller learning rate."
            )
        images = self.report_sums.images
        rate = images / max(self.seconds - self.report_seconds, 1e-9)
        self.report_seconds = self.seconds
        self.report_sums.clear()
        return StepEvent(
            self.step,
            self._epoch_now(),
            self.seconds,
            metrics,
            rate,
            *self._in_force(),
        )

    def _in_force(self) -> tuple[float | None, float | None, float]:
        """β (which the IW bound has not), λ (of a Joint VAE alone) and the learning rate."""
        beta = None if self.config.objective == "iw" else float(self.weights.beta) * self._warmup()
        weight = float(self.weights.classification) if isinstance(self.model, JointVAE) else None
        return beta, weight, self.optimisation.current_rate

    def _end_epoch(self) -> EpochEvent:
        self.epoch += 1
        self.control.epoch_ended()
        train = self.epoch_sums.metrics()
        images, began = self.epoch_sums.images, self.epoch_sums.began
        self.epoch_sums.clear(self.seconds)
        validation, kl = self._validate()
        is_best = validation.objective > self.best_objective
        if not np.isfinite(validation.objective):
            raise TrainingError(
                f"The validation objective is no longer a number after epoch {self.epoch}: "
                "take a smaller learning rate."
            )
        if is_best:
            self.best_objective, self.best_epoch = validation.objective, self.epoch
            self.best_validation = validation.known()
            self._keep_best()
        rate = images / max(self.seconds - began, 1e-9)
        return EpochEvent(
            self.epoch,
            self.config.epochs,
            self.step,
            self.seconds,
            train,
            validation,
            kl,
            rate,
            is_best,
            None,
            *self._in_force(),
        )

    def _keep_best(self) -> None:
        """Copy the weights over those of the last best epoch: a large model has no room for a third set."""
        for name, tensor in self.model.state_dict().items():
            self.best_state[name].copy_(tensor)

    @torch.no_grad()
    def _validate(self) -> tuple[Metrics, tuple[float, ...]]:
        """Metrics and mean KL per dimension on the validation split, with the same noise each time."""
        self.model.eval()
        generator = torch.Generator(self.device).manual_seed(self.config.seed + 1)
        split = self.dataset.validation
        sums = self._new_sums()
        kl = torch.zeros(self.model.config.latent_dim, device=self.device)
        rows = self.config.samples * (self.model.config.classes if self.loss.has_unlabelled else 1)
        batch = max(1, images_at_once(self.model.config.pixels) // rows)  # rows an image in a pass
        for start in range(0, len(split), batch):
            images = split.images[start : start + batch].flatten(1).to(self.device)
            labels = split.labels
            if labels is not None:
                labels = labels[start : start + batch].to(self.device)
            with self.autocast():
                result = self.loss.validate(images, labels, self.weights, generator)
            sums.add(result)
            kl += result.kl_per_dimension.sum(0)
        self.model.train()
        return sums.metrics(), tuple((kl / len(split)).tolist())

    def leave_best(self) -> None:
        """Give the model its best weights and hand it back on the CPU, in evaluation mode."""
        self.replayed = None  # holds this in a circle, and memory that the next training may want
        self.model.to("cpu")
        for network in self.model.children():
            network._compiled_call_impl = None  # the window explores with the plain networks
        self.model.load_state_dict(self.best_state)
        self.model.eval()
        self._drop_gradients()
        for parameter in self.model.parameters():
            parameter.requires_grad_(True)

    def _drop_gradients(self) -> None:
        for parameter in self.model.parameters():
            release_gradient(parameter)

    def _state_event(self) -> StateEvent:
        state = self._state(copy=False)
        return StateEvent(self.epoch, self.best_epoch, self.best_state, state)

    def _state(self, *, copy: bool) -> TrainingState:
        tensors = {
            **{f"model.{name}": tensor for name, tensor in self.model.state_dict().items()},
            **{f"best.{name}": tensor for name, tensor in self.best_state.items()},
            **{f"optimizer.{name}": tensor for name, tensor in self.optimisation.tensors().items()},
            **{f"order.{name}": tensor for name, tensor in self.order.tensors().items()},
            "generator": self.generator.get_state(),
            "sums.epoch": self.epoch_sums.tensor(),
            "sums.report": self.report_sums.tensor(),
        }
        counters = {
            "step": self.step,
            "epoch": self.epoch,
            "position": self.order.position,
            "labelled_position": self.order.labelled_position,
            "seconds": self.seconds,
            "best_objective": self.best_objective if self.best_epoch else None,
            "best_epoch": self.best_epoch,
            "best_validation": self.best_validation,
            "beta": self.weights.beta,
            "classification_weight": self.weights.classification,
            "learning_rate": self.optimisation.learning_rate,
        }
        cpu = {name: tensor.detach().to("cpu", copy=copy) for name, tensor in tensors.items()}
        return TrainingState(self.model.config, self.config, self.dataset.identity, cpu, counters)

    def _restore(self, state: TrainingState) -> None:
        counters = state.counters
        self.model.load_state_dict(state.part("model"))
        for name, tensor in state.part("best").items():
            self.best_state[name].copy_(tensor)
        self.optimisation.restore(state.part("optimizer"))
        self.order.restore(state.part("order"), counters["position"], counters["labelled_position"])
        random = state.tensors["generator"]
        if random.shape == self.generator.get_state().shape:
            self.generator.set_state(random)
        else:  # of another kind of device, whose random numbers this one cannot go on with
            self.generator.manual_seed(self.config.seed + 1 + counters["step"])
        self.epoch_sums.restore(state.tensors["sums.epoch"])
        self.report_sums.restore(state.tensors["sums.report"])
        self.step, self.epoch = counters["step"], counters["epoch"]
        self.seconds = self.report_seconds = counters["seconds"]
        self.best_epoch = counters["best_epoch"]
        self.best_validation = counters.get("best_validation", {})
        self.best_objective = counters["best_objective"] if self.best_epoch else float("-inf")
        self.weights = Weights(counters["beta"], counters["classification_weight"])
        self.optimisation.learning_rate = counters["learning_rate"]


def check_fits(model: NetworkModel, dataset: Dataset, config: TrainingConfig) -> None:
    """Refuse a model, data set and configuration that do not belong together.

    Raises:
        ConfigError: with the sentence for the user.
    """
    dataset.check(model.config.image_shape, "train", "validation")
    if config.ppca_fit != "em":
        raise ConfigError(
            "The closed form is PPCA's alone: another model is trained by its gradient."
        )
    if isinstance(model, JointVAE) and dataset.train.labels is None:
        raise ConfigError(f"A Joint VAE needs labels, and {dataset.title} has none.")
    if isinstance(model, JointVAE) and dataset.classes != model.config.classes:
        raise ConfigError(
            f"The model has {model.config.classes} classes; {dataset.title} has {dataset.classes}."
        )
    labels = config.labels if isinstance(model, JointVAE) else None
    if labels is not None and not dataset.classes <= labels <= len(dataset.train):
        raise ConfigError(
            f"Of {len(dataset.train):,} images in {dataset.classes} classes, "
            f"{dataset.classes} to {len(dataset.train):,} may keep their label; not {labels}."
        )
