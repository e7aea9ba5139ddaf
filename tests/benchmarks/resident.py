"""Memory of this process."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def resident_memory() -> int:
    """Bytes in memory now; the largest so far where the system does not tell."""
    return _status("VmRSS") or peak_memory()


def peak_memory() -> int:
    """Bytes in memory at the largest."""
    if value := _status("VmHWM"):
        return value
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def _status(name: str) -> int | None:
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return None
