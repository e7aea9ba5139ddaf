"""The command line: what it takes, what it refuses, and what it does without a screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import vae_explorer
from tests.gui.windows import python
from vae_explorer.gui import app
from vae_explorer.gui.controller.application import Options


def run(*arguments: str, cwd: Path, display: bool = True) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, as a user starts it."""
    return python("-m", "vae_explorer", *arguments, cwd=cwd, display=display)


INTERRUPTED = """
import os, signal, sys, traceback
from vae_explorer.gui import app
from vae_explorer.gui.main_window import MainWindow

class Interrupt:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "pyqtgraph.colormap":
            os.kill(os.getpid(), signal.SIGINT)

close = MainWindow.close

def noted(window):
    print("closed", any(f.name == "import_in_turns" for f in traceback.extract_stack()))
    return close(window)

MainWindow.close = noted
app.preflight.display_available = lambda: True  # Qt's offscreen one
app.preflight.missing_libraries = lambda for_screen: []
sys.meta_path.insert(0, Interrupt)
sys.exit(app.main([]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_an_interrupt_closes_the_window_when_what_it_interrupts_is_over(tmp_path: Path) -> None:
    ended = python("-c", INTERRUPTED, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "closed False\n"), ended.stderr


TERMINATED = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from vae_explorer import paths
from vae_explorer.gui import app
from vae_explorer.gui.controller.application import Controller

class Asking(Controller):
    def start(self):
        self.opened.connect(self.ask)
        super().start()

    def ask(self):
        self.session.unsaved = self.session.learned = True
        QTimer.singleShot(0, lambda: os.kill(os.getpid(), getattr(signal, sys.argv[1])))
        print("closed by the question:", self.window.close())

app.preflight.display_available = lambda: True  # Qt's offscreen one
app.preflight.missing_libraries = lambda for_screen: []
paths.user_models = lambda: Path("models")
sys.modules["vae_explorer.gui.controller.application"].Controller = Asking
sys.exit(app.main([sys.argv[2]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_the_end_of_a_session_closes_the_window_unasked_and_keeps_what_was_trained(
    name: str, tmp_path: Path, joint_file: Path
) -> None:
    ended = python("-c", TERMINATED, name, str(joint_file), cwd=tmp_path)
    told = "closed by the question: False\n"
    assert (ended.returncode, ended.stdout) == (0, told), ended.stderr
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["last-training.safetensors"]


ONE_CORE = """
import os, sys
os.environ.pop("OMP_NUM_THREADS", None)  # the tests' own
from vae_explorer.gui import app
assert "numpy" not in sys.modules  # whose BLAS asks when it is loaded

def build(*_, **__):
    import numpy as np
    from threading import active_count
    np.ones((300, 300)) @ np.ones((300, 300))
    print(len(os.listdir("/proc/self/task")) - active_count(), "OPENBLAS_NUM_THREADS" in os.environ)
    sys.exit(0)

app.build = build
app.main(["--screenshot", "window.png"])
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux lists threads there")
@pytest.mark.skipif(os.cpu_count() == 1, reason="one core is all there is")
def test_numpy_multiplies_on_the_windows_own_core(tmp_path: Path) -> None:
    """Its threads would wait for cores on which a training runs."""
    ended = python("-c", ONE_CORE, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "0 False\n"), ended.stderr


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        app.main(["--version"])
    assert stopped.value.code == 0
    assert vae_explorer.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("size", ["1440", "axb", "1x1", "99999x10", "-5x10"])
