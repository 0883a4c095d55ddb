"""`reelindex ui`: the code location loads, the graph is drawn in a browser, and nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from orchestration.cli.ui import GROUPS, asset_graph_path
from tests.orchestration.web_ui import BROWSER_ARGUMENTS, ask, find_browser, started_ui

pytestmark = pytest.mark.xdist_group("web_ui")

ASSETS = {
    "videos": "ingest",
    "segments": "understand",
    "transcripts": "understand",
    "captions": "understand",
    "screen_texts": "understand",
    "documents": "understand",
    "visual_vectors": "embed",
    "text_vectors": "embed",
    "indexes": "serve",
    "release": "serve",
    "drift": "evaluate",
    "embedding_profile": "evaluate",
    "robustness": "evaluate",
    "retrieval_quality": "evaluate",
    "sql_export": "explore",
    "training_set": "train",
    "trained_adapter": "train",
    "adapter_evaluation": "train",
}
WORKSPACE = """{
  workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
    __typename ... on PythonError { message }
    ... on RepositoryLocation { repositories { jobs { name } sensors { name description sensorState { status } } } }
  } } } }
  assetNodes { assetKey { path } groupName description }
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web_ui")
    with started_ui(folder / "home", folder) as address:
        yield address


def test_the_code_location_loads_with_everything_in_it(address: str) -> None:
    answer = ask(address, WORKSPACE)
    (location,) = answer["workspaceOrError"]["locationEntries"]
    assert location["name"] == "reelindex"
    assert location["locationOrLoadError"]["__typename"] == "RepositoryLocation", location
    (repository,) = location["locationOrLoadError"]["repositories"]
    assert {"ingest", "export"} <= {job["name"] for job in repository["jobs"]}
    sensors = {sensor["name"]: sensor for sensor in repository["sensors"]}
    assert sensors["new_files"]["sensorState"]["status"] == "RUNNING"
    assert sensors["new_files"]["description"]
    assert {node["assetKey"]["path"][-1]: node["groupName"] for node in answer["assetNodes"]} == ASSETS
    assert all(node["description"] for node in answer["assetNodes"])


def test_the_asset_graph_is_drawn_and_nothing_leaves_the_machine(address: str) -> None:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium is on the path: the pages were not looked at")
    playwright = pytest.importorskip("playwright.sync_api")
    asked: list[str] = []
    errors: list[str] = []
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=BROWSER_ARGUMENTS)
        page = chromium.new_page(viewport={"width": 1500, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda connection: asked.append(connection.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address + asset_graph_path())
        for name in (*ASSETS, *GROUPS):
            page.get_by_text(name, exact=True).last.wait_for(state="visible", timeout=30_000)
        is_covered = page.get_by_text("Skip", exact=True).is_visible()
        chromium.close()
    hosts = {urlsplit(url).hostname for url in asked if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {"127.0.0.1"}
    assert errors == []
    assert not is_covered, "a window that asks to sign up covers the page"
