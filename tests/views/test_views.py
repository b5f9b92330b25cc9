"""Views: what they show, that files are self-contained, and what is refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rdkit import Chem

from molgan import Library, MolGAN, views
from molgan.errors import ChemistryError, ConfigError, DataError, MolganError
from molgan.views.scaffolds import NO_RINGS, scaffold_forest

SMILES = ["CCO", "CCCO", "c1ccccc1", "c1ccccc1O", "c1ccc2ccccc2c1C", "C1CC1", "CC(=O)N", "CCN"]
OUTSIDE = re.compile(r"""(?:src|href)=["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""")


@pytest.fixture(scope="module")
def library() -> Library:
    names = [f"a<{i}>" for i in range(len(SMILES))]
    qed = np.linspace(0.1, 0.8, len(SMILES))
    return Library(pd.DataFrame({"name": names, "smiles": SMILES, "qed": qed, "novel": 1}))


@pytest.fixture(scope="module")
def all_views(library: Library) -> dict[str, views.View]:
    return {
        "molecules": views.molecules(SMILES[:2], ["a", "b"]),
        "library": library.view(),
        "histograms": library.histograms(SMILES[:4]),
        "space": views.chemical_space(library, SMILES[:3], colour="qed"),
        "scaffolds": views.scaffold_tree(library),
        "structure": views.structure_3d("CCO"),
    }


NAMES = ["molecules", "library", "histograms", "space", "scaffolds", "structure"]


@pytest.mark.parametrize("name", NAMES)
def test_a_view_is_written_as_its_name_says(name, all_views, tmp_path: Path):
    view = all_views[name]
    page = view.save(tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert OUTSIDE.search(page) is None
    assert b"<svg" in view.save(tmp_path / "a.svg").read_bytes()[:1000]
    with Image.open(view.save(tmp_path / "a.png")) as picture:
        assert np.asarray(picture.convert("L")).std() > 1  # not blank
    assert OUTSIDE.search(view._repr_html_()) is None


def test_another_ending_is_refused(all_views, tmp_path: Path):
    with pytest.raises(MolganError, match=r"end it in \.html, \.svg or \.png"):
        all_views["space"].save(tmp_path / "a.gif")


def test_a_notebook_shows_pictures_names_and_a_table_that_sorts(library: Library):
    shown = library._repr_html_()
    assert "data:image/svg+xml" in shown
    assert "srcdoc" in shown
    assert "aria-sort" in shown
    assert "a<0>" not in shown  # names are text, never markup
    assert "<script" not in shown  # only inside the frame, where they are escaped


def test_a_large_library_costs_a_notebook_no_more():
    small = Library(pd.DataFrame({"smiles": ["CCO"] * 60}))
    large = Library(pd.DataFrame({"smiles": ["CCO"] * 5000}))
    assert len(large._repr_html_()) < 1.1 * len(small._repr_html_())


def test_a_library_that_cannot_be_drawn_or_is_empty_still_shows():
    assert "C1CC" in Library(pd.DataFrame({"smiles": ["CCO", "C1CC"]}))._repr_html_()
    assert "Library of 0 molecules" in Library(pd.DataFrame({"smiles": []}))._repr_html_()


def test_similar_molecules_lie_near_each_other_on_the_map():
    chains = ["CCCCO", "CCCCCO", "CCCCCCO"]
    rings = ["c1ccccc1C", "c1ccccc1CC", "c1ccccc1CCC"]
    points, kept = views.project(chains + rings)
    assert points.shape == (6, 2)
    assert 0 < kept <= 1
    within = np.linalg.norm(points[:3] - points[:3].mean(0), axis=1).max()
    between = np.linalg.norm(points[:3].mean(0) - points[3:].mean(0))
    assert between > 2 * within
    np.testing.assert_allclose(points, views.project(chains + rings)[0])


def test_a_map_that_cannot_be_drawn_says_why(library: Library, monkeypatch):
    with pytest.raises(DataError, match="three molecules"):
        views.project(["CCO", "CCN"])
    with pytest.raises(ConfigError, match="pca or umap"):
        views.project(SMILES, method="tsne")
    with pytest.raises(ChemistryError, match="'C1CC'"):
        views.project([*SMILES, "C1CC"])
    with pytest.raises(DataError, match="'sa' to colour by; there are: name, smiles, qed"):
        views.chemical_space(library, colour="sa")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MolganError, match=r"molgan\[notebook\]"):
        views.project(SMILES, method="umap")


def test_the_map_escapes_names_of_users():
    frame = pd.DataFrame({"smiles": SMILES, "name": [f"</script>{i}" for i in range(len(SMILES))]})
    page = views.chemical_space(Library(frame)).html()
    assert page.count("</script>") == 1


