"""What a window asks of a model: shapes, values and sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.errors import EngineError, InputError
from vae_explorer.engine.explorer import Explorer
from vae_explorer.engine.models import build_model
from vae_explorer.engine.objective import bound_terms
from vae_explorer.engine.ppca import PPCA

NAMES = ("a", "b", "c")


def explorer(kind: str = "joint-vae", **changes: object) -> Explorer:
    values = {"kind": kind, "image_shape": (1, 8, 6), "latent_dim": 3, **changes}
    if kind == "joint-vae":
        values["class_names"] = NAMES
    return Explorer(build_model(ModelConfig(**values), 0))


def pictures(count: int = 5, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *(shape or (8, 6)))).astype(np.uint8)


@pytest.mark.parametrize("kind", ["vae", "joint-vae", "ppca"])
@pytest.mark.parametrize("mode", ["mean", "sample"])
def test_decode_gives_grey_pictures_in_zero_to_one(kind: str, mode: str) -> None:
    images = explorer(kind).decode(np.zeros((4, 3)), labels=1, mode=mode)  # type: ignore[arg-type]
    assert images.shape == (4, 8, 6)
    assert images.dtype == np.float32
    assert images.min() >= 0.0
    assert images.max() <= 1.0


@pytest.mark.parametrize(
    "likelihood", ["gaussian", "continuous-bernoulli", "categorical", "bernoulli"]
)
@pytest.mark.parametrize("preset", ["lecture", "conv"])
def test_colour_and_odd_sizes(likelihood: str, preset: str) -> None:
    ex = explorer("vae", image_shape=(3, 13, 9), likelihood=likelihood, levels=5, preset=preset)
    images = pictures(2, 13, 9, 3)
    means, deviations = ex.embed(images)
    assert means.shape == deviations.shape == (2, 3)
    assert ex.decode(means).shape == (2, 13, 9, 3)
    assert ex.manifold(2).shape == (2, 2, 13, 9, 3)
    assert ex.sample(3, seed=1, mode="sample").shape == (3, 13, 9, 3)


@pytest.mark.parametrize("kind", ["vae", "joint-vae", "ppca"])
@pytest.mark.parametrize("likelihood", ["gaussian", "categorical", "bernoulli"])
@pytest.mark.parametrize("preset", ["lecture", "conv"])
def test_no_images_have_no_values(kind: str, likelihood: str, preset: str) -> None:
    ex = explorer(kind, likelihood=likelihood, levels=5, preset=preset)
    points, images, labels = np.empty((0, 3)), pictures(0), np.empty(0, int)
    for mode in ("mean", "sample"):
        assert ex.decode(points, labels, mode=mode).shape == (0, 8, 6)
    for found in (*ex.embed(images), ex.kl_per_dimension(images)):
        assert found.shape == (0, 3)
    assert ex.reconstruct(images).shape == ex.sample(0).shape == (0, 8, 6)
    assert ex.posterior_samples(images, 2).shape == (2, 0, 3)
    assert ex.log_likelihood(points, images, labels).shape == (0,)
    assert all(value.shape == (0,) for value in ex.terms(images).values())
    if kind == "joint-vae":
        assert ex.classify(images).shape == ex.verdict(images).shape == (0, 3)


def test_channels_keep_their_place() -> None:
    """A picture that is bright in one channel is encoded as that channel's pixels, in channels-first order."""
    ex = explorer("vae", image_shape=(3, 4, 4), likelihood="gaussian")
    image = np.zeros((1, 4, 4, 3), np.uint8)
    image[..., 1] = 255
    flat = torch.zeros(1, 3, 16)
    flat[:, 1] = 1.0
    expected = ex.model.encode(flat.flatten(1))[0]
    np.testing.assert_allclose(ex.embed(image)[0], expected.detach().numpy(), rtol=1e-5)


def test_embed_takes_bytes_and_floats_alike() -> None:
    ex, images = explorer(), pictures()
    for first, second in zip(ex.embed(images), ex.embed(images / 255.0), strict=True):
        np.testing.assert_array_equal(first, second)
    assert ex.embed(images)[0].shape == (5, 3)
    assert (ex.embed(images)[1] > 0).all()


