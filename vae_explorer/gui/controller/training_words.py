"""What a training's messages are in the window: numbers for its curves, and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from vae_explorer.engine.config import objective_title, train_title
from vae_explorer.engine.control import LIVE_SETTINGS
from vae_explorer.gui.curve_data import Run

if TYPE_CHECKING:
    from vae_explorer.engine.events import EpochEvent, FinishedEvent, StepEvent
    from vae_explorer.gui.jobs import TrainingBegun

Values = dict[str, float | None]
EpochRow = tuple[float, float, float, Values, Values, tuple[float, ...], float | None]


def _tr(text: str) -> str:
    return QCoreApplication.translate("Training", text)


def run_of(begun: TrainingBegun) -> Run:
    """A run for the curves, named after the model and its data."""
    explorer, config = begun.opened.explorer, begun.config
    data = begun.opened.gallery.title if begun.opened.gallery else ""
    label = "log-likelihood" if explorer.kind == "ppca" else "ELBO"
    return Run(
        f"{config.kind_title} {config.latent_dim}-D, {data}",
        explorer.has_classes,
        _tr("{0} per image").format(explorer.likelihood_unit),
        label=label,
        data=data,
        likelihood=config.target_title,
        objective=objective_title(config, begun.training),
        train_title=train_title(config, begun.training),
    )


def ending_in_words(event: FinishedEvent, moment: float) -> str:
    """How a training ended; `moment`, in epochs, is where a stopped one was."""
    epoch, best = event.epoch, event.best_epoch
    if epoch == 1 and event.reason in ("completed", "converged"):
        return _tr("Trained 1 epoch")
    if best == 0:
        return _tr("Stopped at epoch {0:.2f}").format(moment)
    reasons = {
        "completed": _tr("Trained {0} epochs; the best was epoch {1}"),
        "converged": _tr("Converged after {0} epochs"),
        "stopped": _tr("Stopped at epoch {0:.2f}; the best was epoch {1}"),
        "early-stopped": _tr("No progress after {0} epochs; the best was epoch {1}"),
    }
    return reasons[event.reason].format(moment if event.reason == "stopped" else epoch, best)


def epoch_row(event: EpochEvent) -> EpochRow:
    """What the curves take of an epoch."""
    return (
        event.epoch,
        event.step,
        event.seconds,
        event.train.known() | in_force(event),
        event.validation.known() | in_force(event),
        event.kl_per_dimension,
        event.reference,
    )


def in_force(event: StepEvent | EpochEvent) -> dict[str, float | None]:
    """The live settings, with the values that they have after warm-up, schedule and changes."""
    return {name: getattr(event, name) for name in LIVE_SETTINGS}
