"""From a configuration to a model with fresh weights."""

from __future__ import annotations

import torch

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.vae import VAE

Model = VAE | JointVAE | PPCA


def build_model(config: ModelConfig, seed: int = 0) -> Model:
    """A model on the CPU whose first weights depend on the configuration and the seed alone."""
    kinds = {"vae": VAE, "joint-vae": JointVAE, "ppca": PPCA}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kinds[config.kind](config)
