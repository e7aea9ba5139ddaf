"""The check of the system before Qt: what it finds missing, what it says, what it does about it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from vae_explorer.engine.command_line import BAD_INPUT
from vae_explorer.gui import app, preflight

Which = Callable[[str], str | None]


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of libraries that the system is said not to have."""
    names: set[str] = set()
    monkeypatch.setattr(preflight, "_loads", lambda soname: soname not in names)
    monkeypatch.setattr(preflight, "font_available", lambda: True)
    monkeypatch.setattr(sys, "platform", "linux")
    return names


def only(*programs: str) -> Which:
    return lambda name: f"/usr/bin/{name}" if name in programs else None


def test_nothing_is_missing_where_everything_loads(lacking: set[str]) -> None:
    assert preflight.missing_libraries(for_screen=True) == []


def test_the_screens_libraries_count_only_for_a_screen(
    lacking: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking |= {"libGL.so.1", "libxcb-cursor.so.0", "libwayland-client.so.0"}
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")

    def names(for_screen: bool) -> list[str]:
        return [library.apt for library in preflight.missing_libraries(for_screen)]

    assert names(for_screen=False) == ["libgl1"]
    assert names(for_screen=True) == ["libgl1", "libxcb-cursor0"]
    monkeypatch.delenv("DISPLAY")
    assert names(for_screen=True) == ["libgl1", "libwayland-client0"]


def test_other_systems_bring_their_own_libraries(
    lacking: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking.add("libGL.so.1")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert preflight.missing_libraries(for_screen=True) == []
    assert preflight.display_available()


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("apt-get", "sudo apt-get install -y libglib2.0-0 libxcb-cursor0"),
        ("dnf", "sudo dnf install -y glib2 xcb-util-cursor"),
        ("zypper", "sudo zypper install -y libglib-2_0-0 libgthread-2_0-0 libxcb-cursor0"),
        ("pacman", "sudo pacman -S --needed glib2 xcb-util-cursor"),
        ("nothing", "install the equivalents of Debian's libglib2.0-0 libxcb-cursor0"),
    ],
)
def test_the_command_is_that_of_the_system(
    lacking: set[str], monkeypatch: pytest.MonkeyPatch, program: str, command: str
) -> None:
    lacking |= {"libglib-2.0.so.0", "libgthread-2.0.so.0", "libxcb-cursor.so.0"}
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(shutil, "which", only(program))
    monkeypatch.setattr(preflight, "_is_root", lambda: False)
    assert preflight.install_command(preflight.missing_libraries(for_screen=True)) == command


def test_without_rights_it_names_the_command_and_fails(
    lacking: set[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lacking.add("libEGL.so.1")
    monkeypatch.setattr(shutil, "which", only("apt-get"))
    monkeypatch.setattr(preflight, "_is_root", lambda: False)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: pytest.fail("ran something"))
    assert preflight.main(["--install"]) == 1
    assert "sudo apt-get install -y libegl1" in caplog.text


def test_root_on_debian_gets_it_installed(
    lacking: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking |= {"libEGL.so.1", "libGL.so.1"}
    commands: list[list[str]] = []

    def run(command: list[str], **settings: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if "install" in command:
            lacking.clear()
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(shutil, "which", only("apt-get"))
    monkeypatch.setattr(preflight, "_is_root", lambda: True)
    monkeypatch.setattr(subprocess, "run", run)
    assert preflight.main(["--install"]) == 0
    assert [("update" in command, "install" in command) for command in commands] == [
        (True, False),
        (False, True),
    ]
    assert commands[1][-2:] == ["libgl1", "libegl1"]


def test_an_installation_that_fails_is_told(
    lacking: set[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lacking.add("libEGL.so.1")
    failed = subprocess.CompletedProcess(["apt-get"], 100, "no such package")
    monkeypatch.setattr(shutil, "which", only("apt-get"))
    monkeypatch.setattr(preflight, "_is_root", lambda: True)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: failed)
    assert preflight.main(["--install"]) == 1
    assert "no such package" in caplog.text and "libegl1" in caplog.text


def test_a_system_without_fonts_gets_one(
    lacking: set[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(preflight, "font_available", lambda: False)
    monkeypatch.setattr(shutil, "which", only("apt-get"))
    assert preflight.main([]) == 1
    assert "fonts-dejavu-core" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="displays elsewhere are always there")
@pytest.mark.parametrize("display", ["", "nonsense", ":6543", "localhost:543", "/tmp/no/such:0"])
def test_no_display_is_seen(monkeypatch: pytest.MonkeyPatch, display: str) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not preflight.display_available()


@contextmanager
def listening(address: str) -> Iterator[None]:
    """A server that takes a connection and closes it at once, which no display does."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                with connection:
                    if connection.recv(4) == b"stop":
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(address)
            last.sendall(b"stop")
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a Unix socket")
def test_a_wayland_display_is_one_that_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    assert not preflight.display_available()
    path = f"/tmp/vae-explorer-{os.getpid()}"  # short: a socket's name has 108 bytes at most
    monkeypatch.setenv("WAYLAND_DISPLAY", path)
    try:
        with listening(path):
            assert preflight.display_available()
        assert not preflight.display_available()  # the file alone is no display
    finally:
        Path(path).unlink()


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb")
def test_a_virtual_screen_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "64x64x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with open(read) as answer:
            number = answer.readline().strip()
        monkeypatch.setenv("DISPLAY", f":{number}")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        try:
            assert preflight.display_available()
        finally:
            server.terminate()
    assert not preflight.display_available()


@pytest.mark.parametrize(("platform", "loads"), [("win32", True), ("linux", False)])
def test_on_windows_torch_has_its_runtime_before_qt_brings_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, loads: bool
) -> None:
    loaded: list[str] = []

    def load(name: str) -> None:
        loaded.append(name)
        raise OSError("it is damaged")  # which the import of torch will tell

    found = SimpleNamespace(origin=str(tmp_path / "torch" / "__init__.py"))
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    monkeypatch.setattr("ctypes.CDLL", load)
    preflight.load_torch_runtime()
    assert loaded == ([str(tmp_path / "torch" / "lib" / "c10.dll")] if loads else [])


def test_the_window_asks_for_torchs_runtime_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(preflight, "load_torch_runtime", lambda: asked.append("torch"))
    monkeypatch.setattr(preflight, "display_available", lambda: bool(asked.append("display")))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert app.main(["there-is-no-such.safetensors"]) == BAD_INPUT
    assert asked == ["torch", "display"]


def test_it_needs_the_standard_library_alone() -> None:
    code = (
        "import sys, vae_explorer.gui.preflight; "
        "print(*({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(preflight.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) <= {"vae_explorer", "__main__"}
