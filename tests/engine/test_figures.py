"""Pictures in files: right size, right pixels, whole or not at all, and no global state."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.errors import EngineError, InputError
from vae_explorer.engine.explorer import Explorer
from vae_explorer.engine.figures import (
    save_figure,
    save_film,
    save_picture,
    tile,
)
from vae_explorer.engine.lecture_figure import (
    Curve,
    figure_images,
    lecture_figure,
    save_lecture_figure,
)
from vae_explorer.engine.models import build_model


def digits(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8), dtype=np.uint8)


def rendered(figure: Figure, dpi: int) -> NDArray[np.uint8]:
    """(H, W, 4)."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba(), dtype=np.uint8)


CURVE = Curve(
    range(1, 6),
    [-200.0, -150.0, -130.0, -120.0, -119.0],
    [-210, -160, -135, -121, -118],
    best=4,  # by the objective, in which the ELBO may be one part
)
JOINT = ModelConfig(kind="joint-vae", class_names=("a", "b"))


def figure_of(real: int, generated: int, curve: Curve, config: ModelConfig = JOINT) -> Figure:
    return lecture_figure(config, "MNIST", digits(real), digits(generated, 1), curve)


def test_the_lines_of_the_curve_say_which_images_they_are_of() -> None:
    curve = Curve([1, 2], [-3.0, -2.0], [-2.5, -1.5], "train, 100 labelled", reference=-1.0)
    figure = figure_of(4, 4, curve)
    legend = figure.axes[2].get_legend()
    assert legend is not None
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["train, 100 labelled", "validation", "closed form, train"]


def test_png_and_pdf_by_the_name_of_the_file(tmp_path: Path) -> None:
    figure = figure_of(16, 16, CURVE)
    save_figure(tmp_path / "figure.png", figure, dpi=50)
    save_figure(tmp_path / "figure.pdf", figure)
    with Image.open(tmp_path / "figure.png") as picture:
        assert picture.size == (600, 215)
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF-")
    with pytest.raises(InputError, match=r"\.png or \.pdf"):
        save_figure(tmp_path / "figure.tif", figure)
    assert {path.name for path in tmp_path.glob("*fig*")} == {"figure.png", "figure.pdf"}


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf", "a.png", "b.png"):
        save_lecture_figure(tmp_path / name, JOINT, "MNIST", digits(4), digits(4), CURVE)
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_the_figure_shows_images_and_curve() -> None:
    real, generated, curve = figure_of(16, 36, CURVE).axes
    np.testing.assert_array_equal(real.images[0].get_array(), tile(digits(16), 4))
    np.testing.assert_array_equal(generated.images[0].get_array(), tile(digits(36, 1), 6))
    train, validation, best = curve.lines
    assert np.asarray(validation.get_ydata()).tolist() == list(CURVE.validation)
    assert np.asarray(train.get_ydata()).tolist() == list(CURVE.train)
    assert np.asarray([best.get_xdata(), best.get_ydata()]).ravel().tolist() == [4, -120]
    assert "−120.00" in {text.get_text() for text in curve.texts}


def test_no_row_of_the_figure_is_ragged() -> None:
    for count, columns in ((35, 5), (36, 6), (64, 6), (3, 1)):
        real = figure_of(count, 36, CURVE).axes[0]
        expected = tile(digits(count)[: columns**2], columns)
        np.testing.assert_array_equal(real.images[0].get_array(), expected)


def test_the_figure_says_what_its_panels_are() -> None:
    for config, mean, codes in (
        (JOINT, "Generated images: E[x|z, y]", "z ~ N(0, I), y ~ π"),
        (ModelConfig(), "Generated images: E[x|z]", "z ~ N(0, I)"),
    ):
        figure = figure_of(4, 4, CURVE, config)
        titles = [axes.texts[-1].get_text() for axes in figure.axes]
        assert titles == ["Test images", mean, "Validation ELBO"]
        assert [text.get_text() for text in figure.texts] == [f"{config.title}; MNIST; {codes}"]


def test_the_axis_names_quantity_and_unit() -> None:
    axes = figure_of(4, 4, Curve([1], [-3.0], quantity="log p(x)", unit="nats of a density")).axes[
        2
    ]
    assert axes.get_ylabel() == "log p(x) (nats of a density per image)"
    assert ModelConfig(kind="ppca").elbo_title == "log p(x)"
    assert ModelConfig().elbo_title == JOINT.elbo_title == "ELBO"


