"""Where things lie on machines of other kinds."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from vae_explorer import paths

FOLDERS = (paths.user_cache, paths.user_data, paths.user_models, paths.user_settings)


@pytest.fixture
def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of a container who has a number and no name."""
    pwd = pytest.importorskip("pwd", reason="users are POSIX's")

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in [key for key in os.environ if key.startswith(("XDG_", "VAE_EXPLORER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("HOME", raising=False)


def test_a_user_without_a_home_has_a_place_for_what_does_not_last(without_home: None) -> None:
    place = Path(tempfile.gettempdir())
    assert paths.home() == place
    for folder in FOLDERS:
        assert folder().is_relative_to(place)


def test_a_folder_of_no_known_user_is_taken_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert paths.expanded("~/images") == Path.home() / "images"
    assert paths.expanded("~nobody-of-that-name/images") == Path("~nobody-of-that-name/images")
    monkeypatch.setenv(paths.DATA_VARIABLE, "~nobody-of-that-name")
    assert paths.user_data() == Path("~nobody-of-that-name")
