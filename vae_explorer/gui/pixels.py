"""Pictures as the window shows them: one convention for every widget that paints an image.

Grey images hold ink (0 = paper, 1 = ink). They are painted with the theme's text colour as ink on
the canvas colour as paper, so a digit reads like the text beside it, in the light theme and in the
dark one. RGB images are shown as they are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

if TYPE_CHECKING:
    from vae_explorer.gui.style import Theme

Pixels = NDArray[np.uint8]


def to_bytes(array: NDArray[np.generic]) -> Pixels:
    """Image values as uint8: floats in [0, 1] are scaled (NaN becomes 0), uint8 passes through."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array, dtype=np.uint8)
    values = np.fmin(np.fmax(np.asarray(array, dtype=np.float32), 0.0), 1.0)  # fmax(NaN, 0) is 0
    return (values * 255.0 + 0.5).astype(np.uint8)


def is_rgb(array: NDArray[np.generic]) -> bool:
    """Whether the last axis holds colours: (…, H, W, 3)."""
    return array.ndim >= 3 and array.shape[-1] == 3


def _words(rgb: Pixels) -> NDArray[np.uint32]:
    """Colours (…, 3) as 0xFFRRGGBB (…): the format that Qt paints without converting it each time."""
    words = np.full(rgb.shape[:-1], 0xFF000000, np.uint32)
    for channel, shift in enumerate((16, 8, 0)):
        words |= rgb[..., channel].astype(np.uint32) << np.uint32(shift)
    return words


@lru_cache(maxsize=8)
def _ink_words(paper: int, ink: int) -> NDArray[np.uint32]:
    """Colours from paper to ink, (256,); both are given as 0xAARRGGBB."""
    ends = np.array([[c.red(), c.green(), c.blue()] for c in (QColor(paper), QColor(ink))])
    weight = np.linspace(0.0, 1.0, 256)[:, None]
    return _words(np.rint(ends[0] * (1.0 - weight) + ends[1] * weight).astype(np.uint8))


def images_to_qimages(images: NDArray[np.generic], theme: Theme) -> list[QImage]:
    """The pictures of images (N, H, W) or (N, H, W, 3) as every widget shows them, converted in one go.

    Each owns its memory. Raises ValueError for any other shape.
    """
    if images.ndim == 4 and images.shape[3] == 3:
        words = _words(to_bytes(images))
    elif images.ndim == 3:
        words = _ink_words(theme.canvas.rgba(), theme.text.rgba())[to_bytes(images)]
    else:
        raise ValueError(f"images are (N, H, W) or (N, H, W, 3), not {images.shape}")
    height, width = words.shape[1:]
    # copy(): a QImage only borrows the buffer, and the array dies with this call
    return [
        QImage(picture.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
        for picture in words
    ]


def image_to_qimage(array: NDArray[np.generic], theme: Theme) -> QImage:
    """The picture of one image (H, W) or (H, W, 3); see :func:`images_to_qimages`."""
    return images_to_qimages(array[None], theme)[0]


def export_qimage(array: NDArray[np.generic]) -> QImage:
    """The picture for a file or the clipboard: the model's own grey levels (ink white), whatever the theme."""
    pixels = to_bytes(array)
    if pixels.ndim == 3:
        height, width = pixels.shape[:2]
        return QImage(
            pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
        ).copy()
    height, width = pixels.shape
    return QImage(pixels.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()


def mosaic(images: NDArray[np.generic]) -> NDArray[np.generic]:
    """Images (R, C, H, W) or (R, C, H, W, 3) laid out as one image (R·H, C·W) or (R·H, C·W, 3)."""
    rows, columns, height, width = images.shape[:4]
    tail = images.shape[4:]
    return images.swapaxes(1, 2).reshape(rows * height, columns * width, *tail)


def shrunk(images: NDArray[np.generic], side: int) -> NDArray[np.generic]:
    """Images (N, H, W[, 3]) averaged over squares of pixels, as large as leave `side` of them or more a side."""
    count, height, width, *tail = images.shape
    step = min(height, width) // side
    if step < 2:
        return images
    rows, columns = height // step, width // step
    cut = images[:, : rows * step, : columns * step]
    return cut.reshape(count, rows, step, columns, step, *tail).mean(axis=(2, 4), dtype=np.float32)


@lru_cache(maxsize=16)
def _cubic_weights(size: int, factor: int) -> NDArray[np.float32]:
    """Catmull-Rom interpolation as a matrix (size·factor, size); edges repeat the outermost pixel."""
    centre = (np.arange(size * factor) + 0.5) / factor - 0.5
    first = np.floor(centre).astype(int)
    t = centre - first
    taps = (
        0.5 * (-t + 2 * t**2 - t**3),
        0.5 * (2 - 5 * t**2 + 3 * t**3),
        0.5 * (t + 4 * t**2 - 3 * t**3),
        0.5 * (-(t**2) + t**3),
    )
    weights = np.zeros((size * factor, size), dtype=np.float32)
    rows = np.arange(size * factor)
    for offset, tap in enumerate(taps, start=-1):
        np.add.at(weights, (rows, np.clip(first + offset, 0, size - 1)), tap.astype(np.float32))
    return weights


def smoothed(array: NDArray[np.generic], factor: int) -> Pixels:
    """An image enlarged by a whole factor with Catmull-Rom interpolation, uint8 (H·factor, W·factor[, 3])."""
    values = to_bytes(array).astype(np.float32)
    rows = _cubic_weights(values.shape[0], factor)
    columns = _cubic_weights(values.shape[1], factor)
    enlarged = np.tensordot(rows, values, axes=(1, 0))  # (H·f, W[, 3])
    enlarged = np.moveaxis(np.tensordot(columns, enlarged, axes=(1, 1)), 0, 1)
    return np.clip(np.rint(enlarged), 0, 255).astype(np.uint8)


def fitted(bounds: QRectF, width: int, height: int) -> QRectF:
    """The largest rectangle of the image's proportions centred in the bounds."""
    scale = min(bounds.width() / max(width, 1), bounds.height() / max(height, 1))
    size_x, size_y = width * scale, height * scale
    return QRectF(
        bounds.center().x() - size_x / 2, bounds.center().y() - size_y / 2, size_x, size_y
    )


def transparent(size: QSize, ratio: float) -> QImage:
    """A picture with nothing on it yet, for a widget of this size on a screen of this pixel ratio."""
    picture = QImage(size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    return picture


def paint_image(painter: QPainter, target: QRectF, image: QImage, *, smooth: bool = False) -> None:
    """Paint an image into a rectangle: crisp pixels, or bilinear. Shrinking is always smooth."""
    ratio = painter.device().devicePixelRatio()
    shrinks = target.width() * ratio < image.width()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth and not shrinks)
    if shrinks:
        size = (target.size() * ratio).toSize()
        image = image.scaled(
            size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
    painter.drawImage(target, image)
    painter.restore()


def png_bytes(image: QImage) -> bytes:
    """A picture as a PNG file."""
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(data, "PNG")  # pyright: ignore[reportCallIssue, reportArgumentType]
    return bytes(data.data().data())
