from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.loader import DataLoader

from molgan.data import MoleculeDataset, load_dataset, storage
from molgan.data.sources import MoleculeFile
from molgan.data.storage import MoleculeTable
from molgan.errors import ConfigError, DataError
from molgan.graphs import MolGraphs

SMILES = ["CCO", "c1ccccc1O", "C", "C[N+](C)(C)C", "CC(=O)[O-]", "N#CC", "C1CC1", "FC(F)F"]


@pytest.fixture
def smi(tmp_path):
    path = tmp_path / "set.smi"
    path.write_text("".join(f"{text} m{i}\n" for i, text in enumerate(SMILES)))
    return path


def load(path, tmp_path, **settings):
    return load_dataset("file", path=path, cache_dir=tmp_path / "cache", progress=False, **settings)


def test_dense_tensors_decode_to_the_molecules(smi, tmp_path):
    dataset = load(smi, tmp_path)
    dense = dataset.dense("all")
    assert dense.atoms.dtype == dense.bonds.dtype == torch.uint8
    assert dense.atoms.shape == (8, 7)
    assert dense.bonds.shape == (8, 21)
    decoded = dataset.codec.decode(dense.atoms.numpy(), dense.bonds.numpy())
    assert [one.smiles for one in decoded] == dataset.smiles
    assert dataset.smiles[:3] == ["CCO", "Oc1ccccc1", "C"]


def test_dense_of_a_split_follows_its_indices(smi, tmp_path):
    dataset = load(smi, tmp_path, fractions=[0.5, 0.25, 0.25], seed=4)
    everything = dataset.dense("all")
    for name, indices in dataset.split_indices.items():
        part = dataset.dense(name)
        assert torch.equal(part.atoms, everything.atoms[indices])
        assert torch.equal(part.bonds, everything.bonds[indices])
        assert dataset.split_smiles(name) == [dataset.smiles[i] for i in indices]
    assert [len(part) for part in dataset.split_indices.values()] == [4, 2, 2]


def test_pyg_form_agrees_with_the_dense_form(smi, tmp_path):
    dataset = load(smi, tmp_path)
    vocabulary = dataset.vocabulary
    types = (vocabulary.num_atom_types, vocabulary.num_bond_types)
    batch = next(iter(DataLoader(dataset, batch_size=8)))
    graphs = MolGraphs.from_pyg(batch, *types, max_atoms=dataset.max_atoms)
    dense = dataset.dense("all")
    expected = MolGraphs.from_indices(dense.atoms, dense.bonds, *types)
    assert torch.equal(graphs.nodes, expected.nodes)
    assert torch.equal(graphs.edges, expected.edges)


def test_pyg_contract(smi, tmp_path):
    dataset = load(smi, tmp_path, seed=1)
    assert len(dataset) == 8
    graph = dataset[0]
    assert graph.x.dtype == graph.edge_index.dtype == graph.edge_attr.dtype == torch.int64
    assert graph.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graph.edge_attr.tolist() == [1, 1, 1, 1]
    assert graph.is_undirected()
    assert graph.idx.item() == 0
    subset = dataset[dataset.split_indices["train"]]
    assert len(subset) == len(dataset.split_indices["train"])
    assert [g.idx.item() for g in subset] == dataset.split_indices["train"].tolist()
    assert dataset[2:4][0].num_nodes == 1
    assert all(Path(path).is_file() for path in dataset.processed_paths)
    assert dataset.raw_file_names == []
    assert dataset.x.shape == (sum(g.num_nodes for g in dataset),)


def test_transform_is_applied_on_access(smi):
    def count(graph):
        graph.n = graph.num_nodes
        return graph

    dataset = MoleculeDataset(MoleculeFile(smi), transform=count, progress=False)
    assert dataset[1].n == 7


def test_cache_is_used_and_survives_the_source_being_read_again(smi, tmp_path, monkeypatch):
    first = load(smi, tmp_path)
    monkeypatch.setattr(MoleculeFile, "read", None)
    second = load(smi, tmp_path)
    assert second.smiles == first.smiles
    assert second.vocabulary == first.vocabulary
    assert second.max_atoms == first.max_atoms
    assert second.coverage == first.coverage
    assert second.content_hash == first.content_hash
    assert torch.equal(second.dense("all").bonds, first.dense("all").bonds)


