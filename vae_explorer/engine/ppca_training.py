"""PPCA by EM or in closed form, as a training like the others: the same events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from vae_explorer.engine.config import EM_STEPS
from vae_explorer.engine.events import (
    EpochEvent,
    Event,
    FinishedEvent,
    Metrics,
    StateEvent,
    StepEvent,
)
from vae_explorer.engine.keeping import Keeping
from vae_explorer.engine.latent_model import copy_state
from vae_explorer.engine.linear_gaussian import LinearGaussian, closed_form, em_step, random_start
from vae_explorer.engine.moments import Moments, image_moments
from vae_explorer.engine.snapshots import Snapshots
from vae_explorer.engine.training_state import TrainingState

if TYPE_CHECKING:
    from vae_explorer.engine.config import TrainingConfig
    from vae_explorer.engine.control import TrainingControl
    from vae_explorer.engine.data import Dataset
    from vae_explorer.engine.ppca import PPCA

CONVERGED = 1e-10
"""EM ends where an epoch gains less than this share of the log-likelihood."""
_PARTS = ("weight", "mean", "variance")  # of the parameters, in their order


def fit_ppca(
    model: PPCA,
    dataset: Dataset,
    config: TrainingConfig,
    control: TrainingControl,
    resume: TrainingState | None,
    snapshots: Snapshots,
    keeping: Keeping,
) -> Iterator[Event]:
    """Fits PPCA and yields its course; the model then holds what the last whole epoch reached.

    EM begins with what a fitted model holds, else with random directions. The closed form is one
    step, and an epoch.

    Of the settings only `ppca_fit`, `epochs` (of `EM_STEPS` iterations) and `seed` have a meaning
    here: there is no step size, no noise and no batch, and moments take the place of the images, so
    that no images a second are counted. Metrics are exact, of the weights after the step: `elbo` is
    the log-likelihood, since the posterior is exact. `is_best` is always true, for EM never falls on
    what it maximises. `reference` is the closed form's log-likelihood of the train split.

    resume: the state of a stopped training, which goes on as if it had never stopped.
    snapshots: when to copy the model for those who watch.
    keeping: when to offer the state of an epoch's end.

    Raises:
        ConfigError: the state of another training, images of another shape than the model's, too
            few of them, or more pixels than a covariance has room for.
    """
    run = _Run(model, dataset, config)
    reason = "completed"
    epoch, last_value = (0, run.train_metrics().elbo) if resume is None else run.restore(resume)
    if snapshots.wanted:
        yield snapshots.take(model, run.epoch, run.steps)
    while epoch < config.last_epoch and not run.converged:
        while control.wait_for_turn():
            run.step()
            yield run.step_event()
            if run.steps % run.epoch_steps == 0:
                break
            if snapshots.due(control.holding):
                yield snapshots.take(model, run.epoch, run.steps)
        else:
            reason = "stopped"
            break
        epoch += 1
        run.at_epoch = run.parameters
        control.epoch_ended()
        event = run.epoch_event(epoch)
        yield event
        if snapshots.wanted:
            yield snapshots.take(model, run.epoch, run.steps)
        run.best_validation = event.validation.known()
        gain, last_value = event.train.elbo - last_value, event.train.elbo
        run.converged = gain < CONVERGED * abs(last_value)
        yield from keeping.offer(
            partial(run.state_event, epoch, event.train.elbo), epoch_ended=True
        )
    if run.converged and epoch < config.last_epoch:
        reason = "converged"
    state = run.state(epoch, last_value)
    if epoch:
        model.set_parameters(run.at_epoch)
    yield FinishedEvent(reason, epoch, epoch, copy_state(run.model), state)


class _Run:
    """The parameters of a fit in double precision, and what is told of them."""

    def __init__(self, model: PPCA, dataset: Dataset, config: TrainingConfig) -> None:
        dataset.check(model.config.image_shape, "train", "validation")
        self.model = model
        self.config = config
        self.dataset = dataset
        # float64 is missing on some accelerators, and the covariance is small
        self.train = image_moments(dataset.train.images.cpu())
        self.validation = image_moments(dataset.validation.images.cpu())
        latent_dim = model.config.latent_dim
        begin = time.perf_counter()
        self.best = closed_form(self.train, latent_dim)
        self.is_em = config.ppca_fit == "em"
        self.epoch_steps = EM_STEPS if self.is_em else 1
        self.seconds = 0.0 if self.is_em else time.perf_counter() - begin
        self.reference = self.best.log_likelihood(self.train)
        fresh = random_start(self.train, latent_dim, config.seed)
        self.parameters = (model.parameters_in_double() if model.fitted else fresh).rotated()
        self.at_epoch = self.parameters  # at the end of the last one
        self.best_validation: dict[str, float] = {}
        self.converged = False
        self.model.set_parameters(self.parameters)
        self.steps = 0

    def step(self) -> None:
        """An EM iteration, rotated lest the canvas spin between snapshots; or the closed form."""
        begin = time.perf_counter()
        self.parameters = (
            em_step(self.parameters, self.train).rotated() if self.is_em else self.best
        )
        self.model.set_parameters(self.parameters)
        self.steps += 1
        self.seconds += time.perf_counter() - begin

    def state_event(self, epoch: int, last_value: float) -> StateEvent:
        """The state at the end of an epoch, which is the best so far."""
        state = self.state(epoch, last_value)
        return StateEvent(epoch, epoch, copy_state(self.model), state)

    def state(self, epoch: int, last_value: float) -> TrainingState:
        """All that is needed to go on; the model itself has only single precision."""
        tensors = {
            f"{prefix}{name}": getattr(parameters, name)
            for prefix, parameters in (("", self.parameters), ("epoch.", self.at_epoch))
            for name in _PARTS
        }
        counters = {
            "step": self.steps,
            "epoch": epoch,
            "seconds": self.seconds,
            "last_value": last_value,
            "best_epoch": epoch,
            "best_validation": self.best_validation,
            "converged": self.converged,
        }
        data = self.dataset.identity
        return TrainingState(self.model.config, self.config, data, tensors, counters)

    def restore(self, state: TrainingState) -> tuple[int, float]:
        """The inverse of `state`: its epoch and last value."""
        with state.restoring(self.model.config, self.config, self.dataset):
            self.parameters, self.at_epoch = (
                LinearGaussian(*(state.tensors[f"{prefix}{n}"].clone() for n in _PARTS))
                for prefix in ("", "epoch.")
            )
            self.model.set_parameters(self.parameters)
            self.steps, self.seconds = state.counters["step"], state.counters["seconds"]
            self.best_validation = state.counters.get("best_validation", {})
            self.converged = bool(state.counters.get("converged"))  # files of before lack it
            return state.epoch, state.counters["last_value"]

    @property
    def epoch(self) -> float:
        return self.steps / self.epoch_steps

    def train_metrics(self) -> Metrics:
        return _metrics(self.parameters, self.train)

    def step_event(self) -> StepEvent:
        return StepEvent(
            step=self.steps,
            epoch=self.epoch,
            seconds=self.seconds,
            metrics=self.train_metrics(),
            images_per_second=0.0,
            beta=None,
            classification_weight=None,
            learning_rate=None,
        )

    def epoch_event(self, epoch: int) -> EpochEvent:
        per_dimension = self.parameters.kl_per_dimension(self.validation)
        return EpochEvent(
            epoch=epoch,
            epochs=self.config.last_epoch,
            step=self.steps,
            seconds=self.seconds,
            train=self.train_metrics(),
            validation=_metrics(self.parameters, self.validation),
            kl_per_dimension=tuple(per_dimension.tolist()),
            images_per_second=0.0,
            is_best=True,
            reference=self.reference,
        )


def _metrics(parameters: LinearGaussian, moments: Moments) -> Metrics:
    value = parameters.log_likelihood(moments)
    kl = float(parameters.kl_per_dimension(moments).sum())
    return Metrics(elbo=value, reconstruction=value + kl, kl=kl, objective=value)