def test_no_real_image_is_shown_twice() -> None:
    real = np.arange(40 * 784, dtype=np.float64).reshape(40, 28, 28) / 1e5
    chosen, generated = figure_images(Explorer(build_model(ModelConfig())), real, 3, 4)
    assert len(np.unique(chosen[:, 0, 0])) == len(chosen) == len(generated) == 36
    few, _ = figure_images(Explorer(build_model(ModelConfig())), real[:5], 3, 4)
    assert len(few) == 5


def test_no_text_leaves_the_figure_or_lies_on_another() -> None:
    values = [-12345.6, -999.0, -104.2]
    figure = figure_of(36, 36, Curve([1, 2, 300], values, reference=-90.0, best=300))
    canvas = rendered(figure, 80)
    height, width = canvas.shape[:2]
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    axes = figure.axes[2]
    label = axes.yaxis.label.get_window_extent(renderer)
    for text in [*axes.texts, axes.xaxis.label, axes.yaxis.label, *axes.get_yticklabels()]:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    generated = figure.axes[1].get_window_extent(renderer)
    assert label.x0 > generated.x1
    ticks = [t.get_window_extent(renderer) for t in axes.get_yticklabels() if t.get_text()]
    assert all(label.x1 <= box.x0 for box in ticks)


def test_one_epoch_and_values_that_are_no_numbers_still_make_a_figure() -> None:
    for curve in (Curve([1], [-3.0]), Curve([1, 2], [float("nan")] * 2)):
        assert rendered(figure_of(3, 1, curve), 40).shape == (172, 480, 4)


