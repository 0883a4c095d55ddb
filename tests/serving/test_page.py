"""The page in a real browser, served as a user serves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.orchestration.web_ui import BROWSER_ARGUMENTS, find_browser
from tests.serving.served import served
from tests.stages.small_lake import ingested

pytestmark = pytest.mark.xdist_group("ingested")


@pytest.fixture(scope="module")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium is on the path: the page was not looked at")
    playwright = pytest.importorskip("playwright.sync_api")
    with (
        served(ingested().home.folder, tmp_path_factory.mktemp("serve")) as address,
        playwright.sync_playwright() as driver,
    ):
        chromium = driver.chromium.launch(executable_path=browser, args=BROWSER_ARGUMENTS)
        yield address, chromium
        chromium.close()


@pytest.fixture
def page(browsed: tuple[str, Any]) -> Iterator[Any]:
    address, chromium = browsed
    opened = chromium.new_page()
    opened.told = []
    opened.asked = []
    opened.on("console", lambda message: opened.told.append(message.text))
    opened.on("pageerror", lambda error: opened.told.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(address)
    yield opened
    assert {urlsplit(url).hostname for url in opened.asked if not url.startswith("blob:")} == {"127.0.0.1"}
    opened.close()


def _wait_for_status(page: Any, text: str) -> None:
    """The page forbids what Playwright's own waiting for a function needs."""
    page.get_by_role("status").filter(has_text=text).wait_for(timeout=20_000)


def _root(page: Any) -> str:
    return str(page.url).partition("?")[0]


def test_a_question_is_answered_by_keyboard_alone(page: Any) -> None:
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("a maze")
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer")
    assert "answers to “a maze”" in page.inner_text("[role=status]")
    assert page.inner_text(".answer h2 >> nth=0") == "a.mp4"
    assert page.inner_text(".answer mark >> nth=0") == "maze"
    assert "picture 0." in page.inner_text(".answer .legs >> nth=0")
    assert page.get_attribute(".answer .place >> nth=0", "title").endswith("/a.mp4")
    assert page.inner_text(".answer .place >> nth=0").startswith("in ")
    assert page.evaluate("document.querySelector('.answer img').complete")
    page.focus(".answer .play >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer video")
    page.keyboard.press("Escape")
    page.focus(".like >> nth=0")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    assert "q=a+maze" in page.url
    assert page.told == []


def test_a_video_plays_from_the_second_that_answers(page: Any) -> None:
    page.fill("#q", "accordion")
    page.press("#q", "Enter")
    page.wait_for_selector(".answer")
    (best, *_) = page.request.get(f"{_root(page)}api/search?q=accordion").json()["results"]
    start_s = best["start_ms"] / 1000
    assert start_s > 0
    page.click(".play >> nth=0")
    for _ in range(100):
        if page.evaluate("document.querySelector('video').readyState") >= 2:
            break
        page.wait_for_timeout(100)
    assert page.evaluate("document.querySelector('video').currentTime") >= start_s - 0.05


def test_similar_videos_by_button_and_by_picture(page: Any, tmp_path: Path) -> None:
    page.fill("#q", "maze")
    page.press("#q", "Enter")
    page.wait_for_selector(".answer")
    picture = tmp_path / "like.jpg"
    source = page.get_attribute(".answer img >> nth=0", "src").lstrip("/")
    picture.write_bytes(page.request.get(_root(page) + source).body())
    page.click(".like >> nth=0")
    _wait_for_status(page, "like a.mp4")
    assert "a.mp4" not in page.inner_text("#results")
    page.set_input_files("#picture", picture)
    _wait_for_status(page, "like like.jpg")
    assert page.inner_text(".answer h2 >> nth=0") == "a.mp4"


