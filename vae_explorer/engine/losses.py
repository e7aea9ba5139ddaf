"""The loss of a batch, and the sums that become metrics."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vae_explorer.engine.augmentation import random_affine
from vae_explorer.engine.backprop import ElboGradient, is_written_out
from vae_explorer.engine.config import TrainingConfig
from vae_explorer.engine.data import Rows
from vae_explorer.engine.events import Metrics
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.latent_model import LatentModel
from vae_explorer.engine.objective import (
    Terms,
    Weights,
    bound_terms,
    class_terms,
    classifier_input,
    every_class_terms,
    unlabelled_bound,
)

OBJECTIVE = 2  # among the sums


@dataclass(frozen=True)
class BatchResult:
    """What a batch gives.

    Attributes:
        loss: a scalar to descend. Where the ELBO's gradient is written out, the networks have it as `grad` already, and
            only the rest of the loss has a graph.
        sums: of reconstruction, KL and objective, and with classes of log prior, log q(y|x) and correct answers: (3,)
            or (6,), without a gradient.
        images: of the batch, by which throughput and the objective count.
        term_images: whose reconstruction, KL and class terms are in the sums: the labelled ones where only some are.
        kl_per_dimension: (B, d).
    """

    loss: Tensor
    sums: Tensor
    images: int
    term_images: int
    kl_per_dimension: Tensor


class BatchLoss:
    """The objective of a batch as a loss, for either model and any mixture of labelled and unlabelled images."""

    def __init__(self, model: LatentModel, config: TrainingConfig) -> None:
        self._model, self._config = model, config
        self._elbo = ElboGradient(model) if is_written_out(model, config) else None

    def __call__(
        self,
        pixels: Rows,
        labels: Tensor | None,
        index: Tensor,
        labelled: Tensor | None,
        weights: Weights,
        generator: torch.Generator,
    ) -> BatchResult:
        """The result of a batch, on the device.

        Args:
            pixels: of the train split.
            index: of the batch; its labels are used only where `labelled` is `None`.
            labelled: indices of a labelled batch where only some images have labels.
        """
        if labelled is None:
            batch_labels = (
                labels[index] if labels is not None and isinstance(self._model, JointVAE) else None
            )
            return self._labelled(
                pixels(index), batch_labels, weights, generator, augment=self._config.augment
            )
        assert labels is not None
        images, known = pixels(index), pixels(labelled)
        augment = self._config.augment
        return self._semi_supervised(
            images, known, labels[labelled], weights, generator, augment=augment
        )

    def _terms(
        self,
        target: Tensor,
        labels: Tensor | None,
        beta: float | Tensor,
        generator: torch.Generator,
    ) -> Terms:
        config, model = self._config, self._model
        if self._elbo is not None and torch.is_grad_enabled():
            y, log_prior = class_terms(model, labels)
            reconstruction, kl = self._elbo(
                target, y, samples=config.samples, beta=beta, generator=generator
            )
            return Terms(reconstruction, kl, log_prior)
        return bound_terms(
            model,
            target,
            labels,
            samples=config.samples,
            objective=config.objective,
            gradient=config.gradient,
            generator=generator,
        )

    def _log_q(self, images: Tensor, generator: torch.Generator, augment: bool) -> Tensor:
        assert isinstance(self._model, JointVAE)
        x = classifier_input(images)
        if augment:
            x = random_affine(x, self._model.config.image_shape, generator)
        return self._model.classify(x)

    def _labelled(
        self,
        images: Tensor,
        labels: Tensor | None,
        weights: Weights,
        generator: torch.Generator,
        *,
        augment: bool,
    ) -> BatchResult:
        """J_cond + λ J_cls of a batch whose labels are known, or J of a model of p(x)."""
        target = self._model.likelihood.target(images, generator)
        terms = self._terms(target, labels, weights.beta, generator)
        objective = terms.conditional(weights)
        extra: tuple[Tensor, ...] = ()
        if labels is not None:
            log_q = self._log_q(images, generator, augment)
            classification = log_q.gather(1, labels[:, None]).squeeze(1)
            objective = objective + weights.classification * classification
            assert terms.log_prior is not None
            extra = (terms.log_prior, classification, (log_q.argmax(1) == labels).float())
        sums = _sums(terms.reconstruction, terms.kl, objective, *extra)
        return BatchResult(
            -objective.mean(), sums, len(images), len(images), terms.kl_per_dimension
        )

    def _semi_supervised(
        self,
        images: Tensor,
        known: Tensor,
        labels: Tensor,
        weights: Weights,
        generator: torch.Generator,
        *,
        augment: bool,
    ) -> BatchResult:
        """The mean of J_cond over the labelled and the bound on log p(x) over the others, plus λ J_cls."""
        assert isinstance(self._model, JointVAE)
        known_result = self._labelled(known, labels, weights, generator, augment=augment)
        log_q = self._log_q(images, generator, augment)
        target = self._model.likelihood.target(images, generator)
        config = self._config
        terms = every_class_terms(
            self._model,
            target,
            samples=config.samples,
            objective=config.objective,
            gradient=config.gradient,
            generator=generator,
        )
        unlabelled = unlabelled_bound(terms, log_q, weights)
        loss = known_result.loss - unlabelled.mean()
        known_result.sums[OBJECTIVE] = -loss.detach() * len(images)
        return replace(known_result, loss=loss, images=len(images))

    def validate(
        self, images: Tensor, labels: Tensor | None, weights: Weights, generator: torch.Generator
    ) -> BatchResult:
        """The result of a validation batch, all of whose labels are used.

        Where the training's objective has a bound on log p(x) besides, so has this one, of the same images.
        """
        labels = labels if isinstance(self._model, JointVAE) else None
        if labels is not None and self.has_unlabelled:
            return self._semi_supervised(images, images, labels, weights, generator, augment=False)
        return self._labelled(images, labels, weights, generator, augment=False)

    @property
    def has_unlabelled(self) -> bool:
        """Whether the objective sums over the classes of images without a label."""
        return isinstance(self._model, JointVAE) and self._config.labels is not None


@torch.no_grad()
def _sums(*columns: Tensor) -> Tensor:
    return torch.stack(columns).sum(1)


class MetricSums:
    """Running sums on the device; reading `metrics` is what waits for it."""

    def __init__(self, device: torch.device, has_classes: bool) -> None:
        self._sums = torch.zeros(6 if has_classes else 3, device=device)
        self.images = 0
        self._terms = 0
        self.began = 0.0

    def add(self, result: BatchResult) -> None:
        """Add a batch."""
        self._sums += result.sums
        self.images += result.images
        self._terms += result.term_images

    def clear(self, began: float = 0.0) -> None:
        """Begin anew at a time of training in seconds."""
        self._sums.zero_()
        self.images = self._terms = 0
        self.began = began

    def metrics(self) -> Metrics:
        """The averages, in nats per image."""
        reconstruction, kl, objective, *classes = self._sums.tolist()
        n, terms = max(self.images, 1), max(self._terms, 1)
        reconstruction, kl = reconstruction / terms, kl / terms
        if not classes:
            return Metrics(reconstruction - kl, reconstruction, kl, objective / n)
        log_prior, classification, correct = classes
        return Metrics(
            reconstruction - kl + log_prior / terms,
            reconstruction,
            kl,
            objective / n,
            log_prior / terms,
            classification / terms,
            correct / terms,
        )

    def tensor(self) -> Tensor:
        """All of it as one float64 tensor, for a training state."""
        counters = torch.tensor([self.images, self._terms, self.began], dtype=torch.float64)
        return torch.cat((self._sums.double().cpu(), counters))

    def restore(self, values: Tensor) -> None:
        """The inverse of `tensor`."""
        self._sums.copy_(values[: len(self._sums)])
        self.images, self._terms, self.began = int(values[-3]), int(values[-2]), float(values[-1])
