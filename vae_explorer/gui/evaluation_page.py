"""The figures of a model on images it has not seen, as a table; measuring them can be stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.gui import style
from vae_explorer.gui.empty_state import EmptyState
from vae_explorer.gui.evaluation_settings import EvaluationSettingsRow, choice_box
from vae_explorer.gui.formula_delegate import FormulaDelegate
from vae_explorer.gui.gallery import Source
from vae_explorer.gui.notation import typeset_tip
from vae_explorer.gui.style import Theme

IMAGES = (200, 1000, 0)  # 0: all of the split
SAMPLES = (50, 500, 5000)  # of the importance-weighted bound
_ROW_HEIGHT, _LEAST_ROWS = 22, 2  # more would push the row above in a low window
_NUMBERS = (1, 2, 3, 5, 6)  # columns that are read digit under digit
_WIDE = (5, 6)  # columns that a narrow page leaves to the tooltip
_COLUMNS = 7
_NARROW_BELOW = 720  # pixels of width


@dataclass(frozen=True)
class FigureRow:
    """One figure as text: what it is, its value, and what must be known to hold it against another.

    Attributes:
        error: its standard error. bits: per dimension. kind: exact, bound or estimate.
        samples: latent samples an image. seconds: it took. note: anything else.
    """

    title: str
    value: str
    error: str
    bits: str
    kind: str
    samples: str
    seconds: str
    note: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What the table shows, in the order of its columns."""
        shown = (self.title, self.value, self.error, self.bits, self.kind, self.samples)
        return (*shown, self.seconds)

    @property
    def tip(self) -> str:
        """What is said of it besides, a line each."""
        samples = f"{self.samples} samples an image" if self.samples else ""
        seconds = f"{self.seconds} s" if self.seconds else ""
        return "\n".join(line for line in (self.note or self.title, samples, seconds) if line)


