"""`reelindex tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from orchestration.cli.console import TerminalProgress, errors, out, print_json
from orchestration.cli.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from lake.releases import Release
    from training.preferences.known_answers import KnownTuning
    from training.preferences.tuning import Tuning


def tune(
    known: Annotated[
        bool,
        typer.Option(
            "--known",
            help="Fit to the queries of promotion.evaluation, whose answers are known, measured on videos that were "
            "kept out of the fit; without it, to what people judged or clicked on.",
        ),
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Make a release with the tuned weights, if every guard lets it.")
    ] = False,
    beta: Annotated[
        float | None, typer.Option(min=0, help="How tightly the weights are tied to those released (default 0.3).")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the weights of the legs to judgements, clicks or known answers, and say whether others would be harmed.

    Nothing is changed without --apply; with it, `reelindex rollback` brings the old weights back.
    """
    from lake.store import Lake
    from quality.policy import PromotionPolicy
    from retrieval.query_encoders import QueryEncoders
    from settings import Home, load_settings
    from training.preferences.fusion import BETA
    from training.preferences.known_answers import tune_to_known
    from training.preferences.proposal import failed_guards, is_moved, release_tuned
    from training.preferences.tuning import tune as tune_to_judgements

    settings, folders = load_settings(), Home.find(home)
    policy = PromotionPolicy.from_settings(settings.promotion)
    lake = Lake(folders.lake, create=False)
    encoders = QueryEncoders(lake, cache_dir=folders.caches)
    fit = tune_to_known if known else tune_to_judgements
    tuning = fit(lake, policy, encoders, TerminalProgress(), beta=BETA if beta is None else beta)
    made = None
    if apply and is_moved(tuning) and not failed_guards(tuning):
        made = release_tuned(lake, tuning, policy, settings.search.fusion())
    if as_json:
        print_json(tuning.to_dict() | {"applied": made and made.release_id})
    else:
        _show(tuning)
        _say_what_followed(tuning, made, wanted=apply)
    if apply and failed_guards(tuning):
        raise typer.Exit(1)


def _show(tuning: Tuning | KnownTuning) -> None:
    _show_learnt_from(tuning)
    weights = Table("leg", box=None, pad_edge=False)
    for name in ("released", "tuned"):
        weights.add_column(name, justify="right")
    for leg in tuning.fitted.weights:
        weights.add_row(leg, f"{tuning.live.fusion[leg]:.4g}", f"{tuning.fusion[leg]:.4g}")
    out.print(weights)
    fitted = tuning.fitted
    out.print(
        f"Loss of the pairs {fitted.loss_before:.4f} -> {fitted.loss_after:.4f}; the lists change by "
        f"{fitted.divergence:.4f} nats.",
        highlight=False,
    )
    guards = Table("guard", "passed", "what was measured", box=None, pad_edge=False)
    for guard in tuning.guards:
        guards.add_row(guard.name, "yes" if guard.passed else "NO", escape(guard.message))
    out.print(guards)


def _show_learnt_from(tuning: Tuning | KnownTuning) -> None:
    from training.preferences.known_answers import KnownTuning

    if isinstance(tuning, KnownTuning):
        out.print(
            f"{tuning.queries} queries about {tuning.videos} videos to learn from; no leg finds the video of "
            f"{tuning.out_of_reach} more.",
            highlight=False,
        )
        return
    counts = tuning.counts
    attention = f"estimated from {tuning.propensity.clicks} clicks" if tuning.propensity.clicks else "the default"
    out.print(
        f"{counts.judgements} judgements: {counts.pairs_fitted} pairs about {counts.queries_fitted} queries to learn "
        f"from, {counts.pairs_held_out} about {counts.queries_held_out} held out, {counts.out_of_reach} out of reach."
        + (f" {counts.cut_short} lines of the log are not whole." if counts.cut_short else ""),
        highlight=False,
        soft_wrap=True,
    )
    out.print(f"A place is looked at as (1 / rank)^{tuning.propensity.eta:.2f}, {attention}.", highlight=False)
    if tuning.accuracy:
        held = tuning.accuracy
        out.print(
            f"Held-out pairs in the right order: {held.mean:.1%} (90 % between {held.low:.1%} and {held.high:.1%}).",
            highlight=False,
        )


def _say_what_followed(tuning: Tuning | KnownTuning, made: Release | None, *, wanted: bool) -> None:
    from training.preferences.proposal import failed_guards, is_moved

    failed = failed_guards(tuning)
    if made is not None:
        out.print(f"Search reads release {made.release_id}: {made.reason}.", highlight=False, soft_wrap=True)
    elif not is_moved(tuning):
        out.print("Nothing moves a weight: nothing to apply.")
    elif failed and wanted:
        why = "; ".join(f"{guard.name}: {guard.message}" for guard in failed)
        errors.print(f"not applied: {why}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    elif not failed:
        out.print("Nothing was changed. `reelindex tune --apply` makes a release with these weights.")
