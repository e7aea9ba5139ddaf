"""Pictures in files: the lecture's figure, grids of images, and films.

Matplotlib is used through its `Figure` object alone: pyplot keeps global state and would choose a
window system. It and Pillow are imported when a picture is written. Files are written whole or not
at all.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae_explorer.engine.errors import InputError
from vae_explorer.engine.files import write_whole
from vae_explorer.engine.films import mp4

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.uint8 | np.float32 | np.float64]

INK, MUTED, RULE, ACCENT = "#1f2430", "#6b7280", "#e3e6eb", "#2f6fb3"
FIGURE_SIZE = (12.0, 4.3)  # inches
FIGURE_DPI = 160
MAX_FRAMES = 2000
FILMS = (".gif", ".mp4")


@dataclass(frozen=True)
class Curve:
    """The course of a training, one value an epoch.

    Attributes:
        epochs: the epochs, ascending; the first axis of the figure.
        validation: ELBO on the validation images, nats per image.
        train: ELBO on the train images, or nothing.
        reference: a value to compare with, drawn as a level; None for none.
        reference_title: what `reference` is.
        label: the name of the quantity and its unit.
    """

    epochs: Sequence[float]
    validation: Sequence[float]
    train: Sequence[float] = ()
    reference: float | None = None
    reference_title: str = "closed form"
    label: str = "ELBO (nats per image)"

    def __post_init__(self) -> None:
        if len(self.epochs) != len(self.validation) or len(self.train) not in (0, len(self.epochs)):
            raise InputError("A curve needs one value for each of its epochs.")


# --- the lecture's figure ---------------------------------------------------------------------


def lecture_figure(
    real: Pixels, generated: Pixels, curve: Curve, *, columns: int = 8, caption: str = ""
) -> Figure:
    """The lecture's figure: (a) real images, (b) unconditional generations, (c) validation curve.

    real, generated: (n, H, W) or (n, H, W, 3), uint8 or floats in [0, 1].
    columns: images in a row of (a) and (b).
    caption: one line under the figure: model, data, what it reached.

    Raises InputError where the images are none, or the curve is empty.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=FIGURE_SIZE, facecolor="white")
    FigureCanvasAgg(figure)
    bottom = 0.16 if caption else 0.13
    grid = figure.add_gridspec(
        1,
        3,
        width_ratios=(1, 1, 1.3),
        wspace=0.05,
        left=0.015,
        right=0.985,
        top=0.87,
        bottom=bottom,
    )
    _draw_grid(figure.add_subplot(grid[0]), real, columns, "a", "Real images")
    _draw_grid(figure.add_subplot(grid[1]), generated, columns, "b", "Generated images")
    curve_axes = figure.add_subplot(grid[2])
    _draw_curve(curve_axes, curve)
    place = curve_axes.get_position()  # its ticks and label need room on the left
    curve_axes.set_position((place.x0 + 0.055, place.y0, place.width - 0.055, place.height))
    if caption:
        figure.text(0.015, 0.035, caption, color=MUTED, fontsize=9, va="bottom")
    return figure


