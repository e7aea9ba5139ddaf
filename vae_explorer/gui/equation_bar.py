"""The equation bar: the ELBO written out with the numbers of the image in hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QSizePolicy, QVBoxLayout, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.notation import TOO_LONG, compact

SAMPLES = 16  # M, the draws z of the reconstruction term

_WIDEST = {
    "elbo": "−000.0",
    "reconstruction": "−000.0",
    "kl": "00.00",
    "log_prior": "−0.00",
    "classification": "−0.00",
}
"""Room kept for each number, so that the bar stands still while they change."""


@dataclass(frozen=True)
class Term:
    """One term of the equation: `key` is its place in the numbers, `sign` what stands before it."""

    key: str
    sign: str
    name: str
    formula: str
    words: str


def _tr(text: str) -> str:
    return QCoreApplication.translate("EquationBar", text)


def equation(kind: str) -> tuple[Term, ...]:
    """The terms of a model's bound: kind is `vae`, `joint-vae` or `ppca`."""
    joint = kind == "joint-vae"
    given = "x, y" if joint else "x"
    decoder = "p(x|z, y)" if joint else "p(x|z)"
    posterior = f"q(z|{given})"
    terms = [
        _bound(kind),
        Term(
            "reconstruction",
            "=",
            _tr("reconstruction"),
            f"E<sub>q</sub> log {decoder}",
            _reconstruction(kind).format(posterior, SAMPLES),
        ),
        Term(
            "kl",
            "−",
            _tr("KL"),
            f"KL({posterior} ‖ p(z))",
            _tr(
                "What the code costs: how far the posterior of this image is from the prior "
                "{} = N(0, I). For a Gaussian, Σ ½(μ² + σ² − 1 − log σ²). Zero: the code says "
                "nothing."
            ).format("p(z|y) = p(z)" if joint else "p(z)"),
        ),
    ]
    if joint:
        terms += [
            Term(
                "log_prior",
                "+",
                _tr("class prior"),
                "log π<sub>y</sub>",
                _tr("How common this class is: log of its weight π. Ten equal classes give −2.30."),
            ),
            Term(
                "classification",
                "[ + λ ·",
                _tr("classifier"),
                "log q(y|x)",
                _tr(
                    "Beside the bound, and not part of it: how sure the classifier is of y. "
                    "Training maximises the bound plus λ times this."
                ),
            ),
        ]
    return tuple(terms)


def _reconstruction(kind: str) -> str:
    """What the first term says, and whether it is exact; with places for the posterior and M."""
    if kind == "ppca":
        return _tr("How well the image is recovered from its code, on average over {}: exact.")
    return _tr(
        "How well the image is recovered from its code: an estimate, the average over M = {1} z "
        "drawn from {0}. Higher is better."
    )


def _bound(kind: str) -> Term:
    """The left side of the equation."""
    if kind == "ppca":
        words = _tr(
            "The exact log-likelihood: a linear Gaussian model knows its true posterior, so the "
            "bound holds with equality."
        )
        return Term("elbo", "", _tr("log-likelihood"), "log p(x)", words)
    if kind == "joint-vae":
        words = _tr("Evidence lower bound: log p(x, y) is at least this. The gap is the KL between "
                    "q(z|x, y) and the true posterior.")  # fmt: skip
        return Term("elbo", "", _tr("ELBO"), "≤ log p(x, y)", words)
    words = _tr(
        "Evidence lower bound: log p(x) is at least this. The gap is the KL between q(z|x) and "
        "the true posterior."
    )
    return Term("elbo", "", _tr("ELBO"), "≤ log p(x)", words)


