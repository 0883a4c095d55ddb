"""The versions of all models as a person asks about them: what each is, what it holds, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from kernel.errors import ReelindexError
from lake.evaluations import Evaluations
from lake.model_versions import ModelVersion, ModelVersions
from lake.planning import Plan
from lake.releases import Releases
from lake.retention import version_bytes
from lake.schema import CAPTIONS, MODEL_VERSIONS, SCREEN_TEXTS, SPACES, TRANSCRIPTS, vectors_table_name
from lake.store import Lake, quote
from settings import Home, Settings

if TYPE_CHECKING:
    from encoders.family import ModelSpec, Role

_WRITES_TO = {"transcriber": TRANSCRIPTS, "captioner": CAPTIONS, "reader": SCREEN_TEXTS}
_STAGES = {"transcriber": "transcripts", "captioner": "captions", "reader": "screen_texts"}


def list_models(settings: Settings, home: Home) -> list[dict[str, Any]]:
    """The contract of `models --json`: every version that the lake or the settings know. Loads no model.

    A row has `version`, `role`, `space` (null for roles without vectors), `configured`, `registered`, `state`
    (`candidate`, `live`, `retired` or `dropped`; `in use` or `not in use` for roles without vectors), `done` and
    `wanted` and `coverage` (null for versions that nothing is planned for), `rows`, `bytes` (null where a table is
    shared), `dim`, `created_at` (null for a version that was never loaded here), and `waits_for`, sentences that say
    what stands between search and a version that the settings name.

    Raises:
        NoLake: Nothing has been ingested here.
        ReelindexError: A model that the settings name is not installed.
    """
    from orchestration.resources import build_resources
    from stages.overview import plan_all

    lake = Lake(home.lake, create=False)
    resources = build_resources(settings, home)
    scope = resources["lake"].scope(None, resources["progress"])
    models = resources["models"].open(resources["lake"])
    plans = plan_all(scope, models, resources["media"].segmenter())
    registered = ModelVersions(lake).all()
    known = {model.version for model in registered}
    configured = configured_specs(settings)
    fresh = [_unregistered(spec) for spec in configured.values() if spec.version not in known]
    created = dict(zip(*_created_at(lake), strict=True))
    return [
        _row(lake, model, model.version in configured, created.get(model.version), _plan_of(model, plans))
        for model in sorted((*registered, *fresh), key=lambda model: (model.role, model.version))
    ]


def configured_specs(settings: Settings) -> dict[str, ModelSpec]:
    """The models that the settings name, by version.

    Raises:
        ReelindexError: One of them is not installed.
    """
    from encoders.registry import resolve

    references = settings.models.references()
    specs = [resolve(cast("Role", role), reference) for role, reference in references.items() if reference]
    return {spec.version: spec for spec in specs}


def is_configured(settings: Settings, version: str) -> bool:
    """Whether the settings name a version, as far as it can be told: a model that is not installed names none."""
    try:
        return version in configured_specs(settings)
    except ReelindexError:
        return False


def _unregistered(spec: ModelSpec) -> ModelVersion:
    space = spec.role if spec.role in SPACES else None
    return ModelVersion(spec.version, spec.role, space, {}, getattr(spec, "dim", None), {})


def _created_at(lake: Lake) -> tuple[list[str], list[Any]]:
    rows = lake.read(MODEL_VERSIONS.name, ["version", "created_at"])
    return rows["version"].to_pylist(), rows["created_at"].to_pylist()


def _plan_of(model: ModelVersion, plans: Mapping[tuple[str, str], Plan]) -> Plan | None:
    stage = f"{model.space}_vectors" if model.space else _STAGES.get(model.role, "")
    return plans.get((stage, model.version))


def _row(lake: Lake, model: ModelVersion, configured: bool, created_at: Any, plan: Plan | None) -> dict[str, Any]:
    wanted = None if plan is None else plan.current + len(plan.todo)
    state = Releases(lake).state(model.version) if model.space else "in use" if configured else "not in use"
    return {
        "version": model.version,
        "role": model.role,
        "space": model.space,
        "configured": configured,
        "registered": created_at is not None,
        "state": state,
        "done": None if plan is None else plan.current,
        "wanted": wanted,
        "coverage": plan.current / wanted if plan is not None and wanted else None,
        "rows": _rows(lake, model),
        "bytes": version_bytes(lake, model.space, model.version) if model.space else None,
        "dim": model.dim,
        "created_at": created_at.isoformat(timespec="seconds") if created_at else None,
        "waits_for": _waits_for(lake, model, plan) if configured and model.space and state != "live" else [],
    }


def _rows(lake: Lake, model: ModelVersion) -> int:
    if model.space is None:
        return lake.count(_WRITES_TO[model.role].name, f"version = {quote(model.version)}")
    table = vectors_table_name(model.space, model.version)
    return lake.count(table) if lake.has_table(table) else 0


def _waits_for(lake: Lake, model: ModelVersion, plan: Plan | None) -> list[str]:
    """What stands between a configured version and search."""
    if plan is not None and plan.todo:
        return [f"{len(plan.todo):,} vectors: `reelindex backfill`"]
    if model.version in Releases(lake).rolled_back():
        return ["somebody: it was rolled back (`reelindex promote` takes it all the same)"]
    verdicts = Evaluations(lake).newest(model.version)
    if not verdicts:
        return ["its gates, which have not been asked yet: `reelindex backfill`, or the daemon"]
    failed = [f"{verdict.gate}: {verdict.message}" for verdict in verdicts if not verdict.passed]
    return failed or ["`reelindex promote`: it has passed every gate"]
