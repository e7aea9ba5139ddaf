"""The embedded digits: what the file is, and that making it again gives the same."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.engine.idx_files import digits, write_idx, write_raw
from vae_explorer import paths
from vae_explorer.engine.errors import DataError, EngineError
from vae_explorer.engine.make_digits import choose_balanced, main, read_original, write_npz

# SHA-256 over the four arrays of the file that is shipped
SHIPPED = "9bb66929fba32b0b35c6dbf40c5c4d04b90e596744836a5563ba5029744de47d"


def digest(path: Path) -> str:
    with np.load(path) as arrays:
        return hashlib.sha256(
            b"".join(arrays[name].tobytes() for name in sorted(arrays))
        ).hexdigest()


def test_the_shipped_file_is_small_balanced_and_the_one_that_was_made() -> None:
    path = paths.digits()
    assert path.stat().st_size <= 2_600_000
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["train_images"].shape == (10_000, 28, 28)
        assert arrays["test_images"].shape == (2_000, 28, 28)
        assert all(arrays[name].dtype == np.uint8 for name in arrays)
        assert np.bincount(arrays["train_labels"]).tolist() == [1000] * 10
        assert np.bincount(arrays["test_labels"]).tolist() == [200] * 10
        assert len(set(arrays["train_labels"][:20])) > 5  # shuffled
    assert digest(path) == SHIPPED


def test_a_choice_is_balanced_fixed_and_of_the_asked_for_images() -> None:
    labels = np.random.RandomState(1).randint(0, 10, 1000)
    chosen = choose_balanced(labels, 20, seed=3)
    assert len(set(chosen)) == 200
    assert np.bincount(labels[chosen]).tolist() == [20] * 10
    assert np.array_equal(chosen, choose_balanced(labels, 20, seed=3))
    assert not np.array_equal(chosen, choose_balanced(labels, 20, seed=4))


def test_the_same_arrays_give_the_same_bytes_at_any_time(tmp_path: Path) -> None:
    images, labels = digits(50)
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    write_npz(first, {"images": images, "labels": labels})
    write_npz(second, {"images": images, "labels": labels})
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
    with np.load(first, allow_pickle=False) as arrays:
        assert np.array_equal(arrays["images"], images)
        assert np.array_equal(arrays["labels"], labels)
    assert sorted(path.name for path in tmp_path.glob("*.npz*")) == ["first.npz", "second.npz"]


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, full_disk: Callable[[], None]
) -> None:
    path = tmp_path / "digits.npz"
    path.write_bytes(b"old")
    full_disk()
    with pytest.raises(EngineError, match="No space left"):
        write_npz(path, {"labels": digits(5)[1]})
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_not_the_originals_are_refused(tmp_path: Path) -> None:
    write_raw(tmp_path, suffix="")
    with pytest.raises(DataError, match="train-images-idx3-ubyte is not the original"):
        read_original(tmp_path, "train")
    assert main(["--data-dir", str(tmp_path), "--out", str(tmp_path / "digits.npz")]) == 2
    assert not (tmp_path / "digits.npz").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", digits(5)[0])
    with pytest.raises(DataError, match="neither train-labels-idx1-ubyte nor"):
        read_original(tmp_path, "train")


@pytest.mark.slow
@pytest.mark.skipif("MNIST_RAW" not in os.environ, reason="MNIST_RAW names no folder of MNIST")
def test_the_documented_command_makes_the_shipped_file(tmp_path: Path) -> None:
    out = tmp_path / "digits.npz"
    assert main(["--data-dir", os.environ["MNIST_RAW"], "--out", str(out)]) == 0
    assert digest(out) == digest(paths.digits())
