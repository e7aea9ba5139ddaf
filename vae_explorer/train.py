"""Train a model from the command line: `python train.py --model joint-vae --dataset digits --out FOLDER`.

Where the package alone is installed it is `python -m vae_explorer.train`, or `vae-explorer-train`.

Writes `model.safetensors`, `history.csv`, `figure.png` (the lecture's figure) and `training.safetensors`, from which
`--resume` goes on bit for bit, with the settings that it had; --epochs, --patience and --device may be others, and
another kind of device draws other random numbers. Ctrl-C stops cleanly and keeps the best model so far, as does a
training that fails; what a pulled plug leaves is at most a minute old.

`history.csv` has an epoch a row, in nats per image (of a density where pixels are grey levels from 0 to 1). train_… are
averages over the steps of the epoch, while the weights moved: of all images, or but for the objective of the labelled
ones alone. validation_… are of the weights at its end, on the images set apart for validation, by as many latent
samples as --samples says. The ELBO has β = 1, and is log p(x) for PPCA; the objective has the β and λ in force, and for
validation the β at which a warm-up ends. Accuracies are fractions.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from vae_explorer.engine.checkpoint import load_model, save_model
from vae_explorer.engine.command_line import (
    chosen,
    framing,
    outlive_readers,
    run_command,
)
from vae_explorer.engine.config import (
    ModelConfig,
    TrainingConfig,
    objective_title,
    train_title,
)
from vae_explorer.engine.control import TrainingControl
from vae_explorer.engine.data import Dataset, load_dataset, pictures
from vae_explorer.engine.device import use_threads
from vae_explorer.engine.errors import ConfigError, EngineError, TrainingError
from vae_explorer.engine.events import (
    EpochEvent,
    FinishedEvent,
    Metrics,
    State,
    StateEvent,
    StepEvent,
)
from vae_explorer.engine.explorer import Explorer
from vae_explorer.engine.files import disk_problem
from vae_explorer.engine.history import History
from vae_explorer.engine.lecture_figure import Curve, figure_images, save_lecture_figure
from vae_explorer.engine.models import build_model
from vae_explorer.engine.run_folder import held_folder
from vae_explorer.engine.training import fit
from vae_explorer.engine.training_state import TrainingState
from vae_explorer.train_options import (
    FROM_DATA,
    card_command,
    counted,
    folder_of,
    parse,
    refuse_changes,
    refuse_idle,
)

KEPT_EVERY = 60.0
"""Seconds after which a pulled plug costs no more: model and state are written so often."""
STATE, STOPPED = "training.safetensors", "stopped.safetensors"
"""The state to resume from; the other is of a first epoch, beside the files of another training."""
FURTHER = {
    "completed": " (more --epochs take it further)",
    "early-stopped": " (a larger --patience, or None, takes it further)",
}
"""Of a training that was over before it was to go on."""


def describe(metrics: Metrics, model: ModelConfig, training: TrainingConfig) -> str:
    """Metrics as a few words for a progress bar, in nats per image."""
    text = f"{model.elbo_title} {metrics.elbo:.2f}  rec {metrics.reconstruction:.2f}"
    text += f"  KL {metrics.kl:z.2f}"
    if metrics.accuracy is not None:
        text += f"  acc {100 * metrics.accuracy:.2f} %"
    maximised = objective_title(model, training)
    return f"{text}  {maximised}: {metrics.objective:.2f}" if maximised else text


def pace(event: StepEvent | EpochEvent) -> str:
    """How fast it goes, and how long it took so far."""
    if not event.images_per_second:
        return f"step {event.step}, {event.seconds:.1f} s"
    return f"{event.images_per_second:,.0f} images/s, {event.seconds:.1f} s"


class KeptTraining:
    """One training of the command line: its files, its progress bar, and what to keep at the end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.out = folder_of(arguments)
        self.dataset = read_data(arguments)
        self.training = TrainingConfig(**chosen(arguments, TrainingConfig))
        names = self.dataset.class_names if arguments.kind == "joint-vae" else ()
        config = ModelConfig(
            **chosen(arguments, ModelConfig, FROM_DATA),
            image_shape=self.dataset.image_shape,
            class_names=names,
        )
        state: TrainingState | None = arguments.stopped
        if state is not None:
            refuse_changes(state, config, self.training)
        self.command = card_command(arguments, config, self.training)
        self.model = build_model(config, self.training.seed)
        if arguments.start_from is not None:
            self._start_from(arguments.start_from)
        self.control = TrainingControl()
        self.events = fit(
            *(self.model, self.dataset, self.training, self.control, state),
            state_seconds=KEPT_EVERY,
        )
        self.epoch = self.best_epoch = self.epochs_here = 0
        self.best_validation: dict[str, float] = {}
        self.seconds = 0.0  # of the training, over all its parts
        if state is not None:
            self.epoch, self.seconds = state.epoch, state.counters.get("seconds", 0.0)
            self.best_epoch = state.counters.get("best_epoch", state.epoch)
            self.best_validation = state.counters.get("best_validation", {})
        self.was_over = state is not None  # until there is a step
        resumed: Path | None = arguments.resume
        earlier = resumed.parent / "history.csv" if resumed else None
        counters = None if state is None else state.counters
        self.history = History(self.out / "history.csv", earlier, counters)
        self.disk_fails = False
        is_own = resumed is not None and resumed.resolve() == (self.out / STATE).resolve()
        self.replaces = not is_own and (self.out / "model.safetensors").exists()
        self.written: list[str] = []
        self.quiet: bool = arguments.quiet

    def _start_from(self, path: Path) -> None:
        trained = load_model(path)
        if not self.model.config.is_like(trained.config):
            raise ConfigError(f"{path} is a model of another configuration than the one asked for.")
        self.model.load_state_dict(trained.state_dict())

    def run(self) -> FinishedEvent:
        """Train, and tell how it goes."""
        finished: FinishedEvent | None = None
        configs = self.model.config, self.training
        if not self.quiet:
            sys.stderr.write(f"{self._headline()}\n")
        with tqdm(
            total=self.training.last_epoch, unit="epoch", disable=self.quiet, bar_format=BAR
        ) as bar:
            for event in self.events:
                if isinstance(event, StepEvent):
                    self.was_over = False
                    bar.set_postfix_str(
                        f"{describe(event.metrics, *configs)}  {pace(event)}", refresh=False
                    )
                    bar.update(event.epoch - bar.n)
                    self.seconds = event.seconds
                elif isinstance(event, EpochEvent):
                    self._add(event)
                    best = "  best so far" if event.is_best else ""
                    validation = describe(event.validation, *configs)
                    line = f"epoch {event.epoch}: validation {validation}{best}  ({pace(event)})"
                    tqdm.write(line, sys.stdout)
                    sys.stdout.flush()
                elif isinstance(event, StateEvent):
                    self._warn(self.keep(event.resume, event.best_state))
                elif isinstance(event, FinishedEvent):
                    finished = event
                    if event.reason == "converged":
                        bar.total = event.epoch  # so that it ends full
        assert finished is not None
        return finished

    def _headline(self) -> str:
        """What is trained on what, and what the figures to come are."""
        data, config = self.dataset, self.model.config
        draws = (
            ""
            if config.kind == "ppca"
            else f", by M = {self.training.samples} latent samples of each"
        )
        return (
            f"{config.title}; {data.title}: {len(data.train):,} train and {len(data.validation):,} validation "
            f"images; figures in {self.model.likelihood.unit} per image{draws}"
        )

    def _add(self, event: EpochEvent) -> None:
        """Count an epoch, and add it to the history; a full disk does not end the training."""
        self.epoch, self.seconds = event.epoch, event.seconds
        self.epochs_here += 1
        if event.is_best:
            self.best_epoch, self.best_validation = event.epoch, event.validation.known()
        try:
            self.history.append(event)
        except EngineError as error:
            self._warn([str(error)])

    def _warn(self, problems: list[str]) -> None:
        """Tell of the first problem with the disk, which may be mended before the training ends."""
        if problems and not self.disk_fails:
            tqdm.write(f"{' '.join(problems)} The training goes on.", sys.stderr)
        self.disk_fails |= bool(problems)

    def keep(self, state: TrainingState | None, best: State | None = None) -> list[str]:
        """Write the model, the state to resume from, the history and the lecture's figure, each for itself.

        Before the end of the first epoch there is but the state. While the training goes on there is no figure, and
        `best` are the best weights so far, which the model then has not. Returns the sentences of what could not be
        written.
        """
        files: dict[str, Callable[[Path], None]] = {}
        if self.best_epoch:
            files["model.safetensors"] = partial(self._save_model, best)
        if state is not None:
            files[STATE if self.best_epoch or not self.replaces else STOPPED] = state.save
        if self.history.rows:
            files["history.csv"] = lambda _: self.history.finish()
            if best is None:
                files["figure.png"] = self._save_figure
        problems: list[str] = []
        self.written = []
        for name, write in files.items():
            try:
                write(self.out / name)
                self.written.append(name)
            except EngineError as error:
                problems.append(str(error))
            except OSError as error:
                problems.append(f"{self.out / name} cannot be written: {disk_problem(error)}")
        if "model.safetensors" in self.written and self.replaces:
            for name in {STATE, STOPPED, "history.csv", "figure.png"} - {*self.written}:
                with contextlib.suppress(OSError):  # of the model that was there before
                    (self.out / name).unlink()
            self.replaces = False
        return problems

    def kept(self) -> str:
        """What was written, as the end of a sentence."""
        if "model.safetensors" in self.written:
            return f"the weights of epoch {self.best_epoch} are in {self.out}"
        for name in {STATE, STOPPED} & {*self.written}:
            return f"no model was written, and --resume {self.out / name} goes on"
        return "no model was written"

    def _save_model(self, best: State | None, path: Path) -> None:
        model = self.model
        if best is not None:
            model = copy.deepcopy(model)
            model.load_state_dict(best)
        card = {
            "command": self.command,
            "dataset": self.dataset.title,
            "data": self.dataset.identity,
            "train_images": len(self.dataset.train),
            "training": self.training.to_dict(),
            "epochs": self.epoch,
            "best_epoch": self.best_epoch,
            "seconds": round(self.seconds, 1),
            "threads": torch.get_num_threads(),
            **({"fit": self.dataset.fit} if self.dataset.name == "folder" else {}),
            "likelihood": self.model.config.likelihood_title,
            "unit": self.model.likelihood.unit,
            "validation": self.best_validation,
            "curve": self._curve().to_dict(),
        }
        save_model(path, model, card)

    def _save_figure(self, path: Path) -> None:
        config, seed = self.model.config, self.training.seed
        test = pictures(self.dataset.test.images)
        images = figure_images(Explorer(self.model), test, seed, seed)
        save_lecture_figure(path, config, self.dataset.title, *images, self._curve())

    def _curve(self) -> Curve:
        config = self.model.config
        unit, title = self.model.likelihood.unit, train_title(config, self.training)
        return self.history.curve(config.elbo_title, unit, title)


