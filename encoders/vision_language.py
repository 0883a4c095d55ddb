"""Captions in sentences, from a vision-language model that the library transformers can load.

Source: Li et al. 2022, "BLIP: Bootstrapping Language-Image Pre-training"; Wang et al. 2022, "GIT"; Xiao et al. 2023,
"Florence-2"; package transformers. The network is of the class that the folder's configuration names, out of those of
the library itself: code that comes with a folder is never run. Words are picked greedily or by beam search, never
drawn, so a picture has one caption.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field

from encoders.errors import UnknownModel, WeightsMissing
from encoders.family import Family, ModelSpec, Runtime
from encoders.model_source import ModelSource, locate_source
from encoders.pictures import flatten, mean_by_segment, opened
from encoders.prefetch import prepared_ahead
from encoders.protocols import Caption, ForwardPasses, Keyframes, Vectors
from encoders.transformers_folder import (
    EXAMPLES,
    demand_package,
    find_model_folder,
    of_folders,
    read_json,
    without_progress_bars,
)

if TYPE_CHECKING:
    from PIL.Image import Image

_LIBRARY = "transformers"
_PROMPTS = {
    "BlipForConditionalGeneration": "",
    "Florence2ForConditionalGeneration": "<DETAILED_CAPTION>",
    "GitForCausalLM": "",
}
"""What a network is told along with the picture. Others want a conversation, or do something else with pictures."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class VisionLanguageSpec(ModelSpec):
    """A network, how it is asked, and how the captions of keyframes become one of the segment."""

    describe: ClassVar[str] = (
        "Captions in whole sentences, written by a vision-language network. It names actions and settings that a "
        "classifier has no class for, costs many times as much, and now and then states what is not in the picture."
    )

    role: Literal["captioner"] = "captioner"
    family: Literal["transformers"] = "transformers"
    model: str
    """The kind of the network, such as `blip`: said by its files, so that a folder may be renamed."""
    weights: ModelSource
    architecture: str
    """The class of the network, as its configuration names it."""
    prompt: str
    max_new_tokens: int = Field(default=48, ge=1)
    num_beams: int = Field(default=1, ge=1)
    decoding: Literal["most-probable"] = "most-probable"
    max_keyframes: int = Field(default=3, ge=1)
    frame_policy: Literal["evenly-spread-with-first-and-last"] = "evenly-spread-with-first-and-last"
    """Which keyframes are captioned of a segment that has more; of one, the middle."""
    joining: Literal["sentences-once-by-letters-and-digits"] = "sentences-once-by-letters-and-digits"
    precision: Literal["float32"] = "float32"


class VisionLanguage:
    """A loaded captioner. One thread at a time."""

    def __init__(self, spec: VisionLanguageSpec, *, batch: int = 8) -> None:
        demand_package(_LIBRARY)
        self._spec = spec
        self._batch = batch
        self._processor, self._network = _open_network(locate_source(spec.weights), spec.architecture)
        self._images = 0

    @property
    def spec(self) -> VisionLanguageSpec:
        """What it was loaded from."""
        return self._spec

    @property
    def forward_passes(self) -> ForwardPasses:
        """Pictures pushed through the network since loading; one that occurs twice in a call is pushed once."""
        return ForwardPasses(images=self._images)

    def caption_segments(self, keyframes: Keyframes) -> list[Caption]:
        """One caption per segment: what is said of its keyframes, each sentence once. Batches cross segments.

        Raises:
            EncodeFailed: A segment has no keyframe, or one that is not a picture.
        """
        segments = _chosen(keyframes, self._spec.max_keyframes)
        pictures = _distinct(segments)
        texts: list[str] = []
        for inputs in self._batches(pictures):
            words = self._generate(inputs, max_new_tokens=self._spec.max_new_tokens, num_beams=self._spec.num_beams)
            texts += self._processor.batch_decode(words, skip_special_tokens=True)
        said = dict(zip(pictures, texts, strict=True))
        return [Caption(text=joined(said[picture] for _, picture in segment)) for segment in segments]

    def segment_features(self, keyframes: Keyframes) -> Vectors:
        """The decoder's state before the first word, mean over the captioned keyframes: float32 `(n, width)`.

        Raises:
            EncodeFailed: A segment has no keyframe, or one that is not a picture.
        """
        segments = _chosen(keyframes, self._spec.max_keyframes)
        pictures = _distinct(segments)
        width = self._network.config.get_text_config(decoder=True).hidden_size
        states = [
            np.empty((0, width), dtype=np.float32),
            *(self._first_states(batch) for batch in self._batches(pictures)),
        ]
        rows = dict(zip(pictures, np.concatenate(states), strict=True))
        picked = [rows[picture] for segment in segments for _, picture in segment]
        return mean_by_segment(np.asarray(picked, dtype=np.float32).reshape(-1, width), map(len, segments))

    def _batches(self, pictures: Mapping[bytes, int]) -> Iterator[Any]:
        waiting = list(pictures.items())
        batches = [waiting[start : start + self._batch] for start in range(0, len(waiting), self._batch)]
        for inputs in prepared_ahead(batches, self._inputs):
            self._images += len(inputs["pixel_values"])
            yield inputs.to(self._network.device)

    def _inputs(self, batch: Sequence[tuple[bytes, int]]) -> Any:
        images = [_rgb(picture, place) for picture, place in batch]
        asked = {"text": [self._spec.prompt] * len(images)} if self._spec.prompt else {}
        return self._processor(images=images, return_tensors="pt", **asked)

    def _generate(self, inputs: Any, **how: Any) -> Any:
        import torch

        with torch.inference_mode():
            return self._network.generate(**inputs, do_sample=False, **how)

    def _first_states(self, inputs: Any) -> Vectors:
        made = self._generate(
            inputs, max_new_tokens=1, num_beams=1, return_dict_in_generate=True, output_hidden_states=True
        )
        by_word = made.decoder_hidden_states if "decoder_hidden_states" in made else made.hidden_states
        last_layer = by_word[0][-1]
        states: Vectors = last_layer[:, -1].float().cpu().numpy()
        return states


