"""The page: self-contained, sortable, and true to the tables."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from molgan.screening import Engine, Job, Pick, Screen, run
from molgan.screening.report import funnel


@pytest.fixture
def page(library, tmp_path, smi):
    known = smi("CCO", "CCCCO", "c1ccccc1", name="known.smi")
    job = Job(
        library,
        tmp_path / "out",
        Screen(alerts=("PAINS",), ranges={"weight": (None, 600.0)}, known=str(known)),
        Pick(method="maxmin", n=5),
        engine=Engine(parallel="none"),
        progress=False,
    )
    manifest = run(job)
    return (job.out / "report.html").read_text(), manifest


class Outside(HTMLParser):
    """Collects whatever a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if key in ("src", "href", "srcset", "data", "action", "poster"):
                self.found.append((tag, key, value))


def test_nothing_is_fetched_and_only_our_script_runs(page):
    text, _ = page
    outside = Outside()
    outside.feed(text)
    assert outside.found
    assert all(value.startswith("data:image/svg+xml;base64,") for _, _, value in outside.found)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy"\s+content="([^"]*)"', text)[1]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "url(" not in text
    assert "@import" not in text


def test_funnel_goes_from_all_rows_to_the_hits(page):
    text, manifest = page
    steps = funnel(manifest)
    counts = manifest["counts"]
    # The silane of the library is a radical.
    assert [stage for stage, _, _ in steps] == [
        "read",
        "duplicates",
        "ranges",
        "oddities",
        "alerts",
    ]
    assert counts["in"] - sum(lost for _, lost, _ in steps) == counts["hits"]
    assert steps[-1][2] == counts["hits"]
    for _, _, left in steps:
        assert f"<td>{left}</td>" in text
    assert "PAINS_A: azo" in text


def test_table_has_pictures_and_headings_to_click(page):
    text, _ = page
    table = text[text.index('<table class="molecules">') : text.index("</table></div>")]
    assert table.count("<tr>") == 6
    assert table.count('<img alt="') == 5
    heads = re.findall(r"<button type=\"button\">([^<]*)</button>", table)
    assert {"name", "qed", "sa", "logp", "rank", "copies", "novel"} <= set(heads)
    assert 'title="QED; 0 to 1; better: higher"' in table
    assert table.count("data-number") == len(heads) - 1  # all but the name
    assert "Histograms of the scores" in text
    assert "known molecules" in text


def test_names_from_users_are_escaped(smi, tmp_path):
    source = smi("CCO <script>alert(1)</script>", 'C1CC "><img src=x>', name="a&b.smi")
    job = Job(source, tmp_path / "out", Screen(), engine=Engine(parallel="none"), progress=False)
    run(job)
    text = (job.out / "report.html").read_text()
    assert "<script>alert" not in text
    assert "Screen of a&amp;b.smi" in text
    assert "src=x" not in text


def test_no_hits_at_all(smi, tmp_path):
    job = Job(
        smi("CCO", "CCN"),
        tmp_path / "out",
        Screen(ranges={"weight": (900.0, None)}),
        Pick(method="maxmin", n=3),
        engine=Engine(parallel="none"),
        progress=False,
    )
    manifest = run(job)
    assert (manifest["counts"]["hits"], manifest["picked"]) == (0, 0)
    assert "None." in (job.out / "report.html").read_text()
