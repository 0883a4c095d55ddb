"""ConSE and the label captioner over one backbone: what they say, and how often they compute."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from encoders import conse as conse_module
from encoders.class_sentences import cached_vectors
from encoders.conse import Conse, ConseSpec, resolve_conse
from encoders.efficientnet import Backbone, shared_backbone
from encoders.errors import EncodeFailed, UnknownModel
from encoders.family import Runtime
from encoders.imagenet import class_names
from encoders.imagenet_labels import ImagenetLabels, ImagenetLabelsSpec, resolve_imagenet_labels
from encoders.pictures import flatten, mean_by_segment
from encoders.protocols import Vectors


@pytest.fixture(scope="module")
def labels_spec(embedded: None) -> ImagenetLabelsSpec:
    return resolve_imagenet_labels()


def _picture(name: str) -> bytes:
    data = pytest.importorskip("skimage.data", reason="scikit-image brings a picture of a cat")
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(getattr(data, name)()).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def test_a_cat_is_seen_as_a_cat_and_found_as_one(conse: Conse, labels_spec: ImagenetLabelsSpec) -> None:
    cat, cup = _picture("chelsea"), _picture("coffee")
    captions = ImagenetLabels(labels_spec, Runtime()).caption_segments([[cat], [cup]])

    assert "cat" in captions[0].text
    assert captions[0].text == ", ".join(label.name for label in captions[0].labels)

    segments = conse.embed_segments([[cat], [cup]])
    queries = conse.embed_queries(["a kitten", "a hot drink in a cup"])
    assert (queries @ segments.T).argmax(axis=1).tolist() == [0, 1]


def test_a_smaller_backbone_is_another_version_that_sees_the_same_things(cache_dir: Path, embedded: None) -> None:
    small = Conse(resolve_conse("efficientnet-lite0"), Runtime(cache_dir=cache_dir))
    assert small.spec.version.startswith("conse-efficientnet-lite0-")
    assert small.spec.query_spec == resolve_conse().sentences

    segments = small.embed_segments([[_picture("chelsea")], [_picture("coffee")]])
    queries = small.embed_queries(["a kitten", "a hot drink in a cup"])
    assert (queries @ segments.T).argmax(axis=1).tolist() == [0, 1]

    with pytest.raises(UnknownModel, match="efficientnet-lite0"):
        resolve_conse("efficientnet-lite9")


def test_folding_leaves_the_function_as_it_was(conse_spec: ConseSpec, jpegs: list[bytes]) -> None:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    from encoders.efficientnet import _pixels, locate_classifier

    plain = EfficientNet.from_name("efficientnet-lite2")
    plain.load_state_dict(torch.load(locate_classifier(conse_spec.classifier), weights_only=True))
    pixels = torch.from_numpy(np.stack([_pixels(picture, conse_spec.classifier, 0) for picture in jpegs[:2]]))
    inputs = (pixels.permute(0, 3, 1, 2).float() / 255 - 0.498) / 0.502
    with torch.inference_mode():
        expected = plain.eval()(inputs).softmax(dim=1).numpy()

    found, _ = shared_backbone(conse_spec.classifier).probabilities(jpegs[:2], batch=2)

    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_segments_are_pooled_over_their_own_keyframes(conse: Conse, jpegs: list[bytes]) -> None:
    alone = conse.embed_segments([[picture] for picture in jpegs])
    pooled = conse.embed_segments([jpegs[:3], jpegs[3:4], jpegs[4:]])

    for vector, part in zip(pooled, (alone[:3], alone[3:4], alone[4:]), strict=True):
        mean = part.mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(pooled, axis=1), 1.0, atol=1e-5)


def test_a_picture_goes_through_the_network_once_per_process(
    conse_spec: ConseSpec, labels_spec: ImagenetLabelsSpec, cache_dir: Path, jpegs: list[bytes]
) -> None:
    shared_backbone.cache_clear()
    encoder = Conse(conse_spec, Runtime(cache_dir=cache_dir))
    captioner = ImagenetLabels(labels_spec, Runtime())

    captioner.caption_segments([[jpegs[0], jpegs[1]], [jpegs[1]]])
    encoder.embed_segments([[jpegs[0]], [jpegs[1], jpegs[2]]])
    encoder.embed_segments([[jpegs[2]]])

    assert captioner.forward_passes.images == 2
    assert encoder.forward_passes.images == 1


def test_the_memo_is_bounded_and_forgets_the_least_used(conse_spec: ConseSpec, jpegs: list[bytes]) -> None:
    backbone = Backbone(conse_spec.classifier, memo_pictures=2)
    first, passes = backbone.probabilities(jpegs[:3], batch=3)
    assert passes == 3
    assert len(backbone._memo) == 2
    again, passes = backbone.probabilities([jpegs[1], jpegs[2], jpegs[0]], batch=3)
    assert passes == 1
    np.testing.assert_allclose(again[[2, 0, 1]], first, atol=1e-6)


def test_a_query_loads_no_picture_side(conse_spec: ConseSpec) -> None:
    program = (
        "import sys; from encoders import registry, canary\n"
        "e = registry.load_visual(registry.resolve('visual', 'conse'))\n"
        "canary.compute(e, ['queries'])\n"
        "print('efficientnet_lite_pytorch' in sys.modules, 'transformers' in sys.modules, e.forward_passes.images)"
    )
    root = Path(conse_module.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "0"]


@pytest.mark.parametrize("broken", [b"", b"not a picture", "cut"])
def test_a_broken_keyframe_is_named_and_nothing_is_made_up(
    conse: Conse, labels_spec: ImagenetLabelsSpec, jpegs: list[bytes], broken: bytes | str
) -> None:
    bad = jpegs[2][:400] if isinstance(broken, str) else broken
    with pytest.raises(EncodeFailed, match="keyframe 2"):
        conse.embed_segments([jpegs[:2], [bad]])
    with pytest.raises(EncodeFailed, match="keyframe 2"):
        ImagenetLabels(labels_spec, Runtime()).caption_segments([jpegs[:2], [bad]])


def test_a_segment_without_keyframes_is_named(conse: Conse, jpegs: list[bytes]) -> None:
    with pytest.raises(EncodeFailed, match="segment 1"):
        conse.embed_segments([[jpegs[0]], []])


def test_no_segments_give_no_vectors(conse: Conse, labels_spec: ImagenetLabelsSpec) -> None:
    assert conse.embed_segments([]).shape == (0, 384)
    assert ImagenetLabels(labels_spec, Runtime()).caption_segments([]) == []


def test_an_unsure_classifier_says_nothing(labels_spec: ImagenetLabelsSpec, jpegs: list[bytes]) -> None:
    strict = ImagenetLabels(labels_spec.model_copy(update={"min_score": 1.0}), Runtime())
    (caption,) = strict.caption_segments([[jpegs[0]]])
    assert (caption.text, caption.labels) == ("", ())


def test_labels_are_few_sorted_and_above_the_score(labels_spec: ImagenetLabelsSpec, jpegs: list[bytes]) -> None:
    talkative = ImagenetLabels(labels_spec.model_copy(update={"min_score": 0.0}), Runtime())
    for caption in talkative.caption_segments([[picture] for picture in jpegs]):
        scores = [label.score for label in caption.labels]
        assert len(scores) == labels_spec.max_labels
        assert scores == sorted(scores, reverse=True)


def test_there_are_a_thousand_different_classes() -> None:
    assert len(set(class_names())) == 1000
    assert class_names()[0] == "tench"
    assert class_names()[292] == "tiger"


def test_flatten_and_mean_by_segment_undo_each_other() -> None:
    pictures, counts = flatten([[b"a"], [b"b", b"c"]])
    assert (pictures, counts) == ([b"a", b"b", b"c"], [1, 2])
    rows = np.array([[1, 1], [2, 4], [4, 8]], dtype=np.float32)
    np.testing.assert_array_equal(mean_by_segment(rows, counts), [[1, 1], [3, 6]])


@pytest.mark.parametrize("damage", ["none", "flipped", "cut", "empty"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, damage: str) -> None:
    calls: list[int] = []

    def embed(sentences: object) -> Vectors:
        calls.append(1)
        return np.arange(6, dtype=np.float32).reshape(2, 3)

    first = cached_vectors(tmp_path, "v-1", ["a", "b"], 3, embed)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    file.write_bytes({"none": content, "flipped": content[:-1] + b"\xff", "cut": content[:-4], "empty": b""}[damage])
    second = cached_vectors(tmp_path, "v-1", ["a", "b"], 3, embed)

    np.testing.assert_array_equal(first, second)
    assert len(calls) == (1 if damage == "none" else 2)
    assert file.read_bytes() == content
    cached_vectors(tmp_path, "v-2", ["a", "b"], 3, embed)
    cached_vectors(tmp_path, "v-1", ["ab", ""], 3, embed)
    assert len(list(tmp_path.iterdir())) == 3


def test_class_sentences_are_embedded_once_for_all_processes(
    conse: Conse, conse_spec: ConseSpec, cache_dir: Path, jpegs: list[bytes]
) -> None:
    conse.embed_segments([[jpegs[0]]])
    later = Conse(conse_spec, Runtime(cache_dir=cache_dir))
    later.embed_segments([[jpegs[0]]])
    assert later.forward_passes.texts == 0
