"""Weights of one's own and of a hub: named by their bytes, found again by their place."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from encoders.errors import UnknownModel, WeightsMissing
from encoders.family import Family, ModelSpec
from encoders.hub import HubWeights, find_hub, locate_hub
from encoders.local_weights import LocalWeights, find_local
from encoders.model_source import ModelSource, find_source, locate_source, readable_name
from tests.encoders.hub_server import MAIN, Hub

REPO = "makers/tiny"
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "README.md": b"read me", "1_Pooling/config.json": b"[]"}
PATTERNS = ("*.json", "*.safetensors")


class Spec(ModelSpec):
    """As small as a spec of someone's own weights can be."""

    describe: ClassVar[str] = "A spec."
    role: Literal["text"] = "text"
    family: Literal["some"] = "some"
    model: str = "model"
    source: ModelSource


@pytest.fixture(autouse=True)
def _pushed(request: pytest.FixtureRequest) -> None:
    """Where a test has a hub, the model is there."""
    if "hub" in request.fixturenames:
        request.getfixturevalue("hub").push(REPO, MAIN, dict(FILES))


def _folder(place: Path) -> Path:
    for name, content in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def test_the_same_bytes_elsewhere_are_the_same_version(tmp_path: Path) -> None:
    here, there = _folder(tmp_path / "here"), _folder(tmp_path / "there" / "deep")
    specs = [Spec(source=find_local(folder, PATTERNS)) for folder in (here, there)]
    assert specs[0].version == specs[1].version

    back = Spec.model_validate_json(specs[0].model_dump_json())
    assert back == specs[0]
    assert locate_source(back.source) == here

    (there / "README.md").write_bytes(b"not a part of the model")
    assert Spec(source=find_local(there, PATTERNS)).version == specs[0].version
    (there / "config.json").rename(there / "other.json")
    assert Spec(source=find_local(there, PATTERNS)).version != specs[0].version


def test_a_single_file_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"weights")
    shutil.copy(tmp_path / "a.pt", tmp_path / "b.pt")
    assert Spec(source=find_local(tmp_path / "a.pt")).version == Spec(source=find_local(tmp_path / "b.pt")).version
    assert locate_source(find_local(tmp_path / "a.pt")) == tmp_path / "a.pt"


def test_a_file_replaced_under_the_same_name_size_and_time_is_another_version(tmp_path: Path) -> None:
    checkpoint = tmp_path / "a.pt"
    checkpoint.write_bytes(b"weights")
    times = checkpoint.stat().st_atime_ns, checkpoint.stat().st_mtime_ns
    first = Spec(source=find_local(checkpoint))
    other = tmp_path / "new.pt"
    other.write_bytes(b"WEIGHTS")
    os.utime(other, ns=times)
    other.replace(checkpoint)

    assert Spec(source=find_local(checkpoint)).version != first.version
    with pytest.raises(WeightsMissing, match=r"a\.pt.*not the bytes"):
        locate_source(first.source)


