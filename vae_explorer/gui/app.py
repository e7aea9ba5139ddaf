"""The composition root: command line, checks that must come before Qt, application, window."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import vae_explorer
from vae_explorer.engine.command_line import BAD_INPUT
from vae_explorer.engine.errors import EngineError
from vae_explorer.gui import preflight

if TYPE_CHECKING:
    from PySide6.QtCore import QMessageLogContext, QSize, QtMsgType
    from PySide6.QtWidgets import QApplication

    from vae_explorer.gui.controller.application import Controller, Options

_log = logging.getLogger(__name__)

DEFAULT_SIZE = (1440, 900)
PICTURE_NAME = "vae-explorer.png"
HEARTBEAT_MS = 200
FIRST_PAINT_MS = 30  # the window is painted before anything slow begins


def main(argv: Sequence[str] | None = None) -> int:
    """The command `vae-explorer`; returns the exit code."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    preflight.load_torch_runtime()
    for_screen = options.screenshot is None and preflight.display_available()
    missing = preflight.missing_libraries(for_screen)
    if missing:
        _log.error("%s", preflight.missing_sentence(missing))
        return 1
    if not for_screen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    picture = options.screenshot
    if picture is None and not for_screen:
        picture = Path(PICTURE_NAME)
        _log.warning("There is no display, so the window is rendered into a picture instead.")
    problem = _check_model(options.model) or _check_picture(picture)
    if problem:
        _log.error("%s", problem)
        return BAD_INPUT
    return _run(options, picture)


def _run(options: argparse.Namespace, picture: Path | None) -> int:
    _import_numpy_for_one_core()
    from PySide6.QtCore import QSize, QTimer, qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    from vae_explorer.gui.controller.application import Options

    qInstallMessageHandler(_on_qt_message)
    if picture is None:
        _take_scale()
    app = QApplication.instance() or QApplication(["vae-explorer"])
    assert isinstance(app, QApplication)
    model = options.model.absolute() if options.model else None
    chosen = Options(model, options.data_dir, options.theme, offers_recovery=picture is None)
    controller = build(app, chosen, remembers=picture is None)
    if picture is not None:
        return _take_picture(controller, picture, QSize(*options.size))
    controller.reporter.install_hooks()
    controller.window.fit_to_screen()
    controller.window.show()
    _close_on_signals(app, controller)
    QTimer.singleShot(FIRST_PAINT_MS, controller.start)
    return app.exec()


def _import_numpy_for_one_core() -> None:
    """Have NumPy multiply its small matrices on the window's own core.

    Its BLAS shares each out among all cores, and waits for the last: beside a training that is a hundred times as
    long as the product itself. The BLAS reads the variable once; torch's own may be another copy, which trains.
    """
    name = "OPENBLAS_NUM_THREADS"
    if name in os.environ:
        return
    os.environ[name] = "1"
    import numpy  # noqa: F401

    del os.environ[name]


def _close_on_signals(app: QApplication, controller: Controller) -> None:
    """Ctrl-C closes the window as its button does; what a system or a closed terminal sends, without a question.

    A signal is handled between two instructions of Python, whatever they are part of: it is noted,
    and the heartbeat, which gives Python some now and then, closes the window.
    """
    from PySide6.QtCore import QTimer

    noted: set[int] = set()

    def beat() -> None:
        question = app.activeModalWidget()
        if noted == {signal.SIGINT}:
            noted.clear()
            controller.window.close()
        elif noted and question is not None:
            question.close()  # unanswered: the next beat comes when whoever asked has gone on
        elif noted:
            noted.clear()
            _close_unasked(controller)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has not got the last
        if number is None:
            continue
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda number, _frame: noted.add(number))
    heartbeat = QTimer(app)
    heartbeat.timeout.connect(beat)
    heartbeat.start(HEARTBEAT_MS)


def _close_unasked(controller: Controller) -> None:
    """Close at once, for whoever wants the program to end kills it soon after.

    What was trained and not saved is kept where a window closed amid a training keeps it.
    """
    controller.files.finish()  # a window that is saving would close later, and not after a failure
    if controller.session.unsaved:
        controller.training.show_newest()  # which is what is kept
        if not controller.files.keep_unsaved():
            _log.error("The model that was trained here could not be kept.")
            controller.training.recovery.leave()  # for the next window to offer
    controller.training.shut_down()
    controller.session.unsaved = False
    controller.window.close()


