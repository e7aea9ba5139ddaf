"""Folders too large for the memory: decoded once into a file, trained on from there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vae_explorer import paths
from vae_explorer.engine import pixel_cache
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.data import Dataset, Split, load_dataset
from vae_explorer.engine.errors import Cancelled, DataError
from vae_explorer.engine.models import build_model
from vae_explorer.engine.training import Trainer, TrainingControl

SIDE = 10
IMAGES = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """12 random pictures in two classes."""
    random = np.random.RandomState(0)
    for name in ("cats", "dogs"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(IMAGES // 2):
            pixels = random.randint(0, 256, (SIDE, SIDE)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{index}.png")
    return tmp_path / "images"


@pytest.fixture(autouse=True)
def any_folder_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_cache, "IN_MEMORY", 1)


def load(folder: Path, size: int = SIDE) -> Dataset:
    return load_dataset("folder", folder, image_size=size)


def decoded(folder: Path, size: int = SIDE) -> int:
    """How many pictures loading the folder decodes."""
    seen: list[int] = []
    load_dataset("folder", folder, image_size=size, progress=lambda done, _: seen.append(done))
    return len(seen)


def files() -> list[Path]:
    """Everything in the cache folder, temporary files too."""
    return sorted(path for path in paths.user_cache().rglob("*") if path.is_file())


def same(one: Dataset, other: Dataset) -> bool:
    pairs = [(one.train, other.train), (one.validation, other.validation), (one.test, other.test)]
    return all(
        torch.equal(a.images, b.images)
        and a.labels is not None
        and b.labels is not None
        and torch.equal(a.labels, b.labels)
        for a, b in pairs
    )


def test_a_file_holds_the_same_images_as_the_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_file = load(folder)
    monkeypatch.setattr(pixel_cache, "IN_MEMORY", IMAGES * SIDE**2 + 1)
    in_memory = load(folder)
    assert same(from_file, in_memory)
    assert from_file.class_names == ("cats", "dogs")
    assert [len(part) for part in (from_file.train, from_file.validation, from_file.test)] == [
        10,
        1,
        1,
    ]


def test_small_folders_leave_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(folder.parent / "cache"))
    load(folder)
    assert pixel_cache.IN_MEMORY == 64 * 2**20
    assert not files() and not (folder.parent / "cache").exists()


def test_pictures_are_decoded_once(folder: Path) -> None:
    assert decoded(folder) == IMAGES
    first = load(folder)
    assert decoded(folder) == 0
    assert same(first, load(folder))
    assert len(files()) == 1


def test_the_file_is_a_plain_array_that_only_the_user_can_read(folder: Path) -> None:
    data = load(folder)
    (path,) = files()
    images = torch.cat([data.train.images, data.validation.images, data.test.images])
    np.testing.assert_array_equal(np.load(path, allow_pickle=False), images.numpy())
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_splits_and_training_share_the_memory_of_the_map(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "preadv", raising=False)
    data = load(folder)
    start = data.train.images.data_ptr()
    assert data.validation.images.data_ptr() == start + 10 * SIDE**2
    assert data.test.images.data_ptr() == start + 11 * SIDE**2
    assert data.train.images.is_contiguous()
    model = build_model(ModelConfig(image_shape=data.image_shape, widths=(4,)))
    trainer = Trainer(model, data, TrainingConfig(device="cpu"), TrainingControl(), None)  # type: ignore[arg-type]
    assert trainer.pixels.func.__self__.data_ptr() == start  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="this system reads through the map alone")
def test_a_training_reads_its_pictures_from_the_file(folder: Path) -> None:
    data = load(folder)
    model = build_model(ModelConfig(image_shape=data.image_shape, widths=(4,)))
    trainer = Trainer(model, data, TrainingConfig(device="cpu"), TrainingControl(), None)  # type: ignore[arg-type]
    assert data.train.file is not None and trainer.pixels == data.train.file.rows
    index = torch.tensor([3, 0, 7, 3])
    assert torch.equal(trainer.pixels(index), data.train.images.flatten(1)[index])
    (path,) = files()
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(DataError, match="read back"):
        trainer.pixels(torch.tensor([IMAGES - 1]))


def rewrite(folder: Path) -> None:
    Image.new("L", (SIDE, SIDE), 7).save(folder / "cats" / "0.png")


def touch(folder: Path) -> None:
    os.utime(folder / "cats" / "0.png", ns=(1, 1))


def rename(folder: Path) -> None:
    (folder / "cats" / "0.png").rename(folder / "cats" / "00.png")


def remove(folder: Path) -> None:
    (folder / "cats" / "0.png").unlink()


@pytest.mark.parametrize("change", [rewrite, touch, rename, remove])
def test_a_changed_folder_is_read_anew_and_its_old_files_go(
    folder: Path, change: Callable[[Path], None]
) -> None:
    load(folder)
    load(folder, 2 * SIDE)
    before = files()
    assert len(before) == 2
    change(folder)
    assert decoded(folder) == IMAGES - (change is remove)
    (after,) = files()
    assert after not in before


def test_other_settings_and_other_folders_have_files_of_their_own(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    for path in (folder / "cats").iterdir():
        (tmp_path / "other" / path.name).write_bytes(path.read_bytes())
    load(folder)
    load(folder, 2 * SIDE)
    load_dataset("folder", folder, image_size=SIDE, fit="pad")
    load_dataset("folder", folder, image_size=SIDE, channels=3)
    load(tmp_path / "other")
    assert len(files()) == 5
    assert decoded(folder) == decoded(folder, 2 * SIDE) == decoded(tmp_path / "other") == 0


def cut(content: bytes) -> bytes:
    return content[:-1]


def lengthen(content: bytes) -> bytes:
    return content + b"\0"


def empty(content: bytes) -> bytes:
    return b""


def spoil_the_header(content: bytes) -> bytes:
    return b"\0" * 64 + content[64:]


@pytest.mark.parametrize("damage", [cut, lengthen, empty, spoil_the_header])
def test_a_damaged_file_is_made_again(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    load(folder)
    (path,) = files()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert decoded(folder) == IMAGES
    assert files() == [path] and path.read_bytes() == whole


def test_progress_and_stopping_leave_nothing_half_done(folder: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with pytest.raises(Cancelled):
        load_dataset(
            "folder",
            folder,
            progress=lambda done, total: seen.append((done, total)),
            cancelled=lambda: len(seen) == 5,
        )
    assert seen == [(done, IMAGES) for done in range(1, 6)]
    assert not files()


def test_a_damaged_picture_leaves_nothing(folder: Path) -> None:
    (folder / "dogs" / "3.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"3\.png"):
        load(folder)
    assert not files()


def test_too_little_room_is_said_before_the_first_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(pixel_cache.shutil, "disk_usage", lambda _: usage(10, 10, 0))
    seen: list[int] = []
    with pytest.raises(DataError, match="make room") as caught:
        load_dataset("folder", folder, progress=lambda done, _: seen.append(done))
    assert not seen and not files()
    assert paths.CACHE_VARIABLE in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of a process there")
def test_a_file_that_the_system_refuses_to_extend_is_one_sentence(folder: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(DataError, match="cannot be kept in") as caught:
            load(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.strerror(errno.EFBIG) in str(caught.value) and "\n" not in str(caught.value)
    assert not files()


def test_a_disk_that_fills_up_at_the_last_moment_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pixel_cache.os, "fsync", full)
    with pytest.raises(DataError, match="No space left"):
        load(folder)
    assert not files()


def test_a_cache_folder_that_cannot_be_made_is_one_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=paths.CACHE_VARIABLE):
        load(folder)


def test_parts_of_dead_processes_go_and_those_of_living_ones_stay(folder: Path) -> None:
    load(folder)
    (path,) = files()
    dead, living = (path.with_name(f"{path.stem}.{name}.part") for name in ("dead", "living"))
    for part in (dead, living):
        part.write_bytes(b"half")
    os.utime(dead, (1, 1))
    load(folder)
    assert files() == sorted([path, living])


def test_the_cache_folder_is_the_systems_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.CACHE_VARIABLE)
    assert paths.user_cache().name in (paths.APP_NAME, "Cache")
    monkeypatch.setenv(paths.CACHE_VARIABLE, "~/elsewhere")
    assert paths.user_cache() == Path.home() / "elsewhere"


PROGRAM = """
import resource, sys
from pathlib import Path
import torch
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.data import Dataset, Split, _view
from vae_explorer.engine.models import build_model
from vae_explorer.engine.pixel_cache import _header, _open
from vae_explorer.engine.training import fit

