"""The options of the training's command line: what may be given, what goes together, and what goes on.

Most of them are made from the configurations' fields.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from vae_explorer.engine.catalogue import DATASETS
from vae_explorer.engine.command_line import FRAMING, add_config, flag_of, named, words_of
from vae_explorer.engine.config import ModelConfig, TrainingConfig, effect_with
from vae_explorer.engine.device import spare_cores
from vae_explorer.engine.errors import ConfigError
from vae_explorer.engine.image_folder import Fit
from vae_explorer.engine.training_state import TrainingState

FROM_DATA = ("image_shape", "class_names")
FREE_TO_CHANGE = ("epochs", "patience", "device")  # of a training that goes on
HARMLESS = {"epochs", "seed", "device"}  # for PPCA, even where they change nothing


def parse(arguments: list[str] | None, description: str | None) -> argparse.Namespace:
    """The command line, most of it made from the configurations' fields.

    Where a training goes on, what is not named is what it was; `stopped` then holds its state. `given`
    has the names of those that the line itself sets.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--dataset",
        default="digits",
        help=f"one of {', '.join(DATASETS)}; a folder of images is --dataset folder --data-dir FOLDER",
    )
    add("--data-dir", type=Path, help="where data sets lie, or are downloaded to")
    add("--image-size", type=int, metavar="N", help="side of a folder's images (default: 28)")
    add(
        "--fit",
        choices=get_args(Fit),
        help="cut a folder's images to a square, or fill them up (default: crop)",
    )
    add(
        "--channels",
        type=int,
        choices=(1, 3),
        help="a folder's images in grey (1, the default) or colour (3)",
    )
    add(
        "--out",
        type=Path,
        help="the folder for the model, its history and its figure (default: that of the training "
        "which goes on, else runs/MODEL-DATASET)",
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="go on with a stopped training's training.safetensors",
    )
    start.add_argument(
        "--start-from", type=Path, metavar="MODEL", help="begin with the weights of a trained model"
    )
    add(
        "--threads",
        type=int,
        default=spare_cores(),
        help="CPU threads (default: all cores but one)",
    )
    add("--quiet", action="store_true", help="no progress bar")
    add_config(parser, ModelConfig, FROM_DATA)
    add_config(parser, TrainingConfig)
    parser.set_defaults(stopped=None)
    options = parser.parse_args(arguments)
    if options.resume is not None:
        state = TrainingState.load(options.resume)
        parser.set_defaults(stopped=state, **settings_of(state))
        options = parser.parse_args(arguments)
    options.given = named(parser, arguments, options)
    return options


def settings_of(state: TrainingState) -> dict[str, Any]:
    """The options that a stopped training had."""
    channels, side, _ = state.model_config.image_shape
    name, fit = state.data["name"], state.data.get("fit", "crop")
    folder = {"image_size": side} if name == "folder" else {}
    if channels == 3:
        folder["channels"] = channels
    if fit != "crop":
        folder["fit"] = fit
    return {"dataset": name, **vars(state.model_config), **vars(state.training_config), **folder}


def counted(epochs: int) -> str:
    """So many epochs, in words."""
    return f"{epochs} epoch{'' if epochs == 1 else 's'}"


def folder_of(arguments: argparse.Namespace) -> Path:
    """Where the files go: by default, a training that goes on stays in its folder."""
    if arguments.out is not None:
        return arguments.out
    if arguments.resume is not None:
        return arguments.resume.parent
    return Path("runs") / f"{arguments.kind}-{arguments.dataset}"


def refuse_idle(arguments: argparse.Namespace) -> None:
    """No setting that is given is without an effect.

    Raises:
        ConfigError: one is, and is named.
    """
    settings = {field.name for config in (ModelConfig, TrainingConfig) for field in fields(config)}
    for name in sorted(arguments.given & settings - HARMLESS):
        needed = effect_with(name, lambda field: getattr(arguments, field))
        if needed is not None:
            field, values = needed
            raise ConfigError(
                f"{flag_of(name)} has an effect with {flag_of(field)} {' or '.join(values)} alone."
            )


def refuse_changes(state: TrainingState, model: ModelConfig, training: TrainingConfig) -> None:
    """A training goes on as it was, and not to less than it has.

    Raises:
        ConfigError: a setting is not what it was, and names it; or fewer epochs than are over.
    """
    pairs = ((state.model_config, model), (state.training_config, training))
    changed = [
        flag_of(field.name)
        for old, new in pairs
        for field in fields(old)
        if field.name not in FREE_TO_CHANGE and getattr(old, field.name) != getattr(new, field.name)
    ]
    if changed:
        raise ConfigError(
            f"The stopped training had another {', '.join(changed)}: --resume goes on with the same "
            "data and settings."
        )
    if training.last_epoch < state.epoch:
        raise ConfigError(
            f"The stopped training has {counted(state.epoch)} behind it: --epochs takes no fewer."
        )


def card_command(
    arguments: argparse.Namespace, model: ModelConfig, training: TrainingConfig
) -> str:
    """The command that makes this model from the beginning, without the folders of this machine."""
    words = ["python", "train.py", "--dataset", arguments.dataset]
    if arguments.dataset == "folder":
        words += ["--data-dir", arguments.data_dir.resolve().name]
        for name in FRAMING:
            if getattr(arguments, name) is not None:
                words += [flag_of(name), str(getattr(arguments, name))]
    if arguments.start_from is not None:
        words += ["--start-from", arguments.start_from.name]
    words += words_of(model, FROM_DATA) + words_of(training)
    return shlex.join([*words, "--threads", str(arguments.threads)])
