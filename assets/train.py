"""Group `train`: a head of the corpus's own, from pairs to a version that can be promoted like any other."""

import dagster as dg

from assets.resources import LakeResource, ModelsResource, TrainingResource
from assets.training_page import evaluation_page, set_page, trained_page
from assets.understand import documents, segments
from kernel.progress import Progress


@dg.asset(group_name="train", deps=[segments, documents], kinds={"lancedb", "torch"})
def training_set(
    lake: LakeResource, training: TrainingResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """Pictures with the sentences that go with them, as the frozen tower sees both.

    **Reads** keyframes, captions and transcripts of the lake, or the file that `training.pairs` names.
    **Writes** `training/sets/<name>` in the home: plain arrays, in the place of those gathered before.
    Pairs that nothing can be learnt from are refused, and the ones before stay.
    """
    source = training.source()
    pairs = training.folder(lake).gather(
        training.name,
        lambda out: source.gather(lake.open(), out, cache_dir=lake.folders.caches, progress=progress),
    )
    return dg.MaterializeResult(metadata=set_page(pairs, source))


@dg.asset(group_name="train", deps=[training_set], kinds={"torch"})
def trained_adapter(
    lake: LakeResource, models: ModelsResource, training: TrainingResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """A head on the frozen tower, trained on the set: a new version of the visual space that the settings can name.

    **Reads** the training set.
    **Writes** `adapters/<name>-<digest>.safetensors` in the home, one row of `trainings` that says where it comes from,
    and one of `model_versions` with its canary. The same pairs, recipe and code are not trained twice; an interrupted
    run goes on where it stopped.
    """
    from training.session import train_once

    session = train_once(
        lake.open(),
        training.folder(lake),
        training.recipe(),
        name=training.name,
        adapters=lake.folders.adapters,
        teacher=training.teacher,
        cache_dir=lake.folders.caches,
        progress=progress,
    )
    models.open(lake).register(session.spec)
    return dg.MaterializeResult(metadata=trained_page(session), tags={"reelindex/version": session.spec.version})


@dg.asset(group_name="train", deps=[trained_adapter], kinds={"torch"})
def adapter_evaluation(
    lake: LakeResource, training: TrainingResource, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """What the head finds among items that it was not trained on, beside the tower that it stands on.

    **Reads** the test split of the training set and the head's file.
    **Writes** the numbers into `trainings`.
    Here a head only shows what it learnt; whether it goes live is decided by the gates, on queries of this corpus.
    """
    from training.session import evaluate_newest

    evaluated = evaluate_newest(
        lake.open(), training.folder(lake), name=training.name, cache_dir=lake.folders.caches, progress=progress
    )
    return dg.MaterializeResult(
        metadata=evaluation_page(evaluated), tags={"reelindex/version": evaluated.training.version}
    )
