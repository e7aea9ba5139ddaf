"""What a model is and how it is trained: two frozen, validated dataclasses.

The command line is made from these fields, a saved model carries them, and an unknown key is an error. This
module imports neither torch nor numpy, so that a window can show its settings before the engine is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from vae_explorer.engine.errors import ConfigError
from vae_explorer.engine.plain_numbers import LARGEST_SEED, real, whole

Kind = Literal["vae", "joint-vae", "ppca"]
LikelihoodName = Literal["bernoulli", "continuous-bernoulli", "gaussian", "categorical"]
Binarisation = Literal["stochastic", "fixed"]
Posterior = Literal["diagonal", "isotropic"]
Preset = Literal["lecture", "deep", "conv"]
Classifier = Literal["mlp", "conv"]
Activation = Literal["leaky-relu", "relu", "tanh", "silu", "gelu", "elu"]
Schedule = Literal["constant", "cosine"]
Objective = Literal["elbo", "iw"]
Gradient = Literal["reparameterization", "score-function"]
Optimisation = Literal["joint", "alternating"]
OptimizerName = Literal["adam", "adamax"]
Precision = Literal["float32", "bfloat16"]
PPCAFit = Literal["em", "closed-form"]
Device = Literal["auto", "cpu", "cuda", "mps"]

KIND_TITLES: dict[str, str] = {"vae": "VAE", "joint-vae": "Joint VAE", "ppca": "PPCA"}
LECTURE_WIDTH = 256
MAX_BATCH_SIZE = 65_536
MAX_SAMPLES = 10_000
MAX_SIDE = 512  # pixels of an image; beyond that no model here is of use
EM_STEPS = 50
"""EM iterations that PPCA calls an epoch: 20 epochs are then enough to reach the closed form."""


class _Config:
    """Construction from, and conversion to, plain dictionaries, with every choice checked.

    What is equal is kept as the same: lists become tuples, and numbers of numpy's become Python's.
    """

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            choices = get_args(hints[field.name])
            known = isinstance(value, str) and value in choices
            if get_origin(hints[field.name]) is Literal and not known:
                allowed = ", ".join(map(str, choices))
                raise ConfigError(f"{_words(field.name)} is one of {allowed}; not {value!r}.")
        self._validate()

    def _validate(self) -> None:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values (tuples become lists)."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: no dictionary, an unknown key, or a value of the wrong kind or outside its range.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"A configuration is a dictionary of its settings; not {values!r}.")
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(str(key) for key in set(values) - known)
        if unknown:
            raise ConfigError(f"The configuration has an unknown setting: {', '.join(unknown)}.")
        return cls(**values)

    def _keep(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # frozen, but not yet made

    def _whole(self, name: str, low: int, high: int) -> None:
        given = getattr(self, name)
        value = whole(given)
        if value is None or not low <= value <= high:
            raise ConfigError(
                f"{_words(name)} is a whole number from {low} to {high:,}; not {given!r}."
            )
        self._keep(name, value)

    def _number(self, name: str, low: float, high: float, *, above: bool = False) -> None:
        given = getattr(self, name)
        value = real(given)
        if value is None or not low <= value <= high or (above and value == low):  # nor is NaN
            bound = "above" if above else "from"
            raise ConfigError(
                f"{_words(name)} is a number {bound} {low:g} to {high:g}; not {given!r}."
            )
        self._keep(name, value)

    def _tuple(self, name: str) -> tuple[Any, ...] | None:
        """The setting, now a tuple with integers as Python's; None where it is neither list nor tuple."""
        given = getattr(self, name)
        if not isinstance(given, list | tuple):
            return None
        numbers = ((item, whole(item)) for item in given)
        values = tuple(item if number is None else number for item, number in numbers)
        self._keep(name, values)
        return values

    def _flag(self, name: str) -> None:
        if not isinstance(getattr(self, name), bool):
            raise ConfigError(f"{_words(name)} is true or false; not {getattr(self, name)!r}.")