def test_a_path_that_is_gone_is_named_with_what_to_do(tmp_path: Path) -> None:
    source = find_local(_folder(tmp_path / "model"), PATTERNS)
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(WeightsMissing, match=r"model/1_Pooling/config\.json.*gone.*settings"):
        locate_source(source)
    with pytest.raises(WeightsMissing, match=r"model: there is no checkpoint file or model folder"):
        find_source(str(tmp_path / "model"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsMissing, match=r"empty.*no file.*\*\.bin"):
        find_local(tmp_path / "empty", ("*.bin",))


def test_a_repository_is_downloaded_once_and_then_found_without_network(hub: Hub, hub_cache: Path) -> None:
    first = find_source(REPO, PATTERNS, ("*.safetensors",))
    assert isinstance(first, HubWeights)
    assert (first.repo, first.commit) == (REPO, MAIN)
    assert [file.path for file in first.files] == ["1_Pooling/config.json", "config.json", "model.safetensors"]
    asked = len(hub.requests)
    assert asked

    assert find_source(REPO, PATTERNS, ("*.safetensors",)) == first
    assert (locate_hub(first) / "model.safetensors").read_bytes() == b"weights"
    assert len(hub.requests) == asked


def test_the_same_files_are_one_version_wherever_they_come_from(hub: Hub, tmp_path: Path) -> None:
    fetched = Spec(source=find_hub(REPO, None, PATTERNS))
    hub.push(REPO, "2" * 40, FILES | {"README.md": b"corrected"})
    later = Spec(source=find_hub(REPO, "2" * 40, PATTERNS))
    copied = Spec(source=find_local(_folder(tmp_path / "copy"), PATTERNS))
    assert fetched.version == later.version == copied.version
    hub.push(REPO, "3" * 40, FILES | {"model.safetensors": b"trained on"})
    assert Spec(source=find_source(f"{REPO}@{'3' * 40}", PATTERNS)).version != fetched.version


def test_a_version_is_found_again_after_the_cache_was_deleted(hub: Hub, hub_cache: Path) -> None:
    spec = Spec(source=find_hub(REPO, None, PATTERNS))
    hub.push(REPO, "2" * 40, {"config.json": b"another model"})
    shutil.rmtree(hub_cache)
    assert (locate_source(spec.source) / "model.safetensors").read_bytes() == b"weights"
    blob = (hub_cache / "models--makers--tiny" / "snapshots" / MAIN / "model.safetensors").resolve()
    blob.write_bytes(b"damaged")
    with pytest.raises(WeightsMissing, match=r"not the bytes.*hf download makers/tiny --revision 1111"):
        locate_source(spec.source)


def test_a_download_that_was_cut_short_is_completed_and_never_taken_for_the_whole(hub: Hub, hub_cache: Path) -> None:
    whole = find_hub(REPO, None, PATTERNS)
    snapshot = hub_cache / "models--makers--tiny" / "snapshots" / MAIN
    (snapshot / "model.safetensors").unlink()
    assert find_hub(REPO, None, PATTERNS) == whole
    assert (snapshot / "model.safetensors").exists()


def test_a_cache_made_by_hand_serves_without_network(hub_cache: Path) -> None:
    repository = hub_cache / "models--makers--tiny"
    _folder(repository / "snapshots" / MAIN)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(MAIN)
    found = find_hub(REPO, None, PATTERNS, ("*.safetensors",))
    assert found.commit == MAIN
    assert locate_hub(found) == repository / "snapshots" / MAIN
    assert find_hub(REPO, MAIN, PATTERNS) == found


@pytest.mark.usefixtures("hub_cache")
def test_without_a_network_it_is_said_what_to_do() -> None:
    with pytest.raises(WeightsMissing, match=rf"{REPO}.*HF_ENDPOINT.*hf download {REPO}`.*local path"):
        find_hub(REPO)


def test_what_the_hub_refuses_is_told_apart(hub: Hub) -> None:
    with pytest.raises(UnknownModel, match=r"makers/absent.*no such repository"):
        find_hub("makers/absent")
    with pytest.raises(UnknownModel, match=r"makers/tiny@nightly.*no such branch"):
        find_hub(REPO, "nightly")
    with pytest.raises(UnknownModel, match="name of a repository"):
        find_hub("makers/tiny/too/deep")
    with pytest.raises(WeightsMissing, match=r"no file that matches \*\.onnx"):
        find_hub(REPO, None, ("*",), ("*.onnx",))
    hub.push("makers/closed", MAIN, dict(FILES))
    hub.gated.add("makers/closed")
    with pytest.raises(WeightsMissing, match=r"terms.*Accept them at http.*/makers/closed"):
        find_hub("makers/closed")


def test_a_name_reads_without_folders_and_revision() -> None:
    assert readable_name("/models/my@home/tiny-clip.pt") == "tiny-clip.pt"
    assert readable_name("makers/tiny@main") == "tiny"


def test_a_family_of_open_names_takes_any_and_one_of_fixed_names_does_not() -> None:
    def resolve(model: str) -> Spec:
        return Spec(model=model, source=LocalWeights(path="/", files=()))

    def load(spec: Spec, runtime: object) -> object:
        raise AssertionError

    fixed = Family(spec=Spec, models=("a", "b"), resolve=resolve, load=load)  # type: ignore[arg-type]
    assert [fixed.takes(name) for name in ("", "a", "c")] == [True, True, False]
    opened = Family(spec=Spec, models=(), resolve=resolve, load=load, examples=("<name>",))  # type: ignore[arg-type]
    assert [opened.takes(name) for name in ("", "a", "c")] == [False, True, True]
