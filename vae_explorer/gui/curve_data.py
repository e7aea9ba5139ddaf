"""The numbers behind the curves: runs, what of them is worth painting, and a table of them all.

Pure data, no Qt. A run has a row a step and a row an epoch; thinning keeps the highest and lowest
value of every stretch, so that a painted curve looks like the whole one.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vae_explorer.engine.control import LIVE_SETTINGS

Floats = NDArray[np.float64]
Numbers = Mapping[str, float | None]
StepRow = tuple[float, float, float, Numbers]
"""Step, epoch (a fraction too), seconds, and the metrics of that step with the settings in force."""

AXES = ("step", "epoch", "seconds")
METRICS = (
    "elbo",
    "reconstruction",
    "kl",
    "log_prior",
    "classification",
    "accuracy",
    "objective",
)
OF_CLASSES = frozenset({"log_prior", "classification", "accuracy"})
_COLUMN = {name: index for index, name in enumerate((*AXES, *METRICS, *LIVE_SETTINGS))}

MAX_THINNED = 32_768
"""Beyond this many steps, every second, third, … is looked at for painting."""


class Table:
    """Rows of (step, epoch, seconds, metrics), growing at the end; a missing number is NaN."""

    def __init__(self) -> None:
        self._rows = np.empty((256, len(_COLUMN)))
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, rows: Iterable[StepRow]) -> None:
        """Add rows, in order of their steps."""
        for step, epoch, seconds, numbers in rows:
            if self._length == len(self._rows):
                self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
            row = self._rows[self._length]
            row[:3] = step, epoch, seconds
            for name in (*METRICS, *LIVE_SETTINGS):
                value = numbers.get(name)
                row[_COLUMN[name]] = math.nan if value is None else value
            self._length += 1

    def cut(self, step: float) -> None:
        """Drop the rows after a step."""
        self._length = int(np.searchsorted(self.column("step"), step, side="right"))
        # a copy: those dropped may be another's still
        self._rows = self._rows[: max(self._length, 1)].copy()

    def so_far(self) -> Table:
        """The rows that there are now, whatever becomes of this table; they are not copied."""
        table = Table()
        table._rows, table._length = self._rows[: self._length], self._length
        return table

    def column(self, name: str, stride: int = 1) -> Floats:
        """One column, (rows,): a view."""
        return self._rows[: self._length : stride, _COLUMN[name]]

    def at(self, row: int, name: str) -> float:
        """One number; NaN where it is missing."""
        return float(self._rows[row, _COLUMN[name]]) if self._length else math.nan

    def nearest(self, axis: str, x: float) -> int:
        """The row nearest to x on an axis that never falls, −1 where there is none."""
        xs = self.column(axis)
        if len(xs) == 0:
            return -1
        right = min(int(np.searchsorted(xs, x)), len(xs) - 1)
        left = max(right - 1, 0)
        return left if abs(xs[left] - x) <= abs(xs[right] - x) else right


@dataclass
class Run:
    """One training: its name, what its numbers mean, and the numbers.

    Attributes:
        unit: of ELBO and reconstruction, such as “nats per image”; a KL is in nats per image always.
        label: what `elbo` is: the ELBO, or the exact log-likelihood of PPCA.
        data: the name of the data set; likelihood: what it is a distribution of. Only runs that agree in
            unit, data and likelihood can be compared, and p(x, y) not with p(x).
        train_title: what the train metrics, but for the objective, are of: “train, 100 labelled”.
        objective: what is maximised, where that can differ from `elbo`; else nothing.
        color: which of the palette's colours is its own, as long as it is kept.
        reference: the train split's `elbo` that a training should reach, where it is known.
    """

    name: str
    has_classes: bool
    unit: str
    label: str = "ELBO"
    data: str = ""
    likelihood: str = ""
    objective: str = ""
    train_title: str = "train"
    visible: bool = True
    color: int = 0
    steps: Table = field(default_factory=Table)
    train: Table = field(default_factory=Table)
    validation: Table = field(default_factory=Table)
    kl_per_dimension: tuple[float, ...] = ()  # at the end of the last epoch
    reference: float | None = None

    def append_epoch(
        self,
        epoch: float,
        step: float,
        seconds: float,
        train: Numbers,
        validation: Numbers,
        kl_per_dimension: Sequence[float] = (),
        reference: float | None = None,
    ) -> None:
        """Add what an epoch ended with."""
        self.train.append([(step, epoch, seconds, train)])
        self.validation.append([(step, epoch, seconds, validation)])
        self.kl_per_dimension = tuple(kl_per_dimension)
        if reference is not None:
            self.reference = reference

    def so_far(self) -> Run:
        """What there is of it now, for another thread to read."""
        return replace(
            self,
            steps=self.steps.so_far(),
            train=self.train.so_far(),
            validation=self.validation.so_far(),
        )

    def has(self, metric: str) -> bool:
        """Whether a metric is one of this run's, and not merely its ELBO again."""
        if metric in OF_CLASSES:
            return self.has_classes
        return metric != "objective" or bool(self.objective)

    def end(self, axis: str) -> float:
        """How far the run has come on an axis; 0 before its first step."""
        tables = [table for table in (self.steps, self.validation) if len(table)]
        return max((float(table.column(axis)[-1]) for table in tables), default=0.0)


