"""Where things lie: what ships with the program, and what the user keeps."""

from __future__ import annotations

import os
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
    return Path(named).expanduser() if named else _user_folder() / "data"


def user_cache() -> Path:
    """The folder of what can be made again (`VAE_EXPLORER_CACHE` names another); not created here."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    return platformdirs.user_cache_path(APP_NAME, appauthor=False)


def user_models() -> Path:
    """The folder that the user's own models go to by default; not created here."""
    return _user_folder() / "models"


def user_recovery() -> Path:
    """The folder of a training of the window, for the case that its process is cut off; not created here."""
    return _user_folder() / "recovery"


def user_settings() -> Path:
    """The file in which the window remembers its layout and the recent models."""
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "window.ini"


def _user_folder() -> Path:
    return platformdirs.user_data_path(APP_NAME, appauthor=False)
