"""MNIST and its relatives: idx files in torchvision's folder layout, found, fetched and read.

torchvision knows where the files are and what their checksums must be; it is imported for that
alone, and only when something is missing (importing it costs seconds). Its own downloader has
neither time-out nor progress.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from vae_explorer import paths
from vae_explorer.engine.catalogue import DATASETS
from vae_explorer.engine.downloads import Cancelling, Progress, RemoteFile, fetch, fetch_all
from vae_explorer.engine.errors import Cancelled, DataError
from vae_explorer.engine.files import write_whole
from vae_explorer.engine.idx import find_idx, read_pair

SIDE = 28
EMNIST_ZIP = "gzip.zip"


@dataclass(frozen=True)
class Relative:
    """One of the family.

    Attributes:
        folder: its name in torchvision's layout, `folder/raw`, and of torchvision's class.
        train: what the names of the training files begin with.
        test: what the names of the test files begin with.
        transposed: whether its images are stored column by column.
    """

    folder: str
    train: str = "train"
    test: str = "t10k"
    transposed: bool = False

    @property
    def stems(self) -> tuple[str, str, str, str]:
        """The four files, unpacked: train images and labels, test images and labels."""
        return (
            f"{self.train}-images-idx3-ubyte",
            f"{self.train}-labels-idx1-ubyte",
            f"{self.test}-images-idx3-ubyte",
            f"{self.test}-labels-idx1-ubyte",
        )


FAMILY: Mapping[str, Relative] = MappingProxyType(
    {
        "mnist": Relative("MNIST"),
        "fashion-mnist": Relative("FashionMNIST"),
        "kmnist": Relative("KMNIST"),
        "emnist-digits": Relative("EMNIST", "emnist-digits-train", "emnist-digits-test", True),
        "emnist-balanced": Relative(
            "EMNIST", "emnist-balanced-train", "emnist-balanced-test", True
        ),
    }
)

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def read_relative(
    name: str,
    data_dir: Path,
    progress: Progress | None,
    cancelled: Cancelling | None,
    download: bool,
) -> Arrays:
    """Train images (N, 28, 28) and labels (N,), then the test split's, all uint8.

    Args:
        name: a key of `FAMILY`.
        data_dir: the folder that has, or is to have, `MNIST/raw` or the like; or is that itself.
        progress: told (bytes done, bytes in all or None) during a download.
        cancelled: asked during a download whether to stop.
        download: whether to fetch what is missing. EMNIST's archive, where it lies in the folder, is unpacked
            in any case.

    Raises:
        DataError: a file is missing and cannot be fetched, or is not what it should be.
        Cancelled: a download was stopped; the next call goes on from there.
    """
    relative = FAMILY[name]
    if data_dir.exists() and not data_dir.is_dir():
        raise DataError(f"{data_dir} is a file: name the folder that holds {relative.folder}/raw.")
    folder = _find_folder(relative, data_dir)
    if _missing(relative, folder):
        if not (download or _has_archive(relative, folder)):
            stem = _missing(relative, folder)[0]
            raise DataError(f"{DATASETS[name].title} is incomplete: {folder} has no {stem}(.gz).")
        _fetch_missing(relative, folder, progress, cancelled)
    return _read(relative, folder, len(DATASETS[name].class_names))


def is_complete(name: str, data_dir: Path) -> bool:
    """Whether the four files of a member are in the folder of data."""
    relative = FAMILY[name]
    return not _missing(relative, _find_folder(relative, paths.expanded(data_dir)))


def _find_folder(relative: Relative, data_dir: Path) -> Path:
    """Where the files lie, or should be laid: the candidate that has most of them."""
    standard = data_dir / relative.folder / "raw"
    candidates = [standard, standard.parent]
    others = {member.folder for member in FAMILY.values()} - {relative.folder}
    # the relatives share their file names: MNIST/raw must not pass for KMNIST
    if not others & set(data_dir.absolute().parts[-2:]):
        candidates += [data_dir / "raw", data_dir]
    return min(
        candidates,
        key=lambda folder: (len(_missing(relative, folder)), not _has_archive(relative, folder)),
    )


def _missing(relative: Relative, folder: Path) -> list[str]:
    return [stem for stem in relative.stems if find_idx(folder, stem) is None]


def _has_archive(relative: Relative, folder: Path) -> bool:
    return relative.folder == "EMNIST" and (folder / EMNIST_ZIP).is_file()


def _read(relative: Relative, folder: Path, classes: int) -> Arrays:
    # every stem was found a moment ago; the unpacked name gives the right sentence if it has gone
    files = [find_idx(folder, stem) or folder / stem for stem in relative.stems]
    train_images, train_labels = read_pair(files[0], files[1], SIDE, classes)
    test_images, test_labels = read_pair(files[2], files[3], SIDE, classes)
    if relative.transposed:
        train_images, test_images = (
            np.ascontiguousarray(images.transpose(0, 2, 1))
            for images in (train_images, test_images)
        )
    return train_images, train_labels, test_images, test_labels


def _fetch_missing(
    relative: Relative,
    folder: Path,
    progress: Progress | None,
    cancelled: Cancelling | None,
) -> None:
    if progress:
        progress(0, None)  # before torchvision is imported and a server has answered
    missing = _missing(relative, folder)
    files = remote_files(relative)
    if relative.folder == "EMNIST":
        was_there = _has_archive(relative, folder)
        archive = fetch(files[0], folder, progress, cancelled)
        fetched = archive.with_name(f"{archive.name}.fetched")  # not the user's own, which stays
        if not was_there:
            write_whole(fetched, b"")
        _unpack(archive, cancelled, fetched)
    else:
        wanted = [file for file in files if file.name.removesuffix(".gz") in missing]
        fetch_all(wanted, folder, progress, cancelled)


def remote_files(relative: Relative) -> list[RemoteFile]:
    """What torchvision knows: the four files, or EMNIST's one archive."""
    from torchvision import datasets  # 3 s: only when something is to be fetched

    if relative.folder == "EMNIST":
        return [RemoteFile(EMNIST_ZIP, [datasets.EMNIST.url], datasets.EMNIST.md5)]
    known: type[datasets.MNIST] = getattr(datasets, relative.folder)
    return [
        RemoteFile(name, [mirror + name for mirror in known.mirrors], md5)
        for name, md5 in known.resources
    ]


def _unpack(archive: Path, cancelled: Cancelling | None, fetched: Path) -> None:
    """Take the files of both EMNIST sets out of the archive, each whole or not at all; `fetched` marks one to drop."""
    stems = {stem for member in FAMILY.values() if member.transposed for stem in member.stems}
    try:
        with zipfile.ZipFile(archive) as content:
            for member in content.infolist():
                name = Path(member.filename).name
                if name.removesuffix(".gz") not in stems:
                    continue
                if cancelled is not None and cancelled():
                    raise Cancelled(f"The unpacking of {archive.name} was stopped.")
                partial = archive.with_name(name + ".part")
                with content.open(member) as source, partial.open("wb") as out:
                    shutil.copyfileobj(source, out)
                os.replace(partial, archive.with_name(name))
        if fetched.exists():
            archive.unlink()
            fetched.unlink()
    except zipfile.BadZipFile as error:
        raise DataError(f"{archive} is damaged: delete it, and fetch it again.") from error
    except OSError as error:
        raise DataError(f"{archive} cannot be unpacked: {error.strerror or error}.") from error
