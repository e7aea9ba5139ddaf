"""What may change while a training runs: a small object that `fit` reads between two steps."""

from __future__ import annotations

import math
import threading

from vae_explorer.engine.errors import ConfigError
from vae_explorer.engine.plain_numbers import real

LIVE_SETTINGS = ("beta", "classification_weight", "learning_rate")


class TrainingControl:
    """Stop, pause, single steps and live settings, from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stopping = False
        self._paused = False
        self._steps_allowed = 0
        self._epochs_allowed = 0
        self._settings: dict[str, float] = {}

    def stop(self) -> None:
        """End the training after the step in hand."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def pause(self) -> None:
        """Hold the training after the step in hand."""
        with self._changed:
            self._paused = True
            self._steps_allowed = self._epochs_allowed = 0

    def resume(self) -> None:
        """Go on after a pause."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def step_once(self) -> None:
        """Pause, but for one more step."""
        with self._changed:
            self._paused = True
            self._steps_allowed += 1
            self._changed.notify_all()

    def epoch_once(self) -> None:
        """Pause at the end of the epoch in hand."""
        with self._changed:
            self._paused = True
            self._steps_allowed, self._epochs_allowed = 0, 1
            self._changed.notify_all()

    def set(self, **settings: float | None) -> None:
        """Change `beta`, `classification_weight` or `learning_rate` from the next step on; `None` leaves one as it is.

        A warm-up goes on to the new β, and a cosine schedule from the new learning rate: they multiply what is set.

        Raises:
            ConfigError: another name, or a value that is negative or no number.
        """
        taken: dict[str, float] = {}
        for name, value in settings.items():
            if value is None:
                continue
            if name not in LIVE_SETTINGS:
                raise ConfigError(
                    f"{name!r} cannot change while a training runs; {', '.join(LIVE_SETTINGS)} can."
                )
            number = real(value)
            if number is None or not 0.0 <= number < math.inf:  # nor is NaN
                raise ConfigError(
                    f"A {name.replace('_', ' ')} is a number, zero or more; not {value!r}."
                )
            taken[name] = number
        with self._changed:
            self._settings.update(taken)

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stopping

    @property
    def paused(self) -> bool:
        """Whether the training holds between steps."""
        return self._paused

    @property
    def holding(self) -> bool:
        """Whether the next step has to wait: paused, and neither a step nor an epoch is asked for."""
        asked = self._stopping or self._steps_allowed or self._epochs_allowed
        return self._paused and not asked

    def take_settings(self) -> dict[str, float]:
        """The settings changed since the last call."""
        if not self._settings:
            return {}
        with self._changed:
            taken, self._settings = self._settings, {}
        return taken

    def wait_for_turn(self) -> bool:
        """Block while paused; whether the next step may be taken."""
        if not self._paused and not self._stopping:
            return True
        with self._changed:
            while self.holding:
                self._changed.wait()
            if self._paused and not self._epochs_allowed and self._steps_allowed:
                self._steps_allowed -= 1
            return not self._stopping

    def epoch_ended(self) -> None:
        """`fit` says that an epoch is over, which uses up an `epoch_once`."""
        with self._changed:
            self._epochs_allowed = 0
