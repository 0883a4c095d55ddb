"""Great Expectations' Data Docs as a folder of pages that load nothing from anywhere else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from quality.expectations.engine import Examination, suite_name
from quality.expectations.requirement import Outcome

INDEX = "index.html"
_SITE = "reelindex"
_SCRIPTS = re.compile(r"<script\b.*?</script>", re.DOTALL)
_FROM_ELSEWHERE = re.compile(r"<(?:link|img)\b[^>]*https?://[^>]*>", re.DOTALL)
_SIGN_UP = re.compile(r"<footer\b.*?</footer>", re.DOTALL)
_BACKGROUND = re.compile(r"background:\s*url\('https?://[^']*'\)[^;]*;")
_RESULT = re.compile(r"validations/([^/\"]+)/__none__/[^/\"]+/[^/\"]+\.html")
_UP = "../../../../"


def write_data_docs(examination: Examination, outcomes: Sequence[Outcome], folder: Path) -> Path:
    """Writes what an examination found as pages, in place of those of the one before.

    The pages of Great Expectations load styles, scripts and pictures from six hosts, and ask for an e-mail address;
    here they have a style of their own and nothing else. A result has an address that stays:
    `validations/<suite>.html`.

    Args:
        examination: What was asked, and answered.
        outcomes: The answers: the first page is a table of them.
        folder: Where the pages go. It is replaced in one step.

    Returns:
        The page that leads to the others.
    """
    context = examination.context
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".data-docs-") as aside:
        made = Path(aside) / "site"
        for site in list(context.list_data_docs_sites()):
            context.delete_data_docs_site(site)
        store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(made)}
        config: Any = {"class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": store}
        context.add_data_docs_site(_SITE, config)
        context.build_data_docs()
        shutil.rmtree(made / "static", ignore_errors=True)
        _give_results_an_address(made)
        style = files("quality.expectations").joinpath("data_docs.css").read_text(encoding="utf-8")
        for page in made.rglob("*.html"):
            page.write_text(_self_contained(page.read_text(encoding="utf-8"), style), encoding="utf-8")
        # Theirs is drawn by the scripts.
        (made / INDEX).write_text(_index(outcomes, style), encoding="utf-8")
        if folder.exists():
            folder.rename(Path(aside) / "before")
        made.rename(folder)
    return folder / INDEX


def page_of(outcome: Outcome) -> str:
    """The page of one answer, relative to the folder."""
    return _page(suite_name(outcome.requirement, outcome.subject))


def _page(suite: str) -> str:
    return f"validations/{suite}.html"


def _give_results_an_address(site: Path) -> None:
    for page in sorted((site / "validations").glob("*/__none__/*/*.html")):
        suite = page.relative_to(site / "validations").parts[0]
        page.rename(site / _page(suite))
    for folder in [each for each in (site / "validations").glob("*") if each.is_dir()]:
        shutil.rmtree(folder)


def _index(outcomes: Sequence[Outcome], style: str) -> str:
    rows = "\n".join(_index_row(one) for one in sorted(outcomes, key=lambda one: one.met))
    failed = sum(not one.met for one in outcomes)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="UTF-8"><title>Data Docs of reelindex</title><style>
{style}</style></head>
<body><div class="container">
<h1>Data Docs</h1>
<p>{len(outcomes) - failed} of {len(outcomes)} expectations are met.</p>
<table><thead><tr><th>table</th><th>expectation</th><th>severity</th><th>what was found</th></tr></thead>
<tbody>
{rows}
</tbody></table>
</div></body>
</html>
"""


def _index_row(one: Outcome) -> str:
    mark = f'<i class="text-{"success" if one.met else "danger"}"></i> <a href="{quote(page_of(one))}">'
    cells = (
        escape(one.subject),
        f"{mark}{escape(one.requirement.name)}</a>",
        one.requirement.severity,
        escape(one.finding),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _self_contained(page: str, style: str) -> str:
    for unwanted in (_SCRIPTS, _FROM_ELSEWHERE, _SIGN_UP):
        page = unwanted.sub("", page)
    page = _RESULT.sub(r"validations/\1.html", _BACKGROUND.sub("", page)).replace(_UP, "../")
    return page.replace("</head>", f"<style>\n{style}</style>\n</head>", 1)
