"""Where the arithmetic happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vae_explorer.engine.errors import ConfigError, EngineError

MAX_THREADS = 1024


def available_accelerator() -> torch.device | None:
    """The accelerator, where there is one that works."""
    # `current_accelerator` alone tells what torch was built for, and in 2.6 it takes no argument to ask for more
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None


def pick_device(name: str) -> torch.device:
    """The device of a name; `auto` is the accelerator where there is one, else the CPU.

    Raises:
        ConfigError: the machine has no such device.
    """
    accelerator = available_accelerator()
    if name == "auto":
        return accelerator or torch.device("cpu")
    if name == "cpu" or (accelerator is not None and accelerator.type == name):
        return torch.device(name)
    raise ConfigError(f"This machine has no {name} device that torch can use; take auto or cpu.")


def evaluation_device(name: str) -> torch.device:
    """That device, or the CPU in its place where it lacks the double precision that sums over many images want.

    Raises:
        ConfigError: the machine has no such device.
    """
    device = pick_device(name)
    try:
        torch.ones(1, dtype=torch.float64, device=device).sum()
    except (TypeError, RuntimeError):  # as an mps device says, and as some of Intel's do
        return torch.device("cpu")
    return device


def spare_cores() -> int:
    """How many CPU threads to take: all cores but one, for torch on all of them collapses beside any other work."""
    return max(1, (os.cpu_count() or 2) - 1)


def use_threads(count: int) -> None:
    """Have torch compute with so many threads; no more than the system can start.

    Raises:
        ConfigError: none, or too many.
    """
    if not 1 <= count <= MAX_THREADS:
        raise ConfigError(f"Threads are from 1 to {MAX_THREADS:,}; not {count:,}.")
    torch.set_num_threads(count)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch says that memory is short: in a class of its own, or on a CPU and some devices in words."""
    words = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "alloc" in words or "out of memory" in words


@contextmanager
def short_memory_is(problem: EngineError) -> Iterator[None]:
    """Within, memory that runs out is a known problem."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise problem from error


def keep_freed_memory() -> None:
    """Have the C library keep up to 62 MB of freed memory for the next step, rather than none of it.

    Memory from the system comes page by page, at a fault each: up to an eighth of a step or of an evaluation. glibc
    keeps twice the largest block that was freed so far, and this is the largest that it considers; it is never touched.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)
