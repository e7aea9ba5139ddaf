"""The training panel: what to train, the buttons that drive it, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.engine.errors import ConfigError
from vae_explorer.gui import style
from vae_explorer.gui.status_line import StatusLine
from vae_explorer.gui.style import Theme
from vae_explorer.gui.training_form import TrainingForm

PanelState = Literal["unready", "idle", "loading", "training", "paused", "stopping"]


NARROW = 1200  # pixels of width, below which the status has all that is free beside it
REFUSAL_MS = 10_000  # for which a value that was put back by itself is spoken of


class TrainingPanel(QWidget):
    """Settings above, buttons and progress below.

    `start_requested` carries (ModelConfig, data set name, TrainingConfig).
    """

    start_requested = Signal(object, str, object)
    pause_requested = Signal()
    resume_requested = Signal()
    step_requested = Signal()
    epoch_requested = Signal()
    stop_requested = Signal()
    go_on_requested = Signal()
    live_changed = Signal(str, float)
    folder_requested = Signal()
    refused = Signal(str)
    settings_unfolded = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: PanelState = "unready"
        self._focus_owner: QAbstractButton | None = None
        self._can_go_on = False
        self._was_unfolded = False  # before a training began
        self.form = TrainingForm(self)
        self.form.live_changed.connect(self.live_changed)
        self.form.folder_requested.connect(self.folder_requested)
        self._scroll = _WholeRows(self.form, self)
        self._note, self._is_bad_news = "", False
        self._explanation = self._refusal = ""
        self.form.explained.connect(self._explain)
        self.form.refused.connect(self._show_refusal)
        self._forgetting = QTimer(self)
        self._forgetting.setInterval(REFUSAL_MS)  # by keyword, it is not found in Turkish
        self._forgetting.setSingleShot(True)
        self._forgetting.timeout.connect(lambda: self._show_refusal(""))
        self._title = style.section_title("", self)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(style.GRID)
        self._bar.setStyleSheet(style.PROGRESS_BAR)
        self._bar.setAccessibleName(self.tr("Training progress"))
        self._progress = StatusLine(self._bar, self)
        self._build_buttons(theme)
        self._arrange()
        self.set_state("unready")

    # -- what the controller says ------------------------------------------------------------

    def set_state(self, state: PanelState) -> None:
        """Which buttons make sense."""
        self._state = state
        running = state in ("loading", "training", "paused", "stopping")
        focused = self.form.focusWidget()
        had_focus = focused is not None and focused.hasFocus()
        if running and not self.form.is_running:
            self._was_unfolded = self.details_button.isChecked()
            self.details_button.setChecked(False)  # the curves are wanted now
        elif not running and self._is_bad_news and self._was_unfolded:
            self._was_unfolded = False
            self.details_button.setChecked(True)  # what failed is mended there
        self.form.set_running(running)
        if had_focus and not focused.hasFocus():
            self.setFocus()  # else a field that is hidden now hands it to a button, for Space to press
        texts = {
            "training": self.tr("Pause"),
            "paused": self.tr("Resume"),
            "loading": self.tr("Loading data…"),
            "stopping": self.tr("Stopping…"),
        }
        self.start_button.setText(texts.get(state, self.tr("Start training")))
        self._title.setText(self.tr("Training") if running else self.tr("Train a new model"))
        can_go = state in ("idle", "training", "paused")
        self._enable(
            {
                self.start_button: can_go,
                self.step_button: can_go,
                self.epoch_button: can_go,
                self.stop_button: state in ("loading", "training", "paused"),
            }
        )
        self._show_go_on()

    def set_can_go_on(self, can: bool) -> None:
        """Offer to continue a training that was stopped, as long as nothing else runs."""
        self._can_go_on = can
        self._show_go_on()

    def _show_go_on(self) -> None:
        can = self._can_go_on and self._state == "idle"
        self.go_on_button.setVisible(can)
        if self.start_button.property("primary") == can:  # one button is the likelier
            self.start_button.setProperty("primary", not can)
            self.start_button.style().unpolish(self.start_button)
            self.start_button.style().polish(self.start_button)

    def _enable(self, enabled: Mapping[QAbstractButton, bool]) -> None:
        """Enable and disable buttons; one with the focus has it back when it can be pressed again.

        Left alone, Qt hands the focus of a disabled button to the next that is not, the one that
        stops: Space, which should pause what it has started, would end it.
        """
        for button, on in enabled.items():
            if not on and button.hasFocus():
                self._focus_owner = button
                self.setFocus()
            button.setEnabled(on)
        owner = self._focus_owner
        if owner is not None and owner.isEnabled():
            self._focus_owner = None
            if self.hasFocus():
                owner.setFocus()

    def state(self) -> PanelState:
        """The state set last."""
        return self._state

    def set_progress(
        self, epoch: float, epochs: int, seconds_left: float | None, text: str = ""
    ) -> None:
        """How far the training is; `epoch` counts parts of an epoch."""
        self._bar.setRange(0, 1000)
        self._bar.setValue(round(1000 * min(1.0, epoch / max(1, epochs))))
        if self._state == "paused":
            self.set_note(self.tr("Paused at epoch {0:.2f} of {1}").format(epoch, epochs))
            return
        parts = [self.tr("Epoch {0:.1f} of {1}").format(epoch, epochs)]
        if text:
            parts.append(text)
        if seconds_left is not None:
            parts.append(self.tr("{0} left").format(format_duration(seconds_left)))
        self.set_note("  ·  ".join(parts))

    def clear_progress(self) -> None:
        """Nothing is done yet."""
        self._bar.setRange(0, 1000)
        self._bar.setValue(0)

    def set_download(self, done: int, total: int | None) -> None:
        """How much of a data set has come; an unknown total shows a busy bar."""
        if total:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(1000 * done / total))
            text = self.tr("Downloading: {0:.1f} of {1:.1f} MB").format(done / 1e6, total / 1e6)
        else:
            self._bar.setRange(0, 0)
            text = self.tr("Downloading: {0:.1f} MB").format(done / 1e6)
            if not done:
                text = self.tr("Waiting for the server to answer…")
        self.set_note(text)

    def set_reading(self, done: int, total: int) -> None:
        """How many pictures of a folder have been read."""
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self.set_note(self.tr("Reading: {0:,} of {1:,} pictures").format(done, total))

    def set_note(self, text: str, *, failed: bool = False) -> None:
        """A line in place of the progress: how a training ended, or failed, or what is being loaded."""
        self._note, self._is_bad_news = text, failed
        self._show_line()

    def note(self) -> str:
        """The line above the bar; while the cursor is on a setting, its explanation is shown."""
        return self._note

    def status(self) -> str:
        """What the line says now: an explanation, what is refused, or the note."""
        return self._explanation or self._refusal or self._note

    def status_is_bad(self) -> bool:
        """Whether that is something refused, or a failure."""
        said = self.status()
        refuses = bool(self._refusal) and said == self._refusal
        return refuses or (self._is_bad_news and said == self._note)

    def _explain(self, text: str) -> None:
        self._explanation = text
        self._show_line()

    def _show_refusal(self, text: str) -> None:
        """Why a setting is none, until it is one; what is put back by itself is soon forgotten."""
        self._refusal = text
        self._forgetting.stop()
        if text:
            self._explanation = ""
            if self.form.is_running:
                self._forgetting.start()
        self._show_line()

    def _show_line(self) -> None:
        # how far a training is grows longer and shorter: the bar would come and go
        still = bool(self._explanation or self._refusal) or not self.form.is_running
        self._progress.show_text(self.status(), bad=self.status_is_bad(), may_cover=still)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icons in the theme's colours."""
        for button in (self.details_button, self.step_button, self.epoch_button, self.stop_button):
            style.retint(button, theme)

    # -- what the user does --------------------------------------------------------------------

    def activate(self) -> None:
        """Start, pause or resume: what the main button says."""
        if self._state == "training":
            self.pause_requested.emit()
        elif self._state == "paused":
            self.resume_requested.emit()
        elif self._state == "idle":
            self._start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_head()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.details_button.isChecked():
            self.details_button.setChecked(False)
        else:
            super().keyPressEvent(event)

    def _start(self) -> bool:
        name = self.form.first_problem()
        if name is not None:
            if not self.form.is_shown(name):
                self.details_button.setChecked(True)
            self.form.go_to(name)
            self._show_refusal(self._refusal)  # before what the field itself explains
            return False
        try:
            model, training = self.form.model_config(), self.form.training_config()
        except ConfigError as error:
            self._show_refusal(str(error))
            self.refused.emit(str(error))
            return False
        self.start_requested.emit(model, self.form.dataset_name(), training)
        return True

    def _step(self) -> None:
        if self._state != "idle" or self._start():
            self.step_requested.emit()

    def _epoch(self) -> None:
        if self._state != "idle" or self._start():
            self.epoch_requested.emit()

    # -- building ----------------------------------------------------------------------------

    def _build_buttons(self, theme: Theme) -> None:
        self.start_button = QPushButton(self)
        self.start_button.setProperty("primary", True)
        self.start_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # no ring after a click
        self.start_button.setToolTip(
            style.with_shortcut(self.tr("Start, pause or resume"), "Space")
        )
        self.start_button.clicked.connect(self.activate)
        self.go_on_button = QPushButton(self.tr("Continue"), self)
        self.go_on_button.setProperty("primary", True)
        self.go_on_button.setToolTip(
            self.tr("Continue the stopped training, as if it had never stopped")
        )
        self.go_on_button.clicked.connect(self.go_on_requested)
        self.step_button = style.tool_button(
            "step", self.tr("One step"), theme, shortcut="Ctrl+Right"
        )
        self.step_button.clicked.connect(self._step)
        self.epoch_button = style.tool_button(
            "epoch", self.tr("One epoch"), theme, shortcut="Ctrl+Shift+Right"
        )
        self.epoch_button.clicked.connect(self._epoch)
        self.stop_button = style.tool_button("stop", self.tr("Stop"), theme, shortcut="Ctrl+.")
        self.stop_button.clicked.connect(self.stop_requested)
        self.details_button: QToolButton = style.tool_button(
            "sliders", self.tr("All settings"), theme, checkable=True
        )
        self.details_button.setText(self.tr("All settings"))
        self.details_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.details_button.toggled.connect(self._unfold)
        self.details_button.clicked.connect(self.setFocus)  # so that Escape folds them

    def _arrange(self) -> None:
        self._head = QHBoxLayout()
        self._head.setSpacing(style.MARGIN)
        self._head.addWidget(self._title)
        self._head.addStretch(1)
        self._head.addWidget(self.details_button)
        buttons = QHBoxLayout()
        buttons.setSpacing(style.HALF)
        buttons.addWidget(self.go_on_button, 1)
        buttons.addWidget(self.start_button, 1)
        for button in (self.step_button, self.epoch_button, self.stop_button):
            buttons.addWidget(button)
        self._foot = QWidget(self)
        self._foot_row = QBoxLayout(QBoxLayout.Direction.TopToBottom, self._foot)
        self._foot_row.setContentsMargins(0, 0, 0, 0)
        self._foot_row.setSpacing(style.GAP)
        self._foot_row.addWidget(self._progress, 1)
        self._foot_row.addWidget(self.form.start_from)
        self.form.start_from.hide()
        self._foot_row.addLayout(buttons)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(style.MARGIN, style.GAP, style.MARGIN, style.MARGIN)
        self._column.setSpacing(style.HALF)
        self._column.addLayout(self._head)
        self._column.addWidget(self._scroll, 1)
        self._column.addWidget(self._foot)

    def _unfold(self, unfolded: bool) -> None:
        """Show all settings, with what stands below the few in the line above them, or only the few."""
        said = self.tr("Fewer settings") if unfolded else self.tr("All settings")
        self.details_button.setText(said)
        self.details_button.setToolTip(said)
        self.details_button.setAccessibleName(said)
        direction = QBoxLayout.Direction
        self._foot_row.setDirection(direction.LeftToRight if unfolded else direction.TopToBottom)
        self.form.start_from.setVisible(unfolded)
        margin = style.HALF if unfolded else style.MARGIN
        self._column.setContentsMargins(style.MARGIN, style.GAP, style.MARGIN, margin)
        if unfolded:
            self._head.insertWidget(1, self._foot, 4)
        else:
            self._column.addWidget(self._foot)
        self._share_head()
        self._column.activate()
        self.settings_unfolded.emit(unfolded)
        self.form.set_details_shown(unfolded)

    def _share_head(self) -> None:
        """Leave room empty before the last button, where the status has enough."""
        leaves = not self.details_button.isChecked() or self.width() >= NARROW
        self._head.setStretch(self._head.count() - 2, int(leaves))


def format_duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


class _WholeRows(QScrollArea):
    """Shows a form, of which no row is cut through however low it is."""

    def __init__(self, form: TrainingForm, parent: QWidget) -> None:
        super().__init__(parent)
        self._form, self._last = form, 0
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(form)
        self.viewport().setAutoFillBackground(False)
        form.setAutoFillBackground(False)
        form.arranged.connect(self._fit)
        self.verticalScrollBar().valueChanged.connect(self._scroll_whole_rows)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._form.grid.set_room(self.width(), self.height())
        self._fit()

    def _fit(self) -> None:
        """Leave what is lower than a row empty."""
        grid = self._form.grid
        gap = grid.verticalSpacing()
        fitting = max(1, (self.height() + gap) // grid.pitch)
        rest = self.height() + gap - fitting * grid.pitch if grid.lines > fitting else 0
        self.setViewportMargins(0, 0, 0, max(0, rest))
        self.verticalScrollBar().setSingleStep(grid.pitch)

    def _scroll_whole_rows(self, value: int) -> None:
        pitch = self._form.grid.pitch
        rows = -(-value // pitch) if value > self._last else value // pitch
        self._last = rows * pitch
        self.verticalScrollBar().setValue(self._last)
