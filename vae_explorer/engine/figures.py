"""Pictures in files: figures of matplotlib, images side by side, and films.

Matplotlib is used through its `Figure` object alone: pyplot keeps global state and would choose a
window system. It and Pillow are imported when a picture is written. Files are written whole or not
at all.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae_explorer.engine.errors import InputError
from vae_explorer.engine.files import write_whole
from vae_explorer.engine.films import mp4

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.uint8 | np.float32 | np.float64]

FIGURE_DPI = 160
MAX_FRAMES = 2000
FILMS = (".gif", ".mp4")


def save_figure(path: Path | str, figure: Figure, dpi: int = FIGURE_DPI) -> None:
    """Writes the figure as `.png` or `.pdf`, by the name of the file; atomic.

    Raises:
        EngineError: the file cannot be written.
        InputError: the name ends otherwise.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    path, buffer = Path(path), io.BytesIO()
    with warnings.catch_warnings():
        # a folder's name may be in any script, and the font has not all of them
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
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
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"A picture is saved as .png, not as {path.name}.")
    buffer = io.BytesIO()
    _pillow(_rgb(image, 3), scale).save(buffer, format="PNG", optimize=True)
    write_whole(path, buffer.getvalue())


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


def _pillow(pixels: NDArray[np.uint8], scale: int) -> Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(_enlarged(pixels, scale)))


def _enlarged(pixels: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """(…, H, W, 3) with every pixel `scale` times as large."""
    if scale < 1:
        raise InputError(f"A picture is enlarged by a whole number from 1; not {scale}.")
    return pixels.repeat(scale, -3).repeat(scale, -2)