BAR = "{percentage:3.0f}% |{bar:24}| {n:.2f}/{total} epochs, {elapsed}{postfix}"


def read_data(arguments: argparse.Namespace) -> Dataset:
    """The data set that is asked for."""
    given = framing(arguments)
    in_images = arguments.dataset == "folder"  # others come as bytes
    with tqdm(
        desc="reading",
        unit="image" if in_images else "B",
        unit_scale=not in_images,
        disable=arguments.quiet,
        leave=False,
        delay=0.5,
    ) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return load_dataset(arguments.dataset, arguments.data_dir, progress=show, **given)


def train(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = parse(arguments, __doc__)
    use_threads(options.threads)
    refuse_idle(options)
    with held_folder(folder_of(options)):
        return complete(KeptTraining(options))


def complete(work: KeptTraining) -> int:
    """Train, and keep what there is in the end, whatever ends it."""
    with signals_stop(work.control):
        try:
            finished = work.run()
        except EngineError as error:
            if not work.epochs_here:
                raise
            problems = [str(error), *work.keep(None)]
        else:
            problems = work.keep(finished.resume)
            ending = f"{finished.reason} after {counted(finished.epoch)}"
            if work.was_over and finished.reason != "stopped":
                closed = work.training.ppca_fit == "closed-form"
                further = "" if closed else FURTHER.get(finished.reason, "")
                ending = f"was over: {ending}{further}"
            sys.stdout.write(f"{ending}; {work.kept()}\n")
    if problems:
        names = ", ".join(work.written) or "nothing"
        problems.append(f"Written to {work.out}: {names}; {work.kept()}.")
        raise TrainingError(" ".join(problems))
    return 0


@contextlib.contextmanager
def signals_stop(control: TrainingControl) -> Iterator[None]:
    """Ctrl-C, and what a system or a closed terminal sends, stop cleanly; the second one ends the process at once."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has not got the last
    before = {n: signal.getsignal(n) for n in (getattr(signal, name, None) for name in names) if n}

    def stop(*_: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        control.stop()
        with contextlib.suppress(RuntimeError):  # it came amid another write
            sys.stderr.write("\nstopping after this step\n")

    for number, handler in before.items():
        if number == signal.SIGINT or handler != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: list[str] | None = None) -> int:
    """The command with its ways to fail turned into exit codes."""
    # a Ctrl-C before the training; a later one stops that
    return run_command(lambda: train(arguments), stopped="Stopped; nothing was written.")


def command() -> int:
    """The command as a process of its own."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    outlive_readers()
    return main()


if __name__ == "__main__":
    sys.exit(command())
