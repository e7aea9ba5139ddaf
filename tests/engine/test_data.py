"""Data sets by name: splits, labels, shapes, and one sentence for everything that is wrong."""

from __future__ import annotations

import builtins
import gzip
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.engine.idx_files import digits, write_idx, write_raw
from vae_explorer import paths
from vae_explorer.engine import idx
from vae_explorer.engine.catalogue import DATASETS
from vae_explorer.engine.data import load_dataset, split_evenly
from vae_explorer.engine.errors import DataError


def as_rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_the_embedded_digits_are_balanced_and_split_without_overlap() -> None:
    data = load_dataset("digits")
    assert (len(data.train), len(data.validation), len(data.test)) == (9000, 1000, 2000)
    assert data.image_shape == (1, 28, 28)
    assert data.class_names == tuple("0123456789")
    assert data.train.images.dtype == torch.uint8
    assert data.train.labels is not None and data.validation.labels is not None
    assert data.test.labels is not None and data.test.labels.dtype == torch.int64
    both = torch.cat([data.train.labels, data.validation.labels])
    assert both.bincount().tolist() == [1000] * 10
    assert data.test.labels.bincount().tolist() == [200] * 10
    assert len(as_rows(data.train.images) | as_rows(data.validation.images)) == 10_000
    assert not as_rows(data.test.images) & as_rows(data.train.images)
    assert int(data.train.images[:, :, 0].max()) < 64 < int(data.train.images.max())  # ink is high


def test_the_split_is_the_same_every_time() -> None:
    first, second = load_dataset("digits"), load_dataset("digits")
    assert torch.equal(first.validation.images, second.validation.images)
    assert torch.equal(first.train.images, second.train.images)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("place", ["MNIST/raw", "MNIST", "raw", "."])
def test_mnist_is_read_from_every_usual_layout(tmp_path: Path, place: str, suffix: str) -> None:
    images, labels = write_raw(tmp_path / place, suffix=suffix)
    data = load_dataset("mnist", tmp_path, download=False)
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 20)
    assert as_rows(data.train.images) | as_rows(data.validation.images) == {
        image.tobytes() for image in images
    }
    assert data.train.labels is not None and data.validation.labels is not None
    known = {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    for image, label in zip(data.train.images, data.train.labels, strict=True):
        assert known[image.numpy().tobytes()] == int(label)


def test_validation_never_takes_more_than_5000(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = (*digits(60_000), *digits(10))
    monkeypatch.setattr("vae_explorer.engine.data._read_embedded", lambda: arrays)
    data = load_dataset("digits")
    assert (len(data.train), len(data.validation)) == (55_000, 5_000)


def test_the_data_folder_may_be_named_by_the_environment(own_folders: Path) -> None:
    write_raw(own_folders / "data" / "FashionMNIST" / "raw")
    data = load_dataset("fashion-mnist", download=False)
    assert data.class_names[9] == "Ankle boot"


def test_emnist_images_are_turned_upright(tmp_path: Path) -> None:
    prefixes = ("emnist-balanced-train", "emnist-balanced-test")
    images, _ = write_raw(tmp_path / "EMNIST" / "raw", 94, 47, "", prefixes, classes=47)
    data = load_dataset("emnist-balanced", tmp_path, download=False)
    assert data.classes == 47
    assert as_rows(data.train.images) <= {image.T.tobytes() for image in images}


def test_one_relative_does_not_pass_for_another(tmp_path: Path) -> None:
    write_raw(tmp_path / "MNIST" / "raw")
    for folder in (tmp_path, tmp_path / "MNIST", tmp_path / "MNIST" / "raw"):
        with pytest.raises(DataError, match="KMNIST is incomplete"):
            load_dataset("kmnist", folder, download=False)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"])
def test_a_file_that_claims_more_than_there_is_memory_for_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(idx, "MAX_BYTES", 2**61)
    header = bytes((0, 0, 8, 3)) + struct.pack(">3I", 2**20, 2**20, 2**20)
    path = tmp_path / name
    path.write_bytes(gzip.compress(header) if path.suffix else header)
    with pytest.raises(DataError, match=f"{path} announces more values than there is memory for"):
        idx.read_idx(path, dimensions=3)


def break_truncated(raw: Path) -> str:
    path = raw / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-100])
    return path.name


def break_cut_gzip(raw: Path) -> str:
    plain = raw / "train-images-idx3-ubyte"
    path = raw / "train-images-idx3-ubyte.gz"
    write_idx(path, digits(40)[0])
    path.write_bytes(path.read_bytes()[:-1000])
    plain.unlink()
    return path.name


def break_not_gzip(raw: Path) -> str:
    (raw / "t10k-images-idx3-ubyte").unlink()
    path = raw / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(b"<html>not found</html>")
    return path.name


def break_too_long(raw: Path) -> str:
    path = raw / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes() + b"x")
    return path.name


def break_empty(raw: Path) -> str:
    path = raw / "train-labels-idx1-ubyte"
    path.write_bytes(b"")
    return path.name


