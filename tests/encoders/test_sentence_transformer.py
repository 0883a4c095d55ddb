"""A model folder of sentence-transformers says here what it says in its own library, and is named by what it holds."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders import canary
from encoders.errors import CanaryMismatch, EncodeFailed, UnknownModel, WeightsMissing
from encoders.family import Runtime
from encoders.minilm import MiniLM, MiniLMSpec
from encoders.protocols import TextEncoder
from encoders.sentence_transformer import (
    FAMILY,
    SentenceTransformerEncoder,
    SentenceTransformerSpec,
    load_sentence_transformer,
    resolve_sentence_transformer,
)
from encoders.weights import locate_weights
from tests.encoders.hub_server import MAIN, Hub

TEXTS = [
    "a big cat in the wild",
    "Naïve café — 北京! 🎬",
    "x",
    "word salad " * 400,
    "UPPER lower MiXeD",
]


@pytest.fixture(scope="module")
def packaged(minilm_spec: MiniLMSpec) -> Path:
    """The folder of all-MiniLM-L6-v2, in the form that the library had years ago."""
    return locate_weights(minilm_spec.weights)["config.json"].parent


@pytest.fixture(scope="module")
def spec(packaged: Path) -> SentenceTransformerSpec:
    return resolve_sentence_transformer(f"@{packaged}")


@pytest.fixture(scope="module")
def encoder(spec: SentenceTransformerSpec) -> SentenceTransformerEncoder:
    return load_sentence_transformer(spec, Runtime(text_batch=2))


@pytest.fixture
def changed(packaged: Path, tmp_path: Path) -> Callable[[str, Any], str]:
    """A copy of the folder with one file written anew, as a reference."""

    def copy(path: str, content: Any) -> str:
        folder = tmp_path / "copy"
        if not folder.exists():
            shutil.copytree(packaged, folder)
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content if isinstance(content, str) else json.dumps(content))
        return f"@{folder}"

    return copy


def test_its_vectors_are_those_of_the_same_weights_without_the_library(
    encoder: SentenceTransformerEncoder, minilm: MiniLM
) -> None:
    checked: TextEncoder = encoder
    before = encoder.forward_passes.texts
    for theirs, ours in (
        (checked.embed_documents(TEXTS), minilm.embed_documents(TEXTS)),
        (checked.embed_queries(TEXTS), minilm.embed_queries(TEXTS)),
    ):
        assert theirs.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(theirs, axis=1), 1.0, atol=1e-5)
        assert (theirs * ours).sum(axis=1).min() > 0.9999
    assert encoder.forward_passes.texts - before == 2 * len(TEXTS)


def test_what_decides_the_vectors_is_read_from_the_files(spec: SentenceTransformerSpec) -> None:
    assert spec.modules == ("Transformer", "Pooling", "Normalize")
    assert (spec.max_tokens, spec.pooling, spec.dim) == (256, ("mean",), 384)
    assert (spec.query_prompt, spec.document_prompt) == ("", "")
    assert {"modules.json", "model.safetensors", "1_Pooling/config.json"} <= {file.path for file in spec.weights.files}
    assert spec.version.startswith("sentence-transformers-bert-384-")
    assert SentenceTransformerSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_copied_folder_is_the_same_version_and_a_changed_one_another(
    spec: SentenceTransformerSpec, changed: Callable[[str, Any], str]
) -> None:
    assert resolve_sentence_transformer(changed("README.md", "read me")).version == spec.version
    shorter = resolve_sentence_transformer(changed("sentence_bert_config.json", {"max_seq_length": 8}))
    assert shorter.max_tokens == 8
    assert shorter.version != spec.version


def test_prompts_limits_and_cut_dimensions_of_the_folder_are_followed(
    encoder: SentenceTransformerEncoder, changed: Callable[[str, Any], str]
) -> None:
    changed("sentence_bert_config.json", {"max_seq_length": 8})
    reference = changed(
        "config_sentence_transformers.json",
        {"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": "query", "truncate_dim": 64},
    )
    spec = resolve_sentence_transformer(reference)
    assert (spec.query_prompt, spec.document_prompt, spec.max_tokens, spec.dim) == ("query: ", "passage: ", 8, 64)
    prompted = load_sentence_transformer(spec, Runtime())

    def cut(texts: list[str]) -> Any:
        whole = encoder.embed_documents(texts)[:, :64]
        return whole / np.linalg.norm(whole, axis=1, keepdims=True)

    np.testing.assert_allclose(prompted.embed_queries(["a lion"]), cut(["query: a lion"]), atol=1e-5)
    np.testing.assert_allclose(prompted.embed_documents(["a lion"]), cut(["passage: a lion"]), atol=1e-5)
    same = prompted.embed_documents(["one two three four and so on", "one two three four but not so"])
    np.testing.assert_allclose(same[0], same[1], atol=1e-5)


def test_no_texts_give_no_vectors(encoder: SentenceTransformerEncoder) -> None:
    assert encoder.embed_queries([]).shape == (0, 384)


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_an_empty_text_has_no_vector_and_is_named(encoder: SentenceTransformerEncoder, blank: str) -> None:
    with pytest.raises(EncodeFailed, match="text 1"):
        encoder.embed_documents(["something", blank])


def test_its_canary_comes_back_and_another_limit_is_noticed(
    encoder: SentenceTransformerEncoder, spec: SentenceTransformerSpec
) -> None:
    stored = canary.Canary.from_dict(json.loads(json.dumps(canary.compute(encoder).to_dict())))
    assert set(stored.parts) == {"queries", "documents"}
    canary.verify(stored, canary.compute(encoder))

    limit = encoder._network.max_seq_length
    try:
        encoder._network.max_seq_length = 6
        with pytest.raises(CanaryMismatch, match="cosine"):
            canary.verify(stored, canary.compute(encoder))
    finally:
        encoder._network.max_seq_length = limit


def test_a_folder_that_brings_code_of_its_own_is_refused(changed: Callable[[str, Any], str]) -> None:
    modules = [
        {"type": "custom_code.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
    ]
    with pytest.raises(UnknownModel, match=r"custom_code\.Transformer"):
        resolve_sentence_transformer(changed("modules.json", modules))


@pytest.mark.parametrize(
    ("path", "content", "named"),
    [
        ("modules.json", "{", r"modules\.json"),
        ("1_Pooling/config.json", {}, "word_embedding_dimension"),
        ("config.json", {"hidden_size": 384}, "model_type"),
    ],
)
def test_a_damaged_folder_is_refused_by_what_is_wrong_with_it(
    changed: Callable[[str, Any], str], path: str, content: Any, named: str
) -> None:
    with pytest.raises(WeightsMissing, match=named):
        resolve_sentence_transformer(changed(path, content))


def test_files_that_do_not_go_together_are_refused_when_loaded(changed: Callable[[str, Any], str]) -> None:
    spec = resolve_sentence_transformer(changed("model.safetensors", "no weights"))
    with pytest.raises(WeightsMissing, match="cannot load this model"):
        load_sentence_transformer(spec, Runtime())


def test_an_adapter_is_no_model(changed: Callable[[str, Any], str]) -> None:
    with pytest.raises(UnknownModel, match="adapter"):
        resolve_sentence_transformer(changed("adapter_config.json", {"base_model_name_or_path": "some/where"}))


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "a/b/c", "a b/c", ""])
def test_what_is_no_name_is_refused_with_the_forms_of_names(name: str) -> None:
    with pytest.raises(UnknownModel, match=r"<organisation>/<name>.*@<folder>"):
        resolve_sentence_transformer(name)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="nowhere"):
        resolve_sentence_transformer(f"@{tmp_path}/nowhere")


def test_a_library_that_is_missing_is_named_with_how_to_install_it(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(WeightsMissing, match=r"sentence_transformers.*pip install 'reelindex\[families\]'"):
        FAMILY.resolve(f"@{packaged}")


def test_a_folder_saved_today_with_more_modules_is_read_as_the_library_reads_it(packaged: Path, tmp_path: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules

    network = SentenceTransformer(str(packaged), device="cpu")
    chain = [network[0], modules.Pooling(384, ("cls", "mean")), modules.Dense(768, 24)]
    made = SentenceTransformer(modules=chain, device="cpu", prompts={"document": "title: "})
    made.max_seq_length = 16
    made.save(str(tmp_path / "saved"))

    spec = resolve_sentence_transformer(f"@{tmp_path}/saved")

    assert spec.modules == ("Transformer", "Pooling", "Dense")
    assert (spec.pooling, spec.dim, spec.max_tokens) == (("cls", "mean"), 24, 16)
    assert (spec.query_prompt, spec.document_prompt) == ("", "title: ")
    assert "2_Dense/model.safetensors" in {file.path for file in spec.weights.files}
    theirs = torch.nn.functional.normalize(made.encode_document(TEXTS, convert_to_tensor=True)).cpu().numpy()
    ours = load_sentence_transformer(spec, Runtime(text_batch=2)).embed_documents(TEXTS)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_hub_s_model_is_the_same_version_as_a_folder_of_the_same_files(
    packaged: Path, spec: SentenceTransformerSpec, hub: Hub
) -> None:
    files = {path.relative_to(packaged).as_posix(): path for path in packaged.rglob("*") if path.is_file()}
    hub.push("makers/sentences", MAIN, {name: path.read_bytes() for name, path in files.items()})
    fetched = resolve_sentence_transformer(f"makers/sentences@{MAIN}")
    assert fetched.version == spec.version
    assert fetched.weights != spec.weights
