"""What Qt wants of the system, checked before Qt is imported: without it, Qt aborts the process.

Needs the standard library alone. `python -m vae_explorer.gui.preflight --install` mends what it can:
as root on Debian and its relatives it installs what is missing; elsewhere it names the one command
that does.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.util
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 1.0  # seconds, for a display on another machine


@dataclass(frozen=True)
class Library:
    """A shared library, and the package that brings it, by package manager."""

    soname: str
    apt: str
    dnf: str
    pacman: str
    zypper: str


def _table(text: str) -> tuple[Library, ...]:
    return tuple(Library(*line.split()) for line in text.strip().splitlines())


_EVERYWHERE = _table("""
libglib-2.0.so.0        libglib2.0-0        glib2              glib2              libglib-2_0-0
libgthread-2.0.so.0     libglib2.0-0        glib2              glib2              libgthread-2_0-0
libGL.so.1              libgl1              libglvnd-glx       libglvnd           libglvnd
libEGL.so.1             libegl1             libglvnd-egl       libglvnd           libglvnd
libX11.so.6             libx11-6            libX11             libx11             libX11-6
libxkbcommon.so.0       libxkbcommon0       libxkbcommon       libxkbcommon       libxkbcommon0
libfontconfig.so.1      libfontconfig1      fontconfig         fontconfig         libfontconfig1
libfreetype.so.6        libfreetype6        freetype           freetype2          libfreetype6
libdbus-1.so.3          libdbus-1-3         dbus-libs          dbus               libdbus-1-3
""")
_XCB = _table("""
libxcb-cursor.so.0      libxcb-cursor0      xcb-util-cursor    xcb-util-cursor    libxcb-cursor0
libxcb-icccm.so.4       libxcb-icccm4       xcb-util-wm        xcb-util-wm        libxcb-icccm4
libxcb-image.so.0       libxcb-image0       xcb-util-image     xcb-util-image     libxcb-image0
libxcb-keysyms.so.1     libxcb-keysyms1     xcb-util-keysyms   xcb-util-keysyms   libxcb-keysyms1
libxcb-render-util.so.0 libxcb-render-util0 xcb-util-renderutil xcb-util-renderutil libxcb-render-util0
libxcb-randr.so.0       libxcb-randr0       libxcb             libxcb             libxcb-randr0
libxcb-shape.so.0       libxcb-shape0       libxcb             libxcb             libxcb-shape0
libxcb-sync.so.1        libxcb-sync1        libxcb             libxcb             libxcb-sync1
libxcb-xfixes.so.0      libxcb-xfixes0      libxcb             libxcb             libxcb-xfixes0
libxcb-xkb.so.1         libxcb-xkb1         libxcb             libxcb             libxcb-xkb1
libX11-xcb.so.1         libx11-xcb1         libX11-xcb         libx11             libX11-xcb1
libxkbcommon-x11.so.0   libxkbcommon-x11-0  libxkbcommon-x11   libxkbcommon-x11   libxkbcommon-x11-0
""")
_WAYLAND = _table("""
libwayland-client.so.0  libwayland-client0  libwayland-client  wayland            libwayland-client0
libwayland-cursor.so.0  libwayland-cursor0  libwayland-cursor  wayland            libwayland-cursor0
""")
# not a library, but installed like one: without a font every text is a row of boxes
_FONT = Library("a font", "fonts-dejavu-core", "dejavu-sans-fonts", "ttf-dejavu", "dejavu-fonts")

_COMMANDS = {  # package manager -> what installs, in the order they are looked for
    "apt": "apt-get install -y",
    "dnf": "dnf install -y",
    "zypper": "zypper install -y",
    "pacman": "pacman -S --needed",
}
_PROGRAMS = {"apt": "apt-get"}  # where the program is called otherwise


def missing_libraries(for_screen: bool) -> list[Library]:
    """The libraries that Qt needs and the system has not; empty on anything but Linux.

    Args:
        for_screen: whether a window is to be shown, or only rendered into pictures.
    """
    if not sys.platform.startswith("linux"):
        return []
    wanted = list(_EVERYWHERE)
    if for_screen:
        only_wayland = os.environ.get("WAYLAND_DISPLAY") and not os.environ.get("DISPLAY")
        wanted += _WAYLAND if only_wayland else _XCB
    return [library for library in wanted if not _loads(library.soname)]


def install_command(missing: Iterable[Library]) -> str:
    """The one command that installs the packages of `missing` on this system."""
    manager = _package_manager()
    packages = _packages(missing, manager or "apt")
    if manager is None:
        return f"install the equivalents of Debian's {' '.join(packages)}"
    prefix = "" if _is_root() else "sudo "
    return f"{prefix}{_COMMANDS[manager]} {' '.join(packages)}"


def missing_sentence(missing: Sequence[Library]) -> str:
    """What is missing and what mends it, for a person."""
    names = ", ".join(library.soname for library in missing)
    mend = install_command(missing)
    return f"Qt needs what this system has not ({names}). This mends it:\n\n  {mend}\n"


def display_available() -> bool:
    """Whether there is a screen that a window can be shown on; always so but on Unix."""
    if sys.platform in ("win32", "darwin", "cygwin"):
        return True
    return _wayland_answers() or _x11_answers()


def load_torch_runtime() -> None:
    """On Windows, load torch's first library before Qt, a moment's work: torch itself is imported when it is wanted.

    Qt brings a C++ runtime of its own, and with an older one already in the process torch 2.9 and later fail to load.
    """
    torch = importlib.util.find_spec("torch") if sys.platform == "win32" else None
    if torch is None or torch.origin is None:
        return
    try:
        ctypes.CDLL(str(Path(torch.origin).with_name("lib") / "c10.dll"))
    except OSError as error:  # what is wrong with it, the import will tell
        _log.info("%s", error)


def font_available() -> bool:
    """Whether fontconfig knows a font; True where there is no fontconfig to ask."""
    try:
        fontconfig = ctypes.CDLL("libfontconfig.so.1")
    except OSError:
        return True
    fontconfig.FcInitLoadConfigAndFonts.restype = ctypes.c_void_p
    fontconfig.FcConfigGetFonts.restype = ctypes.POINTER(ctypes.c_int)  # FcFontSet: its count first
    fontconfig.FcConfigGetFonts.argtypes = [ctypes.c_void_p, ctypes.c_int]
    fonts = fontconfig.FcConfigGetFonts(fontconfig.FcInitLoadConfigAndFonts(), 0)
    return bool(fonts) and fonts[0] > 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0 where Qt can start, 1 where something is missing still."""
    parser = argparse.ArgumentParser(description="Check what Qt needs of the system.")
    parser.add_argument("--install", action="store_true", help="as root on Debian: install it")
    parser.add_argument("--screen", action="store_true", help="check for a window, screen or none")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for_screen = options.screen or display_available()
    missing = _missing_with_font(for_screen)
    if missing and options.install and _is_root() and _package_manager() == "apt":
        _install(_packages(missing, "apt"))
        missing = _missing_with_font(for_screen)
    if missing:
        _log.error("%s", missing_sentence(missing))
        return 1
    return 0