def test_without_labels_the_classifier_chooses() -> None:
    ex, images = explorer(), pictures()
    likely = ex.classify(images).argmax(1)
    np.testing.assert_array_equal(ex.embed(images)[0], ex.embed(images, likely)[0])
    other = (likely + 1) % 3
    assert not np.array_equal(ex.embed(images)[0], ex.embed(images, other)[0])


def test_classify_and_verdict_are_distributions() -> None:
    ex, images = explorer(), pictures()
    for rows in (ex.classify(images), ex.verdict(images)):
        assert rows.shape == (5, 3)
        np.testing.assert_allclose(rows.sum(1), 1.0, rtol=1e-5)
    assert explorer().classify(pictures(0)).shape == (0, 3)


def test_the_verdict_weighs_the_elbo_of_each_class_by_the_prior() -> None:
    ex, images = explorer(likelihood="gaussian"), pictures()
    ex.set_class_prior([0.2, 0.5, 0.3])
    # M is large, so that the two draws of noise agree
    elbo = np.stack([ex.terms(images, label, samples=20_000)["elbo"] for label in range(3)], 1)
    wanted = np.exp(elbo - elbo.max(1, keepdims=True))
    wanted /= wanted.sum(1, keepdims=True)
    np.testing.assert_allclose(ex.verdict(images, samples=20_000), wanted, atol=0.02)
    ex.set_class_prior([1.0, 0.0, 0.0])
    np.testing.assert_allclose(ex.verdict(images)[:, 0], 1.0, atol=1e-3)


def test_the_class_prior_is_edited_and_refused() -> None:
    ex = explorer()
    np.testing.assert_allclose(ex.class_prior, 1 / 3)
    ex.set_class_prior([2.0, 6.0, 0.0])
    np.testing.assert_allclose(ex.class_prior, [0.25, 0.75, 0.0], atol=1e-6)
    labels = {int(np.argmax(ex.class_prior))}
    assert labels == {1}
    for weights in ([1.0, 2.0], [0.0, 0.0, 0.0], [-1.0, 1.0, 1.0], [np.nan, 1.0, 1.0]):
        with pytest.raises(InputError):
            ex.set_class_prior(weights)


def test_terms_add_up_and_name_their_parts() -> None:
    terms = explorer().terms(pictures(), [0, 1, 2, 0, 1])
    assert set(terms) == {"elbo", "reconstruction", "kl", "log_prior", "classification"}
    np.testing.assert_allclose(
        terms["elbo"], terms["reconstruction"] - terms["kl"] + terms["log_prior"], rtol=1e-5
    )
    assert set(explorer("vae").terms(pictures())) == {"elbo", "reconstruction", "kl"}
    ex = explorer("vae", likelihood="gaussian")
    np.testing.assert_allclose(
        ex.kl_per_dimension(pictures()).sum(1), ex.terms(pictures())["kl"], rtol=1e-4
    )


def test_terms_are_averages_over_binarisations() -> None:
    """Of many draws of the pixels with a latent sample each: other seeds give nearly the same."""
    ex = explorer("joint-vae", likelihood="bernoulli")
    images, labels = np.full((3, 8, 6), 128, np.uint8), np.array([0, 1, 2])
    images[1, 2:6], images[2] = 250, 20
    first, second = (ex.terms(images, labels, samples=4000, seed=s)["elbo"] for s in (1, 2))
    np.testing.assert_allclose(first, second, atol=0.15)
    ones = [ex.terms(images, labels, samples=1, seed=s)["elbo"] for s in range(200)]
    np.testing.assert_allclose(np.mean(ones, 0), first, atol=4 * np.std(ones) / 200**0.5)
    assert np.std(ones) > 0.3
    elbos = [ex.terms(images, np.full(3, c), samples=4000)["elbo"] for c in range(3)]
    expected = torch.softmax(torch.from_numpy(np.array(elbos)), 0).T
    np.testing.assert_allclose(ex.verdict(images, samples=4000), expected, atol=0.05)


def test_the_terms_of_ppca_are_exact() -> None:
    ex = explorer("ppca")
    images = pictures(4)
    terms = ex.terms(images, samples=1)
    model = ex.model
    assert isinstance(model, PPCA)
    x = torch.from_numpy(images).flatten(1) / 255
    np.testing.assert_allclose(terms["elbo"], model.log_evidence(x), rtol=1e-5)
    many = bound_terms(model, x, None, samples=20_000, generator=torch.Generator())
    np.testing.assert_allclose(terms["reconstruction"], many.reconstruction, atol=0.05)


