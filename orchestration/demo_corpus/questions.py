"""What the demo asks its corpus. Only the questions are kept: the answers come from the search."""

from __future__ import annotations

DEMO_QUESTIONS: tuple[str, ...] = (
    "the first woman to command a space shuttle",
    "people riding bicycles in the street",
    "which animal can sleep standing up",
    "a musician playing an electric guitar",
    "why coffee keeps people awake",
)
