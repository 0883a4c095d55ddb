"""Models behind small protocols, and what a model's version is."""

from __future__ import annotations

import os

# Read once, when torch is loaded: its threads otherwise spin between two batches and burn the CPU that decoders need.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
