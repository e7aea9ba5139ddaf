"""A training and the window: start, drive and follow it, and go back in its time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, Signal

from vae_explorer.engine.catalogue import DATASETS
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.control import LIVE_SETTINGS
from vae_explorer.engine.errors import Cancelled, DataError, EngineError, ModelFileError
from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.controller.training_words import (
    ending_in_words,
    epoch_row,
    in_force,
    run_of,
)
from vae_explorer.gui.jobs import (
    DownloadProgress,
    KeepingFailed,
    Train,
    TrainingBegun,
    TrainingEnded,
)
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.recovery import Interrupted, Recovery
from vae_explorer.gui.session import Session
from vae_explorer.gui.snapshot_history import Snapshot, SnapshotHistory
from vae_explorer.gui.training_thread import Failed, Worker

if TYPE_CHECKING:
    from vae_explorer.engine.events import (
        EpochEvent,
        SnapshotEvent,
        State,
        StepEvent,
    )
    from vae_explorer.engine.training_state import TrainingState

Resumable: TypeAlias = "TrainingState | Interrupted"


class Training(QObject):
    """Owns the training's worker. The canvas follows by snapshots, never by the live model."""

    model_replaced = Signal()
    weights_changed = Signal()
    epoch_ended = Signal(object)  # an EpochEvent
    epochs_recovered = Signal(object)  # those of before the training was stopped or cut off
    live_set = Signal(str, float)  # a setting of the running training, and its new value
    finished = Signal()

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        reporter: Reporter,
        may_begin: Callable[[bool, Callable[[], object]], bool],
        data_dir: Path | None,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._reporter = window, session, reporter
        self._may_begin = may_begin
        self._data_dir = data_dir
        self.recovery = Recovery()
        self._worker = Worker(self)
        self._worker.messages_arrived.connect(self._on_messages)
        self._worker.ended.connect(self._on_ended)
        self._before: Session | None = None
        self._started: Train | None = None
        self._resumed: Resumable | None = None  # what it went on from
        self._stopped: tuple[Train | None, Resumable | None] = (None, None)
        self._stopped_before = self._stopped  # when this one was asked for
        self._has_begun = False
        self._set_early: dict[str, float] = {}  # live, and not told yet: its model is not on show
        self._kept: Snapshot | None = None  # the best weights before a stopped training went on
        self._epochs = 1
        self._ppca_fit = ""
        self._epochs_done = 0
        self._moment = 0.0  # of the last report, in epochs
        self.history = SnapshotHistory()
        self._connect()

    def _connect(self) -> None:
        panel, menus = self._window.training, self._window.menus
        panel.start_requested.connect(self.start)
        panel.pause_requested.connect(self.pause)
        panel.resume_requested.connect(self.resume)
        panel.step_requested.connect(self.step)
        panel.epoch_requested.connect(self.epoch)
        panel.stop_requested.connect(self.stop)
        panel.go_on_requested.connect(self.go_on)
        panel.live_changed.connect(self.set_live)
        panel.refused.connect(self._reporter.refuse)
        menus.start.triggered.connect(panel.activate)
        menus.step.triggered.connect(panel.step_button.click)
        menus.epoch.triggered.connect(panel.epoch_button.click)
        menus.stop.triggered.connect(self.stop)
        menus.go_on.triggered.connect(self.go_on)
        menus.training_menu.aboutToShow.connect(self._offer_actions)
        self._window.space_typed.connect(panel.activate)
        self._window.snapshots.snapshot_selected.connect(self.show_snapshot)

    @property
    def busy(self) -> bool:
        """Whether a training runs."""
        return self._worker.busy

    # -- what the user does --------------------------------------------------------------------

    def start(self, model: ModelConfig, dataset: str, training: TrainingConfig) -> None:
        """Train a model; what was not saved is asked about first."""
        form = self._window.training.form
        weights = self._weights_on_show() if form.starts_from_model() else None
        fit = form.folder_fit()
        self._start(Train(model, dataset, training, self._data_dir, fit=fit, start=weights))

    def _start(self, asked: Train) -> None:
        if not self._worker.busy and self._may_begin(True, partial(self._start, asked)):
            self._window.banner.dismiss()
            self._begin(asked)

    def _weights_on_show(self) -> State:
        """A copy, of before a question about unsaved work goes to the newest ones."""
        from vae_explorer.engine.latent_model import copy_state

        return copy_state(self._session.explorer.model)

    def model_changed(self) -> None:
        """Another model is in hand: a training can start from its weights."""
        self._window.training.form.set_model_in_hand(self._session.explorer.config)

    def go_on(self) -> None:
        """Continue a stopped training, as if it had never stopped."""
        stopped, state = self._stopped
        if self._worker.busy or stopped is None or state is None:
            return
        is_own = len(self.history) > 0  # what is in hand is what the training goes on from
        if self._may_begin(not is_own, self.go_on):
            self._begin(stopped, state)

    def recover(self, found: Interrupted) -> None:
        """Go on with a training that was cut off; one that had ended shows how it did."""
        if not self._worker.busy and self._may_begin(True, partial(self.recover, found)):
            model, training = found.state.model_config, found.state.training_config
            self._begin(Train(model, found.dataset, training, fit=found.fit), found)

    def _begin(self, asked: Train, state: Resumable | None = None) -> None:
        """Begin what `asked` describes: a job runs but once, and so a new one is made of it."""
        training = asked.training
        step = 0 if state is None else state.counters["step"]
        job = Train(
            *(asked.model, asked.dataset, training, self._data_dir, state, asked.fit, asked.start),
            self.recovery,
            [event for event in asked.epochs if event.step <= step],
        )
        self._started, self._resumed, self._has_begun = job, state, False
        self._set_early = {}
        set_last = {} if state is None else state.counters
        for name in LIVE_SETTINGS:  # the form may say something else since
            value = set_last.get(name, getattr(training, name))
            self._window.training.form.set_value(name, value)
        self._stopped_before, self._stopped = self._stopped, (None, None)
        self._offer_to_go_on(False)
        self._before = copy.copy(self._session)
        self._kept = None
        self._epochs, self._epochs_done = training.last_epoch, 0
        is_em = training.ppca_fit == "em"
        self._ppca_fit = self.tr("EM on moments") if is_em else self.tr("closed form")
        self._window.training.set_state("loading")
        self._window.training.clear_progress()
        self._window.training.set_note(self.tr("Reading the images…"))
        self._worker.start(job)

    def pause(self) -> None:
        """Hold after the step in hand."""
        if job := self._job():
            job.control.pause()
            self._show_state()

    def resume(self) -> None:
        """Go on."""
        if job := self._job():
            job.control.resume()
            self._window.training.set_state("training")

    def step(self) -> None:
        """One step, then hold."""
        if job := self._job():
            job.control.step_once()

    def epoch(self) -> None:
        """To the end of the epoch, then hold."""
        if job := self._job():
            job.control.epoch_once()
            if self._window.training.state() != "loading":
                self._window.training.set_state("training")

    def stop(self) -> None:
        """End the training, or the download before it; the best weights so far stay."""
        if self._worker.busy:
            self._window.training.set_state("stopping")
            self._worker.cancel()

    def set_live(self, name: str, value: float) -> None:
        """Change β, λ or the learning rate of the running training."""
        if job := self._job():
            try:
                job.control.set(**{name: value})
            except EngineError as error:
                self._reporter.error(error)
            else:
                self._set_early[name] = value
                if self._has_begun:
                    self._tell_what_was_set()

    def _tell_what_was_set(self) -> None:
        """Settings are no longer what the training began with: their last values, which the card tells."""
        opened, told = self._session.opened, self._set_early
        self._set_early = {}
        if opened is not None and told:
            changed = opened.card.get("changed_live")
            kept = changed if isinstance(changed, dict) else {}
            opened.card["changed_live"] = {**kept, **told}
        for name, value in told.items():
            self.live_set.emit(name, value)

    def show_snapshot(self, index: int) -> None:
        """Go to a moment of the training."""
        if 0 <= index < len(self.history) and self._session.ready:
            snapshot = self.history[index]
            self._session.looks_back = index < len(self.history) - 1
            moment = snapshot.epoch if self._session.looks_back else None
            self._window.curves.set_moment(moment)
            self._show(snapshot)

    def show_newest(self) -> None:
        """Go to the newest weights, or those that the training ended with, and follow it."""
        if len(self.history):
            newest = len(self.history) - 1
            is_there = self._window.snapshots.index == newest
            self._window.snapshots.show_newest()  # which says so where the slider moves
            if is_there:
                self.show_snapshot(newest)

    def forget(self) -> None:
        """Another model was opened: its weights are none of this training's moments."""
        if len(self.history):
            self.history.clear()
            self._show_moments()
            self._window.curves.set_moment(None)

    def shut_down(self) -> None:
        """Stop and wait: the window is closing, and what was learned is kept or not wanted."""
        self.recovery.close()
        self._worker.shut_down()

    # -- what the training says --------------------------------------------------------------

    def _on_messages(self, messages: Sequence[object]) -> None:
        from vae_explorer.engine import events  # torch is there as soon as a job says anything

        steps: list[StepEvent] = []
        snapshots: list[SnapshotEvent] = []
        for message in messages:
            match message:
                case DownloadProgress():
                    self._on_progress(message)
                case TrainingBegun():
                    self._on_begun(message)
                case events.StepEvent():
                    steps.append(message)
                case events.EpochEvent():
                    self._flush(steps, snapshots)
                    self._on_epoch(message)
                case events.SnapshotEvent():
                    snapshots.append(message)
                case TrainingEnded():
                    self._flush(steps, snapshots)
                    self._on_finished(message)
                case KeepingFailed():
                    text = self.tr("{0} If the power failed, this training would be lost.")
                    self._reporter.refuse(text.format(message.sentence))
                case Failed():
                    self._flush(steps, [])
                    snapshots.clear()  # of a model that may be gone in a moment
                    self._on_failed(message)
        self._flush(steps, snapshots)

    def _on_progress(self, progress: DownloadProgress) -> None:
        """Bytes of a data set that is fetched, or pictures of a folder that is read."""
        fetched = self._started is not None and self._started.dataset in DATASETS
        if fetched or progress.total is None:
            self._window.training.set_download(progress.done, progress.total)
        else:
            self._window.training.set_reading(progress.done, progress.total)

    def _on_begun(self, begun: TrainingBegun) -> None:
        self._has_begun = True
        state, session = self._resumed, self._session
        if isinstance(state, Interrupted):  # of another window
            state = None
        is_new = state is None or not self._window.curves.go_on(state.counters["step"])
        if is_new:
            self._window.curves.begin_run(run_of(begun))
        session.change()
        if state is not None and len(self.history):  # what it goes on from is in hand
            self._kept = self.history.go_on()
            session.looks_back = False
            self._show_moments()
            self._window.snapshots.show_newest()
        else:
            self.history.clear()
            self._show_moments()
            session.take(begun.opened)
            session.training = begun.training
            session.epoch = 0.0
            self.model_replaced.emit()
        if begun.epochs:
            if is_new:
                for event in begun.epochs:
                    self._window.curves.append_epoch(*epoch_row(event))
            if isinstance(self._resumed, Interrupted):
                self._epochs_done = begun.epochs[-1].epoch
            session.learned = True
            self.epochs_recovered.emit(begun.epochs)
        self._tell_what_was_set()
        self._show_state()

    def _flush(self, steps: list[StepEvent], snapshots: list[SnapshotEvent]) -> None:
        """Show a batch: all steps in one call, and of the snapshots the last."""
        if snapshots:
            self._moment = snapshots[-1].epoch  # no later than the last of the steps
        if steps:
            self._window.curves.append_steps(
                [(s.step, s.epoch, s.seconds, s.metrics.known() | in_force(s)) for s in steps]
            )
            # the user's doing, where the configuration says otherwise
            if steps[-1].beta not in (None, 1.0):
                self._window.curves.name_objective(self.tr("Objective"))
            self._show_progress(steps[-1])
            steps.clear()
        for event in snapshots:
            self.history.add(Snapshot(event.epoch, event.state, event.means, event.stds))
        if snapshots:
            follows = self._window.snapshots.follows
            self._show_moments()
            if follows:
                self._show(self.history[-1])
            snapshots.clear()

    def _show_moments(self) -> None:
        best, moment = self.tr("Best weights, epoch {0:.0f}"), self.tr("epoch {0:.2f}")
        moments = [(best if s.is_best else moment).format(s.epoch) for s in self.history]
        ended = len(self.history) > 0 and self.history[-1].is_best
        self._window.snapshots.set_snapshots(moments, ended=ended)

    def _show(self, snapshot: Snapshot) -> None:
        self._session.show_moment(snapshot)
        self.weights_changed.emit()

    def _show_progress(self, event: StepEvent) -> None:
        epoch, seconds = event.epoch, event.seconds
        self._moment = epoch
        left = (self._epochs - epoch) * seconds / epoch if epoch > 0 else None
        rate = event.images_per_second
        # PPCA goes over moments, not images
        text = self.tr("{0:,.0f} images/s").format(rate) if rate else self._ppca_fit
        self._window.training.set_progress(epoch, self._epochs, left, text)
        self._window.training.form.set_in_force(in_force(event))
        self._show_state()

    def _on_epoch(self, event: EpochEvent) -> None:
        epoch, seconds = event.epoch, event.seconds
        self._epochs_done = epoch
        self._session.learned = True
        self._session.change()  # also where an earlier moment is saved
        self._window.curves.append_epoch(*epoch_row(event))
        left = (self._epochs - epoch) * seconds / epoch
        self._window.training.set_progress(epoch, self._epochs, left)
        self._show_state()
        self.epoch_ended.emit(event)

    def _on_finished(self, ended: TrainingEnded) -> None:
        event = ended.event
        is_best = event.best_epoch > 0  # without an epoch's end nothing was compared
        newest = self.history[-1].epoch
        moment = event.best_epoch if is_best else newest
        if moment != newest:
            self._session.change()  # what was saved since is not what the training ended with
        self.history.end(Snapshot(moment, event.best_state, ended.means, ended.stds, is_best))
        self._show_moments()
        self.show_newest()
        self._resumed = self._kept = None
        self._before = None  # large, and never gone back to now
        if event.reason == "stopped" and event.resume is not None:
            self._may_go_on(event.resume)
        if event.reason == "converged":
            # all there was to do
            self._window.training.set_progress(event.epoch, event.epoch, None)
        self._window.training.set_note(ending_in_words(event, self._moment))

    def _may_go_on(self, state: Resumable) -> None:
        self._stopped = (self._started, state)
        self._offer_to_go_on(True)

    def _offer_to_go_on(self, can: bool) -> None:
        self._window.menus.go_on.setEnabled(can)
        self._window.training.set_can_go_on(can)

    def _on_failed(self, failed: Failed) -> None:
        is_lost = isinstance(failed.error, ModelFileError)  # as what to go on from is damaged
        if self._resumed is not None and not is_lost:  # where it was stopped before stays
            self._may_go_on(self._resumed)
        elif not self._has_begun:
            self._stopped = self._stopped_before
            self._offer_to_go_on(self._stopped[1] is not None)
        self._window.training.clear_progress()
        if isinstance(failed.error, Cancelled):
            self._window.training.set_note(self.tr("Stopped"))
        elif isinstance(failed.error, DataError):
            no_images = self.tr("There are no images to learn from")
            self._window.training.set_note(no_images, failed=True)
            again = self.tr("Try again")
            self._reporter.offer(str(failed.error), again, self._try_again)
        else:
            failed_then = self.tr("The training failed")
            never = self.tr("The training could not begin")
            self._window.training.set_note(failed_then if self._has_begun else never, failed=True)
            self._reporter.error(failed.error, failed.details)
        if self._epochs_done or self._kept is not None:
            self.history.drop_broken()
            if self._kept is not None and not self._epochs_done:
                self.history.end(self._kept)
                before, saved_since = self._before, not self._session.unsaved
                self._session.change()  # what is being saved is not what was kept
                self._session.unsaved = saved_since or before is None or before.unsaved
            self._show_moments()
            self.show_newest()
        else:
            self._go_back_to_before()

    def _try_again(self) -> None:
        if self._worker.busy or self._started is None:
            return
        if self._may_begin(True, self._try_again):
            self._begin(self._started, self._resumed)

    def _go_back_to_before(self) -> None:
        """Nothing was learned: the model from before the training stays."""
        before, session = self._before, self._session
        if before is None or before.opened is None or not self._has_begun:
            return
        session.take(before.opened)
        for name in ("unsaved", "learned", "training", "epoch", "is_half", "looks_back"):
            setattr(session, name, getattr(before, name))
        self.history.clear()
        self._show_moments()
        self.model_replaced.emit()

    def _on_ended(self) -> None:
        self._window.curves.end_run()
        self._window.training.set_state("idle")
        self.finished.emit()

    def _show_state(self) -> None:
        job = self._job()
        if job is None or self._window.training.state() == "stopping":
            return
        panel = self._window.training
        panel.set_state("paused" if job.control.holding else "training")
        if job.control.holding:
            panel.set_progress(self._moment, self._epochs, None)

    def _offer_actions(self) -> None:
        """What a button can do now, its entry in the menu can."""
        panel, menus = self._window.training, self._window.menus
        for action, button in (
            (menus.start, panel.start_button),
            (menus.step, panel.step_button),
            (menus.epoch, panel.epoch_button),
            (menus.stop, panel.stop_button),
        ):
            action.setEnabled(button.isEnabled())

    def _job(self) -> Train | None:
        job = self._worker.job
        return job if isinstance(job, Train) else None