def test_scaffolds_stand_below_what_they_contain():
    smiles = ["CCO", "c1ccccc1O", "c1ccccc1", "c1ccc(-c2ccccc2)cc1C", "C1CC1", "C1CC1c1ccccc1"]
    forest = scaffold_forest(smiles)
    roots = {node.smiles: node for node in forest}
    assert set(roots) == {NO_RINGS, "c1ccccc1", "C1CC1"}
    benzene = roots["c1ccccc1"]
    assert benzene.rows == [1, 2]
    below = {node.smiles for node in benzene.children}
    assert below == {"c1ccc(-c2ccccc2)cc1", "c1ccc(C2CC2)cc1"}
    assert sum(node.count for node in forest) == len(smiles)
    assert forest[0] is benzene  # most frequent first


def test_a_ring_system_shared_by_scaffolds_is_a_node_of_its_own():
    (root,) = scaffold_forest(["c1ccccc1C1CC1", "c1ccccc1C1CCC1"])
    assert root.smiles == "c1ccccc1"
    assert root.rows == []
    assert root.count == 2


def test_histograms_take_columns_of_the_library_and_name_what_is_unknown(library: Library):
    view = views.property_histograms({"mine": library}, properties=["novel", "logp"])
    assert b"logP" in view.make_svg()
    with pytest.raises(DataError, match="no property 'charm'"):
        views.property_histograms({"mine": library}, properties=["charm"])


def test_a_walk_goes_from_the_size_of_one_molecule_to_that_of_the_other(chain_bundle):
    model = MolGAN(chain_bundle)
    path = model.interpolate("CCO", "CCCCC", 40)
    assert len(path) + sum(path.rejected.values()) == 40
    positions = path.frame["position"].to_numpy()
    assert (np.diff(positions) > 0).all()
    sizes = [Chem.MolFromSmiles(smiles).GetNumAtoms() for smiles in path.smiles]
    assert sizes == np.rint(3 + 2 * positions).astype(int).tolist()
    view = views.latent_walk(model, "CCO", "CCCCC", 40)
    assert b"<svg" in view.make_svg()
    assert "From CCO to CCCCC in 40 points" in view.caption
    with pytest.raises(MolganError, match="n=1"):
        model.interpolate("CCO", "CCC", 1)
    with pytest.raises(ChemistryError, match="'CCS'"):
        model.interpolate("CCO", "CCS")


def test_the_walk_keeps_to_the_sphere():
    from molgan.latents import great_circle

    rng = np.random.default_rng(0)
    start, end = rng.standard_normal((2, 16)).astype(np.float32)
    start, end = (v / np.linalg.norm(v) for v in (start, end))
    path = great_circle(start, end, np.linspace(0, 1, 7))
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(path[[0, -1]], [start, end], atol=1e-5)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
    np.testing.assert_allclose(great_circle(start, start, np.array([0.0, 0.5])), [start, start])


def test_structures_that_cannot_be_shown_say_why(tmp_path: Path, monkeypatch):
    with pytest.raises(ChemistryError, match="parse"):
        views.structure_3d("C1CC")
    with pytest.raises(ChemistryError, match="no coordinates"):
        views.structure_3d(Chem.MolFromSmiles("CCO"))
    with pytest.raises(DataError, match=r"nothing\.sdf"):
        views.structure_3d(tmp_path / "nothing.sdf")
    with pytest.raises(ConfigError, match="own or py3dmol"):
        views.structure_3d("CCO", engine="pymol")
    monkeypatch.setitem(sys.modules, "py3Dmol", None)
    with pytest.raises(MolganError, match=r"molgan\[notebook\]"):
        views.structure_3d("CCO", engine="py3dmol")


def test_a_pose_from_a_file_is_shown(tmp_path: Path):
    from molgan.library.conformers import embed

    path = tmp_path / "a.sdf"
    path.write_text(Chem.MolToMolBlock(embed("CCO").mol) + "$$$$\n")
    assert "3 heavy atoms" in views.structure_3d(path).html()


def test_a_grid_of_mols2grid_escapes_texts_and_labels_scores(library: Library, tmp_path: Path):
    pytest.importorskip("mols2grid")
    page = library.interactive().save(tmp_path / "grid.html").read_text(encoding="utf-8")
    assert "a&lt;0&gt;" in page
    assert "a<0>" not in page
    assert "qed 0.8" in page
    with pytest.raises(MolganError, match=r"end it in \.html"):
        library.interactive().save(tmp_path / "grid.png")
    with pytest.raises(DataError, match="no column 'sa'"):
        library.interactive(["sa"])


def test_a_grid_without_mols2grid_names_the_extra(library: Library, monkeypatch):
    monkeypatch.setitem(sys.modules, "mols2grid", None)
    with pytest.raises(MolganError, match=r"molgan\[notebook\]"):
        library.interactive()


@pytest.mark.slow  # UMAP compiles itself first
def test_a_map_by_umap_keeps_groups_apart():
    pytest.importorskip("umap")
    chains = ["C" * n + "O" for n in range(4, 16)]
    rings = ["c1ccccc1" + "C" * n for n in range(1, 13)]
    points, kept = views.project(chains + rings, method="umap")
    assert kept is None
    within = np.linalg.norm(points[:12] - points[:12].mean(0), axis=1).mean()
    assert np.linalg.norm(points[:12].mean(0) - points[12:].mean(0)) > within
