"""What a training set promises: whole groups, a name for its content, and no data that nothing can be learnt from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.synthetic import synthetic
from training.errors import BadPairs
from training.folder import TrainingFolder
from training.pairs import SPLITS, TrainingSet, open_training_set, save_training_set, split_by_group


@given(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=60), st.text(min_size=1, max_size=4))
def test_a_group_is_never_divided_and_never_moves(groups: list[str], another: str) -> None:
    split = split_by_group(groups)
    assert all(len({split[n] for n, one in enumerate(groups) if one == group}) == 1 for group in groups)
    assert split_by_group([*groups, another])[: len(groups)].tolist() == split.tolist()


def test_the_shares_are_what_was_asked_for() -> None:
    split = split_by_group([str(number) for number in range(5000)], val_share=0.1, test_share=0.2)
    shares = np.bincount(split) / 5000
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.02)


def test_what_was_saved_is_what_is_opened_and_is_not_read_into_memory(tmp_path: Path) -> None:
    pairs = synthetic(100, pictures_each=2)
    save_training_set(pairs, tmp_path / "set")
    opened = open_training_set(tmp_path / "set")
    assert opened.fingerprint() == pairs.fingerprint()
    assert isinstance(opened.features, np.memmap)
    assert opened.texts == pairs.texts
    assert opened.names == pairs.names


def test_a_set_that_was_not_finished_does_not_open(tmp_path: Path) -> None:
    save_training_set(synthetic(100), tmp_path)
    (tmp_path / "about.json").unlink()
    with pytest.raises(BadPairs, match="not a whole training set"):
        open_training_set(tmp_path)


def test_every_change_changes_the_fingerprint() -> None:
    pairs = synthetic(100)
    features = pairs.features.copy()
    features[3, 3] += 1e-3
    changed = (
        replace(pairs, features=features),
        replace(pairs, texts=("another", *pairs.texts[1:])),
        replace(pairs, tower_version="conse-another"),
        pairs.with_split(np.zeros(100, dtype=np.int8)),
    )
    assert len({one.fingerprint() for one in (pairs, *changed)}) == 5
    assert synthetic(100).fingerprint() == pairs.fingerprint()


def test_items_and_their_sentences() -> None:
    pairs = synthetic(50, sentences_each=3, pictures_each=2)
    chosen = np.array([4, 7])
    assert pairs.sentences_of(chosen).tolist() == [12, 13, 14, 21, 22, 23]
    assert sorted(np.concatenate([pairs.items(split) for split in SPLITS]).tolist()) == list(range(50))
    assert pairs.starts.tolist() == list(range(0, 100, 2))
    assert pairs.pooled_vectors()[3] == pytest.approx(_unit(pairs.vectors[6] + pairs.vectors[7]), abs=1e-6)
    assert pairs.counted()["csv_sentences"] == 150


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _broken(name: str) -> TrainingSet:
    pairs = synthetic(200)
    if name == "few":
        return synthetic(20)
    if name == "same sentence":
        return replace(pairs, texts=("a picture",) * len(pairs.texts))
    if name == "one class":
        return replace(pairs, texts=tuple(f"Class {number % 3}" for number in range(len(pairs.texts))))
    if name == "not a number":
        features = pairs.features.copy()
        features[7, 2] = np.nan
        return replace(pairs, features=features)
    if name == "infinite":
        vectors = pairs.vectors.copy()
        vectors[0] = np.inf
        return replace(pairs, vectors=vectors)
    if name == "same picture":
        return replace(pairs, features=np.ones_like(pairs.features))
    return pairs.with_split(np.zeros(len(pairs), dtype=np.int8))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("few", "pairs to train on, and a head needs at least 64"),
        ("same sentence", "only 1 different ones"),
        ("one class", "only 3 different ones: nothing tells pictures apart"),
        ("not a number", "1 of 200 rows of features hold values that are not numbers; the first is row 7"),
        ("infinite", "rows of vectors hold values that are not numbers; the first is row 0"),
        ("same picture", "the features of all pictures are the same"),
        ("no validation", "the split 'val' is empty"),
    ],
)
def test_what_nothing_can_be_learnt_from_is_refused(name: str, said: str) -> None:
    with pytest.raises(BadPairs, match=said):
        _broken(name).check()


def test_new_pairs_take_the_place_of_the_old_ones_only_when_they_are_whole(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)
    first = folder.gather("own", lambda out: synthetic(200))

    def interrupted(out: Path) -> TrainingSet:
        (out / "features.npy").write_bytes(b"half of it")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.gather("own", interrupted)
    with pytest.raises(BadPairs, match="at least 64"):
        folder.gather("own", lambda out: synthetic(20))
    assert folder.open("own").fingerprint() == first.fingerprint()
    assert len(folder.gather("own", lambda out: synthetic(300))) == 300
    assert [path.name for path in (tmp_path / "sets").iterdir()] == ["own"]
    with pytest.raises(BadPairs, match="no pairs were gathered yet"):
        folder.open("another")
