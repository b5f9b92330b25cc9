from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest

from molgan.errors import MolganError
from molgan.metrics.reporting.latex import escape
from molgan.metrics.reporting.layout import Cell, gaps, groups, names
from molgan.metrics.reporting.report import Comparison, Report

ODD = "a&b_<x>|*%$#{}~^\\`[y]"


@pytest.fixture
def two() -> Comparison:
    first = Report(
        "first",
        {
            "n": 10_000,
            "valid": 0.8512,
            "n_valid": 8_512,
            "rejected/valence": 1_488,
            "unique": 0.934,
            "ceiling_unique": 0.959,
            "fcd": 1.98,
            "mean_atoms": 8.8,
            "moses/fcd_test": 0.3123,
            "strange": 3.0,
        },
        {"valid": 0.0035, "moses/fcd_test": 0.0042},
        notes=["everything drawn counts", "nothing repaired"],
        examples={"unparsable": [f"line {i}: C1CC" for i in range(1, 9)]},
    )
    second = Report(
        "second",
        {"n": 500, "valid": 1.0, "unique": 0.99, "fcd": 2.5, "mean_atoms": 8.9},
        missing={"moses/fcd": "needs at least 2,048 molecules", "digress": "no such graphs"},
        notes=["everything drawn counts"],
    )
    return Comparison([first, second])


def cells(comparison: Comparison) -> dict[str, tuple[Cell, ...]]:
    return {row.metric.key: row.cells for _, rows in groups(comparison) for row in rows}


def test_the_text_table(two: Comparison) -> None:
    lines = two.to_text().splitlines()
    rows = {line.strip().split("  ")[0]: line for line in lines if line.startswith("  ")}
    assert re.search(r"85\.1  ± 0\.4 +100\.0\*$", rows["valid (strict), % ↑"])
    assert re.search(r"93\.4  \[95\.9\] +99\.0\*$", rows["unique, of valid, % ↑"])
    assert re.search(r"1\.980\* +2\.500$", rows["FCD ↓"])
    assert re.search(r"0\.312  ± 0\.004 +-$", rows["FCD, test ↓"])
    assert re.search(r"8\.800 +8\.900$", rows["mean heavy atoms"])
    assert re.search(r"1,488 +0$", rows["rejected: valence"])
    assert re.search(r" 3 +-$", rows["strange"])
    assert lines.index("Strict") < lines.index("MOSES") < lines.index("Other")


def test_columns_are_aligned(two: Comparison) -> None:
    lines = two.to_text().split("\n\n")[0].splitlines()
    ends = {
        match.end() for line in lines if (match := re.search(r"(10,000|85\.1|93\.4|1\.980)", line))
    }
    assert len(ends) == 1


def test_best_respects_the_direction(two: Comparison) -> None:
    best = {key: [cell.best for cell in row] for key, row in cells(two).items()}
    assert best["valid"] == [False, True]
    assert best["fcd"] == [True, False]
    assert best["mean_atoms"] == [False, False]  # neither way is better
    assert best["moses/fcd_test"] == [False, False]  # a contest of one
    assert best["n"] == [False, False]


def test_equals_share_the_mark_unless_all_are_equal() -> None:
    def marks(*values: float) -> list[bool]:
        reports = [Report(str(i), {"valid": value}) for i, value in enumerate(values)]
        return [cell.best for cell in cells(Comparison(reports))["valid"]]

    assert marks(0.5, 0.9, 0.90000001) == [False, True, True]
    assert marks(0.9, 0.9) == [False, False]
    assert marks(0.9) == [False]
    assert marks(float("nan"), 0.5, 0.6) == [False, False, True]


def test_the_reference_takes_no_part_in_the_contest(two: Comparison) -> None:
    both = Comparison(two.reports, Report("QM9 test", {"valid": 1.0, "fcd": 0.03}))
    assert [cell.best for cell in cells(both)["fcd"]] == [True, False, False]
    assert cells(both)["moses/fcd_test"][-1].value == ""
    assert "QM9 test" in both.to_text().splitlines()[0]


def test_missing_figures_are_explained(two: Comparison) -> None:
    text = two.to_text()
    below = text[text.index("Not computed (-):") :]
    assert "second: moses/fcd: needs at least 2,048 molecules" in below
    assert "second: DiGress: no such graphs" in below
    assert "second: strange: not computed for this library" in below
    assert "first:" not in below.split("Examples")[0]


def test_a_missing_figure_has_a_row_even_if_nobody_has_it() -> None:
    alone = Comparison([Report("a", {"valid": 1.0}, missing={"unique_at_10k": "too few"})])
    assert cells(alone)["unique_at_10k"] == (Cell("-"),)
    assert gaps(alone) == ["unique@10k: too few"]


def test_the_reason_of_the_narrowest_key_counts() -> None:
    report = Report("a", missing={"moses": "group", "moses/fcd": "both", "moses/fcd_test": "this"})
    assert report.why_missing("moses/fcd_test") == "this"
    assert report.why_missing("moses/fcd_test_scaffolds") == "this"
    assert report.why_missing("moses/fcdx") == "group"
    assert report.why_missing("moses/scaf_test") == "group"
    assert report.why_missing("valid") == ""
    assert Report("a", missing={"strict": "none"}).why_missing("valid") == "none"


def test_the_same_gap_everywhere_is_said_once() -> None:
    reports = [Report(name, {"n": 1}, missing={"fcd": "no fcd package."}) for name in "ab"]
    assert gaps(Comparison(reports)) == ["all libraries: FCD: no fcd package"]


def test_notes_of_all_are_said_once_and_others_with_the_name(two: Comparison) -> None:
    text = two.to_text()
    assert text.count("everything drawn counts") == 1
    assert "  everything drawn counts\n" in text
    assert "  first: nothing repaired\n" in text


