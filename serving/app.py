"""The HTTP application: search, pictures, videos, and a page."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kernel.errors import ReelindexError
from lake.errors import NoRelease
from lake.store import Lake
from retrieval import Index
from retrieval.errors import BadSearch, FilterError
from serving.access import Access
from serving.media import NotThere
from serving.routes import lake_routes, page_routes, search_routes

_STATUS: tuple[tuple[type[ReelindexError], int], ...] = (
    (FilterError, 400),
    (BadSearch, 400),
    (NotThere, 404),
    (NoRelease, 503),
)


def create_app(index: Index, lake: Lake, *, host: str = "127.0.0.1", token: str = "") -> FastAPI:
    """The application. It reads the lake and writes nothing.

    Args:
        index: What is searched.
        lake: Where pictures and the places of videos are.
        host: The address that it is served on.
        token: What others must know; empty asks for none, on loopback alone.
    """
    app = FastAPI(title="reelindex", description="Search a video corpus.", docs_url=None, redoc_url=None)
    app.middleware("http")(Access(host, token))
    app.exception_handler(ReelindexError)(_told)
    app.exception_handler(RequestValidationError)(_not_understood)
    app.exception_handler(HTTPException)(_refused)
    for routes in (search_routes(index), lake_routes(lake), page_routes()):
        app.include_router(routes)
    return app


def _told(request: Request, error: Exception) -> JSONResponse:
    """An error in words. What is not the fault of who asks is told to the log alone: it may name places."""
    assert isinstance(error, ReelindexError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    if status < 500:
        return JSONResponse(
            {"error": f"{error.where}: {error.what}" if error.where else error.what}, status_code=status
        )
    logging.getLogger("reelindex").error("%s %s: %s", request.method, request.url.path, error)
    why = "nothing has been released yet." if isinstance(error, NoRelease) else "the corpus cannot be searched now."
    return JSONResponse({"error": why}, status_code=status)


def _refused(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, status_code=error.status_code, headers=error.headers)


def _not_understood(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RequestValidationError)
    told = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
    return JSONResponse({"error": "; ".join(told)}, status_code=422)