def save_figure(path: Path | str, figure: Figure, dpi: int = FIGURE_DPI) -> None:
    """Writes the figure as `.png` or `.pdf`, by the name of the file; atomic.

    Raises:
        EngineError: the file cannot be written.
        InputError: the name ends otherwise.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    path, buffer = Path(path), io.BytesIO()
    match path.suffix.lower():
        case ".png":
            FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=dpi)
        case ".pdf":
            # no date inside, so that the same figure is the same file
            FigureCanvasPdf(figure).print_figure(
                buffer, format="pdf", metadata={"CreationDate": None}
            )
        case _:
            raise InputError(f"A figure is saved as .png or .pdf, not as {path.name}.")
    write_whole(path, buffer.getvalue())


def save_lecture_figure(
    path: Path | str, real: Pixels, generated: Pixels, curve: Curve, *, caption: str = ""
) -> None:
    """`lecture_figure`, written by `save_figure`."""
    save_figure(path, lecture_figure(real, generated, curve, caption=caption))


def _draw_grid(axes: Axes, images: Pixels, columns: int, letter: str, title: str) -> None:
    axes.imshow(tile(images, columns), interpolation="nearest")
    axes.set_anchor("NW")
    axes.set_axis_off()
    _title(axes, letter, title)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    if len(curve.epochs) == 0:
        raise InputError("The validation curve has no epochs yet.")
    if curve.train:
        axes.plot(curve.epochs, curve.train, color=MUTED, lw=1, ls=(0, (4, 3)), label="train")
    axes.plot(curve.epochs, curve.validation, color=ACCENT, lw=1.8, label="validation")
    if curve.reference is not None:
        axes.axhline(curve.reference, color=INK, lw=0.9, ls=":", label=curve.reference_title)
    _mark_best(axes, curve)
    _style(axes)
    axes.set_xlabel("epoch", color=MUTED, fontsize=9.5)
    axes.set_ylabel(curve.label, color=MUTED, fontsize=9.5)
    axes.legend(frameon=False, fontsize=9.5, labelcolor=INK, loc="lower right")
    _title(axes, "c", "Validation curve")


def _mark_best(axes: Axes, curve: Curve) -> None:
    """A dot at the best epoch, with its value beside it."""
    values = np.asarray(curve.validation, dtype=float)
    if not np.isfinite(values).any():
        return
    best = int(np.nanargmax(np.where(np.isfinite(values), values, np.nan)))
    axes.plot(curve.epochs[best], values[best], "o", ms=4.5, color=ACCENT, clip_on=False)
    axes.annotate(
        f"{values[best]:.2f}".replace("-", "−"),
        (curve.epochs[best], values[best]),
        xytext=(0, -14),  # below the curve, where train values and reference do not run
        textcoords="offset points",
        ha="right" if best > len(values) // 2 else "left",
        color=ACCENT,
        fontsize=9.5,
    )
    axes.margins(x=0.02, y=0.08)


def _style(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.grid(axis="y", color=RULE, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=9, length=3)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))


def _title(axes: Axes, letter: str, title: str) -> None:
    axes.text(
        0, 1.045, f"({letter})", transform=axes.transAxes, color=MUTED, fontsize=11.5, va="bottom"
    )
    axes.annotate(
        title,
        (0, 1.045),
        xycoords="axes fraction",
        xytext=(22, 0),
        textcoords="offset points",
        color=INK,
        fontsize=11.5,
        va="bottom",
    )


# --- grids, pictures and films ----------------------------------------------------------------


def tile(images: Pixels, columns: int, *, gap: int | None = None, paper: int = 255) -> Pixels:
    """Images side by side in one picture, uint8 (H', W', 3).

    images: (n, H, W) or (n, H, W, 3), uint8 or floats in [0, 1], in reading order.
    gap: pixels between images; by default a fourteenth of their side.
    paper: the grey level of gaps and of empty places.
    """
    pixels = _rgb(images, 4)
    count, height, width, _ = pixels.shape
    if count == 0 or columns < 1:
        raise InputError("A grid needs at least one image and one column.")
    gap = max(1, min(height, width) // 14) if gap is None else gap
    columns = min(columns, count)
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    picture = np.full(shape, paper, np.uint8)
    for index, image in enumerate(pixels):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        picture[top : top + height, left : left + width] = image
    return picture


def save_picture(path: Path | str, image: Pixels, *, scale: int = 1) -> None:
    """Writes one picture, (H, W) or (H, W, 3), as `.png`, every pixel `scale` times as large.

    Raises:
        EngineError: the file cannot be written.
        InputError: it is no picture, or the name does not end in .png.
    """
    path = _suffixed(path, ".png", "picture")
    buffer = io.BytesIO()
    _pillow(_rgb(image, 3), scale).save(buffer, format="PNG", optimize=True)
    write_whole(path, buffer.getvalue())


def save_grid(
    path: Path | str, images: Pixels, *, columns: int | None = None, gap: int = 0, scale: int = 1
) -> None:
    """Writes a page of samples, (n, H, W[, 3]), or a manifold, (R, C, H, W), as one `.png`.

    columns: of a page of samples; as near to a square as can be where it is None.
    """
    array = np.asarray(images)
    if array.ndim == 5 or (array.ndim == 4 and array.shape[-1] != 3):
        columns = array.shape[1]
        array = array.reshape(-1, *array.shape[2:])
    if columns is None:
        columns = max(1, int(np.ceil(np.sqrt(len(array)))))
    save_picture(path, tile(array, columns, gap=gap), scale=scale)


def save_film(
    path: Path | str, frames: Pixels, *, frames_per_second: float = 12, scale: int = 4
) -> None:
    """Writes frames, (T, H, W) or (T, H, W, 3), as a `.gif` that plays for ever, or as an `.mp4`.

    Raises:
        EngineError: the file cannot be written.
        InputError: no frames or too many, a rate of nought, a name that ends otherwise, or an MP4
            where there is no ffmpeg program to make it.
    """
    path = Path(path)
    if path.suffix.lower() not in FILMS:
        raise InputError(f"A film is saved as {' or '.join(FILMS)}, not as {path.name}.")
    pixels = _rgb(frames, 4)
    if not 1 <= len(pixels) <= MAX_FRAMES:
        raise InputError(f"A film has from 1 to {MAX_FRAMES:,} frames, not {len(pixels):,}.")
    if not 0 < frames_per_second <= 50:  # viewers slow down what is faster
        raise InputError(f"A film has up to 50 frames a second, not {frames_per_second:g}.")
    if path.suffix.lower() == ".mp4":
        write_whole(path, mp4(_enlarged(pixels, scale), frames_per_second))
        return
    first, *rest = [_pillow(frame, scale).convert("P") for frame in pixels]
    buffer = io.BytesIO()
    first.save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=rest,
        duration=round(1000 / frames_per_second),
        loop=0,
    )
    write_whole(path, buffer.getvalue())


def _rgb(images: Pixels, dimensions: int) -> NDArray[np.uint8]:
    """uint8 (…, H, W, 3) with `dimensions` axes, of grey or RGB, bytes or floats in [0, 1]."""
    array = np.asarray(images)
    if array.ndim == dimensions - 1:
        array = np.repeat(array[..., None], 3, axis=-1)
    if array.ndim != dimensions or array.shape[-1] != 3 or 0 in array.shape[-3:]:
        raise InputError(f"These are no grey or RGB pictures: shape {np.shape(images)}.")
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"Pictures are uint8 or floats in [0, 1], not {array.dtype}.")
    if not np.isfinite(array).all():
        raise InputError("The picture contains values that are not finite numbers.")
    return np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)


def _suffixed(path: Path | str, suffix: str, what: str) -> Path:
    path = Path(path)
    if path.suffix.lower() != suffix:
        raise InputError(f"A {what} is saved as {suffix}, not as {path.name}.")
    return path


def _pillow(pixels: NDArray[np.uint8], scale: int) -> Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(_enlarged(pixels, scale)))


def _enlarged(pixels: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """(…, H, W, 3) with every pixel `scale` times as large."""
    if scale < 1:
        raise InputError(f"A picture is enlarged by a whole number from 1; not {scale}.")
    return pixels.repeat(scale, -3).repeat(scale, -2)
