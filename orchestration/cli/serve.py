"""`reelindex serve`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from orchestration.cli.console import errors
from orchestration.cli.options import HomeOption


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8080,
    host: Annotated[
        str, typer.Option(help="The address to listen on; anything but loopback needs a token.")
    ] = "127.0.0.1",
    home: HomeOption = None,
) -> None:
    """Search over HTTP, with a page to look at; Ctrl-C ends it. The environment may name REELINDEX_SERVE_TOKEN."""
    import uvicorn

    from lake.store import Lake
    from retrieval import open_index
    from serving.access import TOKEN_VARIABLE, demand_token
    from serving.app import create_app
    from settings import Home

    token = os.environ.get(TOKEN_VARIABLE, "")
    demand_token(host, token)
    folders = Home.find(home)
    with open_index(folders.lake, cache_dir=folders.caches) as index:
        app = create_app(index, Lake(folders.lake, create=False), host=host, token=token)
        errors.print(f"Search on http://{host}:{port}  (home: {folders.folder})", highlight=False, soft_wrap=True)
        errors.print(f"The API: http://{host}:{port}/openapi.json", highlight=False, soft_wrap=True)
        uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)
