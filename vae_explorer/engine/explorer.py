"""What a window or a notebook asks of a model: numpy in, numpy out, and every refusal a sentence."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, SupportsIndex, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vae_explorer.engine import arguments
from vae_explorer.engine.batches import images_at_once
from vae_explorer.engine.checkpoint import load_model
from vae_explorer.engine.embedding import embed_images
from vae_explorer.engine.errors import InputError
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.likelihoods import Gaussian
from vae_explorer.engine.models import Model, contradiction
from vae_explorer.engine.objective import (
    bound_terms,
    classifier_input,
    every_class_terms,
    gaussian_kl,
    reparameterize,
)
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.vae import one_hot

Floats = NDArray[np.float32]
Labels = int | Sequence[int] | NDArray[np.integer[Any]]
Weights = Sequence[float] | NDArray[np.number[Any]]
Mode = Literal["mean", "sample"]
DECODED_TOGETHER = 10_000  # latent samples, which bounds the memory of a verdict
LARGEST_SIDE = 200  # images, of a manifold


class Explorer:
    """A trained model to encode, decode, sample and classify with.

    Images are (N, H, W), or (N, H, W, 3) for colour: uint8, or floats in [0, 1]. Labels are one class for all images
    or one for each. Log-likelihoods are in nats per image.
    """

    def __init__(self, model: Model) -> None:
        self._model = model.eval()
        self.config = model.config
        self.kind = model.config.kind
        self.latent_dim = model.config.latent_dim
        self.image_shape = model.config.image_shape
        self.class_names = model.config.class_names
        self.has_classes = isinstance(model, JointVAE)

    @classmethod
    def load(cls, path: str | Path) -> Explorer:
        """The explorer of a model file.

        Raises:
            ModelFileError: the file is missing, damaged or foreign.
        """
        return cls(load_model(path))

    @property
    def model(self) -> Model:
        """The model itself, for any thread to read; nobody writes into one that others may have."""
        return self._model

    @property
    def likelihood_unit(self) -> str:
        """The unit of its log-likelihoods."""
        return self._model.likelihood.unit

    @property
    def noise_variance(self) -> float | None:
        """η² of a Gaussian p(x|z), or PPCA's σ², for pixels in [0, 1]; None for another likelihood."""
        likelihood = self._model.likelihood
        known = isinstance(likelihood, Gaussian)
        return math.exp(likelihood.log_variance.item()) if known else None

    def with_state(self, state: Mapping[str, Tensor]) -> Explorer:
        """The explorer of a snapshot of the same configuration; this one's weights stay as they are.

        The weights are the snapshot's own, not copied, but for those of half precision and the class prior.

        Raises:
            InputError: they are of another configuration.
        """
        problem = contradiction(self._model, state, of_any_type=True)
        if problem:
            raise InputError(f"These are not the weights of this model: {problem}.")
        taken: dict[int, Tensor] = {}
        for name, tensor in self._model.state_dict(keep_vars=True).items():
            is_edited = name == "class_logits"  # in place, by `set_class_prior`
            new = state[name].detach().to(tensor.dtype, copy=is_edited)
            is_parameter = isinstance(tensor, nn.Parameter)
            taken[id(tensor)] = nn.Parameter(new) if is_parameter else new
        return Explorer(copy.deepcopy(self._model, taken))

    @torch.inference_mode()
    def decode(
        self,
        points: Any,
        labels: Labels | None = None,
        *,
        mode: Mode = "mean",
        seed: SupportsIndex | None = None,
    ) -> Floats:
        """The mean image E[x|z], or one draw of p(x|z), at latent points.

        Args:
            points: (N, d).
            labels: y of each point; a Joint VAE needs them.
            seed: of a draw; another one each time where `None`.

        Returns:
            float32 (N, H, W), or (N, H, W, 3), in [0, 1].

        Raises:
            InputError: another shape or mode, values that are no finite numbers or too far from zero for a finite
                image, or a label that is missing or unknown.
        """
        if not isinstance(mode, str) or mode not in get_args(Mode):
            raise InputError(f"An image is decoded as a mean or a sample; not as {mode!r}.")
        z = self._points(points)
        y = self._labels(labels, len(z), needed=True)
        generator = arguments.generator(seed)
        step = images_at_once(self.config.pixels)
        parts, likelihood = [], self._model.likelihood
        for start in range(0, max(1, len(z)), step):
            rows = slice(start, start + step)
            parameters = self._parameters(z[rows], None if y is None else y[rows])
            parts.append(
                likelihood.sample(parameters, generator)
                if mode == "sample"
                else likelihood.mean(parameters)
            )
        return self._pictures(torch.cat(parts))

    @torch.inference_mode()
    def embed(self, images: Any, labels: Labels | None = None) -> tuple[Floats, Floats]:
        """The posterior's means and standard deviations, both float32 (N, d).

        Without labels a Joint VAE takes y as the class that q(y|x) finds most probable.

        Raises:
            InputError: images of another shape or kind, or an unknown label.
        """
        pixels = self._images(images)
        means, deviations = embed_images(self._model, pixels, self._labels(labels, len(pixels)))
        return means.numpy(), deviations.numpy()

    @torch.inference_mode()
    def classify(self, images: Any) -> Floats:
        """q(y|x), float32 (N, C), rows summing to 1.

        Raises:
            InputError: the model is one of p(x) and has no classifier, or images of another shape or kind.
        """
        model = self._joint()
        x = classifier_input(self._images(images))
        parts = x.split(images_at_once(self.config.pixels))
        return torch.cat([model.classify(some).exp() for some in parts]).numpy()

    @torch.inference_mode()
    def verdict(self, images: Any, samples: int = 8, seed: SupportsIndex = 0) -> Floats:
        """The generative verdict p(y|x) ∝ π_y exp(ELBO(x|y)), float32 (N, C), by M latent samples a class.

        With stochastic binarisation every sample has pixels of its own, the same for all classes.

        Raises:
            InputError: as `classify` does, or no number of samples.
        """
        samples = arguments.count(samples, "latent samples")
        model, classes = self._joint(), self.config.classes
        generator = arguments.generator(seed)
        pixels = self._images(images)
        together = max(1, DECODED_TOGETHER // (classes * samples))
        parts = []
        for some in pixels.split(together):
            draws = self._draws(samples)
            target = model.likelihood.target(some.repeat(draws, 1), generator)
            terms = every_class_terms(model, target, samples=samples // draws, generator=generator)
            elbo = terms.elbo.view(classes, draws, len(some)).mean(1)
            parts.append(torch.softmax(elbo.T, 1))
        return torch.cat(parts).numpy()

    def _draws(self, samples: int) -> int:
        """How often to draw an image's pixels for so many latent samples: one draw would hide how they vary."""
        return samples if self._model.likelihood.stochastic else 1

    @torch.inference_mode()
    def terms(
        self,
        images: Any,
        labels: Labels | None = None,
        samples: int = 8,
        seed: SupportsIndex = 0,
    ) -> dict[str, NDArray[np.float64]]:
        """The parts of the ELBO of each image, each (N,), in nats.

        They are elbo, reconstruction, kl, and for a Joint VAE log_prior and classification. Without labels y is
        the classifier's most probable class. With stochastic binarisation every latent sample has pixels of its own.
        PPCA's are exact, for its ELBO is log p(x).

        Raises:
            InputError: as `embed` does, or no number of samples.
        """
        samples = arguments.count(samples, "latent samples")
        pixels = self._images(images)
        y = self._known_or_likely(pixels, labels)
        generator = arguments.generator(seed)
        draws = self._draws(samples)
        target = self._model.likelihood.target(pixels.repeat(draws, 1), generator)
        given = None if y is None else y.repeat(draws)
        found = bound_terms(
            self._model, target, given, samples=samples // draws, generator=generator
        )
        result = {"elbo": found.elbo, "reconstruction": found.reconstruction, "kl": found.kl}
        result = {name: value.view(draws, -1).mean(0) for name, value in result.items()}
        if isinstance(self._model, PPCA):
            result["elbo"] = self._model.log_evidence(target)
            result["reconstruction"] = result["elbo"] + result["kl"]
        if isinstance(self._model, JointVAE) and y is not None:
            result["log_prior"] = self._model.log_class_prior()[y]
            result["classification"] = self._model.classify(classifier_input(pixels)).gather(
                1, y[:, None]
            )[:, 0]
        return {name: value.double().numpy() for name, value in result.items()}

    @torch.inference_mode()
    def log_likelihood(
        self, points: Any, images: Any, labels: Labels | None = None, seed: SupportsIndex = 0
    ) -> NDArray[np.float64]:
        """The log-likelihood log p(x|z), or log p(x|z, y), of each image at its latent point, (N,), in nats.

        Args:
            points: (N, d).
            images: as many images.
            labels: y of each, for a Joint VAE.
            seed: of stochastic binarisation.

        Raises:
            InputError: points or images of another shape, points too far from zero, or a label that is missing or
                unknown.
        """
        z, pixels = self._points(points), self._images(images)
        if len(z) != len(pixels):
            raise InputError(f"There are {len(z)} latent points for {len(pixels)} images.")
        y = self._labels(labels, len(z), needed=True)
        target = self._model.likelihood.target(pixels, arguments.generator(seed))
        return self._model.likelihood.log_prob(self._parameters(z, y), target).double().numpy()

    @torch.inference_mode()
    def kl_per_dimension(self, images: Any, labels: Labels | None = None) -> Floats:
        """KL(q(z_i|x) ‖ p(z_i)) of each image and dimension, (N, d), in nats."""
        means, deviations = self.embed(images, labels)
        return gaussian_kl(
            torch.from_numpy(means), 2.0 * torch.from_numpy(deviations).log()
        ).numpy()

    def reconstruct(self, images: Any, labels: Labels | None = None) -> Floats:
        """E[x|z] at the posterior means, as `decode` gives it."""
        pixels = self._images(images)
        y = self._known_or_likely(pixels, labels)
        means, _ = embed_images(self._model, pixels, y)
        return self.decode(means.numpy(), None if y is None else y.numpy())

    @torch.inference_mode()
    def posterior_samples(
        self, images: Any, n: int, labels: Labels | None = None, seed: SupportsIndex = 0
    ) -> Floats:
        """N draws of q(z|x) for each image, float32 (n, N, d).

        Raises:
            InputError: as `embed` does, or no number of draws.
        """
        n = arguments.count(n, "draws", 0)
        means, deviations = self.embed(images, labels)
        log_variance = 2.0 * torch.from_numpy(deviations).log()
        return reparameterize(
            torch.from_numpy(means), log_variance, n, arguments.generator(seed)
        ).numpy()

    def sample(
        self,
        n: int,
        label: int | None = None,
        seed: SupportsIndex | None = None,
        mode: Mode = "mean",
    ) -> Floats:
        """N images of z ~ p(z); a Joint VAE draws y ~ π first where no label is given.

        Returns:
            float32 (n, H, W), or (n, H, W, 3), in [0, 1].

        Raises:
            InputError: no number of images, or an unknown label or mode.
        """
        n = arguments.count(n, "images", 0)
        generator = arguments.generator(seed)
        z = torch.randn((n, self.latent_dim), generator=generator)
        labels: Labels | None = label
        if isinstance(self._model, JointVAE) and label is None:
            pi = self._model.log_class_prior().detach().exp()
            labels = torch.multinomial(pi.expand(n, -1), 1, generator=generator)[:, 0].numpy()
        draw = int(torch.randint(2**31, (1,), generator=generator))
        return self.decode(z.numpy(), labels, mode=mode, seed=draw)

    def manifold(
        self,
        size: int = 20,
        label: int | None = None,
        extent: float | tuple[float, float, float, float] = 3.0,
        axes: tuple[int, int] = (0, 1),
        at: Any = None,
    ) -> Floats:
        """Decoded images on a regular grid over two latent dimensions.

        Args:
            size: images a side.
            extent: half the side of a square about zero, or (x0, x1, y0, y1).
            axes: the two dimensions; ignored where d = 1, which gives one row.
            at: (d,), where the other dimensions stay; zero where `None`.

        Returns:
            float32 (size, size, H, W): row 0 has the largest second coordinate, column 0 the smallest first one.

        Raises:
            InputError: no size, extent or axes of a manifold, a point of another shape, or a label as for `decode`.
        """
        size = arguments.count(size, "images a side", high=LARGEST_SIDE)
        x0, x1, y0, y1 = arguments.corners(extent)
        first, second = self._axes(axes)
        given = np.zeros(self.latent_dim) if at is None else at
        base = np.atleast_2d(arguments.numbers(given, "The coordinates of a point"))
        if base.shape != (1, self.latent_dim):
            raise InputError(
                f"A manifold goes through one point, of shape ({self.latent_dim},); not {np.shape(given)}."
            )
        rows = size if self.latent_dim > 1 else 1
        z = np.broadcast_to(base, (rows, size, self.latent_dim)).astype(np.float64)
        z[..., first] = np.linspace(x0, x1, size)[None, :]
        if self.latent_dim > 1:
            z[..., second] = np.linspace(y1, y0, size)[:, None]
        images = self.decode(z.reshape(-1, self.latent_dim), label)
        return images.reshape(rows, size, *images.shape[1:])

    @property
    def class_prior(self) -> Floats:
        """π, float32 (C,)."""
        return self._joint().log_class_prior().detach().exp().numpy()

    def set_class_prior(self, weights: Weights) -> None:
        """Make π proportional to non-negative weights (C,).

        Raises:
            InputError: another number of weights, a negative one, or none above zero.
        """
        array = arguments.numbers(weights, "The weights of a class prior")
        self._joint().set_class_prior(torch.from_numpy(arguments.single(array)))

    def _joint(self) -> JointVAE:
        if not isinstance(self._model, JointVAE):
            raise InputError("This model is one of p(x) and knows no classes; a Joint VAE does.")
        return self._model

    def _axes(self, axes: tuple[int, int]) -> tuple[int, int]:
        if self.latent_dim == 1:
            return 0, 0
        pair, last = arguments.numbers(axes, "Axes"), self.latent_dim - 1
        whole = np.issubdtype(pair.dtype, np.integer) and pair.shape == (2,)
        if not whole or pair[0] == pair[1] or not 0 <= pair.min() <= pair.max() <= last:
            raise InputError(f"Axes are two different dimensions from 0 to {last}; not {axes!r}.")
        return int(pair[0]), int(pair[1])

    def _points(self, points: Any) -> Tensor:
        array = arguments.numbers(points, "Latent points")
        if array.ndim != 2 or array.shape[1] != self.latent_dim:
            raise InputError(
                f"Latent points have the shape (N, {self.latent_dim}); not {array.shape}."
            )
        points = arguments.single(array)
        if not np.isfinite(points).all():
            raise InputError("Latent points are finite numbers, of single precision.")
        return torch.from_numpy(points)

    def _parameters(self, z: Tensor, y: Tensor | None) -> Tensor:
        """What the decoder says of latent points (N, d) and classes (N,), where that is finite."""
        condition = None if y is None else one_hot(y, self.config.classes)
        parameters = self._model.decode(z, condition)
        # both ends in one pass: a mask of all numbers would take as much memory again
        ends = torch.stack(torch.aminmax(parameters)) if len(z) else parameters
        if not torch.isfinite(ends).all():
            raise InputError(
                "The decoder gives no finite numbers at these latent points: take some nearer to zero."
            )
        return parameters

    def _images(self, images: Any) -> Tensor:
        """uint8 (N, P), channels first."""
        array = arguments.numbers(images, "Images")
        channels, height, width = self.image_shape
        shape = (height, width) if channels == 1 else (height, width, channels)
        if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
            wanted = ", ".join(map(str, ("N", *shape)))
            raise InputError(f"Images have the shape ({wanted}); not {array.shape}.")
        if array.dtype != np.uint8:
            if not np.issubdtype(array.dtype, np.floating):
                raise InputError(f"Images are uint8, or floats in [0, 1]; not {array.dtype}.")
            if array.size and not (
                np.isfinite(array).all() and array.min() >= 0.0 and array.max() <= 1.0
            ):
                raise InputError("Images of floats have values in [0, 1].")
            array = np.rint(array * 255.0).astype(np.uint8)
        if channels > 1:
            array = np.moveaxis(array, -1, 1)
        return torch.from_numpy(np.array(array.reshape(len(array), self.config.pixels)))

    def _labels(self, labels: Labels | None, count: int, *, needed: bool = False) -> Tensor | None:
        """int64 (N,) for a Joint VAE; `None` for a model of p(x), which has no use for them."""
        if not self.has_classes:
            return None
        if labels is None:
            if needed:
                raise InputError(
                    "A Joint VAE decodes a latent point together with a class: give labels."
                )
            return None
        array = arguments.numbers(labels, "Labels")
        if array.ndim == 0:
            array = np.broadcast_to(array, (count,))
        if array.shape != (count,) or not np.issubdtype(array.dtype, np.integer):
            raise InputError(
                f"Labels are one whole number, or {count} of them; not {array.dtype} {array.shape}."
            )
        if count and not 0 <= array.min() <= array.max() < self.config.classes:
            raise InputError(f"Labels go from 0 to {self.config.classes - 1}.")
        return torch.from_numpy(array.astype(np.int64))

    def _known_or_likely(self, pixels: Tensor, labels: Labels | None) -> Tensor | None:
        known = self._labels(labels, len(pixels))
        if known is None and isinstance(self._model, JointVAE):
            with torch.inference_mode():
                return self._model.classify(classifier_input(pixels)).argmax(1)
        return known

    def _pictures(self, flat: Tensor) -> Floats:
        images = flat.view(-1, *self.image_shape)
        is_grey = self.image_shape[0] == 1
        return (images[:, 0] if is_grey else images.permute(0, 2, 3, 1)).contiguous().numpy()
