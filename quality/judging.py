"""A candidate before its gates: all of them, in order, and once for the same state of things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kernel.identity import canonical_json, fingerprint
from lake.evaluations import Evaluation, Evaluations
from lake.schema import vectors_table_name
from lake.store import Lake
from quality.candidate_gates import CANDIDATE_GATES
from quality.comparison import Comparison
from quality.context import installed_packages
from quality.gates import CRASHED, FIRST_RELEASE_GATES, Case, GateResult, coverage, run_gate
from quality.retrieval_gate import comparison_of
from stages.vectors import stage_name, table_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gates said of one version.

    Attributes:
        case: The version.
        gates: In the order of `GATE_NAMES`; of a candidate that still fills, its coverage alone.
    """

    case: Case
    gates: tuple[GateResult, ...]

    @property
    def is_filling(self) -> bool:
        """Whether vectors are still missing, so that there was nothing to judge."""
        return len(self.gates) == 1

    @property
    def failed(self) -> tuple[GateResult, ...]:
        """The gates that were not passed."""
        return tuple(gate for gate in self.gates if not gate.passed)

    @property
    def comparison(self) -> Comparison | None:
        """With the live release; None where there was no query to ask of both."""
        return comparison_of(self.gates[-1])


def judge(case: Case) -> Judgement:
    """Asks every gate about a candidate, unless it was asked before in the same state.

    The verdicts are kept in `evaluations`, whatever they are. A gate that crashed is asked again every time: what it
    lacked may be there now.
    """
    covered = run_gate(coverage, case)
    if not covered.passed:
        return Judgement(case, (covered,))
    # A space without subjects has made no table yet, and search will look for one.
    case.scope.lake.create(table_of(case.spec, case.space))
    evaluations = Evaluations(case.scope.lake)
    state_fp = state_of(case)
    known = {one.gate: _verdict(case, one) for one in evaluations.of_state(case.spec.version, state_fp)}
    known = {name: gate for name, gate in known.items() if CRASHED not in gate.evidence} | {covered.gate: covered}
    asked = [gate for gate in (*FIRST_RELEASE_GATES, *CANDIDATE_GATES) if gate.__name__ not in known]
    fresh = {gate.__name__: run_gate(gate, case) for gate in asked}
    if fresh:
        evaluations.enter([gate.to_dict() for gate in (covered, *fresh.values())], state_fp)
    verdicts = known | fresh
    return Judgement(case, tuple(verdicts[gate.__name__] for gate in (*FIRST_RELEASE_GATES, *CANDIDATE_GATES)))


def state_of(case: Case) -> str:
    """A fingerprint of what the verdicts depend on.

    The vectors of the candidate and of the live release, commit by commit; what was set aside; the thresholds and the
    known queries; the weights of the fusion; and the libraries, which the canary is about.
    """
    lake = case.scope.lake
    live = dict(case.live.spaces) if case.live else {}
    names = sorted({table_of(case.spec, case.space).name, *(vectors_table_name(*one) for one in live.items())})
    aside = case.scope.failures.quarantined(stage_name(case.space), case.spec.version)
    return fingerprint(
        (
            case.spec.version,
            str(case.live.release_id if case.live else None),
            *(part for name in names if lake.has_table(name) for part in _contents(lake, name)),
            *sorted(aside),
            canonical_json(case.policy.thresholds()),
            canonical_json(case.fusion),
            canonical_json(installed_packages()),
        )
    )


def _contents(lake: Lake, name: str) -> Iterator[str]:
    # A commit's number alone does not do: a table that was dropped and made again counts from 1 once more.
    dataset = lake.snapshot(name)
    yield f"{name} {dataset.version}"
    for fragment in dataset.get_fragments():
        yield from (file.path for file in fragment.data_files())


def _verdict(case: Case, known: Evaluation) -> GateResult:
    return GateResult(
        known.gate,
        case.space,
        known.version,
        known.passed,
        known.measured,
        known.threshold,
        known.message,
        dict(known.evidence),
    )
