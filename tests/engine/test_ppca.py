"""PPCA against torch.distributions and Gaussian conditioning, and EM against the closed form."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal

from vae_explorer.engine.config import EM_STEPS, ModelConfig, TrainingConfig
from vae_explorer.engine.control import TrainingControl
from vae_explorer.engine.data import Dataset, Split
from vae_explorer.engine.errors import ConfigError
from vae_explorer.engine.events import EpochEvent, FinishedEvent, SnapshotEvent, StepEvent
from vae_explorer.engine.linear_gaussian import (
    MIN_VARIANCE,
    LinearGaussian,
    closed_form,
    em_step,
    random_start,
)
from vae_explorer.engine.models import build_model
from vae_explorer.engine.moments import MAX_PIXELS, image_moments
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.training import fit
from vae_explorer.engine.training_state import TrainingState

PIXELS, LATENT = 12, 3


def correlated_images(count: int = 400, seed: int = 0) -> Tensor:
    """uint8 (count, 1, 3, 4) with three strong directions."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(count, LATENT, generator=generator) * torch.tensor([3.0, 2.0, 1.2])
    directions = torch.randn(LATENT, PIXELS, generator=generator)
    noise = torch.randn(count, PIXELS, generator=generator)
    pixels = 128 + 18 * z @ directions / directions.norm(dim=1).mean() + 6 * noise
    return pixels.round().clamp(0, 255).to(torch.uint8).view(count, 1, 3, 4)


def grey_rows(images: Tensor) -> Tensor:
    return images.flatten(1).double() / 255


def fitted(latent_dim: int = LATENT) -> tuple[PPCA, LinearGaussian, Tensor]:
    images = correlated_images()
    parameters = closed_form(image_moments(images), latent_dim)
    model = PPCA(ModelConfig(kind="ppca", image_shape=(1, 3, 4), latent_dim=latent_dim))
    model.set_parameters(parameters)
    return model, parameters, grey_rows(images)


def test_moments_are_those_of_the_grey_images() -> None:
    images = correlated_images(700)  # more than one chunk
    moments = image_moments(images)
    rows = grey_rows(images)
    torch.testing.assert_close(moments.mean, rows.mean(0), rtol=1e-13, atol=0)
    torch.testing.assert_close(moments.covariance, rows.T.cov(correction=0), rtol=1e-11, atol=1e-15)


def test_a_constant_pixel_has_no_variance_at_all() -> None:
    images = correlated_images(301)
    images[:, 0, 0, 0] = 255
    images[:, 0, 2, 3] = 7
    covariance = image_moments(images).covariance
    assert covariance[0].abs().max() == 0 and covariance[-1].abs().max() == 0
    assert covariance[:, 0].abs().max() == 0 and covariance[1, 1] > 0


def test_log_likelihood_is_that_of_torch_distributions() -> None:
    model, parameters, rows = fitted()
    covariance = parameters.weight @ parameters.weight.T + parameters.variance * torch.eye(
        PIXELS, dtype=torch.float64
    )
    dense = MultivariateNormal(parameters.mean, covariance).log_prob(rows)
    low_rank = LowRankMultivariateNormal(
        parameters.mean, parameters.weight, parameters.variance.expand(PIXELS)
    ).log_prob(rows)
    moments = image_moments((rows * 255).round().to(torch.uint8).view(-1, 1, 3, 4))
    assert parameters.log_likelihood(moments) == pytest.approx(float(dense.mean()), rel=1e-12)
    assert parameters.log_likelihood(moments) == pytest.approx(float(low_rank.mean()), rel=1e-12)
    # the module keeps float32 parameters
    torch.testing.assert_close(model.log_evidence(rows.float()), dense, rtol=1e-5, atol=1e-4)


def test_log_likelihood_and_kl_of_other_images_take_their_own_mean_into_account() -> None:
    model, parameters, _ = fitted()
    other = correlated_images(50, seed=5)
    covariance = parameters.weight @ parameters.weight.T + parameters.variance * torch.eye(
        PIXELS, dtype=torch.float64
    )
    expected = MultivariateNormal(parameters.mean, covariance).log_prob(grey_rows(other)).mean()
    assert parameters.log_likelihood(image_moments(other)) == pytest.approx(
        float(expected), rel=1e-11
    )
    mean, log_variance = (t.double() for t in model.encode(grey_rows(other).float()))
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    torch.testing.assert_close(
        parameters.kl_per_dimension(image_moments(other)), kl.mean(0), rtol=1e-4, atol=1e-5
    )