def test_changed_file_never_meets_a_stale_cache(smi, tmp_path):
    before = load(smi, tmp_path)
    stat = smi.stat()
    smi.write_text(smi.read_text().replace("CCO m0", "CCN m0"))
    os.utime(smi, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = load(smi, tmp_path)
    assert (before.smiles[0], after.smiles[0]) == ("CCO", "CCN")
    assert before.content_hash != after.content_hash


@pytest.mark.parametrize(
    "setting",
    [{"max_atoms": 4}, {"aromatic": True}, {"min_count": 2}, {"keep_largest_fragment": True}],
)
def test_changed_setting_never_meets_a_stale_cache(smi, tmp_path, setting):
    plain, changed = load(smi, tmp_path), load(smi, tmp_path, **setting)
    assert plain.content_hash != changed.content_hash
    assert plain.processed_dir != changed.processed_dir


def test_seed_and_fractions_share_one_encoded_set(smi, tmp_path, monkeypatch):
    first = load(smi, tmp_path, seed=0, fractions=(0.5, 0.25, 0.25))
    monkeypatch.setattr(MoleculeFile, "read", None)
    second = load(smi, tmp_path, seed=1, fractions=(0.5, 0.25, 0.25))
    assert first.content_hash == second.content_hash
    assert not np.array_equal(first.split_indices["train"], second.split_indices["train"])


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "empty"])
def test_damaged_cache_is_noticed_and_made_anew(smi, tmp_path, damage):
    first = load(smi, tmp_path)
    path = Path(first.processed_paths[0])
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        at = content.index(first.table.atoms.tobytes())
        content[at] ^= 3
        path.write_bytes(content)
    elif damage == "foreign":
        torch.save({"weights": torch.zeros(3)}, path)
    else:
        path.write_bytes(b"")
    again = load(smi, tmp_path)
    assert again.smiles == first.smiles
    assert torch.equal(again.dense("all").atoms, first.dense("all").atoms)
    assert MoleculeTable.from_file(path) is not None


def test_cache_of_another_format_version_is_made_anew(smi, tmp_path, monkeypatch):
    path = Path(load(smi, tmp_path).processed_paths[0])
    monkeypatch.setattr(storage, "FORMAT_VERSION", storage.FORMAT_VERSION + 1)
    assert MoleculeTable.from_file(path) is None


def test_loading_a_cache_file_runs_no_code(smi, tmp_path):
    import pickle

    path = Path(load(smi, tmp_path).processed_paths[0])
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (Path.touch, (marker,))

    path.write_bytes(pickle.dumps(Evil(), protocol=2))
    assert load(smi, tmp_path).smiles[0] == "CCO"
    assert not marker.exists()


def test_full_disk_names_the_folder_and_leaves_no_half_file(smi, tmp_path, monkeypatch):
    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", no_space)
    with pytest.raises(DataError, match="the disk is full") as caught:
        load(smi, tmp_path)
    assert str(tmp_path / "cache" / "processed") in str(caught.value)
    assert "MOLGAN_CACHE" in str(caught.value)
    left = [p.name for p in (tmp_path / "cache" / "processed").rglob("*") if p.is_file()]
    assert left == ["lock"]


