"""`View`: something to look at, in a notebook or as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from molgan.errors import MolganError
from molgan.library.writers import atomic_write
from molgan.metrics.reporting.page import as_page, image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class View:
    """A picture, and the page that holds it; a notebook shows it when it ends a cell.

    Attributes:
        title: Of the page.
        caption: One or two sentences on what is seen.
        make_svg: Draws the static picture as SVG.
        make_png: The same as PNG.
        body: HTML of the page instead of the picture, for what can be sorted, hovered or turned.
        style: CSS of that HTML.
        script: JavaScript of that HTML, the only one that its page lets run.
        height: Of the frame in a notebook, in pixels, for HTML of its own.
    """

    title: str
    caption: str
    make_svg: Callable[[], bytes]
    make_png: Callable[[], bytes]
    body: str = ""
    style: str = ""
    script: str = ""
    height: int = 480

    def __repr__(self) -> str:
        """Its title and caption: the picture itself would fill the screen."""
        return f"View of {self.title!r}: {self.caption or 'no caption'}"

    def html(self) -> str:
        """The whole page, self-contained."""
        content = self.body or image(self.make_svg(), self.caption or self.title)
        caption = f'<p class="caption">{escape(self.caption)}</p>' if self.caption else ""
        return as_page(
            self.title, [("", content + caption)], style=_STYLE + self.style, script=self.script
        )

    def save(self, path: str | Path) -> Path:
        """Write it as the name says: `.html` (a page), `.svg` or `.png` (the static picture).

        Args:
            path: Of the file.

        Raises:
            MolganError: For another ending, or when the file cannot be written.
        """
        path = Path(path)
        kinds = {".html": self._page, ".svg": self.make_svg, ".png": self.make_png}
        make = kinds.get(path.suffix.lower())
        if make is None:
            raise MolganError(f"cannot write a picture as {path}: end it in .html, .svg or .png")
        content = make()
        with atomic_write(path, binary=True) as file:
            file.write(content)
        return path

    def _page(self) -> bytes:
        return self.html().encode()

    def _repr_html_(self) -> str:
        """The picture, or the page in a frame of its own, which can harm nothing around it."""
        if not self.body:
            caption = f"<p>{escape(self.caption)}</p>" if self.caption else ""
            return image(self.make_svg(), self.caption or self.title) + caption
        return framed(self.html(), self.height)


def framed(page: str, height: int) -> str:
    """A self-contained page in a frame that runs its scripts apart from the notebook's.

    Args:
        page: The whole HTML page.
        height: In pixels.
    """
    return (
        f'<iframe sandbox="allow-scripts" style="width:100%;height:{height}px;border:0" '
        f'srcdoc="{escape(page)}"></iframe>'
    )


def figure_view(title: str, caption: str, figure: Figure) -> View:
    """A matplotlib figure as a view."""
    from molgan.metrics.reporting.plots import as_svg

    return View(title, caption, lambda: as_svg(figure), lambda: figure_png(figure))


def figure_png(figure: Figure) -> bytes:
    """A matplotlib figure as PNG, on white."""
    import io

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, facecolor="white")
    return buffer.getvalue()


_STYLE = """\
h2:empty { display: none; }
section { margin-top: 0; }
section > img { max-width: 100%; height: auto; }
"""
