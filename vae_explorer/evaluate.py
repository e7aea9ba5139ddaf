"""The figures of a model: `python -m vae_explorer.evaluate MODEL --dataset mnist --samples 5000`.

Prints a table of bounds on log p(x), the exact evidence where the latent space has one or two
dimensions, active units and accuracy, each with its standard error, kind, samples and time; `--json
FILE` writes the same for programs. A known problem is one sentence and exit code 2.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from vae_explorer.engine.catalogue import DATASETS
from vae_explorer.engine.checkpoint import load_model, read_card, save_model
from vae_explorer.engine.command_line import (
    chosen,
    flag_of,
    framing,
    named,
    outlive_readers,
    printed_all,
    run_command,
)
from vae_explorer.engine.data import Dataset, load_dataset
from vae_explorer.engine.device import evaluation_device, spare_cores, use_threads
from vae_explorer.engine.errors import ConfigError, EngineError
from vae_explorer.engine.evaluation import evaluation
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.engine.explorer import Explorer
from vae_explorer.engine.files import check_writable, write_whole
from vae_explorer.engine.gradients import EstimatorComparison, comparable, compare_estimators
from vae_explorer.engine.image_folder import Fit
from vae_explorer.engine.models import Model
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.report import Report, document, json_bytes

OF_SAMPLES = {"samples", "elbo_samples", "prior_share", "exact"}
"""What says how to estimate figures, or whether to have the exact ones beside estimates."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    default = EvaluationConfig()
    parser = argparse.ArgumentParser(
        prog="python -m vae_explorer.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, help="a model file")
    add("--dataset", default="digits", help=f"one of {', '.join(DATASETS)} (default: digits)")
    add("--data-dir", type=Path, help="where data sets lie; for folder, the folder of images")
    add("--image-size", type=int, metavar="N", help="side of a folder's images (the model's)")
    add(
        "--fit",
        choices=get_args(Fit),
        help="how a folder's images were made square (default: crop)",
    )
    add("--class-prior", metavar="W,W,…", type=weights,
        help="weigh the classes of a Joint VAE so, instead of by the π that it has learned")  # fmt: skip
    add("--split", default="test", help="train, validation or test (default: test)")
    add("--samples", type=int, default=default.samples, metavar="K",
        help="latent samples of the importance-weighted bound, of a Joint VAE for each class "
        f"(default: {default.samples})")  # fmt: skip
    add("--prior-share", type=float, default=default.prior_share, metavar="X",
        help="the share of these that comes from the prior, for a q that misses modes (default: 0)")  # fmt: skip
    add("--elbo-samples", type=int, default=default.elbo_samples, metavar="M",
        help="latent samples of the reconstruction term, of a Joint VAE for each class "
        f"(default: {default.elbo_samples})")  # fmt: skip
    add("--images", type=int, metavar="N", help="only the first N images of the split")
    add("--seed", type=int, default=0, help="of binarisation and latent samples (default: 0)")
    add("--exact", action=argparse.BooleanOptionalAction, default=None,
        help="integrate log p(x) where d is 1 or 2 (default: where that takes minutes at most)")  # fmt: skip
    add("--json", type=Path, metavar="FILE", help="write the report for programs, too")
    add("--card", action="store_true", help="keep the report in the model file's card")
    add("--gradients", type=int, metavar="DRAWS",
        help="compare the variance of the gradient estimators on one batch, over so many draws")  # fmt: skip
    add("--device", default="auto", choices=("auto", "cpu", "cuda"))
    add("--threads", type=int, default=spare_cores(), metavar="N",
        help="CPU threads (default: all cores but one)")  # fmt: skip
    add("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    options.given = named(parser, arguments, options)
    return options


def weights(text: str) -> list[float]:
    """Numbers between commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not numbers such as 1,2,1: {text!r}") from error


def run(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code.

    Raises:
        EngineError: a known problem, with the sentence for the user.
    """
    options = parse(arguments)
    use_threads(options.threads)
    config = EvaluationConfig(**chosen(options, EvaluationConfig))
    device = evaluation_device(options.device)
    before = stamp(options.model)
    card = read_card(options.model)
    model = load_model(options.model)
    if options.class_prior is not None:
        if options.card:
            raise ConfigError(
                "A card has the figures of the model's own π: leave out --class-prior."
            )
        Explorer(model).set_class_prior(options.class_prior)
    if isinstance(model, PPCA) and (idle := sorted(options.given & OF_SAMPLES)):
        flags = ", ".join(map(flag_of, idle))
        raise ConfigError(f"PPCA is measured exactly, without samples: leave out {flags}.")
    if options.gradients is not None:
        comparable(model, options.gradients)
    model.to(device)
    dataset = load_data(options, model, card.get("fit", "crop"))
    for path in wanted(options):
        check_writable(path)
    report = measure(model, dataset, options.split, config, options.quiet)
    print(report.table(), flush=True)
    comparison = None
    try:
        if options.gradients is not None:
            comparison = compare(model, dataset, options)
            print(f"\n{comparison.table()}", flush=True)
    finally:  # a comparison that is stopped takes no report with it
        content = document(options.model.name, report, comparison)
        if options.json is not None:
            write_whole(options.json, json_bytes(content))
        if options.card:
            keep(content, card, model, options.model, before)
    return 0


def keep(
    content: dict[str, Any], card: dict[str, Any], model: Model, path: Path, before: tuple[int, ...]
) -> None:
    """Put a report into the card of the file that the model came from.

    before: the file's `stamp` as it was read.

    Raises:
        EngineError: there is another file now, which stays as it is.
    """
    if stamp(path) != before:
        raise EngineError(
            f"{path} was replaced while it was measured: these are not the figures of what is there now, "
            "and its card stays as it is."
        )
    del card["config"]  # the file keeps it in a place of its own
    save_model(path, model.to("cpu"), {**card, "evaluation": content})


def stamp(path: Path) -> tuple[int, ...]:
    """What changes with a file: nothing where there is none, which is found out by who reads it."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def wanted(options: argparse.Namespace) -> list[Path]:
    """The files that are to be written."""
    return [path for path in (options.json, options.model if options.card else None) if path]


def load_data(options: argparse.Namespace, model: Model, fit: Fit) -> Dataset:
    """The data set, a folder's images brought to the size and colours of the model's, squared as those it has seen."""
    channels, height, _ = model.config.image_shape
    form = {"image_size": height, "fit": fit, "channels": channels, **framing(options)}
    return load_dataset(options.dataset, options.data_dir, **form)


def measure(
    model: Model, dataset: Dataset, split: str, config: EvaluationConfig, quiet: bool
) -> Report:
    """The report, with a bar of its progress on standard error."""
    steps = evaluation(model, dataset, split, config)
    with bar_of(quiet) as bar:
        while True:
            try:
                progress = next(steps)
            except StopIteration as finished:
                return finished.value
            show(bar, progress.title, progress.share)


def compare(model: Model, dataset: Dataset, options: argparse.Namespace) -> EstimatorComparison:
    """The comparison of the gradient estimators, with such a bar, too."""
    with bar_of(options.quiet) as bar:
        return compare_estimators(
            model,
            dataset.train,
            options.gradients,
            options.seed,
            lambda share: show(bar, "variance of the gradient", share),
        )


def bar_of(quiet: bool) -> tqdm:
    """A bar from nothing to one; with `miniters` of its own, tqdm would wait for steps as large as the first."""
    return tqdm(total=1.0, disable=quiet, leave=False, bar_format=BAR, miniters=0)


def show(bar: tqdm, title: str, fraction: float) -> None:
    """Bring a bar to a fraction."""
    bar.set_description_str(title, refresh=False)
    bar.update(min(fraction, 1.0) - bar.n)


BAR = "{desc:<34} {percentage:3.0f}% |{bar:24}| {elapsed}"


def main() -> int:
    """The command with its ways to fail turned into exit codes."""
    return run_command(run) or printed_all()


if __name__ == "__main__":
    outlive_readers()
    sys.exit(main())