class EquationBar(QWidget):
    """`ELBO = reconstruction − KL (+ log π + λ · log q(y|x))`, each term with its number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind = ""
        self._has_numbers = False
        self._blocks: list[_Block] = []
        self._signs: list[QLabel] = []
        self._subject = _Subject(self)
        self._hint = style.muted_label(
            self.tr("Point at the canvas or draw, and the numbers come in"), self
        )
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(style.MARGIN, style.HALF, style.MARGIN, style.HALF)
        self._row.setSpacing(style.GAP)
        self._row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # formulas may give way
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("The bound, term by term"))
        self.setStyleSheet("QLabel:disabled { color: palette(link-visited); }")
        self.set_terms(None, "vae")

    def set_terms(
        self,
        terms: Mapping[str, float] | None,
        kind: str,
        *,
        subject: str = "",
        given: str = "",
        unit: str = "nats",
        classification_weight: float | None = None,
    ) -> None:
        """Show the numbers of one image, in nats; None writes the equation without numbers.

        terms: `elbo`, `reconstruction`, `kl`, and for a Joint VAE `log_prior` and `classification`.
        kind: `vae`, `joint-vae` or `ppca`.
        subject: whose numbers these are, such as “Your drawing”.
        given: the class that they are of, such as “y = 3”; empty for a model of p(x).
        """
        if kind != self._kind:
            self._build(kind)
        numbers = {} if terms is None else terms
        for block in self._blocks:
            if terms is None:
                block.show_name()
            else:
                block.show_value(numbers.get(block.term.key))
        if kind == "joint-vae":
            weight = classification_weight
            self._blocks[-1].note("" if weight is None else f", λ = {weight:g}")
        self._subject.show_words(subject, ", ".join(filter(None, (given, unit))))
        self._has_numbers = terms is not None
        self._fit()
        said = ", ".join(filter(None, (subject, given))) if terms is not None else ""
        words = self._in_words(numbers)
        self.setAccessibleDescription(f"{said}: {words}" if said else words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _build(self, kind: str) -> None:
        self._kind = kind
        while item := self._row.takeAt(0):
            widget = item.widget()
            if widget is not None and widget not in (self._subject, self._hint):
                widget.hide()
                widget.deleteLater()
        self._blocks, self._signs = [], []
        self._subject.forget_width()
        self._row.addWidget(self._subject, 0, Qt.AlignmentFlag.AlignTop)
        for term in equation(kind):
            if term.sign:
                self._signs.append(self._add_sign(term.sign))
            block = _Block(term, self)
            self._blocks.append(block)
            self._row.addWidget(block)
        if kind == "joint-vae":
            self._signs.append(self._add_sign("]"))
        self._row.addStretch(1)
        self._row.addWidget(self._hint)
        self._fit()

    def _add_sign(self, sign: str) -> QLabel:
        label = style.muted_label(sign, self)
        label.setFont(style.number_font(style.FONT_LARGE))
        self._row.addWidget(label, 0, Qt.AlignmentFlag.AlignTop)
        return label

    def minimumSizeHint(self) -> QSize:
        return QSize(self._fixed_width() + self._names_width(), super().minimumSizeHint().height())

    def _fit(self) -> None:
        """Whose numbers these are if there is room, then formulas; without numbers, how they come."""
        room = self.width() - self._fixed_width()
        whose = self._subject.minimumWidth() + style.GAP
        tells = self._has_numbers and self._names_width() + whose <= room
        self._subject.setVisible(tells)
        room -= whose if tells else 0
        formulas = sum(block.width_with_formula() for block in self._blocks)
        for block in self._blocks:
            block.show_formula(formulas <= room)
        taken = formulas if formulas <= room else self._names_width()
        hint = self._hint.sizeHint().width() + style.GAP
        self._hint.setVisible(not self._has_numbers and taken + hint <= room)

    def _fixed_width(self) -> int:
        """The signs and the spaces between all."""
        signs = sum(label.sizeHint().width() for label in self._signs)
        return signs + style.GAP * (len(self._signs) + len(self._blocks)) + 2 * style.MARGIN

    def _names_width(self) -> int:
        return sum(block.width_without_formula() for block in self._blocks)

    def _in_words(self, numbers: Mapping[str, float]) -> str:
        parts = [f"{b.term.name} {nats(numbers[b.term.key])}" for b in self._blocks
                 if b.term.key in numbers]  # fmt: skip
        return ", ".join(parts)


class _Subject(QWidget):
    """Whose numbers these are, over the class that they are given and the unit.

    It gets wider where it must, and no narrower again, so that the equation stands still.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._whose = QLabel("", self)
        self._given = style.muted_label("", self)
        self._given.setFont(style.small_font())
        numbers = QFontMetricsF(style.number_font(style.FONT_LARGE))
        self._whose.setMinimumHeight(round(numbers.height()))  # its lines stand where a term's do
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, style.GAP, 0)
        column.setSpacing(0)
        column.addWidget(self._whose)
        column.addWidget(self._given)
        self.hide()

    def words(self) -> str:
        """Both lines."""
        return f"{self._whose.text()}\n{self._given.text()}"

    def show_words(self, whose: str, given: str) -> None:
        self._whose.setText(whose)
        self._given.setText(given)
        self.setMinimumWidth(max(self.minimumWidth(), self.sizeHint().width()))

    def forget_width(self) -> None:
        self.setMinimumWidth(0)


