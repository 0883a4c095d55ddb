"""How much memory this process may still take."""

from __future__ import annotations

import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def data_headroom_bytes() -> int | None:
    """What is left below the process's own limit on data; None where there is no limit, or no way to know."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit == resource.RLIM_INFINITY or not _STATUS.exists():
        return None
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
    return limit - int(lines["VmData"].split()[0]) * 1024
