"""From a configuration to a model with fresh weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.device import short_memory_is
from vae_explorer.engine.errors import ConfigError, EngineError
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.plain_numbers import checked_seed
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.vae import VAE

Model = VAE | JointVAE | PPCA


def build_model(config: ModelConfig, seed: int = 0) -> Model:
    """A model on the CPU whose first weights depend on the configuration and the seed alone.

    Raises:
        ConfigError: the seed is no whole number from 0 to 2⁶³ − 1.
        EngineError: memory is short.
    """
    seed = checked_seed(seed, ConfigError)
    kinds = {"vae": VAE, "joint-vae": JointVAE, "ppca": PPCA}
    problem = EngineError("Memory is short for a network of this size: take a smaller one.")
    with short_memory_is(problem), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kinds[config.kind](config)


def contradiction(model: Model, state: Mapping[str, Any], *, of_any_type: bool) -> str | None:
    """In what some weights differ from a model's in name, shape or type, such as `it lacks bias`; None in nothing."""
    expected = model.state_dict()
    for name in sorted(expected.keys() ^ state.keys(), key=str):
        return f"it {'lacks' if name in expected else 'has an unknown tensor'} {name}"
    for name, tensor in state.items():
        wanted = expected[name]
        alike = isinstance(tensor, Tensor) and tensor.shape == wanted.shape
        if not alike or not (of_any_type or tensor.dtype == wanted.dtype):
            return f"{name} is {_form(tensor)}, not {_form(wanted)}"
    return None


def _form(value: Any) -> str:
    """Shape and type, such as `(256,) float32`."""
    if not isinstance(value, Tensor):
        return type(value).__name__
    return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
