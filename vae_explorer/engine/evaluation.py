"""What a model is worth on images it has not seen: bounds on log p(x), the exact evidence, accuracy.

Pixels are turned into targets once, with a fixed seed, so that every figure of a report speaks of
the same images. `evaluate` returns the report; `evaluation` is the same work as a generator that
says how far it is, for a window that wants to show or stop it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_explorer.engine.data import Dataset, Split
from vae_explorer.engine.device import keep_freed_memory, short_memory_is
from vae_explorer.engine.errors import ConfigError, EngineError
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.engine.evidence import MAX_DIMENSIONS, Evidence
from vae_explorer.engine.importance import reconstruction_terms
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.measurement import Measurement, Steps, quadrature_note
from vae_explorer.engine.models import Model
from vae_explorer.engine.objective import classifier_input, gaussian_kl
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.report import Report
from vae_explorer.engine.vae import one_hot

SPLITS = ("train", "validation", "test")
UNLIKELY_CLASS = 1e-6
"""Classes that the generative verdict gives less are left out of the bound on log p(x), which stays
a bound."""

CERTAINLY_LESS = 25.0
"""A class whose share of p(x) is below e⁻²⁵ needs no refined evidence."""


def evaluate(
    model: Model, dataset: Dataset, split: str = "test", config: EvaluationConfig | None = None
) -> Report:
    """All figures of a model on a split of a data set; see `evaluation`."""
    steps = evaluation(model, dataset, split, config)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


@torch.no_grad()
def evaluation(
    model: Model, dataset: Dataset, split: str = "test", config: EvaluationConfig | None = None
) -> Steps[Report]:
    """Yields its progress and returns the report. Close it to stop early.

    The work is done on the device that the model is on.

    Raises:
        ConfigError: another image shape than the model's, no such split, no images in it, or exact
            evidence asked for where d is above 2.
        EngineError: memory is short.
    """
    keep_freed_memory()
    config = config or EvaluationConfig()
    images = _images(model, dataset, split)
    d = model.config.latent_dim
    if config.exact and d > MAX_DIMENSIONS and not isinstance(model, PPCA):
        raise ConfigError(
            f"Exact evidence is for at most {MAX_DIMENSIONS} latent dimensions; this model has {d}."
        )
    model.eval()
    with short_memory_is(EngineError("Memory is short: evaluate fewer images.")):
        work = Measurement(model, dataset, images, config)
        if isinstance(model, JointVAE):
            yield from _joint(work, model)
        elif isinstance(model, PPCA):
            yield from _exact(work, model)
        else:
            yield from _plain(work)
    return work.report(dataset, split, len(images))


def _exact(work: Measurement, model: PPCA) -> Steps[None]:
    """PPCA: its posterior is exact, and so the ELBO is log p(x) itself."""
    posterior = yield from work.posterior(None)
    kl = gaussian_kl(*posterior).sum(1).double()
    evidence = torch.cat(
        (yield from work.in_parts("log p(x)", lambda part: model.log_evidence(work.target[part])))
    )
    note = "in closed form, as the posterior is"
    work.add("log_p", "log p(x) = ELBO", "exact", evidence, of_x=True, note=note)
    work.parts(evidence + kl, kl)
    work.dimensions(posterior)


def _plain(work: Measurement) -> Steps[None]:
    """A VAE."""
    posterior = yield from work.posterior(None)
    elbo = yield from _elbo(work, posterior)
    work.dimensions(posterior)
    bound = yield from work.bound(None, posterior)
    samples = work.config.samples
    work.add("iw_bound", "IW bound ≤ log p(x)", "bound", *bound, samples=samples, of_x=True)
    if work.exact:
        result = yield from work.evidence("log p(x)", None, posterior, None)
        note = quadrature_note(result)
        work.add("log_p", "log p(x)", "exact", result.log_evidence, of_x=True, note=note)
        work.gap("log p(x)", result.log_evidence, elbo)


def _elbo(work: Measurement, posterior: tuple[Tensor, Tensor]) -> Steps[Tensor]:
    samples = work.config.elbo_samples
    reconstruction, sampled_kl = yield from work.titled(
        "ELBO",
        reconstruction_terms(work.model, work.target, None, posterior, samples, work.generator),
    )
    kl = gaussian_kl(*posterior).sum(1).double()
    elbo = reconstruction - kl
    work.add("elbo", "ELBO ≤ log p(x)", "bound", elbo, samples=samples, of_x=True)
    work.parts(reconstruction, kl, sampled_kl)
    return elbo


def _joint(work: Measurement, model: JointVAE) -> Steps[None]:
    """Joint VAE: figures of p(x, y) where labels are known, and of p(x) always."""
    log_prior = model.log_class_prior().double()
    reconstruction, kl, sampled_kl = yield from _class_terms(work, model)  # (N, C)
    bounds = reconstruction - kl + log_prior  # J_cond(x, y) of every class
    elbo_seconds = work.lap()
    known = work.labels
    likely = torch.cat(
        (
            yield from work.in_parts(
                "q(y|x)", lambda part: model.classify(classifier_input(work.pixels(part)))
            )
        )
    )
    y = likely.argmax(1) if known is None else known
    posterior = yield from work.posterior(one_hot(y, model.config.classes))
    marginal = torch.logsumexp(bounds, 1)
    samples = work.config.elbo_samples
    if known is not None:
        chosen = bounds.gather(1, known[:, None])[:, 0]
        work.add(
            "elbo", "ELBO ≤ log p(x, y)", "bound", chosen, samples=samples, seconds=elbo_seconds
        )
        terms = (reconstruction, kl, sampled_kl)
        work.parts(*(values.gather(1, known[:, None])[:, 0] for values in terms))
        work.add("log_prior", "  log π_y", "exact", log_prior[known])
    work.add(
        "elbo_x",
        "log Σ_y π_y exp ELBO(x|y) ≤ log p(x)",
        "estimate",  # of that bound: the noise of the ELBOs lifts the logarithm of their sum
        marginal,
        samples=samples,
        of_x=True,
        seconds=None if known is not None else elbo_seconds,
    )
    work.dimensions(posterior)
    yield from _joint_bounds(work, model, bounds, log_prior)
    if work.exact:
        yield from _joint_evidence(work, model, bounds, log_prior)
    if known is not None:
        work.accuracy("accuracy", "accuracy of q(y|x)", likely.argmax(1) == known)
        title = "accuracy of π_y exp ELBO(x|y)"
        work.accuracy("verdict_accuracy", title, bounds.argmax(1) == known, samples)


def _class_terms(work: Measurement, model: JointVAE) -> Steps[tuple[Tensor, Tensor, Tensor]]:
    """Reconstruction, KL and sampled KL of every image under every class, (N, C) each, float64."""
    columns: list[tuple[Tensor, Tensor, Tensor]] = []
    for label in range(model.config.classes):
        y = work.one_hot_class(label).expand(len(work.target), -1)
        posterior = yield from work.posterior(y)
        reconstruction, sampled_kl = yield from work.titled(
            f"ELBO given class {model.config.class_names[label]}",
            reconstruction_terms(
                model, work.target, y, posterior, work.config.elbo_samples, work.generator
            ),
        )
        columns.append((reconstruction, gaussian_kl(*posterior).sum(1).double(), sampled_kl))
    first, second, third = (torch.stack(terms, 1) for terms in zip(*columns, strict=True))
    return first, second, third


def _joint_bounds(
    work: Measurement,
    model: JointVAE,
    bounds: Tensor,
    log_prior: Tensor,
) -> Steps[None]:
    samples = work.config.samples
    shares = torch.softmax(bounds, 1)  # (N, C)
    parts = torch.full_like(bounds, -math.inf)
    variances = torch.zeros_like(bounds)
    for label in range(model.config.classes):
        wanted = shares[:, label] > UNLIKELY_CLASS
        if (
            work.labels is not None
        ):  # the same draws bound log p(x, y), which cannot then exceed log p(x)
            wanted |= work.labels == label
        rows = wanted.nonzero().flatten()
        y = work.one_hot_class(label).expand(len(rows), -1)
        of_class = yield from work.posterior(y, rows)
        value, variance = yield from work.bound(y, of_class, rows)
        parts[rows, label] = value + log_prior[label]
        variances[rows, label] = variance
    if work.labels is not None:
        index = work.labels[:, None]
        work.add(
            "iw_bound_xy",
            "IW bound ≤ log p(x, y)",
            "bound",
            *(values.gather(1, index)[:, 0] for values in (parts, variances)),
            samples=samples,
            seconds=0.0,  # of the bound that follows
        )
    total = torch.logsumexp(parts, 1)
    weights = torch.exp(parts - total[:, None])
    work.add(
        "iw_bound",
        "IW bound ≤ log p(x)",
        "bound",
        total,
        (weights.square() * variances).sum(1),
        samples=samples,
        of_x=True,
    )


def _joint_evidence(
    work: Measurement, model: JointVAE, bounds: Tensor, log_prior: Tensor
) -> Steps[None]:
    # what log p(x, y) must exceed to matter to log p(x), which is above the ELBO
    floor = torch.logsumexp(bounds, 1) - CERTAINLY_LESS
    values, changes, spacing, points = [], [], math.inf, 0
    for label in range(model.config.classes):
        y = work.one_hot_class(label)
        lowest = floor - log_prior[label]
        if work.labels is not None:  # of its own class an image's evidence is always wanted
            lowest = torch.where(work.labels == label, -math.inf, lowest)
        posterior = yield from work.posterior(y.expand(len(work.target), -1))
        title = f"log p(x|y), class {model.config.class_names[label]}"
        result = yield from work.evidence(title, y, posterior, lowest)
        values.append(result.log_evidence + log_prior[label])
        changes.append(result.change)
        spacing, points = min(spacing, result.spacing), points + result.points
    table, change = torch.stack(values, 1), torch.stack(changes, 1)
    total = torch.logsumexp(table, 1)
    weighted = (torch.exp(table - total[:, None]) * change).sum(1)
    result = Evidence(total, weighted, spacing, points)
    work.add("log_p", "log p(x)", "exact", total, of_x=True, note=quadrature_note(result))
    if work.labels is not None:
        index = work.labels[:, None]
        own, own_change = table.gather(1, index)[:, 0], change.gather(1, index)[:, 0]
        note = quadrature_note(Evidence(own, own_change, spacing, points))
        work.add("log_p_xy", "log p(x, y)", "exact", own, note=note)
        work.gap("log p(x, y)", own, bounds.gather(1, index)[:, 0])
        correct = table.argmax(1) == work.labels
        work.accuracy("exact_accuracy", "accuracy of the exact p(y|x)", correct)


def _images(model: Model, dataset: Dataset, split: str) -> Split:
    if split not in SPLITS:
        raise ConfigError(f"A split is one of {', '.join(SPLITS)}; not {split!r}.")
    dataset.check(model.config.image_shape, split)
    return getattr(dataset, split)
