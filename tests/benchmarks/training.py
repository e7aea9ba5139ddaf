"""Training throughput, against the loop that everyone writes and against the matrix products alone."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.benchmarks.data import real_digits, torchvision_layout
from tests.benchmarks.figures import Figure, Options, at_least, not_measured, share
from tests.benchmarks.products import (
    Multiply,
    engines_multiply,
    forward_and_backward,
    recorded,
    torchs_multiply,
)
from tests.benchmarks.timing import Work, alternate, ratio, repeated
from vae_explorer.engine import ModelConfig, TrainingConfig, build_model, fit
from vae_explorer.engine.config import Device, Precision
from vae_explorer.engine.data import Dataset, Split
from vae_explorer.engine.events import StepEvent
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.likelihoods import Likelihood
from vae_explorer.engine.objective import classifier_input
from vae_explorer.engine.training import REPORT_EVERY
from vae_explorer.engine.vae import NetworkModel, one_hot

HIDDEN, LATENT = 400, 20
SIMPLE = ModelConfig(preset="deep", widths=(HIDDEN,), activation="relu", latent_dim=LATENT)
WHAT = "training, VAE 784-400-20 Bernoulli"
PRODUCTS = "its matrix products alone"
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
PIECES = 5  # reports at a time: the first after other work takes longer, for clock rate and caches


def measure(options: Options) -> Iterable[Figure]:
    """Throughput of the simple VAE, and of the models with more to do a step."""
    torch.set_num_threads(1)
    digits = real_digits(options)
    for threads in (1, 2):
        for precision in PRECISIONS:
            yield _against_loader(options, digits, threads, precision)
    for batch, wanted in ((128, 0.65), (512, 0.85)):
        yield product_share(options, digits, SIMPLE, batch, f"{WHAT}, batch {batch}", wanted)
    for what, model in larger_models(digits).items():
        yield product_share(options, digits, model, 128, what, 0.6)


def larger_models(data: Dataset) -> dict[str, ModelConfig]:
    """The models with more to do a step than the simple VAE."""
    return {
        "2-D Joint VAE of the window": ModelConfig(
            kind="joint-vae",
            preset="deep",
            widths=(384, 256),
            activation="silu",
            classifier="conv",
            class_names=data.class_names,
        ),
        "categorical K = 256": ModelConfig(likelihood="categorical", latent_dim=LATENT),
        "convolutional pair": ModelConfig(preset="conv", activation="relu", latent_dim=LATENT),
    }


def product_share(
    options: Options, data: Dataset, model: ModelConfig, batch: int, what: str, wanted: float
) -> Figure:
    """How much of a step's time its products alone would take."""
    large = model.likelihood == "categorical"
    pieces = 1 if large else PIECES
    steps = pieces * REPORT_EVERY
    works = {
        "step": repeated(reports(model, data, batch), pieces),
        "products": repeated(products(model, data, batch, torchs_multiply), steps),
        "engine's products": repeated(products(model, data, batch, engines_multiply), steps),
    }
    seconds = alternate(works, options.rounds(4 if large else 16))
    value = ratio(seconds["products"], seconds["step"])
    # a step with many logits makes its products block by block, which those of whole layers are no measure of
    own = None if large else ratio(seconds["engine's products"], seconds["step"])
    return share(what, PRODUCTS, value, wanted, own, seconds=seconds, steps=steps)


def reports(
    model: ModelConfig,
    data: Dataset,
    batch: int,
    likelihood: Likelihood | None = None,
    precision: Precision = "float32",
    device: Device = "cpu",
) -> Work:
    """Ten steps of a real training each time, without what is no step: an epoch ends with ten images of validation."""
    config = TrainingConfig(epochs=100_000, batch_size=batch, precision=precision, device=device)
    network = build_model(model)
    images, labels = data.validation.images[:10], data.validation.labels
    data = replace(data, validation=Split(images, None if labels is None else labels[:10]))
    if likelihood is not None:
        assert isinstance(network, NetworkModel)
        network.likelihood = likelihood
    events = fit(network, data, config)

    def run() -> None:
        for event in events:
            if isinstance(event, StepEvent) and event.step % REPORT_EVERY == 0:
                return  # an epoch's last report, which comes after fewer steps, is none of these

    return run


def products(
    model: ModelConfig, data: Dataset, batch: int, multiply: Multiply, device: str = "cpu"
) -> Work:
    """The matrix products and convolutions of a step, on random numbers."""
    network = build_model(model).to(device)
    images = data.train.images[:batch].flatten(1).to(device)
    labels = data.train.labels
    target = network.likelihood.target(images)
    with recorded(network) as calls:
        y = None
        if isinstance(network, JointVAE):
            assert labels is not None
            y = one_hot(labels[:batch].to(device), data.classes)
            network.classify(classifier_input(images))
        mean, _ = network.encode(network.likelihood.encoder_input(target), y)
        network.decode(mean, y)
    return forward_and_backward(calls, multiply)


class UsualVAE(nn.Module):
    """The example that everyone starts from."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(HIDDEN, LATENT), nn.Linear(HIDDEN, LATENT)
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(z), mean, log_variance


def usual_steps(root: Path, batch: int, device: str = "cpu") -> Work:
    """As many steps of the usual loop as lie between two reports."""
    from torchvision import datasets, transforms

    images = datasets.MNIST(str(root), train=True, transform=transforms.ToTensor())
    loader = torch.utils.data.DataLoader(images, batch_size=batch, shuffle=True)
    model = UsualVAE().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches: Iterator[Any] = itertools.chain.from_iterable(itertools.repeat(loader))

    def run() -> None:
        for x, _ in itertools.islice(batches, REPORT_EVERY):
            x = x.to(device).view(-1, 784)
            optimizer.zero_grad()
            decoded, mean, log_variance = model(x)
            kl = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
            loss = F.binary_cross_entropy(decoded, x, reduction="sum") + kl
            loss.backward()
            loss.item()
            optimizer.step()

    return run


def _against_loader(
    options: Options, digits: Dataset, threads: int, precision: Precision
) -> Figure:
    what = f"{WHAT}, batch 128, {threads} thread{'s' if threads > 1 else ''}"
    if precision != "float32":
        what += f", {precision} products"
    against = "the usual DataLoader loop"
    with torchvision_layout(options) as root:
        if root is None:
            return not_measured(what, against, "≥ 4.5×", "no MNIST in the data folder")
        torch.set_num_threads(threads)
        usual, ours = usual_steps(root, 128), reports(SIMPLE, digits, 128, precision=precision)
        # After their first epoch, as trainings are: both slow down in it, the usual loop by more.
        for _ in range(options.rounds(len(digits.train) // (128 * REPORT_EVERY))):
            usual()
            ours()
        works = {
            "usual": repeated(usual, PIECES),
            "ours": repeated(ours, PIECES),
        }
        clock = time.thread_time if threads == 1 else time.perf_counter
        seconds = alternate(works, options.rounds(12), clock)
        torch.set_num_threads(1)
    value = ratio(seconds["usual"], seconds["ours"])
    return at_least(what, against, value, 4.5, seconds=seconds, steps=PIECES * REPORT_EVERY)
