"""What a training tells: frozen events that `fit` yields to whoever iterates it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from vae_explorer.engine.training_state import TrainingState

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Metrics:
    """Averages over images, in nats per image; accuracy is a fraction.

    Attributes:
        elbo: reconstruction − KL (+ log π_y), always with β = 1. For PPCA the exact log-likelihood.
        reconstruction: E_q log p(x|z), a Monte Carlo average.
        kl: KL(q(z|x) ‖ p(z)), in closed form.
        objective: what is maximised, with the β and λ in force.
        log_prior: log π_y; `None` for a model of p(x).
        classification: log q(y|x) of the labelled images; `None` for a model of p(x).
        accuracy: of q(y|x) on the labelled images; `None` for a model of p(x).
    """

    elbo: float
    reconstruction: float
    kl: float
    objective: float
    log_prior: float | None = None
    classification: float | None = None
    accuracy: float | None = None

    def known(self) -> dict[str, float]:
        """Those that there are, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class StepEvent:
    """The averages over the steps since the last such event, of the train split.

    Attributes:
        step: optimizer steps so far.
        epoch: the same in epochs, such as 2.37.
        seconds: of training so far, without pauses and validation.
        images_per_second: since the last such event; 0 for PPCA, whose EM goes over moments, not images.
        beta, classification_weight, learning_rate: in force, after warm-up, schedule and changes; `None` where the
            model has no such setting.
    """

    step: int
    epoch: float
    seconds: float
    metrics: Metrics
    images_per_second: float
    beta: float | None
    classification_weight: float | None
    learning_rate: float | None


@dataclass(frozen=True)
class EpochEvent:
    """The end of an epoch.

    Attributes:
        epoch: from 1.
        train: running averages over the epoch, of weights that moved meanwhile.
        validation: of the validation split, with noise that is the same each time.
        kl_per_dimension: mean KL of each latent dimension on the validation split.
        is_best: whether the validation objective is the best so far.
        reference: PPCA's closed-form log-likelihood, which EM approaches.
        beta, classification_weight, learning_rate: in force at its end, as in `StepEvent`.
    """

    epoch: int
    epochs: int
    step: int
    seconds: float
    train: Metrics
    validation: Metrics
    kl_per_dimension: tuple[float, ...]
    images_per_second: float
    is_best: bool
    reference: float | None = None
    beta: float | None = None
    classification_weight: float | None = None
    learning_rate: float | None = None


@dataclass(frozen=True)
class SnapshotEvent:
    """A copy of the weights, and the posteriors' means and standard deviations of the images asked for, (n, d)."""

    epoch: float
    step: int
    state: State
    means: np.ndarray | None
    stds: np.ndarray | None


@dataclass(frozen=True)
class StateEvent:
    """All that is needed to go on from here, and the best weights so far, for those who keep them.

    The tensors may be the training's own: they hold what they say until it goes on.
    """

    epoch: int
    best_epoch: int
    best_state: State
    resume: TrainingState


@dataclass(frozen=True)
class FinishedEvent:
    """The end of a training; the model then holds `best_state`, and `resume` continues from the last step."""

    reason: Literal["completed", "converged", "stopped", "early-stopped"]
    epoch: int
    best_epoch: int
    best_state: State
    resume: TrainingState | None


Event = StepEvent | EpochEvent | SnapshotEvent | StateEvent | FinishedEvent
