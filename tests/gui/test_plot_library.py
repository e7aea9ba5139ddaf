"""The import of the plot library: in turns, and never beside the window's own thread."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from tests.gui.windows import python
from vae_explorer.gui import main_window, style
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.plot_library import import_in_turns

MODULES = {
    "__init__": "import json\nfrom . import first, second\ndone = True\n",
    "first": "",
    "second": "from . import third\n",
    "third": "",
}


def package(folder: Path, name: str, **modules: str) -> None:
    (folder / name).mkdir()
    for module, text in modules.items():
        (folder / name / f"{module}.py").write_text(text, encoding="utf-8")


def test_a_package_is_imported_a_module_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "stepwise", **MODULES)
    monkeypatch.syspath_prepend(str(tmp_path))
    finders = list(sys.meta_path)
    there = []
    for _ in import_in_turns("stepwise"):
        modules = {name for name in sys.modules if name.startswith("stepwise.")}
        time.sleep(0.02)
        assert modules == {name for name in sys.modules if name.startswith("stepwise.")}
        there.append(len(modules))
    assert there == [0, 1, 2]  # what is about to be imported is not there yet, what imports it is
    assert sys.modules["stepwise"].done
    assert sys.meta_path == finders
    assert not [t for t in threading.enumerate() if t.name == "import stepwise"]
    assert list(import_in_turns("stepwise")) == []


def test_others_import_while_a_package_waits_for_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "waiting", **MODULES)
    (tmp_path / "meanwhile.py").write_text("done = True\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    turns = import_in_turns("waiting")
    next(turns)
    other = threading.Thread(target=importlib.import_module, args=("meanwhile",), daemon=True)
    other.start()
    other.join(10)
    try:
        assert not other.is_alive(), "it waits for a turn that whoever waits for it has to give"
    finally:
        assert list(turns) == [None] * 2
    assert sys.modules["meanwhile"].done and sys.modules["waiting"].done


def test_curves_that_cannot_be_made_say_why_every_time(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Iterator[None]:
        yield
        raise ImportError("no plot library")

    monkeypatch.setattr(main_window, "import_plot_library", fail)
    window = MainWindow(style.LIGHT)
    for _ in range(2):
        with pytest.raises(ImportError, match="no plot library"):
            _ = window.curves
    window.deleteLater()


def test_what_an_import_raises_is_raised_where_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "broken", **MODULES | {"third": "raise ImportError('no third')"})
    monkeypatch.syspath_prepend(str(tmp_path))
    finders = list(sys.meta_path)
    with pytest.raises(ImportError, match="no third"):
        list(import_in_turns("broken"))
    assert sys.meta_path == finders
    with pytest.raises(ImportError, match="no third"):
        importlib.import_module("broken")


WATCHED = """
import sys, threading, traceback
from pathlib import Path

beside = []

class Watch:
    @staticmethod
    def find_spec(name, path=None, target=None):
        main = sys._current_frames()[threading.main_thread().ident]
        waits = any(f.name == "import_in_turns" for f in traceback.extract_stack(main))
        if name.startswith("pyqtgraph") and not waits:
            beside.append(name)

sys.meta_path.insert(0, Watch)
from PySide6.QtWidgets import QApplication
from vae_explorer import paths
from vae_explorer.gui import app
from vae_explorer.gui.controller.application import Options

application = QApplication([])
controller = app.build(application, Options(paths.bundled_models()[0], None, "light"), remembers=False)
controller.window.show()
controller.plots.made.connect(application.quit)
assert "pyqtgraph" not in sys.modules
controller.start()
application.exec()
assert "pyqtgraph" in sys.modules
controller.window.close()
print(beside)
"""


def test_no_type_of_qt_is_made_beside_qt(tmp_path: Path) -> None:
    ended = python("-c", WATCHED, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"
