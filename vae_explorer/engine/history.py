"""`history.csv`: an epoch a row, written whole after each, so that a pulled plug costs no row."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path

from vae_explorer.engine.errors import DataError
from vae_explorer.engine.events import EpochEvent
from vae_explorer.engine.files import write_whole
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
)


class History:
    """The rows of a training and the file that holds them.

    Args:
        path: of the file; it is not touched before the first row.
        keep: go on with the rows of so many epochs; later ones are of a training that was cut off.

    Raises:
        DataError: the file to go on with is not such a history.
    """

    def __init__(self, path: Path, keep: int = 0) -> None:
        self._path = path
        self.rows: list[dict[str, str]] = []
        self.reference: float | None = None
        if keep and path.is_file():
            with path.open(newline="") as file:
                reader = csv.DictReader(file)
                if tuple(reader.fieldnames or ()) != COLUMNS:
                    raise DataError(f"{path} is not the history of a training.")
                self.rows = [row for row in reader if int(row["epoch"]) <= keep]

    def append(self, event: EpochEvent) -> None:
        """Add an epoch and write the file anew."""
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
        self.rows.append({column: str(values[column]) for column in COLUMNS})
        self._write()

    def _write(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_whole(self._path, text.getvalue().encode())

    def best_row(self, epoch: int) -> dict[str, float]:
        """The validation metrics of an epoch, by name; empty where there is no such row."""
        row = next((row for row in self.rows if row["epoch"] == str(epoch)), {})
        start = "validation_"
        return {
            name.removeprefix(start): float(value)
            for name, value in row.items()
            if name.startswith(start) and value
        }

    def curve(self, quantity: str, unit: str) -> Curve:
        """What a row calls the ELBO, by epoch, for the lecture's figure."""
        return Curve(
            epochs=[int(row["epoch"]) for row in self.rows],
            validation=[float(row["validation_elbo"]) for row in self.rows],
            train=[float(row["train_elbo"]) for row in self.rows],
            reference=self.reference,
            best=next((int(r["epoch"]) for r in reversed(self.rows) if r["is_best"] == "1"), None),
            quantity=quantity,
            unit=unit,
        )
