from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import urllib.error
from types import SimpleNamespace

import numpy as np
import pytest
from rdkit import Chem

from molgan.data import load_dataset, molnet
from molgan.data.molnet import MolNet, import_deepchem, quiet_logging
from molgan.errors import DataError

QM9_TASKS = "mu alpha homo lumo gap r2 zpve cv u0 u298 h298 g298".split()


class FakeDeepChem:
    """DeepChem's two loaders as far as the adapter uses them."""

    def __init__(self, result):
        self.calls = []
        self.feat = SimpleNamespace(RawFeaturizer=lambda smiles: ("raw", smiles))

        def loader(**options):
            logging.getLogger("deepchem").warning("Skipped loading modules")
            print("noise")
            self.calls.append(options)
            if isinstance(result, Exception):
                raise result
            return [], (SimpleNamespace(X=np.array(result, dtype=object)),), []

        self.molnet = SimpleNamespace(load_qm9=loader, load_zinc15=loader)


@pytest.fixture
def fake(monkeypatch):
    def install(result):
        deepchem = FakeDeepChem(result)
        monkeypatch.setattr(molnet, "import_deepchem", lambda what: deepchem)
        return deepchem

    return install


@pytest.mark.parametrize("name", ["qm9", "zinc15"])
def test_molnet_is_loaded_once_raw_and_unsplit(fake, tmp_path, name, capfd):
    deepchem = fake(["CCO", "c1ccccc1", ""])
    for _ in range(2):
        dataset = load_dataset(f"molnet_{name}", cache_dir=tmp_path, progress=False)
        assert dataset.smiles == ["CCO", "c1ccccc1"]
    assert len(deepchem.calls) == 1
    options = deepchem.calls[0]
    assert options["featurizer"] == ("raw", True)
    assert options["splitter"] is None
    assert options["transformers"] == []
    assert options["data_dir"] == str(tmp_path / "raw" / "molnet")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


@pytest.mark.parametrize("name", ["qm9", "zinc15"])
@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError(OSError(-2, "Name or service not known")),
        urllib.error.HTTPError("http://x", 403, "Forbidden", None, None),  # type: ignore[arg-type]
        TimeoutError("timed out"),
    ],
)
def test_offline_is_one_clear_sentence(fake, tmp_path, name, error):
    fake(error)
    with pytest.raises(DataError) as caught:
        MolNet(name).fingerprint(tmp_path)
    message = str(caught.value)
    assert message.startswith("DeepChem cannot download https://deepchemdata.s3")
    assert "is this machine offline?" in message
    assert "data.path=" in message
    assert "\n" not in message


def test_anything_else_that_deepchem_raises_names_the_folder(fake, tmp_path):
    fake(KeyError("smiles"))
    with pytest.raises(DataError, match=r"load_qm9 failed \(KeyError") as caught:
        MolNet("qm9").fingerprint(tmp_path)
    assert str(tmp_path / "raw" / "molnet") in str(caught.value)


def test_folder_without_deepchems_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no gdb9\.sdf in that folder"):
        MolNet("qm9", tmp_path).fingerprint(tmp_path / "cache")


def test_unknown_set_is_refused(tmp_path):
    with pytest.raises(DataError, match="choose qm9 or zinc15"):
        MolNet("tox21").fingerprint(tmp_path)


def test_missing_deepchem_is_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "deepchem", None)
    with pytest.raises(DataError, match=r"data\.split=scaffold needs deepchem 2\.8"):
        import_deepchem("data.split=scaffold")


def test_quiet_logging_restores_what_was_there():
    logging.disable(logging.INFO)
    try:
        with contextlib.suppress(RuntimeError), quiet_logging():
            assert logging.root.manager.disable == logging.CRITICAL
            raise RuntimeError
        assert logging.root.manager.disable == logging.INFO
    finally:
        logging.disable(logging.NOTSET)


def test_importing_deepchem_through_us_prints_nothing():
    pytest.importorskip("deepchem")
    code = "from molgan.data.molnet import import_deepchem; import_deepchem('x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr == ""


def test_real_deepchem_reads_its_own_files(tmp_path):
    pytest.importorskip("deepchem")
    smiles = ["C", "CCO", "c1ccccc1"]
    folder = tmp_path / "downloads"
    folder.mkdir()
    blocks = []
    for text in smiles:
        mol = Chem.AddHs(Chem.MolFromSmiles(text))
        mol.SetProp("_Name", "gdb_1")
        blocks.append(Chem.MolToMolBlock(mol) + "$$$$\n")
    (folder / "gdb9.sdf").write_text("".join(blocks))
    rows = [",".join(["gdb_1", *["1.0"] * len(QM9_TASKS)])] * len(smiles)
    (folder / "gdb9.sdf.csv").write_text("\n".join([",".join(["mol_id", *QM9_TASKS]), *rows]))
    table = [f"{text},Z{i},1.0,2.0,0" for i, text in enumerate(smiles)]
    (folder / "zinc15_250K_2D.csv").write_text(
        "\n".join(["smiles,zinc_id,mwt,logp,reactive", *table])
    )
    for name in ("qm9", "zinc15"):
        dataset = load_dataset(
            f"molnet_{name}", path=folder, cache_dir=tmp_path / "cache", progress=False
        )
        assert dataset.smiles == smiles