Chosen: TypeAlias = list[tuple[int, bytes]]
"""The keyframes of a segment that are captioned, each with its number in the call."""


def _chosen(keyframes: Keyframes, most: int) -> list[Chosen]:
    pictures, counts = flatten(keyframes)
    segments, start = [], 0
    for count in counts:
        segments.append([(start + index, pictures[start + index]) for index in spread(count, most)])
        start += count
    return segments


def _distinct(segments: Iterable[Chosen]) -> dict[bytes, int]:
    """Each picture once, with the place where it comes first."""
    places: dict[bytes, int] = {}
    for place, picture in (chosen for segment in segments for chosen in segment):
        places.setdefault(picture, place)
    return places


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, evenly spread from the first to the last; if one, the middle."""
    if count <= most:
        return list(range(count))
    if most == 1:
        return [count // 2]
    return [round(index * (count - 1) / (most - 1)) for index in range(most)]


def joined(captions: Iterable[str]) -> str:
    """Captions as one text: each sentence where it comes first. Two with the same letters and digits are the same."""
    kept: dict[str, str] = {}
    for sentence in (part for caption in captions for part in _SENTENCE_END.split(" ".join(caption.split()))):
        letters = "".join(sign for sign in sentence.casefold() if sign.isalnum())
        if letters:
            kept.setdefault(letters, sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.")
    return " ".join(kept.values())


def _rgb(picture: bytes, place: int) -> Image:
    with opened(picture, place) as image:
        return image.convert("RGB")


def _open_network(folder: Path, architecture: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    # Its type comments are for the plain call; this one answers with what it found, too.
    processors: Any = AutoProcessor
    networks: Any = AutoModelForImageTextToText
    try:
        with without_progress_bars():
            processor = processors.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            network, found = networks.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
            )
    except Exception as error:  # each class of network and each part of a processor fails in its own way
        raise _unloadable(folder, f"{type(error).__name__}: {str(error)[:300]}") from error
    if type(network).__name__ != architecture:
        raise _unloadable(folder, f"it makes a {type(network).__name__} of what should be a {architecture}")
    # The library fills what the files do not have with random numbers, and goes on.
    missing = sorted(set(found["missing_keys"]) & {name for name, _ in network.named_parameters()})
    if missing:
        raise _unloadable(folder, f"the files lack {len(missing)} weights, such as {missing[0]}")
    return processor, network.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def _unloadable(folder: Path, why: str) -> WeightsMissing:
    return WeightsMissing(
        f"the library {_LIBRARY} cannot load this model ({why}).",
        where=str(folder),
        remedy="Fetch the model again, install the version of the library that it was saved with, or choose another.",
    )


def resolve_vision_language(model: str) -> VisionLanguageSpec:
    """The spec of a captioner of a hub, `<organisation>/<name>[@<revision>]`, or of a folder, `@<folder>`.

    Raises:
        UnknownModel: No such name; or a network of a class that is not known here to write captions.
        WeightsMissing: The library is not installed, there is no such folder, or the hub cannot be reached.
    """
    demand_package(_LIBRARY)
    found = find_model_folder(model)
    config = read_json(locate_source(found) / "config.json")
    architecture = next(iter(config.get("architectures") or ()), "no class at all")
    if architecture not in _PROMPTS:
        raise UnknownModel(
            f"the configuration of the model names {architecture}, which is not known here to write captions.",
            where=model,
            remedy=f"Choose one of {', '.join(_PROMPTS)}.",
        )
    return VisionLanguageSpec(
        model=config["model_type"],
        weights=of_folders(found, {""}),
        architecture=architecture,
        prompt=_PROMPTS[architecture],
    )


def load_vision_language(spec: VisionLanguageSpec, runtime: Runtime) -> VisionLanguage:
    """Load the library and the network.

    Raises:
        WeightsMissing: The library or the files of the spec are not here, are others, or do not go together.
    """
    return VisionLanguage(spec, batch=runtime.image_batch)


FAMILY = Family(
    spec=VisionLanguageSpec,
    models=(),
    resolve=resolve_vision_language,
    load=load_vision_language,
    examples=EXAMPLES,
)
