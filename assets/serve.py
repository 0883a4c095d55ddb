"""Group `serve`: what search reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from assets.embed import text_vectors, visual_vectors
from assets.materialised import TABLE
from assets.previews import present_indexes
from assets.resources import LakeResource, ModelsResource
from kernel.progress import Progress
from lake.releases import Release
from lake.schema import RELEASES, SPACES
from quality.gates import FIRST_RELEASE_GATES, GateResult
from settings import load_settings

GATE_CHECKS = [
    dg.AssetCheckSpec(
        f"{space}_{gate.__name__}",
        asset="release",
        description=f"Space `{space}`: {(gate.__doc__ or '').strip()} A release is made only if this holds.",
    )
    for space in SPACES
    for gate in FIRST_RELEASE_GATES
]


@dg.asset(group_name="serve", deps=[visual_vectors, text_vectors], kinds={"lancedb"})
def indexes(lake: LakeResource) -> dg.MaterializeResult:
    """The indexes that keep search fast, brought up to date with what was written.

    **Reads** `documents` and the vectors.
    **Writes** indexes for full text, for keys and, from 50,000 vectors on, for vectors.
    A row that is in no index yet is found too, only slower.
    """
    from retrieval.indexes import ensure_indexes

    report = ensure_indexes(lake.open())
    return dg.MaterializeResult(
        metadata={
            "indexes_created": len(report.created),
            "created": ", ".join(report.created) or "none: all were there",
            "rows_caught_up": sum(report.caught_up.values()),
            "rows_caught_up_by_table": dg.MetadataValue.json(dict(report.caught_up)),
            **present_indexes(lake.open()),
        }
    )


@dg.asset(
    group_name="serve",
    deps=[indexes],
    kinds={"lancedb", "greatexpectations"},
    check_specs=GATE_CHECKS,
    metadata={TABLE: RELEASES.name},
)
def release(lake: LakeResource, models: ModelsResource, progress: dg.ResourceParam[Progress]) -> dg.MaterializeResult:
    """The versions that search reads now; a first one is made when every space has passed its gates.

    **Reads** the vectors of every space and what was set aside.
    **Writes** `releases`, one row a release: search reads the newest, so that going live is one atomic step.
    The gates are the checks of this asset; one that fails leaves search on the release before.
    """
    from quality.promotion import decide_release

    scope = lake.scope(None, progress)
    decision = decide_release(scope, models.open(lake), load_settings().search.fusion())
    return dg.MaterializeResult(
        metadata={
            "decision": decision.reason,
            "made_now": decision.made,
            **_searched(decision.release),
            **_gates(decision.gates),
        },
        check_results=_check_results(decision.gates),
    )


def _searched(live: Release | None) -> dict[str, Any]:
    if live is None:
        return {"release": "none yet: there is nothing to search"}
    return {
        "release": live.release_id,
        "released_at": live.created_at.isoformat(timespec="seconds"),
        "made_because": live.reason,
        "searched": _two_columns("space", "version", live.spaces),
        "fusion": _two_columns("leg", "weight", {leg: live.fusion[leg] for leg in live.fusion if leg != "k"}),
        "fusion_k": live.fusion["k"],
    }


def _two_columns(key: str, value: str, values: Mapping[str, Any]) -> dg.MetadataValue:
    return dg.MetadataValue.table([dg.TableRecord({key: name, value: values[name]}) for name in sorted(values)])


def _gates(gates: Sequence[GateResult]) -> dict[str, Any]:
    records = [
        dg.TableRecord(
            {
                "gate": f"{gate.space} {gate.gate}",
                "passed": "yes" if gate.passed else "NO",
                "measured": _measured(gate),
                "threshold": gate.threshold,
                "in_words": gate.message,
            }
        )
        for gate in gates
    ]
    return {"gates": dg.MetadataValue.table(records)} if records else {}


def _check_results(gates: Sequence[GateResult]) -> list[dg.AssetCheckResult]:
    return [
        dg.AssetCheckResult(
            check_name=f"{gate.space}_{gate.gate}",
            passed=gate.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=gate.message,
            metadata={
                "version": gate.version,
                "measured": _measured(gate),
                "threshold": gate.threshold,
                "evidence": dg.MetadataValue.json(gate.evidence),
            },
        )
        for gate in gates
    ]


def _measured(gate: GateResult) -> float | str:
    return "not computed" if gate.measured is None else gate.measured
