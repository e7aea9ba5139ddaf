"""The fused last layer and likelihood, against the two one after the other, differentiated by torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from vae_explorer.engine import ModelConfig, build_model, fused
from vae_explorer.engine.likelihoods import Bernoulli, Categorical, LogitLikelihood
from vae_explorer.engine.objective import gaussian_kl, sample_and_kl
from vae_explorer.engine.vae import VAE

B, P, H = 5, 12, 7


def plain_log_prob(likelihood: LogitLikelihood, logits: Tensor, target: Tensor) -> Tensor:
    if isinstance(likelihood, Categorical):
        levels = target.expand(*logits.shape[:-1], P).unsqueeze(-1)
        by_level = logits.unflatten(-1, (P, likelihood.levels))
        return torch.log_softmax(by_level, -1).gather(-1, levels).squeeze(-1).sum(-1)
    return torch.distributions.Bernoulli(logits=logits).log_prob(target).sum(-1)


@pytest.mark.parametrize("likelihood", [Bernoulli(), Categorical(9)], ids=["bernoulli", "levels"])
@pytest.mark.parametrize("samples", [1, 3, 20])
@pytest.mark.parametrize("cached", [1, 2 * 3 * B * 9, 2**19], ids=["pixel", "some", "all"])
def test_value_and_gradients_are_those_of_the_parts(
    likelihood: LogitLikelihood, samples: int, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "CACHED_VALUES", cached)
    torch.manual_seed(0)
    layer = nn.Linear(H, P * likelihood.parameters_per_value).double()
    hidden = torch.randn(samples, B, H, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(samples, B, dtype=torch.float64)
    pixels = torch.randint(0, 256, (B, P), dtype=torch.uint8)
    target = likelihood.target(pixels)
    target = target if isinstance(likelihood, Categorical) else target.double()
    inputs = (hidden, layer.weight, layer.bias)

    expected = plain_log_prob(likelihood, layer(hidden), target)
    found = likelihood.linear_log_prob(hidden, layer, target)

    torch.testing.assert_close(found, expected)
    wanted = torch.autograd.grad((weights * expected).sum(), inputs)
    torch.testing.assert_close(torch.autograd.grad((weights * found).sum(), inputs), wanted)
    with torch.no_grad():
        alone = likelihood.linear_log_prob(hidden, layer, target)
    torch.testing.assert_close(alone, expected)


@pytest.mark.parametrize("held", ["hidden", "layer"])
def test_what_is_held_gets_no_gradient(held: str) -> None:
    torch.manual_seed(0)
    layer, hidden = nn.Linear(H, P), torch.randn(1, B, H, requires_grad=held != "hidden")
    layer.requires_grad_(held != "layer")
    target = Bernoulli().target(torch.randint(0, 256, (B, P), dtype=torch.uint8))
    Bernoulli().linear_log_prob(hidden, layer, target).sum().backward()
    assert (hidden.grad is None) == (held == "hidden")
    assert (layer.weight.grad is None) == (layer.bias.grad is None) == (held == "layer")


@pytest.mark.parametrize("preset", ["lecture", "conv"])
@pytest.mark.parametrize("name", ["bernoulli", "categorical", "gaussian"])
def test_a_model_gives_what_its_likelihood_gives(preset: str, name: str) -> None:
    torch.manual_seed(0)
    config = ModelConfig(preset=preset, likelihood=name, levels=5, latent_dim=2)  # type: ignore[arg-type]
    model = build_model(config)
    assert isinstance(model, VAE)
    z = torch.randn(2, 3, 2)
    target = model.likelihood.target(torch.randint(0, 256, (3, 784), dtype=torch.uint8))
    expected = model.likelihood.log_prob(model.decode(z), target)
    torch.testing.assert_close(model.log_likelihood(z, None, target), expected)
    with torch.autocast("cpu", torch.bfloat16):
        reduced = model.log_likelihood(z, None, target)
    torch.testing.assert_close(reduced, expected, rtol=0.02, atol=0.0)
    assert not torch.equal(reduced, expected)  # the products were of that precision


def test_logits_beyond_single_precision_keep_their_value() -> None:
    logits = torch.tensor([[-200.0, -95.0, 0.0, 95.0, 200.0]])
    ink, paper = torch.ones_like(logits), torch.zeros_like(logits)
    assert Bernoulli().log_prob(logits, ink).item() == pytest.approx(-295.0 - 0.693147, rel=1e-6)
    assert Bernoulli().log_prob(logits, paper).item() == pytest.approx(-295.0 - 0.693147, rel=1e-6)


@pytest.mark.parametrize("pixels", [1, 12, 784])
@pytest.mark.parametrize("size", [0.1, 3.0, 10.0, 30.0, 80.0, 300.0])
def test_without_a_gradient_logits_of_any_size_keep_their_value(pixels: int, size: float) -> None:
    torch.manual_seed(0)
    logits = size * (2.0 * torch.rand(3, 5, pixels) - 1.0)
    logits[0, 0], logits[1, 1] = size, -size  # products of the largest factors, and of the smallest
    target = (torch.rand(5, pixels) < 0.5).float()
    before = logits.clone()
    with torch.no_grad():
        found = Bernoulli().log_prob(logits, target)
    expected = torch.distributions.Bernoulli(logits=logits.double()).log_prob(target.double())
    torch.testing.assert_close(found, expected.sum(-1).float(), rtol=1e-5, atol=1e-4)
    assert torch.equal(logits, before)


def test_sample_and_kl_have_the_gradients_of_their_formulas() -> None:
    torch.manual_seed(0)
    mean, log_variance = (torch.randn(4, 3, dtype=torch.float64, requires_grad=True) for _ in "ab")
    noise = torch.randn(2, 4, 3, dtype=torch.float64)
    z, kl = sample_and_kl(mean, log_variance, noise)
    torch.testing.assert_close(z, mean + torch.exp(0.5 * log_variance) * noise)
    torch.testing.assert_close(kl, gaussian_kl(mean, log_variance))
    assert torch.autograd.gradcheck(sample_and_kl, (mean, log_variance, noise))


@pytest.fixture
def several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A last layer that is too large for the cache; the memory of others is left to torch."""
    monkeypatch.setattr(fused, "CACHED_VALUES", 4 * B)


