"""The sentence encoder says what the library it was published with says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoders.errors import EncodeFailed
from encoders.minilm import MiniLM, MiniLMSpec
from encoders.weights import locate_weights

TEXTS = [
    "a big cat in the wild",
    "Naïve café — 北京! 🎬",
    "x",
    "In the beginning " * 30,
    "word salad " * 400,
    "UPPER lower MiXeD",
    "people riding bicycles in the street",
]

SHORT = [text for text in TEXTS if len(text) < 100]


def test_its_vectors_are_those_of_sentence_transformers(minilm: MiniLM, minilm_spec: MiniLMSpec) -> None:
    from sentence_transformers import SentenceTransformer

    folder = locate_weights(minilm_spec.weights)["config.json"].parent
    theirs = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, normalize_embeddings=True)

    cosines = (theirs * minilm.embed_documents(TEXTS)).sum(axis=1)

    assert cosines.min() > 0.99999


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(words.filter(str.strip), min_size=1, max_size=12))
def test_a_text_has_one_vector_wherever_it_stands_and_whatever_stands_beside_it(
    minilm: MiniLM, texts: list[str]
) -> None:
    together = minilm.embed_documents(texts)
    alone = np.concatenate([minilm.embed_documents([text]) for text in texts])

    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_the_same_call_gives_the_same_bits(minilm: MiniLM) -> None:
    assert minilm.embed_documents(SHORT).tobytes() == minilm.embed_documents(SHORT).tobytes()


def test_order_survives_batches(minilm_spec: MiniLMSpec, minilm: MiniLM) -> None:
    small = MiniLM(minilm_spec, batch=2)
    np.testing.assert_allclose(small.embed_documents(SHORT), minilm.embed_documents(SHORT), atol=2e-6)
    assert small.forward_passes.texts == len(SHORT)


def test_no_texts_give_no_vectors(minilm: MiniLM) -> None:
    assert minilm.embed_queries([]).shape == (0, 384)


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_an_empty_text_has_no_vector_and_is_named(minilm: MiniLM, blank: str) -> None:
    with pytest.raises(EncodeFailed, match="text 1"):
        minilm.embed_documents(["something", blank])


def test_a_prompt_is_part_of_what_is_embedded(minilm_spec: MiniLMSpec, minilm: MiniLM) -> None:
    prompted = MiniLM(minilm_spec.model_copy(update={"query_prompt": "a photo of "}))
    expected = minilm.embed_documents(["a photo of a lion"])
    np.testing.assert_allclose(prompted.embed_queries(["a lion"]), expected, atol=2e-6)