def test_the_legend_speaks_of_what_is_there(two: Comparison) -> None:
    alone = Comparison([Report("a", {"n": 10, "valid": 0.5})]).to_text()
    assert "±" not in alone
    assert "[ ]" not in alone
    assert "*" not in alone
    assert "differ in size" not in alone
    assert "differ in size" in two.to_text()  # 10,000 and 500


def test_examples_are_listed_with_how_many_more(two: Comparison) -> None:
    assert "line 1: C1CC; line 2: C1CC" in two.to_text()
    assert "and 3 more" in " ".join(two.to_text().split())


def test_control_characters_never_reach_the_terminal() -> None:
    report = Report(
        "a\x1b[31m\nb", {"valid": 1.0}, examples={"unparsable": ["line 1: \x1b]0;x\x07"]}
    )
    text = Comparison([report]).to_text()
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)


def test_alike_names_are_told_apart() -> None:
    assert names(Comparison([Report("a"), Report("a"), Report("")], Report("a"))) == [
        "a",
        "a (2)",
        "(no name)",
        "a (3)",
    ]


def test_a_narrow_terminal_gets_blocks_of_columns() -> None:
    reports = [Report(f"library-{i}", {"valid": 0.1 * i}) for i in range(8)]
    text = Comparison(reports).to_text(width=60)
    assert max(map(len, text.splitlines())) <= 60
    for i in range(8):
        assert len(re.findall(rf"library-{i}\b", text)) == 1
    wide = Comparison(reports).to_text().splitlines()[0]
    assert all(f"library-{i}" in wide for i in range(8))
    assert Comparison(reports).to_text(width=1)  # one column at a time, at least


def test_nothing_measured_is_said() -> None:
    assert Comparison([Report("a")]).to_text() == "Nothing was measured."
    assert Comparison([]).to_text() == "Nothing was measured."


def test_csv_round_trips(two: Comparison, tmp_path: Path) -> None:
    two.reports[0].name = 'quotes " and, commas\nlines'
    path = tmp_path / "new" / "results.csv"
    two.to_csv(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    own = {r["metric"]: r for r in rows if r["library"].startswith("quotes")}
    assert {key: float(own[key]["value"]) for key in two.reports[0].figures} == pytest.approx(
        two.reports[0].figures, abs=0
    )
    assert float(own["valid"]["error"]) == 0.0035
    assert own["fcd"]["error"] == ""
    assert own["fcd"]["direction"] == "down"
    assert own["moses/fcd_test"]["group"] == "MOSES"
    assert own["valid"]["n"] == "10000"
    other = {r["metric"]: r for r in rows if r["library"] == "second"}
    assert other["moses/fcd_test"]["value"] == ""
    assert other["moses/fcd_test"]["missing"] == "needs at least 2,048 molecules"
    assert other["digress"]["missing"] == "no such graphs"
    assert other["strange"]["missing"]
    assert all(bool(r["value"]) != bool(r["missing"]) for r in rows)


def test_a_folder_in_the_way_is_named(two: Comparison, tmp_path: Path) -> None:
    with pytest.raises(MolganError, match=re.escape(str(tmp_path))):
        two.to_csv(tmp_path)


def unescaped(line: str, char: str) -> int:
    return len(re.findall(rf"(?<!\\){re.escape(char)}", line))


def test_markdown_rows_have_all_columns_and_nothing_is_markup(two: Comparison) -> None:
    two.reports[1].name = ODD
    lines = two.to_markdown().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {unescaped(line, "|") for line in table} == {4}
    assert r"a&amp;b\_&lt;x&gt;\|\*" in table[0]
    assert "| valid (strict), % ↑ | 85.1 ± 0.4 | **100.0** |" in table
    assert r"| unique, of valid, % ↑ | 93.4 \[95.9\] | **99.0** |" in table
    assert "<x>" not in two.to_markdown()
    assert any("needs at least 2,048 molecules" in line for line in lines)


def test_latex_is_balanced_and_escaped(two: Comparison) -> None:
    two.reports[1].name = ODD
    two.reports[1].missing["moses/fcd"] = "50 % of {these} cost $5 & more_"
    text = two.to_latex()
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [
        line for line in body.splitlines() if line.endswith(r"\\") and "multicolumn" not in line
    ]
    assert {unescaped(row, "&") for row in rows} == {2}
    assert unescaped(text, "{") == unescaped(text, "}")
    assert unescaped(text, "$") % 2 == 0
    assert unescaped(text, "%") == 1  # the comment that names the package
    assert text.isascii()
    assert r"valid (strict), \% $\uparrow$ & 85.1 $\pm$ 0.4 & \textbf{100.0} \\" in rows
    assert r"50 \% of \{these\} cost \$5 \& more\_" in text
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"a\b", r"a\textbackslash{}b"),
        ("50 %", r"50 \%"),
        ("a_b^c~", r"a\_b\textasciicircum{}c\textasciitilde{}"),
        ("<x>", r"\textless{}x\textgreater{}"),
        ("[4]*", "{[}4{]}{*}"),  # after \\ both would be LaTeX's own
        ("--", "{-}{-}"),
        ("Fréchet", r"Fr\'{e}chet"),
        ("naïve", r"na\"{\i}ve"),
        ("中", "U+4E2D"),
        ("a\nb", "a b"),
    ],
)
def test_latex_escapes(text: str, expected: str) -> None:
    assert escape(text) == expected


def test_reports_are_apart() -> None:
    """Defaults are not shared between reports."""
    Report("a").figures["valid"] = 1.0
    Report("a").properties["logp"] = np.zeros(1)
    assert Report("b").figures == {}
    assert Report("b").properties == {}
