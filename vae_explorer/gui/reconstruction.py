"""What a model without classes answers a drawing with: the drawing given back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.pixels import fitted, image_to_qimage, paint_image
from vae_explorer.gui.style import Theme

_LABEL = 20  # pixels of height


class Reconstruction(QWidget):
    """The mean of p(x|z) at a drawing's code, as large as there is room, and its name below."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._image: NDArray[np.generic] | None = None
        self._picture: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Reconstruction of the drawing"))
        self.setToolTip(self.tr("The mean of p(x|z), with z the mean of q(z|x) for your drawing"))

    def set_image(self, image: NDArray[np.generic] | None) -> None:
        """Show (H, W) or (H, W, 3), uint8 or float in [0, 1]; None for nothing."""
        self._image = image
        self._picture = None if image is None else image_to_qimage(image, self._theme)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self.set_image(self._image)

    def sizeHint(self) -> QSize:
        return QSize(260, 240)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 120 + _LABEL)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._picture is None:
            painter.setPen(self._theme.muted)
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            text = self.tr("Draw to see what the model gives back")
            painter.drawText(QRectF(self.rect()).adjusted(16, 0, -16, 0), flags, text)
        else:
            self._paint_picture(painter, self._picture)
        painter.end()

    def _paint_picture(self, painter: QPainter, picture: QImage) -> None:
        room = QRectF(self.rect()).adjusted(1, 1, -1, -1 - _LABEL)
        place = fitted(room, picture.width(), picture.height())
        frame = place.adjusted(-1, -1, 1, 1)
        painter.fillRect(frame, self._theme.border)
        paint_image(painter, place, picture)
        painter.setPen(self._theme.muted)
        painter.setFont(style.small_font())
        label = QRectF(0, frame.bottom(), self.width(), _LABEL)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
        painter.drawText(label, flags, self.tr("reconstruction E[x|z]"))
