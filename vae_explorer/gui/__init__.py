"""The window: PySide6 and pyqtgraph. Nothing here imports torch when it is imported."""
