"""Imports pyqtgraph behind the window: on a thread, but only while the window's own waits for it.

The import makes hundreds of Qt's types. PySide keeps those in a table that Qt reads without Python's lock, so that an
import beside the window ended one start in forty with a segmentation fault; all at once it would hold the window up.
"""

from __future__ import annotations

import _imp
import gc
import importlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6 import QtCore, QtGui, QtWidgets

from vae_explorer.gui.idle import BUDGET_MS

_work: Iterator[None] | None = None  # of the process: whoever asks goes on with what was begun


def import_plot_library() -> Iterator[None]:
    """Import it in turns of a few milliseconds."""
    global _work
    if _work is None:
        _work = _pieces()
    began = time.perf_counter()
    try:
        for _ in _work:
            if 1000 * (time.perf_counter() - began) >= BUDGET_MS:
                yield
                began = time.perf_counter()
    except Exception:
        _work = None  # whoever asks again shall be told again
        raise


def finish_import() -> None:
    """Go to the end of an import that was begun."""
    for _ in _work or ():
        pass


def _pieces() -> Iterator[None]:
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            getattr(module, name)  # PySide makes a type when it is first asked for
            yield
    yield from import_in_turns("pyqtgraph")
    gc.freeze()  # what is never freed is not looked through for garbage


@contextmanager
def _imports_released() -> Iterator[None]:
    """Let others import meanwhile: Python asks a finder under the lock of all imports, the window's own among them."""
    try:
        _imp.release_lock()
    except RuntimeError:  # a Python that asks without it
        yield
        return
    try:
        yield
    finally:
        _imp.acquire_lock()


def import_in_turns(package: str) -> Iterator[None]:
    """Import a package, a module each time that this is advanced, and none of them in between.

    Until it is through nobody else may import the package: its thread may wait for its turn with half of it done.

    Raises:
        Exception: whatever the import raises.
    """
    turn, back = threading.Semaphore(0), threading.Semaphore(0)
    errors: list[BaseException] = []

    class Pause:
        """A finder that finds nothing, and is asked before every module."""

        @staticmethod
        def find_spec(name: str, _path: object = None, _target: object = None) -> None:
            if threading.current_thread() is thread and name.startswith(f"{package}."):
                with _imports_released():
                    back.release()
                    turn.acquire()

    def run() -> None:
        turn.acquire()
        try:
            importlib.import_module(package)
        except BaseException as error:  # of the one who waits
            errors.append(error)
        sys.meta_path.remove(Pause)
        done.set()
        back.release()

    done = threading.Event()
    thread = threading.Thread(target=run, name=f"import {package}", daemon=True)
    sys.meta_path.insert(0, Pause)
    thread.start()
    while True:
        turn.release()
        back.acquire()
        if done.is_set():
            break
        yield
    thread.join()
    if errors:
        raise errors[0]
