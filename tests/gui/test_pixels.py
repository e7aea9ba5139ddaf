"""One convention for every picture in the window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from vae_explorer.gui.pixels import (
    export_qimage,
    fitted,
    image_to_qimage,
    images_to_qimages,
    mosaic,
    paint_image,
    smoothed,
    to_bytes,
)
from vae_explorer.gui.style import DARK, LIGHT, Theme


def levels(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


def colors_of(picture: QImage) -> np.ndarray:
    """(H, W, 3), levels of 8 bits."""
    rows, columns = range(picture.height()), range(picture.width())
    return np.array([[levels(picture.pixelColor(x, y)) for x in columns] for y in rows])


def shown(image: np.ndarray, theme: Theme) -> np.ndarray:
    """What `colors_of` a picture of it should be: colours as they are, or between paper and ink."""
    if image.ndim == 3:
        return to_bytes(image)
    paper, ink = (np.array(levels(color)) for color in (theme.canvas, theme.text))
    return np.rint(paper + (ink - paper) * (to_bytes(image)[..., None] / 255))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_ink_is_text_and_paper_is_canvas(theme: Theme) -> None:
    picture = image_to_qimage(np.array([[0.0, 1.0]]), theme)
    assert QColor(picture.pixel(0, 0)).name() == theme.canvas.name()
    assert QColor(picture.pixel(1, 0)).name() == theme.text.name()


def test_bytes_and_floats_look_the_same() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert image_to_qimage(grey, DARK) == image_to_qimage(grey / 255.0, DARK)


def test_colours_are_shown_as_they_are() -> None:
    image = np.random.default_rng(0).random((5, 4, 3))
    for theme in (LIGHT, DARK):
        seen = colors_of(image_to_qimage(image, theme))
        np.testing.assert_array_equal(seen, shown(image, theme))


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"H, W"):
        image_to_qimage(np.zeros((2, 3, 4)), LIGHT)


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 3)])
def test_many_images_at_once_look_as_each_alone(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(1).random(shape)
    for picture, image in zip(images_to_qimages(images, DARK), images, strict=True):
        np.testing.assert_array_equal(colors_of(picture), shown(image, DARK))


def test_one_image_is_not_many() -> None:
    with pytest.raises(ValueError, match=r"\(N, H, W\)"):
        images_to_qimages(np.zeros((4, 5)), LIGHT)


def test_values_out_of_range_and_nan_are_tamed() -> None:
    assert to_bytes(np.array([-1.0, np.nan, 2.0, np.inf])).tolist() == [0, 0, 255, 255]


def test_the_picture_outlives_its_array() -> None:
    image = np.ones((64, 64))
    picture = image_to_qimage(image, LIGHT)
    del image
    assert QColor(picture.pixel(63, 63)).name() == LIGHT.text.name()


def test_export_keeps_the_models_own_levels() -> None:
    picture = export_qimage(np.array([[0, 128, 255]], dtype=np.uint8))
    assert [QColor(picture.pixel(x, 0)).red() for x in range(3)] == [0, 128, 255]


def test_mosaic_puts_every_image_in_its_place() -> None:
    images = np.arange(6).reshape(2, 3, 1, 1) * np.ones((1, 1, 2, 2))
    sheet = mosaic(images)
    assert sheet.shape == (4, 6)
    assert sheet[::2, ::2].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_smoothing_keeps_flat_pictures_flat(shape: tuple[int, ...]) -> None:
    large = smoothed(np.full(shape, 0.5), 4)
    assert large.shape == (20, 28, *shape[2:])
    assert set(np.unique(large)) == {128}


def test_smoothing_passes_between_its_pixels() -> None:
    large = smoothed(np.array([[0.0, 1.0]]), 8)[0]
    assert np.all(np.diff(large.astype(int)) >= 0) or large.min() >= 0
    assert large[0] < 40 < 215 < large[-1]
    assert abs(int(large[7]) + int(large[8]) - 255) <= 2  # symmetric about the middle


def test_fitted_keeps_proportions_and_centre() -> None:
    place = fitted(QRectF(0, 0, 100, 50), 20, 20)
    assert (place.left(), place.top(), place.width(), place.height()) == (25, 0, 50, 50)


def test_enlarged_pixels_stay_crisp() -> None:
    sheet = QImage(40, 20, QImage.Format.Format_RGB32)
    painter = QPainter(sheet)
    paint_image(painter, QRectF(0, 0, 40, 20), image_to_qimage(np.array([[0.0, 1.0]]), LIGHT))
    painter.end()
    colours = {QColor(sheet.pixel(x, 10)).name() for x in range(40)}
    assert colours == {LIGHT.canvas.name(), LIGHT.text.name()}