def test_posterior_is_the_conditional_of_the_joint_gaussian() -> None:
    model, parameters, rows = fitted()
    weight, variance = parameters.weight, parameters.variance
    covariance = weight @ weight.T + variance * torch.eye(PIXELS, dtype=torch.float64)
    gain = torch.linalg.solve(covariance, weight).T  # cov(z, x) cov(x)⁻¹
    mean = (rows - parameters.mean) @ gain.T
    conditional = torch.eye(LATENT, dtype=torch.float64) - gain @ weight
    ours, log_variance = model.encode(rows.float())
    torch.testing.assert_close(ours.double(), mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        log_variance[0].double().exp(), conditional.diagonal(), rtol=1e-4, atol=0
    )
    off_diagonal = conditional - conditional.diagonal().diag()
    assert off_diagonal.abs().max() < 1e-10


def test_elbo_with_the_exact_posterior_is_the_log_likelihood() -> None:
    model, parameters, rows = fitted()
    moments = image_moments((rows * 255).round().to(torch.uint8).view(-1, 1, 3, 4))
    mean, log_variance = (t.double() for t in model.encode(rows.float()))
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    torch.testing.assert_close(
        parameters.kl_per_dimension(moments), kl.mean(0), rtol=1e-4, atol=1e-5
    )
    # E_q ‖x − Wz − b‖² = ‖x − Wμ − b‖² + tr(W Σ Wᵀ)
    residual = rows - model.decode(mean.float()).double()
    spread = (log_variance.exp() * parameters.weight.square().sum(0)).sum(1)
    constant = PIXELS * torch.log(2 * math.pi * parameters.variance)
    reconstruction = -0.5 * ((residual.square().sum(1) + spread) / parameters.variance + constant)
    elbo = (reconstruction - kl.sum(1)).mean()
    assert float(elbo) == pytest.approx(parameters.log_likelihood(moments), abs=1e-3)


@pytest.mark.parametrize("latent_dim", [1, 3, PIXELS - 1])
def test_em_never_falls_and_reaches_the_closed_form(latent_dim: int) -> None:
    moments = image_moments(correlated_images())
    best = closed_form(moments, latent_dim)
    reference = best.log_likelihood(moments)
    model = random_start(moments, latent_dim, seed=1)
    values = [model.log_likelihood(moments)]
    for _ in range(1500):
        model = em_step(model, moments)
        values.append(model.log_likelihood(moments))
    steps = torch.tensor(values).diff()
    assert steps.min() > -1e-9 * abs(reference)
    assert values[-1] == pytest.approx(reference, rel=1e-6)
    assert values[-1] <= reference + 1e-9 * abs(reference)
    torch.testing.assert_close(
        model.weight @ model.weight.T, best.weight @ best.weight.T, rtol=1e-2, atol=1e-4
    )


def test_em_finds_the_weights_up_to_a_rotation() -> None:
    moments = image_moments(correlated_images())
    best = closed_form(moments, LATENT)
    model = random_start(moments, LATENT, seed=2)
    for _ in range(1000):
        model = em_step(model, moments)
    # the rotation that takes one to the other is orthogonal, and the rest agrees
    rotation = torch.linalg.lstsq(model.weight, best.weight).solution
    identity = torch.eye(LATENT, dtype=torch.float64)
    torch.testing.assert_close(rotation @ rotation.T, identity, rtol=0, atol=1e-5)
    torch.testing.assert_close(model.rotated().weight, best.weight, rtol=0, atol=1e-6)
    assert model.rotated().log_likelihood(moments) == pytest.approx(
        model.log_likelihood(moments), rel=1e-12
    )


def test_closed_form_is_a_maximum() -> None:
    moments = image_moments(correlated_images())
    best = closed_form(moments, LATENT)
    reference = best.log_likelihood(moments)
    generator = torch.Generator().manual_seed(0)
    for scale in (1e-3, 1e-2):
        change = scale * torch.randn(PIXELS, LATENT, generator=generator, dtype=torch.float64)
        for variance in (0.97, 1.0, 1.03):
            other = LinearGaussian(best.weight + change, best.mean, best.variance * variance)
            assert other.log_likelihood(moments) < reference


