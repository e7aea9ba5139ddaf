"""What a model says of itself, as a small table: what it is, how it was made, what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from vae_explorer.engine.config import KIND_TITLES, ModelConfig, TrainingConfig, effect_with
from vae_explorer.engine.report import COUNT, FRACTION, headlines
from vae_explorer.gui.notation import signed, typeset
from vae_explorer.gui.training_settings import ACTIVATIONS

KINDS = {"vae": "VAE p(x)", "joint-vae": "Joint VAE p(x, y)", "ppca": "PPCA"}
LEARNED_PRIOR = "learned_class_prior"  # of a card: π as it was before it was edited
_ELSEWHERE = {"epochs"}  # told beside the epoch of the weights
_LINE = 60  # characters of a command in a line
_SIGNS = {"beta": "β", "classification_weight": "λ", "samples": "M"}


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
    if config.kind == "joint-vae":
        text = _tr("M2 with labels (Kingma et al., 2014); not the unsupervised “JointVAE”")
        rows.insert(1, (_tr("Known as"), text))
    if config.kind != "ppca":
        rows.append((_tr("Networks"), _networks(config)))
        rows.append((_tr("Posterior"), f"q(z|x{config.given_class}), {config.posterior}"))
    if "dataset" in card:
        count = card.get("train_images")
        images = f", {count:,} {_tr('training images')}" if isinstance(count, int) else ""
        rows.append((_tr("Data"), f"{card['dataset']}{images}"))
    rows += _training(config, card)
    if LEARNED_PRIOR in card:
        rows.append((_tr("Class prior π"), _tr("edited by hand")))
    if "command" in card:
        rows.append((_tr("Made by"), str(card["command"])))
    return rows + _figures(card.get("evaluation"))


def card_html(
    config: ModelConfig, card: Mapping[str, object], noise_variance: float | None = None
) -> str:
    """The rows as rich text for a message box."""
    rows = "".join(
        _command(name, value)
        if name == _tr("Made by")
        else f"<tr><td><b>{typeset(name)}</b>&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>"
        for name, value in card_rows(config, card, noise_variance)
    )
    return f"<table cellspacing=4>{rows}</table>"


def _command(name: str, value: str) -> str:
    """A command over both columns, in lines that end before an option, as a shell takes them."""
    lines = [""]
    for part in value.split(" --"):
        longer = f"{lines[-1]} --{part}" if lines[-1] else part
        if lines[-1] and len(longer) > _LINE:
            lines[-1] += " \\"
            lines.append(f"  --{part}")
        else:
            lines[-1] = longer
    text = escape("\n".join(lines))
    return f"<tr><td colspan=2><b>{name}</b><pre style='margin-top: 0'>{text}</pre></td></tr>"


def _training(config: ModelConfig, card: Mapping[str, object]) -> list[tuple[str, str]]:
    """How it was trained, where that was not by default, and which epoch's weights these are."""
    rows, told, default = [], card.get("training"), TrainingConfig().to_dict()
    if isinstance(told, Mapping):
        values = {**default, "kind": config.kind, **told}
        parts = [
            _setting(name, value)
            for name, value in told.items()
            if name in default
            and name not in _ELSEWHERE
            and value != default[name]
            and effect_with(name, lambda field: values.get(field)) is None
        ]
        rows.append((_tr("Training"), ", ".join(parts) or _tr("all settings by default")))
    changed = card.get("changed_live")
    if isinstance(changed, Mapping) and changed:
        text = ", ".join(_setting(str(name), value) for name, value in changed.items())
        rows.append((_tr("Changed during it"), _tr("in the end {0}").format(text)))
    if "started_from" in card:
        rows.append((_tr("Began with"), str(card["started_from"])))
    if "epochs" in card:
        best, moment = card.get("best_epoch"), card.get("epoch")
        if best is not None:
            text = _tr("epoch {0} of {1}").format(best, card["epochs"])
            rows.append((_tr("Weights of"), text))
        elif isinstance(moment, int | float):
            text = _tr("epoch {0:.2f} of {1}").format(moment, card["epochs"])
            half = _tr(", in half precision") if card.get("half_precision") else ""
            rows.append((_tr("Weights of"), text + half))
    return rows


def _setting(name: str, value: object) -> str:
    if name in _SIGNS:
        return f"{_SIGNS[name]} = {value}"
    words = name.replace("_", " ")
    return words if value is True else f"{words} {value}"


def _networks(config: ModelConfig) -> str:
    if config.preset == "deep":
        text = f"{'-'.join(map(str, config.widths))} {ACTIVATIONS[config.activation]}"
    else:
        text = _tr("the lecture's") if config.preset == "lecture" else _tr("convolutional")
    if config.kind != "joint-vae":
        return text
    kind = _tr("convolutional") if config.classifier == "conv" else _tr("MLP")
    return _tr("{0}; classifier q(y|x): {1}").format(text, kind)


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
