"""The settings and their defaults. Every key is explained in `reelindex.toml`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

_MOMENT = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_WINDOW = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


SearchLanguage = Literal[
    "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian", "italian", "norwegian",
    "portuguese", "romanian", "russian", "spanish", "swedish", "turkish", "any",
]  # fmt: skip


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

    visual: str = "adapter:flickr8k"
    text: str = "minilm"
    transcriber: str = "faster_whisper:tiny.en"
    captioner: str = "imagenet_labels"
    reader: str = ""

    def references(self) -> dict[str, str]:
        """The reference of every role that has one: a reader may be left out."""
        return {role: reference for role, reference in self if reference}


class SearchSettings(Section):
    """How the legs of a search are fused in the releases that are made from now on."""

    fuse: Literal["scores", "ranks"] = "scores"
    caption: float = Field(default=0.2, ge=0)
    transcript: float = Field(default=1.0, ge=0)
    visual: float = Field(default=1.0, ge=0)
    text: float = Field(default=0.7, ge=0)
    screen: float = Field(default=0.5, ge=0)
    context: float = Field(default=0.3, ge=0, le=1)
    k: float = Field(default=5.0, gt=0)
    language: SearchLanguage = "english"
    log_queries: bool = True

    def fusion(self) -> dict[str, float]:
        """The weights by leg, with `context` for a fusion by scores or `k` for one by ranks."""
        return self.model_dump(exclude={"log_queries", "fuse", "language", "k" if self.fuse == "scores" else "context"})


class BackfillSettings(Section):
    """How the daemon fills what a changed model or segmenter left to do."""

    automatic: bool = True
    window: str = ""
    chunk_segments: int = Field(default=5000, ge=1)
    max_segments_per_night: int | None = Field(default=None, ge=1)
    max_minutes_per_night: float | None = Field(default=None, gt=0)
    price_per_hour: float = Field(default=0.0, ge=0)

    @field_validator("window")
    @classmethod
    def _two_times(cls, window: str) -> str:
        if window and not _WINDOW.fullmatch(window):
            raise ValueError('a window is written as "22:00-06:00"')
        return window


class PromotionSettings(Section):
    """When a candidate takes the place of the live version, and how long the live version is kept after that."""

    automatic: bool = True
    evaluation: Path | None = None
    max_quality_loss: float = Field(default=0.05, ge=0, le=1)
    max_quarantined_share: float = Field(default=0.05, ge=0, le=1)
    min_index_recall: float = Field(default=0.98, ge=0, le=1)
    min_robustness: float = Field(default=0.0, ge=0, le=1)
    keep_retired: int = Field(default=2, ge=1)

    @field_validator("evaluation")
    @classmethod
    def _absolute_file(cls, evaluation: Path | None) -> Path | None:
        return None if evaluation is None else evaluation.expanduser().resolve()


class TrainingSettings(Section):
    """What heads of one's own are trained from, and how. `recipe` is read by `training.recipe.Recipe`."""

    name: str = Field(default="own", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    tower: str = "conse"
    pairs: Path | None = None
    teacher: str = ""
    recipe: dict[str, Any] = Field(default_factory=dict)

    @field_validator("pairs")
    @classmethod
    def _absolute_file(cls, pairs: Path | None) -> Path | None:
        return None if pairs is None else pairs.expanduser().resolve()


class AlertSettings(Section):
    """Whom the daemon tells of failed runs and of checks that begin to fail or hold again."""

    command: tuple[str, ...] = ()
    webhook: str = Field(default="", pattern=r"^(https?://.+)?$")
    minimum: Literal["error", "warning"] = "error"


class ReportSettings(Section):
    """The pages that `reelindex ui` shows beside the web UI."""

    port: int = Field(default=3001, ge=1, le=65535)


class QualitySettings(Section):
    """When the lake is examined without being asked."""

    daily_at_utc: str = "05:00"

    @field_validator("daily_at_utc")
    @classmethod
    def _one_time(cls, moment: str) -> str:
        if moment and not _MOMENT.fullmatch(moment):
            raise ValueError('a time of day is written as "05:00"; empty means never')
        return moment


class Settings(BaseSettings):
    """All settings. Later wins: defaults, `reelindex.toml`, `REELINDEX_<SECTION>__<KEY>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="REELINDEX_", env_nested_delimiter="__", extra="forbid", frozen=True)
    toml_file: ClassVar[Path | None] = None

    ingest: IngestSettings = IngestSettings()
    media: MediaSettings = MediaSettings()
    segments: SegmentSettings = SegmentSettings()
    models: ModelSettings = ModelSettings()
    search: SearchSettings = SearchSettings()
    backfill: BackfillSettings = BackfillSettings()
    promotion: PromotionSettings = PromotionSettings()
    quality: QualitySettings = QualitySettings()
    reports: ReportSettings = ReportSettings()
    alerts: AlertSettings = AlertSettings()
    training: TrainingSettings = TrainingSettings()

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
