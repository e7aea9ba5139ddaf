"""Posterior means and standard deviations of many images."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_explorer.engine.batches import images_at_once
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.latent_model import LatentModel
from vae_explorer.engine.objective import classifier_input
from vae_explorer.engine.vae import one_hot


def exploring_input(model: LatentModel, images: Tensor) -> Tensor:
    """What the encoder sees of uint8 pixels (B, P) when a person explores, and so without noise.

    For the Bernoulli likelihood with stochastic binarisation that is the mean of the pixels it would draw.
    """
    if model.config.likelihood == "bernoulli" and model.config.binarisation == "stochastic":
        return classifier_input(images)
    return model.likelihood.encoder_input(model.likelihood.target(images))


@torch.no_grad()
def embed_images(
    model: LatentModel, images: Tensor, labels: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Posterior means and standard deviations, both (N, d) on the CPU.

    Args:
        images: uint8 (N, C, H, W) or (N, P).
        labels: int64 (N,) for a Joint VAE; without them y is the classifier's most probable class.
    """
    device = next(model.parameters(), torch.empty(0)).device
    training = model.training
    if training:  # a walk over all modules, which for a single image is half the time
        model.eval()
    means, deviations = [], []
    step = images_at_once(model.config.pixels)
    for start in range(0, max(1, len(images)), step):
        batch = images[start : start + step].flatten(1).to(device)
        y = None
        if isinstance(model, JointVAE):
            known = None if labels is None else labels[start : start + step].to(device)
            chosen = model.classify(classifier_input(batch)).argmax(1) if known is None else known
            y = one_hot(chosen, model.config.classes)
        mean, log_variance = model.encode(exploring_input(model, batch), y)
        means.append(mean.cpu())
        deviations.append(torch.exp(0.5 * log_variance).cpu())
    if training:
        model.train()
    return torch.cat(means), torch.cat(deviations)
