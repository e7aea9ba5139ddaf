"""The lecture's figure: (a) real images, (b) unconditional generations, (c) the validation curve.

Matplotlib is imported when the figure is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from vae_explorer.engine import plain_numbers
from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.errors import InputError
from vae_explorer.engine.figures import save_figure, tile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from vae_explorer.engine.explorer import Explorer
    from vae_explorer.engine.figures import Pixels

Scalar = TypeVar("Scalar", bound=np.generic)

INK, MUTED, RULE, ACCENT = "#1f2430", "#6b7280", "#e3e6eb", "#2f6fb3"
FIGURE_SIZE = (12.0, 4.3)  # inches
SIDE = 6  # images a side of each grid
KEPT_EPOCHS = 500  # of a curve in a model's card, and the best one
NO_CURVE = "The model's file keeps no curve of its training."


@dataclass(frozen=True)
class Curve:
    """The course of a training, one value an epoch.

    Attributes:
        epochs: the epochs, ascending; the first axis of the figure.
        validation: ELBO on the validation images, per image; of PPCA the log-likelihood.
        train: the same on the train images, or nothing.
        train_title: what `train` is.
        reference: PPCA's closed form, drawn as a level; None for none.
        best: the epoch of the best validation objective, whose weights a training keeps; it has
            the dot. None where it is not among these epochs.
        quantity: what the values are.
        unit: of the values: nats, of a probability or of a density.
    """

    epochs: Sequence[float]
    validation: Sequence[float]
    train: Sequence[float] = ()
    train_title: str = "train"
    reference: float | None = None
    best: float | None = None
    quantity: str = "ELBO"
    unit: str = "nats"

    def __post_init__(self) -> None:
        if len(self.epochs) != len(self.validation) or len(self.train) not in (0, len(self.epochs)):
            raise InputError("A curve needs one value for each of its epochs.")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, for a model's card: of `KEPT_EPOCHS` epochs at most, and to a thousandth."""
        last = len(self.epochs) - 1
        steps = np.linspace(0, last, min(last + 1, KEPT_EPOCHS)).round().astype(int)
        kept = {*steps.tolist(), *(i for i, e in enumerate(self.epochs) if e == self.best)}
        values = asdict(self)
        for name in ("epochs", "validation", "train"):
            values[name] = [round(values[name][i], 3) for i in sorted(kept) if values[name]]
        return values

    @classmethod
    def from_dict(cls, values: object) -> Curve | None:
        """What `to_dict` made; None for anything else, which a file may hold."""
        known = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or not known >= set(values):
            return None
        rows = [values.get(name) for name in ("epochs", "validation", "train")]
        levels = [v for v in (values.get("reference"), values.get("best")) if v is not None]
        titles = [values.get(name, "") for name in ("train_title", "quantity", "unit")]
        epochs, validation, train = (row if isinstance(row, list) else None for row in rows)
        if not epochs or validation is None or train is None:
            return None
        numbers = [*epochs, *validation, *train, *levels]
        sound = all(
            (n := plain_numbers.real(number)) is not None and math.isfinite(n) for number in numbers
        )
        named = all(isinstance(title, str) for title in titles)
        fitting = len(validation) == len(epochs) and len(train) in (0, len(epochs))
        return cls(**values) if sound and named and fitting else None

    @property
    def best_point(self) -> tuple[float, float] | None:
        """The best epoch and its validation value; None where there is no such epoch."""
        points = zip(self.epochs, self.validation, strict=True)
        return next((point for point in points if point[0] == self.best), None)


def figure_images(
    explorer: Explorer, real: Pixels, choice: int, codes: int
) -> tuple[Pixels, Pixels]:
    """Up to 36 of some real images, none of them twice, and the means E[x|z] of 36 codes.

    choice, codes: seeds, of which images are chosen and of z ~ N(0, I), y ~ π.
    """
    chosen = np.random.default_rng(choice).permutation(len(real))[: SIDE * SIDE]
    return real[chosen], explorer.sample(SIDE * SIDE, seed=codes)


def square(images: NDArray[Scalar]) -> tuple[NDArray[Scalar], int]:
    """As many of the images as fill a square of at most 6 × 6, and its side."""
    side = min(SIDE, math.isqrt(len(images)))
    return images[: side * side], side