def test_what_cannot_be_asked_is_said_and_nothing_is_run(page: Any) -> None:
    page.click("summary")
    page.fill("[name=min_duration_s]", "9")
    page.fill("[name=max_duration_s]", "1")
    page.fill("#q", "<img src=x onerror=alert(1)>")
    page.press("#q", "Enter")
    page.wait_for_selector("#status.error")
    assert "max_duration_ms" in page.inner_text("#status")
    page.fill("[name=min_duration_s]", "")
    page.fill("[name=max_duration_s]", "")
    page.press("#q", "Enter")
    _wait_for_status(page, "img src")
    assert not page.query_selector("#status.error")
    assert page.query_selector("#status img") is None


def test_everything_that_can_be_used_has_a_name(page: Any) -> None:
    page.fill("#q", "maze")
    page.press("#q", "Enter")
    page.wait_for_selector(".answer")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input')].filter((one) =>
            !(one.getAttribute('aria-label') || one.textContent.trim() || (one.labels && one.labels.length)))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert page.get_attribute("html", "lang") == "en"
    assert page.evaluate("document.querySelectorAll('h1').length") == 1


def test_a_question_in_the_address_is_asked(browsed: tuple[str, Any]) -> None:
    address, chromium = browsed
    page = chromium.new_page()
    page.goto(f"{address}/?q=maze&every_segment=true")
    page.wait_for_selector(".answer")
    assert page.is_checked("[name=every_segment]")
    assert page.input_value("#q") == "maze"
    page.close()


def test_going_back_asks_what_was_asked_before(page: Any) -> None:
    for query in ("maze", "accordion"):
        page.fill("#q", query)
        page.press("#q", "Enter")
        _wait_for_status(page, f"to “{query}”")
    page.go_back()
    _wait_for_status(page, "to “maze”")
    assert page.input_value("#q") == "maze"
    page.go_back()
    page.locator(".answer").first.wait_for(state="detached")
    assert page.input_value("#q") == ""


def _answered(page: Any, count: int, copies: int = 0) -> list[str]:
    """Answers the page's questions with made-up results, as many as are asked for at most; the limits that it asks."""
    limits: list[str] = []

    def fulfil(route: Any) -> None:
        limit = parse_qs(urlsplit(route.request.url).query)["limit"][0]
        limits.append(limit)
        place = {"start_ms": 61_000, "end_ms": 65_000, "media": "/api/videos/v/media#t=61"}
        again = [
            {"segment_id": f"c{n}", "video_id": f"c{n}", "name": f"copy{n}.mp4", "uri": f"/x/copy{n}.mp4", **place}
            for n in range(copies)
        ]
        words = {"caption": "", "transcript": "", "screen": ""}
        results = [
            {
                "segment_id": f"s{n}",
                "video_id": f"v{n}",
                "name": f"film{n}.mp4",
                "uri": "",
                "score": 1.0,
                "legs": {},
                "matches": {name: [] for name in words},
                "picture": "/icon.svg",
                "copies": again,
                **words,
                **place,
            }
            for n in range(min(count, int(limit)))
        ]
        route.fulfill(json={"release": 1, "query": "q", "results": results, "meant": {}})

    page.route("**/api/search?*", fulfil)
    return limits


def test_copies_are_named_and_can_be_opened(page: Any) -> None:
    _answered(page, 1, copies=2)
    page.fill("#q", "film")
    page.press("#q", "Enter")
    page.wait_for_selector(".answer")
    assert page.inner_text(".also") == "Also in copy0.mp4, copy1.mp4"
    assert page.get_attribute(".also a >> nth=1", "href") == "/api/videos/v/media#t=61"
    assert page.inner_text(".place") == "no file holds it any more"
    assert not page.is_visible("#more")


def test_more_answers_come_when_they_are_asked_for(page: Any) -> None:
    limits = _answered(page, 15)
    page.fill("#q", "film")
    page.press("#q", "Enter")
    page.wait_for_selector("#more:visible")
    assert page.locator(".answer").count() == 10
    page.click("#more")
    _wait_for_status(page, "15 answers")
    assert limits == ["10", "20"]
    assert not page.is_visible("#more")
    assert "film10.mp4" in page.evaluate("document.activeElement.getAttribute('aria-label')")
