"""What an installation consists of."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

wheels = pytest.importorskip("hatchling.builders.wheel", reason="needs the extra `tools`")


def built(repository: Path, folder: Path, kind: str) -> set[str]:
    """The folders and files of the wheel's package, in `vae_explorer/`."""
    builder = wheels.WheelBuilder(str(repository))
    (wheel,) = builder.build(directory=str(folder), versions=[kind])
    with zipfile.ZipFile(wheel) as content:
        names = [Path(name).parts for name in content.namelist()]
    return {"/".join(parts[1:3]) for parts in names if parts[0] == "vae_explorer"}


def test_a_wheel_has_what_the_program_reads_and_not_the_readmes_pictures(
    repository: Path, tmp_path: Path
) -> None:
    names = built(repository, tmp_path, "standard")
    assert {"__main__.py", "py.typed", "engine/config.py", "resources/digits.npz"} <= names
    assert {"resources/models", "resources/icons"} <= names
    assert "resources/screenshots" not in names


def test_an_editable_installation_copies_nothing(repository: Path, tmp_path: Path) -> None:
    assert built(repository, tmp_path, "editable") == set()
