"""What pages say before there is anything on them."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QLabel

from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.empty_state import EmptyState


def test_every_empty_page_has_a_bold_line_and_short_ones_below(joint: Controller) -> None:
    window = joint.window
    for page in (window.curves, window.film, window.evaluation):
        window.show_tab(page if page is not window.curves else window._curves_page)
        QApplication.processEvents()
        (empty,) = page.findChildren(EmptyState)
        title, *lines = (label.text() for label in empty.findChildren(QLabel))
        assert empty.isVisible() and title
        assert 1 <= len(lines) <= 2 and all(len(line) <= 60 for line in lines)
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    assert window.film.findChildren(EmptyState)[0].isHidden()


def test_the_tools_of_every_page_begin_at_the_same_height(joint: Controller) -> None:
    window, middles = joint.window, []
    for page, tool in (
        (window.film, window.film._play),
        (window.samples, window.samples._again),
        (window.evaluation, window.evaluation._button),
    ):
        window.show_tab(page)
        QApplication.processEvents()
        middles.append(tool.mapTo(window, QPoint(0, tool.height() // 2)).y())
    assert max(middles) - min(middles) <= 1
