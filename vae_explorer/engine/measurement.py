"""The targets of an evaluation, what is computed from them, and the figures that come of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from vae_explorer.engine.batches import images_at_once
from vae_explorer.engine.data import Dataset, Split
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.engine.evidence import MAX_DIMENSIONS, TOLERANCE, Evidence, quadrature
from vae_explorer.engine.importance import importance_bound
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.models import Model
from vae_explorer.engine.objective import gaussian_kl
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.report import COUNT, FRACTION, NATS, Certainty, Figure, Report
from vae_explorer.engine.targets import Targets
from vae_explorer.engine.vae import one_hot

ACTIVE_VARIANCE = 0.01
"""A dimension is active where Var_x E[z_i] is above this (Burda et al., 2016)."""

EXACT_OUTPUTS = 50_000
"""Decoder outputs a latent point, over all classes, up to which the evidence is integrated unasked."""


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is: what it measures now, and the share of that which is done."""

    title: str
    fraction: float
    step: int = 1  # which part of the work this is, of how many
    steps: int = 1

    @property
    def share(self) -> float:
        """Of all the work, what is done; every step counts as much as another."""
        return (self.step - 1 + self.fraction) / self.steps


T = TypeVar("T")
Steps = Generator[Progress, None, T]


class Measurement:
    """The images of an evaluation as targets, and the figures that it has so far."""

    def __init__(
        self, model: Model, dataset: Dataset, images: Split, config: EvaluationConfig
    ) -> None:
        self.model, self.config = model, config
        self.device = next(iter(model.state_dict().values())).device
        self.generator = torch.Generator(self.device).manual_seed(config.seed)
        self.pixels = images.rows(self.device)
        self.index = torch.arange(len(images), device=self.device)[: config.images]  # (N,)
        self.at_once = images_at_once(model.config.pixels)
        self.target = Targets(model.likelihood, self.pixels, self.index, self.generator)
        self.labels = self._labels(dataset, images)
        self.figures: list[Figure] = []
        self.kl = torch.zeros(model.config.latent_dim)
        self.variance = torch.zeros(model.config.latent_dim)
        self.clock = time.perf_counter()
        self.step, self.steps = 0, self._count_steps()

    def _count_steps(self) -> int:
        """How many titled parts there are to measure: the ELBO, the bound, and the evidence where it is exact."""
        if isinstance(self.model, PPCA):
            return 1
        classes = self.model.config.classes if isinstance(self.model, JointVAE) else 1
        return (3 if self.exact else 2) * classes

    def _labels(self, dataset: Dataset, images: Split) -> Tensor | None:
        """The labels, where the model has the classes of the data."""
        same = self.model.config.class_names == dataset.class_names
        if not isinstance(self.model, JointVAE) or images.labels is None or not same:
            return None
        return images.labels[: self.config.images].to(self.device)

    @property
    def exact(self) -> bool:
        """Whether the evidence is to be integrated."""
        config = self.model.config
        outputs = config.pixels * self.model.likelihood.parameters_per_value
        wanted = self.config.exact
        if wanted is None:
            wanted = outputs * max(1, config.classes) <= EXACT_OUTPUTS
        return wanted and config.latent_dim <= MAX_DIMENSIONS

    def one_hot_class(self, label: int) -> Tensor:
        """A class as one-hot, (C,)."""
        index = torch.tensor(label, device=self.device)
        return one_hot(index, self.model.config.classes)

    def in_parts(
        self, title: str, act: Callable[[Tensor], T], count: int | None = None
    ) -> Steps[list[T]]:
        """What an act makes of images (None: all), whose places it is given, as many as an encoder takes at a time."""
        count = len(self.target) if count is None else count
        parts = torch.arange(count, device=self.device).split(self.at_once)
        made = []
        # between two numbered steps, so that the share of all the work never falls
        started = min(self.step + 1, self.steps)
        for part in parts:
            made.append(act(part))
            yield Progress(title, float(self.step == self.steps), started, self.steps)
        return made

    def posterior(
        self, y: Tensor | None, rows: Tensor | None = None
    ) -> Steps[tuple[Tensor, Tensor]]:
        """Mean and log variance of q(z|x) or q(z|x, y), (N, d) both; the arguments are those of `bound`."""
        rows = self.index if rows is None else rows

        def encode(part: Tensor) -> tuple[Tensor, Tensor]:
            x = self.model.likelihood.encoder_input(self.target[rows[part]])
            return self.model.encode(x, None if y is None else y[part])

        title = f"q(z|x{self.model.config.given_class})"
        means, log_variances = zip(
            *(yield from self.in_parts(title, encode, len(rows))), strict=True
        )
        return torch.cat(means), torch.cat(log_variances)

    def bound(
        self, y: Tensor | None, posterior: tuple[Tensor, Tensor], rows: Tensor | None = None
    ) -> Steps[tuple[Tensor, Tensor]]:
        """The IW bound on log p(x), or on log p(x|y), and the variance of its samples: (N,) both, nats.

        Args:
            y: one-hot (N, C), or None.
            posterior: mean and log variance of q, (N, d) both.
            rows: of which images, int64 (N,); None for all.
        """
        target, config = self.target if rows is None else self.target.select(rows), self.config
        steps = importance_bound(
            *(self.model, target, y, posterior, config.samples, self.generator, config.prior_share)
        )
        result = yield from self.titled("IW bound", steps)
        return result.value, result.variance

    def evidence(
        self,
        title: str,
        y: Tensor | None,
        posterior: tuple[Tensor, Tensor],
        floor: Tensor | None,
    ) -> Steps[Evidence]:
        """The exact log p(x), or log p(x|y), of all images by quadrature, nats.

        Args:
            title: of its progress.
            y: one-hot (C,), or None.
            posterior: mean and log variance of q, (N, d) both.
            floor: (N,) nats, below which a value need not be exact.
        """
        steps = quadrature(self.model, self.target, y, posterior, floor=floor)
        result = yield from self.titled(title, steps)
        return result

    def titled(self, title: str, steps: Generator[float, None, T]) -> Steps[T]:
        """Gives the fractions of a part of the work its title and number."""
        self.step += 1
        while True:
            try:
                yield Progress(title, next(steps), self.step, self.steps)
            except StopIteration as finished:
                return finished.value

    def parts(self, reconstruction: Tensor, kl: Tensor, sampled_kl: Tensor | None = None) -> None:
        """The figures of the ELBO's parts, (N,) nats each; without a sampled KL the reconstruction is exact, too."""
        samples = None if sampled_kl is None else self.config.elbo_samples
        y, certainty = self.model.config.given_class, "exact" if sampled_kl is None else "estimate"
        title = f"  E_q log p(x|z{y})"
        self.add("reconstruction", title, certainty, reconstruction, samples=samples)
        self.add("kl", f"  KL(q(z|x{y}) ‖ p(z))", "exact", kl)
        if sampled_kl is not None:
            self.add("sampled_kl", "  the same by samples", "estimate", sampled_kl, samples=samples)

    def gap(self, title: str, evidence: Tensor, elbo: Tensor) -> None:
        """The figure of what the ELBO lacks to the evidence of this title, (N,) nats both."""
        self.add(
            "posterior_gap",
            f"KL(q ‖ posterior) = {title} − ELBO",
            "estimate",
            evidence - elbo,
            samples=self.config.elbo_samples,
        )

    def dimensions(self, posterior: tuple[Tensor, Tensor]) -> None:
        """KL and activity of each dimension."""
        mean = posterior[0].double()
        self.kl = gaussian_kl(*posterior).double().mean(0).cpu()
        self.variance = mean.var(0, correction=0).cpu()
        active = int((self.variance > ACTIVE_VARIANCE).sum())
        self.figures.append(
            Figure(
                "active_units",
                f"active units of {mean.shape[1]}",
                active,
                COUNT,
                "exact",
                len(mean),
                seconds=self.lap(),
                note=f"Var_x E[z_i] > {ACTIVE_VARIANCE}",
            )
        )

    def accuracy(self, name: str, title: str, correct: Tensor, samples: int | None = None) -> None:
        """The figure of a share of the images, from bool (N,)."""
        share = float(correct.double().mean())
        error = math.sqrt(share * (1 - share) / len(correct))
        self.figures.append(
            Figure(
                name,
                title,
                share,
                FRACTION,
                "estimate",
                len(correct),
                samples,
                error,
                seconds=self.lap(),
            )
        )

    def add(
        self,
        name: str,
        title: str,
        certainty: Certainty,
        values: Tensor,
        variance: Tensor | None = None,
        *,
        samples: int | None = None,
        of_x: bool = False,
        seconds: float | None = None,
        note: str = "",
    ) -> None:
        """The figure of the mean of the images' values, (N,) nats.

        variance: (N,), of the values over other draws of the samples.
        of_x: whether they are log p(x) or bounds on it; only these are lengths of a code for x, in bits.
        """
        count, mean = len(values), float(values.mean())
        alone = samples == 1  # which says nothing of how others would differ
        noise = None if variance is None or alone else float(variance.sum().sqrt()) / count
        notes = [note] if note else []
        if noise is not None:
            notes.append(
                f"of its error, {noise:.2g} is Monte Carlo's, as far as these samples tell"
            )
        if variance is not None and self.config.prior_share:
            share = 100 * self.config.prior_share
            notes.append(f"{share:.4g} % of the samples come from the prior")
        per_bit = self.model.config.pixels * math.log(2)
        in_bits = of_x and self.model.likelihood.discrete
        self.figures.append(
            Figure(
                name,
                title,
                mean,
                NATS,
                certainty,
                count,
                samples,
                standard_error=float(values.std()) / math.sqrt(count) if count > 1 else None,
                monte_carlo_error=noise,
                bits_per_dimension=-mean / per_bit if in_bits else None,
                seconds=self.lap() if seconds is None else seconds,
                note="; ".join(notes),
            )
        )

    def lap(self) -> float:
        """Seconds since the last call."""
        now = time.perf_counter()
        self.clock, elapsed = now, now - self.clock
        return elapsed

    def report(self, dataset: Dataset, split: str, images_in_split: int) -> Report:
        """What was measured."""
        config = self.model.config
        binarisation = ""
        if config.kind != "ppca" and config.likelihood == "bernoulli":
            how = "drawn once" if config.binarisation == "stochastic" else "rounded at one half"
            binarisation = f"{config.binarisation} binarisation, {how}"
        prior: list[float] = []
        if isinstance(self.model, JointVAE):
            prior = self.model.log_class_prior().detach().exp().tolist()
        return Report(
            model=config.title,
            dataset=dataset.title,
            split=split,
            images=len(self.target),
            images_in_split=images_in_split,
            unit=self.model.likelihood.unit,
            binarisation=binarisation,
            seed=self.config.seed,
            device=self.device.type,
            class_prior=tuple(prior),
            figures=tuple(self.figures),
            kl_per_dimension=tuple(self.kl.tolist()),
            variance_of_means=tuple(self.variance.tolist()),
        )


def quadrature_note(result: Evidence) -> str:
    """In words, how exact a quadrature is."""
    largest, mean = float(result.change.max()), float(result.change.mean())
    late = int((result.change > TOLERANCE).sum())
    text = (
        f"quadrature over {result.points:,} points, down to a spacing of {result.spacing:.4g}; the "
        f"last halving changed an image by {largest:.1e} nats at most, the mean by {mean:.1e}"
    )
    return text if late == 0 else f"{text}; {late:,} images did not reach {TOLERANCE:g}"
