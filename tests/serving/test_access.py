"""This machine alone, or whoever has the token."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from retrieval import open_index
from serving.access import OpenToAll, demand_token, is_loopback
from serving.app import create_app
from tests.orchestration.command import reelindex_here
from tests.stages.small_lake import ingested

pytestmark = pytest.mark.xdist_group("ingested")
SECRET = "wörd"  # header values are bytes: one that is not ASCII must not break the comparison


def _client(*, host: str = "127.0.0.1", token: str = "", base_url: str = "http://127.0.0.1") -> TestClient:
    index = open_index(ingested().home.lake)
    return TestClient(create_app(index, ingested().lake, host=host, token=token), base_url=base_url)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_needs_no_token(name: str) -> None:
    assert _client(base_url=f"http://{name}:8080").get("/api/release").status_code == 200


def test_a_name_from_elsewhere_that_leads_here_is_refused() -> None:
    answer = _client(base_url="http://evil.example").get("/api/release")
    assert answer.status_code == 421
    assert "release" not in answer.text


def test_with_a_token_nothing_is_told_without_it() -> None:
    client = _client(host="0.0.0.0", token=SECRET, base_url="http://films.example")
    for address in ("/", "/page.js", "/api/release", "/openapi.json", "/?token=wrong"):
        assert client.get(address).status_code == 401, address
    assert client.get("/api/release", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/api/release", headers={"Authorization": ""}).status_code == 401
    assert client.get("/api/release", params={"token": "x"}).status_code == 401


def test_a_token_in_the_header_or_once_in_the_address_is_enough() -> None:
    client = _client(host="0.0.0.0", token="secret", base_url="http://films.example")
    assert client.get("/api/release", headers={"Authorization": "Bearer secret"}).status_code == 200
    entered = client.get("/", params={"token": "secret"}, follow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/api/release").status_code == 200, "the browser keeps it"


def test_every_answer_keeps_the_page_to_itself() -> None:
    client = _client()
    for address in ("/", "/page.js", "/api/release", "/nothing", "/api/search?limit=0"):
        headers = client.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"], address
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True), ("0.0.0.0", False), ("films", False)],
)
def test_which_addresses_are_this_machine_alone(host: str, here: bool) -> None:
    assert is_loopback(host) == here
    demand_token(host, "secret")
    if not here:
        with pytest.raises(OpenToAll, match="REELINDEX_SERVE_TOKEN"):
            demand_token(host, "")


def test_the_command_does_not_open_a_door_without_a_lock() -> None:
    called = reelindex_here("serve", "--host", "0.0.0.0", home=ingested().home)
    assert called.exit_code == 1
    assert "REELINDEX_SERVE_TOKEN" in called.err
