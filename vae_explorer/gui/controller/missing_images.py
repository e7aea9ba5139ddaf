"""What to do where no real images fit the model in hand."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from vae_explorer.engine.catalogue import DATASETS
from vae_explorer.gui.gallery import dataset_of
from vae_explorer.gui.session import Session


def how_to_get_images(session: Session) -> str:
    """A sentence, by what the model's card says that it was trained on."""
    name = dataset_of(session.opened.card) if session.opened else None
    if name is None:  # a folder, of which a model's file does not tell
        return _tr("To see some, choose their folder under Data, and train on it with "
                   "“Start from the model in hand”.")  # fmt: skip
    words = _tr("To see some, train on {0}, which fetches it; then open this model again.")
    return words.format(DATASETS[name].title)


def _tr(text: str) -> str:
    return QCoreApplication.translate("MissingImages", text)