def test_fewer_images_than_pixels() -> None:
    moments = image_moments(correlated_images(6))
    best = closed_form(moments, 2)
    assert math.isfinite(best.log_likelihood(moments))
    model = random_start(moments, 2, seed=0)
    for _ in range(3000):
        model = em_step(model, moments)
    assert model.log_likelihood(moments) == pytest.approx(best.log_likelihood(moments), rel=1e-6)


@pytest.mark.parametrize("count", [1, 3])
def test_images_in_a_subspace_keep_the_variance_of_eight_bits(count: int) -> None:
    moments = image_moments(correlated_images(count))
    best = closed_form(moments, 4)
    assert float(best.variance) == pytest.approx(MIN_VARIANCE)
    reference = best.log_likelihood(moments)
    assert math.isfinite(reference)
    model = random_start(moments, 4, seed=0)
    for _ in range(200):
        model = em_step(model, moments)
    assert torch.isfinite(model.weight).all()
    assert model.log_likelihood(moments) <= reference + 1e-6 * abs(reference)


def test_a_latent_size_of_the_pixels_is_refused() -> None:
    for latent_dim in (0, PIXELS, PIXELS + 1):
        with pytest.raises(ConfigError):
            ModelConfig(kind="ppca", image_shape=(1, 3, 4), latent_dim=latent_dim)


def test_no_images_or_too_many_pixels_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least one image"):
        image_moments(torch.zeros(0, 1, 3, 4, dtype=torch.uint8))
    with pytest.raises(ConfigError, match="smaller image size"):
        image_moments(torch.zeros(2, 1, 1, MAX_PIXELS + 1, dtype=torch.uint8))


def test_an_unfitted_model_is_a_proper_model() -> None:
    model = PPCA(ModelConfig(kind="ppca", image_shape=(1, 3, 4), latent_dim=2))
    torch.testing.assert_close(model.weight.T @ model.weight, torch.eye(2), rtol=0, atol=1e-5)
    mean, log_variance = model.encode(torch.rand(5, PIXELS))
    assert mean.shape == log_variance.shape == (5, 2)
    assert model.decode(mean).shape == (5, PIXELS)
    assert not model.fitted
    model.mean[0] = 0.25
    assert model.fitted


def test_whatever_parameters_it_takes_over_its_posterior_is_diagonal() -> None:
    moments = image_moments(correlated_images())
    parameters = random_start(moments, LATENT, seed=0)
    model = PPCA(ModelConfig(kind="ppca", image_shape=(1, 3, 4), latent_dim=LATENT))
    model.set_parameters(parameters)
    gram = model.weight.T @ model.weight
    torch.testing.assert_close(gram, gram.diagonal().diag(), rtol=0, atol=1e-6)
    value = float(model.log_evidence(grey_rows(correlated_images()).float()).mean())
    assert value == pytest.approx(parameters.log_likelihood(moments), rel=1e-5)


# --- as a training ---


def toy_dataset() -> Dataset:
    train, validation, test = (
        Split(correlated_images(count, seed)) for count, seed in ((400, 0), (80, 4), (80, 5))
    )
    return Dataset("toy", "Toy images", train, validation, test)


def toy_model() -> PPCA:
    model = build_model(ModelConfig(kind="ppca", image_shape=(1, 3, 4), latent_dim=LATENT))
    assert isinstance(model, PPCA)
    return model


def test_a_training_climbs_to_the_closed_form() -> None:
    data, model = toy_dataset(), toy_model()
    events = list(fit(model, data, TrainingConfig(epochs=40)))
    steps = [event for event in events if isinstance(event, StepEvent)]
    epochs = [event for event in events if isinstance(event, EpochEvent)]
    moments = image_moments(data.train.images)
    reference = closed_form(moments, LATENT).log_likelihood(moments)
    values = torch.tensor([event.metrics.elbo for event in steps])
    assert values.diff().min() > -1e-9 * abs(reference)
    assert epochs[-1].reference == pytest.approx(reference)
    assert epochs[-1].train.elbo == pytest.approx(reference, rel=1e-6)
    assert len(epochs) < 40  # it ended when nothing was gained any more
    held_out = epochs[-1].validation
    assert held_out.elbo == pytest.approx(held_out.reconstruction - held_out.kl)
    assert sum(epochs[-1].kl_per_dimension) == pytest.approx(held_out.kl)
    rows = grey_rows(data.validation.images).float()
    assert held_out.elbo == pytest.approx(float(model.log_evidence(rows).mean()), rel=1e-5)
    last = events[-1]
    assert isinstance(last, FinishedEvent) and last.reason == "converged"
    elsewhere = next(e for e in fit(toy_model(), data, TrainingConfig(seed=1)))
    assert isinstance(elsewhere, StepEvent) and elsewhere.metrics != steps[0].metrics
    assert torch.equal(last.best_state["weight"], model.weight)
    more = TrainingConfig(epochs=80)
    (again,) = fit(toy_model(), data, more, resume=last.resume)  # nothing is left to gain
    assert isinstance(again, FinishedEvent)
    assert (again.reason, again.epoch) == ("converged", last.epoch)


