"""Queries as people type them: with slips of the finger, shouted, shortened, turned around, put politely."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

_SMALL = "a an the is are was were in on at of to and with by for from his her its their"
_STOP_WORDS = frozenset(_SMALL.split())


def misspelt(text: str, random: np.random.Generator, slips: int) -> str:
    """A text with letters of its longer words swapped, dropped or doubled."""
    words = text.split()
    long = [number for number, word in enumerate(words) if len(word) > 3]
    for number in random.permutation(long)[:slips] if long else []:
        word = words[number]
        at = int(random.integers(1, len(word) - 1))
        kind = int(random.integers(3))
        swapped = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
        words[number] = (swapped, word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:])[kind]
    return " ".join(words)


def key_words(text: str) -> str:
    """A text without its small words; the text itself where it has no others."""
    return " ".join(word for word in text.split() if word.casefold() not in _STOP_WORDS) or text


def _first_half(text: str) -> str:
    words = text.split()
    return " ".join(words[: max(1, len(words) // 2)])


def _other_order(text: str, random: np.random.Generator) -> str:
    """The key words in another order: what a person types who thinks of the thing last."""
    words = key_words(text).split()
    return " ".join(words[place] for place in random.permutation(len(words)))


QUERY_DISTURBANCES: Mapping[str, Callable[[str, np.random.Generator], str]] = {
    "one slip of the finger": lambda text, random: misspelt(text, random, 1),
    "three slips": lambda text, random: misspelt(text, random, 3),
    "capitals": lambda text, _: text.upper(),
    "key words alone": lambda text, _: key_words(text),
    "first half": lambda text, _: _first_half(text),
    "other order": _other_order,
    "asked politely": lambda text, _: f"can you find me the part that shows {text}?",
}
"""What happens to queries, by name. The last three say the same in other words; no model is asked for paraphrases."""
