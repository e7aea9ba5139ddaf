"""Command lines made from the configuration dataclasses, and back; and their one way to fail."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from typing import Any, Literal, TextIO, get_args, get_origin, get_type_hints

from vae_explorer.engine.errors import ConfigError, EngineError
from vae_explorer.engine.files import disk_problem

FLAGS = {"kind": "--model", "classification_weight": "--lambda"}
DATASETS_WITHOUT_FILES = ("digits", "digits-8x8")
FRAMING = ("image_size", "fit", "channels")  # of a folder's images
BAD_INPUT = 2
INTERRUPTED = 130


def add_config(
    parser: argparse.ArgumentParser, config: type, leave_out: tuple[str, ...] = ()
) -> None:
    """One flag a field, with its default and, from the class's docstring, its meaning."""
    hints = get_type_hints(config)
    meanings = _meanings(config)
    group = parser.add_argument_group((config.__doc__ or "").partition("\n")[0].rstrip("."))
    for field in fields(config):
        if field.name in leave_out:
            continue
        flag = flag_of(field.name)
        default = field.default if field.default is not MISSING else None
        group.add_argument(
            flag,
            dest=field.name,
            default=default,
            help=_help(meanings.get(field.name, ""), default),
            **_reader(hints[field.name]),
        )


def flag_of(name: str) -> str:
    """The flag that sets a field."""
    return FLAGS.get(name, f"--{name.replace('_', '-')}")


def words_of(config: Any, leave_out: tuple[str, ...] = ()) -> list[str]:  # noqa: ANN401
    """The flags and values that make a configuration, without those that are the default."""
    words: list[str] = []
    for field in fields(config):
        value, flag = getattr(config, field.name), flag_of(field.name)
        if field.name in leave_out or value == field.default:
            continue
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag.removeprefix('--')}")
        else:
            words += [flag, ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    return words


def _reader(hint: Any) -> dict[str, Any]:  # noqa: ANN401
    """The argparse keywords of a field's type."""
    if get_origin(hint) is Literal:
        return {"choices": get_args(hint)}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(hint) is tuple:
        return {"type": _widths, "metavar": "N,N"}
    if type(None) in get_args(hint):
        return {"type": _whole_or_none, "metavar": "N"}
    return {"type": hint, "metavar": "N" if hint is int else "X"}


def _whole_or_none(text: str) -> int | None:
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"neither a whole number nor None: {text!r}") from error


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not whole numbers such as 512,256: {text!r}") from error


def _meanings(config: type) -> dict[str, str]:
    """The entries of the docstring's `Attributes:`."""
    found: dict[str, str] = {}
    name = ""
    _, _, attributes = (config.__doc__ or "").partition("Attributes:\n")
    for line in attributes.splitlines():
        head, colon, rest = line.strip().partition(": ")
        if (
            line.startswith(" " * 8)
            and not line.startswith(" " * 9)
            and colon
            and head.isidentifier()
        ):
            name, found[head] = head, rest
        elif name:
            found[name] += " " + line.strip()
    return found


def _help(meaning: str, default: Any) -> str:  # noqa: ANN401
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
    suffix = "" if default is None or isinstance(default, bool) else f" (default: {shown})"
    return (meaning.strip().replace("`", "").rstrip(".") + suffix).replace("%", "%%")


def chosen(
    arguments: argparse.Namespace, config: type, leave_out: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The values of a configuration's fields among parsed arguments."""
    return {f.name: getattr(arguments, f.name) for f in fields(config) if f.name not in leave_out}


def named(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None, options: argparse.Namespace
) -> set[str]:
    """The names of the options that the line itself sets, whatever their value; `options`: all of them, parsed."""
    unset = argparse.Namespace(**dict.fromkeys(vars(options), ...))
    values = vars(parser.parse_args(arguments, unset))
    return {name for name, value in values.items() if value is not ...}


def framing(options: argparse.Namespace) -> dict[str, Any]:
    """How a folder's images are asked to be brought to a form: of `FRAMING`, what is given.

    Raises:
        ConfigError: it is given for a data set that is no folder, or a folder of data for one that has no files; or a
            folder of images is asked for and not named.
    """
    if options.data_dir is not None and options.dataset in DATASETS_WITHOUT_FILES:
        raise ConfigError(
            f"--data-dir has no effect with --dataset {options.dataset}, which has no files of its own: leave it out."
        )
    if options.dataset == "folder" and options.data_dir is None:
        raise ConfigError("A folder of images is named by --data-dir FOLDER: add it.")
    given = {name: getattr(options, name, None) for name in FRAMING}
    given = {name: value for name, value in given.items() if value is not None}
    if given and options.dataset != "folder":
        flags = ", ".join(map(flag_of, given))
        raise ConfigError(f"{flags}: only a folder's images are brought to another form.")
    return given


def run_command(main: Callable[[], int], stopped: str = "Stopped.") -> int:
    """Run a command; a known problem is one sentence on standard error and exit code 2, a Ctrl-C `stopped` and 130.

    What a stream's encoding lacks, such as ≤ in cp1252, is a question mark there.
    """
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    try:
        return main()
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except KeyboardInterrupt:
        sys.stderr.write(f"{stopped}\n")
        return INTERRUPTED


class Outlet:
    """A standard stream that may be closed or full: a command does not end with its reader.

    Attributes:
        problem: with the disk that it goes to, which not all of it has reached.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream or open(os.devnull, "w")  # noqa: SIM115
        self.problem: OSError | None = None

    def write(self, text: str) -> int:
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                self.problem = error
        except ValueError:  # it was closed
            pass

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._stream, name)


def outlive_readers() -> None:
    """Let this process go on where nobody reads what it prints, as behind `| head`."""
    sys.stdout, sys.stderr = Outlet(sys.stdout), Outlet(sys.stderr)


def printed_all() -> int:
    """0; or a sentence and exit code 2 where the disk had no room for all that was printed."""
    sys.stdout.flush()
    problem = getattr(sys.stdout, "problem", None)
    if problem is None:
        return 0
    sys.stderr.write(f"Not all of this could be written: {disk_problem(problem)}\n")
    return BAD_INPUT