def test_the_closed_form_is_fitted_at_once_and_em_reaches_it(tmp_path: Path) -> None:
    data, model = toy_dataset(), toy_model()
    config = TrainingConfig(ppca_fit="closed-form")
    events = list(fit(model, data, config))
    step, epoch, last = events
    assert isinstance(step, StepEvent) and (step.step, step.epoch) == (1, 1.0)
    assert isinstance(epoch, EpochEvent) and (epoch.epoch, epoch.epochs) == (1, 1)
    assert isinstance(last, FinishedEvent) and (last.reason, last.best_epoch) == ("completed", 1)
    moments = image_moments(data.train.images)
    best = closed_form(moments, LATENT)
    assert epoch.train.elbo == epoch.reference == best.log_likelihood(moments)
    torch.testing.assert_close(model.weight, best.weight.float(), rtol=0, atol=0)
    rows = grey_rows(data.train.images).float()
    assert float(model.log_evidence(rows).mean()) == pytest.approx(epoch.train.elbo, rel=1e-5)
    em = [e for e in fit(toy_model(), data, TrainingConfig(epochs=40)) if isinstance(e, EpochEvent)]
    assert em[-1].train.elbo == pytest.approx(epoch.train.elbo, rel=1e-9)
    assert em[-1].validation.elbo == pytest.approx(epoch.validation.elbo, rel=1e-6)
    assert last.resume is not None
    last.resume.save(tmp_path / "training.safetensors")
    state = TrainingState.load(tmp_path / "training.safetensors")
    (again,) = fit(toy_model(), data, config, resume=state)  # there is nothing left to do
    assert isinstance(again, FinishedEvent) and again.epoch == 1
    assert torch.equal(again.best_state["weight"], model.weight)
    with pytest.raises(ConfigError, match="configuration"):
        next(iter(fit(toy_model(), data, TrainingConfig(), resume=state)))


def test_a_closed_form_stopped_before_its_step_is_fitted_later() -> None:
    data, config, control = toy_dataset(), TrainingConfig(ppca_fit="closed-form"), TrainingControl()
    control.stop()
    (stopped,) = fit(toy_model(), data, config, control)
    assert isinstance(stopped, FinishedEvent) and stopped.reason == "stopped"
    assert stopped.epoch == 0
    events = list(fit(toy_model(), data, config, resume=stopped.resume))
    assert isinstance(events[-1], FinishedEvent) and events[-1].epoch == 1


def test_a_fit_stopped_within_an_epoch_leaves_the_last_whole_one() -> None:
    data, config, model = toy_dataset(), TrainingConfig(), toy_model()
    rows = grey_rows(data.validation.images).float()

    def stop_at(step: int, resume: TrainingState | None) -> FinishedEvent:
        control, event = TrainingControl(), None
        for event in fit(model, data, config, control, resume):
            if isinstance(event, StepEvent) and event.step == step:
                control.stop()
            if isinstance(event, EpochEvent):
                epochs.append(event)
        assert isinstance(event, FinishedEvent)
        return event

    epochs: list[EpochEvent] = []
    state = None
    for step in (EM_STEPS + 3, EM_STEPS + 6):  # and again before another epoch's end
        stopped = stop_at(step, state)
        state = stopped.resume
        assert stopped.reason == "stopped" and stopped.best_epoch == len(epochs) == 1
        value = float(model.log_evidence(rows).mean())
        assert value == pytest.approx(epochs[0].validation.elbo, rel=1e-6)
        assert state is not None
        assert state.counters["best_validation"] == epochs[0].validation.known()
    whole = [event for event in fit(toy_model(), data, config) if isinstance(event, EpochEvent)]
    again = fit(toy_model(), data, config, None, state)
    rest = [event for event in again if isinstance(event, EpochEvent)]
    assert rest[0].validation == whole[1].validation


