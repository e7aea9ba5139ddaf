"""The history of a training: a row an epoch, at the cost of a row, and what a crash leaves of it."""

from __future__ import annotations

import csv
import errno
from dataclasses import replace
from pathlib import Path

import pytest

from vae_explorer.engine import files
from vae_explorer.engine.errors import DataError, EngineError
from vae_explorer.engine.events import EpochEvent, Metrics
from vae_explorer.engine.history import History


def event(epoch: int) -> EpochEvent:
    value = Metrics(elbo=-100.0 + epoch, reconstruction=-90.0, kl=10.0, objective=-100.0)
    return EpochEvent(epoch, 100, 10 * epoch, 1.0, value, value, (5.0, 5.0), 1e4, True)


def written(path: Path, epochs: int) -> History:
    history = History(path)
    for epoch in range(1, epochs + 1):
        history.append(event(epoch))
    return history


def epochs_in(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["epoch"] for row in csv.DictReader(file)]


def test_an_epoch_costs_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, whole = tmp_path / "history.csv", []
    write_whole = files.write_whole
    monkeypatch.setattr(
        "vae_explorer.engine.history.write_whole",
        lambda *given: whole.append(given) or write_whole(*given),
    )
    history = written(path, 5)
    assert len(whole) == 1
    assert epochs_in(path) == ["1", "2", "3", "4", "5"]
    path.unlink()
    history.append(event(6))
    assert epochs_in(path) == ["1", "2", "3", "4", "5", "6"]


def test_a_row_that_finds_no_room_leaves_the_others_whole_and_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.csv"
    history = written(path, 2)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(EngineError, match="No space left"):
            history.append(event(3))
    assert path.read_bytes() == before
    history.append(event(4))
    assert epochs_in(path) == ["1", "2", "3", "4"]


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_row_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    rows = written(path, 3).rows
    path.write_bytes(path.read_bytes()[:-7])
    again = History(path, path, {"epoch": 3})
    assert again.rows == rows[:2]
    again.append(event(3))
    assert History(path, path, {"epoch": 3}).rows == rows


@pytest.mark.parametrize(
    "damage", [b"", b"epoch\n1\n", b"\xff\n", "columns", "number", "cell", "nul"]
)
def test_a_damaged_history_is_refused_by_a_sentence(damage: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    written(path, 3)
    lines = path.read_text().splitlines()
    if damage == "columns":
        lines[0] = lines[0].replace("step", "steps")
    elif damage == "number":
        lines[2] = lines[2].replace("-98.0", "much", 1)
    elif damage == "cell":
        lines[2] = lines[2].rpartition(",")[0]
    elif damage == "nul":
        lines[2] = "\0" * 20
    path.write_bytes(damage if isinstance(damage, bytes) else ("\n".join(lines) + "\n").encode())
    with pytest.raises(DataError, match="history of a training"):
        History(path, path, {"epoch": 3})


def test_a_row_for_which_the_disk_has_no_room_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = written(tmp_path / "history.csv", 2)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(EngineError, match="No space left on device"):
        history.append(event(3))


def test_a_row_has_the_settings_in_force(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    weighed = replace(event(1), beta=0.25, learning_rate=1e-3)
    History(path).append(weighed)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["beta"], row["learning_rate"]) == ("0.25", "0.001")
    assert row["classification_weight"] == ""  # of a model without classes


def test_a_history_from_before_the_settings_goes_on_with_them(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    written(path, 2)
    older = [line.rsplit(",", 3)[0] for line in path.read_text().splitlines()]
    path.write_text("\n".join(older) + "\n")
    history = History(path, path, {"epoch": 2})
    history.append(replace(event(3), beta=0.5))
    with path.open(newline="") as file:
        assert [row["beta"] for row in csv.DictReader(file)] == ["", "", "0.5"]
