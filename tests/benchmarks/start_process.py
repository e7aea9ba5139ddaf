"""The start of the application as `app._run` makes it, with the moments of two events written down."""

from __future__ import annotations

import json
import sys
import time

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from vae_explorer.gui.app import FIRST_PAINT_MS, build
from vae_explorer.gui.controller.application import Options


class Moments(QObject):
    """When the window was first painted, and when the first model answered."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and "shown" not in self.seconds:
            QTimer.singleShot(0, lambda: self.seconds.setdefault("shown", time.monotonic()))
        return False


def main() -> None:
    app = QApplication(["vae-explorer"])
    controller = build(app, Options(None, None, "light"), remembers=False)
    moments = Moments()
    controller.window.canvas.installEventFilter(moments)

    def opened() -> None:
        controller.session.explorer.decode([[0.0, 0.0]], 0)
        moments.seconds["decoded"] = time.monotonic()
        QTimer.singleShot(0, app.quit)

    controller.opened.connect(opened)
    controller.window.show()
    QTimer.singleShot(FIRST_PAINT_MS, controller.start)
    app.exec()
    sys.stdout.write(json.dumps(moments.seconds))
    sys.stdout.flush()
    controller.window.close()


if __name__ == "__main__":
    main()
