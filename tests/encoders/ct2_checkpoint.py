"""An openai-whisper checkpoint of the packaged tiny.en: the same weights under the names that `whisper` gives them.

The container of CTranslate2 (`model.bin`) holds, little-endian: a u32 version, the name of the spec, a u32 revision,
and a u32 count of variables. Of each variable: its name, a u8 rank, u32 dimensions, a u8 type, the u32 length of its
data, and the data. A string is a u16 length, that many bytes, the last of which is NUL.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

_TYPES = ("<f4", "i1", "<i2", "<i4", "<f2")
_TOP = {
    "encoder/conv1": "encoder.conv1",
    "encoder/conv2": "encoder.conv2",
    "encoder/layer_norm": "encoder.ln_post",
    "encoder/position_encodings": "encoder.positional_embedding",
    "decoder/embeddings": "decoder.token_embedding",
    "decoder/layer_norm": "decoder.ln",
    "decoder/position_encodings": "decoder.positional_embedding",
}
_IN_LAYER = {
    "self_attention/layer_norm": "attn_ln",
    "self_attention/linear_1": "attn.out",
    "attention/layer_norm": "cross_attn_ln",
    "attention/linear_0": "cross_attn.query",
    "attention/linear_2": "cross_attn.out",
    "ffn/layer_norm": "mlp_ln",
    "ffn/linear_0": "mlp.0",
    "ffn/linear_1": "mlp.2",
}
_STACKED = {
    "self_attention/linear_0": ("attn.query", "attn.key", "attn.value"),
    "attention/linear_1": ("cross_attn.key", "cross_attn.value"),
}
_LEAF = {"beta": "bias", "gamma": "weight", "encodings": ""}


def write_checkpoint(model_bin: Path, checkpoint: Path) -> None:
    """Write the `.pt` that `whisper.load_model` reads: half precision, as the published ones are."""
    import torch

    variables = _read(model_bin)
    state: dict[str, torch.Tensor] = {}
    for name, values in variables.items():
        state |= {key: torch.from_numpy(part.copy()) for key, part in _renamed(name, values)}
    torch.save({"dims": _dimensions(variables), "model_state_dict": state}, checkpoint)


def _dimensions(variables: dict[str, NDArray[Any]]) -> dict[str, int]:
    width, mels, _ = variables["encoder/conv1/weight"].shape
    return {
        "n_mels": mels,
        "n_audio_ctx": len(variables["encoder/position_encodings/encodings"]),
        "n_audio_state": width,
        "n_audio_head": int(variables["encoder/num_heads"]),
        "n_audio_layer": _layers(variables, "encoder"),
        "n_vocab": len(variables["decoder/embeddings/weight"]),
        "n_text_ctx": len(variables["decoder/position_encodings/encodings"]),
        "n_text_state": width,
        "n_text_head": int(variables["decoder/num_heads"]),
        "n_text_layer": _layers(variables, "decoder"),
    }


def _layers(variables: dict[str, NDArray[Any]], side: str) -> int:
    return len({name.split("/")[1] for name in variables if name.startswith(f"{side}/layer_") and "norm" not in name})


def _renamed(name: str, values: NDArray[Any]) -> list[tuple[str, NDArray[Any]]]:
    owner, leaf = name.rsplit("/", 1)
    leaf = _LEAF.get(leaf, leaf)
    if owner in _TOP:
        return [(f"{_TOP[owner]}.{leaf}".rstrip("."), values)]
    side, _, rest = owner.partition("/layer_")
    number, _, part = rest.partition("/")
    if part in _IN_LAYER:
        return [(f"{side}.blocks.{number}.{_IN_LAYER[part]}.{leaf}", values)]
    if part not in _STACKED:
        return []
    pieces = np.split(values, len(_STACKED[part]))
    # Keys have no bias in Whisper: CTranslate2 stacks zeros in their place.
    return [
        (f"{side}.blocks.{number}.{whole}.{leaf}", piece)
        for whole, piece in zip(_STACKED[part], pieces, strict=True)
        if not (leaf == "bias" and whole.endswith(".key"))
    ]


def _read(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as stream:
        _number(stream, "I"), _string(stream), _number(stream, "I")
        return dict(_variable(stream) for _ in range(_number(stream, "I")))


def _variable(stream: BinaryIO) -> tuple[str, NDArray[Any]]:
    name = _string(stream)
    shape = tuple(_number(stream, "I") for _ in range(_number(stream, "B")))
    kind = _TYPES[_number(stream, "B")]
    return name, np.frombuffer(stream.read(_number(stream, "I")), dtype=kind).reshape(shape)


def _string(stream: BinaryIO) -> str:
    return stream.read(_number(stream, "H"))[:-1].decode()


def _number(stream: BinaryIO, kind: str) -> int:
    (value,) = struct.unpack(f"<{kind}", stream.read(struct.calcsize(f"<{kind}")))
    return int(value)
