"""How a head is trained: everything that decides its weights besides the pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kernel.identity import version_of
from training.errors import BadRecipe


class Part(BaseModel):
    """A part of a recipe: immutable, with no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LinearHead(Part):
    """One matrix: the tower's features to the space."""

    kind: Literal["linear"] = "linear"


class MlpHead(Part):
    """Two matrices with GELU between them."""

    kind: Literal["mlp"] = "mlp"
    hidden: int = Field(default=1024, ge=1)


class ResidualHead(Part):
    """Two matrices whose output is added to the tower's own vector: what the tower knew is where it begins."""

    kind: Literal["residual"] = "residual"
    hidden: int = Field(default=680, ge=1)


HeadKind = Annotated[LinearHead | MlpHead | ResidualHead, Field(discriminator="kind")]


class InfoNce(Part):
    """The right sentence among those of the batch, and the right picture. Oord et al. 2018; Radford et al. 2021."""

    kind: Literal["infonce"] = "infonce"


class SigLip(Part):
    """Each pair of the batch judged alone, right or wrong. Zhai et al. 2023, "Sigmoid Loss"."""

    kind: Literal["siglip"] = "siglip"


Objective = Annotated[InfoNce | SigLip, Field(discriminator="kind")]


class HardNegatives(Part):
    """Batches in which items that look alike to the head meet more often.

    Attributes:
        share: Of a batch that is filled with neighbours of its other items.
        neighbours: From how many nearest items they are drawn.
        false_negative: Items whose sentences are at least this alike (cosine) are never each other's negatives.
        after: The share of the epochs that pass before the first mining.
    """

    share: float = Field(default=0.25, gt=0, lt=1)
    neighbours: int = Field(default=20, ge=1)
    false_negative: float = Field(default=0.85, gt=0, le=1)
    after: float = Field(default=0.3, ge=0, lt=1)


class Noise(Part):
    """Pairs that do not go together are drawn less often.

    Attributes:
        after: The share of the epochs that pass before pairs are judged.
        floor: How often the worst pair is drawn, beside 1 for a good one.
    """

    after: float = Field(default=0.3, gt=0, lt=1)
    floor: float = Field(default=0.05, gt=0, le=1)


class Words(Part):
    """Words with vectors of their own, added to the mapped vector of the sentence: what a sentence encoder blurs.

    Attributes:
        min_count: Training sentences that a word must be in.
        most: The most frequent ones, at most so many.
        dropout: Share of the words that is left out in a step.
    """

    min_count: int = Field(default=5, ge=1)
    most: int = Field(default=2500, ge=1)
    dropout: float = Field(default=0.5, ge=0, lt=1)


class Recipe(Part):
    """A whole recipe. The same one on the same pairs gives the same weights.

    Attributes:
        head: The trained layers.
        objective: What they are trained for.
        dropout: Share of features and of hidden values that is left out in a step.
        sentence_map: Whether a map of the tower's sentence vectors is trained as well, from the identity.
        words: None places a sentence by its tower's vector alone.
        caption_mixing: Whether a pair's sentence is halfway to another one of the same item.
        feature_noise: Gaussian noise on the features, in their own standard deviations.
        attention: Whether the keyframes of an item are weighed rather than averaged.
        epochs: Passes over the items.
        batch: Items per step.
        learning_rate: The highest of a one-cycle schedule.
        weight_decay: Of matrices; AdamW.
        averaging: Decay of the running mean of the weights that is kept in their stead; 0 keeps the weights.
        patience: Epochs without a better validation after which it stops.
        balanced: Whether every source of sentences is drawn equally often.
        hard_negatives: None draws batches at random.
        noise: None draws all pairs alike.
        refit: Whether the validation split, once it has told how many epochs are good, is trained on as well.
        anchored: Whether as much of the tower as costs nothing in validation stays in the head and beside it.
        members: Heads that are trained, each from a seed of its own, and merged into one.
        distillation: Weight of a teacher's similarities in the loss, where one is given.
        compatibility: Weight of staying comparable with the tower's own space (Shen et al. 2020).
        seed: Of every draw.
    """

    head: HeadKind = ResidualHead()
    objective: Objective = InfoNce()
    dropout: float = Field(default=0.45, ge=0, lt=1)
    sentence_map: bool = True
    words: Words | None = Words()
    caption_mixing: bool = True
    feature_noise: float = Field(default=0.0, ge=0)
    attention: bool = False
    epochs: int = Field(default=30, ge=1)
    batch: int = Field(default=512, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.3, ge=0)
    averaging: float = Field(default=0.99, ge=0, lt=1)
    patience: int = Field(default=10, ge=1)
    balanced: bool = True
    hard_negatives: HardNegatives | None = None
    noise: Noise | None = None
    refit: bool = True
    anchored: bool = True
    members: int = Field(default=4, ge=1)
    distillation: float = Field(default=0.0, ge=0, le=1)
    compatibility: float = Field(default=0.0, ge=0)
    seed: int = 0

    @property
    def version(self) -> str:
        """`recipe-<12 hex>`."""
        return version_of("recipe", self.model_dump(mode="json"))


def read_recipe(keys: Mapping[str, Any]) -> Recipe:
    """The recipe of `[training.recipe]`: the defaults with some keys changed.

    Raises:
        BadRecipe: A key is unknown, or a value is out of range.
    """
    try:
        return Recipe.model_validate(dict(keys))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRecipe(
            f"the key `{place}` is wrong: {first['msg']}.",
            where="[training.recipe]",
            remedy=f"Known keys: {', '.join(Recipe.model_fields)}.",
        ) from error
