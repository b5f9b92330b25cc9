from __future__ import annotations

import json

from molgan.chem import CoverageReport


def test_counts_details_and_examples_add_up() -> None:
    report = CoverageReport()
    report.keep(3)
    for _ in range(7):
        report.drop("element", "Se", "C[Se]C")
    report.drop("size")
    assert (report.total, report.kept) == (11, 3)
    assert report.dropped == {"element": 7, "size": 1}
    assert report.details == {"element": {"Se": 7}}
    assert report.examples == {"element": ["C[Se]C"] * 5}


def test_the_summary_names_counts_reasons_and_an_example() -> None:
    report = CoverageReport()
    report.keep(1234)
    report.drop("fragments", example="CC.[Na+]")
    report.drop("element", "Se", "C[Se]C")
    report.drop("element", "Te", "C[Te]C")
    lines = report.summary().splitlines()
    assert lines[0] == "1,234 of 1,237 molecules kept"
    assert lines[1].startswith("  2 dropped: an element")
    assert "(Se 1, Te 1), e.g. C[Se]C" in lines[1]
    assert "salts" in lines[2]


def test_a_report_survives_json() -> None:
    report = CoverageReport()
    report.keep()
    report.drop("parse", example="?")
    assert CoverageReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
