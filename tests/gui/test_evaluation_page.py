"""The page of figures: every one with what is needed to hold it against another."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableWidget, QTableWidgetItem
from pytestqt.qtbot import QtBot

from vae_explorer.engine.report import FRACTION, NATS, Figure
from vae_explorer.gui.controller.evaluating import row
from vae_explorer.gui.evaluation_page import EvaluationPage
from vae_explorer.gui.style import LIGHT

BOUND = Figure(
    "iw_bound", "IW bound ≤ log p(x)", -90.5, NATS, "bound", 100, 500, 0.46, 0.02, 0.1665, 3.21, "!"
)
SHARE = Figure("accuracy", "accuracy of q(y|x)", 0.9953, FRACTION, "estimate", 100)


def item(table: QTableWidget, line: int, column: int) -> QTableWidgetItem:
    found = table.item(line, column)
    assert found is not None
    return found


def test_a_figure_has_its_error_bits_kind_samples_and_time(qtbot: QtBot) -> None:
    page = EvaluationPage(LIGHT)
    qtbot.addWidget(page)
    page.set_rows([row(BOUND), row(SHARE)])
    table = page._table
    columns = range(table.columnCount())
    titles = [str(table.model().headerData(i, Qt.Orientation.Horizontal)) for i in columns]
    shown = [item(table, 0, i).text() for i in columns]
    assert dict(zip(titles, shown, strict=True)) == {
        "Figure": "IW bound ≤ log p(x)",
        "Value": "−90.50",
        "± s.e.": "0.46",
        "Bits/dim": "0.1665",
        "Kind": "bound",
        "Samples": "500",
        "Seconds": "3.2",
    }
    assert item(table, 0, 0).toolTip() == "!"
    assert [item(table, 1, i).text() for i in (1, 3, 5)] == ["99.53 %", "", ""]
