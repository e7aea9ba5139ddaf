"""Products by either library, against double precision and torch's own layer."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from torch import Tensor, nn

from vae_explorer.engine import products
from vae_explorer.engine.products import Linear, product

LARGE = (64, 96, 256)  # rows, inner, columns: enough for oneDNN
SMALL = (3, 5, 4)

with_onednn = pytest.mark.skipif(products._ONEDNN is None, reason="torch without oneDNN")


@pytest.fixture(params=["onednn", "mkl"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "mkl":
        monkeypatch.setattr(products, "_ONEDNN", None)
    elif products._ONEDNN is None:
        pytest.skip("torch without oneDNN")
    return request.param


@pytest.fixture
def onednn_calls(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    calls: list[torch.Size] = []
    own = products._ONEDNN
    assert own is not None

    def noted(a: Tensor, *rest: object) -> Tensor:
        calls.append(a.shape)
        return own(a, *rest)

    monkeypatch.setattr(products, "_ONEDNN", noted)
    return calls


def operands(rows: int, inner: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(rows, inner), torch.randn(inner, columns), torch.randn(columns)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("shape", [SMALL, LARGE])
@pytest.mark.parametrize(
    "lay", [lambda t: t, lambda t: t.t().contiguous().t()], ids=["rows", "columns"]
)
def test_a_product_is_that_of_double_precision(
    shape: tuple[int, int, int], lay: Callable[[Tensor], Tensor]
) -> None:
    a, b, bias = operands(*shape)
    expected = a.double() @ b.double()
    out = torch.empty(shape[0], shape[2])
    assert product(a, b, out=out).data_ptr() == out.data_ptr()
    for found in (product(lay(a), lay(b)), out):
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)
    found = product(lay(a), lay(b), bias)
    torch.testing.assert_close(found.double(), expected + bias, rtol=1e-5, atol=1e-4)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("shape", [SMALL, LARGE])
def test_a_layer_gives_what_torchs_gives(shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    layer, plain = Linear(inner, columns), nn.Linear(inner, columns)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(2, rows, inner, requires_grad=True)
    found, expected = layer(x), plain(x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)
    weights = torch.randn_like(expected)
    mine = torch.autograd.grad((weights * found).sum(), (x, *layer.parameters()))
    torchs = torch.autograd.grad((weights * expected).sum(), (x, *plain.parameters()))
    torch.testing.assert_close(mine, torchs, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(layer(x[0, 0]), plain(x[0, 0]))  # a single row


@with_onednn
def test_a_layer_that_is_held_gets_no_gradient(onednn_calls: list[torch.Size]) -> None:
    layer, x = Linear(96, 256), torch.randn(64, 96, requires_grad=True)
    layer.requires_grad_(False)
    layer(x).sum().backward()
    assert layer.weight.grad is None and layer.bias.grad is None and x.grad is not None
    assert len(onednn_calls) == 2


@with_onednn
def test_a_layer_is_torchs_own_under_autocast_and_while_it_is_compiled(
    onednn_calls: list[torch.Size], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = Linear(96, 256), torch.randn(64, 96)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    layer(x)
    assert not onednn_calls


@pytest.mark.usefixtures("library")
def test_a_single_large_row_has_no_batch() -> None:
    layer, plain = Linear(1024, 1024), nn.Linear(1024, 1024)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(1024)
    torch.testing.assert_close(layer(x), plain(x), rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("library")
def test_a_bias_may_lie_anywhere_in_memory() -> None:
    a, b, _ = operands(*LARGE)
    for bias in (torch.randn(2 * 256)[::2], torch.randn(1).expand(256)):
        torch.testing.assert_close(product(a, b, bias), a @ b + bias, rtol=1e-4, atol=1e-4)


@with_onednn
def test_onednn_takes_large_products_in_single_precision_alone(
    onednn_calls: list[torch.Size],
) -> None:
    small, large = operands(*SMALL), operands(*LARGE)
    product(*small)
    product(*(tensor.double() for tensor in large))
    assert not onednn_calls
    product(*large)
    assert onednn_calls == [torch.Size((64, 96))]


@pytest.mark.parametrize("answer", [None, TypeError(), RuntimeError(), torch.zeros(1, 1)], ids=str)
def test_an_operation_that_is_another_one_is_not_taken(
    answer: Tensor | Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    operation = mock.Mock(side_effect=[answer])
    found = SimpleNamespace() if answer is None else SimpleNamespace(default=operation)
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace(_linear_pointwise=found))
    assert products._find_onednn() is None


def test_a_torch_without_onednn_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert products._find_onednn() is None


@with_onednn
def test_autocast_reduces_the_factors_and_not_the_sum(onednn_calls: list[torch.Size]) -> None:
    a, b, bias = operands(*LARGE)
    expected = a @ b + bias
    with torch.autocast("cpu", torch.bfloat16):
        found = product(a, b, bias)
        out = torch.empty_like(found)
        assert product(a, b, bias, out).data_ptr() == out.data_ptr()
    assert found.dtype == torch.float32 and not onednn_calls
    assert torch.equal(found, out)
    error = float((found - expected).norm() / expected.norm())
    assert 1e-4 < error < 1e-2