def test_a_size_that_is_none_is_refused(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        app.main([f"--size={size}"])
    assert stopped.value.code == 2
    assert "size" in capsys.readouterr().err


def test_a_missing_library_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library = app.preflight.Library("libEGL.so.1", "libegl1", "egl", "egl", "egl")
    monkeypatch.setattr(app.preflight, "missing_libraries", lambda for_screen: [library])
    assert app.main([]) == 1
    assert "libEGL.so.1" in caplog.text


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_model_that_is_no_file_is_one_sentence_and_exit_2(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.preflight, "missing_libraries", lambda for_screen: [])
    path = tmp_path / "missing.safetensors" if kind == "missing" else tmp_path
    assert app.main([str(path)]) == app.BAD_INPUT
    assert str(path) in caplog.text
    assert caplog.text.strip().endswith(".")


def test_a_screenshot_of_another_kind_is_refused_at_once(caplog: pytest.LogCaptureFixture) -> None:
    assert app.main(["--screenshot", "shot.jpg"]) == app.BAD_INPUT
    assert "saved as .png, not as shot.jpg" in caplog.text


def test_a_picture_of_the_window_has_exactly_the_size_asked(
    tmp_path: Path, joint_file: Path
) -> None:
    from PySide6.QtGui import QImage

    done = run(
        "--screenshot", "shot.png", "--size", "1100x720", "--theme", "dark", str(joint_file),
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    image = QImage(str(tmp_path / "shot.png"))
    assert (image.width(), image.height()) == (1100, 720)
    assert image.pixelColor(4, 60).lightness() < 60  # dark
    assert len({image.pixel(x, y) for x in range(0, 1100, 7) for y in range(0, 720, 7)}) > 200


def test_the_first_window_has_the_size_of_a_picture(qapp: QApplication) -> None:
    window = app.build(qapp, Options(None, None, "light"), remembers=False).window
    assert (window.width(), window.height()) == app.DEFAULT_SIZE
    window.close()
    window.deleteLater()


def test_a_picture_leaves_nothing_where_nothing_is_kept(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even there: as root, Qt would put a file of settings in the place of the device."""
    device = tmp_path / "null"
    device.touch()
    monkeypatch.setattr(app.os, "devnull", str(device))
    controller = app.build(qapp, Options(None, None, "light"), remembers=False)
    controller.window.close()
    assert not controller.settings.isWritable()
    assert device.read_bytes() == b""
    controller.window.deleteLater()


def test_settings_that_cannot_be_written_are_told_of_once(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """Not in place of what is said already, and nothing is promised that will not be."""
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "window.ini"  # not even root can write there
    monkeypatch.setattr("vae_explorer.paths.user_settings", lambda: place)
    monkeypatch.setattr("vae_explorer.gui.controller.remembering.TELLING_MS", 50)
    controller = app.build(qapp, Options(None, None, "light"), remembers=True)
    banner = controller.window.banner
    said: list[str] = []
    banner.shown.connect(lambda: said.append(banner.text()))
    controller.reporter.refuse("Something else.")
    controller.window.menus.scales[125].trigger()
    qtbot.wait(200)
    assert said == ["Something else."]
    banner.dismiss()
    qtbot.waitUntil(lambda: len(said) == 2)
    assert str(place) in said[1] and "not remembered" in said[1] and banner.kind() == "info"
    banner.dismiss()
    controller.looks.set_theme("light")
    qtbot.wait(200)
    assert len(said) == 2
    controller.window.close()
    controller.window.deleteLater()


def test_settings_that_are_written_are_not_spoken_of(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    place = tmp_path / "folder" / "window.ini"
    monkeypatch.setattr("vae_explorer.paths.user_settings", lambda: place)
    monkeypatch.setattr("vae_explorer.gui.controller.remembering.TELLING_MS", 50)
    controller = app.build(qapp, Options(None, None, "light"), remembers=True)
    controller.looks.set_theme("light")
    qtbot.waitUntil(place.exists)
    qtbot.wait(200)
    assert controller.window.banner.text() == ""
    controller.window.close()
    controller.window.deleteLater()


def test_without_a_display_a_picture_is_written_and_named(tmp_path: Path, joint_file: Path) -> None:
    done = run(str(joint_file), cwd=tmp_path, display=False)
    assert done.returncode == 0, done.stderr
    assert "no display" in done.stderr
    assert str(tmp_path / app.PICTURE_NAME) in done.stderr
    assert (tmp_path / app.PICTURE_NAME).stat().st_size > 10_000


def test_a_damaged_model_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nonsense")
    done = run("--screenshot", "shot.png", str(bad), cwd=tmp_path)
    assert done.returncode == app.BAD_INPUT
    assert "bad.safetensors" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "shot.png").exists()


@pytest.mark.parametrize(("chosen", "factor"), [("150", "1.5"), ("100", None), ("9999", None)])
def test_the_chosen_size_reaches_qt_before_the_application(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chosen: str, factor: str | None
) -> None:
    monkeypatch.setattr("vae_explorer.paths.user_settings", lambda: tmp_path / "window.ini")
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    settings.setValue("scale", chosen)
    settings.sync()
    monkeypatch.setenv("QT_SCALE_FACTOR", "")  # so that it is put back
    monkeypatch.delenv("QT_SCALE_FACTOR")
    app._take_scale()
    assert os.environ.get("QT_SCALE_FACTOR") == factor
    monkeypatch.setenv("QT_SCALE_FACTOR", "3")
    app._take_scale()
    assert os.environ["QT_SCALE_FACTOR"] == "3"  # what the user's own environment says counts
