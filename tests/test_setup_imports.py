"""The import rules hold, and the checks that say so can fail."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vae_explorer import paths

pytest.importorskip("importlinter", reason="needs the extra `tools`")


@pytest.fixture
def copy(tmp_path: Path, repository: Path) -> Path:
    """The source tree, to be spoiled."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repository / "vae_explorer", tmp_path / "vae_explorer", ignore=ignore)
    shutil.copy(repository / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_rules_hold(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("engine/data.py", "import PySide6.QtCore"),
        ("engine/data.py", "import vae_explorer.gui.style"),
        ("engine/config.py", "import numpy"),
        ("paths.py", "import vae_explorer.engine.errors"),
        ("gui/drawing_pad.py", "import vae_explorer.gui.curves"),
        ("gui/drawing_pad.py", "import vae_explorer.gui.controller"),
        ("gui/style.py", "import vae_explorer.gui.curves"),
        ("gui/preflight.py", "import vae_explorer.gui.main_window"),
        ("gui/a_module_without_a_place.py", "import vae_explorer.gui.style"),
    ],
)
def test_a_bad_import_is_found(copy: Path, module: str, line: str) -> None:
    path = copy / "vae_explorer" / module
    text = path.read_text() if path.exists() else ""
    path.write_text(f"{text}\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def test_the_window_loads_without_torch() -> None:
    code = (
        "import importlib, pkgutil, sys, vae_explorer.gui as gui\n"
        "for module in pkgutil.walk_packages(gui.__path__, 'vae_explorer.gui.'):\n"
        "    importlib.import_module(module.name)\n"
        "    assert 'torch' not in sys.modules, module.name\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_icon_that_is_named_is_there(repository: Path) -> None:
    sources = (repository / "vae_explorer" / "gui").rglob("*.py")
    pattern = re.compile(r"""\b(?:tool_button|icon)\(\s*"([a-z0-9-]+)\"""")
    named = {name for source in sources for name in pattern.findall(source.read_text())}
    assert {name for name in named if not paths.icon(name).is_file()} == set()
    assert "eraser" in named  # the search finds what it should


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_an_old_python_is_refused_in_a_sentence(tmp_path: Path, repository: Path) -> None:
    shutil.copy(repository / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "run", f"PYTHON={old}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()