class _Block(QWidget):
    """A term: its number, under it its name and formula; the rest on hover."""

    def __init__(self, term: Term, parent: QWidget) -> None:
        super().__init__(parent)
        self.term = term
        self._value = QLabel("", self)
        self._value.setFont(style.number_font(style.FONT_LARGE))
        self._value.setProperty("muted", term.key == "classification")
        self._value.setMinimumWidth(
            round(QFontMetricsF(self._value.font()).horizontalAdvance(_WIDEST[term.key])) + 2
        )
        self._name = QLabel(term.name, self)
        self._name.setFont(style.small_font())
        self._formula = style.muted_label(term.formula, self)
        self._formula.setTextFormat(Qt.TextFormat.RichText)
        captions = QHBoxLayout()
        captions.setSpacing(6)
        captions.addWidget(self._name)
        captions.addWidget(self._formula)
        captions.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._value)
        column.addLayout(captions)
        self.setToolTip(f"<p><b>{term.name}</b>&nbsp; <i>{term.formula}</i></p><p>{term.words}</p>")
        self.setAccessibleName(term.name)
        self.setAccessibleDescription(term.words)
        self.show_name()

    def show_value(self, value: float | None) -> None:
        self._value.setText("–" if value is None else nats(float(value)))
        self._value.setEnabled(True)
        self._name.show()

    def show_name(self) -> None:
        """While there are no numbers, the equation is written in words."""
        self._value.setText(self.term.name)
        self._value.setEnabled(False)
        self._name.hide()

    def note(self, text: str) -> None:
        """Write something behind the formula."""
        self._formula.setText(self.term.formula + text)

    def show_formula(self, shown: bool) -> None:
        self._formula.setVisible(shown)

    def width_with_formula(self) -> int:
        captions = self._name.sizeHint().width() + 6 + self._formula.sizeHint().width()
        return max(captions, self._value.sizeHint().width(), self._value.minimumWidth())

    def width_without_formula(self) -> int:
        values = max(self._value.sizeHint().width(), self._value.minimumWidth())
        return max(self._name.sizeHint().width(), values)


def nats(value: float) -> str:
    """A number of nats with a real minus sign: 2 decimals below 10 in size, else 1, and none where it is huge."""
    if not math.isfinite(value):
        return "∞" if value == math.inf else "−∞" if value == -math.inf else "–"
    if abs(value) >= TOO_LONG:
        return compact(value)
    text = f"{abs(value):.2f}" if abs(value) < 9.995 else f"{abs(value):,.1f}"
    return f"−{text}" if value < 0 and float(text.replace(",", "")) > 0 else text
