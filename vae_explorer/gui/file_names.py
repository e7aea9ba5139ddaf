"""Asking for the name of a file to write, with the suffix of its kind."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from vae_explorer.engine.errors import InputError

# Suffixes that nobody means as a part of a name; what a system knows of kinds of files has `.123` and `.me` in it.
_OTHER_KINDS = frozenset(
    f".{kind}"
    for kind in (
        *("bmp", "gif", "jpeg", "jpg", "png", "svg", "tif", "tiff", "webp"),
        *("avi", "mkv", "mov", "mp4", "webm"),
        *("csv", "doc", "docx", "html", "json", "md", "ods", "pdf", "tsv", "txt", "xls", "xlsx"),
        *("pt", "pth", "safetensors", "zip"),
    )
)


def ask_for_file(parent: QWidget, title: str, start: Path, kinds: str) -> Path | None:
    """The file that the user names, which may be replaced; None where there is to be none.

    start: the name that is suggested, with the suffix of the first kind.
    kinds: as Qt writes them: `GIF (*.gif);;PNG (*.png)`.

    Raises:
        InputError: its suffix is that of another kind of file.
    """
    name, kind = QFileDialog.getSaveFileName(parent, title, str(start), kinds)
    if not name:
        return None
    path = path_of_kind(Path(name), kind, kinds)
    if path != Path(name) and path.exists():  # the dialog asked about the name it was given
        question = _tr("{0} exists already. Replace it?").format(path.name)
        answer = QMessageBox.question(parent, title, question)
        if answer != QMessageBox.StandardButton.Yes:
            return None
    return path


def path_of_kind(path: Path, kind: str, kinds: str) -> Path:
    """The name with the suffix of the kind of file that was chosen, by default the first.

    A suffix that was typed counts, but for one choice: another kind than the first was picked, and the name still has
    the suffix of the first, which was suggested. What follows a dot but is no kind of file, as in `run 0.5`, is a part
    of the name.

    Raises:
        InputError: the suffix is that of another kind of file.
    """
    offered = kinds.split(";;")
    suffixes = [_suffix(one) for one in offered]
    chosen, typed = suffixes[offered.index(kind) if kind in offered else 0], path.suffix.lower()
    if typed in suffixes:
        return path.with_suffix(chosen) if typed == suffixes[0] != chosen else path
    if typed in _OTHER_KINDS:
        sentence = _tr("{0} would be another kind of file than can be written here: {1}.")
        raise InputError(sentence.format(path.name, ", ".join(offered)))
    return path.with_name(path.name + chosen)


def _suffix(kind: str) -> str:
    """`.gif` of `GIF (*.gif)`."""
    return kind[kind.rfind("*") + 1 : -1]


def _tr(text: str) -> str:
    return QCoreApplication.translate("FileNames", text)
