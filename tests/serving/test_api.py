"""The API over a real lake: answers, files by their parts, and whatever people and programs may send."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lake.schema import FILES
from lake.store import Lake
from retrieval import Index, open_index
from serving.answers import Answers
from serving.app import create_app
from serving.questions import MOST_CHARACTERS
from serving.routes import MOST_PICTURE_BYTES
from tests.stages.small_lake import ingested

pytestmark = pytest.mark.xdist_group("ingested")

HERE = "http://127.0.0.1"


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    home = ingested().home
    with open_index(home.lake, cache_dir=home.caches) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(index: Index) -> TestClient:
    app = create_app(index, ingested().lake)
    return TestClient(app, base_url=HERE, raise_server_exceptions=False)


def test_an_answer_has_all_that_a_page_needs(client: TestClient) -> None:
    answer = client.get("/api/search", params={"q": "a maze of rings"})
    assert answer.status_code == 200
    found = Answers.model_validate(answer.json())
    best = found.results[0]
    assert (best.name, best.caption) == ("a.mp4", "maze")
    assert [best.caption[start:end] for start, end in best.matches.caption] == ["maze"]
    assert best.legs["visual"].rank >= 1
    shown = client.get(best.picture)
    assert shown.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(shown.content)).size > (1, 1)
    told = client.get("/api/release").json()
    assert (told["release"], told["videos"], told["segments"]) == (found.release, 3, 6)
    assert set(told["spaces"]) == {"visual", "text"}


def test_a_video_is_given_by_the_part_that_is_asked_for(client: TestClient) -> None:
    best = client.get("/api/search", params={"q": "maze"}).json()["results"][0]
    whole = (ingested().films / "a.mp4").read_bytes()
    address = best["media"].partition("#")[0]
    part = client.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-type"] == "video/mp4"
    assert client.get(address).content == whole
    assert client.get(address, headers={"Range": "bytes=999999999-"}).status_code == 416


def test_similar_videos_by_segment_and_by_picture(client: TestClient) -> None:
    best = client.get("/api/search", params={"q": "maze"}).json()["results"][0]
    similar = client.get("/api/similar", params={"segment": best["segment_id"]}).json()["results"]
    assert {one["name"] for one in similar} == {"b.mp4", "c.mp4"}
    picture = client.get(best["picture"]).content
    found = client.post("/api/similar", content=picture).json()["results"]
    assert found[0]["segment_id"] == best["segment_id"]
    assert found[0]["legs"]["visual"]["score"] > 0.95
    assert len(client.post("/api/similar?limit=1", content=picture).json()["results"]) == 1


def test_filters_narrow(client: TestClient) -> None:
    def names(**asked: object) -> set[str]:
        answer = client.get("/api/search", params={"q": "stripes", **asked})
        assert answer.status_code == 200, answer.text
        return {one["name"] for one in answer.json()["results"]}

    everyone = {"a.mp4", "b.mp4", "c.mp4"}
    assert names() == everyone
    assert names(under=f"{ingested().films}/b") == {"b.mp4"}
    assert names(min_duration_s=1000) == set()
    assert names(start_s=0.5, end_s=1) == everyone
    assert names(every_segment=True, limit=1) < everyone
    assert names(under="/etc") == set()


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ({"q": "x" * (MOST_CHARACTERS + 1)}, 422, "q: "),
        ({"q": "a", "limit": 0}, 422, "limit: "),
        ({"q": "a", "limit": 10**9}, 422, "limit: "),
        ({"q": "a", "colour": "red"}, 422, "colour: "),
        ({"q": "a", "language": "en' OR 1=1 --"}, 400, "language"),
        ({"q": "a", "video": "../../etc/passwd"}, 400, "video_ids"),
        ({"q": "a", "under": ""}, 400, "uri_prefix"),
        ({"q": "a", "under": "a\x00b"}, 400, "uri_prefix"),
        ({"q": "a", "min_duration_s": -1}, 422, "min_duration_s: "),
        ({"q": "a", "min_duration_s": "nan"}, 422, "min_duration_s: "),
        ({"q": "a", "min_duration_s": 9, "max_duration_s": 1}, 400, "max_duration_ms"),
    ],
)
def test_what_cannot_be_asked_is_said(client: TestClient, asked: dict[str, object], status: int, told: str) -> None:
    answer = client.get("/api/search", params=asked)
    assert answer.status_code == status, answer.text
    assert told in answer.json()["error"]


ODD = [
    "",
    "  ",
    '"',
    '""',
    "' OR 1=1; DROP TABLE documents; --",
    "(((",
    "*",
    "🎬🐕",
    "نص عربي",
    "犬が走る",
    "\x00",
    "a:b^2~",
    "the",
]


@pytest.mark.parametrize("query", ODD)
def test_any_text_is_answered(client: TestClient, query: str) -> None:
    answer = client.get("/api/search", params={"q": query})
    assert answer.status_code == 200
    assert answer.json()["query"] == query


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.text(max_size=30),
    name=st.sampled_from(["q", "language", "under", "video", "limit", "start_s", "segment"]),
    value=st.text(max_size=30),
)
def test_nothing_that_is_sent_breaks_it(client: TestClient, path: str, name: str, value: str) -> None:
    for address in (
        f"/{quote(path, safe='')}",
        f"/api/segments/{quote(path, safe='')}/picture",
        f"/api/videos/{quote(path, safe='')}/media",
        f"/api/search?{name}={quote(value.encode(errors='replace'))}",
        f"/api/similar?{name}={quote(value.encode(errors='replace'))}",
    ):
        assert client.get(address).status_code < 500, address


@pytest.mark.parametrize("picture", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"GIF89a" + bytes(20)])
def test_what_is_not_a_picture_is_said(client: TestClient, picture: bytes) -> None:
    answer = client.post("/api/similar", content=picture)
    assert answer.status_code == 400, answer.text
    assert "picture" in answer.json()["error"]


def test_a_picture_that_is_too_large_is_not_read_to_its_end(client: TestClient) -> None:
    assert client.post("/api/similar", content=bytes(MOST_PICTURE_BYTES + 1)).status_code == 413


@pytest.mark.parametrize(
    "address",
    [
        "/api/segments/none/picture",
        f"/api/segments/{'0' * 32}-0-1/picture",
        f"/api/videos/{'0' * 32}/media",
        "/api/videos/..%2f..%2fetc%2fpasswd/media",
        "/page.py",
        "/..%2fapp.py",
        "/docs",
    ],
)
def test_what_is_not_there_is_404(client: TestClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_another_method_is_refused_in_the_same_words(client: TestClient) -> None:
    answer = client.post("/api/search")
    assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})
    assert answer.headers["allow"] == "GET"


def test_a_file_that_is_gone_or_another_one_is_not_given(tmp_path: Path) -> None:
    lake = ingested().lake
    (row, *_) = lake.read(FILES.name, FILES.schema.names).to_pylist()
    folder = ingested().copied_to(tmp_path / "home")
    mine = Lake(folder.lake, create=False)
    mine.upsert(FILES, [row | {"size_bytes": row["size_bytes"] + 1}])
    with open_index(folder.lake) as opened:
        client = TestClient(create_app(opened, mine), base_url=HERE)
        answer = client.get(f"/api/videos/{row['video_id']}/media")
    assert answer.status_code == 404
    assert "not where it was seen" in answer.json()["error"]


def test_an_error_of_the_lake_names_no_place(tmp_path: Path) -> None:
    home = ingested().copied_to(tmp_path / "home")
    lake = Lake(home.lake, create=False)
    for name in lake.vectors_tables():
        lake.drop(name, aside="aside")
    with open_index(home.lake) as opened:
        client = TestClient(create_app(opened, lake), base_url=HERE, raise_server_exceptions=False)
        answer = client.get("/api/search", params={"q": "maze"})
    assert answer.status_code == 503
    assert answer.json() == {"error": "the corpus cannot be searched now."}


def test_before_the_first_release_it_says_so(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with open_index(lake.folder) as opened:
        answer = TestClient(create_app(opened, lake), base_url=HERE).get("/api/search", params={"q": "a"})
    assert answer.status_code == 503
    assert "nothing has been released" in answer.json()["error"]


def test_the_contract_is_published(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/search",
        "/api/similar",
        "/api/release",
        "/api/segments/{segment_id}/picture",
        "/api/videos/{video_id}/media",
    }
    assert all(one.get("description") for methods in paths.values() for one in methods.values())
