"""What the benchmarks report, and the tables it is shown in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    Attributes:
        what, against: the two things compared.
        demand: what is wanted, in words; empty where it is only told.
        value: the figure; None where it could not be measured.
        shown: it in words, or why there is none.
        met: whether the demand is; None without a demand or a figure.
        details: what else was measured, in base units.
    """

    what: str
    against: str
    demand: str
    value: float | None
    shown: str
    met: bool | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        quick: fewer and smaller rounds, for a look.
        data_dir: a folder with MNIST/raw; None takes the bundled digits.
        xvfb: show the window on a virtual X screen instead of Qt's own offscreen one.
        plot: where the plot of growth goes.
    """

    quick: bool = False
    data_dir: Path | None = None
    xvfb: bool = False
    plot: Path | None = None

    def rounds(self, count: int) -> int:
        return max(3, count // 4) if self.quick else count


Benchmark = Callable[[Options], Iterable[Figure]]


def at_least(what: str, against: str, value: float, wanted: float, **details: object) -> Figure:
    """A ratio that should be large."""
    return Figure(what, against, f"≥ {wanted:g}×", value, f"{value:.2f}×", value >= wanted, details)


def share(
    what: str,
    against: str,
    value: float,
    wanted: float,
    own: float | None = None,
    **details: object,
) -> Figure:
    """A share of what would be possible, and of `own`, what the faster library would take alone."""
    demand, shown = f"≥ {100 * wanted:.0f} %", f"{100 * value:.0f} %"
    if own is not None:
        shown += f" ({100 * own:.0f} % of oneDNN's)"
    return Figure(what, against, demand, value, shown, value >= wanted, details)


def at_most(
    what: str, against: str, value: float, wanted: float, unit: str, scale: float, **details: object
) -> Figure:
    """Seconds or bytes that should be few; shown as `value · scale` in `unit`."""
    shown = f"{value * scale:.1f} {unit}"
    demand = f"≤ {wanted * scale:.3g} {unit}"
    return Figure(what, against, demand, value, shown, value <= wanted, details)


def milliseconds(what: str, value: float, wanted: float, **details: object) -> Figure:
    """A delay beside one frame of a screen of 60 Hz."""
    return at_most(what, "a frame, 16.7 ms", value, wanted, "ms", 1e3, **details)


def not_measured(what: str, against: str, demand: str, why: str) -> Figure:
    """A row without a figure, which says why."""
    return Figure(what, against, demand, None, f"not measured: {why}")


_VERDICTS = {True: "met", False: "missed", None: ""}
HEADINGS: tuple[str, ...] = ("what", "against", "demand", "result", "")


def _cells(rows: Iterable[Mapping[str, object]]) -> list[tuple[str, ...]]:
    cells = [HEADINGS]
    for row in rows:
        met = row["met"]
        words = (row["what"], row["against"], row["demand"], row["shown"])
        cells.append((*map(str, words), _VERDICTS[None if met is None else bool(met)]))
    return cells


def text_table(rows: Iterable[Mapping[str, object]]) -> str:
    """Columns for a terminal."""
    cells = _cells(rows)
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADINGS))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in cells]
    return "\n".join((lines[0], "─" * sum((*widths, 2 * len(widths) - 2)), *lines[1:]))


def markdown_table(rows: Iterable[Mapping[str, object]]) -> str:
    """The same for the README."""
    head, *body = _cells(rows)
    lines: Sequence[Sequence[str]] = (head, ["---"] * len(HEADINGS), *body)
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)
