"""What the work that is missing will cost, told before any of it is done: hours, bytes, money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from encoders.family import ModelSpec
from lake.planning import Plan
from lake.schema import SPACES
from lake.store import Lake
from lake.work_log import WorkLog
from stages.growth import OF_VIDEOS, Growth, Growths
from stages.models import Models
from stages.overview import Plans
from stages.probe import PROBED_STAGES, probe
from stages.row_bytes import bytes_each
from stages.vectors import stage_name

RateSource = Literal["measured", "probe", "another version", "unknown"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What some work costs; `hours` and `money` are None where nobody knows how fast it goes, `bytes` are written."""

    hours: float | None = 0.0
    bytes: int = 0
    money: float | None = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(_sum(self.hours, other.hours), self.bytes + other.bytes, _sum(self.money, other.money))


@dataclass(frozen=True, slots=True)
class StageEstimate:
    """One stage at one version.

    Attributes:
        stage, version: What would work.
        plan: From what the lake holds now.
        growth: What earlier stages may add to it by what they write.
        rate_per_s: Subjects in a second of wall time; None where unknown, or where nothing is to be done.
        rate_source: `measured` in runs of this very version; `probe`, just now, on a few of its subjects;
            `another version` of the stage was measured; `unknown`.
        rate_version: The version that the rate is of; empty where there is none.
        planned: What the plan costs.
        at_most: What it costs with all of its growth.
    """

    stage: str
    version: str
    plan: Plan
    growth: Growth
    rate_per_s: float | None
    rate_source: RateSource
    rate_version: str
    planned: Cost
    at_most: Cost

    @property
    def subjects(self) -> str:
        """What is counted: `videos` or `segments`."""
        return "videos" if self.stage in OF_VIDEOS else "segments"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "stage": self.stage,
            "version": self.version,
            "subjects": self.subjects,
            "new": len(self.plan.new),
            "stale": len(self.plan.stale),
            "orphaned": len(self.plan.orphaned),
            "current": self.plan.current,
            "may_grow_by": self.growth.count,
            "grows_with": list(self.growth.earlier),
            "growth": self.growth.in_words(self.stage),
            "rate_per_s": self.rate_per_s,
            "rate_source": self.rate_source,
            "rate_version": self.rate_version,
            "planned": asdict(self.planned),
            "at_most": asdict(self.at_most),
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """All stages, in their order, and their sums."""

    stages: tuple[StageEstimate, ...]
    price_per_hour: float

    @property
    def planned(self) -> Cost:
        """What the plans cost together."""
        return sum((stage.planned for stage in self.stages), Cost())

    @property
    def at_most(self) -> Cost:
        """What they cost if later stages grow as far as they may."""
        return sum((stage.at_most for stage in self.stages), Cost())

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be computed or removed."""
        return all(stage.plan.is_empty for stage in self.stages)

    def to_dict(self) -> dict[str, Any]:
        """The contract of `plan --json`.

        `{"price_per_hour", "planned": COST, "at_most": COST, "stages": [STAGE]}`. COST is `{"hours", "bytes", "money"}`
        with null for what nobody knows. STAGE is `{"stage", "version", "subjects", "new", "stale", "orphaned",
        "current", "may_grow_by", "grows_with", "growth", "rate_per_s", "rate_source", "rate_version", "planned": COST,
        "at_most": COST}`: numbers of subjects, the growth in words, and the rest as `StageEstimate` explains it.
        """
        return {
            "price_per_hour": self.price_per_hour,
            "planned": asdict(self.planned),
            "at_most": asdict(self.at_most),
            "stages": [stage.to_dict() for stage in self.stages],
        }


def estimate(
    lake: Lake,
    models: Models,
    plans: Plans,
    *,
    price_per_hour: float = 0.0,
    may_probe: bool = True,
    cache_dir: Path | None = None,
) -> Estimate:
    """What it costs to do what is planned. Registers nothing and writes nothing to the lake.

    Args:
        lake: What there is.
        models: Those of the settings.
        plans: From `plan_all`, of the whole lake.
        price_per_hour: Of this machine.
        may_probe: Whether a model that was never measured may be loaded and timed.
        cache_dir: Where models keep derived files.
    """
    specs, growths, rates = _specs(models), Growths(lake, plans), _Rates(lake, may_probe, cache_dir)
    stages = []
    for (stage, version), plan in plans.items():
        spec = specs.get((stage, version))
        # A stage without its model (screen texts, where the settings name no reader) has nothing to come.
        growth = Growth() if stage in PROBED_STAGES and spec is None else growths.of(stage, plan)
        least, most = len(plan.todo), len(plan.todo) + growth.count
        rate, source, measured = rates.of(stage, version, spec, plan) if most else (None, "unknown", "")
        each = bytes_each(lake, stage, spec) if most else 0.0
        planned, at_most = (_cost(count, rate, each, price_per_hour) for count in (least, most))
        stages.append(StageEstimate(stage, version, plan, growth, rate, source, measured, planned, at_most))
    return Estimate(tuple(stages), price_per_hour)


class _Rates:
    def __init__(self, lake: Lake, may_probe: bool, cache_dir: Path | None) -> None:
        self._lake = lake
        self._log = WorkLog(lake)
        self._may_probe = may_probe
        self._cache_dir = cache_dir

    def of(self, stage: str, version: str, spec: ModelSpec | None, plan: Plan) -> tuple[float | None, RateSource, str]:
        if (own := self._log.rate(stage, version)) is not None:
            return own.per_second, "measured", version
        # Before the rate of another version: models differ by orders of magnitude.
        if self._may_probe and stage in PROBED_STAGES and spec is not None:
            probed = probe(self._lake, stage, spec, plan.todo, cache_dir=self._cache_dir)
            if probed is not None:
                return probed.per_second, "probe", version
        if (other := self._log.rate_of_another(stage, version)) is not None:
            return other.per_second, "another version", other.version
        return None, "unknown", ""


def _specs(models: Models) -> Mapping[tuple[str, str], ModelSpec]:
    specs: dict[tuple[str, str], ModelSpec] = {}
    captioner = models.spec("captioner")
    specs["captions", captioner.version] = captioner
    if models.has("reader"):
        reader = models.spec("reader")
        specs["screen_texts", reader.version] = reader
    for space in SPACES:
        specs |= {(stage_name(space), spec.version): spec for spec in models.wanted(space)}
    return specs


def _cost(count: int, rate: float | None, bytes_each: float, price_per_hour: float) -> Cost:
    if not count:
        return Cost()
    hours = count / rate / 3600 if rate else None
    return Cost(hours, round(count * bytes_each), None if hours is None else hours * price_per_hour)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