class EvaluationPage(QWidget):
    """`evaluation_requested` carries (data set, split, `EvaluationConfig`), `gradients_requested` the data set."""

    evaluation_requested = Signal(str, str, object)
    save_requested = Signal()
    gradients_requested = Signal(str)
    stop_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._running = False
        self._filled = [True] * _COLUMNS  # which have a cell with something in it
        self._focus_owner: QWidget | None = None
        self._images = self._choice(
            self.tr("How many images"),
            [
                (self.tr("all images") if n == 0 else self.tr("{0:,} images").format(n), n)
                for n in IMAGES
            ],
        )
        self._samples = self._choice(
            self.tr("Samples z an image, of the importance-weighted bound on log p(x)"),
            [(self.tr("{0:,} samples").format(n), n) for n in SAMPLES],
        )
        self._button = QPushButton(self.tr("Evaluate"), self)
        self._button.setToolTip(
            self.tr("Measure the ELBO and its parts, bounds on log p(x), and accuracy")
        )
        self._button.clicked.connect(self._on_button)
        self._button.setEnabled(False)  # until there is a model
        self._gradients = QPushButton(self.tr("Compare gradients"), self)
        tip = self.tr("Variance of ∇_ψ ELBO: the reparameterization beside the score function")
        self._gradients.setToolTip(typeset_tip(tip))
        self._gradients.setAccessibleDescription(tip)
        self._gradients.clicked.connect(self._on_gradients)
        self._more, self._save = self._make_tools(theme)
        self._settings = EvaluationSettingsRow(self)
        self._settings.hide()
        self._more.toggled.connect(self._settings.setVisible)
        self._progress = style.muted_label("", self)
        self._progress.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._progress.setWordWrap(True)
        self._progress.setMinimumHeight(
            self._progress.fontMetrics().height()
        )  # not of a guessed width
        self._progress.hide()
        self._bar = self._make_bar()
        self._table = self._make_table()
        self._hint = self._make_hint()
        head = QHBoxLayout()
        head.setSpacing(style.GAP)
        for widget in (self._images, self._samples, self._button, self._gradients):
            head.addWidget(widget)
        head.addStretch(1)
        head.addWidget(self._more)
        head.addWidget(self._save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, style.GAP, 0, 0)
        column.setSpacing(style.GAP)
        column.addLayout(head)
        column.addWidget(self._settings)
        column.addWidget(self._progress)
        column.addWidget(self._bar)
        column.addWidget(self._hint, 1)
        column.addWidget(self._table, 1)
        self._show_table()

    def request(self) -> None:
        """Ask for an evaluation with the choices made."""
        dataset, split = self._settings.dataset.currentData(), self._settings.split.currentData()
        self.evaluation_requested.emit(dataset or "", split or "", self.config())

    def choose_test_images(self) -> None:
        """Measure the test split from now on."""
        self._settings.choose_split("test")

    def config(self) -> EvaluationConfig:
        """What is set, but for the images."""
        images = self._images.currentData() or None
        return self._settings.config(self._samples.currentData(), images)

    def set_running(self, running: bool) -> None:
        """While it runs, the button stops it."""
        self._running = running
        self._show_table()
        self._button.setText(self.tr("Stop") if running else self.tr("Evaluate"))
        choices = (self._images, self._samples, self._settings, self._gradients)
        focused = QApplication.focusWidget()
        if running and any(focused in (box, *box.findChildren(QWidget)) for box in choices):
            self._focus_owner = focused  # Qt would hand it to a neighbour, which Space would press
            self.setFocus()
        for box in choices:
            box.setEnabled(not running)
        if not running and self._focus_owner is not None:
            if self.hasFocus():
                self._focus_owner.setFocus()
            self._focus_owner = None

    def set_model(self, given_class: str, estimated: bool, exact_offered: bool) -> None:
        """Speak of the model in hand, as `EvaluationSettingsRow.set_model` says."""
        for widget in (self._samples, self._gradients):
            widget.setVisible(estimated)
        self._settings.set_model(given_class, estimated, exact_offered)

    def set_sources(self, sources: Sequence[Source]) -> None:
        """The data sets that the model can be measured on: there is one."""
        self._button.setEnabled(True)
        self._settings.set_sources(sources)

    def set_saving_offered(self, offered: bool) -> None:
        """Whether there are figures that a file can keep."""
        self._save.setEnabled(offered)

    def set_progress(self, text: str, share: float | None = None) -> None:
        """What is measured now, or what the figures are of.

        share: of all the work, in [0, 1], that is done; None where nothing is measured.
        """
        self._progress.setText(text)
        self._progress.setVisible(bool(text))
        self._bar.setVisible(share is not None)
        self._bar.setValue(round(self._bar.maximum() * (share or 0.0)))

    def progress(self) -> str:
        """The line beside the button."""
        return self._progress.text()

    def set_rows(self, rows: Sequence[FigureRow]) -> None:
        """Show the figures; none clears the table. The first that joins others is brought into sight."""
        items = [self._table.item(line, 0) for line in range(self.rows())]
        before = {item.text() for item in items if item is not None}
        self._table.setRowCount(len(rows))
        for line, row in enumerate(rows):
            for column, text in enumerate(row.cells):
                item = QTableWidgetItem(text)
                item.setToolTip(typeset_tip(row.tip))
                item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, row.tip)
                if column in _NUMBERS:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self._table.setItem(line, column, item)
        self._filled = [not rows or any(row.cells[i] for row in rows) for i in range(_COLUMNS)]
        self._show_columns()
        self._show_table()
        joined = [line for line, row in enumerate(rows) if row.cells[0] not in before]
        if before and joined:
            QTimer.singleShot(0, self, lambda: self._bring_to_top(joined[0]))

    def _bring_to_top(self, line: int) -> None:
        self._table.doItemsLayout()  # else it scrolls as far as the rows before reached
        top = QTableWidget.ScrollHint.PositionAtTop
        self._table.scrollTo(self._table.model().index(line, 0), top)

    def rows(self) -> int:
        """How many figures are shown."""
        return self._table.rowCount()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        style.retint(self._more, theme)
        style.retint(self._save, theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_columns()

    def _show_columns(self) -> None:
        """All that have something in them, but for what a narrow page has no room for."""
        narrow = self.width() < _NARROW_BELOW
        for column, filled in enumerate(self._filled):
            self._table.setColumnHidden(column, not filled or (narrow and column in _WIDE))

    def _show_table(self) -> None:
        """The table where there is anything in it or will be soon, else what would be."""
        filled = self._running or self.rows() > 0
        self._table.setVisible(filled)
        self._hint.setVisible(not filled)

    def _on_gradients(self) -> None:
        self.gradients_requested.emit(self._settings.dataset.currentData() or "")

    def _on_button(self) -> None:
        if self._running:
            self.stop_requested.emit()
        else:
            self.request()

    def _make_tools(self, theme: Theme) -> tuple[QToolButton, QToolButton]:
        """The buttons that show the further settings, and that keep the figures in a file."""
        tip = self.tr(
            "Further settings: which images, M, seed, exact log p(x), samples from the prior"
        )
        more = style.tool_button("sliders", tip, theme, checkable=True, parent=self)
        tip = self.tr("Save the figures as JSON…")
        save = style.tool_button("save", tip, theme, parent=self)
        save.clicked.connect(self.save_requested)
        save.setEnabled(False)
        return more, save

    def _choice(self, title: str, items: Sequence[tuple[str, int]]) -> QComboBox:
        box = choice_box(self, items)
        box.setAccessibleName(title)
        box.setToolTip(title)
        return box

    def _make_bar(self) -> QProgressBar:
        bar = QProgressBar(self)
        bar.setRange(0, 100)  # percent, as its text says
        bar.setTextVisible(False)
        bar.setFixedHeight(style.GRID)
        bar.setStyleSheet(style.PROGRESS_BAR)
        bar.setAccessibleName(self.tr("Progress of the evaluation"))
        bar.hide()
        return bar

    def _make_hint(self) -> EmptyState:
        return EmptyState(
            self.tr("How good is this model?"),
            (
                self.tr("“Evaluate” measures, on test images, the ELBO and its parts,"),
                self.tr("closer bounds on log p(x), active units, and accuracy."),
            ),
            self,
        )

    def _make_table(self) -> QTableWidget:
        titles = (
            self.tr("Figure"),
            self.tr("Value"),
            self.tr("± s.e."),
            self.tr("Bits/dim"),
            self.tr("Kind"),
            self.tr("Samples"),
            self.tr("Seconds"),
        )
        table = QTableWidget(0, len(titles), self)
        middle, flag = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag
        for column in range(len(titles)):  # a title stands over what it is the title of
            side = flag.AlignRight if column in _NUMBERS else flag.AlignLeft
            item = QTableWidgetItem(titles[column])
            item.setTextAlignment(side | middle)
            table.setHorizontalHeaderItem(column, item)
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setStyleSheet(
            "QTableWidget { background: palette(base); border: none; }"
            "QTableWidget::item { padding: 0 3px; }"  # and 3 of the table's own: as the titles have
            "QHeaderView::section { background: palette(base); border: none; padding: 2px 6px;"
            " border-bottom: 1px solid palette(mid); color: palette(link-visited); }"
        )
        table.setItemDelegateForColumn(0, FormulaDelegate(table))
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)  # Tab leads on, the arrow keys from cell to cell
        table.horizontalHeader().setHighlightSections(False)
        table.setAccessibleName(self.tr("Figures of the model"))
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        table.setMinimumHeight(
            table.horizontalHeader().sizeHint().height() + _LEAST_ROWS * _ROW_HEIGHT
        )
        return table
