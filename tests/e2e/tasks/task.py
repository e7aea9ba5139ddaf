"""What a task is: what somebody wants, in how many actions it must be done, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.tasks.player import Player


@dataclass(frozen=True)
class Task:
    """One of the twenty.

    Attributes:
        wish: what the new user wants.
        limit: the number of actions that may be needed.
        play: does it, and asserts that the window shows it done.
        model: which of the small models is open when it begins: `joint`, `vae` or `wide`.
    """

    wish: str
    limit: int
    play: Callable[[Player], None]
    model: str = "joint"
