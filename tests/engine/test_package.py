"""What `vae_explorer.engine` offers by name."""

from __future__ import annotations

from typing import get_args

from vae_explorer import engine


def test_every_name_that_is_offered_is_there() -> None:
    assert sorted(engine._HOMES) == sorted(engine.__all__)
    assert all(getattr(engine, name) is not None for name in engine.__all__)


def test_each_kind_of_event_can_be_told_by_its_class() -> None:
    for kind in get_args(engine.Event):
        assert getattr(engine, kind.__name__) is kind
    assert isinstance(engine.load_dataset("digits"), engine.Dataset)