def break_swapped(raw: Path) -> str:
    path = raw / "train-labels-idx1-ubyte"
    path.write_bytes((raw / "train-images-idx3-ubyte").read_bytes())
    return path.name


def break_huge_header(raw: Path) -> str:
    path = raw / "train-images-idx3-ubyte"
    path.write_bytes(bytes((0, 0, 8, 3)) + b"\xff" * 12)
    return path.name


def break_label_range(raw: Path) -> str:
    path = raw / "train-labels-idx1-ubyte"
    write_idx(path, np.full(40, 10))
    return path.name


def break_counts(raw: Path) -> str:
    path = raw / "train-labels-idx1-ubyte"
    write_idx(path, np.zeros(39))
    return path.name


def break_size(raw: Path) -> str:
    path = raw / "train-images-idx3-ubyte"
    write_idx(path, np.zeros((40, 14, 14)))
    return path.name


def break_half_there(raw: Path) -> str:
    path = raw / "t10k-labels-idx1-ubyte"
    path.unlink()
    return path.name


@pytest.mark.parametrize("damage", [value for key, value in globals().items() if "break_" in key])
def test_a_damaged_folder_is_one_sentence_naming_the_file(tmp_path: Path, damage: Any) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write_raw(raw, suffix="")
    name = damage(raw)
    with pytest.raises(DataError) as caught:
        load_dataset("mnist", tmp_path, download=False)
    sentence = str(caught.value)
    assert name in sentence and sentence.endswith(".") and "\n" not in sentence


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"no data set 'cifar'.*digits, mnist"):
        load_dataset("cifar")


def test_a_file_for_a_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(b"")
    with pytest.raises(DataError, match="is a file"):
        load_dataset("mnist", file, download=False)


def test_a_missing_subset_asks_for_a_new_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "digits", lambda: tmp_path / "digits.npz")
    with pytest.raises(DataError, match="install VAE Explorer again"):
        load_dataset("digits")
    (tmp_path / "digits.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(DataError, match="install VAE Explorer again"):
        load_dataset("digits")


def test_small_digits_keep_their_17_levels_and_their_order() -> None:
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    data = load_dataset("digits-8x8")
    assert (len(data.train), len(data.validation), len(data.test)) == (1000, 350, 447)
    assert data.image_shape == (1, 8, 8)
    parts = (data.train, data.validation, data.test)
    images = torch.cat([part.images for part in parts]).to(torch.int64)
    original = sklearn_datasets.load_digits()
    levels = images * 17 // 256  # how a categorical likelihood of 17 levels sees them
    assert np.array_equal(levels.numpy()[:, 0], original.images.astype(int))
    labels = torch.cat([part.labels for part in parts if part.labels is not None])
    assert np.array_equal(labels.numpy(), original.target)


def test_without_scikit_learn_the_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_sklearn(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_sklearn)
    with pytest.raises(DataError, match=r"vae-explorer\[digits8x8\]"):
        load_dataset("digits-8x8")


@pytest.mark.parametrize(
    ("count", "classes"),
    [(3, None), (3, 1), (12, None), (12, 4), (12, 10), (25, 10), (100, 90), (1003, 10)],
)
def test_an_even_split_is_complete_and_disjoint(count: int, classes: int | None) -> None:
    labels = None if classes is None else np.arange(count) % classes
    parts = split_evenly(count, labels)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert all(len(part) > 0 for part in parts)
    if labels is not None:
        assert set(labels[parts[0]]) == set(labels)


def test_an_even_split_keeps_the_proportions_of_the_classes() -> None:
    labels = np.repeat([0, 1, 2], [100, 200, 700])
    train, validation, test = (np.bincount(labels[part]) for part in split_evenly(1000, labels))
    assert train.tolist() == [80, 160, 560]
    assert abs(validation - [10, 20, 70]).max() <= 1
    assert abs(test - [10, 20, 70]).max() <= 1


@pytest.mark.parametrize(("count", "classes", "least"), [(2, 1, 3), (11, 10, 12)])
def test_too_few_images_say_how_many_are_needed(count: int, classes: int, least: int) -> None:
    with pytest.raises(DataError, match=f"{count} images are too few: {least} are the least"):
        split_evenly(count, np.arange(count) % classes)


def test_every_data_set_is_described() -> None:
    for name, info in DATASETS.items():
        assert info.name == name and info.title and info.summary
    assert len(DATASETS["emnist-balanced"].class_names) == 47


def test_the_catalogue_loads_without_torch_and_numpy() -> None:
    code = (
        "import sys, vae_explorer.engine.catalogue; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_class_names_agree_with_torchvision() -> None:
    from torchvision import datasets

    assert DATASETS["fashion-mnist"].class_names == tuple(datasets.FashionMNIST.classes)
    assert DATASETS["kmnist"].class_names == tuple(datasets.KMNIST.classes)
    balanced = datasets.EMNIST.classes_split_dict["balanced"]
    assert DATASETS["emnist-balanced"].class_names == tuple(balanced)
