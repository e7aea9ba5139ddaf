"""The training panel: what to train, the buttons that drive it, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.engine.errors import ConfigError
from vae_explorer.gui import style
from vae_explorer.gui.style import Theme
from vae_explorer.gui.training_form import TrainingForm

PanelState = Literal["unready", "idle", "loading", "training", "paused", "stopping"]


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

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: PanelState = "unready"
        self._focus_owner: QAbstractButton | None = None
        self._can_go_on = False
        self.form = TrainingForm(self)
        self.form.live_changed.connect(self.live_changed)
        self.form.folder_requested.connect(self.folder_requested)
        self._scroll = self._build_scroll()
        self._note = ""
        self._explanation = ""
        self.form.explained.connect(self._explain)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(style.GRID)
        self._bar.setStyleSheet(
            "QProgressBar { background: palette(button); border: none; border-radius: 4px; }"
            "QProgressBar::chunk { background: palette(highlight); border-radius: 4px; }"
        )
        self._bar.setAccessibleName(self.tr("Training progress"))
        self._progress = _OneLine(self)
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
        self.go_on_button.setVisible(self._can_go_on and self._state == "idle")

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

    def set_note(self, text: str) -> None:
        """A line in place of the progress: how a training ended, what is being loaded."""
        self._note = text
        self._progress.show_text(self._explanation or text)

    def note(self) -> str:
        """The line above the bar; while the cursor is on a setting, its explanation is shown."""
        return self._note

    def _explain(self, text: str) -> None:
        self._explanation = text
        self._progress.show_text(text or self._note)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icons in the theme's colours."""
        for button in (self.details_button, self.step_button, self.epoch_button, self.stop_button):
            style.retint(button, theme)

    def missing_height(self) -> int:
        """How much higher it would have to be to show all its settings at once, in pixels."""
        return max(0, self.form.sizeHint().height() - self._scroll.viewport().height())

    # -- what the user does --------------------------------------------------------------------

    def activate(self) -> None:
        """Start, pause or resume: what the main button says."""
        if self._state == "training":
            self.pause_requested.emit()
        elif self._state == "paused":
            self.resume_requested.emit()
        elif self._state == "idle":
            self._start()

    def _start(self) -> bool:
        try:
            model, training = self.form.model_config(), self.form.training_config()
        except ConfigError as error:
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

    def _build_scroll(self) -> QScrollArea:
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.form)
        scroll.viewport().setAutoFillBackground(False)
        self.form.setAutoFillBackground(False)
        return scroll

    def _build_buttons(self, theme: Theme) -> None:
        self.start_button = QPushButton(self)
        self.start_button.setProperty("primary", True)
        self.start_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # no ring after a click
        self.start_button.setToolTip(
            style.with_shortcut(self.tr("Start, pause or resume"), "Space")
        )
        self.start_button.clicked.connect(self.activate)
        self.go_on_button = QPushButton(self.tr("Continue"), self)
        self.go_on_button.setToolTip(self.tr("Go on with the stopped training, as if it never had"))
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
        self.details_button.toggled.connect(self.form.set_details_shown)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(style.section_title(self.tr("Training"), self), 1)
        head.addWidget(self.details_button)
        buttons = QHBoxLayout()
        buttons.setSpacing(style.HALF)
        buttons.addWidget(self.go_on_button, 1)
        buttons.addWidget(self.start_button, 1)
        for button in (self.step_button, self.epoch_button, self.stop_button):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(style.MARGIN, style.GAP, style.MARGIN, style.MARGIN)
        column.setSpacing(style.HALF)
        column.addLayout(head)
        column.addWidget(self._scroll, 1)
        column.addWidget(self._progress)
        column.addWidget(self._bar)
        column.addSpacing(style.HALF)
        column.addLayout(buttons)


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


class _OneLine(QLabel):
    """A muted line that ends in an ellipsis where it is too long; its tooltip then has all of it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setProperty("muted", True)
        self.setFont(style.number_font(style.FONT_SMALL))
        self.setFixedHeight(self.fontMetrics().lineSpacing() + 2)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_text(self, text: str) -> None:
        self._whole = text
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        mode = Qt.TextElideMode.ElideRight
        shown = self.fontMetrics().elidedText(self._whole, mode, self.width())
        self.setText(shown)
        self.setToolTip("" if shown == self._whole else self._whole)
