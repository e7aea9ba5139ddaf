"""What an evaluation can be told besides how many images and samples: a row that is shown on demand."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QGridLayout, QSpinBox, QWidget

from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.gui import style
from vae_explorer.gui.gallery import Source
from vae_explorer.gui.notation import typeset_tip

PRIOR_SHARES = (0.0, 0.1, 0.25, 0.5)
LARGEST_SEED = 999_999
MOST_ELBO_SAMPLES = 10_000
_TITLE_LENGTH = 13  # characters of a data set's title that are always seen


class EvaluationSettingsRow(QWidget):
    """A captioned field for each setting."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        default = EvaluationConfig()
        self._sources: dict[str, Source] = {}
        self.dataset = choice_box(self, ())
        self.dataset.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )  # a folder may have any name
        self.dataset.setMinimumContentsLength(_TITLE_LENGTH)
        self.dataset.currentIndexChanged.connect(self._offer_splits)
        self.split = choice_box(self, ())
        self.split.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.elbo_samples = _number(self, 1, MOST_ELBO_SAMPLES, default.elbo_samples)
        self.seed = _number(self, 0, LARGEST_SEED, default.seed)
        self.exact = choice_box(
            self, ((self.tr("automatic"), None), (self.tr("on"), True), (self.tr("off"), False))
        )
        self.prior_share = choice_box(
            self, [(f"{share:.0%}".replace("%", " %"), share) for share in PRIOR_SHARES]
        )
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(style.GAP)
        self._grid.setVerticalSpacing(2)
        self._add_fields()
        self._grid.setColumnStretch(self._grid.columnCount(), 1)
        self.set_model("", estimated=True, exact_offered=True)

    def _add_fields(self) -> None:
        self._add(self.dataset, self.tr("Images of"), "")
        self._add(self.split, self.tr("Split"), "")
        self._add(self.elbo_samples, self.tr("M, of the ELBO"), "")
        self._add(
            self.seed,
            self.tr("Seed"),
            self.tr("Of the binarised pixels and the samples z: the same seed, the same figures"),
        )
        self._add(self.exact, self.tr("Exact log p(x)"), "")
        self._add(self.prior_share, self.tr("z from the prior"), "")

    def config(self, samples: int, images: int | None) -> EvaluationConfig:
        """What to measure on the `split`, with so many samples and images; None: all."""
        return EvaluationConfig(
            samples,
            self.elbo_samples.value(),
            images,
            self.seed.value(),
            self.exact.currentData() if self.exact.isEnabled() else None,
            self.prior_share.currentData(),
        )

    def set_sources(self, sources: Sequence[Source]) -> None:
        """The data sets that can be measured, the first of them chosen unless one was chosen that is still there."""
        chosen, split = self.dataset.currentData(), self.split.currentData()
        self._sources = {source.dataset: source for source in sources}
        with QSignalBlocker(self.dataset):
            self.dataset.clear()
            for source in sources:
                self.dataset.addItem(source.title, source.dataset)
            self.dataset.setCurrentIndex(max(0, self.dataset.findData(chosen)))
        self.dataset.setEnabled(len(sources) > 1)
        self._offer_splits()
        self.choose_split(split)

    def choose_split(self, split: str) -> None:
        """Choose a split, where the data set chosen offers it."""
        index = self.split.findData(split)
        if index >= 0:
            self.split.setCurrentIndex(index)

    def _offer_splits(self) -> None:
        source = self._sources.get(self.dataset.currentData())
        splits = source.splits if source else ()
        names = {"test": self.tr("test"), "validation": self.tr("validation")}
        names["train"] = self.tr("train")
        chosen = self.split.currentData()
        self.split.clear()
        for split in splits:
            self.split.addItem(names[split], split)
        self.choose_split(chosen)
        self.split.setEnabled(len(splits) > 1)
        self.dataset.setToolTip(source.title if source else "")
        self.split.setToolTip(
            self.tr("Only test images say how good a model is on new ones")
            if len(splits) != 1
            else self.tr(
                "The model was trained on other data, of which the train and validation images here"
                " may be a part: only the test images are new to it"
            )
        )

    def set_model(self, given_class: str, estimated: bool, exact_offered: bool) -> None:
        """Speak of the model in hand.

        Args:
            given_class: `, y` for a Joint VAE, as in q(z|x, y).
            estimated: its figures come from samples; PPCA's are exact without any.
            exact_offered: its evidence can be integrated.
        """
        for field in (self.elbo_samples, self.prior_share):
            field.setEnabled(estimated)
        y, sum_over_y = given_class, "Σ_y π_y " if given_class else ""
        self.elbo_samples.setToolTip(
            self.tr("Samples z from q(z|x{0}) an image for E log p(x|z{0}), the reconstruction term")
            .format(y)
        )  # fmt: skip
        self.prior_share.setToolTip(
            self.tr(
                "The share of the bound's samples that comes from p(z) instead of q(z|x{0}): "
                "the bound gets closer where q misses a mode of the true posterior"
            ).format(y)
        )
        self.exact.setEnabled(exact_offered)
        exact = (
            self.tr(
                "log p(x) = log {1}∫ p(x|z{0}) p(z) dz on a grid, and with it KL(q ‖ p(z|x{0})); "
                "automatic: where it takes minutes at most"
            ).format(y, sum_over_y)
            if exact_offered
            else self.tr("A grid over z is for VAEs of one or two latent dimensions")
        )
        self.exact.setToolTip(typeset_tip(exact))
        self.exact.setAccessibleDescription(exact)

    def _add(self, field: QWidget, caption: str, tip: str) -> None:
        column = self._grid.count() // 2
        label = style.muted_label(caption, self)
        field.setAccessibleName(caption)
        field.setToolTip(tip)
        self._grid.addWidget(label, 0, column)
        self._grid.addWidget(field, 1, column)


def choice_box(parent: QWidget, items: Sequence[tuple[str, object]]) -> QComboBox:
    """A choice among values, each with its text."""
    box = QComboBox(parent)
    for text, value in items:
        box.addItem(text, value)
    return box


def _number(parent: QWidget, least: int, most: int, value: int) -> QSpinBox:
    box = QSpinBox(parent)
    box.setRange(least, most)
    box.setValue(value)
    box.lineEdit().setTextMargins(style.HALF, 0, 0, 0)  # as the text of a combo box stands
    return box
