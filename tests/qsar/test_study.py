from __future__ import annotations

import csv

import numpy as np
import pytest

from molgan.chem.properties import murcko_scaffold
from molgan.errors import DataError
from molgan.qsar import RandomForest, run_study
from molgan.qsar.assays import assays_of
from molgan.qsar.report import write_study
from molgan.qsar.summary import text

FOREST = RandomForest(trees=10, size=256)


@pytest.fixture(scope="module")
def assays(smiles, values):
    return assays_of([*smiles, "nonsense", smiles[0]], [*values, 1.0, values[0] + 100])


@pytest.fixture(scope="module")
def regression(assays):
    return run_study(assays, target="logP", family=FOREST, split="random", seed=1)


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_scaffolds_are_not_shared(smiles, values):
    found = run_study(assays_of(smiles, values), family=FOREST)
    parts = [
        {murcko_scaffold(found.prepared.mols[place]) for place in places}
        for places in found.split.values()
    ]
    assert all(parts)
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_the_test_molecules_are_not_fitted_on(assays):
    """Their values changed, the model stays."""
    first = run_study(assays, family=FOREST, split="random")
    changed = [row.value for row in assays.rows]
    held = {first.prepared.smiles[place] for place in first.split["test"]}
    for place, row in enumerate(assays.rows):
        if first.prepared.fates[place][0] in held:
            changed[place] = 10 * float(row.value)
    again = run_study(
        assays_of([row.smiles for row in assays.rows], changed), family=FOREST, split="random"
    )
    assert again.model.calibration == first.model.calibration
    assert again.model.training == first.model.training
    assert np.array_equal(again.held_out["test"].mean, first.held_out["test"].mean)


def test_figures_stand_beside_what_needs_no_model(regression):
    figures = regression.model.record["figures"]
    assert figures["test"]["n"] == 16
    assert figures["test"]["rmse"] < figures["baseline"]["rmse"]
    assert figures["test_errors"]["rmse"] > 0
    assert figures["inside"]["n"] + figures["outside"]["n"] == 16
    part = regression.held_out["test"]
    errors = part.neighbour - part.measured
    assert figures["neighbour"]["mae"] == pytest.approx(np.abs(errors).mean())


def test_the_record_says_what_was_done(regression):
    record = regression.model.record
    assert record["data"]["rows"] == 162
    assert record["data"]["molecules"] == 160
    assert record["data"]["reasons"] == {"not a valid SMILES": 1}
    assert record["split"]["method"] == "random"
    assert record["split"]["seed"] == 1
    assert record["settings"]["trees"] == 10
    assert {"molgan", "rdkit", "scikit-learn"} <= set(record["versions"])


def test_refit_learns_the_test_molecules_but_keeps_the_figures(assays, regression):
    again = run_study(assays, target="logP", family=FOREST, split="random", seed=1, refit=True)
    assert again.model.record["figures"] == regression.model.record["figures"]
    assert again.model.training["count"] == regression.model.training["count"] + 16
    assert any("fitted again" in note for note in again.notes)


def test_without_test_and_validation_molecules(assays):
    found = run_study(assays, family=FOREST, split="random", fractions=[1, 0, 0])
    assert found.held_out == {}
    assert len(found.notes) == 2
    assert "nothing is known" in text(found)


def test_one_scaffold_leaves_nothing_to_hold_out():
    smiles = [f"{'C' * n}O" for n in range(1, 31)]
    with pytest.raises(DataError, match=r"^split=scaffold leaves .* use split=random"):
        run_study(assays_of(smiles, range(30)), family=FOREST)


def test_one_class_to_train_on_is_too_few(smiles):
    # The only positives are of one scaffold, which the split puts elsewhere.
    labels = [int("c1ccsc1" in text and "=O" in text) for text in smiles]
    for seed in range(50):
        try:
            run_study(
                assays_of(smiles, labels),
                family=FOREST,
                split="random",
                seed=seed,
                fractions=[0.1, 0.45, 0.45],
            )
        except DataError as error:
            assert "training molecules have the same value" in str(error)  # noqa: PT017
            return
    pytest.fail("no seed left the positives out")


def test_files_of_a_study(regression, assays, tmp_path):
    names = write_study(regression, assays, tmp_path / "out")
    assert sorted(names) == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert (tmp_path / "out" / "parity.png").read_bytes()[:4] == b"\x89PNG"
    rows = rows_of(tmp_path / "out" / "rows.csv")
    assert len(rows) == len(assays.rows)
    assert [row["fate"] for row in rows[-2:]] == ["not a valid SMILES", "merged"]
    molecules = rows_of(tmp_path / "out" / "predictions.csv")
    assert len(molecules) == 160
    assert sum(row["predicted"] != "" for row in molecules) == 32
    conflicts = rows_of(tmp_path / "out" / "conflicts.csv")
    assert [row["rows"] for row in conflicts] == ["entry 1; entry 162"]


def test_the_page_stands_alone_and_escapes(smiles, values, tmp_path):
    name = "<script>alert(1)</script>"
    found = run_study(assays_of(smiles, values), target=name, family=FOREST, split="random")
    write_study(found, assays_of(smiles, values), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert 'src="http' not in page
    assert "default-src 'none'" in page
    assert page.count("data:image/svg+xml") >= 14


def test_pages_of_classes(smiles, values, tmp_path):
    labels = (values >= 1).astype(int)
    found = run_study(assays_of(smiles, list(labels)), family=FOREST, split="random")
    names = write_study(found, assays_of(smiles, list(labels)), tmp_path)
    assert {"roc.png", "reliability.png"} <= set(names)
    assert "ROC-AUC" in text(found)


def test_the_summary_names_every_reason(regression):
    shown = text(regression)
    assert "162 rows, 160 molecules, 1 repeats merged, 1 rows unusable" in shown
    assert "1 x not a valid SMILES" in shown
    assert "1 molecules whose repeats disagree" in shown
    assert "R² ↑" in shown
