"""Model files: safetensors with the configuration as JSON in the header, written whole or not at all.

A safetensors file holds numbers and text, so a file from a stranger can run no code. Everything in it is checked
against the configuration it carries before a weight is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.errors import ConfigError, InputError, ModelFileError
from vae_explorer.engine.files import write_whole
from vae_explorer.engine.models import Model, build_model, contradiction

FORMAT = "vae-explorer model 1"
HEADER = "vae_explorer"


_TYPES = {  # in the format's order: the widest first, so that every tensor lies at a multiple of its width
    torch.int64: "I64",
    torch.float64: "F64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors and a JSON header as one safetensors file.

    Tensor after tensor goes from its own memory to the disk. The library's `save` would put a copy of all in one string
    first, and hold Python's lock for it: half a second for a gigabyte, in which a window stands still.

    Raises:
        EngineError: the file cannot be written; what was there before is untouched.
    """
    order = list(_TYPES)
    ordered = dict(sorted(tensors.items(), key=lambda item: (order.index(item[1].dtype), item[0])))
    described: dict[str, Any] = {"__metadata__": {HEADER: json.dumps(header)}}
    end = 0
    for name, tensor in ordered.items():
        begin, end = end, end + tensor.numel() * tensor.element_size()
        described[name] = {
            "dtype": _TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    write_whole(path, _pieces(described, ordered))


def _pieces(
    described: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> Iterator[bytes | memoryview]:
    """A safetensors file: the length of what describes the tensors, that, and their bytes."""
    text = json.dumps(described, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for tensor in tensors.values():
        plain = tensor.detach().cpu().contiguous().flatten()
        yield plain.view(torch.uint8).numpy().data


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the JSON header of a file.

    Raises:
        ModelFileError: the file is missing, damaged, or none of this program's.
    """
    header = read_header(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelFileError(f"{path} is damaged: its weights cannot be read.") from error


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header alone, without a tensor."""
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder: name a model file.")
    if not path.is_file():
        raise ModelFileError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            text = (file.metadata() or {}).get(HEADER)
        if text is None:
            raise ModelFileError(f"{path} is a safetensors file, but not one of VAE Explorer.")
        header = json.loads(text)
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path} is no VAE Explorer model, or it is damaged.") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} has a damaged header.") from error
    if not isinstance(header, dict):
        raise ModelFileError(f"{path} has a damaged header.")
    return header


def save_model(path: str | Path, model: Model, card: Mapping[str, Any] | None = None) -> None:
    """Save a model with its configuration and, where given, a card: how it was trained and what was measured.

    Args:
        path: of the file; missing folders are made.
        model: on any device.
        card: words, numbers, lists and dictionaries, of any names but `config`; arrays of numpy's become lists.

    Raises:
        InputError: the card has other things in it.
        EngineError: the file cannot be written; what was there before is untouched.
    """
    header = {"format": FORMAT, "config": model.config.to_dict(), "card": _plain(card or {})}
    write_tensors(Path(path), model.state_dict(), header)


def _plain(card: Mapping[str, Any]) -> dict[str, Any]:
    """A card as JSON has it."""
    if not isinstance(card, Mapping):
        raise InputError(f"A card is a dictionary; not a {type(card).__name__}.")
    if "config" in card:
        raise InputError("A card has no `config`: the file keeps the configuration beside it.")
    try:
        return json.loads(json.dumps(dict(card), default=_of_numpy))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"A card is a dictionary of words, numbers, lists and dictionaries: {error}."
        ) from error


def _of_numpy(value: object) -> object:
    """What JSON lacks, where numpy has it as something that JSON knows."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"it cannot hold a {type(value).__name__}")


def load_model(path: str | Path) -> Model:
    """A model on the CPU, in evaluation mode.

    Raises:
        ModelFileError: the file is missing, truncated, foreign, or its weights contradict its configuration.
    """
    path = Path(path)
    header = read_header(path)
    if header.get("format") != FORMAT or not isinstance(header.get("config"), dict):
        raise ModelFileError(f"{path} is not a model that this version of VAE Explorer can open.")
    try:
        config = ModelConfig.from_dict(header["config"])
    except ConfigError as error:
        raise ModelFileError(f"{path} has a configuration that is not valid: {error}") from error
    _check_size(path, config)
    tensors, _ = read_tensors(path)
    model = build_model(config)
    problem = contradiction(model, tensors, of_any_type=False)
    if problem:
        raise ModelFileError(f"The weights in {path} contradict its configuration: {problem}.")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ModelFileError(
                f"The weights in {path} are not all numbers: {name} has NaN or infinity."
            )
    model.load_state_dict(tensors)
    return model.eval()


def _check_size(path: Path, config: ModelConfig) -> None:
    """Refuse a small file that claims a huge model, before memory is taken for one."""
    with torch.device("meta"):
        wanted = sum(
            tensor.numel() * tensor.element_size()
            for tensor in build_model(config).state_dict().values()
        )
    if wanted > path.stat().st_size:
        raise ModelFileError(
            f"The weights in {path} contradict its configuration: it describes {wanted:,} bytes of weights."
        )


def read_card(path: str | Path) -> dict[str, Any]:
    """What a model file says of itself: its `config` and its `card`, without loading a weight.

    Raises:
        ModelFileError: the file is missing, damaged or foreign, or its card is none.
    """
    header = read_header(Path(path))
    card = header.get("card") or {}
    if not isinstance(card, dict):
        raise ModelFileError(f"{path} has a damaged card.")
    return {**card, "config": header.get("config", {})}
