"""How much time and memory a decoder may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limits on one child process.

    `stall_timeout_s`: longest silence. `base_deadline_s` plus `deadline_per_media_second` times the duration: longest
    whole time for a file, so that one which crawls for ever ends too. `memory_bytes`: the child's own data; 8K video
    needs about 1 GiB. `start_timeout_s`: longest time for the process to start, on a busy machine.
    """

    stall_timeout_s: float = 60.0
    base_deadline_s: float = 300.0
    deadline_per_media_second: float = 30.0
    memory_bytes: int = 2 * 2**30
    start_timeout_s: float = 120.0

    def deadline_s(self, media_ms: int) -> float:
        """Longest time for a file of which `media_ms` are promised or have been seen."""
        return self.base_deadline_s + self.deadline_per_media_second * media_ms / 1000
