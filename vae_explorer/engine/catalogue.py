"""Which data sets there are, and what each holds; reading them is `data`'s work.

Imports neither torch nor numpy, so that a window can offer them before the engine is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DIGIT_NAMES = tuple("0123456789")


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is read.

    Attributes:
        name: as on the command line.
        title: as a person writes it.
        summary: what it holds, in one line.
        labelled: whether its images have classes; for a folder of images, whether they may.
        image_shape: (C, H, W) in pixels; for a folder, what it is cut to unless asked otherwise.
        class_names: in the order of the labels; empty where only the data tell.
        needs_folder: whether the user must name a folder.
        extra: the optional extra of this package that it needs.
    """

    name: str
    title: str
    summary: str
    labelled: bool = True
    image_shape: tuple[int, int, int] = (1, 28, 28)
    class_names: tuple[str, ...] = DIGIT_NAMES
    needs_folder: bool = False
    extra: str | None = None


_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
# EMNIST merges the small letters that look like their capitals: c, i, j, k, l, m, o, p, s, …
_BALANCED = (*DIGIT_NAMES, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *"abdefghnqrt")

_INFOS = (
    DatasetInfo(
        "digits",
        "Embedded digits",
        "10,000 training and 2,000 test digits of MNIST, always at hand.",
    ),
    DatasetInfo("mnist", "MNIST", "60,000 training and 10,000 test digits, handwritten."),
    DatasetInfo(
        "fashion-mnist",
        "Fashion-MNIST",
        "60,000 training and 10,000 test pictures of clothes.",
        class_names=_CLOTHES,
    ),
    DatasetInfo(
        "kmnist",
        "KMNIST",
        "60,000 training and 10,000 test characters of cursive Japanese.",
        class_names=_KANA,
    ),
    DatasetInfo(
        "emnist-digits",
        "EMNIST digits",
        "240,000 training and 40,000 test digits; a download of about 560 MB.",
    ),
    DatasetInfo(
        "emnist-balanced",
        "EMNIST balanced",
        "112,800 training and 18,800 test digits and letters; a download of about 560 MB.",
        class_names=_BALANCED,
    ),
    DatasetInfo(
        "digits-8x8",
        "Digits 8 × 8",
        "1,797 small digits of 17 grey levels, from scikit-learn.",
        image_shape=(1, 8, 8),
        extra="digits8x8",
    ),
    DatasetInfo(
        "folder",
        "Folder of images",
        "Your own pictures: one subfolder a class, or none.",
        class_names=(),
        needs_folder=True,
    ),
)

DATASETS: Mapping[str, DatasetInfo] = MappingProxyType({info.name: info for info in _INFOS})
