"""A folder of the user's own pictures, as arrays: one subfolder a class, or none."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vae_explorer.engine.config import MAX_SIDE
from vae_explorer.engine.downloads import Cancelling, Progress
from vae_explorer.engine.errors import Cancelled, DataError
from vae_explorer.engine.plain_numbers import whole

Fit = Literal["crop", "pad"]
_SIXTEEN_BITS = {
    "PNG",
    "PPM",
}  # of which some releases of Pillow make 32, all the same from 0 to 65535
NAMED_AT_ONCE = 5  # files that cannot be read
_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}  # what systems leave in folders; and .hidden


@dataclass(frozen=True)
class Frame:
    """What every picture is brought to.

    Attributes:
        size: pixels a side.
        fit: cut the middle square out, or `pad` to a square with the picture's own edge level.
        channels: 1 for grey, 3 for colour.

    Raises:
        DataError: a size, fit or number of channels that there is not.
    """

    size: int = 28
    fit: Fit = "crop"
    channels: Literal[1, 3] = 1

    def __post_init__(self) -> None:
        size, channels = whole(self.size), whole(self.channels)
        if size is None or not 1 <= size <= MAX_SIDE:
            raise DataError(
                f"The image size is a whole number from 1 to {MAX_SIDE} pixels; not {self.size!r}."
            )
        if not isinstance(self.fit, str) or self.fit not in ("crop", "pad"):
            raise DataError(f"Pictures are made to fit by crop or by pad, not by {self.fit!r}.")
        if channels not in (1, 3):
            raise DataError(f"Pictures have 1 channel (grey) or 3 (colour), not {self.channels!r}.")
        object.__setattr__(self, "size", size)  # frozen, but not yet made
        object.__setattr__(self, "channels", channels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.size, self.size


@dataclass(frozen=True, eq=False)
class Listing:
    """The pictures of a folder, none of which has been opened.

    Attributes:
        files: N paths, class after class.
        labels: int64 (N,), or None where there are no subfolders.
        class_names: the subfolders' names, numbers in them in their order.
    """

    folder: Path
    files: list[Path]
    labels: np.ndarray | None
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)


def list_folder(folder: Path) -> Listing:
    """The pictures below `folder`, or in its subfolders; hidden files are passed over.

    Raises:
        DataError: the folder is missing, empty, or holds pictures beside subfolders.
    """
    files, labels, class_names = _list_files(folder)
    return Listing(folder, files, np.array(labels, np.int64) if class_names else None, class_names)


def subfolder_classes(folder: Path) -> tuple[str, ...]:
    """The names of the subfolders, which are classes; no picture is looked at.

    Raises:
        DataError: the folder cannot be read.
    """
    return tuple(printable(path.name) for path in _entries(folder)[0])


def printable(name: str) -> str:
    """A name as text that every file and picture takes: bytes that are not UTF-8, and line breaks, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def decode(
    listing: Listing,
    order: np.ndarray,
    frame: Frame,
    progress: Progress | None = None,
    cancelled: Cancelling | None = None,
) -> Iterator[np.ndarray]:
    """Pictures one by one, uint8 (C, H, W), so that no more than one need be in memory.

    Args:
        listing: of the folder.
        order: indices of the pictures, in the order wanted.
        frame: what each is brought to.
        progress: told (pictures done, pictures in all).
        cancelled: asked before each picture whether to stop.

    Raises:
        DataError: files are no pictures; it names several, so that not each costs another attempt.
        Cancelled: `cancelled()` said so.
    """
    problems: list[str] = []
    for done, index in enumerate(order.tolist(), 1):
        if cancelled is not None and cancelled():
            raise Cancelled(f"Reading {listing.folder} was stopped.")
        try:
            picture = read_picture(listing.files[index], frame.size, frame.fit, frame.channels)
        except DataError as error:
            problems.append(str(error))
        else:
            if not problems:
                yield picture
        if progress is not None:
            progress(done, len(order))
    if problems:
        more = len(problems) - NAMED_AT_ONCE
        named = sorted(problems)[:NAMED_AT_ONCE]
        raise DataError(
            " ".join(named + ([f"{more:,} more files are like that."] if more > 0 else []))
        )


