"""MP4 films, made by the ffmpeg program where there is one: the system's, or imageio-ffmpeg's."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae_explorer.engine.errors import EngineError, InputError
from vae_explorer.engine.files import disk_problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOW_TO_GET = "install ffmpeg, or `pip install imageio-ffmpeg`"
TIMEOUT = 300  # seconds
# H.264 is what every player knows; where ffmpeg was built without it, its own choice for .mp4
_CODECS = (("-c:v", "libx264", "-crf", "14"), ("-q:v", "2"))


def ffmpeg_program() -> str | None:
    """The path of an ffmpeg program, or None where there is none."""
    found = shutil.which("ffmpeg")
    if found is None and importlib.util.find_spec("imageio_ffmpeg"):
        import imageio_ffmpeg

        try:
            return imageio_ffmpeg.get_ffmpeg_exe()
        except RuntimeError:  # a package without its program
            return None
    return found


def mp4(frames: NDArray[np.uint8], frames_per_second: float) -> bytes:
    """Frames (T, H, W, 3) as an MP4 file. An odd side grows by a pixel: the format has even ones.

    Raises:
        InputError: there is no ffmpeg program.
        EngineError: it cannot do it.
    """
    program = ffmpeg_program()
    if program is None:
        raise InputError(f"An MP4 film needs ffmpeg: {HOW_TO_GET}; or save the film as .gif.")
    sides = [(0, side % 2) for side in frames.shape[1:3]]
    even = np.ascontiguousarray(np.pad(frames, [(0, 0), *sides, (0, 0)], mode="edge"))
    said = ""
    with _temporary_folder() as folder:
        film = Path(folder) / "film.mp4"
        for codec in _CODECS:
            said = _run(
                [program, *_arguments(even.shape, frames_per_second, codec), str(film)], even
            )
            if not said and film.is_file():
                return film.read_bytes()
    reason = said.splitlines()[-1] if said else "it wrote nothing"
    raise EngineError(f"ffmpeg could not make the film ({reason}): save it as .gif instead.")


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="vae-explorer-")
    except OSError as error:
        raise EngineError(
            f"There is no folder for temporary files: {disk_problem(error)}"
        ) from error


def _arguments(shape: Sequence[int], frames_per_second: float, codec: Sequence[str]) -> list[str]:
    size = f"{shape[2]}x{shape[1]}"
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", f"{frames_per_second:g}"]
    target = [*codec, "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    return ["-y", "-loglevel", "error", *source, "-i", "-", "-an", *target]


def _run(command: Sequence[str], frames: NDArray[np.uint8]) -> str:
    """What the program complains of; an empty text where it is content."""
    try:
        done = subprocess.run(
            command,
            input=frames.tobytes(),
            capture_output=True,
            timeout=TIMEOUT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # no console on Windows
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    complaint = done.stderr.decode(errors="replace").strip()
    return "" if done.returncode == 0 else complaint or f"exit code {done.returncode}"