def test_a_training_stops_between_steps_and_shows_snapshots() -> None:
    data, control = toy_dataset(), TrainingControl()
    images = data.test.images[:5]
    seen = []
    for event in fit(
        toy_model(),
        data,
        TrainingConfig(epochs=40),
        control,
        snapshot_images=images,
        snapshot_seconds=0.0,
    ):
        seen.append(event)
        if isinstance(event, StepEvent) and event.step == 3:
            control.stop()
    assert isinstance(seen[-1], FinishedEvent) and seen[-1].reason == "stopped"
    assert sum(isinstance(event, StepEvent) for event in seen) == 3
    snapshots = [event for event in seen if isinstance(event, SnapshotEvent)]
    assert snapshots[0].step == 0 and len(snapshots) >= 3
    assert snapshots[0].means is not None and snapshots[0].means.shape == (5, LATENT)
    assert not torch.equal(snapshots[0].state["weight"], snapshots[-1].state["weight"])


@pytest.mark.parametrize("stop", [1, 3, 50, 70])
def test_a_stopped_em_goes_on_as_if_it_had_never_stopped(stop: int, tmp_path: Path) -> None:
    data, config = toy_dataset(), TrainingConfig(epochs=3)
    whole = list(fit(toy_model(), data, config))
    control, events = TrainingControl(), []
    for event in fit(toy_model(), data, config, control):
        events.append(event)
        if isinstance(event, StepEvent) and event.step == stop:
            control.stop()
    stopped = events.pop()
    assert isinstance(stopped, FinishedEvent) and stopped.reason == "stopped"
    assert stopped.resume is not None
    stopped.resume.save(tmp_path / "training.safetensors")
    state = TrainingState.load(tmp_path / "training.safetensors")
    model = toy_model()
    events += fit(model, data, config, resume=state)
    kinds = (StepEvent, EpochEvent)
    for part in ("metrics", "train", "validation", "step", "epoch"):
        expected = [getattr(e, part, None) for e in whole if isinstance(e, kinds)]
        assert [getattr(e, part, None) for e in events if isinstance(e, kinds)] == expected
    last = whole[-1]
    assert isinstance(last, FinishedEvent)
    assert torch.equal(model.weight, last.best_state["weight"])
    with pytest.raises(ConfigError, match="another model"):
        next(iter(fit(toy_model(), data, TrainingConfig(seed=1), resume=state)))


def test_a_stopped_em_converges_where_it_would_have() -> None:
    data, config, control = toy_dataset(), TrainingConfig(epochs=40), TrainingControl()
    *_, whole = fit(toy_model(), data, config)
    assert isinstance(whole, FinishedEvent) and whole.reason == "converged"
    event = None
    for event in fit(toy_model(), data, config, control):
        if isinstance(event, StepEvent) and event.step == EM_STEPS * (whole.epoch - 1) + 3:
            control.stop()
    assert isinstance(event, FinishedEvent) and event.resume is not None
    *_, last = fit(toy_model(), data, config, resume=event.resume)
    assert isinstance(last, FinishedEvent)
    assert (last.reason, last.epoch) == ("converged", whole.epoch)


def test_a_fitted_model_is_where_em_begins() -> None:
    data, model = toy_dataset(), toy_model()
    assert not model.fitted
    first = list(fit(model, data, TrainingConfig(epochs=1)))
    again = next(e for e in fit(model, data, TrainingConfig()) if isinstance(e, StepEvent))
    reached = [event for event in first if isinstance(event, StepEvent)][-1]
    assert model.fitted
    assert again.metrics.elbo >= reached.metrics.elbo - 1e-6 * abs(reached.metrics.elbo)


def test_a_training_on_images_of_another_shape_is_refused() -> None:
    model = build_model(ModelConfig(kind="ppca", image_shape=(1, 4, 4), latent_dim=2))
    with pytest.raises(ConfigError, match="shape"):
        next(iter(fit(model, toy_dataset(), TrainingConfig())))