def read_picture(path: Path, size: int, fit: Fit, channels: Literal[1, 3]) -> np.ndarray:
    """One picture, upright, as uint8 (C, size, size).

    Levels count by the range of their type, whatever part of it is used: 12 bits of a camera in a file of 16
    are dark.

    Raises:
        DataError: the file is no picture, a damaged one, or has numbers that are no levels.
    """
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise DataError(f"{path} is no file but a pipe or a device: take it out of the folder.")
    try:
        with warnings.catch_warnings():
            # Pillow's doubts about a file's metadata, or its size, are no concern of the user's
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_formats()) as image:
                image.draft("L" if channels == 1 else "RGB", (size, size))  # big JPEGs: 8 x faster
                upright = ImageOps.exif_transpose(image)
                if upright.mode == "I" and image.format not in _SIXTEEN_BITS:
                    raise DataError(
                        "has whole numbers of 32 bits: scale them to 0 to 65535, and save it with 16 bits."
                    )
                flat = _flatten(upright, "L" if channels == 1 else "RGB")
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path} is not a picture that can be read: take it out of the folder."
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} is too large a picture: make it smaller first.") from error
    except Exception as error:  # a damaged file makes Pillow's decoders raise almost anything
        if isinstance(error, OSError) and error.strerror:  # the system's words, not a decoder's
            raise DataError(f"{path} {_unreadable(path, error)}.") from error
        raise DataError(
            f"{path} is a damaged picture ({error}): take it out of the folder."
        ) from error
    box = (size, size)
    if fit == "crop":
        square = ImageOps.fit(flat, box, Image.Resampling.LANCZOS)
    else:
        square = ImageOps.pad(flat, box, Image.Resampling.LANCZOS, color=_edge_level(flat))
    pixels = np.asarray(square, np.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _unreadable(path: Path, error: OSError) -> str:
    if path.is_symlink() and not path.exists():
        return "is a link to a file that is not there: take it out of the folder"
    return f"cannot be read ({error.strerror}): make it readable, or take it out of the folder"


@cache
def _formats() -> tuple[str, ...]:
    """What Pillow reads itself: for EPS it starts Ghostscript, which runs what a file says."""
    Image.init()
    return tuple(name for name in Image.OPEN if name != "EPS")


def _list_files(folder: Path) -> tuple[list[Path], list[int], tuple[str, ...]]:
    """Files, the label of each, and the names of the classes (none: no labels)."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: name one that holds pictures.")
    classes, loose = _entries(folder)
    if classes and loose:
        raise DataError(
            f"{folder} holds files ({loose[0].name}) beside subfolders ({classes[0].name}): "
            "put every picture into a subfolder, its class, or none."
        )
    if not classes:
        if not loose:
            raise DataError(f"{folder} holds no pictures.")
        return loose, [0] * len(loose), ()
    files: list[Path] = []
    labels: list[int] = []
    for label, subfolder in enumerate(classes):
        nested, members = _entries(subfolder)
        if nested:
            raise DataError(
                f"{nested[0]} is a folder in a class's folder: only pictures may be there."
            )
        if not members:
            raise DataError(f"{subfolder} holds no pictures: fill it, or take it away.")
        files += members
        labels += [label] * len(members)
    return files, labels, tuple(printable(path.name) for path in classes)


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Its subfolders and its files, without asking after each."""
    folders: list[Path] = []
    files: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.name.lower() not in _LITTER:
                    (folders if entry.is_dir() else files).append(folder / entry.name)
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}.") from error
    return sorted(folders, key=_natural_order), sorted(files, key=_natural_order)


def _natural_order(path: Path) -> list[tuple[int, int, str]]:
    """`class 9` before `class 10`."""
    pieces = re.split(r"(\d+)", path.name)
    return [
        (0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece
    ]


def _flatten(image: Image.Image, mode: str) -> Image.Image:
    """Grey or colour of 8 bits, without transparency.

    Raises:
        DataError: numbers that are no levels.
    """
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
        image = Image.fromarray((np.asarray(image, np.float64) / 257).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        levels = np.asarray(image)
        if not (levels.min() >= 0 and levels.max() <= 1):  # not so of NaN, either
            raise DataError("has numbers outside of 0 to 1: make a picture of 8 or 16 bits of it.")
        image = Image.fromarray((levels * 255).round().astype(np.uint8))
    if image.mode == "LAB":  # of which Pillow makes colours, but no grey
        image = image.convert("RGB")
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, "white")
        image = Image.alpha_composite(paper, opaque)
    return image.convert(mode)


def _edge_level(image: Image.Image) -> int | tuple[int, ...]:
    """The median of the outermost pixels, so that padding goes on where the picture ends."""
    pixels = np.asarray(image)
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    level = np.median(edges, axis=0).astype(int)
    return int(level) if level.ndim == 0 else tuple(int(value) for value in level)
