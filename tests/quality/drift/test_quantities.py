from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quality.drift.quantities import LEVEL, METHODS, MIXES, MOST_KINDS, NUMBERS, OTHER, compare, few_kinds

TRIALS = 40
SHARES = np.array([0.6, 0.2, 0.1, 0.05, 0.03, 0.02])


def _videos(count: int, random: np.random.Generator, **other: object) -> pd.DataFrame:
    columns = {
        "similarity_to_centre": random.normal(0.6, 0.1, count),
        "duration_s": random.exponential(30, count),
        "speech_share": random.uniform(0, 1, count) * (random.random(count) < 0.4),
        "language": "en",
        "top_label": random.choice(list("abcdef"), count, p=SHARES),
    }
    return pd.DataFrame(columns | other)


def test_the_same_population_seldom_alarms() -> None:
    random = np.random.default_rng(0)
    p_values = [[one.p_value for one in compare(_videos(32, random), _videos(16, random))] for _ in range(TRIALS)]
    alarms = (np.array(p_values) < LEVEL / len(METHODS)).any(axis=1)
    assert alarms.sum() <= 2, "at most 1 in 100 looks, and 2 of these 40 once in twenty"
    # Were the tests wrong as Evidently's chi-square is, a third of the labels would be under 0.05.
    assert (np.array(p_values)[:, list(METHODS).index("top_label")] < 0.05).mean() <= 0.15


@pytest.mark.parametrize(
    ("quantity", "values"),
    [
        ("duration_s", 400.0),
        ("similarity_to_centre", 0.1),
        ("speech_share", 0.99),
        ("language", "de"),
        ("top_label", "never seen"),
    ],
)
def test_the_quantity_that_changed_is_the_one_that_is_told(quantity: str, values: object) -> None:
    random = np.random.default_rng(1)
    found = compare(_videos(40, random), _videos(20, random, **{quantity: values}))
    assert [one.quantity for one in found if one.has_drifted] == [quantity]
    told = next(one for one in found if one.quantity == quantity)
    assert str(values) in told.current.replace("median ", "").replace("100%", "") or quantity in NUMBERS
    assert told.reference != told.current


def test_a_mix_of_one_kind_is_the_same() -> None:
    random = np.random.default_rng(2)
    found = {one.quantity: one for one in compare(_videos(40, random), _videos(20, random))}
    assert found["language"].p_value == 1
    assert found["language"].current == "en 100%"


def test_rare_kinds_are_folded_into_one() -> None:
    random = np.random.default_rng(3)
    many = [f"kind {number}" for number in range(40)]
    frames = few_kinds(_videos(40, random, top_label=many), _videos(5, random, top_label=many[:5]))
    for frame in frames:
        assert len(set(frame["top_label"]) - {OTHER}) <= MOST_KINDS
        assert set(MIXES) <= set(frame)