def test_log_likelihood_is_that_of_the_image_at_its_point() -> None:
    ex, images = explorer("vae", likelihood="gaussian", variance=0.2), pictures(3)
    points = np.random.default_rng(1).normal(size=(3, 3))
    means = torch.from_numpy(ex.decode(points)).flatten(1)
    wanted = Normal(means, 0.2**0.5).log_prob(torch.from_numpy(images / 255.0).flatten(1)).sum(1)
    np.testing.assert_allclose(ex.log_likelihood(points, images), wanted.numpy(), rtol=1e-4)
    with pytest.raises(InputError, match="2 latent points for 3 images"):
        ex.log_likelihood(points[:2], images)


def test_posterior_samples_have_the_posteriors_moments() -> None:
    ex = explorer("vae")
    means, deviations = ex.embed(pictures(2))
    draws = ex.posterior_samples(pictures(2), 20_000)
    assert draws.shape == (20_000, 2, 3)
    np.testing.assert_allclose(draws.mean(0), means, atol=0.05)
    np.testing.assert_allclose(draws.std(0), deviations, rtol=0.05)


def test_sampling_repeats_with_a_seed_and_draws_classes_from_the_prior() -> None:
    ex = explorer()
    np.testing.assert_array_equal(ex.sample(4, seed=3), ex.sample(4, seed=3))
    assert not np.array_equal(ex.sample(4, seed=3), ex.sample(4, seed=4))
    assert not np.array_equal(ex.sample(4), ex.sample(4))
    ex.set_class_prior([0.0, 1.0, 0.0])
    np.testing.assert_allclose(ex.sample(1, seed=0), ex.sample(1, label=1, seed=0), atol=1e-6)
    assert ex.sample(0).shape == (0, 8, 6)
    ex = explorer("vae", likelihood="gaussian", variance=1e-4)  # too little to be clipped
    noise = [ex.sample(4, seed=seed, mode="sample") - ex.sample(4, seed=seed) for seed in (3, 4)]
    assert not np.allclose(*noise, atol=1e-3)


def test_ppca_samples_follow_its_gaussian() -> None:
    ex = explorer("ppca")
    drawn = ex.sample(2000, seed=0, mode="sample")
    assert abs(drawn.mean() - 0.5) < 0.05
    assert drawn.std() > Normal(0.0, 0.05).stddev.item() / 2


def test_the_noise_of_a_gaussian_is_known_as_it_is_now() -> None:
    config = ModelConfig(likelihood="gaussian", learn_variance=True, variance=0.05)
    explorer = Explorer(build_model(config))
    assert explorer.noise_variance == pytest.approx(0.05)
    state = dict(explorer.model.state_dict())
    other = explorer.with_state(state | {"likelihood.log_variance": torch.tensor(0.02).log()})
    assert other.noise_variance == pytest.approx(0.02)
    ppca = build_model(ModelConfig(kind="ppca"))
    assert Explorer(ppca).noise_variance == pytest.approx(float(ppca.likelihood.log_variance.exp()))  # type: ignore[union-attr]
    assert Explorer(build_model(ModelConfig())).noise_variance is None


def test_the_manifold_lies_as_the_axes_do() -> None:
    ex = explorer("vae")
    grid = ex.manifold(3, extent=2.0)
    assert grid.shape == (3, 3, 8, 6)
    np.testing.assert_allclose(grid[0, 2], ex.decode([[2.0, 2.0, 0.0]])[0], rtol=1e-5)
    np.testing.assert_allclose(grid[2, 0], ex.decode([[-2.0, -2.0, 0.0]])[0], rtol=1e-5)
    other = ex.manifold(2, extent=(0.0, 1.0, 2.0, 3.0), axes=(2, 0), at=[9.0, 7.0, 9.0])
    np.testing.assert_allclose(other[0, 1], ex.decode([[3.0, 7.0, 1.0]])[0], rtol=1e-5)
    assert explorer("vae", latent_dim=1).manifold(4).shape == (1, 4, 8, 6)


