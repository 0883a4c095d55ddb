"""What the installed open_clip knows by name, read from its files: importing it would import torch."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from encoders.errors import UnknownModel, WeightsMissing

_NAMES_SHOWN = 6


def architecture(name: str) -> dict[str, Any]:
    """The configuration of a named architecture: `embed_dim`, `vision_cfg`, `text_cfg`, …

    Raises:
        UnknownModel: open_clip has none of this name; the nearest are listed.
        WeightsMissing: open_clip is not installed.
    """
    known = _architectures()
    if name not in known:
        raise UnknownModel("open_clip has no such architecture.", where=name, remedy=nearest(name, known))
    found: dict[str, Any] = json.loads(known[name].read_text(encoding="utf-8"))
    return found


def pretrained(name: str, tag: str) -> dict[str, Any]:
    """Where the weights of a tag are published (`hf_hub`, `url`) and how their pictures are prepared (`mean`, …).

    Raises:
        UnknownModel: The architecture has no weights of this tag; those it has are listed.
        WeightsMissing: open_clip is not installed.
    """
    tags = _published().get(name, {})
    found = tags.get(tag.lower().replace("-", "_"))
    if found is None:
        raise UnknownModel("open_clip knows no such pretrained weights.", where=f"{name}/{tag}", remedy=tags_of(name))
    return found


def tags_of(name: str) -> str:
    """A sentence that names the pretrained weights of an architecture, or says that there are none."""
    tags = _published().get(name, {})
    if not tags:
        return f"No weights are published for it: name a checkpoint, {name}@<path>."
    return f"There are: {', '.join(f'{name}/{tag}' for tag in tags)}."


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence with the known names that look most like one that is not known."""
    by_lower_case = {candidate.lower(): candidate for candidate in known}
    alike = difflib.get_close_matches(name.lower(), by_lower_case, n=_NAMES_SHOWN, cutoff=0.4)
    return f"Did you mean: {', '.join(by_lower_case[found] for found in alike)}?" if alike else "Correct the name."


@lru_cache(maxsize=1)
def _architectures() -> dict[str, Path]:
    return {path.stem: path for path in sorted((_package() / "model_configs").glob("*.json"))}


@lru_cache(maxsize=1)
def _published() -> dict[str, dict[str, dict[str, Any]]]:
    """open_clip's table of published weights: by architecture, then by tag."""
    names: dict[str, Any] = {}
    _run_tables(_package() / "constants.py", names)
    exec("import copy", names)
    _run_tables(_package() / "pretrained.py", names)
    table: dict[str, dict[str, dict[str, Any]]] = names["_PRETRAINED"]
    return table


def _run_tables(module: Path, names: dict[str, Any]) -> None:
    # The module's own statements, without its imports and without the functions that download.
    tree = ast.parse(module.read_text(encoding="utf-8"))
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.For | ast.Expr)
        or (isinstance(node, ast.FunctionDef) and node.name.startswith("_") and node.name.endswith("cfg"))
    ]
    exec(compile(tree, module, "exec"), names)


def _package() -> Path:
    found = find_spec("open_clip")
    if found is None or not found.submodule_search_locations:
        raise WeightsMissing(
            "the package is not installed.", where="open_clip", remedy="Install it with `pip install open-clip-torch`."
        )
    return Path(found.submodule_search_locations[0])