@pytest.mark.parametrize("suffix", ["png", "pdf"])
@pytest.mark.parametrize("name", [r"$\bad$", "数字"])
def test_a_data_set_may_have_any_name(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"figure.{suffix}"
    save_lecture_figure(path, JOINT, name, digits(4), digits(4), CURVE)
    assert path.stat().st_size > 1000


def test_the_axis_of_one_epoch_has_whole_epochs() -> None:
    axes = figure_of(4, 4, Curve([1], [-3.0], best=1)).axes[2]
    assert axes.get_xticks().tolist() == [0, 1, 2]


def test_no_curve_strikes_the_best_value_through() -> None:
    figure = figure_of(4, 4, Curve([1, 2], [-150.0, -120.0], best=2))
    value = next(text for text in figure.axes[2].texts if text.get_text() == "−120.00")
    paper = value.get_bbox_patch()
    assert paper is not None and paper.get_facecolor() == (1, 1, 1, 1)
    assert value.get_zorder() > figure.axes[2].lines[0].get_zorder()


def test_the_key_lies_clear_of_a_low_curve() -> None:
    figure = figure_of(4, 4, Curve([1, 2, 3, 4], [-1.0, -9.0, -9.0, -9.0]))
    rendered(figure, 80)
    axes = figure.axes[2]
    legend = axes.get_legend()
    assert legend is not None
    low = axes.transData.transform([(epoch, -9.0) for epoch in (3, 4)])
    assert not any(legend.get_window_extent().contains(*point) for point in low)


def test_a_curve_has_a_value_for_each_epoch() -> None:
    with pytest.raises(InputError, match="one value for each"):
        Curve([1, 2], [1.0])
    with pytest.raises(InputError, match="no epochs"):
        figure_of(1, 1, Curve([], []))


def test_a_curve_comes_back_from_a_card_thinned_and_with_its_best_epoch() -> None:
    short = Curve([1, 2], [-3.25, -2.5], [-3.0, -2.0], "train, 9 labelled", -1.5, 2, "J", "nats")
    assert Curve.from_dict(json.loads(json.dumps(short.to_dict()))) == short
    epochs = list(range(1, 3001))
    long = Curve(epochs, [-1000.0 / e for e in epochs], best=1234)
    kept = Curve.from_dict(long.to_dict())
    assert kept is not None and kept.best_point == (1234, round(-1000 / 1234, 3))
    assert len(kept.epochs) <= 501 and (kept.epochs[0], kept.epochs[-1]) == (1, 3000)
    assert list(kept.epochs) == sorted(kept.epochs) and kept.train == []


@pytest.mark.parametrize(
    "damage",
    [
        {"epochs": []},
        {"epochs": [1]},
        {"validation": ["a", "b"]},
        {"validation": [1.0, float("nan")]},
        {"validation": [1.0, 10**400]},
        {"train": [1.0]},
        {"train": None},
        {"best": "first"},
        {"unit": 3},
        {"unknown": 1},
    ],
)
def test_a_damaged_curve_of_a_card_is_none(damage: dict[str, object]) -> None:
    assert Curve.from_dict({**Curve([1, 2], [1.0, 2.0]).to_dict(), **damage}) is None
    assert Curve.from_dict(None) is None


def test_a_model_without_a_curve_has_a_figure_that_says_so() -> None:
    figure = lecture_figure(JOINT, "MNIST", digits(4), digits(4), None)
    said = [text.get_text() for text in figure.axes[2].texts]
    assert "The model's file keeps no curve of its training." in said
    assert "Validation ELBO" in said
    assert rendered(figure, 40).shape == (172, 480, 4)


def test_pyplot_is_never_loaded(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from vae_explorer.engine.figures import *\n"
        "from vae_explorer.engine.lecture_figure import *\n"
        "image = np.zeros((1, 8, 8))\n"
        "figure = lecture_figure(ModelConfig(), '', image, image, Curve([1], [1]))\n"
        "save_figure(sys.argv[1], figure)\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules\n"
    )
    path = str(tmp_path / "figure.png")
    subprocess.run([sys.executable, "-c", code, path], check=True, timeout=120)


def test_tile_puts_images_in_reading_order() -> None:
    images = digits(5)
    picture = tile(images, 2, gap=3, paper=9)
    assert picture.shape == (3 * 8 + 2 * 3, 2 * 8 + 3, 3)
    np.testing.assert_array_equal(picture[11:19, 0:8, 0], images[2])
    np.testing.assert_array_equal(picture[0:8, 11:19, 2], images[1])
    assert (picture[22:, 11:] == 9).all() and (picture[8:11] == 9).all()


def test_floats_become_the_nearest_level_and_colours_stay() -> None:
    grey = np.array([[[-0.5, 0.0, 0.5, 1.0, 2.0]]], np.float32)
    np.testing.assert_array_equal(tile(grey, 1, gap=0)[0, :, 0], [0, 0, 128, 255, 255])
    colour = np.zeros((1, 2, 2, 3))
    colour[..., 2] = 1
    np.testing.assert_array_equal(tile(colour, 1)[0, 0], [0, 0, 255])


def test_a_page_of_images_fills_row_after_row(tmp_path: Path) -> None:
    assert tile(digits(10), 4, gap=1).shape == (3 * 8 + 2, 4 * 8 + 3, 3)
    save_picture(tmp_path / "page.png", tile(digits(6), 3, gap=0), scale=2)
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == (48, 32)
        np.testing.assert_array_equal(np.asarray(picture)[::2, ::2, 0][8:, 16:], digits(6)[5])


def test_picture_keeps_its_pixels(tmp_path: Path) -> None:
    image = digits(1)[0]
    save_picture(tmp_path / "one.png", image, scale=3)
    with Image.open(tmp_path / "one.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture)[1::3, 1::3, 0], image)


def test_film_has_its_frames_and_its_rate(tmp_path: Path) -> None:
    save_film(tmp_path / "film.gif", digits(5), frames_per_second=10, scale=2)
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.size) == (5, (16, 16))  # type: ignore[attr-defined]
        assert film.info["duration"] == 100 and film.info["loop"] == 0


def test_a_film_of_one_picture_that_stands_still_keeps_its_length(tmp_path: Path) -> None:
    still = np.repeat(digits(1), 4, axis=0)
    save_film(tmp_path / "film.gif", still, frames_per_second=10)
    with Image.open(tmp_path / "film.gif") as film:
        total = 0
        for index in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(index)
            total += film.info["duration"]
    assert total == 400


@pytest.mark.parametrize(
    "images",
    [np.zeros((8, 8)), np.zeros((1, 8, 8, 2)), np.zeros((1, 8, 8), np.int32), np.zeros((1, 0, 8)),
     np.full((1, 8, 8), np.nan)],
)  # fmt: skip
def test_what_is_no_picture_is_refused(images: NDArray[np.generic]) -> None:
    with pytest.raises(InputError):
        tile(images, 1)  # type: ignore[arg-type]


def test_films_and_pictures_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"saved as \.gif or \.mp4"):
        save_film(tmp_path / "film.avi", digits(2))
    with pytest.raises(InputError, match="frames"):
        save_film(tmp_path / "film.gif", digits(0))
    with pytest.raises(InputError, match="frames a second"):
        save_film(tmp_path / "film.gif", digits(2), frames_per_second=0)
    with pytest.raises(InputError, match="whole number"):
        save_picture(tmp_path / "one.png", digits(1)[0], scale=0)
    assert not list(tmp_path.glob("*film*")) and not list(tmp_path.glob("*one*"))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    blocked = tmp_path / "folder.png"
    blocked.mkdir()
    (blocked / "kept").write_text("kept")
    with pytest.raises(EngineError, match="cannot be written"):
        save_picture(blocked, digits(1)[0])
    assert [path.name for path in tmp_path.glob("*png*")] == ["folder.png"]
    assert (blocked / "kept").read_text() == "kept"
