"""The window on a system of another language: it opens, and its numbers are those of its texts."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.gui.windows import python

WINDOW = """
import os
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication, QSpinBox
from vae_explorer.gui.app import _close_on_signals, build
from vae_explorer.gui.controller.application import Options

app = QApplication([])
print(QLocale().name())
controller = build(app, Options(), remembers=False)
_close_on_signals(app, controller)
form = controller.window.training.form
form.set_value("epochs", 12345)
print(form.findChild(QSpinBox, "epochs").text())
controller.window.close()
"""


@pytest.fixture
def of_the_system(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A process that is started has the locale that the test names."""
    name, program = request.param, shutil.which("localedef")
    made = tmp_path / "locales" / f"{name}.UTF-8"
    made.parent.mkdir()
    if program is not None:
        subprocess.run([program, "-i", name, "-f", "UTF-8", str(made)], check=False)
    if not made.is_dir():
        pytest.skip("no localedef, or no sources for it")
    for variable in [key for key in os.environ if key.startswith("LC_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("LOCPATH", str(made.parent))
    monkeypatch.setenv("LC_ALL", made.name)
    return name


@pytest.mark.parametrize("of_the_system", ["de_DE", "tr_TR", "ar_EG"], indirect=True)
def test_the_window_is_the_same_in_every_language(of_the_system: str, tmp_path: Path) -> None:
    ended = python("-c", WINDOW, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [of_the_system, "12,345"]


def test_no_property_is_set_by_a_name_that_turkish_lacks(repository: Path) -> None:
    """PySide makes `setInterval` of `interval` by the system's language: in Turkish I is no capital i."""
    for path in (repository / "vae_explorer" / "gui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = [keyword.arg or "" for keyword in node.keywords]
                is_qt = node.func.id.startswith("Q") and node.func.id[1:2].isupper()
                assert not (is_qt and any(name.startswith("i") for name in names)), path
