"""Parts of the drawing pad: the sheet that is drawn on, and the picture of what the model sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QUrl,
    Signal,
)
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vae_explorer.engine.drawing import BOX_SHARE, ink_from_photograph
from vae_explorer.engine.errors import InputError
from vae_explorer.gui import style
from vae_explorer.gui.ink import InkSheet
from vae_explorer.gui.pixels import fitted, image_to_qimage, paint_image
from vae_explorer.gui.strokes import Drawing, Stroke
from vae_explorer.gui.style import Theme

MAX_PICTURE_SIDE = 1024
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff")


class DrawingSheet(QWidget):
    """The square sheet itself: shows the ink in the theme's colours and reports the pen."""

    stroke_began = Signal(float, float)
    stroke_extended = Signal(float, float)
    stroke_ended = Signal()
    mime_dropped = Signal(object)
    clear_pressed = Signal()

    def __init__(self, drawing: Drawing, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._drawing = drawing
        self._theme = theme
        self._sheet = InkSheet(1, theme.text)
        self._brush = 0.1
        self._erasing = False
        self._mouse: QPointF | None = None
        self._pen_is_down = False
        self._drop_is_near = False
        self._shows_focus = False
        self._invitation = self.tr("Draw a digit")
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Sheet to draw on"))
        self.setAccessibleDescription(self.tr("Draw with the mouse; Delete clears the sheet."))
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def sizeHint(self) -> QSize:
        return QSize(280, 280)

    def set_invitation(self, text: str) -> None:
        """What an empty sheet says."""
        self._invitation = text
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._sheet = InkSheet(1, theme.text)
        self.repaint_all()

    def set_brush(self, width: float) -> None:
        self._brush = width

    def set_erasing(self, on: bool) -> None:
        self._erasing = on
        self.update()

    def begin(self, stroke: Stroke) -> None:
        self._fit_sheet()
        was_hinting = len(self._drawing.visible) == 1
        changed = self._sheet.begin(stroke)
        self.update() if was_hinting else self._update(changed)

    def extend(self, stroke: Stroke) -> None:
        self._update(self._sheet.extend(stroke))

    def repaint_all(self) -> None:
        self._fit_sheet()
        self._sheet.repaint(self._drawing.visible)
        self.update()

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:
        self._fit_sheet()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self._square()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QPainterPath()
        outline.addRoundedRect(frame, style.RADIUS, style.RADIUS)
        painter.fillPath(outline, self._theme.canvas)
        if self._drawing.is_clear and not self._pen_is_down:
            self._paint_hint(painter, frame)
        painter.save()
        painter.setClipPath(outline)
        painter.drawImage(QRectF(self._square()), self._sheet.image)
        painter.restore()
        lit = self._shows_focus or self._drop_is_near
        painter.setPen(QPen(self._theme.accent if lit else self._theme.border, 1))
        painter.drawPath(outline)
        painter.setPen(QPen(self._theme.muted, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(self._eraser_rect())
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pen_is_down = True
            self.stroke_began.emit(*self._to_unit(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._eraser_at(event.position())
        if self._pen_is_down:
            self.stroke_extended.emit(*self._to_unit(event))

    def leaveEvent(self, event: QEvent) -> None:
        self._eraser_at(None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._pen_is_down:
            self._pen_is_down = False
            self.stroke_ended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.clear_pressed.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = style.came_by_keyboard(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = False
        self.update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        mime = event.mimeData()
        if mime.hasImage() or any(_is_picture(url) for url in mime.urls()):
            event.acceptProposedAction()
            self._set_drop_near(True)

    def dragLeaveEvent(self, event: object) -> None:
        self._set_drop_near(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_drop_near(False)
        event.acceptProposedAction()
        self.mime_dropped.emit(event.mimeData())

    # Painting

    def _set_drop_near(self, near: bool) -> None:
        self._drop_is_near = near
        self.update()

    def _paint_hint(self, painter: QPainter, frame: QRectF) -> None:
        middle = Qt.AlignmentFlag.AlignHCenter
        upper = QRectF(frame.left(), frame.top(), frame.width(), frame.height() / 2 + 2)
        lower = QRectF(frame.left(), frame.center().y() + 4, frame.width(), frame.height() / 2)
        painter.setPen(self._theme.muted)
        painter.setFont(style.title_font())
        painter.drawText(upper, middle | Qt.AlignmentFlag.AlignBottom, self._invitation)
        painter.setFont(style.small_font())
        text = self.tr("or drop a picture here")
        flags = int(middle | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(lower.adjusted(6, 0, -6, 0), flags, text)

    def _square(self) -> QRect:
        side = min(self.width(), self.height())
        return QRect((self.width() - side) // 2, (self.height() - side) // 2, side, side)

    def _fit_sheet(self) -> None:
        """Have the sheet at the screen's own resolution; after a resize all is painted anew."""
        ratio = self.devicePixelRatioF()
        side = max(1, round(self._square().width() * ratio))
        if self._sheet.side != side:
            self._sheet = InkSheet(side, self._theme.text)
            self._sheet.repaint(self._drawing.visible)

    def _update(self, changed: QRect) -> None:
        ratio = self._sheet.side / max(1, self._square().width())
        area = QRectF(
            changed.x() / ratio,
            changed.y() / ratio,
            changed.width() / ratio,
            changed.height() / ratio,
        )
        self.update(area.toAlignedRect().translated(self._square().topLeft()))

    def _to_unit(self, event: QMouseEvent) -> tuple[float, float]:
        square = self._square()
        place = event.position()
        side = max(1, square.width())
        return (place.x() - square.x()) / side, (place.y() - square.y()) / side

    def _eraser_at(self, place: QPointF | None) -> None:
        """Have the eraser's outline follow the mouse.

        As a cursor it would not have the eraser's size on every screen: systems differ in how they scale one.
        """
        for area in (self._eraser_rect(), self._eraser_rect(place)):
            self.update(area.adjusted(-2, -2, 2, 2).toAlignedRect())
        self._mouse = place

    def _eraser_rect(self, place: QPointF | None = None) -> QRectF:
        """Around what it would erase, in widget pixels; empty where the mouse is elsewhere."""
        place = place or self._mouse
        if place is None or not self._erasing:
            return QRectF()
        side = self._brush * self._square().width()
        return QRectF(place.x() - side / 2, place.y() - side / 2, side, side)


class ModelView(QWidget):
    """The small picture of what the model sees."""

    SIDE = 64

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._image: NDArray[np.generic] | None = None
        self._picture: QImage | None = None
        self.setFixedSize(self.SIDE, self.SIDE)
        self.setAccessibleName(self.tr("What the model sees"))
        self.set_shape(28, 28)

    def set_shape(self, height: int, width: int) -> None:
        """The pixels of the model's images."""
        text = self.tr(
            "What the model sees: the drawing cropped, scaled to a box of {0} × {1} pixels,\n"
            "and placed with its centre of mass in the middle of {2} × {3}"
        )
        box = (round(side * BOX_SHARE) for side in (height, width))
        self.setToolTip(text.format(*box, height, width))

    def set_image(self, image: NDArray[np.generic] | None) -> None:
        self._image = image
        self._picture = None if image is None else image_to_qimage(image, self._theme)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.set_image(self._image)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        inside = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.fillRect(self.rect(), self._theme.border)  # a pen would lose edges at 175 %
        painter.fillRect(inside, self._theme.panel)
        if self._picture is not None:
            target = fitted(inside, self._picture.width(), self._picture.height())
            paint_image(painter, target, self._picture)
        painter.end()


def _is_picture(url: QUrl) -> bool:
    return url.isLocalFile() and Path(url.toLocalFile()).suffix.lower() in PICTURES


def ink_of(picture: Path | QImage) -> NDArray[np.uint8]:
    """What is written on a picture, or on that of a file, uint8 (H, W): its paper goes, dark ink is turned over.

    Takes tenths of a second for a photograph; any thread may call it. Raises InputError where nothing is
    written on it, or it is no picture.
    """
    image = QImage(str(picture)) if isinstance(picture, Path) else picture
    if image.isNull():
        if isinstance(picture, Path):
            text = QCoreApplication.translate("DrawingPad", "“{}” is not a picture.")
            raise InputError(text.format(picture.name))
        pasted = "What was pasted or dropped is not a picture."
        raise InputError(QCoreApplication.translate("DrawingPad", pasted))
    return ink_from_photograph(grey_pixels(image))


def grey_pixels(image: QImage) -> NDArray[np.uint8]:
    """A picture in grey, uint8 (H, W), on white where it is transparent; large ones are shrunk."""
    if max(image.width(), image.height()) > MAX_PICTURE_SIDE:
        image = image.scaled(
            MAX_PICTURE_SIDE,
            MAX_PICTURE_SIDE,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    page = QImage(image.size(), QImage.Format.Format_RGB32)
    page.fill(Qt.GlobalColor.white)
    painter = QPainter(page)
    painter.drawImage(QPoint(0, 0), image)
    painter.end()
    grey = page.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return rows[:, : grey.width()].copy()