@pytest.mark.parametrize(
    "call",
    [
        lambda ex: ex.decode([0.0, 0.0, 0.0], 0),
        lambda ex: ex.decode([[0.0, 0.0]], 0),
        lambda ex: ex.decode([[0.0, 0.0], [1.0]], 0),
        lambda ex: ex.decode([["x", "y", "z"]], 0),
        lambda ex: ex.decode(None, 0),
        lambda ex: ex.decode([[np.nan, 0.0, 0.0]], 0),
        lambda ex: ex.decode(np.zeros((2, 3))),
        lambda ex: ex.decode(np.zeros((2, 3)), 3),
        lambda ex: ex.decode(np.zeros((2, 3)), -1),
        lambda ex: ex.decode(np.zeros((2, 3)), [0, 1, 2]),
        lambda ex: ex.decode(np.zeros((2, 3)), 0.5),
        lambda ex: ex.embed(pictures()[0]),
        lambda ex: ex.embed(pictures(2, 28, 28)),
        lambda ex: ex.embed(pictures().astype(np.int64)),
        lambda ex: ex.embed(pictures() * 1.0),
        lambda ex: ex.embed(np.full((1, 8, 6), np.nan)),
        lambda ex: ex.embed("picture"),
        lambda ex: ex.classify(None),
        lambda ex: ex.sample(-1),
        lambda ex: ex.sample(2.5),
        lambda ex: ex.sample(10**12),
        lambda ex: ex.manifold(0, label=0),
        lambda ex: ex.sample(True),
        lambda ex: ex.sample(2, mode="draw"),
        lambda ex: ex.decode(np.zeros((2, 3)), 0, mode="draw"),
        lambda ex: ex.verdict(pictures(), samples=0),
        lambda ex: ex.terms(pictures(), samples=0),
        lambda ex: ex.terms(pictures(), samples=2.0),
        lambda ex: ex.posterior_samples(pictures(), -1),
        lambda ex: ex.manifold(3, label=0, extent=np.inf),
        lambda ex: ex.manifold(3, label=0, extent=(0, 1)),
        lambda ex: ex.manifold(3, label=0, extent="wide"),
        lambda ex: ex.manifold(3, label=0, axes=(0, 7)),
        lambda ex: ex.manifold(3, label=0, axes=(-1, 0)),
        lambda ex: ex.manifold(3, label=0, axes=(1, 1)),
        lambda ex: ex.manifold(3, label=0, axes=(0.0, 1.0)),
        lambda ex: ex.manifold(3, label=0, axes=(0, 1, 2)),
        lambda ex: ex.decode(np.zeros((2, 3)), [[1], [1, 2]]),
        lambda ex: ex.decode(np.zeros((2, 3)), "ab"),
        lambda ex: ex.decode(np.zeros((2, 3)), 0, mode=np.array(["mean", "sample"])),
        lambda ex: ex.manifold(3, label=0, at=np.zeros((0, 3))),
        lambda ex: ex.manifold(3, label=0, at=np.zeros((2, 3))),
        lambda ex: ex.manifold(3, label=0, at=[[1.0], [1.0, 2.0]]),
        lambda ex: ex.manifold(3, label=0, extent=1e300),
        lambda ex: ex.decode([[1e300, 0.0, 0.0]], 0),
        lambda ex: ex.with_state({}),
        lambda ex: ex.with_state({**ex.model.state_dict(), "class_logits": torch.zeros(4)}),
        lambda ex: ex.with_state({**ex.model.state_dict(), "class_logits": None}),
        lambda ex: ex.set_class_prior("abc"),
        lambda ex: ex.set_class_prior([[1.0], [1.0, 2.0]]),
        lambda ex: ex.set_class_prior({}),
        lambda ex: ex.set_class_prior([1e300, 1.0, 1.0]),
    ],
)
def test_wrong_input_is_refused_by_a_sentence(call: object) -> None:
    with pytest.raises(InputError) as caught:
        call(explorer())  # type: ignore[operator]
    assert str(caught.value).endswith(".")


NO_SEEDS = (1.5, "a", True, -1, 2**63, 2**64)
TAKES_A_SEED = {
    "sample": lambda seed: explorer().sample(2, seed=seed),
    "decode": lambda seed: explorer().decode(np.zeros((2, 3)), 0, mode="sample", seed=seed),
    "verdict": lambda seed: explorer().verdict(pictures(), seed=seed),
    "terms": lambda seed: explorer().terms(pictures(), seed=seed)["elbo"],
    "posterior_samples": lambda seed: explorer().posterior_samples(pictures(), 2, seed=seed),
    "log_likelihood": lambda seed: explorer().log_likelihood(
        np.zeros((5, 3)), pictures(), 0, seed=seed
    ),
    "build_model": lambda seed: build_model(ModelConfig(), seed).state_dict()[
        "encoder.layers.0.weight"
    ],
}