def _words(name: str) -> str:
    special = {
        "classification_weight": "λ (lambda)",
        "beta": "β (beta)",
        "variance": "The variance η²",
    }
    return special.get(name, name.replace("_", " ").capitalize())


@dataclass(frozen=True)
class ModelConfig(_Config):
    """Everything that fixes a model but its weights.

    Attributes:
        kind: `vae` is p(x); `joint-vae` is p(x, y), the M2 model of Kingma et al. (2014) with labels;
            `ppca` is probabilistic PCA (Tipping and Bishop, 1999).
        image_shape: (channels, height, width) of an image; 1 or 3 channels.
        latent_dim: d, the size of the latent code z.
        likelihood: p(x|z) of a pixel. `bernoulli` speaks of binarised pixels.
        levels: K, the grey levels of the categorical likelihood, 2 to 256.
        binarisation: of the Bernoulli likelihood: `stochastic` draws pixels anew at every use, `fixed` rounds.
        variance: η² of the Gaussian likelihood (pixels in [0, 1]); the first value where it is learned.
        learn_variance: whether η² is a parameter.
        posterior: `diagonal`, a variance a dimension, or `isotropic`, one σ²(x) for all of them.
        preset: `lecture` is one hidden layer of 256 LeakyReLU units, `deep` an MLP of `widths`, `conv` a
            convolutional pair.
        widths: hidden widths of the `deep` encoder; the decoder has them in reverse.
        activation: of `deep` and `conv`; the lecture's is LeakyReLU.
        classifier: q(y|x) of a Joint VAE: `mlp` has the preset's widths, `conv` is three convolutions
            and a linear layer.
        class_names: the names of the classes; empty where there are no labels. A Joint VAE needs at least one.
    """

    kind: Kind = "vae"
    image_shape: tuple[int, int, int] = (1, 28, 28)
    latent_dim: int = 2
    likelihood: LikelihoodName = "bernoulli"
    levels: int = 256
    binarisation: Binarisation = "stochastic"
    variance: float = 0.05
    learn_variance: bool = False
    posterior: Posterior = "diagonal"
    preset: Preset = "lecture"
    widths: tuple[int, ...] = (512, 256)
    activation: Activation = "leaky-relu"
    classifier: Classifier = "mlp"
    class_names: tuple[str, ...] = ()

    def _validate(self) -> None:
        shape = self._tuple("image_shape")
        if (
            shape is None
            or len(shape) != 3
            or any(type(n) is not int or not 1 <= n <= MAX_SIDE for n in shape)
            or shape[0] not in (1, 3)
        ):
            raise ConfigError(
                "An image's shape is (channels, height, width) with 1 or 3 channels and sides of "
                f"1 to {MAX_SIDE} pixels; not {self.image_shape!r}."
            )
        self._whole("latent_dim", 1, 4096)
        self._whole("levels", 2, 256)
        self._number("variance", 0.0, 100.0, above=True)
        self._flag("learn_variance")
        widths = self._tuple("widths")
        if not widths or any(type(n) is not int or not 1 <= n <= 16_384 for n in widths):
            raise ConfigError(
                f"Widths are a list of whole numbers from 1 to 16,384; not {self.widths!r}."
            )
        names = self._tuple("class_names")
        if names is None or any(not isinstance(name, str) for name in names):
            raise ConfigError(f"Class names are a list of words; not {self.class_names!r}.")
        if self.kind == "joint-vae" and not self.class_names:
            raise ConfigError(
                "A Joint VAE models p(x, y) and so needs labelled images; these have no labels."
            )
        if self.kind == "ppca" and self.latent_dim >= self.pixels:
            raise ConfigError(
                f"PPCA needs a latent size below the number of pixels, {self.pixels}."
            )

    @property
    def pixels(self) -> int:
        """D: the values of one image, over pixels and channels."""
        return math.prod(self.image_shape)

    @property
    def classes(self) -> int:
        """C: the number of classes that the model itself knows; 0 for a model of p(x)."""
        return len(self.class_names) if self.kind == "joint-vae" else 0

    def is_like(self, other: ModelConfig) -> bool:
        """Whether all settings that have an effect agree, so that weights of one are weights of the other.

        The names of classes are a Joint VAE's alone.
        """

        def matters(name: str) -> bool:
            if name == "class_names":
                return self.kind == "joint-vae"
            return effect_with(name, lambda needed: getattr(self, needed)) is None

        names = [field.name for field in fields(self) if matters(field.name)]
        return all(getattr(self, name) == getattr(other, name) for name in names)

    @property
    def kind_title(self) -> str:
        """The kind as a person writes it."""
        return KIND_TITLES[self.kind]

    @property
    def title(self) -> str:
        """The model in words: its kind, latent size and likelihood."""
        return f"{self.kind_title}, d = {self.latent_dim}, {self.likelihood_title}"

    @property
    def elbo_title(self) -> str:
        """What the ELBO is called: PPCA's posterior is exact, and so is its bound."""
        return "log p(x)" if self.kind == "ppca" else "ELBO"

    @property
    def given_class(self) -> str:
        """What formulas are conditioned on besides: `, y` in a Joint VAE's p(x|z, y) and q(z|x, y)."""
        return ", y" if self.kind == "joint-vae" else ""

    @property
    def likelihood_title(self) -> str:
        """The likelihood in words; PPCA's is Gaussian whatever `likelihood` says."""
        if self.kind == "ppca":
            return "Gaussian, σ² fitted"
        detail = {
            "bernoulli": f"Bernoulli, {self.binarisation} binarisation",
            "continuous-bernoulli": "continuous Bernoulli",
            "gaussian": "Gaussian, η² learned"
            if self.learn_variance
            else f"Gaussian, η² = {self.variance:g}",
            "categorical": f"categorical, {self.levels} levels",
        }
        return detail[self.likelihood]

    @property
    def target_title(self) -> str:
        """What p(x|z) is a distribution of: only where it is the same can two models be compared by their nats.

        Every density of grey pixels is normalised, so that Gaussians of any η² and the continuous Bernoulli compare.
        """
        if self.kind != "ppca" and self.likelihood == "bernoulli":
            return f"pixels of {self.binarisation} binarisation"
        if self.kind != "ppca" and self.likelihood == "categorical":
            return f"pixels of {self.levels} levels"
        return "grey pixels"


