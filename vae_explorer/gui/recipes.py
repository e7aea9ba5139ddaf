"""Ready-made settings of a training: what a newcomer starts from."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QCoreApplication

from vae_explorer.gui.training_settings import Value


@dataclass(frozen=True)
class Recipe:
    """Settings that go together. What it does not name takes the configuration's default."""

    key: str
    title: str
    note: str
    values: dict[str, Value] = field(default_factory=dict)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Recipes", text)


def recipes() -> list[Recipe]:
    """The ready-made settings, the window's own model first."""
    joint: dict[str, Value] = {"kind": "joint-vae", "preset": "deep", "epochs": 20}
    return [
        Recipe(
            "joint-2d", _tr("Joint VAE, 2-D"), _tr("Images and classes together: p(x, y)."), joint
        ),
        Recipe(
            "lecture-vae",
            _tr("VAE, 2-D (the lecture's)"),
            _tr("One hidden layer of 256 units; every code is two numbers."),
            {"kind": "vae", "preset": "lecture", "epochs": 20},
        ),
        Recipe(
            "lecture-categorical",
            _tr("VAE, 256 grey levels"),
            _tr("The lecture's softmax over 256 grey levels a pixel."),
            {"kind": "vae", "preset": "lecture", "likelihood": "categorical", "epochs": 10},
        ),
        Recipe(
            "joint-16d",
            _tr("Joint VAE, 16-D"),
            _tr("Sharper images; the plane shows two of sixteen dimensions."),
            joint | {"latent_dim": 16, "epochs": 30},
        ),
        Recipe(
            "few-labels",
            _tr("Joint VAE, 100 labels"),
            _tr("Only 100 images keep their label; of the others the bound sums over all y."),
            joint | {"latent_dim": 16, "labels": 100, "classification_weight": 50.0, "epochs": 30},
        ),
        Recipe(
            "iwae",
            _tr("VAE, importance-weighted"),
            _tr("The tighter bound of five samples an image (IWAE)."),
            {"kind": "vae", "preset": "deep", "objective": "iw", "samples": 5, "latent_dim": 10},
        ),
        Recipe(
            "ppca",
            _tr("PPCA, 2-D"),
            _tr("The linear predecessor, by EM; exact log-likelihood."),
            {"kind": "ppca", "likelihood": "gaussian", "epochs": 30},
        ),
    ]