def lecture_figure(
    config: ModelConfig, data: str, real: Pixels, generated: Pixels, curve: Curve | None
) -> Figure:
    """The lecture's figure of a model.

    config, data: of the model, and the title of the data set, for the caption.
    real, generated: test images and means E[x|z], (n, H, W) or (n, H, W, 3), uint8 or floats in
        [0, 1]; a square of 36 at most is shown.
    curve: None for a model of which none is kept, as (c) then says.

    Raises InputError where the images are none, or the curve is empty.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=FIGURE_SIZE, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        1,
        3,
        width_ratios=(1, 1, 1.3),
        wspace=0.05,
        left=0.015,
        right=0.985,
        top=0.87,
        bottom=0.16,
    )
    _draw_grid(figure.add_subplot(grid[0]), real, "a", "Test images")
    means = f"Generated images: E[x|z{config.given_class}]"
    _draw_grid(figure.add_subplot(grid[1]), generated, "b", means)
    curve_axes = figure.add_subplot(grid[2])
    if curve is None:
        _title(curve_axes, "c", f"Validation {config.elbo_title}")
        curve_axes.set_axis_off()
        curve_axes.text(0.5, 0.5, NO_CURVE, color=MUTED, fontsize=9.5, ha="center", va="center")
    else:
        _draw_curve(curve_axes, curve)
    place = curve_axes.get_position()  # its ticks and label need room on the left
    curve_axes.set_position((place.x0 + 0.055, place.y0, place.width - 0.055, place.height))
    codes = "z ~ N(0, I), y ~ π" if config.classes else "z ~ N(0, I)"
    caption = f"{config.title}; {data}; {codes}"
    text = figure.text(0.015, 0.035, caption, color=MUTED, fontsize=9, va="bottom")
    text.set_parse_math(False)  # a folder may have any name
    return figure


def save_lecture_figure(
    path: Path | str,
    config: ModelConfig,
    data: str,
    real: Pixels,
    generated: Pixels,
    curve: Curve | None,
) -> None:
    """`lecture_figure`, written by `save_figure`."""
    save_figure(path, lecture_figure(config, data, real, generated, curve))


def _draw_grid(axes: Axes, images: Pixels, letter: str, title: str) -> None:
    axes.imshow(tile(*square(images)), interpolation="nearest")
    axes.set_anchor("NW")
    axes.set_axis_off()
    _title(axes, letter, title)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    if len(curve.epochs) == 0:
        raise InputError("The validation curve has no epochs yet.")
    if curve.train:
        axes.plot(
            curve.epochs, curve.train, color=MUTED, lw=1, ls=(0, (4, 3)), label=curve.train_title
        )
    axes.plot(curve.epochs, curve.validation, color=ACCENT, lw=1.8, label="validation")
    if curve.reference is not None:
        axes.axhline(curve.reference, color=INK, lw=0.9, ls=":", label="closed form, train")
    _mark_best(axes, curve)
    if len(curve.epochs) == 1:
        axes.set_xlim(curve.epochs[0] - 1, curve.epochs[0] + 1)
    _style(axes)
    axes.set_xlabel("epoch", color=MUTED, fontsize=9.5)
    axes.set_ylabel(f"{curve.quantity} ({curve.unit} per image)", color=MUTED, fontsize=9.5)
    axes.legend(frameon=False, fontsize=9.5, labelcolor=INK, loc="best")
    _title(axes, "c", f"Validation {curve.quantity}")


def _mark_best(axes: Axes, curve: Curve) -> None:
    """A dot at the best epoch, with its value beside it."""
    if curve.best_point is None:
        return
    epoch, value = curve.best_point
    label = f"best epoch, {epoch:g}"
    axes.plot(epoch, value, "o", ms=4.5, color=ACCENT, clip_on=False, label=label, zorder=4)
    axes.annotate(
        f"{value:.2f}".replace("-", "−"),
        (epoch, value),
        xytext=(0, -14),  # below the curve, where train values and reference do not run
        textcoords="offset points",
        ha="right" if epoch > (curve.epochs[0] + curve.epochs[-1]) / 2 else "left",
        color=ACCENT,
        fontsize=9.5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # on a steep curve
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
