"""Tasks of somebody who looks around in a model."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Qt

from tests.e2e.tasks.player import Place, Player
from tests.e2e.tasks.task import Task


def decode_a_point(player: Player) -> None:
    player.hover(-1.0, 1.0)
    player.wait(lambda: "−1.0" in player.window.image.accessibleDescription())
    shown = _decoded(player)
    player.click_point(1.5, -0.5)
    player.hover(0.0, 2.0)
    player.press(Qt.Key.Key_Right)
    x, y = player.window.canvas.pinned or (0.0, 0.0)
    assert 1.4 < x < 1.8 and -0.7 < y < -0.3
    assert not np.allclose(shown, _decoded(player), atol=0.05)


def choose_a_class_by_key(player: Player) -> None:
    player.press("7")
    assert player.window.classes.selected == 7
    assert player.window.image.accessibleDescription().endswith("y = 7")
    assert _read_digit(player, player.controller.exploring.decoded) == 7


def see_a_posterior(player: Player) -> None:
    x, y, index = _lonely_point(player)
    player.double_click_point(x, y)
    assert player.controller.session.sample == index
    assert player.controller.exploring.neighbour == index
    ellipse = player.window.canvas._scene.selected
    assert ellipse is not None
    assert np.allclose(ellipse.mean, (x, y), atol=1e-5)
    assert player.window.classes.selected == _labels(player)[index]


def find_a_four_that_becomes_a_nine(player: Player) -> None:
    """A plain VAE has no classes: from where the fours lie thickest to where the nines do."""
    film = player.window.film
    player.drag_path(_thickest(player, 4, 9), _thickest(player, 9, 4))
    player.wait(lambda: film.count > 10)
    player.click("Play (Space)")
    player.wait(lambda: film.current == film.count - 1)
    player.click("Pause (Space)")
    assert not film.is_playing
    frames = player.controller.pages.path_frames
    assert frames is not None
    assert _looks_like(player, frames[0]) == 4
    assert _looks_like(player, frames[-1]) == 9


def see_manifold_and_regions(player: Player) -> None:
    canvas = player.window.canvas
    before = canvas.grab().toImage()
    player.click("Layer: Manifold")
    player.click("Layer: Regions")
    scene = canvas._scene
    player.wait(lambda: scene.manifold.images is not None and scene.regions.classes is not None)
    assert canvas._scene.visible["manifold"] and canvas._scene.visible["regions"]
    assert all(player.window.menus.layers[n].isChecked() for n in ("manifold", "regions"))
    player.wait(lambda: _changed(before, canvas.grab().toImage()) > 0.5)


def find_why_kl_is_zero(player: Player) -> None:
    """A slider says that its dimension is idle; pulled, it leaves the image as it was."""
    bar, collapsed = player.window.dimensions, player.controller.session.collapsed
    assert 0 < collapsed.sum() < len(collapsed), "some dimensions are idle, some are not"
    opened = player.controller.session.opened
    assert opened is not None and opened.kl is not None
    idle = bar._sliders[int(opened.kl.argmin())]
    assert "its KL is near 0" in idle.toolTip()
    player.click_point(0.0, 0.0)
    before = _decoded(player)
    player.scroll_to(idle)
    start = idle.value()
    for _ in range(2):
        player.click(idle, QPoint(idle.width() - 3, idle.height() // 2))
    assert idle.value() - start > 90, "about a standard deviation of the prior"
    of_idle = np.abs(_decoded(player) - before).max()
    player.click_point(2.0, 2.0)
    of_busy = np.abs(_decoded(player) - before).max()
    assert of_idle < 0.15 and of_busy > 2 * of_idle, (of_idle, of_busy)


def edit_the_class_prior(player: Player) -> None:
    window = player.window
    player.click_tab("Samples")
    cell = window.classes.cell(3)
    foot, head = cell.bar.center().toPoint(), cell.bar.center().toPoint()
    foot.setY(round(cell.bar.bottom()) - 2)
    head.setY(round(cell.bar.top()) - 4)
    player.drag(player.find("Class"), [foot, head])
    assert player.controller.session.explorer.class_prior[3] > 0.95
    player.controller.idle.finish()
    images = window.samples.images()
    assert images is not None
    threes = player.controller.session.explorer.classify(images).argmax(axis=1) == 3
    assert threes.mean() > 0.7


def switch_to_dark(player: Player) -> None:
    light = player.window.grab().toImage().pixelColor(4, player.window.height() - 4).lightness()
    player.menu("View", "Theme", "Dark")
    player.wait(lambda: player.window.theme.is_dark and player.window.updatesEnabled())
    dark = player.window.grab().toImage().pixelColor(4, player.window.height() - 4).lightness()
    assert light > 200 and dark < 60
    assert player.controller.settings.value("theme") == "dark"


TASKS = [
    Task("decode a point of the latent space, and keep it", 2, decode_a_point),
    Task("see what this code looks like as a 7", 1, choose_a_class_by_key),
    Task("see the posterior of one image", 1, see_a_posterior),
    Task("find a 4 that turns into a 9, and watch it", 3, find_a_four_that_becomes_a_nine, "vae"),
    Task("see what the whole plane decodes to, and as what", 2, see_manifold_and_regions),
    Task("find why KL is 0 in a dimension", 5, find_why_kl_is_zero, "wide"),
    Task("make 3 a common class, and see samples follow", 2, edit_the_class_prior),
    Task("darken the window for the lecture hall", 3, switch_to_dark),
]


def _labels(player: Player) -> np.ndarray:
    gallery = player.controller.session.gallery
    assert gallery is not None and gallery.labels is not None
    return gallery.labels


def _means(player: Player) -> np.ndarray:
    opened = player.controller.session.opened
    assert opened is not None and opened.means is not None
    return opened.means


def _lonely_point(player: Player) -> tuple[float, float, int]:
    """The point in view farthest from all others: one that can be hit."""
    means = _means(player)
    gaps = np.linalg.norm(means[:, None] - means[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    x0, x1, y0, y1 = player.window.canvas.view
    inside = (means > (x0 + 0.3, y0 + 0.3)).all(axis=1) & (means < (x1 - 0.3, y1 - 0.3)).all(axis=1)
    index = int(np.where(inside, gaps.min(axis=1), 0.0).argmax())
    return float(means[index, 0]), float(means[index, 1]), index


def _thickest(player: Player, wanted: int, other: int) -> Place:
    """Where one class is most among itself beside another, and the decoded image shows it."""
    means, labels = _means(player), _labels(player)
    own = means[labels == wanted]

    def crowd(points: np.ndarray) -> np.ndarray:
        squares = ((own[:, None] - points[None]) ** 2).sum(axis=2)
        return np.exp(-squares / (2 * 0.2**2)).sum(axis=1)

    order = np.argsort(1.2 * crowd(means[labels == other]) - crowd(own))
    images = player.controller.session.explorer.decode(own[order[:40]])
    seen = [i for i, image in enumerate(images) if _looks_like(player, image) == wanted]
    assert seen, f"nothing on the canvas decodes to a {wanted}"
    x, y = own[order[seen[0]]]
    return float(x), float(y)


def _looks_like(player: Player, image: np.ndarray) -> int:
    """The class of most of the real images that resemble an image most."""
    gallery = player.controller.session.gallery
    assert gallery is not None
    gaps = ((gallery.images / 255.0 - image) ** 2).sum(axis=(1, 2))
    return int(np.bincount(_labels(player)[np.argsort(gaps)[:9]]).argmax())


def _read_digit(player: Player, image: np.ndarray | None) -> int:
    assert image is not None
    return int(player.controller.session.explorer.classify(image[None])[0].argmax())


def _decoded(player: Player) -> np.ndarray:
    image = player.controller.exploring.decoded
    assert image is not None
    return image


def _changed(before, after) -> float:  # noqa: ANN001
    """The share of some pixels that differ."""
    places = [(x, y) for x in range(60, after.width() - 20, 9) for y in range(80, 400, 9)]
    return float(np.mean([before.pixel(*p) != after.pixel(*p) for p in places]))
