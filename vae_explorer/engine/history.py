"""`history.csv`: an epoch a row, on the disk after each, so that a pulled plug costs no row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vae_explorer.engine.control import LIVE_SETTINGS
from vae_explorer.engine.errors import DataError
from vae_explorer.engine.events import EpochEvent
from vae_explorer.engine.files import append_to, disk_problem, write_whole
from vae_explorer.engine.lecture_figure import Curve

PARTS = ("elbo", "reconstruction", "kl", "log_prior", "classification", "accuracy", "objective")
COLUMNS = (
    "epoch",
    "step",
    "seconds",
    "images_per_second",
    *(f"train_{part}" for part in PARTS),
    *(f"validation_{part}" for part in PARTS),
    "is_best",
    *LIVE_SETTINGS,
)
_BEFORE_SETTINGS = COLUMNS[: -len(LIVE_SETTINGS)]  # of a file that an earlier version wrote


class History:
    """The rows of a training and the file that holds them.

    Args:
        path: of the file; it is not touched before the first row.
        earlier: the file of the training that goes on, where one does.
        counters: of its state. Rows of later epochs are of what was cut off, and a file whose best epoch is another
            one's is of another training: it is passed over.

    Raises:
        DataError: the file to go on with is not such a history.
    """

    def __init__(
        self, path: Path, earlier: Path | None = None, counters: Mapping[str, Any] | None = None
    ) -> None:
        self._path = path
        self._begun = False  # whether the file has all rows but the next
        self.rows: list[dict[str, str]] = []
        self.reference: float | None = None
        if earlier is not None and counters is not None and earlier.is_file():
            rows = [row for row in _read(earlier) if int(row["epoch"]) <= counters["epoch"]]
            self.rows = rows if _is_of(rows, counters) else []

    def append(self, event: EpochEvent) -> None:
        """Add an epoch to the rows and to the file.

        Raises:
            EngineError: the file cannot be written.
        """
        self.reference = event.reference
        values: dict[str, object] = {
            "epoch": event.epoch,
            "step": event.step,
            "seconds": round(event.seconds, 3),
            "images_per_second": round(event.images_per_second, 1),
            "is_best": int(event.is_best),
        }
        for split in ("train", "validation"):
            for part, value in asdict(getattr(event, split)).items():
                values[f"{split}_{part}"] = "" if value is None else repr(value)
        for name in LIVE_SETTINGS:
            value = getattr(event, name)
            values[name] = "" if value is None else repr(value)
        self.rows.append({column: str(values[column]) for column in COLUMNS})
        if self._begun and self._path.is_file():
            self._begun = False
            append_to(self._path, _lines(self.rows[-1].values()))
            self._begun = True
        else:
            self._write()

    def finish(self) -> None:
        """Write the rows that a full disk had no room for.

        Raises:
            EngineError: the file cannot be written.
        """
        if not self._begun:
            self._write()

    def _write(self) -> None:
        write_whole(self._path, _lines(COLUMNS, *(row.values() for row in self.rows)))
        self._begun = True

    def curve(self, quantity: str, unit: str, train_title: str) -> Curve:
        """What a row calls the ELBO, by epoch, for the lecture's figure."""
        return Curve(
            epochs=[int(row["epoch"]) for row in self.rows],
            validation=[float(row["validation_elbo"]) for row in self.rows],
            train=[float(row["train_elbo"]) for row in self.rows],
            train_title=train_title,
            reference=self.reference,
            best=next((int(r["epoch"]) for r in reversed(self.rows) if r["is_best"] == "1"), None),
            quantity=quantity,
            unit=unit,
        )


def _is_of(rows: list[dict[str, str]], counters: Mapping[str, Any]) -> bool:
    best: Mapping[str, float] = counters.get("best_validation", {})  # files of before lack it
    row = next((row for row in rows if row["epoch"] == str(counters.get("best_epoch"))), None)
    if row is None:
        return not best
    return all(float(row[f"validation_{name}"]) == value for name, value in best.items())


def _lines(*rows: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _read(path: Path) -> list[dict[str, str]]:
    """The rows of a file, but for a last one that was cut off as it was written."""
    try:
        whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
        header, *lines = csv.reader(whole.splitlines())
        if tuple(header) not in (COLUMNS, _BEFORE_SETTINGS):
            raise ValueError("other columns")
        unknown = dict.fromkeys(COLUMNS, "")
        rows = [unknown | dict(zip(header, cells, strict=True)) for cells in lines]
        for row in rows:
            _ = int(row["epoch"]), float(row["train_elbo"]), float(row["validation_elbo"])
            _ = [float(value) for value in row.values() if value]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {disk_problem(error)}") from error
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path} is not the history of a training, or is damaged.") from error
    return rows
