"""Who may ask: this machine; others with a token. A page of another site may not make a browser here ask for it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from kernel.errors import ReelindexError

TOKEN_VARIABLE = "REELINDEX_SERVE_TOKEN"
COOKIE = "reelindex_token"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Handler = Callable[[Request], Awaitable[Response]]


class OpenToAll(ReelindexError):
    """It would answer to other machines without asking who they are."""


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def demand_token(host: str, token: str) -> None:
    """Raises `OpenToAll` where others could ask and no token was given."""
    if not is_loopback(host) and not token:
        raise OpenToAll(
            "other machines could ask, and nobody would be asked for a token.",
            where=host,
            remedy=f"Set {TOKEN_VARIABLE} to a secret of your own, or listen on 127.0.0.1.",
        )


class Access:
    """Lets requests through that may ask, and gives every answer the headers that keep a page to itself."""

    def __init__(self, host: str, token: str) -> None:
        """Takes requests on `host`; an empty `token` asks for none, which `demand_token` allows on loopback alone."""
        self._only_here = is_loopback(host)
        self._token = token

    async def __call__(self, request: Request, handler: Handler) -> Response:
        """Answers a request, or says why not."""
        response = await self._answer(request, handler)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def _answer(self, request: Request, handler: Handler) -> Response:
        # A name that leads here from a page elsewhere (DNS rebinding) is not one of ours.
        if self._only_here and request.url.hostname not in LOOPBACK_NAMES:
            return _refused(421, "This address answers to this machine alone.")
        if not self._token:
            return await handler(request)
        given = request.query_params.get("token", "")
        if given and request.url.path == "/" and self._is_token(given):
            entered = RedirectResponse("/", status_code=303)
            entered.set_cookie(COOKIE, given, httponly=True, samesite="strict")
            return entered
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(bearer) or self._is_token(request.cookies.get(COOKIE, "")):
            return await handler(request)
        return _refused(401, "A token is needed: the header `Authorization: Bearer TOKEN`, or once /?token=TOKEN.")

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())


def _refused(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": why}, status_code=status)
