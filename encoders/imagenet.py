"""The 1,000 ImageNet classes by name, in the order of the classifiers trained on them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_CLASSES = Path(__file__).with_name("imagenet_classes.txt")


@lru_cache(maxsize=1)
def class_names() -> tuple[str, ...]:
    """The names: ILSVRC 2012 class `i` is `class_names()[i]`."""
    return tuple(_CLASSES.read_text(encoding="utf-8").splitlines())
