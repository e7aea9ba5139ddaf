"""All wiring and application state: each module connects one part of the window to the engine."""

from vae_explorer.gui.controller.application import Controller

__all__ = ["Controller"]
