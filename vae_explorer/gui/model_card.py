"""What a model says of itself, as a small table: what it is, how it was made, what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from vae_explorer.engine.config import KIND_TITLES, ModelConfig
from vae_explorer.engine.report import COUNT, FRACTION, headlines
from vae_explorer.gui.notation import signed, typeset
from vae_explorer.gui.training_settings import ACTIVATIONS

KINDS = {"vae": "VAE p(x)", "joint-vae": "Joint VAE p(x, y)", "ppca": "PPCA"}


def title_of(path: Path, *, bundled: bool) -> str:
    """A model's name: of a bundled one as its recipe is called (`Joint VAE, 2-D`), else its file's."""
    name = path.name.removesuffix(".safetensors")
    family, _, size = name.rpartition("-")
    if bundled and family in KIND_TITLES and size.endswith("d"):
        return f"{KIND_TITLES[family]}, {size[:-1]}-D"
    return name


def card_rows(
    config: ModelConfig, card: Mapping[str, object], noise_variance: float | None = None
) -> list[tuple[str, str]]:
    """Names and values, only of what is known.

    noise_variance: η² or σ² of a Gaussian likelihood, as it is now.
    """
    rows = [(_tr("Model"), f"{KINDS[config.kind]}, d = {config.latent_dim}")]
    rows.append((_tr("Likelihood"), config.likelihood_title))
    if noise_variance is not None and (config.learn_variance or config.kind == "ppca"):
        name = "σ²" if config.kind == "ppca" else "η²"
        rows.append((name, _tr("{0:.4g}, of pixels in [0, 1]").format(noise_variance)))
    if config.kind != "ppca":
        rows.append((_tr("Networks"), _networks(config)))
    if "dataset" in card:
        count = card.get("train_images")
        images = f", {count:,} {_tr('training images')}" if isinstance(count, int) else ""
        rows.append((_tr("Data"), f"{card['dataset']}{images}"))
    if "best_epoch" in card and "epochs" in card:
        text = _tr("epoch {0} of {1}").format(card["best_epoch"], card["epochs"])
        rows.append((_tr("Weights of"), text))
    if "command" in card:
        rows.append((_tr("Made by"), str(card["command"])))
    return rows + _figures(card.get("evaluation"))


def card_html(
    config: ModelConfig, card: Mapping[str, object], noise_variance: float | None = None
) -> str:
    """The rows as rich text for a message box."""
    rows = "".join(
        f"<tr><td><b>{typeset(name)}</b>&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>"
        for name, value in card_rows(config, card, noise_variance)
    )
    return f"<table cellspacing=4>{rows}</table>"


def _networks(config: ModelConfig) -> str:
    if config.preset == "deep":
        return f"{'-'.join(map(str, config.widths))} {ACTIVATIONS[config.activation]}"
    return _tr("the lecture's") if config.preset == "lecture" else _tr("convolutional")


def _figures(evaluation: object) -> list[tuple[str, str]]:
    """The measured figures of a report that was kept in the card."""
    if not isinstance(evaluation, Mapping) or not isinstance(evaluation.get("figures"), list):
        return []
    rows = []
    for figure in evaluation["figures"]:
        if not isinstance(figure, Mapping) or not isinstance(figure.get("value"), float | int):
            continue
        rows.append((str(figure.get("title", "")), _value(figure)))
    return [(_tr("Measured on"), "; ".join(headlines(evaluation))), *rows]


def _value(figure: Mapping[str, Any]) -> str:
    """The value of a figure with its standard error, and how many latent samples made it."""
    scale, unit = (100, " %") if figure.get("unit") == FRACTION else (1, "")
    digits = 0 if figure.get("unit") == COUNT else 2
    text = signed(scale * figure["value"], digits)
    error, samples = figure.get("standard_error"), figure.get("samples")
    if isinstance(error, float):
        text += f" ± {scale * error:.2f}"
    text += unit
    return f"{text}, {samples:,} {_tr('samples')}" if isinstance(samples, int) else text


def _tr(text: str) -> str:
    return QCoreApplication.translate("model_card", text)
