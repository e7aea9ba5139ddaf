"""From a configuration to a model with fresh weights."""

from __future__ import annotations

import torch

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.device import short_memory_is
from vae_explorer.engine.errors import EngineError
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.vae import VAE

Model = VAE | JointVAE | PPCA


def build_model(config: ModelConfig, seed: int = 0) -> Model:
    """A model on the CPU whose first weights depend on the configuration and the seed alone.

    Raises:
        EngineError: memory is short.
    """
    kinds = {"vae": VAE, "joint-vae": JointVAE, "ppca": PPCA}
    problem = EngineError("Memory is short for a network of this size: take a smaller one.")
    with short_memory_is(problem), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kinds[config.kind](config)