@pytest.mark.parametrize("name", TAKES_A_SEED)
def test_a_seed_is_any_whole_number_that_torch_takes(name: str) -> None:
    call = TAKES_A_SEED[name]
    for seed in (7, 2**63 - 1):
        np.testing.assert_array_equal(call(np.int64(seed)), call(seed))
    for seed in NO_SEEDS:
        with pytest.raises(EngineError, match=r"A seed is a whole number from 0 to 2⁶³ − 1; not"):
            call(seed)


@pytest.mark.parametrize("mode", ["mean", "sample"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "categorical"])
@pytest.mark.parametrize("kind", ["vae", "ppca"])
def test_points_too_far_for_a_finite_picture_are_refused(
    kind: str, likelihood: str, mode: Any
) -> None:
    ex = explorer(kind, likelihood=likelihood, levels=5)
    if isinstance(ex.model, PPCA):
        torch.nn.init.constant_(ex.model.weight, 2.0)
    for point in ([3e38, 3e38, 3e38], [3e38, -3e38, 3e38]):
        with pytest.raises(InputError, match="nearer to zero"):
            ex.decode([point], mode=mode)
        with pytest.raises(InputError, match="nearer to zero"):
            ex.log_likelihood([point], pictures(1))
    with pytest.raises(InputError, match="nearer to zero"):
        ex.manifold(3, extent=3e38, at=[0.0, 0.0, 3e38])
    assert np.isfinite(ex.decode([[1e4, -1e4, 1e4]], mode=mode)).all()


def test_the_class_prior_takes_any_sequence_or_array_of_numbers() -> None:
    for weights in ((1, 2, 1), np.array([1, 2, 1]), np.array([1.0, 2.0, 1.0], np.float16)):
        ex = explorer()
        ex.set_class_prior(weights)
        np.testing.assert_allclose(ex.class_prior, [0.25, 0.5, 0.25])
    with pytest.raises(InputError, match=r"shape \(3,\).*not \(1, 3\)"):
        explorer().set_class_prior(np.ones((1, 3)))


def test_a_state_of_half_precision_is_taken() -> None:
    ex = explorer()
    other = build_model(ex.config, 1)
    taken = ex.with_state({name: tensor.half() for name, tensor in other.state_dict().items()})
    for name, tensor in taken.model.state_dict().items():
        torch.testing.assert_close(tensor, other.state_dict()[name].half().float())


def test_other_weights_are_another_explorer_and_shared_with_their_snapshot() -> None:
    ex = explorer()
    own = {name: tensor.clone() for name, tensor in ex.model.state_dict().items()}
    snapshot = {name: tensor + 1.0 for name, tensor in own.items()}
    kept = {name: tensor.clone() for name, tensor in snapshot.items()}
    taken = ex.with_state(snapshot)
    taken.set_class_prior([0.2, 0.5, 0.3])
    for name, tensor in taken.model.state_dict().items():
        torch.testing.assert_close(ex.model.state_dict()[name], own[name])
        torch.testing.assert_close(snapshot[name], kept[name])
        shares = tensor.data_ptr() == snapshot[name].data_ptr()
        assert shares == (name != "class_logits"), name


def test_large_images_are_decoded_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ex = explorer("vae")
    monkeypatch.setattr("vae_explorer.engine.explorer.images_at_once", lambda pixels: pixels // 12)
    whole = ex.model.decode
    taken: list[int] = []
    monkeypatch.setattr(ex.model, "decode", lambda z, y: taken.append(len(z)) or whole(z, y))
    assert ex.decode(np.zeros((9, 3))).shape == (9, 8, 6)
    assert taken == [4, 4, 1]


def test_a_model_of_p_x_knows_no_classes() -> None:
    for call in (
        lambda ex: ex.classify(pictures()),
        lambda ex: ex.verdict(pictures()),
        lambda ex: ex.class_prior,
    ):
        with pytest.raises(InputError, match="knows no classes"):
            call(explorer("vae"))
