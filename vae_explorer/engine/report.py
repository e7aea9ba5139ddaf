"""The figures of a model, each with what is needed to hold it against another."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Certainty = Literal["exact", "bound", "estimate"]
NATS = "nats per image"
FRACTION = "fraction"
COUNT = "dimensions"


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        name: for programs, such as `elbo`.
        title: for people, such as `ELBO ≤ log p(x)`.
        value: in `unit`.
        unit: `nats per image`, `fraction` or `dimensions`.
        certainty: `exact` (to a stated tolerance), a lower `bound`, or an `estimate` without a side.
        images: over how many images it is a mean.
        samples: latent samples an image, and of a Joint VAE for every class; None where there are none.
        standard_error: of the mean over images; None where it is no mean.
        monte_carlo_error: the part of it that other latent samples of the same images would change.
        bits_per_dimension: of log p(x) and bounds on it, for a discrete likelihood: −value / (D log 2).
        seconds: it took.
        note: what else must be known to compare it.
    """

    name: str
    title: str
    value: float
    unit: str
    certainty: Certainty
    images: int
    samples: int | None = None
    standard_error: float | None = None
    monte_carlo_error: float | None = None
    bits_per_dimension: float | None = None
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Report:
    """All figures of a model on one split of one data set.

    Attributes:
        model: its kind, latent size and likelihood, in words.
        dataset: the title of the data set.
        split: `train`, `validation` or `test`.
        images: how many images of the split were used, of `images_in_split`.
        unit: of log-likelihoods: nats of a probability or of a density.
        binarisation: how the pixels became targets, for a Bernoulli likelihood; else empty.
        seed: of binarisation and latent samples.
        device: the kind of it, whose own random numbers the seed is of.
        class_prior: π of the model as it was measured, (C,); empty for a model of p(x).
        figures: in the order in which they are shown.
        kl_per_dimension: mean KL(q(z_i|x) ‖ p(z_i)), nats per image, (d,).
        variance_of_means: Var_x E[z_i], (d,); above 0.01 a dimension is active.
    """

    model: str
    dataset: str
    split: str
    images: int
    images_in_split: int
    unit: str
    binarisation: str
    seed: int
    device: str
    class_prior: tuple[float, ...]
    figures: tuple[Figure, ...]
    kl_per_dimension: tuple[float, ...]
    variance_of_means: tuple[float, ...]

    def __getitem__(self, name: str) -> Figure:
        """The figure of that name; KeyError where it was not measured."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(figure.name == name for figure in self.figures)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: a number that is not finite becomes null."""
        return _json_ready(asdict(self))

    def table(self) -> str:
        """The report as aligned plain text, without a final line break."""
        head = [self.model, *headlines(vars(self))]
        rows = [("", "value", "± s.e.", "bits/dim", "kind", "samples", "seconds")]
        rows += [figure_cells(figure, 3) for figure in self.figures]
        notes = [f"{f.title}: {f.note}" for f in self.figures if f.note]
        parts = ["\n".join(head), _aligned(rows), self._dimensions()]
        return "\n\n".join([*parts, "\n".join(notes)] if notes else parts)

    def _dimensions(self) -> str:
        order = sorted(range(len(self.kl_per_dimension)), key=lambda i: -self.kl_per_dimension[i])
        shown = [f"{self.kl_per_dimension[i]:.2f} (z{i + 1})" for i in order[:10]]
        rest = f", and {len(order) - 10} more" if len(order) > 10 else ""
        return f"KL of each dimension, nats: {', '.join(shown)}{rest}"


def headlines(said: Mapping[str, Any]) -> list[str]:
    """What a report's figures are of: the images, how they became targets, the unit.

    said: the attributes of a `Report`, or what a file keeps of them; what is missing there is left out.
    """
    lines = [f"{said.get('dataset', '')}, {said.get('split', '')} split"]
    count, total = said.get("images"), said.get("images_in_split")
    if isinstance(count, int) and isinstance(total, int):
        part = f"the first {count:,} of {total:,}" if count < total else f"{count:,}"
        lines[0] += f", {part} images"
    if "seed" in said:
        lines[0] += f", seed {said['seed']}"
        if said.get("device", "cpu") != "cpu":
            lines[0] += f" on {said['device']}"
    if said.get("binarisation"):
        lines.append(str(said["binarisation"]))
    if "unit" in said:
        lines.append(f"log-likelihoods in {said['unit']}")
    return lines


def document(
    file: str | None,
    report: Report,
    comparison: Any,  # noqa: ANN401
    epoch: float | None = None,
) -> dict[str, Any]:
    """What is kept of an evaluation: the model's file, the report, and a comparison of gradients.

    epoch: whose weights were measured, where it is a moment of a training.
    """
    content = {"file": file, **report.to_dict()}
    if epoch is not None:
        content["epoch"] = epoch
    if comparison is not None:
        content["gradients"] = _json_ready(asdict(comparison))
    return content


def json_bytes(content: dict[str, Any]) -> bytes:
    """A document as a file keeps it."""
    text = f"{json.dumps(content, indent=2, ensure_ascii=False)}\n"
    return text.encode(errors="backslashreplace")  # names that are not UTF-8: as JSON escapes them


def digits(value: float) -> str:
    """A number of any size with four digits or more and no power of ten up to a billion: 0.01234, 1,094,213."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def figure_cells(figure: Figure, decimals: int) -> tuple[str, str, str, str, str, str, str]:
    """A figure as the cells of a table: title, value, standard error, bits, certainty, samples, seconds.

    decimals: of nats; a fraction is written in percent with two, a count with none.
    """

    def written(value: float | None) -> str:
        if value is None:
            return ""
        if figure.unit == FRACTION:
            return f"{100.0 * value:.2f} %"
        return f"{value:.{0 if figure.unit == COUNT else decimals}f}"

    bits = figure.bits_per_dimension
    return (
        figure.title,
        written(figure.value).replace("-", "−"),
        written(figure.standard_error),
        "" if bits is None else f"{bits:.4f}".replace("-", "−"),
        figure.certainty,
        "" if figure.samples is None else f"{figure.samples:,}",
        f"{figure.seconds:.1f}",
    )


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        for i in range(1, len(row)):
            cells.append(row[i].ljust(widths[i]) if i == 4 else row[i].rjust(widths[i]))
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "─" * max(map(len, lines)))
    return "\n".join(lines)


def _json_ready(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _json_ready(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_json_ready(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