def memory(name):  # bytes
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))

def first_step(images):
    parts = Split(images[: -2000]), Split(images[-2000:-1000]), Split(images[-1000:])
    events = fit(model, Dataset("folder", "Large", *parts), config)
    assert next(events).step == 10
    return events

torch.set_num_threads(1)
path, count = Path(sys.argv[1]), int(sys.argv[2])
shape = (count, 1, 64, 64)
path.write_bytes(_header(shape))
with path.open("ab") as file:
    file.truncate(len(_header(shape)) + 4096 * count)  # of zeros, which take no room on the disk
config = TrainingConfig(batch_size=64, device="cpu")
model = build_model(ModelConfig(image_shape=shape[1:], widths=(16,)))
first_step(torch.zeros(3000, *shape[1:], dtype=torch.uint8)).close()  # what is imported late
limit = memory("VmData") + 300_000_000  # of private memory; a copy of the images would not fit
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
before = memory("RssAnon")
images = _view(_open(path, shape))
events = first_step(images)
images.max()  # every page is read
print(memory("RssAnon") - before, memory("RssFile"))
events.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_training_on_600_megabytes_takes_a_fraction_of_them(tmp_path: Path) -> None:
    count = 600_000_000 // 64**2
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "large.npy"), str(count)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    private, mapped = map(int, done.stdout.split())
    assert private < 100_000_000
    assert mapped > 500_000_000  # so the images were indeed in reach, as pages of the file


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="this system reads through the map alone")
def test_a_folder_too_large_for_a_device_is_read_from_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = load(folder).train
    device = torch.device("meta")  # stands for one that has room for a batch, and gives it back
    asked = []

    def short_of_memory(tensor: torch.Tensor, to: torch.device) -> torch.Tensor:
        asked.append((len(tensor), to))
        if len(tensor) == len(split):
            raise torch.OutOfMemoryError
        return tensor

    monkeypatch.setattr(torch.Tensor, "to", short_of_memory)
    rows = split.rows(device)
    assert torch.equal(rows(torch.tensor([3, 0])), split.images.flatten(1)[[3, 0]])
    assert asked == [(len(split), device), (2, device)]
    with pytest.raises(torch.OutOfMemoryError):
        Split(split.images).rows(device)
