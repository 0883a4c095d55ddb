"""The settings and their defaults. Every key is explained in `reelindex.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


class Section(BaseModel):
    """A table of the settings file. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IngestSettings(Section):
    """What is ingested, and how work is divided."""

    watch: tuple[Path, ...] = ()
    bucket_digits: int = Field(default=1, ge=1, le=2)
    max_attempts: int = Field(default=3, ge=1)


class MediaSettings(Section):
    """The child processes that open video files."""

    workers: int | None = Field(default=None, ge=1)
    stall_timeout_s: float = Field(default=60.0, gt=0)
    memory_limit_mb: int = Field(default=2048, ge=256)


class SegmentSettings(Section):
    """How a video is cut. A change makes a new segmenter version."""

    adaptive_threshold: float = Field(default=3.5, gt=0)
    min_scene_len_s: float = Field(default=0.6, gt=0)
    max_segment_s: float = Field(default=10.0, ge=1)


class ModelSettings(Section):
    """Which model fills each role."""

    visual: str = "conse"
    text: str = "minilm"
    transcriber: str = "faster_whisper:tiny.en"
    captioner: str = "imagenet_labels"

    def references(self) -> dict[str, str]:
        """The reference of every role."""
        return dict(self)


class SearchSettings(Section):
    """How the legs of a search are fused in the releases that are made from now on."""

    k: float = Field(default=10.0, gt=0)
    caption: float = Field(default=0.5, ge=0)
    transcript: float = Field(default=1.0, ge=0)
    visual: float = Field(default=1.0, ge=0)
    text: float = Field(default=0.3, ge=0)

    def fusion(self) -> dict[str, float]:
        """The weights by leg and the constant `k` of reciprocal rank fusion."""
        return dict(self)


class Settings(BaseSettings):
    """All settings. Later wins: defaults, `reelindex.toml`, `REELINDEX_<SECTION>__<KEY>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="REELINDEX_", env_nested_delimiter="__", extra="forbid", frozen=True)
    toml_file: ClassVar[Path | None] = None

    ingest: IngestSettings = IngestSettings()
    media: MediaSettings = MediaSettings()
    segments: SegmentSettings = SegmentSettings()
    models: ModelSettings = ModelSettings()
    search: SearchSettings = SearchSettings()

    @field_validator("ingest")
    @classmethod
    def _absolute_folders(cls, ingest: IngestSettings) -> IngestSettings:
        return ingest.model_copy(update={"watch": tuple(path.expanduser().resolve() for path in ingest.watch)})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file over the defaults."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=cls.toml_file)


def with_file(path: Path | None) -> type[Settings]:
    """The settings class that reads one particular file."""
    attributes: dict[str, Any] = {"toml_file": path, "__annotations__": {"toml_file": ClassVar[Path | None]}}
    return type("Settings", (Settings,), attributes)
