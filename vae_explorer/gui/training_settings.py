"""What can be set before a training, and one line of explanation each. No widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from vae_explorer.engine.config import EM_STEPS

Value = str | int | float | bool | None | tuple[int, ...]


@dataclass(frozen=True)
class Setting:
    """One setting: how it is called, what it means, and how it is edited."""

    name: str  # the field of ModelConfig or TrainingConfig
    title: str
    help: str
    kind: str  # choice | whole | number | flag | widths | optional
    default: Value
    choices: tuple[tuple[Value, str], ...] = ()
    low: int = 0
    high: int = 2**31 - 1
    of_model: bool = False
    of_folder: bool = False
    detail: bool = True
    live: bool = False
    long_title: str = ""  # where there is room for it
    placeholder: str = ""  # what an empty field means


ACTIVATIONS = {
    "leaky-relu": "Leaky ReLU", "relu": "ReLU", "tanh": "Tanh",
    "silu": "SiLU", "gelu": "GELU", "elu": "ELU",
}  # fmt: skip


def _tr(text: str) -> str:
    return QCoreApplication.translate("TrainingSettings", text)


def model_settings() -> list[Setting]:
    """The settings of `ModelConfig`, in the order in which the panel shows them."""
    return [
        Setting(
            "kind",
            _tr("Model"),
            _tr("VAE: p(x). Joint VAE: p(x, y), with labels. PPCA: the linear one."),
            "choice",
            "joint-vae",
            (("joint-vae", _tr("Joint VAE")), ("vae", _tr("VAE")), ("ppca", _tr("PPCA"))),
            of_model=True,
            detail=False,
        ),
        Setting(
            "likelihood",
            _tr("Likelihood"),
            _tr("p(x|z) of one pixel; in a Joint VAE p(x|z, y)."),
            "choice",
            "bernoulli",
            (
                ("bernoulli", _tr("Bernoulli")),
                ("continuous-bernoulli", _tr("Continuous Bernoulli")),
                ("gaussian", _tr("Gaussian")),
                ("categorical", _tr("Categorical")),
            ),
            of_model=True,
            detail=False,
        ),
        Setting(
            "latent_dim",
            _tr("Latent size d"),
            _tr("How many numbers the code z of an image has."),
            "whole",
            2,
            low=1,
            high=4096,
            of_model=True,
            detail=False,
        ),
        Setting(
            "preset",
            _tr("Network"),
            _tr("Lecture: one hidden layer of 256. Deep: the widths below. Convolutional."),
            "choice",
            "deep",
            (("lecture", _tr("Lecture")), ("deep", _tr("Deep")), ("conv", _tr("Convolutional"))),
            of_model=True,
        ),
        Setting(
            "widths",
            _tr("Widths"),
            _tr("Hidden widths of the deep encoder; the decoder has them reversed."),
            "widths",
            (512, 256),
            of_model=True,
        ),
        Setting(
            "activation",
            _tr("Activation"),
            _tr("The non-linearity of the deep and convolutional networks."),
            "choice",
            "leaky-relu",
            tuple(ACTIVATIONS.items()),
            of_model=True,
        ),
        Setting(
            "classifier",
            _tr("Classifier"),
            _tr("The network of q(y|x)."),
            "choice",
            "mlp",
            (("mlp", _tr("Like the encoder")), ("conv", _tr("Convolutional"))),
            of_model=True,
        ),
        Setting(
            "posterior",
            _tr("Posterior"),
            _tr("q(z|x), in a Joint VAE q(z|x, y): one variance a dimension, or one for all."),
            "choice",
            "diagonal",
            (("diagonal", _tr("Diagonal")), ("isotropic", _tr("Isotropic"))),
            of_model=True,
        ),
        Setting(
            "levels",
            _tr("Grey levels K"),
            _tr("Of the categorical likelihood: 2 to 256."),
            "whole",
            256,
            low=2,
            high=256,
            of_model=True,
        ),
        Setting(
            "binarisation",
            _tr("Binarisation"),
            _tr("Bernoulli pixels drawn anew at every use, or rounded."),
            "choice",
            "stochastic",
            (("stochastic", _tr("Stochastic")), ("fixed", _tr("Fixed"))),
            of_model=True,
        ),
        Setting(
            "variance",
            _tr("Variance η²"),
            _tr("Of the Gaussian likelihood, pixels in [0, 1]."),
            "number",
            0.05,
            of_model=True,
        ),
        Setting(
            "learn_variance",
            _tr("Learn η²"),
            _tr("Let the training find the Gaussian's variance."),
            "flag",
            False,
            of_model=True,
        ),
    ]


def folder_settings() -> list[Setting]:
    """How the pictures of a folder are read: no setting of a model or a training itself."""
    return [
        Setting(
            "image_size",
            _tr("Image size"),
            _tr("Pixels a side that the folder's pictures are brought to."),
            "whole",
            28,
            low=4,
            high=512,
            of_folder=True,
            detail=False,
        ),
        Setting(
            "channels",
            _tr("Colours"),
            _tr("Grey, one number a pixel; or red, green and blue."),
            "choice",
            1,
            ((1, _tr("Grey")), (3, _tr("Colour"))),
            of_folder=True,
            detail=False,
        ),
        Setting(
            "fit",
            _tr("Made square"),
            _tr("Cut the middle out of a picture, or fill it up at its edges."),
            "choice",
            "crop",
            (("crop", _tr("By cutting")), ("pad", _tr("By filling up"))),
            of_folder=True,
        ),
    ]


def training_settings() -> list[Setting]:
    """The settings of `TrainingConfig`, in the order in which the panel shows them."""
    return [
        Setting(
            "ppca_fit",
            _tr("Fit"),
            _tr("PPCA by EM, step by step, or its maximum of the likelihood at once."),
            "choice",
            "em",
            (("em", _tr("EM")), ("closed-form", _tr("Closed form"))),
            detail=False,
        ),
        Setting(
            "epochs",
            _tr("Epochs"),
            _tr("How often every training image is seen."),
            "whole",
            20,
            low=1,
            high=100_000,
            detail=False,
        ),
        Setting(
            "beta",
            "β",
            _tr("Weight on the KL term. What is shown as ELBO always has β = 1."),
            "number",
            1.0,
            live=True,
            long_title=_tr("β, weight of the KL"),
        ),
        Setting(
            "classification_weight",
            "λ",
            _tr("Weight on log q(y|x), the Joint VAE's classifier."),
            "number",
            1.0,
            live=True,
            long_title=_tr("λ, weight of the classifier"),
        ),
        Setting(
            "learning_rate",
            _tr("Learning rate α"),
            _tr("Size of a step of the optimiser."),
            "number",
            1e-3,
            live=True,
        ),
        Setting(
            "batch_size",
            _tr("Batch"),
            _tr("Images a step."),
            "whole",
            128,
            low=1,
            high=65_536,
        ),
        Setting(
            "samples",
            _tr("Samples M"),
            _tr("Latent samples an image in the reconstruction term."),
            "whole",
            1,
            low=1,
            high=10_000,
        ),
        Setting(
            "objective",
            _tr("Objective"),
            _tr("The ELBO, or the importance-weighted bound of M samples, which has no β."),
            "choice",
            "elbo",
            (("elbo", "ELBO"), ("iw", _tr("Importance-weighted"))),
        ),
        Setting(
            "gradient",
            _tr("Gradient"),
            _tr("Of ψ: through z = μ + σ ε, or the noisy score function."),
            "choice",
            "reparameterization",
            (
                ("reparameterization", _tr("Reparameterization")),
                ("score-function", _tr("Score function")),
            ),
        ),
        Setting(
            "optimisation",
            _tr("Steps"),
            _tr("On θ (decoder) and ψ (encoder) together, or in turns as in the lecture."),
            "choice",
            "joint",
            (("joint", _tr("Joint")), ("alternating", _tr("Alternating"))),
        ),
        Setting(
            "schedule",
            _tr("Schedule"),
            _tr("How the learning rate goes: constant, or a cosine down to 0."),
            "choice",
            "constant",
            (("constant", _tr("Constant")), ("cosine", _tr("Cosine"))),
        ),
        Setting(
            "optimizer",
            _tr("Optimiser"),
            _tr("Adam, or its cousin Adamax."),
            "choice",
            "adam",
            (("adam", "Adam"), ("adamax", "Adamax")),
        ),
        Setting(
            "warmup_epochs",
            _tr("KL warm-up"),
            _tr("Epochs in which β rises from 0, against collapsed dimensions."),
            "whole",
            0,
            low=0,
            high=100_000,
        ),
        Setting(
            "labels",
            _tr("Labels"),
            _tr("How many images keep their label. Empty: all of them."),
            "optional",
            None,
            low=1,
            placeholder=_tr("all"),
        ),
        Setting(
            "augment",
            _tr("Augment"),
            _tr("Small random shifts and turns of the classifier's input."),
            "flag",
            False,
        ),
        Setting(
            "patience",
            _tr("Patience"),
            _tr("Stop after so many epochs without progress, warm-up apart. Empty: off."),
            "optional",
            None,
            low=1,
            high=100_000,
            placeholder=_tr("off"),
        ),
        Setting(
            "seed",
            _tr("Seed"),
            _tr("The same seed gives the same curves."),
            "whole",
            0,
        ),
        Setting(
            "device",
            _tr("Device"),
            _tr("Automatic takes the GPU where there is one."),
            "choice",
            "auto",
            (("auto", _tr("Automatic")), ("cpu", "CPU"), ("cuda", "CUDA"), ("mps", "MPS")),
        ),
        Setting(
            "precision",
            _tr("Precision"),
            _tr("Of matrix products: bfloat16 is faster on recent chips, and rougher."),
            "choice",
            "float32",
            (("float32", "float32"), ("bfloat16", "bfloat16")),
        ),
        Setting(
            "compile",
            _tr("Compile"),
            _tr("Takes a minute; may pay for large networks on a GPU, but slows others."),
            "flag",
            False,
        ),
    ]


def explanation(setting: Setting, value_of: Callable[[str], Value]) -> str:
    """A setting's line of explanation beside the others: an epoch of PPCA is not one of images."""
    if setting.name == "epochs" and value_of("kind") == "ppca":
        text = _tr("Of {0} EM iterations each; fewer where the log-likelihood no longer rises.")
        return text.format(EM_STEPS)
    return setting.help