@pytest.mark.usefixtures("several_blocks")
def test_only_a_spent_gradient_lends_its_memory_to_the_next() -> None:
    layer, hidden = nn.Linear(H, P), torch.randn(1, B, H)
    target = Bernoulli().target(torch.randint(0, 256, (B, P), dtype=torch.uint8))

    def gradient() -> Tensor:
        Bernoulli().linear_log_prob(hidden, layer, target).sum().backward()
        assert layer.weight.grad is not None
        return layer.weight.grad

    first = gradient()
    values = first.clone()
    layer.weight.grad = None
    assert gradient().data_ptr() != first.data_ptr()  # somebody holds the first
    spent = gradient().data_ptr()
    torch.testing.assert_close(layer.weight.grad, 2 * values)  # a second pass adds
    fused.spend_gradient(layer.weight)
    assert layer.weight.grad is None
    assert gradient().data_ptr() == spent
    torch.testing.assert_close(layer.weight.grad, values)
    torch.testing.assert_close(first, values)
    fused.spend_gradient(layer.weight)
    fused.release_gradient(layer.weight)
    assert not hasattr(layer.weight, "spare_gradient")


@pytest.mark.usefixtures("several_blocks")
def test_memory_of_another_batch_serves_where_it_is_large_enough() -> None:
    torch.manual_seed(0)
    likelihood, layer = Bernoulli(), nn.Linear(H, P)
    for count in (2, B, 2):  # of two, the last block is a smaller one
        target = likelihood.target(torch.randint(0, 256, (count, P), dtype=torch.uint8))
        hidden = torch.randn(1, count, H, requires_grad=True)
        with torch.no_grad():
            found, of_hidden = likelihood.linear_log_prob_and_gradient(hidden, layer, target, 2.0)
        expected = plain_log_prob(likelihood, layer(hidden), target)
        torch.testing.assert_close(found, expected)
        (wanted,) = torch.autograd.grad(2.0 * expected.sum(), hidden)
        torch.testing.assert_close(of_hidden, wanted)


@pytest.mark.usefixtures("several_blocks")
def test_the_memory_of_logits_serves_the_next_step_and_no_other_pass() -> None:
    torch.manual_seed(0)
    likelihood = Categorical(9)
    layer = nn.Linear(H, P * 9)
    target = likelihood.target(torch.randint(0, 256, (B, P), dtype=torch.uint8))
    hidden = torch.randn(2, 1, B, H)
    for _ in range(2):  # the second time in memory that the first has spent
        found = [
            likelihood.linear_log_prob(h, layer, target) for h in hidden
        ]  # both before a backward pass
        expected = [plain_log_prob(likelihood, layer(h), target) for h in hidden]
        torch.testing.assert_close(found, expected)
        (wanted,) = torch.autograd.grad(sum(v.sum() for v in expected), layer.weight)  # type: ignore[union-attr]
        sum(v.sum() for v in found).backward()  # type: ignore[union-attr]
        torch.testing.assert_close(layer.weight.grad, wanted)
        fused.spend_gradient(layer.weight)
    spent = layer.weight.spare_logits.data_ptr()  # type: ignore[union-attr, operator]
    likelihood.linear_log_prob(hidden[0], layer, target).sum().backward()
    assert layer.weight.spare_logits.data_ptr() == spent  # type: ignore[union-attr, operator]
    fused.release_gradient(layer.weight)
    assert not hasattr(layer.weight, "spare_logits")


def test_a_reduced_step_of_a_gpu_has_gradients_in_single_precision() -> None:
    """Of shapes and types alone, without the GPU: its autocast reduces other operations than a CPU's."""
    was = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
    with FakeTensorMode():
        layer, hidden = nn.Linear(H, P, device="cuda"), torch.empty(1, B, H, device="cuda")
        target = torch.empty(B, P, device="cuda")
        try:
            torch.set_autocast_enabled("cuda", True)
            torch.set_autocast_dtype("cuda", torch.bfloat16)
            with torch.no_grad():
                found = Bernoulli().linear_log_prob_and_gradient(hidden, layer, target, 2.0)
        finally:
            torch.set_autocast_enabled("cuda", was[0])
            torch.set_autocast_dtype("cuda", was[1])
        assert layer.weight.grad is not None and layer.bias.grad is not None
        for tensor in (*found, layer.weight.grad, layer.bias.grad):
            assert tensor.dtype == torch.float32
