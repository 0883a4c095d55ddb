"""`reelindex rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.console import out, print_json
from orchestration.cli.options import HomeOption, JsonOption


def rollback(
    to: Annotated[
        int | None, typer.Option(min=1, help="The release to go back to; the one before, if left out.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads the releases later.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier release live again, at once: the next search reads it. Nothing is computed."""
    from lake.releases import Releases
    from lake.store import Lake
    from quality.promotion import roll_back
    from settings import Home

    lake = Lake(Home.find(home).lake, create=False)
    before = Releases(lake).live()
    release = roll_back(lake, to=to, reason=reason)
    if as_json:
        document = {"release": release.release_id, "was": before.release_id, "spaces": dict(release.spaces)}
        print_json(document | {"reason": release.reason})
        return
    out.print(f"Search reads release {release.release_id} ({release.reason}).", highlight=False, soft_wrap=True)
    for space, version in release.spaces.items():
        out.print(f"  {space}: {version}", highlight=False, soft_wrap=True)
    for version in sorted(set(before.spaces.values()) - set(release.spaces.values())):
        out.print(
            f"{version} is kept, and goes live again only by `reelindex promote`.", highlight=False, soft_wrap=True
        )
