"""The engine: models, training and evaluation with torch and numpy, without a window.

Names are imported when they are first used, so that a program can show its settings before torch is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae_explorer.engine.checkpoint import load_model, read_card, save_model
    from vae_explorer.engine.config import ModelConfig, TrainingConfig
    from vae_explorer.engine.control import TrainingControl
    from vae_explorer.engine.data import Dataset, load_dataset, pictures
    from vae_explorer.engine.drawing import to_model_input
    from vae_explorer.engine.errors import EngineError
    from vae_explorer.engine.evaluation import evaluate
    from vae_explorer.engine.evaluation_config import EvaluationConfig
    from vae_explorer.engine.events import (
        EpochEvent,
        Event,
        FinishedEvent,
        SnapshotEvent,
        StateEvent,
        StepEvent,
    )
    from vae_explorer.engine.explorer import Explorer
    from vae_explorer.engine.gradients import compare_estimators
    from vae_explorer.engine.lecture_figure import Curve, figure_images, save_lecture_figure
    from vae_explorer.engine.models import build_model
    from vae_explorer.engine.training import fit

_HOMES = {
    "Curve": "lecture_figure",
    "Dataset": "data",
    "EngineError": "errors",
    "EpochEvent": "events",
    "EvaluationConfig": "evaluation_config",
    "Event": "events",
    "Explorer": "explorer",
    "FinishedEvent": "events",
    "ModelConfig": "config",
    "SnapshotEvent": "events",
    "StateEvent": "events",
    "StepEvent": "events",
    "TrainingConfig": "config",
    "TrainingControl": "control",
    "build_model": "models",
    "compare_estimators": "gradients",
    "evaluate": "evaluation",
    "figure_images": "lecture_figure",
    "fit": "training",
    "load_dataset": "data",
    "load_model": "checkpoint",
    "pictures": "data",
    "read_card": "checkpoint",
    "save_lecture_figure": "lecture_figure",
    "save_model": "checkpoint",
    "to_model_input": "drawing",
}

__all__ = [
    "Curve",
    "Dataset",
    "EngineError",
    "EpochEvent",
    "EvaluationConfig",
    "Event",
    "Explorer",
    "FinishedEvent",
    "ModelConfig",
    "SnapshotEvent",
    "StateEvent",
    "StepEvent",
    "TrainingConfig",
    "TrainingControl",
    "build_model",
    "compare_estimators",
    "evaluate",
    "figure_images",
    "fit",
    "load_dataset",
    "load_model",
    "pictures",
    "read_card",
    "save_lecture_figure",
    "save_model",
    "to_model_input",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
