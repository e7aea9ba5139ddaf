"""Where things lie: what ships with the program, and what the user keeps."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

APP_NAME = "vae-explorer"
DATA_VARIABLE = "VAE_EXPLORER_DATA"
CACHE_VARIABLE = "VAE_EXPLORER_CACHE"
OPENING_MODEL = "joint-vae-2d.safetensors"  # the one the window opens with

_PACKAGE = Path(__file__).resolve().parent


def resources() -> Path:
    """The folder of bundled files: inside an installed package, beside it in a source tree."""
    installed = _PACKAGE / "resources"
    return installed if installed.is_dir() else _PACKAGE.parent / "resources"


def digits() -> Path:
    """The embedded subset of MNIST."""
    return resources() / "digits.npz"


def icon(name: str) -> Path:
    """The SVG file of the icon called `name`."""
    return resources() / "icons" / f"{name}.svg"


def bundled_models() -> list[Path]:
    """The models that ship with the program, the one to open first in front."""
    models = (resources() / "models").glob("*.safetensors")
    return sorted(models, key=lambda path: (path.name != OPENING_MODEL, path.name))


def user_data() -> Path:
    """The folder of downloaded data sets (`VAE_EXPLORER_DATA` names another); not created here."""
    named = os.environ.get(DATA_VARIABLE)
    return expanded(named) if named else _user_folder() / "data"


def user_cache() -> Path:
    """The folder of what can be made again (`VAE_EXPLORER_CACHE` names another); not created here."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return expanded(named)
    return _own(platformdirs.user_cache_path)


def user_models() -> Path:
    """The folder that the user's own models go to by default; not created here."""
    return _user_folder() / "models"


def user_recovery() -> Path:
    """The folder of a training of the window, for the case that its process is cut off; not created here."""
    return _user_folder() / "recovery"


def user_settings() -> Path:
    """The file in which the window remembers its layout and the recent models."""
    return _own(platformdirs.user_config_path) / "window.ini"


def home() -> Path:
    """The user's home; for one that has none, as in a container, the system's folder for what does not last."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir())


def expanded(path: str | Path) -> Path:
    """A path with its `~` resolved, or as it is where there is no such user."""
    return Path(os.path.expanduser(path))


def _user_folder() -> Path:
    return _own(platformdirs.user_data_path)


def _own(folder: Callable[..., Path]) -> Path:
    try:
        return folder(APP_NAME, appauthor=False)
    except RuntimeError:  # as `Path.home`
        return home() / APP_NAME
