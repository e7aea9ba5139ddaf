"""MP4 films: made where an ffmpeg program is found, refused by a sentence where none is."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vae_explorer.engine import films
from vae_explorer.engine.errors import EngineError, InputError
from vae_explorer.engine.figures import save_film

# Writes down how it was called and how much it was given; knows no libx264 where it is told so.
FAKE = """#!{python}
import pathlib, sys
here = pathlib.Path({folder!r})
frames = sys.stdin.buffer.read()
with (here / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + f" bytes={{len(frames)}}\\n")
if {broken!r} in sys.argv:
    sys.exit("Unknown encoder " + {broken!r})
pathlib.Path(sys.argv[-1]).write_bytes(b"a film")
"""

posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")


def walk(count: int, side: int = 9) -> np.ndarray:
    """A bright square walking over a dark ground, (T, side, side) uint8."""
    frames = np.zeros((count, side, side), np.uint8)
    for index in range(count):
        frames[index, 2:6, index : index + 3] = 255
    return frames


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> Path:
    program = folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(FAKE.format(python=sys.executable, folder=str(folder), broken=broken))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent) + os.pathsep + os.environ["PATH"])
    return folder / "calls"


@pytest.mark.usefixtures("no_program")
def test_without_ffmpeg_an_mp4_is_refused_by_a_sentence(tmp_path: Path) -> None:
    assert films.ffmpeg_program() is None
    with pytest.raises(InputError, match="needs ffmpeg: install ffmpeg"):
        save_film(tmp_path / "film.mp4", walk(3))
    assert not list(tmp_path.iterdir())


@posix
def test_frames_go_to_the_program_at_their_size_and_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = stand_in(tmp_path, monkeypatch, broken="nothing")
    save_film(tmp_path / "film.mp4", walk(5), frames_per_second=15, scale=3)
    assert (tmp_path / "film.mp4").read_bytes() == b"a film"
    said = calls.read_text()
    assert said.count("\n") == 1 and "libx264" in said
    assert "-s 28x28 -r 15" in said  # 27 made even
    assert f"bytes={5 * 28 * 28 * 3}" in said


@posix
def test_without_h264_the_programs_own_codec_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = stand_in(tmp_path, monkeypatch, broken="libx264")
    save_film(tmp_path / "film.mp4", walk(2))
    assert (tmp_path / "film.mp4").read_bytes() == b"a film"
    first, second = calls.read_text().splitlines()
    assert "libx264" in first and "libx264" not in second


@posix
def test_what_ffmpeg_complains_of_is_told_and_the_old_film_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, broken="-an")
    (tmp_path / "film.mp4").write_bytes(b"old")
    with pytest.raises(EngineError, match=r"Unknown encoder -an.*save it as \.gif"):
        save_film(tmp_path / "film.mp4", walk(2))
    assert (tmp_path / "film.mp4").read_bytes() == b"old"


@posix
def test_a_machine_without_a_temporary_folder_makes_no_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, broken="nothing")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(EngineError, match="no folder for temporary files"):
        save_film(tmp_path / "film.mp4", walk(2))


@pytest.mark.skipif(films.ffmpeg_program() is None, reason="no ffmpeg here")
def test_a_real_film_has_its_frames(tmp_path: Path) -> None:
    program = films.ffmpeg_program()
    assert program
    frames = walk(6)
    save_film(tmp_path / "film.mp4", frames, frames_per_second=12, scale=4)
    about = subprocess.run([program, "-i", tmp_path / "film.mp4"], capture_output=True, text=True)
    assert re.search(r"Video: .*yuv420p.*36x36.*12 fps", about.stderr)
    decoded = subprocess.run(
        [program, "-loglevel", "error", "-i", tmp_path / "film.mp4", "-f", "rawvideo",
         "-pix_fmt", "gray", "-"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    film = np.frombuffer(decoded, np.uint8).reshape(6, 36, 36)[:, 2::4, 2::4]
    assert np.abs(film.astype(int) - frames).max() < 40
