"""The time machine: a slider over the snapshots of a training, which can be played as a film."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.style import Theme

FRAME_MS = 140


class SnapshotSlider(QWidget):
    """One tick a snapshot, the last being now. It follows the newest until it is moved back."""

    snapshot_selected = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._follows = True
        self._play = style.tool_button(
            "play", self.tr("Play the training from here"), theme, checkable=True, parent=self
        )
        self._play.toggled.connect(self._set_playing)
        self._slider = QSlider(self)
        self._slider.setOrientation(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName(self.tr("Moment of the training"))
        self._slider.setPageStep(1)
        self._slider.valueChanged.connect(self._moved)
        self._label = style.muted_label("", self)
        self._now = QPushButton(self)
        self._now.clicked.connect(self.show_newest)
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._advance)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(style.GAP)
        row.addWidget(self._play)
        row.addWidget(self._slider, 1)
        row.addWidget(self._label)
        row.addWidget(self._now)
        self._theme = theme
        self.set_snapshots([])

    @property
    def index(self) -> int:
        """The snapshot that is shown, −1 where there is none."""
        return self._slider.value() if self._labels else -1

    @property
    def follows(self) -> bool:
        """Whether the newest snapshot is shown as soon as it comes."""
        return self._follows

    def set_snapshots(self, labels: Sequence[str], *, ended: bool = False) -> None:
        """Say which moments there are, in order; the best is last of those that `ended`.

        Where the newest is followed, it is selected without a signal: it is what is shown already.
        """
        self._now.setText(self.tr("Best") if ended else self.tr("Now"))
        best = self.tr("Back to the best weights, which the training ended with")
        newest = self.tr("Back to the newest weights, and follow the training")
        self._now.setToolTip(best if ended else newest)
        self._labels = tuple(labels)
        several = len(labels) > 1
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, len(labels) - 1))
        if self._follows:
            self._slider.setValue(self._slider.maximum())
        self._slider.blockSignals(False)
        for widget in (self._play, self._slider, self._now):
            widget.setEnabled(several)
        metrics = QFontMetricsF(self._label.font())
        widest = max((metrics.horizontalAdvance(text) for text in labels), default=0)
        self._label.setMinimumWidth(max(self._label.minimumWidth(), round(widest) + 4))
        self._show()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        style.retint(self._play, theme)

    def show_newest(self) -> None:
        """Go to the newest snapshot and follow it from now on."""
        self._play.setChecked(False)
        self._follows = True
        self._slider.setValue(self._slider.maximum())
        self._show()

    def _set_playing(self, playing: bool) -> None:
        """Play forward, from the start where the end is shown; or stop."""
        self._play.setProperty("icon_name", "pause" if playing else "play")
        style.retint(self._play, self._theme)
        text = self.tr("Pause") if playing else self.tr("Play the training from here")
        self._play.setToolTip(text)
        self._play.setAccessibleName(text)
        if not playing:
            self._timer.stop()
            return
        if self._slider.value() == self._slider.maximum():
            self._slider.setValue(0)
        self._timer.start()

    def _advance(self) -> None:
        if self._slider.value() >= self._slider.maximum():
            self._play.setChecked(False)
        else:
            self._slider.setValue(self._slider.value() + 1)

    def _moved(self, index: int) -> None:
        self._follows = index == self._slider.maximum() and not self._timer.isActive()
        self._show()
        self.snapshot_selected.emit(index)

    def _show(self) -> None:
        empty = self.tr("No training yet")
        self._label.setText(self._labels[self._slider.value()] if self._labels else empty)
        self._now.setEnabled(len(self._labels) > 1 and not self._follows)
