"""What every page of ours is made of: the shell, and pictures that need no other file.

Names and SMILES come from users' files: every text goes through `escape`, pictures are embedded as
images, which run nothing, and a page forbids itself the network and any script but its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from typing import Any

from molgan.errors import ChemistryError
from molgan.metrics.reporting.style import CSS


def as_page(
    title: str, sections: Iterable[tuple[str, str]], *, style: str = "", script: str = ""
) -> str:
    """Return a self-contained HTML page.

    Args:
        title: Of the page, any text.
        sections: Heading, any text, and content, HTML; those without content are left out.
        style: CSS besides that of all pages.
        script: JavaScript, the only one that the page lets run.
    """
    body = "\n".join(
        f"<section>\n<h2>{escape(head)}</h2>\n{content}\n</section>"
        for head, content in sections
        if content
    )
    allowed = ""
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
        allowed = f";\n script-src 'sha256-{digest}'"
        script = f"<script>{script}</script>\n"
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'{allowed}">
<title>{escape(title)}</title>
<style>
{CSS}{style}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
{script}</body>
</html>
"""
    # Lone surrogates, from file names that are no UTF-8, cannot be written.
    return page.encode("utf-8", "replace").decode("utf-8")


def image(svg: bytes, alt: str, cell: tuple[int, int] | None = None) -> str:
    """Return an SVG as an image, which runs no script that may be in it.

    Args:
        svg: The picture.
        alt: What it shows, any text.
        cell: Width and height in pixels; None is its own size.
    """
    size = f' width="{cell[0]}" height="{cell[1]}"' if cell else ""
    data = base64.b64encode(svg).decode("ascii")
    return f'<img alt="{escape(alt)}"{size} src="data:image/svg+xml;base64,{data}">'


def drawing(smiles: str, cell: tuple[int, int]) -> str:
    """Return the picture of a molecule; the text itself where it is none."""
    from molgan.library.pictures import draw_svg

    try:
        picture = draw_svg(smiles, cell=cell)
    except ChemistryError:
        return f"<code>{escape(smiles)}</code>"
    return image(picture.encode(), smiles, cell)


def plot(figure: Any, alt: str, caption: str) -> str:
    """Return a matplotlib figure with its caption, any text."""
    from molgan.metrics.reporting.plots import as_svg

    return (
        f'<figure class="plot">{image(as_svg(figure), alt)}'
        f'<figcaption class="caption">{escape(caption)}</figcaption></figure>'
    )
