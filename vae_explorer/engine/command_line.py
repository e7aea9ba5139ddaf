"""Command lines made from the configuration dataclasses, and back; and their one way to fail."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, Literal, TextIO, get_args, get_origin, get_type_hints

from vae_explorer.engine.errors import EngineError

FLAGS = {"kind": "--model", "classification_weight": "--lambda"}
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
    kind = next((part for part in get_args(hint) if part is not type(None)), hint)  # of int | None
    return {"type": kind, "metavar": "N" if kind is int else "X"}


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
    """A standard stream that may be closed or full: a command does not end with its reader."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream or open(os.devnull, "w")  # noqa: SIM115

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._stream, name)


def outlive_readers() -> None:
    """Let this process go on where nobody reads what it prints, as behind `| head`."""
    sys.stdout, sys.stderr = Outlet(sys.stdout), Outlet(sys.stderr)
