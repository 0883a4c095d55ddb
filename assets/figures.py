"""Figures for pages that a person looks at."""

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_markdown(figure: "Figure", alternative: str) -> str:
    """A figure as a PNG inside Markdown: the web UI has no files of ours to point to."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=90)
    return f"![{alternative}](data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()})"