def _take_scale() -> None:
    """Tell Qt the size that was chosen for everything; it asks once, before the application is made."""
    from PySide6.QtCore import QSettings

    from vae_explorer import paths
    from vae_explorer.gui.menus import SCALES

    settings = QSettings(str(paths.user_settings()), QSettings.Format.IniFormat)
    percent = str(settings.value("scale", "100"))
    if percent != "100" and percent in map(str, SCALES):
        os.environ.setdefault("QT_SCALE_FACTOR", f"{int(percent) / 100:g}")


def build(app: QApplication, options: Options, *, remembers: bool) -> Controller:
    """The window and its controller, themed and laid out, not yet shown."""
    from PySide6.QtCore import QLocale, QSettings
    from PySide6.QtGui import QIcon

    from vae_explorer import paths
    from vae_explorer.gui import style
    from vae_explorer.gui.controller.application import Controller
    from vae_explorer.gui.controller.remembering import Remembering
    from vae_explorer.gui.main_window import MainWindow

    QLocale.setDefault(QLocale(QLocale.Language.English))  # as every text is, and its numbers
    app.setApplicationName("vae-explorer")
    app.setApplicationDisplayName("VAE Explorer")
    app.setApplicationVersion(vae_explorer.__version__)
    app.setWindowIcon(QIcon(str(paths.icon("app"))))
    place = str(paths.user_settings())
    if not remembers:  # a picture is the same for everybody; nothing can be written inside a device
        place = os.path.join(os.devnull, "settings")  # itself Qt would replace, if root lets it
    settings = QSettings(place, QSettings.Format.IniFormat)
    name = options.theme or str(settings.value("theme", "system"))
    if name not in style.THEMES:
        name = style.system_theme_name()
    theme = style.THEMES[name]
    style.apply_theme(app, theme)
    window = MainWindow(theme)
    window.resize(*DEFAULT_SIZE)
    window.restore_layout(settings)
    controller = Controller(window, settings, options)
    if remembers:
        Remembering(window, settings, controller.reporter)
    return controller


def _take_picture(controller: Controller, path: Path, size: QSize) -> int:
    from vae_explorer.gui.screenshot import take_screenshot

    controller.window.show()
    controller.start()
    try:
        take_screenshot(controller, path, size)
    except EngineError as error:
        _log.error("%s", error)
        return BAD_INPUT
    finally:
        controller.session.unsaved = False
        controller.window.close()
    _log.info("Wrote %s", path.resolve())
    return 0


def _check_model(path: Path | None) -> str | None:
    """What is wrong with a model file as far as can be seen without the engine."""
    if path is None:
        return None
    if not path.exists():
        return f"{path} does not exist."
    if not path.is_file():
        return f"{path} is not a file."
    return None


def _check_picture(path: Path | None) -> str | None:
    """What is wrong with the name of a screenshot, which is a PNG."""
    if path is None or path.suffix.lower() == ".png":
        return None
    return f"A screenshot is saved as .png, not as {path.name}."


def _on_qt_message(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    """What Qt says goes where everything is logged; a screen that is none cannot do all."""
    if "propagateSizeHints" not in text:
        _log.log(logging.DEBUG if kind.name == "QtDebugMsg" else logging.WARNING, "Qt: %s", text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vae-explorer",
        description="Train variational autoencoders, and walk around in what they have learned.",
    )
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL", help="a model to open")
    parser.add_argument("--data-dir", type=Path, help="where data sets lie, such as MNIST/raw")
    parser.add_argument("--theme", choices=("light", "dark"), help="default: as the system")
    parser.add_argument(
        "--screenshot", type=Path, metavar="FILE", help="write a picture (PNG), and end"
    )
    parser.add_argument(
        "--size", type=_size, default=DEFAULT_SIZE, metavar="WxH", help="of it: default 1440x900"
    )
    parser.add_argument(
        "--version", action="version", version=f"VAE Explorer {vae_explorer.__version__}"
    )
    return parser


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a size is written 1440x900, not {text}") from error
    if not (320 <= width <= 16384 and 240 <= height <= 16384):
        raise argparse.ArgumentTypeError("a size is from 320x240 to 16384x16384")
    return width, height
