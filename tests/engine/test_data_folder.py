"""Folders of images: classes, sizes, formats, and what does not belong there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import EpsImagePlugin, Image

from vae_explorer.engine.data import load_dataset
from vae_explorer.engine.errors import Cancelled, DataError
from vae_explorer.engine.image_folder import list_folder, read_picture, subfolder_classes
from vae_explorer.engine.report import json_bytes


def save(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(np.uint8)).save(path)
    return path


def fill(folder: Path, count: int, level: int = 100, side: int = 20) -> None:
    for index in range(count):
        save(folder / f"{index}.png", np.full((side, side), level + index))


def test_subfolders_are_classes_in_their_natural_order(tmp_path: Path) -> None:
    for name, level in (("10", 150), ("9", 50), ("2", 0)):
        fill(tmp_path / name, 4, level)
    data = load_dataset("folder", tmp_path, image_size=16)
    assert data.class_names == ("2", "9", "10")
    assert data.image_shape == (1, 16, 16)
    assert data.title == tmp_path.name
    parts = (data.train, data.validation, data.test)
    assert [len(part) for part in parts] == [10, 1, 1]
    for part in parts:
        assert part.labels is not None
        for image, label in zip(part.images, part.labels, strict=True):
            assert int(image.float().mean()) // 50 == [0, 1, 3][int(label)]


def test_a_folder_without_subfolders_has_no_labels(tmp_path: Path) -> None:
    fill(tmp_path, 12)
    data = load_dataset("folder", tmp_path)
    assert data.train.labels is None and data.class_names == () and data.classes == 0
    assert (len(data.train), len(data.validation), len(data.test)) == (10, 1, 1)
    assert data.train.images.dtype == torch.uint8


def test_what_systems_leave_behind_is_passed_over(tmp_path: Path) -> None:
    fill(tmp_path / "cats", 3)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / name).write_bytes(b"junk")
        (tmp_path / "cats" / name).write_bytes(b"junk")
    (tmp_path / "__MACOSX").mkdir()
    assert len(list_folder(tmp_path)) == 3


def test_all_files_that_are_no_pictures_are_named_at_once(tmp_path: Path) -> None:
    fill(tmp_path, 20)
    for index in range(7):
        (tmp_path / f"broken {index}.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        load_dataset("folder", tmp_path)
    said = str(caught.value)
    assert [f"broken {index}.png is not a picture" in said for index in range(7)] == [True] * 5 + [
        False
    ] * 2
    assert said.endswith("2 more files are like that.")


def test_crop_takes_the_middle_and_pad_keeps_everything(tmp_path: Path) -> None:
    wide = np.full((10, 30), 40)
    wide[:, 10:20] = 200
    path = save(tmp_path / "wide.png", wide)
    assert (read_picture(path, 10, "crop", 1) == 200).all()
    padded = read_picture(path, 30, "pad", 1)[0]
    assert padded.shape == (30, 30)
    assert padded[15, 15] == 200
    assert padded[0, 0] == padded[15, 0] == 40  # filled up with the level of the edge


def test_colour_is_grey_unless_asked_for(tmp_path: Path) -> None:
    red = np.zeros((8, 8, 3))
    red[..., 0] = 255
    path = save(tmp_path / "red.png", red)
    assert read_picture(path, 8, "crop", 1).shape == (1, 8, 8)
    colour = read_picture(path, 8, "pad", 3)
    assert colour[:, 4, 4].tolist() == [255, 0, 0]
    fill(tmp_path, 4)
    assert load_dataset("folder", tmp_path, channels=3).image_shape == (3, 28, 28)


def test_a_turned_photograph_stands_upright(tmp_path: Path) -> None:
    image = Image.fromarray(np.vstack([np.full((4, 8), 250), np.zeros((4, 8))]).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 3  # orientation: upside down
    image.save(tmp_path / "turned.png", exif=exif)
    pixels = read_picture(tmp_path / "turned.png", 8, "crop", 1)[0]
    assert pixels[0].max() == 0 and pixels[-1].min() == 250


def test_sixteen_bits_palettes_and_transparency_are_read(tmp_path: Path) -> None:
    deep = Image.fromarray(np.full((8, 8), 257 * 128, np.uint16))
    deep.save(tmp_path / "deep.png")
    assert (read_picture(tmp_path / "deep.png", 8, "crop", 1) == 128).all()
    ink = np.zeros((8, 8, 4))
    ink[2:6, 2:6, 3] = 255  # black ink on nothing
    save(tmp_path / "ink.png", ink)
    pixels = read_picture(tmp_path / "ink.png", 8, "crop", 1)[0]
    assert pixels[4, 4] == 0 and pixels[0, 0] == 255
    Image.fromarray(np.full((8, 8), 77, np.uint8)).convert("P").save(tmp_path / "palette.gif")
    assert abs(int(read_picture(tmp_path / "palette.gif", 8, "crop", 1)[0, 4, 4]) - 77) <= 1


def test_a_text_file_is_one_sentence_naming_it(tmp_path: Path) -> None:
    fill(tmp_path, 12)
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.raises(DataError) as caught:
        load_dataset("folder", tmp_path)
    assert "notes.txt" in str(caught.value) and "\n" not in str(caught.value)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    fill(tmp_path, 2)
    path = save(tmp_path / "good.png", random.randint(0, 256, (64, 64)))
    broken = tmp_path / "broken.png"
    broken.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match=r"broken\.png is a damaged"):
        load_dataset("folder", tmp_path)


@pytest.mark.parametrize("keep", [9, 20, 40, 100, 1000])
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tiff", "webp"])
def test_no_damage_gets_past_as_another_exception(tmp_path: Path, suffix: str, keep: int) -> None:
    random = np.random.RandomState(0)
    path = save(tmp_path / f"image.{suffix}", random.randint(0, 256, (64, 64)))
    content = bytearray(path.read_bytes())
    content[keep:] = bytes(random.randint(0, 256, len(content) - keep).astype(np.uint8))
    path.write_bytes(content)
    try:
        assert read_picture(path, 28, "crop", 1).shape == (1, 28, 28)
    except DataError as error:
        assert path.name in str(error)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: None, "holds no pictures"),
        (lambda folder: (folder / "cats").mkdir(), "cats holds no pictures"),
        (
            lambda folder: fill(folder / "cats" / "black", 3),
            "black is a folder in a class's folder",
        ),
        (
            lambda folder: (fill(folder, 3), fill(folder / "cats", 3)),
            r"\(0.png\) beside .* \(cats\)",
        ),
        (lambda folder: fill(folder, 2), "2 images are too few: 3 are the least"),
    ],
)
def test_a_folder_that_is_no_data_set_says_why(tmp_path: Path, make, sentence: str) -> None:  # noqa: ANN001
    folder = tmp_path / "images"
    folder.mkdir()
    make(folder)
    with pytest.raises(DataError, match=sentence):
        load_dataset("folder", folder)


def test_a_folder_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Name the folder"):
        load_dataset("folder")
    with pytest.raises(DataError, match="is not a folder"):
        load_dataset("folder", tmp_path / "nowhere")


@pytest.mark.parametrize(
    "settings",
    [
        {"image_size": 0},
        {"image_size": 10_000},
        {"image_size": 1.5},
        {"image_size": "a"},
        {"image_size": None},
        {"image_size": True},
        {"fit": "stretch"},
        {"fit": np.array(["crop", "pad"])},
        {"channels": 2},
        {"channels": True},
        {"channels": 1.0},
    ],
)
def test_settings_out_of_range_are_refused(tmp_path: Path, settings: dict) -> None:
    fill(tmp_path, 3)
    with pytest.raises(DataError):
        load_dataset("folder", tmp_path, **settings)


def test_a_size_of_numpys_is_one(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    shape = load_dataset("folder", tmp_path, image_size=np.int64(8)).image_shape  # type: ignore[arg-type]
    assert shape == (1, 8, 8)


def test_reading_tells_its_progress_and_can_be_stopped(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    seen: list[tuple[int, int | None]] = []
    load_dataset("folder", tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(index, 5) for index in range(1, 6)]
    with pytest.raises(Cancelled):
        load_dataset("folder", tmp_path, cancelled=lambda: True)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_pipe_among_the_pictures_is_refused_and_a_link_is_followed(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", 1)
    link, pipe = tmp_path / "link.png", tmp_path / "pipe.png"
    link.symlink_to(tmp_path / "elsewhere" / "0.png")
    assert (read_picture(link, 8, "crop", 1) == 100).all()
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=r"pipe\.png is no file"):
        read_picture(pipe, 8, "crop", 1)


def test_no_other_program_is_started_for_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("started"))
    path = tmp_path / "drawing.eps"
    Image.new("L", (8, 8)).save(path)
    with pytest.raises(DataError, match="not a picture that can be read"):
        read_picture(path, 8, "crop", 1)


def test_numbers_from_0_to_1_are_levels_and_others_are_none(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    for level, expected in ((0.0, 0), (0.5, 128), (1.0, 255)):
        Image.fromarray(np.full((8, 8), level, np.float32)).save(path)
        assert (read_picture(path, 8, "crop", 1) == expected).all()
    for level in (-0.1, 200.0, np.nan):
        Image.fromarray(np.full((8, 8), level, np.float32)).save(path)
        with pytest.raises(DataError, match=r"float\.tif has numbers outside of 0 to 1"):
            read_picture(path, 8, "crop", 1)


@pytest.mark.parametrize("level", [0, 255, 70_000, -1])
def test_whole_numbers_of_32_bits_are_no_levels(tmp_path: Path, level: int) -> None:
    path = tmp_path / "deep.tif"
    Image.fromarray(np.full((8, 8), level, np.int32)).save(path)
    with pytest.raises(DataError, match=r"deep\.tif has whole numbers of 32 bits: scale"):
        read_picture(path, 8, "crop", 1)


def test_colours_of_lab_become_grey(tmp_path: Path) -> None:
    path = tmp_path / "lab.tif"
    Image.new("LAB", (8, 8), (255, 128, 128)).save(path)
    assert read_picture(path, 8, "crop", 1).min() > 200
    assert read_picture(path, 8, "crop", 3).shape == (3, 8, 8)


def test_a_file_that_cannot_be_read_is_named_once_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "nowhere.png")
    fill(tmp_path / "folder", 1)
    locked = tmp_path / "folder" / "0.png"
    for path, reason in ((link, "link to a file that is not there"), (locked, "Permission")):
        if path == locked:  # for root no file is

            def refuse(*_: object, **__: object) -> None:
                raise PermissionError(13, "Permission denied", str(locked))

            monkeypatch.setattr(Image, "open", refuse)
        with pytest.raises(DataError, match=f"{reason}.*take it out of the folder") as caught:
            read_picture(path, 8, "crop", 1)
        assert str(caught.value).count(str(path)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_names_that_are_not_utf_8_are_told_by_escapes(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    fill(folder / "a\nb", 2)
    fill(folder / os.fsdecode(b"\xe9"), 2)
    data = load_dataset("folder", folder)
    assert data.title == r"caf\udce9"
    assert data.class_names == subfolder_classes(folder) == (r"a\nb", r"\udce9")


def test_a_report_takes_names_that_are_not_utf_8() -> None:
    content = {"file": "caf\udce9"}
    assert json.loads(json_bytes(content)) == content
