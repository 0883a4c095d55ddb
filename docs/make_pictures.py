"""Makes the pictures of the documentation from a home that `reelindex demo` made.

By hand, from the root of the checkout, where Chromium is installed: `python docs/make_pictures.py HOME`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from orchestration.cli import search as search_command
from orchestration.cli.console import out
from orchestration.cli.ui import GROUPS, asset_graph_path
from orchestration.demo_corpus import DEMO_QUESTIONS
from retrieval import open_index
from settings import Home
from tests.orchestration.web_ui import BROWSER_ARGUMENTS, find_browser, started_ui
from tests.serving.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURES = Path(__file__).parent / "pictures"
QUESTIONS = DEMO_QUESTIONS[2:4]
"""One that is answered by what is said, one by what is seen."""
RESULTS_SHOWN = 3
TERMINAL_WIDTH = 116

GRAPH_WINDOW = {"width": 1900, "height": 1300}
"""The largest in which Dagster draws assets as boxes with a name: with more room it adds lines too small to read."""
GRAPH_MARGIN = 40
PAGE_WINDOW = {"width": 1380, "height": 1010}
SEARCH_WINDOW = {"width": 1000, "height": 760}
SETTLED_MS = 2500


def main(home: Home) -> None:
    """Makes all pictures."""
    PICTURES.mkdir(exist_ok=True)
    take_search(home, PICTURES / "search.svg")
    take_pages(home)


def take_search(home: Home, path: Path) -> None:
    """Answers of the real index, as a terminal shows them."""
    out.record, out.width = True, TERMINAL_WIDTH
    with open_index(home.lake, cache_dir=home.caches) as index:
        for question in QUESTIONS:
            out.print(f'$ reelindex search -n {RESULTS_SHOWN} "{question}"', style="bold cyan", highlight=False)
            search_command.show(index.search(question, limit=RESULTS_SHOWN))
            out.print()
    drawn = out.export_svg(title="reelindex search")
    # Rich names a font on a server; a picture asks none.
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8")


def take_pages(home: Home) -> None:
    """Pages of the web UI, in the light theme."""
    from playwright.sync_api import sync_playwright

    browser = find_browser()
    if browser is None:
        sys.exit("no Chromium is on the path")
    with (
        TemporaryDirectory() as scratch,
        started_ui(home.folder, Path(scratch)) as address,
        sync_playwright() as driver,
    ):
        chromium = driver.chromium.launch(executable_path=browser, args=BROWSER_ARGUMENTS)
        take_asset_graph(chromium, address, PICTURES / "asset_graph.png")
        take_materialisation(chromium, address, PICTURES / "materialisation.png")
        with served(home.folder, Path(scratch)) as search_address:
            take_search_page(chromium, search_address, PICTURES / "search_page.png")
        chromium.close()


def take_search_page(chromium: Browser, address: str, path: Path) -> None:
    """The answers to a question that is answered by what is said."""
    page = chromium.new_page(viewport=SEARCH_WINDOW, color_scheme="light", device_scale_factor=1.5)
    page.goto(address)
    page.fill("#q", QUESTIONS[0])
    page.press("#q", "Enter")
    page.wait_for_selector(".answer")
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=path)


def take_asset_graph(chromium: Browser, address: str, path: Path) -> None:
    """The graph alone, cropped to what is drawn."""
    page = _page(chromium, address + asset_graph_path(), "sql_export", GRAPH_WINDOW)
    page.mouse.move(1, 1)
    boxes = [
        page.get_by_text(name, exact=True).last.bounding_box() for name in (*GROUPS, "visual_vectors", "sql_export")
    ]
    found = [box for box in boxes if box is not None]
    left = min(box["x"] for box in found) - GRAPH_MARGIN
    right = max(box["x"] + box["width"] for box in found) + 2 * GRAPH_MARGIN
    top = min(box["y"] for box in found) - GRAPH_MARGIN
    bottom = max(box["y"] + box["height"] for box in found) + 2 * GRAPH_MARGIN
    page.screenshot(path=path, clip={"x": left, "y": top, "width": right - left, "height": bottom - top})


def take_materialisation(chromium: Browser, address: str, path: Path) -> None:
    """What the last run did to one asset."""
    page = _page(chromium, f"{address}/assets/segments", "what_happened", PAGE_WINDOW)
    page.screenshot(
        path=path, clip={"x": 240, "y": 0, "width": PAGE_WINDOW["width"] - 240, "height": PAGE_WINDOW["height"]}
    )


def _page(chromium: Browser, url: str, awaited: str, window: dict[str, int]) -> Page:
    page = chromium.new_page(viewport=window, color_scheme="light", device_scale_factor=1.5)
    page.goto(url)
    page.get_by_text(awaited, exact=True).last.wait_for(state="visible")
    page.wait_for_timeout(SETTLED_MS)
    return page


if __name__ == "__main__":
    main(Home.find(Path(sys.argv[1])))
