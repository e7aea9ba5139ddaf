"""The line of words over the progress bar: all that fits can be read, and the tooltip has the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QWidget
from pytestqt.qtbot import QtBot

from vae_explorer.gui.status_line import StatusLine

WIDTH = 200


@pytest.fixture
def line(qtbot: QtBot) -> Iterator[StatusLine]:
    window = QWidget()
    qtbot.addWidget(window)
    bar = QProgressBar()
    bar.setFixedHeight(8)
    line = StatusLine(bar, window)
    line.resize(WIDTH, line.height())
    window.show()
    yield line  # while its window is there


@pytest.mark.parametrize(
    "text",
    [
        "a" * 40 + " cannot be read",
        "\N{GRINNING FACE}" * 9 + " is the name of a file that can be read",
    ],
)
def test_each_of_two_lines_fits(line: StatusLine, text: str) -> None:
    line.show_text(text, bad=False, may_cover=True)
    metrics = line._label.fontMetrics()
    lines = line.text().split("\n")
    assert len(lines) == 2
    assert all(metrics.horizontalAdvance(part.rstrip()) <= WIDTH for part in lines)
    assert "".join(lines) == text or line.toolTip() == text


def test_a_files_name_is_shown_as_it_is(line: StatusLine) -> None:
    line.show_text("<b>x</b>", bad=False, may_cover=True)
    assert line.text() == "<b>x</b>"
    assert line._label.textFormat() == Qt.TextFormat.PlainText
