"""What the expectations about vectors cost, by the number of vectors.

    python -m benchmarks.expectations_scale

For each size a table of vectors of 512 dimensions is made. A fresh process reads its vectors once, as anything that
looks at all of them must; another asks the expectations of the gate `integrity`, which reads them too. Printed are both
CPU times, their ratio, and the memory of the second above what it held with everything imported.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import run_measured
from benchmarks.synthetic_vectors import fill_vectors
from lake.store import Lake

SIZES = (10_000, 100_000, 1_000_000)
DIM = 512
VERSION = "synthetic-1"

_READ = """
for batch in lake.snapshot(name).to_batches(columns=["segment_id", "input_fp", "vector"]):
    batch.num_rows
"""
_ASK = """
outcomes = examination.ask(vectors.alone({dim}), vectors.facts(lake, name))
assert all(one.met for one in outcomes), [one.finding for one in outcomes if not one.met]
"""
_PROGRAM = """
import json, sys, time
from pathlib import Path
from lake.store import Lake
from quality.expectations.engine import Examination
from quality.expectations.suites import vectors

import lance, pandas

def peak_mb():  # not getrusage: that starts at what the parent held
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

lake, name = Lake(Path(sys.argv[1])), sys.argv[2]
lake.count(name)
examination = Examination()
held = peak_mb()
began = time.process_time()
{body}
spent = time.process_time() - began
print(json.dumps([spent, peak_mb() - held]))
"""


def main(arguments: Sequence[str]) -> int:
    """Prints a row a size."""
    if arguments:
        sys.exit(__doc__)
    print("| vectors | reading them, CPU s | expectations, CPU s | ratio | memory, MB |")
    print("|---|---|---|---|---|")
    for rows in SIZES:
        with tempfile.TemporaryDirectory(prefix="reelindex-bench-") as folder:
            name = fill_vectors(Lake(Path(folder)), "visual", VERSION, rows, DIM)
            read_s, _ = _measured(folder, name, _READ)
            asked_s, memory_mb = _measured(folder, name, _ASK.format(dim=DIM))
        print(f"| {rows:,} | {read_s:.2f} | {asked_s:.2f} | {asked_s / read_s:.1f} | {memory_mb:.0f} |", flush=True)
    return 0


def _measured(folder: str, name: str, body: str) -> tuple[float, float]:
    command = [sys.executable, "-c", _PROGRAM.format(body=body), folder, name]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    cpu_s, memory_mb = json.loads(run_measured(command, folder=Path.cwd(), environment=environment).output)
    return cpu_s, memory_mb


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
