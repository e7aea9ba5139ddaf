"""Downloads, from a server on this machine: resumed, stopped, checked, refused in one sentence."""

from __future__ import annotations

import gzip
import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.engine.idx_files import digits, idx_bytes, write_raw
from vae_explorer.engine import downloads, mnist_family
from vae_explorer.engine.data import load_dataset
from vae_explorer.engine.downloads import RemoteFile, fetch, fetch_all
from vae_explorer.engine.errors import Cancelled, DataError

CONTENT = np.random.RandomState(0).bytes(3_000_000)


class Server(ThreadingHTTPServer):
    """Gives the bytes in `files`; can ignore ranges, and break off after some bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {"/a.bin": CONTENT}
        self.knows_ranges = True
        self.breaks_after: list[int] = []  # of the answers to come
        self.silent = False
        self.requests: list[tuple[str, str, str | None]] = []

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def remote(self, name: str) -> RemoteFile:
        return RemoteFile(name, [self.url(name)], md5(self.files[f"/{name}"]))

    @property
    def ranges(self) -> list[str | None]:
        return [asked for method, _, asked in self.requests if method == "GET"]


class Handler(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append((self.command, self.path, asked))
        if server.silent:
            threading.Event().wait(1.0)
            return
        content = server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = 0
        if asked and server.knows_ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if body:
            end = start + server.breaks_after.pop(0) if server.breaks_after else len(content)
            self.wfile.write(content[start:end])

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_file_arrives_whole_with_honest_progress(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    folder = tmp_path / "new" / "folder"
    path = fetch(server.remote("a.bin"), folder, lambda *both: seen.append(both))
    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert [path.name for path in folder.iterdir()] == ["a.bin"]


def test_a_broken_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.breaks_after = [1_000_000, 500_000]
    assert fetch(server.remote("a.bin"), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000000-", "bytes=1500000-"]


def test_a_stopped_download_is_kept_and_taken_up_later(server: Server, tmp_path: Path) -> None:
    done = [0]

    def note(bytes_done: int, _: int | None) -> None:
        done[0] = bytes_done

    with pytest.raises(Cancelled):
        fetch(server.remote("a.bin"), tmp_path, note, lambda: done[0] > 500_000)
    kept = (tmp_path / "a.bin.part").stat().st_size
    assert 500_000 < kept < len(CONTENT) and not (tmp_path / "a.bin").exists()
    assert fetch(server.remote("a.bin"), tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={kept}-"


def test_without_ranges_it_begins_again(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(server.remote("a.bin"), tmp_path).read_bytes() == CONTENT


def test_a_complete_part_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    assert fetch(server.remote("a.bin"), tmp_path).read_bytes() == CONTENT


def test_the_part_of_another_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    for foreign in (b"x" * 1000, b"x" * (len(CONTENT) + 5)):
        (tmp_path / "a.bin.part").write_bytes(foreign)
        assert fetch(server.remote("a.bin"), tmp_path).read_bytes() == CONTENT
        (tmp_path / "a.bin").unlink()


def test_a_wrong_checksum_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    wrong = RemoteFile("a.bin", [server.url("a.bin")], md5(b"something else"))
    with pytest.raises(DataError, match="checksum"):
        fetch(wrong, tmp_path)
    assert list(tmp_path.glob("a.bin*")) == []


def test_the_next_address_is_tried(server: Server, tmp_path: Path) -> None:
    urls = [server.url("missing.bin"), server.url("a.bin")]
    assert fetch(RemoteFile("a.bin", urls, md5(CONTENT)), tmp_path).read_bytes() == CONTENT


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but not listening
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/a.bin"
        with pytest.raises(DataError) as caught:
            fetch(RemoteFile("a.bin", [url], "0"), tmp_path / "data")
    sentence = str(caught.value)
    assert "check the connection" in sentence and "refused" in sentence and "\n" not in sentence
    assert not (tmp_path / "data").exists()


def test_a_silent_server_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.silent = True
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    with pytest.raises(DataError, match="no answer in time"):
        fetch(server.remote("a.bin"), tmp_path)


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written"):
        fetch(server.remote("a.bin"), tmp_path / "file")


def test_progress_counts_all_files_together(server: Server, tmp_path: Path) -> None:
    server.files = {"/a": b"a" * 1000, "/b": b"b" * 3000}
    seen: list[tuple[int, int | None]] = []
    files = [server.remote("a"), server.remote("b")]
    fetch_all(files, tmp_path, lambda *both: seen.append(both))
    assert seen[0] == (0, 4000) and seen[-1] == (4000, 4000)
    server.requests.clear()
    fetch_all(files, tmp_path)
    assert server.requests == []  # nothing is fetched twice


def serve_mnist(server: Server) -> list[RemoteFile]:
    server.files = {}
    for prefix, count in (("train", 40), ("t10k", 20)):
        images, labels = digits(count, seed=count)
        server.files[f"/{prefix}-images-idx3-ubyte.gz"] = gzip.compress(idx_bytes(images))
        server.files[f"/{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(idx_bytes(labels))
    return [server.remote(name.removeprefix("/")) for name in server.files]


def test_a_missing_data_set_is_fetched_into_its_layout(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = serve_mnist(server)
    monkeypatch.setattr(mnist_family, "remote_files", lambda relative: files)
    data = load_dataset("mnist", tmp_path)
    assert (len(data.train), len(data.test)) == (36, 20)
    assert len(list((tmp_path / "MNIST" / "raw").iterdir())) == 4
    server.requests.clear()
    load_dataset("mnist", tmp_path)
    assert server.requests == []


def test_only_what_is_missing_is_fetched(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = serve_mnist(server)
    monkeypatch.setattr(mnist_family, "remote_files", lambda relative: files)
    write_raw(tmp_path / "MNIST" / "raw", suffix="")
    (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    load_dataset("mnist", tmp_path)
    assert {path for _, path, _ in server.requests} == {"/t10k-labels-idx1-ubyte.gz"}


def test_half_a_folder_without_a_connection_names_the_missing_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = serve_mnist(server)
    server.files = {}
    monkeypatch.setattr(mnist_family, "remote_files", lambda relative: files)
    write_raw(tmp_path / "MNIST" / "raw")
    (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz could not be downloaded"):
        load_dataset("mnist", tmp_path)


def serve_emnist(server: Server, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """EMNIST's archive with few images in it, which the server has."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for kind, classes in (("digits", 10), ("balanced", 47), ("letters", 26)):
            for split, count in (("train", 94), ("test", 47)):
                images, labels = digits(count, classes)
                stem = f"gzip/emnist-{kind}-{split}"
                archive.writestr(f"{stem}-images-idx3-ubyte.gz", gzip.compress(idx_bytes(images)))
                archive.writestr(f"{stem}-labels-idx1-ubyte.gz", gzip.compress(idx_bytes(labels)))
    server.files = {"/gzip.zip": buffer.getvalue()}
    files = [server.remote("gzip.zip")]
    monkeypatch.setattr(mnist_family, "remote_files", lambda relative: files)
    return buffer.getvalue()


