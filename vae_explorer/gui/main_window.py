"""The window's layout, and nothing else: where each widget sits and how the space is shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QMainWindow,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.gui import style
from vae_explorer.gui.class_selector import ClassSelector
from vae_explorer.gui.decoded_image import DecodedImage
from vae_explorer.gui.dimensions_bar import DimensionsBar
from vae_explorer.gui.drawing_pad import DrawingPad
from vae_explorer.gui.equation_bar import EquationBar
from vae_explorer.gui.evaluation_page import EvaluationPage
from vae_explorer.gui.figure_page import FigurePage
from vae_explorer.gui.film_strip import FilmStrip
from vae_explorer.gui.focus_ring import FocusRing
from vae_explorer.gui.handwriting_row import HandwritingRow
from vae_explorer.gui.latent_canvas import LatentCanvas
from vae_explorer.gui.menus import Menus
from vae_explorer.gui.message_banner import MessageBanner
from vae_explorer.gui.plot_library import import_plot_library
from vae_explorer.gui.probability_bars import ProbabilityBars
from vae_explorer.gui.reconstruction import Reconstruction
from vae_explorer.gui.samples_page import SamplesPage
from vae_explorer.gui.snapshot_slider import SnapshotSlider
from vae_explorer.gui.style import Theme
from vae_explorer.gui.style_sheet import style_sheet
from vae_explorer.gui.training_panel import TrainingPanel

if TYPE_CHECKING:
    from vae_explorer.gui.curves import Curves

MINIMUM_SIZE = (1024, 688)
"""What all parts need at once; in a smaller window they are scrolled."""
LEAST_SIZE = (480, 320)  # smaller than any screen
FRAME = (2, 32)  # about what a window manager puts around a window, which is known only later

# Shares of the width of the three upper panels and the two lower ones, and of the two rows
_UPPER = (43, 28, 29)
_LOWER = (61, 39)
_ROWS = (69, 31)
_COMPACT_BELOW = 820  # pixels of height
_ROW_HEIGHT = 60  # of the handwritten classes in the drawing's panel: one row of them
_SCROLL_BAR = """QScrollBar:horizontal { background: transparent; height: 8px; margin: 0; }
    QScrollBar::handle:horizontal { background: palette(mid); border-radius: 4px; min-width: 24px; }
    QScrollBar::handle:horizontal:hover { background: palette(shadow); }"""  # as the others are
_LAYOUT_VERSION = 1  # a saved layout of another version is not restored


class MainWindow(QMainWindow):
    """Every widget is an attribute; the controllers wire them."""

    files_dropped = Signal(list)  # of str
    digit_typed = Signal(int)
    space_typed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._may_close: Callable[[], bool] = _always
        self.setWindowTitle("VAE Explorer")
        self.setMinimumSize(*LEAST_SIZE)
        self.setAcceptDrops(True)
        self.setProperty("dark", theme.is_dark)  # the sheet asks for it
        self.setStyleSheet(style_sheet())
        self._make_widgets(theme)
        self.menus = Menus(self)
        self._arrange()
        self.reset_layout()
        self.set_theme(theme)
        self.banner.shown.connect(self._place_banner)
        FocusRing(self)
        self.canvas.setFocus()

    # -- what the controllers use --------------------------------------------------------------

    @property
    def curves(self) -> Curves:
        """The live curves, made when first asked for.

        The plot library takes a while to import, and the window shall be seen before.
        """
        for _ in self.make_curves():
            pass
        assert self._curves is not None
        return self._curves

    def curves_give_way(self) -> None:
        """Keep new numbers of a training back for a moment, if there are curves at all."""
        if self._curves is not None:
            self._curves.give_way()

    def make_curves(self) -> Iterator[None]:
        """Make the curves if they are not there: first their library, then half a plot at a time, most of a frame each.

        Whoever asks again goes on with what was begun: a plot that is thrown away can crash Qt.
        """
        if self._making is None:
            self._making = self._make_curves()
        while self._curves is None:
            try:
                next(self._making, None)
            except Exception:
                self._making = None  # a generator that failed says nothing to who asks again
                raise
            yield

    def _make_curves(self) -> Iterator[None]:
        yield from import_plot_library()
        from vae_explorer.gui.curves import Curves

        style.configure_pyqtgraph()
        yield
        curves = yield from Curves.in_slices(self.theme, self._curves_page)
        column = QVBoxLayout(self._curves_page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(curves)
        self._curves = curves
        if curves.theme is not self.theme:  # changed in between
            curves.set_theme(self.theme)

    def set_close_guard(self, guard: Callable[[], bool]) -> None:
        """Ask `guard` before closing; False keeps the window open."""
        self._may_close = guard

    def set_theme(self, theme: Theme) -> None:
        """Hand the theme to every widget that paints itself."""
        for _ in self.take_theme(theme):
            pass

    def take_theme(self, theme: Theme) -> Iterator[None]:
        """`set_theme`, a widget at a time."""
        self.theme = theme
        self.setProperty("dark", theme.is_dark)
        for widget in self._themed:
            widget.set_theme(theme)
            yield
        if self._curves is not None:
            self._curves.set_theme(theme)

    def reset_layout(self) -> None:
        """Share the space as designed, with the settings folded away."""
        self.training.details_button.setChecked(False)
        for splitter, shares in (
            (self._upper, _UPPER),
            (self._lower, _LOWER),
            (self._rows, _ROWS),
        ):
            splitter.setSizes([share * 100 for share in shares])

    def save_layout(self, settings: QSettings) -> None:
        """Remember geometry and splitters, with the settings folded away as they will be."""
        self.training.details_button.setChecked(False)
        settings.setValue("layout/version", _LAYOUT_VERSION)
        settings.setValue("layout/geometry", self.saveGeometry())
        for name, splitter in self._splitters().items():
            settings.setValue(f"layout/{name}", splitter.saveState())

    def restore_layout(self, settings: QSettings) -> None:
        """Put geometry and splitters back as they were, where they were saved."""
        if settings.value("layout/version", 0, int) != _LAYOUT_VERSION:
            return
        geometry = settings.value("layout/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
            if self.isFullScreen():  # where a frame would be looked for in vain
                self.set_full_screen(False)
                self.setGeometry(self.normalGeometry())
        for name, splitter in self._splitters().items():
            state = settings.value(f"layout/{name}")
            if isinstance(state, QByteArray):
                splitter.restoreState(state)

    def set_full_screen(self, full: bool) -> None:
        """Fill the screen, or be again as large as before."""
        bit = Qt.WindowState.WindowFullScreen
        state = self.windowState()
        self.setWindowState(state | bit if full else state & ~bit)

    def fit_to_screen(self) -> None:
        """Be no larger than the screen has room for below a title bar."""
        if not self.isMaximized() and not self.isFullScreen():
            room = self.screen().availableSize() - QSize(*FRAME)
            self.resize(self.size().boundedTo(room))

    def set_has_classes(self, known: bool) -> None:
        """Answer drawings with classes and their handwriting, or without classes with a reconstruction."""
        self._has_classes = known
        self.bars.setVisible(known)
        self.reconstruction.setVisible(not known)
        page = self.tabs.indexOf(self.handwriting)
        if page >= 0:
            self.tabs.setTabVisible(page, known)
        else:
            self.handwriting.setVisible(known)

    def show_tab(self, page: QWidget) -> None:
        """Bring one of the lower pages to the front, before all settings if need be."""
        self.training.details_button.setChecked(False)
        self.tabs.setCurrentWidget(page)

    # -- events ----------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:  # a window manager can do it too
            self.menus.full_screen.setChecked(self.isFullScreen())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_banner()
        height = event.size().height()
        self._set_compact(height < _COMPACT_BELOW)
        if height >= _COMPACT_BELOW:
            self.handwriting.setMaximumHeight(max(_ROW_HEIGHT, height // 14))

    def _place_banner(self) -> None:
        """Over the room beside the menus: nothing moves for a message, and hardly anything is covered."""
        bar, left = self.menuBar(), style.GAP
        if not bar.isNativeMenuBar():
            left += bar.actionGeometry(bar.actions()[-1]).right()
        width = self.width() - left - style.GAP
        self.banner.setGeometry(left, 1, width, self.banner.heightForWidth(width))

    def _set_compact(self, compact: bool) -> None:
        """In a low window the row of handwritten classes moves to a page of its own."""
        layout = self._drawing_panel.layout()
        if compact == (self.tabs.indexOf(self.handwriting) >= 0) or layout is None:
            return
        self.handwriting.setContentsMargins(0, style.GAP if compact else 0, 0, 0)
        if compact:
            layout.removeWidget(self.handwriting)
            self.handwriting.setMaximumHeight(style.UNLIMITED)
            self.tabs.insertTab(1, self.handwriting, self.tr("Handwriting"))
            self.tabs.setTabVisible(1, self._has_classes)
        else:
            self.tabs.removeTab(self.tabs.indexOf(self.handwriting))
            if isinstance(layout, QVBoxLayout):
                layout.insertWidget(1, self.handwriting)
            self.handwriting.setVisible(self._has_classes)

    def closeEvent(self, event: QCloseEvent) -> None:
        event.setAccepted(self._may_close())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Only what no focused widget wanted arrives here, so typing in a field stays typing.
        plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        )
        if plain and Qt.Key.Key_0 <= event.key() <= Qt.Key.Key_9:
            self.digit_typed.emit(event.key() - Qt.Key.Key_0)
        elif plain and event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.space_typed.emit()
        elif plain and event.key() == Qt.Key.Key_Escape:
            self.banner.dismiss()
            self.training.details_button.setChecked(False)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths)

    # -- building --------------------------------------------------------------------------

    def _make_widgets(self, theme: Theme) -> None:
        self.banner = MessageBanner(theme, self)
        self.canvas = LatentCanvas(self)
        self.dimensions = DimensionsBar(self)
        self.snapshots = SnapshotSlider(theme, self)
        self.image = DecodedImage(self)
        self.classes = ClassSelector(self)
        self.pad = DrawingPad(theme, self)
        self.bars = ProbabilityBars(theme, self)
        self.handwriting = HandwritingRow(theme, self)
        self.reconstruction = Reconstruction(theme, self)
        self.equation = EquationBar(self)
        self._curves: Curves | None = None
        self._making: Iterator[None] | None = None
        self.film = FilmStrip(self)
        self.samples = SamplesPage(theme, self)
        self.figure = FigurePage(theme, self)
        self.evaluation = EvaluationPage(theme, self)
        self.training = TrainingPanel(theme, self)
        self._themed = (
            self.banner, self.canvas, self.snapshots, self.image, self.classes,
            self.pad, self.bars, self.handwriting, self.reconstruction, self.film, self.samples,
            self.figure, self.evaluation, self.training,
        )  # fmt: skip

    def _arrange(self) -> None:
        self._drawing_panel = _panel(
            self.pad, self.handwriting, self.bars, self.reconstruction, shares=(8, 0, 7, 8)
        )
        self._has_classes = True
        self.reconstruction.hide()
        self._upper = _splitter(
            Qt.Orientation.Horizontal,
            _panel(self.canvas, self.dimensions, self.snapshots),
            _panel(self.image, self.classes, shares=(5, 2)),
            self._drawing_panel,
        )
        self.tabs = QTabWidget(self)
        self.tabs.setDocumentMode(True)
        self._curves_page = QWidget(self)
        for page, title in (
            (self._curves_page, self.tr("Curves")),
            (self.film, self.tr("Path")),
            (self.samples, self.tr("Samples")),
            (self.figure, self.tr("Lecture's figure")),
            (self.evaluation, self.tr("Evaluation")),
        ):
            self.tabs.addTab(page, title)
        self._pages = _panel(self.tabs)
        self._lower = _splitter(
            Qt.Orientation.Horizontal, self._pages, _panel(self.training, margin=0)
        )
        upper = QWidget(self)
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.GAP)
        column.addWidget(self._upper, 1)
        column.addWidget(self.equation)
        self._rows = _splitter(Qt.Orientation.Vertical, upper, self._lower)
        centre = QWidget(self)
        width, height = MINIMUM_SIZE
        centre.setMinimumSize(width, height - self.menuBar().sizeHint().height())
        outer = QVBoxLayout(centre)
        outer.setContentsMargins(style.GAP, 0, style.GAP, style.GAP)
        outer.setSpacing(style.GAP)
        outer.addWidget(self._rows, 1)
        scroll = QScrollArea(self)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidgetResizable(True)
        scroll.setWidget(centre)
        scroll.horizontalScrollBar().setStyleSheet(_SCROLL_BAR)
        self.setCentralWidget(scroll)
        self._shares_before: list[int] = []  # of the lower row, while all settings are shown
        self.training.settings_unfolded.connect(self._make_room_for_settings)

    def _make_room_for_settings(self, unfolded: bool) -> None:
        """The pages give way to all settings; nothing else moves."""
        if unfolded:
            self._shares_before = self._lower.sizes()
        self._pages.setVisible(not unfolded)
        if not unfolded:
            self._lower.setSizes(self._shares_before)

    def _splitters(self) -> dict[str, QSplitter]:
        return {"upper": self._upper, "lower": self._lower, "rows": self._rows}


def _always() -> bool:
    return True


def _panel(*widgets: QWidget, margin: int = style.MARGIN, shares: tuple[int, ...] = (1,)) -> QFrame:
    """A framed column; `shares` of the room that is left go to the first widgets."""
    frame = QFrame()
    frame.setProperty("panel", True)
    column = QVBoxLayout(frame)
    column.setContentsMargins(margin, margin, margin, margin)
    column.setSpacing(style.GAP)
    for index, widget in enumerate(widgets):
        column.addWidget(widget, shares[index] if index < len(shares) else 0)
    return frame


def _splitter(orientation: Qt.Orientation, *widgets: QWidget) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(style.GAP)
    splitter.setChildrenCollapsible(False)
    for index, widget in enumerate(widgets):
        splitter.addWidget(widget)
        splitter.setStretchFactor(index, 1)
    return splitter
