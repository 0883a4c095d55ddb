"""Heads on frozen towers: what a file says, what a loaded head does, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders import adapter_file
from encoders.adapter import FAMILY, Adapter, AdapterSpec, Head, resolve_adapter
from encoders.adapter_file import AdapterHeader, read_header, read_tensors, write_head
from encoders.conse import Conse, ConseSpec
from encoders.errors import UnknownModel, WeightsMissing
from encoders.family import Runtime
from encoders.pictures import attend_by_segment, mean_by_segment, unit
from encoders.protocols import Seen
from encoders.registry import load, resolve
from encoders.spec import parse_spec, spec_json
from encoders.vocabulary import Vocabulary, words_in

DIM, FEATURES = 384, 1280


def _tensors(*, attention: bool = False, words: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    tensors = {
        "picture.0.weight": torch.randn(8, FEATURES) / 40,
        "picture.0.bias": torch.zeros(8),
        "picture.1.weight": torch.randn(DIM, 8) / 40,
        "picture.1.bias": torch.zeros(DIM),
        "base.gain": torch.tensor(1.0),
        "sentence.weight": torch.eye(DIM),
        "sentence.bias": torch.zeros(DIM),
    }
    if attention:
        tensors["attention.weight"] = torch.randn(FEATURES)
    if words:
        tensors["words.weight"] = torch.cat([torch.zeros(1, DIM), torch.randn(words, DIM)])
    return tensors


def _header(conse_spec: ConseSpec, **changed: object) -> AdapterHeader:
    known = {
        "name": "small",
        "tower": "conse",
        "tower_version": conse_spec.version,
        "pooling": "mean-of-keyframes",
        "dim": DIM,
    }
    return AdapterHeader.model_validate(known | changed)


@pytest.fixture
def file(tmp_path: Path, conse_spec: ConseSpec) -> Path:
    path = tmp_path / "small.safetensors"
    write_head(path, _header(conse_spec), _tensors())
    return path


def test_a_head_of_ones_own_is_a_model_like_any_other(file: Path, conse: Conse, jpegs: list[bytes]) -> None:
    spec = resolve("visual", f"adapter:{file}")
    assert isinstance(spec, AdapterSpec)
    assert spec.version.startswith("adapter-small-")
    assert parse_spec(spec_json(spec)) == spec

    model = load(spec)
    assert isinstance(model, Adapter)
    vectors = model.embed_segments([jpegs[:2], jpegs[2:3]])
    assert vectors.shape == (2, DIM)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    # A map that is the identity places sentences where the tower does.
    assert np.allclose(model.embed_queries(["a cat"]), conse.embed_queries(["a cat"]), atol=1e-2)
    assert model.forward_passes.texts >= 1


def test_the_same_bytes_elsewhere_are_the_same_version_and_others_are_not(
    file: Path, tmp_path: Path, conse_spec: ConseSpec
) -> None:
    version = resolve_adapter(str(file)).version
    elsewhere = tmp_path / "elsewhere.safetensors"
    shutil.copy(file, elsewhere)
    assert resolve_adapter(str(elsewhere)).version == version
    again = tmp_path / "again.safetensors"
    write_head(again, _header(conse_spec), _tensors())
    assert again.read_bytes() == file.read_bytes()
    changed = _tensors()
    changed["base.gain"] = torch.tensor(0.5)
    write_head(again, _header(conse_spec), changed)
    assert resolve_adapter(str(again)).version != version


def test_eight_bits_keep_every_row_to_half_a_step(tmp_path: Path, conse_spec: ConseSpec) -> None:
    tensors = _tensors(words=3)
    path = tmp_path / "head.safetensors"
    write_head(path, _header(conse_spec, words=("a", "b", "c")), tensors)
    read = read_tensors(path)
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        step = tensor.abs().amax(-1, keepdim=True) / 127 if tensor.ndim == 2 else torch.zeros(())
        assert ((read[name] - tensor).abs() <= step / 2 + 1e-7).all(), name
    assert (read["words.weight"][0] == 0).all()


def test_known_words_move_a_sentence_and_others_do_not() -> None:
    head = Head(_tensors(words=2), ["dog", "snow"])
    plain = unit(np.random.default_rng(0).normal(size=(1, DIM)).astype(np.float32))
    unknown = head.place_sentences(plain, ["an umbrella"])
    assert np.allclose(unknown, plain, atol=1e-6)
    known = head.place_sentences(plain, ["A DOG, a dog in the Snow!"])
    assert float((known @ plain.T).item()) < 0.9
    assert np.allclose(known, head.place_sentences(plain, ["snow dog"]), atol=1e-6)


def test_words_are_letters_and_digits_of_any_script_without_case() -> None:
    assert words_in("Straße, ÉTÉ & 北京 2 dogs' tails") == ["strasse", "été", "北京", "2", "dogs", "tails"]
    rows = Vocabulary(["dog", "cat"]).rows_of(["cat dog cat", "none", ""])
    assert rows.tolist() == [[2, 1], [0, 0], [0, 0]]


def test_attention_weighs_keyframes_within_their_segment() -> None:
    rows = np.eye(4, dtype=np.float32)
    flat = attend_by_segment(rows, np.zeros(4, dtype=np.float32), [1, 3])
    assert np.allclose(flat, mean_by_segment(rows, [1, 3]))
    sharp = attend_by_segment(rows, np.array([0, 0, 500, -500], dtype=np.float32), [1, 3])
    assert np.allclose(sharp, [rows[0], rows[2]])
    assert attend_by_segment(rows[:0], rows[:0, 0], []).shape == (0, 4)
    seen = Seen(np.ones((2, FEATURES), dtype=np.float32), np.ones((2, DIM), dtype=np.float32))
    assert Head(_tensors(attention=True)).attention(seen).shape == (2,)


def test_a_tower_of_another_version_is_refused(tmp_path: Path, conse_spec: ConseSpec) -> None:
    path = tmp_path / "head.safetensors"
    write_head(path, _header(conse_spec, tower_version="conse-efficientnet-lite2-000000000000"), _tensors())
    with pytest.raises(WeightsMissing, match=r"trained on conse-efficientnet-lite2-000000000000.*what is installed"):
        resolve_adapter(str(path))


def test_a_tower_that_cannot_carry_a_head_is_refused(tmp_path: Path, conse_spec: ConseSpec) -> None:
    path = tmp_path / "head.safetensors"
    write_head(path, _header(conse_spec, tower="minilm"), _tensors())
    with pytest.raises(UnknownModel, match="cannot be trained on this model"):
        resolve_adapter(str(path))


def test_what_is_no_head_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"neither a head that comes with reelindex nor a file"):
        resolve("visual", "adapter:nonsense")
    with pytest.raises(WeightsMissing, match=r"gone\.safetensors"):
        resolve("visual", f"adapter:{tmp_path}/gone.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not a head")
    with pytest.raises(WeightsMissing, match=r"broken\.safetensors: this is not a trained head"):
        resolve("visual", f"adapter:{broken}")


def test_a_file_that_changed_after_it_was_named_is_refused(file: Path) -> None:
    spec = resolve_adapter(str(file))
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(WeightsMissing, match="not the bytes that the model was made from"):
        Adapter(spec, Runtime())


@pytest.mark.parametrize("name", adapter_file.shipped_heads())
def test_a_shipped_head_is_small_and_has_a_card(name: str, embedded: None) -> None:
    path = adapter_file.locate_head(adapter_file.find_head(name))
    assert path.stat().st_size < 6_000_000
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    for said in ("## Data", "## Licence", "## Numbers", "## Limits"):
        assert said in card
    assert read_header(path).name == name
    assert FAMILY.models == adapter_file.shipped_heads()