def test_emnist_is_unpacked_from_its_archive(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_emnist(server, monkeypatch)
    assert load_dataset("emnist-digits", tmp_path).classes == 10
    server.requests.clear()
    assert load_dataset("emnist-balanced", tmp_path).classes == 47  # it was in the same archive
    assert server.requests == []
    names = {path.name for path in (tmp_path / "EMNIST" / "raw").iterdir()}
    assert len(names) == 8 and "gzip.zip" not in names


@pytest.mark.parametrize("place", ["EMNIST/raw", "."])
@pytest.mark.parametrize("download", [True, False])
def test_an_archive_that_is_there_is_unpacked_and_stays(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, download: bool
) -> None:
    content = serve_emnist(server, monkeypatch)
    archive = tmp_path / place / "gzip.zip"
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(content)
    assert load_dataset("emnist-digits", tmp_path, download=download).classes == 10
    assert server.requests == []
    assert archive.read_bytes() == content


def test_an_archive_of_another_checksum_is_named_and_left(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = serve_emnist(server, monkeypatch)
    archive = tmp_path / "EMNIST" / "raw" / "gzip.zip"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(content[:-100])
    with pytest.raises(DataError, match=r"gzip\.zip is damaged.*delete it"):
        load_dataset("emnist-digits", tmp_path)
    assert server.requests == [] and archive.exists()


def test_a_stop_before_the_unpacking_costs_no_second_download(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_emnist(server, monkeypatch)
    archive = tmp_path / "EMNIST" / "raw" / "gzip.zip"
    with pytest.raises(Cancelled, match="unpacking"):
        load_dataset("emnist-digits", tmp_path, cancelled=archive.exists)
    server.requests.clear()
    assert load_dataset("emnist-digits", tmp_path).classes == 10
    assert server.requests == []
    left = [path.name for path in archive.parent.iterdir()]  # nor does what was fetched stay
    assert len(left) == 8 and not any("zip" in name for name in left)


def test_torchvision_still_knows_addresses_and_checksums() -> None:
    for relative in mnist_family.FAMILY.values():
        for file in mnist_family.remote_files(relative):
            assert file.urls and all(url.endswith(file.name) for url in file.urls)
            assert len(file.md5) == 32


def test_the_time_out_is_short_enough_for_a_person() -> None:
    assert downloads.TIMEOUT <= 15