def thinned(x: Floats, y: Floats, stretches: int) -> tuple[Floats, Floats]:
    """At most 2 · stretches + 1 points with the lowest and highest y of each stretch, in order.

    x, y: (n,). Values that are not finite are left out.
    """
    finite = np.isfinite(y)
    if not finite.all():
        x, y = x[finite], y[finite]
    size = -(-len(y) // max(1, stretches))  # points in a stretch, rounded up
    if size <= 2:
        return x, y
    whole = len(y) // size * size
    blocks = y[:whole].reshape(-1, size)
    starts = np.arange(len(blocks)) * size
    ends = np.stack([blocks.argmin(axis=1), blocks.argmax(axis=1)], axis=1)
    kept = (np.sort(ends, axis=1) + starts[:, None]).ravel()
    if whole < len(y):
        kept = np.append(kept, len(y) - 1)
    return x[kept], y[kept]


def step_curve(run: Run, axis: str, metric: str, stretches: int) -> tuple[Floats, Floats]:
    """The curve of the single steps, thinned for painting."""
    stride = -(-max(1, len(run.steps)) // MAX_THINNED)
    return thinned(run.steps.column(axis, stride), run.steps.column(metric, stride), stretches)


def sensible_range(runs: Sequence[Run], metric: str) -> tuple[float, float] | None:
    """The lowest and highest value worth showing; None without numbers.

    The first steps of a training lie hundreds of nats below all others: of the steps only those
    after the first tenth count, without their outermost hundredths; of the epochs, all but the
    first once there are a few.
    """
    values: list[Floats] = []
    for run in runs:
        steps = run.steps.column(metric, -(-max(1, len(run.steps)) // 2048))
        late = _finite(steps[len(steps) // 10 :])
        if len(late):
            values.append(np.quantile(late, [0.01, 0.99]))
        for table in (run.train, run.validation):
            epochs = table.column(metric)
            values.append(_finite(epochs[1:] if len(epochs) > 4 else epochs))
        if metric == "elbo" and run.reference is not None:
            values.append(np.array([run.reference]))
    known = np.concatenate(values) if values else np.empty(0)
    return (float(known.min()), float(known.max())) if len(known) else None


def rounded_up(value: float) -> float:
    """The next round number, so that an axis grows in few steps and not with every frame."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    ladder = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return next(power * rung for rung in ladder if value <= power * rung * (1 + 1e-9))


def difference(runs: Sequence[Run]) -> str:
    """In which respects runs cannot be compared: “data and likelihood”; empty where they can."""
    aspects = {
        "unit": {run.unit for run in runs},
        "data": {run.data for run in runs},
        "likelihood": {run.likelihood for run in runs},
        "having classes, p(x, y) or p(x)": {run.has_classes for run in runs},
    }
    differing = [name for name, values in aspects.items() if len(values) > 1]
    return " and ".join(filter(None, (", ".join(differing[:-1]), *differing[-1:])))


def csv_bytes(runs: Sequence[Run]) -> bytes:
    """All numbers of the runs as one table: a row a step, and two an epoch, with what they are of behind them.

    The `quantity` is what the column `elbo` holds, in its `unit`; a KL is in nats per image always.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["run", "kind", *_COLUMN, "quantity", "unit", "data", "likelihood", "images"])
    for run in runs:
        for kind in ("steps", "train", "validation"):
            images = "validation" if kind == "validation" else run.train_title
            of = [run.label, run.unit, run.data, run.likelihood, images]
            name = "step" if kind == "steps" else kind
            for row in _texts(getattr(run, kind)):
                writer.writerow([run.name, name, *row, *of])
    return text.getvalue().encode()


def _texts(table: Table) -> Iterator[list[str]]:
    columns = [table.column(column) for column in _COLUMN]
    for row in zip(*columns, strict=True):
        yield ["" if math.isnan(value) else f"{value:.10g}" for value in row]


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]