def _missing_with_font(for_screen: bool) -> list[Library]:
    missing = missing_libraries(for_screen)
    if any(library.soname.startswith("libfontconfig") for library in missing):
        return [*missing, _FONT]  # it cannot be asked yet: the font is small
    return missing if font_available() else [*missing, _FONT]


def _install(packages: Sequence[str]) -> None:
    _log.info("Installing what Qt needs: %s", " ".join(packages))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=300"]  # for another apt to finish
    for command in (
        ["apt-get", *wait, "-qq", "update"],
        ["apt-get", *wait, "-qq", "install", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            _log.error("%s failed:\n%s", " ".join(command), done.stdout)


def _package_manager() -> str | None:
    return next((name for name in _COMMANDS if shutil.which(_PROGRAMS.get(name, name))), None)


def _packages(missing: Iterable[Library], manager: str) -> list[str]:
    return list(dict.fromkeys(str(getattr(library, manager)) for library in missing))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def _wayland_answers() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY")
    if not name:
        return False
    path = Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name  # an absolute name stays as it is
    return _listens(str(path))


def _x11_answers() -> bool:
    """Whether the X server of DISPLAY takes a connection, and takes it from this user."""
    display = os.environ.get("DISPLAY", "")
    parts = re.fullmatch(r"(?P<host>.*):(?P<number>\d+)(?:\.\d+)?", display)
    if parts is None:
        return False
    host, number = parts["host"], int(parts["number"])
    # another machine may never answer xcb, which knows no time-out
    if host not in ("", "unix") and not _listens_at(host, 6000 + number):
        return False
    with contextlib.suppress(OSError):
        return _x11_lets_in(display)
    path = f"/tmp/.X11-unix/X{number}"  # without xcb, a server that listens must do
    return _listens(path) or _listens(f"\0{path}")


def _listens(path: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(path)
        return True
    return False


def _listens_at(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), CONNECT_TIMEOUT):
        return True
    return False


def _x11_lets_in(display: str) -> bool:
    """The whole handshake, cookies and all, as Qt will make it.

    Raises:
        OSError: xcb is not there.
    """
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    # The connection is left open until the process ends: a server whose last client leaves may
    # start afresh, and drop the next one, Qt, in doing so.
    connection = xcb.xcb_connect(display.encode(), None)
    return not xcb.xcb_connection_has_error(connection)


if __name__ == "__main__":
    sys.exit(main())
