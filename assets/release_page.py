"""What the asset `release` shows: the decision, its gates, and what changes for people who search."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from lake.releases import Release
from lake.schema import SPACES
from quality.gates import GateResult

if TYPE_CHECKING:
    from lake.retention import Dropped
    from quality.judging import Judgement
    from quality.promotion import ReleaseDecision


def decision_page(decision: "ReleaseDecision", dropped: Sequence["Dropped"]) -> dict[str, Any]:
    """The metadata of a decision."""
    from quality.report import migration_report

    page: dict[str, Any] = {
        "decision": decision.reason,
        "made_now": decision.made,
        **_searched(decision.release),
        **_gates(decision.gates),
        **_candidates(decision.judgements),
    }
    for judgement in decision.judgements:
        if judgement.comparison is not None:
            page[f"migration_{judgement.case.space}"] = dg.MetadataValue.md(migration_report(judgement.comparison))
    if dropped:
        records = [
            dg.TableRecord({"version": one.version, "rows": one.rows, "freed_bytes": one.freed_bytes})
            for one in dropped
        ]
        page["dropped"] = dg.MetadataValue.table(records)
        page["freed_bytes"] = sum(one.freed_bytes for one in dropped)
    return page


def check_results(gates: Sequence[GateResult]) -> list[dg.AssetCheckResult]:
    """One result for every check of the asset: Dagster demands all of them, whatever was asked."""
    from quality.candidate_gates import GATE_NAMES

    asked = {(gate.space, gate.gate): gate for gate in gates}
    results = []
    for space in SPACES:
        for name in GATE_NAMES:
            gate = asked.get((space, name))
            results.append(_not_asked(space, name) if gate is None else _result(gate))
    return results


def _not_asked(space: str, name: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=f"{space}_{name}",
        passed=True,
        description="Not asked: this space has no candidate to hold against a live version.",
    )


def _result(gate: GateResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
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


def _searched(live: Release | None) -> dict[str, Any]:
    if live is None:
        return {"release": "none yet: there is nothing to search"}
    return {
        "release": live.release_id,
        "released_at": live.created_at.isoformat(timespec="seconds"),
        "made_because": live.reason,
        "searched": _two_columns("space", "version", live.spaces),
        "fusion": _two_columns("of", "value", live.fusion),
    }


def _two_columns(key: str, value: str, values: Mapping[str, Any]) -> dg.MetadataValue[Any]:
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


def _candidates(judgements: Sequence["Judgement"]) -> dict[str, Any]:
    """What was judged and how far it is; a candidate that still fills has only its coverage."""
    records = [
        dg.TableRecord(
            {
                "space": one.case.space,
                "version": one.case.spec.version,
                "coverage": _measured(one.gates[0]),
                "failed_gates": "filling" if one.is_filling else ", ".join(gate.gate for gate in one.failed) or "none",
            }
        )
        for one in judgements
    ]
    return {"candidates": dg.MetadataValue.table(records)} if records else {}


def _measured(gate: GateResult) -> float | str:
    if gate.measured is None:
        return "not asked" if gate.passed else "not computed"
    return round(gate.measured, 4)