@dataclass(frozen=True)
class TrainingConfig(_Config):
    """How a model is trained.

    Attributes:
        epochs: passes over the train split; for PPCA, so many times 50 iterations of EM.
        batch_size: images a step.
        learning_rate: of the optimizer; the start of the cosine schedule.
        schedule: `constant`, or `cosine`, which falls to zero at the last step.
        optimizer: `adam` or `adamax`.
        samples: M, latent samples an image.
        objective: `elbo`, or `iw`, the importance-weighted bound of the M samples (IWAE).
        gradient: of ψ: `reparameterization`, or `score-function` (high variance: a lesson).
        optimisation: `joint` steps on (θ, ψ), or `alternating` steps on θ and on ψ.
        beta: β, the weight on the KL term in the objective; a reported ELBO always has β = 1.
        warmup_epochs: epochs in which β rises linearly from 0.
        classification_weight: λ, the weight on log q(y|x) in the Joint VAE's objective.
        labels: how many train images keep their label, balanced over classes; None keeps all. Those of the
            validation split, by which the best epoch is chosen, are kept in any case.
        augment: small random affine maps of the classifier's input.
        patience: epochs without a better validation objective, those of a warm-up apart, after which training stops;
            None never.
        seed: of initial weights, data order and noise; the same seed gives the same curves to the last bit
            on the same machine and number of threads.
        device: `auto` takes the accelerator where there is one.
        precision: of the networks' products; `bfloat16` is fast on recent accelerators, and on processors with
            AVX-512 BF16 or AMX. Weights, likelihoods and sums stay float32.
        compile: compile the networks first, which costs a minute; pays, if at all, for large networks on a GPU. Small
            ones train slower with it, and on CPUs all do.
        ppca_fit: of PPCA alone: `em`, or `closed-form`, which is the maximum that EM approaches, in one epoch.
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: Schedule = "constant"
    optimizer: OptimizerName = "adam"
    samples: int = 1
    objective: Objective = "elbo"
    gradient: Gradient = "reparameterization"
    optimisation: Optimisation = "joint"
    beta: float = 1.0
    warmup_epochs: int = 0
    classification_weight: float = 1.0
    labels: int | None = None
    augment: bool = False
    patience: int | None = None
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "float32"
    compile: bool = False
    ppca_fit: PPCAFit = "em"

    def _validate(self) -> None:
        self._whole("epochs", 1, 100_000)
        self._whole("batch_size", 1, MAX_BATCH_SIZE)
        self._number("learning_rate", 0.0, 1e6, above=True)
        self._whole("samples", 1, MAX_SAMPLES)
        self._number("beta", 0.0, 1e4)
        self._whole("warmup_epochs", 0, 100_000)
        self._number("classification_weight", 0.0, 1e6)
        self._flag("augment")
        self._flag("compile")
        self._whole("seed", 0, LARGEST_SEED)
        if self.labels is not None:
            self._whole("labels", 1, 2**31)
        if self.patience is not None:
            self._whole("patience", 1, 100_000)
        if self.gradient == "score-function" and self.objective == "iw":
            raise ConfigError(
                "The score-function gradient is for the ELBO; the IW bound takes reparameterization."
            )
        if self.objective == "iw" and (self.beta != 1.0 or self.warmup_epochs):
            raise ConfigError(
                "The IW bound has no separate KL term: it takes beta 1 and no warm-up."
            )

    @property
    def last_epoch(self) -> int:
        """The epoch that ends a training which nothing ends before."""
        return self.epochs if self.ppca_fit == "em" else 1


_EFFECT_WITH: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("labels", "classification_weight", "classifier", "augment"), ("kind", ("joint-vae",))
    ),
    "widths": ("preset", ("deep",)),
    "activation": ("preset", ("deep", "conv")),
    "binarisation": ("likelihood", ("bernoulli",)),
    "levels": ("likelihood", ("categorical",)),
    "variance": ("likelihood", ("gaussian",)),
    "learn_variance": ("likelihood", ("gaussian",)),
    "beta": ("objective", ("elbo",)),
    "warmup_epochs": ("objective", ("elbo",)),
    "ppca_fit": ("kind", ("ppca",)),
}
_OF_PPCA = {"kind", "image_shape", "latent_dim", "class_names", "ppca_fit"}


def effect_with(name: str, value_of: Callable[[str], object]) -> tuple[str, tuple[str, ...]] | None:
    """The setting, and its values, with which alone `name` has an effect; None where it has one as things are.

    Args:
        name: of a field of either configuration.
        value_of: the value of `kind`, `likelihood`, `preset`, `objective` and `ppca_fit`.
    """
    needed = _EFFECT_WITH.get(name)
    if value_of("kind") == "ppca":
        if name in ("epochs", "seed"):
            needed = "ppca_fit", ("em",)
        elif name not in _OF_PPCA:
            needed = (
                "kind",
                ("joint-vae",) if needed and needed[0] == "kind" else ("vae", "joint-vae"),
            )
    return None if needed is None or value_of(needed[0]) in needed[1] else needed


def objective_title(model: ModelConfig, training: TrainingConfig) -> str:
    """What is maximised, where that can differ from the ELBO (or PPCA's log-likelihood); else nothing.

    β and its warm-up weigh the KL, and a Joint VAE has λ log q(y|x) beside its bound.
    """
    if model.kind == "vae" and training.objective == "iw":
        return f"IW bound, M = {training.samples}"
    weighted = model.kind == "vae" and (training.beta != 1.0 or training.warmup_epochs > 0)
    return "Objective" if model.kind == "joint-vae" or weighted else ""


def train_title(model: ModelConfig, training: TrainingConfig) -> str:
    """What a training's train metrics, but for its objective, are averages over: all images, or the labelled ones."""
    few = model.kind == "joint-vae" and training.labels is not None
    return f"train, {training.labels:,} labelled" if few else "train"