def test_cache_folder_that_cannot_be_made_is_named(smi, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(DataError, match="Cannot write to the cache folder"):
        load(smi, tmp_path)


def test_duplicates_are_merged_and_counted(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("OCC\nCCO\nC[C@H](O)F\nC[C@@H](O)F\nC(C)O\n")
    dataset = load(path, tmp_path)
    assert dataset.smiles == ["CCO", "CC(O)F"]
    assert dataset.coverage.dropped == {"duplicate": 3}
    assert (dataset.coverage.total, dataset.coverage.kept) == (5, 2)
    assert dataset.table.member_molecule.tolist() == [0, 0, 1, 1, 0]


def test_coverage_counts_every_row_and_says_that_stereo_is_dropped(tmp_path):
    path = tmp_path / "a.smi"
    path.write_bytes(b"CCO\n\nC\xff\nnonsense\n[Na+].[Cl-]\nC[C@H](O)F\n" + b"C" * 100 + b"\n")
    coverage = load(path, tmp_path).coverage
    assert coverage.kept == 2
    assert coverage.total == 7
    assert coverage.dropped == {
        "blank": 1,
        "not UTF-8": 1,
        "parse": 1,
        "fragments": 1,
        "size": 1,
    }
    summary = coverage.summary()
    assert "2 of 7" in summary
    assert "line 2" in summary
    assert "stereochemistry is not kept: 1 of 5 rows" in summary


def test_unused_ions_of_dropped_salts_are_no_atom_types(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("CCO\nCC(=O)[O-].[Na+]\nC[Si](C)(C)C\n")
    dataset = load(path, tmp_path, max_atoms=4)
    assert [str(atom) for atom in dataset.vocabulary.atoms] == ["C", "O"]
    assert dataset.coverage.dropped == {"fragments": 1, "size": 1}


def test_largest_fragment_is_kept_on_request_and_counted(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("CCO\nCC(=O)[O-].[Na+]\nCl.CCN\n")
    dataset = load(path, tmp_path, keep_largest_fragment=True)
    assert dataset.smiles == ["CCO", "CC(=O)[O-]", "CCN"]
    assert "of 2 rows with several fragments only the largest" in dataset.coverage.summary()


def test_marginals_are_those_counted_by_hand():
    dataset = MoleculeDataset.from_smiles(["CCO", "C=C", "C"], fractions=(1, 0, 0), progress=False)
    marginals = dataset.marginals("train")
    np.testing.assert_allclose(marginals.sizes, [0, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(marginals.atoms, [0, 5 / 6, 1 / 6])
    # CCO: 3 pairs, two single bonds; C=C: one pair, one double bond.
    np.testing.assert_allclose(marginals.bonds, [1 / 4, 2 / 4, 1 / 4, 0])
    assert type(marginals).from_dict(marginals.to_dict()).sizes.tolist() == marginals.sizes.tolist()


def test_marginals_of_an_empty_split_are_refused():
    dataset = MoleculeDataset.from_smiles(["C", "CC"], progress=False)
    with pytest.raises(DataError, match="valid split is empty"):
        dataset.marginals("valid")


def test_missing_entries_of_a_column_are_left_out_and_counted():
    column = pd.Series(["CCO", None, float("nan"), pd.NA, "", "CCN"], dtype=object)
    dataset = MoleculeDataset.from_smiles(column, progress=False)
    assert sorted(dataset.smiles) == ["CCN", "CCO"]
    assert "4 dropped: blank" in dataset.coverage.summary()
    with pytest.raises(DataError, match=r"Entry 1 .* is int, not a string"):
        MoleculeDataset.from_smiles(["CCO", 3], progress=False)


@pytest.mark.parametrize("source", ["molecules.smi", Path("molecules.smi"), ["CCO"]])
def test_what_is_no_source_is_refused_with_what_to_write(source):
    with pytest.raises(DataError, match=r"MoleculeFile\('molecules.smi'\).*from_smiles"):
        MoleculeDataset(source)


def test_aromatic_bond_type_on_request():
    dataset = MoleculeDataset.from_smiles(["c1ccccc1"], aromatic=True, progress=False)
    assert dataset.vocabulary.aromatic
    assert set(dataset.dense().bonds[0].tolist()) == {0, 4}


def test_min_count_leaves_out_rare_atom_types():
    dataset = MoleculeDataset.from_smiles(["CC", "CCC", "CS"], min_count=2, progress=False)
    assert [str(atom) for atom in dataset.vocabulary.atoms] == ["C"]
    assert dataset.coverage.dropped == {"element": 1}
    with pytest.raises(DataError, match=r"data\.min_count=50"):
        MoleculeDataset.from_smiles(["CC"], min_count=50, progress=False)


def test_lists_are_not_written_to_the_cache(tmp_path):
    dataset = MoleculeDataset.from_smiles(["CCO"], root=tmp_path / "cache", progress=False)
    assert dataset.smiles == ["CCO"]
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"max_atoms": 0}, r"data\.max_atoms=0"),
        ({"max_atoms": "nine"}, r"data\.max_atoms=nine"),
        ({"max_atoms": 100_000}, r"data\.max_atoms=100000"),
        ({"min_count": 0}, r"data\.min_count=0"),
        ({"split": "stratified"}, r"data\.split=stratified .* random, scaffold, standard"),
        ({"fractions": [0.5, 0.1, 0.1]}, r"data\.fractions="),
    ],
)
def test_impossible_settings_name_their_key(setting, said):
    with pytest.raises(ConfigError, match=said):
        MoleculeDataset.from_smiles(["C"], progress=False, **setting)


def test_unknown_split_name_is_refused():
    with pytest.raises(ConfigError, match="no split 'dev'"):
        MoleculeDataset.from_smiles(["C"], progress=False).dense("dev")


def test_dense_of_impossible_size_is_refused(monkeypatch):
    dataset = MoleculeDataset.from_smiles(["CCO"], progress=False)
    monkeypatch.setattr("molgan.data.dataset.MAX_DENSE_BYTES", 5)
    with pytest.raises(DataError, match=r"lower data\.max_atoms"):
        dataset.dense("all")


def test_scaffold_split_is_kept_beside_the_molecules(smi, tmp_path, monkeypatch):
    text = "\n".join(["c1ccccc1", "C1CC1", "C1CCC1", "C1CCCC1", "CCO", "c1ccncc1"])
    smi.write_text(text)
    settings = {"split": "scaffold", "fractions": (0.6, 0.2, 0.2)}
    first = load(smi, tmp_path, **settings)
    monkeypatch.setattr("molgan.data.splits.scaffold_split", None)
    second = load(smi, tmp_path, **settings)
    for name, part in first.split_indices.items():
        assert np.array_equal(part, second.split_indices[name])


def test_worker_processes_give_the_same_set():
    smiles = ["C" * (i % 30 + 1) + "O" * (i % 2) for i in range(60)] * 150
    one = MoleculeDataset.from_smiles(smiles, progress=False)
    two = MoleculeDataset.from_smiles(smiles, n_jobs=2, progress=False)
    assert one.smiles == two.smiles
    assert torch.equal(one.dense("all").bonds, two.dense("all").bonds)


def test_dataset_survives_pickling(smi, tmp_path):
    import pickle

    dataset = load(smi, tmp_path)
    again = pickle.loads(pickle.dumps(dataset))
    assert again.smiles == dataset.smiles
    assert again[1].edge_attr.tolist() == dataset[1].edge_attr.tolist()
