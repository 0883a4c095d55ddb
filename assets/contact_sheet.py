"""A few keyframes side by side as one small picture, for a page that a person looks at."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

COLUMNS = 4
CELL_WIDTH, CELL_HEIGHT = 128, 72
GAP = 4
JPEG_QUALITY = 60


def contact_sheet(jpegs: Sequence[bytes]) -> bytes:
    """Pictures in rows of four, each fitted into 128x72 on white.

    Args:
        jpegs: At least one JPEG.

    Returns:
        A JPEG of about 2 kB a picture.
    """
    from PIL import Image, ImageOps

    rows = -(-len(jpegs) // COLUMNS)
    width = min(len(jpegs), COLUMNS) * (CELL_WIDTH + GAP) - GAP
    sheet = Image.new("RGB", (width, rows * (CELL_HEIGHT + GAP) - GAP), "white")
    for position, jpeg in enumerate(jpegs):
        row, column = divmod(position, COLUMNS)
        with Image.open(io.BytesIO(jpeg)) as picture:
            cell = ImageOps.pad(picture.convert("RGB"), (CELL_WIDTH, CELL_HEIGHT), color="white")
        sheet.paste(cell, (column * (CELL_WIDTH + GAP), row * (CELL_HEIGHT + GAP)))
    written = io.BytesIO()
    sheet.save(written, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return written.getvalue()


def as_markdown(jpeg: bytes, alternative: str) -> str:
    """A picture inside Markdown, its bytes included: the web UI has no files of ours to point to."""
    return f"![{alternative}](data:image/jpeg;base64,{base64.b64encode(jpeg).decode()})"
