"""Files by the kind that was chosen; films as MP4 where that can be made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from vae_explorer.engine import films
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.controller.export import path_of_kind

KINDS = "GIF (*.gif);;MP4 (*.mp4);;PNG (*.png)"


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("walk", "", "walk.gif"),
        ("walk", "MP4 (*.mp4)", "walk.mp4"),
        ("walk.gif", "MP4 (*.mp4)", "walk.mp4"),  # the suggestion, of which the kind was changed
        ("walk.mp4", "GIF (*.gif)", "walk.mp4"),  # typed over the suggestion
        ("walk.png", "MP4 (*.mp4)", "walk.png"),
        ("walk.GIF", "GIF (*.gif)", "walk.GIF"),
    ],
)
def test_the_kind_of_a_file(name: str, kind: str, expected: str) -> None:
    assert path_of_kind(Path(name), kind, KINDS, ".gif") == Path(expected)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], list[str]]:
    """Answers the dialog with a name and a kind; gives back what it offered."""

    def answer(name: str, kind: str) -> list[str]:
        offered: list[str] = []

        def ask(_parent: object, _title: str, _start: str, kinds: str) -> tuple[str, str]:
            offered.append(kinds)
            return str(tmp_path / name), kind

        monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
        return offered

    return answer


def test_a_film_is_offered_and_written_as_mp4(
    joint: Controller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
) -> None:
    monkeypatch.setattr(films, "ffmpeg_program", lambda: "/usr/bin/ffmpeg")
    given = []

    def encode(frames: object, frames_per_second: float) -> bytes:
        given.append((getattr(frames, "shape", None), frames_per_second))
        return b"a film"

    monkeypatch.setattr("vae_explorer.engine.figures.mp4", encode)
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    offered = asked("path.gif", "MP4 (*.mp4)")
    joint.export.path()
    assert offered == [KINDS]
    assert (tmp_path / "path.mp4").read_bytes() == b"a film"
    assert given == [((40, 112, 112, 3), 15)]
    assert "path.mp4" in joint.window.banner.text()


def test_without_ffmpeg_the_dialog_says_what_it_takes(
    joint: Controller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
) -> None:
    monkeypatch.setattr(films, "ffmpeg_program", lambda: None)
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    offered = asked("path", "")
    joint.export.path()
    assert "MP4 (*.mp4)" not in offered[0]
    assert offered[0].startswith("GIF (for MP4: install ffmpeg")
    assert (tmp_path / "path.gif").read_bytes()[:3] == b"GIF"
    asked("path.mp4", "")
    joint.export.path()
    assert "needs ffmpeg" in joint.window.banner.text()
    assert not (tmp_path / "path.mp4").exists()


@pytest.mark.parametrize("yes", [True, False])
def test_a_name_the_dialog_did_not_ask_about_is_not_overwritten_unasked(
    joint: Controller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
    yes: bool,
) -> None:
    (tmp_path / "canvas.png").write_bytes(b"old")
    buttons = QMessageBox.StandardButton
    monkeypatch.setattr(QMessageBox, "question", lambda *_: buttons.Yes if yes else buttons.No)
    asked("canvas", "PNG (*.png)")
    joint.export.canvas()
    assert ((tmp_path / "canvas.png").read_bytes() == b"old") is not yes
