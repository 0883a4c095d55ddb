"""The gates that a version must pass to take the place of a live one, besides those of a first release."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from encoders.spec import parse_spec
from lake.model_versions import ModelVersions
from lake.vectors import rows_of
from quality.evaluation_set import asked_texts
from quality.gates import FIRST_RELEASE_GATES, Case, Gate, GateResult
from quality.index_recall import NEIGHBOURS, has_index, recall_of_index
from quality.retrieval_gate import retrieval
from quality.robustness_gate import robustness
from retrieval.query_encoders import QueryEncoders
from stages.vectors import table_of

PROBES = 100


def canary(case: Case) -> GateResult:
    """The model still says in this process what it said when it was registered, of the pictures and words it is for."""
    from encoders.canary import MIN_COSINE, Canary, compute, verify
    from encoders.errors import CanaryMismatch
    from encoders.registry import load

    # A space without subjects has loaded no model, and yet its queries will be embedded.
    case.models.register(case.spec)
    registered = ModelVersions(case.scope.lake).find(case.spec.version)
    assert registered is not None
    spec = parse_spec(json.dumps(registered.spec))
    try:
        stored = Canary.from_dict(registered.canary)
        lowest = verify(stored, compute(load(spec, cache_dir=case.cache_dir)))
    except CanaryMismatch as mismatch:
        return case.verdict("canary", False, None, MIN_COSINE, str(mismatch))
    message = f"the fixed inputs give what they gave at registration; the lowest cosine is {lowest:.6f}."
    return case.verdict("canary", True, lowest, MIN_COSINE, message, parts=sorted(stored.parts))


def index_recall(case: Case) -> GateResult:
    """Search through the vector index finds what an exact search finds."""
    least = case.policy.min_index_recall
    name = table_of(case.spec, case.space).name
    if not has_index(case.scope.lake, name):
        return case.verdict("index_recall", True, 1.0, least, "there is no vector index: every search is exact.")
    probes, what = _probes(case, name)
    recall = recall_of_index(case.scope.lake, case.space, case.spec.version, probes)
    message = f"recall@{NEIGHBOURS} of the index against exact search is {recall:.4f} over {len(probes)} {what}."
    return case.verdict("index_recall", recall >= least, recall, least, message, probes=len(probes), of=what)


def _probes(case: Case, table: str) -> tuple[Sequence[NDArray[np.float32]], str]:
    """What people ask, known questions and the log of searches; where nobody has asked anything yet, stored vectors.

    A stored vector finds itself and its like, which is easier than what a question asks for.
    """
    lake = case.scope.lake
    texts = asked_texts(lake, case.policy.evaluation)[:PROBES]
    if texts:
        encoders = QueryEncoders(lake, cache_dir=case.cache_dir)
        return [encoders.embed(case.spec.version, text) for text in texts], "questions"
    rows = lake.count(table)
    chosen = np.linspace(0, rows - 1, min(PROBES, rows), dtype=np.int64)
    return list(rows_of(lake.snapshot(table).take(chosen.tolist(), columns=["vector"])["vector"])), "stored vectors"


CANDIDATE_GATES: tuple[Gate, ...] = (canary, index_recall, robustness, retrieval)
GATE_NAMES = tuple(gate.__name__ for gate in (*FIRST_RELEASE_GATES, *CANDIDATE_GATES))
"""All gates, in the order in which they are asked."""
