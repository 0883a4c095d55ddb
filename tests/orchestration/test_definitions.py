"""The definitions: what is in them, that they resolve, and that loading them is cheap."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest
import yaml

import orchestration
from assets.evaluate import DRIFT_CHECKS, FAILURE_CHECKS
from assets.partitions import BUCKETS, IN_ONE_RUN
from assets.resources import LakeResource
from orchestration.cli.ui import GROUPS, WORKSPACE
from orchestration.definitions import build_definitions
from orchestration.jobs import BACKFILL, EXPORT, INGEST, QUALITY, TRAINING, all_buckets
from quality.candidate_gates import GATE_NAMES
from quality.expectations.examine import REQUIREMENTS
from settings import Home, Settings

HEAVY = [
    "av",
    "cv2",
    "duckdb",
    "faster_whisper",
    "evidently",
    "great_expectations",
    "lance",
    "lancedb",
    "pandas",
    "PIL",
    "scenedetect",
    "tokenizers",
    "torch",
]
DEPENDENCIES = {
    "videos": set(),
    "segments": {"videos"},
    "transcripts": {"videos"},
    "captions": {"segments"},
    "screen_texts": {"segments"},
    "documents": {"segments", "transcripts", "captions", "screen_texts"},
    "visual_vectors": {"segments"},
    "text_vectors": {"documents"},
    "indexes": {"visual_vectors", "text_vectors"},
    "release": {"indexes"},
    "drift": {"visual_vectors", "text_vectors"},
    "embedding_profile": {"visual_vectors", "text_vectors"},
    "robustness": {"visual_vectors", "text_vectors"},
    "retrieval_quality": {"release"},
    "sql_export": {"release"},
    "training_set": {"segments", "documents"},
    "trained_adapter": {"training_set"},
    "adapter_evaluation": {"trained_adapter"},
}
GROUP_OF = {
    "ingest": {"videos"},
    "understand": {"segments", "transcripts", "captions", "screen_texts", "documents"},
    "embed": {"visual_vectors", "text_vectors"},
    "serve": {"indexes", "release"},
    "evaluate": {"drift", "embedding_profile", "robustness", "retrieval_quality"},
    "explore": {"sql_export"},
    "train": {"training_set", "trained_adapter", "adapter_evaluation"},
}
GATES = {f"{space}_{gate}" for space in ("visual", "text") for gate in GATE_NAMES}


@pytest.fixture
def definitions(tmp_path: Path) -> dg.Definitions:
    return build_definitions(Settings(), Home(tmp_path / "home"))


def specs_of(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_loading_the_definitions_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import json, sys; from orchestration.definitions import defs; defs(); print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "dagster" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded & set(HEAVY))
    assert list(tmp_path.iterdir()) == [], "loading makes no lake"


def test_assets_depend_on_each_other_as_the_data_flow(definitions: dg.Definitions) -> None:
    found = {
        name: {dep.asset_key.to_user_string() for dep in spec.deps} for name, spec in specs_of(definitions).items()
    }
    assert found == DEPENDENCIES


def test_groups_follow_the_way_of_the_data(definitions: dg.Definitions) -> None:
    specs = specs_of(definitions)
    for group, names in GROUP_OF.items():
        assert {name for name, spec in specs.items() if spec.group_name == group} == names
    assert tuple(GROUP_OF) == GROUPS
    place = {name: GROUPS.index(spec.group_name or "") for name, spec in specs.items()}
    assert all(place[before] <= place[name] for name, befores in DEPENDENCIES.items() for before in befores)


def test_every_asset_and_every_check_is_described(definitions: dg.Definitions) -> None:
    for name, spec in specs_of(definitions).items():
        first, _, rest = (spec.description or "").partition("\n\n")
        assert first.endswith("."), name
        assert "**Reads**" in rest, name
        assert "**Writes**" in rest, name
    checks = {
        (spec.asset_key.to_user_string(), spec.name): spec
        for asset in [*(definitions.assets or []), *(definitions.asset_checks or [])]
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.check_specs
    }
    expected = {(asset, one.name) for asset, requirements in REQUIREMENTS.items() for one in requirements}
    assert checks.keys() == expected | {("release", gate) for gate in GATES} | {
        (check.asset_key.to_user_string(), check.name) for check in [*DRIFT_CHECKS, *FAILURE_CHECKS]
    }
    assert all(check.description for check in checks.values())


def test_the_chain_has_one_partitioning_and_one_backfill_policy(definitions: dg.Definitions) -> None:
    for asset in definitions.assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        if asset.partitions_def is not None:
            assert asset.partitions_def == BUCKETS
            assert asset.backfill_policy == IN_ONE_RUN


def test_jobs_and_sensor_resolve_with_their_resources(definitions: dg.Definitions, tmp_path: Path) -> None:
    dg.Definitions.validate_loadable(definitions)
    ingested = {node.name for node in definitions.resolve_job_def(INGEST).nodes}
    assert ingested == set(DEPENDENCIES) - {"sql_export"} - GROUP_OF["evaluate"] - GROUP_OF["train"] | {"expectations"}
    assert {node.name for node in definitions.resolve_job_def(QUALITY).nodes} == {"expectations"} | GROUP_OF["evaluate"]
    assert "expectations" not in {node.name for node in definitions.resolve_job_def(BACKFILL).nodes}
    assert {node.name for node in definitions.resolve_job_def(TRAINING).nodes} == GROUP_OF["train"]
    assert {node.name for node in definitions.resolve_job_def(EXPORT).nodes} == {"sql_export"}
    assert definitions.resolve_sensor_def("new_files").description
    lake = (definitions.resources or {})["lake"]
    assert isinstance(lake, LakeResource)
    assert lake.folders == Home(tmp_path / "home")


def test_all_buckets_are_the_first_to_the_last() -> None:
    keys = BUCKETS.get_partition_keys()
    assert all_buckets() == {
        "dagster/asset_partition_range_start": keys[0],
        "dagster/asset_partition_range_end": keys[-1],
    }


def test_both_workspace_files_name_the_definitions() -> None:
    at_the_root = Path(orchestration.__file__).parents[1] / "workspace.yaml"
    workspace = yaml.safe_load(WORKSPACE.read_text())
    assert workspace == yaml.safe_load(at_the_root.read_text())
    (location,) = workspace["load_from"]
    module = import_module(location["python_module"]["module_name"])
    assert isinstance(module.defs(), dg.Definitions)
    assert location["python_module"]["location_name"] == "reelindex"
