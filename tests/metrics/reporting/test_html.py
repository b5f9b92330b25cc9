from __future__ import annotations

import base64
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from molgan.errors import MolganError
from molgan.metrics.reporting.html import as_html
from molgan.metrics.reporting.plots import COLOURS, as_svg, histograms, size_validity, wilson
from molgan.metrics.reporting.report import Comparison, Report

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Text, tags and images of a page; fails where a tag is closed that is not open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.images: list[dict[str, str | None]] = []
        self.text: list[str] = []
        self.cells: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag == "img":
            self.images.append(dict(attrs))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture
def full() -> Comparison:
    rng = np.random.default_rng(0)
    evil = Report(
        "a&b_<script>alert(1)</script>",
        {"n": 100, "n_valid": 80, "valid": 0.8, "fcd": 1.5, "strange": 7.0},
        {"valid": 0.04},
        missing={"unique_at_1k": "needs 1,000 & has <80>"},
        notes=['counts "everything" & <all>'],
        examples={"not valid": [f"line {i}: C1CC<img src=x onerror=alert(1)>" for i in range(60)]},
        smiles=["CCO", "c1ccccc1", "not<a>molecule"],
        properties={"logp": rng.normal(size=80), "heavy_atoms": rng.integers(3, 9, 80)},
        nearest=[("CCO", "CCN", 0.333), ("CCC", "CCC", 1.0)],
        tables={"scaffolds": [("c1ccccc1", 20), ("C1CC1", np.int64(4))]},
        size_validity={3: (10, 5), 4: (90, 75)},
    )
    other = Report("other", {"n": 100, "valid": 0.9, "fcd": 2.5})
    reference = Report("test set", properties={"logp": rng.normal(size=500)})
    return Comparison([evil, other], reference)


def test_the_page_parses_and_holds_every_figure(full: Comparison) -> None:
    page = Page(as_html(full, "Title <1>"))
    for figure in ("80 ± 4", "90.0*", "1.500*", "2.500", "7"):
        assert figure in [" ".join(cell.split()) for cell in page.cells]
    assert "Title <1>" in page.words
    assert page.cells.count("-") == 3  # unique@1k of both, strange of the other
    assert "needs 1,000 & has <80>" in page.words
    assert "other: unique@1k; strange: not computed" in page.words
    assert 'counts "everything" & <all>' in page.words
    assert "line 49: C1CC<img src=x" in page.words
    assert "line 50:" not in page.words
    assert "and 10 more" in page.words


def test_names_are_text_and_nothing_runs(full: Comparison) -> None:
    text = as_html(full, "<script>")
    page = Page(text)
    assert page.tags["script"] == 0
    assert "a&b_<script>alert(1)</script>" in page.words
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    sources = [image["src"] or "" for image in page.images]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert not [value for name, value in page.attributes if name in ("href", "action")]
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in [
        (name, value) for name, value in page.attributes
    ]


def test_pictures_are_whole_and_say_what_they_show(full: Comparison) -> None:
    page = Page(as_html(full))
    named = Counter(image["alt"] for image in page.images)
    assert named == {
        "Histograms of the properties of the valid molecules": 1,
        "Share of valid molecules by number of heavy atoms": 1,
        "CCO": 2,  # first molecules, pairs
        "c1ccccc1": 2,  # first molecules, scaffolds
        "CCN": 1,
        "CCC": 2,
        "C1CC1": 1,
    }
    for image in page.images:
        data = (image["src"] or "").partition("base64,")[2]
        root = ElementTree.fromstring(base64.b64decode(data))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(root) > 0
    assert "not<a>molecule" in page.words  # what cannot be drawn is written
    assert "0.33" in page.words
    assert "1.00, a copy" in page.words
    assert "20 (25.0 %)" in page.words
    assert "4 (5.0 %)" in page.words


def test_sections_without_content_are_left_out() -> None:
    page = Page(as_html(Comparison([Report("a", {"valid": 1.0})])))
    assert page.tags["h2"] == 2  # figures, what they mean
    assert page.tags["img"] == 0
    assert "Nothing was measured" in Page(as_html(Comparison([Report("a")]))).words


def test_the_same_comparison_is_the_same_page(full: Comparison) -> None:
    assert as_html(full, "t") == as_html(full, "t")


def test_it_is_written_whole_or_not_at_all(full: Comparison, tmp_path: Path) -> None:
    path = tmp_path / "out" / "report.html"
    full.to_html(path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text == as_html(full)
    with pytest.raises(MolganError, match=r"report\.html"):
        full.to_html(path / "under_a_file.html")


def test_histograms_are_shares_of_their_own_set() -> None:
    few, many = np.array([1, 1, 2, 3]), np.repeat([1, 2], 500)
    figure = histograms([("few", {"rings": few})], ("many", {"rings": many}))
    assert figure is not None
    axes = figure.axes[0]
    reference, own = axes.patches
    assert reference.get_data().values == pytest.approx([0.5, 0.5, 0.0])
    assert own.get_data().values == pytest.approx([0.5, 0.25, 0.25])
    assert own.get_data().edges == pytest.approx([0.5, 1.5, 2.5, 3.5])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["many", "few"]


def test_a_property_that_a_library_lacks_leaves_its_colour_free() -> None:
    figure = histograms(
        [("a", {"logp": np.array([0.5, 1.5])}), ("b", {"qed": np.array([0.1, np.nan, 0.7])})]
    )
    assert figure is not None
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in shown] == ["logP", "QED"]
    colours = [tuple(axes.patches[0].get_edgecolor()) for axes in shown]
    from matplotlib.colors import to_rgba

    assert colours == [to_rgba(COLOURS[0]), to_rgba(COLOURS[1])]


def test_nothing_to_draw_is_no_figure() -> None:
    assert histograms([("a", {"logp": np.array([np.nan])})]) is None
    assert histograms([], ("r", {"logp": np.array([1.0])})) is None
    assert size_validity([("a", {}), ("b", {5: (0, 0)})]) is None


def test_odd_names_and_values_are_drawn() -> None:
    names = ["$\\frac{$", "_hidden", "%s{}", "中", "x" * 200, "-", "a", "a b", "ninth"]
    constant = {"logp": np.full(5, 2.0), "$x_1": np.array([1e-9, 1e9])}
    figure = histograms([(name, constant) for name in names])
    assert figure is not None
    as_svg(figure)
    assert len(figure.legends[0].get_texts()) == 9
    sizes = size_validity([(name, {1: (1, 0), 400: (3, 3)}) for name in names])
    assert sizes is not None
    as_svg(sizes)


def test_bars_are_shares_of_the_drawn() -> None:
    figure = size_validity([("none", {}), ("a", {3: (10, 5), 4: (90, 81), 5: (0, 0)})])
    assert figure is not None
    (axes,) = [axes for axes in figure.axes if axes.get_visible()]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.5, 0.9])
    assert axes.get_title(loc="left") == "a"


def test_wilson_interval() -> None:
    """Against the roots of (p - w)^2 = z^2 w (1 - w) / n, which define it."""
    for valid, drawn in [(5, 10), (81, 90), (1, 7)]:
        share, z2 = valid / drawn, 1.96**2 / drawn
        roots = sorted(np.roots([1 + z2, -2 * share - z2, share**2]).real)
        assert wilson(valid, drawn) == pytest.approx(roots, abs=1e-9)
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0
