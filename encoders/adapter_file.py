"""Files of trained heads: safetensors with a header that says what they stand on, shipped or of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from encoders.errors import UnknownModel, WeightsMissing
from encoders.family import Frozen
from encoders.local_weights import FoundWeights, LocalWeights, find_local, locate_local, verify_files
from encoders.weights import WeightFile, digest_of

if TYPE_CHECKING:
    import torch

SUFFIX = ".safetensors"
_SHIPPED = Path(__file__).with_name("adapters")
_HEADER_KEY = "reelindex"
_HEADER_BYTES_MAX = 2**24
_STEP = ".step"
_LEVELS = 127
_SMALLEST_STEP = 1e-12


class AdapterHeader(Frozen):
    """What a file of a head says about it.

    Attributes:
        format: Of the tensors' names and their meaning.
        name: What people call it; part of the version's readable half.
        tower: The reference that its tower is resolved by.
        tower_version: The tower's version when it was trained.
        pooling: How the vectors of a segment's keyframes become one.
        dim: Of its vectors.
        words: Those that have a row in `words.weight`, from row 1 on; none where the head has no words of its own.
    """

    format: Literal[1] = 1
    name: str
    tower: str
    tower_version: str
    pooling: Literal["mean-of-keyframes", "attention-over-keyframes"]
    dim: int
    words: tuple[str, ...] = ()


class ShippedWeights(FoundWeights):
    """A head that comes with reelindex; `name` is its file's, without the suffix."""

    name: str


HeadWeights: TypeAlias = LocalWeights | ShippedWeights


def shipped_heads() -> tuple[str, ...]:
    """The names of the heads that come with reelindex."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob(f"*{SUFFIX}")))


def find_head(name: str) -> HeadWeights:
    """The file of a shipped head by its name, or of one's own by its path.

    Raises:
        UnknownModel: Neither a shipped head nor a path.
        WeightsMissing: There is no file at the path.
    """
    if name in shipped_heads():
        file = f"{name}{SUFFIX}"
        return ShippedWeights(name=name, files=(WeightFile(path=file, sha256=digest_of(_SHIPPED / file)),))
    if not name.endswith(SUFFIX):
        raise UnknownModel(
            "this is neither a head that comes with reelindex nor a file of one.",
            where=name,
            remedy=f"There are: {', '.join(shipped_heads())}; or name a {SUFFIX} file that `reelindex train` wrote.",
        )
    return find_local(name)


def locate_head(weights: HeadWeights) -> Path:
    """The file on this disk, its bytes compared.

    Raises:
        WeightsMissing: It is gone, or holds other bytes.
    """
    if isinstance(weights, LocalWeights):
        return locate_local(weights)
    verify_files(_SHIPPED, weights.files, remedy="Install the version of reelindex that the model was made with.")
    return _SHIPPED / weights.files[0].path


def read_header(path: Path) -> AdapterHeader:
    """What the file says about its head.

    Raises:
        WeightsMissing: It is no file of a head.
    """
    try:
        return AdapterHeader.model_validate_json(_metadata(path)[_HEADER_KEY])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsMissing(
            f"this is not a trained head ({type(error).__name__}).",
            where=str(path),
            remedy="Name a file that `reelindex train` wrote, or train again with this version of reelindex.",
        ) from error


def _metadata(path: Path) -> dict[str, str]:
    """A safetensors file's own words: eight bytes of length, then JSON. Without the library, which brings others."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > _HEADER_BYTES_MAX:
            raise ValueError(length)
        words: dict[str, str] = json.loads(stream.read(length))["__metadata__"]
    return words


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a head as float32, however they are stored."""
    from safetensors.torch import load_file

    stored = load_file(path)
    return {
        name: tensor.float() * stored[f"{name}{_STEP}"].float() if f"{name}{_STEP}" in stored else tensor.float()
        for name, tensor in stored.items()
        if not name.endswith(_STEP)
    }


def write_head(path: Path, header: AdapterHeader, tensors: dict[str, torch.Tensor]) -> None:
    """Write a head: matrices in 8 bits with a step size for each row, the rest in 32.

    The same header and tensors always give the same bytes.
    """
    from safetensors.torch import save_file

    stored: dict[str, torch.Tensor] = {}
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().float()
        if tensor.ndim == 2:
            # A row of zeros, such as that of no word, has no step of its own.
            step = (tensor.abs().amax(1, keepdim=True) / _LEVELS).clamp(min=_SMALLEST_STEP)
            stored[f"{name}{_STEP}"] = step
            tensor = (tensor / step).round().char()
        stored[name] = tensor.contiguous()
    save_file(stored, path, metadata={_HEADER_KEY: header.model_dump_json()})
