"""Captioners of random weights in the form that transformers saves, small enough to be made on the spot.

What they write is no sense, but they are built, saved, loaded and run by the code that real ones are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_WORDS = (
    *("a", "the", "cat", "dog", "red", "blue", "green", "man", "woman", "on", "in", "street", "house", "runs", "sits"),
    *("with", "two", "What", "does", "the", "image", "describe", "?", "Describe", "detail", "what", "is", "shown", "."),
)
_VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
    # At the usual scale a network this small tells no picture from another.
    "initializer_range": 0.5,
}


def save_blip(folder: Path, *, seed: int = 0) -> Path:
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    words = _bert_tokenizer()
    text = {
        "vocab_size": len(words),
        "hidden_size": 32,
        "encoder_hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
        "bos_token_id": words.cls_token_id,
        "sep_token_id": words.sep_token_id,
        "eos_token_id": words.sep_token_id,
        "pad_token_id": words.pad_token_id,
        "initializer_range": 0.5,
    }
    config = BlipConfig(text_config=text, vision_config=_VISION, projection_dim=32, image_text_hidden_size=32)
    processor = BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), words)
    return _saved(folder, BlipForConditionalGeneration, config, processor, seed)


def save_git(folder: Path, *, seed: int = 0) -> Path:
    from transformers import CLIPImageProcessor, GitConfig, GitForCausalLM, GitProcessor

    words = _bert_tokenizer()
    config = GitConfig(
        vision_config=_VISION,
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        bos_token_id=words.cls_token_id,
        eos_token_id=words.sep_token_id,
        pad_token_id=words.pad_token_id,
        initializer_range=0.5,
    )
    pixels = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return _saved(folder, GitForCausalLM, config, GitProcessor(pixels, words), seed)


def save_florence(folder: Path, *, seed: int = 0) -> Path:
    from transformers import CLIPImageProcessor, Florence2Config, Florence2ForConditionalGeneration, Florence2Processor

    words = _word_tokenizer()
    text = {
        "model_type": "bart",
        "vocab_size": len(words),
        "d_model": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32,
        "max_position_embeddings": 128,
        "bos_token_id": words.bos_token_id,
        "pad_token_id": words.pad_token_id,
        "eos_token_id": words.eos_token_id,
        "decoder_start_token_id": words.eos_token_id,
        "init_std": 0.5,
    }
    vision = {
        "depths": (1, 1, 1, 1),
        "embed_dim": (8, 8, 8, 8),
        "num_heads": (1, 1, 1, 1),
        "num_groups": (1, 1, 1, 1),
        "window_size": 3,
        "projection_dim": 16,
        "initializer_range": 0.5,
    }
    config = Florence2Config(text_config=text, vision_config=vision, image_token_id=words.image_token_id)
    pixels = CLIPImageProcessor(size={"height": 96, "width": 96}, do_center_crop=False)
    pixels.image_seq_length = 10
    return _saved(folder, Florence2ForConditionalGeneration, config, Florence2Processor(pixels, words), seed)


def _saved(folder: Path, network: Any, config: Any, processor: Any, seed: int) -> Path:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _bert_tokenizer() -> Any:
    from transformers import BertTokenizerFast

    return BertTokenizerFast(vocab=_numbered("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))


def _word_tokenizer() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(WordLevel(_numbered("<s>", "<pad>", "</s>", "<unk>", "<image>"), unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
    )


def _numbered(*special: str) -> dict[str, int]:
    return {word: number for number, word in enumerate(dict.fromkeys((*special, *_WORDS)))}
