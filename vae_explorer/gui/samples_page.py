"""A page of random samples: of the model, or of one class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.pixels import image_to_qimage, paint_image
from vae_explorer.gui.style import Theme

COUNT = 160  # drawn at once; the page shows as many as fill it
_LEAST = 60  # that are shown, and the smaller for it
_EVERY_CLASS = -1
_GAP = 3


class SamplesPage(QWidget):
    """`samples_requested` carries (class or −1 for y drawn from π, `mean` or `sample`)."""

    samples_requested = Signal(int, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._class = QComboBox(self)
        self._class.setAccessibleName(self.tr("Class of the samples"))
        self._class.activated.connect(self.request)
        self._mode = QComboBox(self)
        self._mode.setAccessibleName(self.tr("What is drawn"))
        self._mode.addItem("", "mean")
        self._mode.addItem("", "sample")
        self._mode.activated.connect(self.request)
        self._again = QPushButton(self.tr("New samples"), self)
        self._again.setToolTip(self.tr("Draw new codes from the prior N(0, I)"))
        self._again.clicked.connect(self.request)
        self._sheet = _Sheet(theme, self)
        head = QHBoxLayout()
        head.setSpacing(style.GAP)
        for widget in (self._class, self._mode, self._again):
            head.addWidget(widget)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, style.GAP, 0, 0)
        column.setSpacing(style.GAP)
        column.addLayout(head)
        column.addWidget(self._sheet, 1)
        self.set_classes(())

    def set_classes(self, names: Sequence[str]) -> None:
        """The classes to choose from; none for a model of p(x)."""
        self._class.clear()
        self._class.addItem(self.tr("Any class, y ~ π"), _EVERY_CLASS)
        for index, name in enumerate(names):
            self._class.addItem(self.tr("Class {0}").format(name), index)
        self._class.setVisible(bool(names))
        likelihood = "p(x|z, y)" if names else "p(x|z)"
        self._mode.setItemText(0, self.tr("Mean of {0}").format(likelihood))
        self._mode.setItemText(1, self.tr("Draw from {0}").format(likelihood))

    def choose_class(self, index: int) -> None:
        """Ask for samples of one class; −1 for any."""
        self._class.setCurrentIndex(max(0, self._class.findData(index)))
        self.request()

    def request(self) -> None:
        """Ask for new samples."""
        label = self._class.currentData()
        chosen = _EVERY_CLASS if label is None else int(label)
        self.samples_requested.emit(chosen, str(self._mode.currentData()))

    def set_images(self, images: NDArray[np.generic] | None) -> None:
        """Show (n, H, W) or (n, H, W, 3), uint8 or float in [0, 1]; None for nothing."""
        self._sheet.set_images(images)

    def images(self) -> NDArray[np.generic] | None:
        """What is shown, row by row."""
        images = self._sheet.images
        return None if images is None else images[: self._sheet.places]

    def columns(self) -> int:
        """How many images stand in a row."""
        return self._sheet.grid[0]

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._sheet.set_theme(theme)


class _Sheet(QWidget):
    """Images in a grid, as large as fits."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.images: NDArray[np.generic] | None = None
        self._pictures: list[QImage] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Random samples"))

    def set_images(self, images: NDArray[np.generic] | None) -> None:
        self.images = images
        self._make()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._make()

    @property
    def grid(self) -> tuple[int, int, int]:
        """Columns, rows, and the side of an image."""
        count = 0 if self.images is None else len(self.images)
        return filling_grid(min(_LEAST, count), count, self.width(), self.height(), _GAP)

    @property
    def places(self) -> int:
        """How many images are shown."""
        columns, rows, _ = self.grid
        return columns * rows

    def _make(self) -> None:
        images = [] if self.images is None else list(self.images)
        self._pictures = [image_to_qimage(image, self._theme) for image in images]
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._pictures:
            painter.setPen(self._theme.muted)
            text = self.tr("Press “New samples” to draw codes from the prior.")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
        else:
            columns, rows, side = self.grid
            # the few pixels that are left over go between the columns
            pitch = min((self.width() - side) / max(1, columns - 1), side + 4.0 * _GAP)
            for index, picture in enumerate(self._pictures[: columns * rows]):
                row, column = divmod(index, columns)
                place = QRectF(round(column * pitch), row * (side + _GAP), side, side)
                paint_image(painter, place, picture)
        painter.end()


def filling_grid(least: int, most: int, width: int, height: int, gap: int) -> tuple[int, int, int]:
    """Columns, rows and side of the largest squares of which a rectangle holds at least so many.

    The rectangle is filled: as many columns and rows as fit, up to `most` squares in all.
    """
    best, least = (1, 1, 1), max(1, least)
    for rows in range(1, least + 1):
        side = min((height + gap) // rows - gap, (width + gap) // -(-least // rows) - gap)
        if side > best[2]:
            columns = min((width + gap) // (side + gap), max(1, most // rows))
            best = (columns, rows, side)
    return best
