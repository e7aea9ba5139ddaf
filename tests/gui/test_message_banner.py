"""The line across the top: good news leaves by itself, trouble stays until it is dismissed."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from vae_explorer.gui.message_banner import MessageBanner
from vae_explorer.gui.style import LIGHT


@pytest.fixture
def banner(qtbot: QtBot) -> MessageBanner:
    banner = MessageBanner(LIGHT)
    qtbot.addWidget(banner)
    banner._leaving.setInterval(30)
    return banner


def test_good_news_leaves_by_itself(banner: MessageBanner, qtbot: QtBot) -> None:
    banner.show_message("Saved it.", "info")
    assert banner.text() == "Saved it."
    qtbot.waitUntil(lambda: banner.text() == "", timeout=2000)


def test_trouble_stays_and_outlives_news(banner: MessageBanner, qtbot: QtBot) -> None:
    banner.show_message("Saved it.", "info")
    banner.show_message("It failed.", "error")
    qtbot.wait(120)
    assert banner.text() == "It failed."


def test_a_name_that_looks_like_html_is_shown_as_it_is(banner: MessageBanner) -> None:
    pictures = []
    for name in ("mine", "mine<b></b>"):
        banner.show_message(f"Saved {name}", "info")
        banner.resize(400, 40)
        pictures.append(banner.grab().toImage())
    assert pictures[0] != pictures[1]
