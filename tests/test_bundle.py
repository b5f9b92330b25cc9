"""The model file: exact, self-contained, and clear about what is wrong with it."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from molgan.bundle import Bundle
from molgan.bundle_file import FORMAT, locate
from molgan.config import compose
from molgan.errors import BundleError, ConfigError, MolganError
from molgan.graphs import MolGraphs
from molgan.models.denoising_sampler import DRAWN_WITH


@pytest.fixture(scope="module")
def saved(chain_bundle, tmp_path_factory) -> Path:
    return chain_bundle.save(tmp_path_factory.mktemp("bundle") / "model.molgan")


def smiles_of(bundle: Bundle, n: int = 200) -> list[str | None]:
    return [item.smiles for draw in bundle.sampler().stream(n, 0) for item in draw.decoded]


def rewritten(source: Path, target: Path, change) -> Path:
    """A copy of a bundle whose document went through ``change``."""
    content = source.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    document = json.loads(header["__metadata__"]["molgan"])
    document = change(document) or document
    header["__metadata__"]["molgan"] = json.dumps(document)
    text = json.dumps(header).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    return target


@pytest.mark.parametrize("kind", ["latent", "molgan"])
def test_a_bundle_comes_back_exactly(kind, chain_bundle, paper_bundle, tmp_path):
    bundle = {"latent": chain_bundle, "molgan": paper_bundle}[kind]
    again = Bundle.load(bundle.save(tmp_path / "model.molgan"))
    for name, weight in bundle.generator.state_dict().items():
        assert torch.equal(again.generator.state_dict()[name], weight)
    assert again.vocabulary == bundle.vocabulary
    assert again.max_atoms == bundle.max_atoms
    assert np.array_equal(again.size_distribution, bundle.size_distribution)
    assert np.array_equal(again.identities.array, bundle.identities.array)
    assert again.identities.array.dtype == np.uint64
    assert again.identities.contains(["CCO", "CCN"]).tolist() == [True, False]
    for name in ("discretization", "config", "metrics", "versions"):
        assert getattr(again, name) == getattr(bundle, name)
    assert not again.generator.training
    assert smiles_of(again) == smiles_of(bundle)


def test_the_encoder_travels_along(saved, chain_bundle, paper_bundle, tmp_path):
    again = Bundle.load(saved)
    graphs = MolGraphs.from_indices(torch.ones(1, 5), torch.zeros(1, 10), 4, 4)
    assert torch.equal(again.encoder(graphs), chain_bundle.encoder(graphs))
    assert Bundle.load(paper_bundle.save(tmp_path / "paper.molgan")).encoder is None


def test_a_fresh_process_samples_without_the_training_data(saved, chain_bundle, tmp_path):
    code = (
        "import sys, json; from molgan import MolGAN; "
        "print(json.dumps(MolGAN.load(sys.argv[1]).sample(60).frame['smiles'].tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(saved)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "MOLGAN_CACHE": str(tmp_path / "nothing"),
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        },
    )
    expected = [text for text in smiles_of(chain_bundle, 60) if text is not None]
    assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_the_file_has_the_permissions_of_any_new_file(saved, tmp_path):
    other = tmp_path / "other"
    other.write_text("")
    assert saved.stat().st_mode == other.stat().st_mode


def test_saving_replaces_a_file_and_leaves_nothing_beside_it(chain_bundle, tmp_path):
    path = tmp_path / "new" / "model.molgan"
    chain_bundle.save(path)
    replace(chain_bundle, metrics={"valid": 1.0}).save(path)
    assert Bundle.load(path).metrics == {"valid": 1.0}
    assert [item.name for item in path.parent.iterdir()] == ["model.molgan"]


def test_a_place_that_cannot_be_written_is_named(chain_bundle, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MolganError, match=r"file.model\.molgan"):
        chain_bundle.save(tmp_path / "file" / "model.molgan")
    with pytest.raises(MolganError, match="it is a folder"):
        chain_bundle.save(tmp_path)


def test_a_full_disk_keeps_the_old_model(chain_bundle, saved, tmp_path, monkeypatch):
    path = chain_bundle.save(tmp_path / "model.molgan")
    monkeypatch.setattr(
        "os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(MolganError, match=r"model\.molgan: the disk is full"):
        replace(chain_bundle, metrics={}).save(path)
    assert Bundle.load(path).metrics == chain_bundle.metrics
    assert len(list(tmp_path.iterdir())) == 1


# ------------------------------------------------------------------ half precision


def test_half_precision_halves_the_weights_and_nothing_else(chain_bundle, saved, tmp_path):
    path = chain_bundle.save(tmp_path / "half.molgan", "half")
    assert path.stat().st_size < 0.6 * saved.stat().st_size
    again = Bundle.load(path)
    assert (again.precision, Bundle.load(saved).precision) == ("half", "full")
    for network in ("generator", "encoder"):
        before = getattr(chain_bundle, network).state_dict()
        for name, weight in getattr(again, network).state_dict().items():
            assert weight.dtype == before[name].dtype
            assert torch.equal(weight, before[name].half().float())
    assert np.array_equal(again.identities.array, chain_bundle.identities.array)
    same = [a == b for a, b in zip(smiles_of(again), smiles_of(chain_bundle), strict=True)]
    assert sum(same) >= 195


def test_a_bundle_is_saved_again_as_it_was_read(chain_bundle, tmp_path):
    half = chain_bundle.save(tmp_path / "half.molgan", "half")
    again = Bundle.load(half).save(tmp_path / "again.molgan")
    assert again.read_bytes() == half.read_bytes()
    wide = Bundle.load(half).save(tmp_path / "wide.molgan", "full")
    assert Bundle.load(wide).precision == "full"
    assert smiles_of(Bundle.load(wide)) == smiles_of(Bundle.load(half))


def test_weights_that_do_not_fit_are_not_halved(chain_bundle, tmp_path):
    with pytest.raises(ConfigError, match="precision=quarter is unknown: use full or half"):
        chain_bundle.save(tmp_path / "model.molgan", "quarter")
    large = Bundle.load(chain_bundle.save(tmp_path / "model.molgan"))
    next(large.generator.parameters()).data[0] = 1e6
    before = (tmp_path / "model.molgan").read_bytes()
    with pytest.raises(MolganError, match=r"generator\..* too large for precision=half"):
        large.save(tmp_path / "model.molgan", "half")
    assert (tmp_path / "model.molgan").read_bytes() == before


def test_bundles_of_before_noise_and_precision_load(saved, chain_bundle, tmp_path):
    def change(document: dict[str, Any]) -> None:
        del document["noise_scale"], document["precision"]

    old = Bundle.load(rewritten(saved, tmp_path / "old.molgan", change))
    assert (old.noise_scale, old.precision) == (1.0, "full")
    assert smiles_of(old) == smiles_of(replace(chain_bundle, noise_scale=1.0))


# ------------------------------------------------------------------ which file


def test_a_run_folder_stands_for_its_last_else_its_best_model(chain_bundle, tmp_path):
    with pytest.raises(BundleError, match="holds no trained model"):
        locate(tmp_path)
    best = chain_bundle.save(tmp_path / "best.molgan")
    assert locate(tmp_path) == best
    last = replace(chain_bundle, metrics={"valid": 0.9}).save(tmp_path / "last.molgan")
    assert locate(str(tmp_path)) == last
    assert Bundle.load(tmp_path).metrics == {"valid": 0.9}


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"there is no model .*nowhere\.molgan"):
        Bundle.load(tmp_path / "nowhere.molgan")


def test_an_unreadable_file_is_called_that(saved, tmp_path, monkeypatch):
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BundleError, match=r"cannot read the model .*: permission denied"):
        Bundle.load(saved)


def test_an_unknown_device_is_a_setting(saved):
    with pytest.raises(ConfigError, match="device=abacus"):
        Bundle.load(saved, "abacus")


# ------------------------------------------------------------------ what is wrong with it


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(saved, tmp_path, share):
    content = saved.read_bytes()
    cut = tmp_path / "cut.molgan"
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BundleError, match=r"cut\.molgan.*truncated"):
        Bundle.load(cut)


@pytest.mark.parametrize(
    "content",
    [
        b"CCO mol000000\n" * 100,
        b"\x08\x00\x00\x00\x00\x00\x00\x00" + b'{"a": 1}',
        b"\x02\x00\x00\x00\x00\x00\x00\x00" + b"[]" + b"\x00" * 100,
        b"\xff" * 64,
        b"PK\x03\x04" + b"\x00" * 100,
    ],
)
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "foreign.molgan"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"foreign\.molgan is not a molgan model"):
        Bundle.load(path)


def test_another_program_s_safetensors_are_refused(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "weights.safetensors"
    for metadata in (None, {"format": "pt"}, {"molgan": "[]"}, {"molgan": "no json"}):
        save_file({"w": torch.zeros(3)}, path, metadata=metadata)
        with pytest.raises(BundleError, match="is not a molgan model"):
            Bundle.load(path)


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"w": torch.zeros(3)}, path)
    with pytest.raises(BundleError, match="is not a molgan model"):
        Bundle.load(path)


def test_another_format_says_who_wrote_it(saved, tmp_path):
    def change(document: dict[str, Any]) -> None:
        document["format"] = FORMAT + 1
        document["versions"] = {"molgan": "9.9"}

    path = rewritten(saved, tmp_path / "model.molgan", change)
    with pytest.raises(
        BundleError, match=rf"format {FORMAT + 1} \(written by molgan 9\.9\).*train again"
    ):
        Bundle.load(path)


def test_an_unknown_network_is_refused_by_name(saved, tmp_path):
    def change(document: dict[str, Any]) -> None:
        document["networks"]["generator"]["network"] = "os.system"

    path = rewritten(saved, tmp_path / "model.molgan", change)
    with pytest.raises(BundleError, match=r"model\.molgan .*unknown network 'os\.system'"):
        Bundle.load(path)


def no_vocabulary(document: dict[str, Any]) -> None:
    del document["vocabulary"]


def wrong_vocabulary(document: dict[str, Any]) -> None:
    document["vocabulary"] = {"atoms": ["Xx"], "bonds": ["none"]}


def other_width(document: dict[str, Any]) -> None:
    document["networks"]["generator"]["latent_dim"] += 1


def short_sizes(document: dict[str, Any]) -> None:
    document["size_distribution"] = [0.5, 0.5]


def sizes_of_nothing(document: dict[str, Any]) -> None:
    document["size_distribution"] = [0.0] * len(document["size_distribution"])


def no_networks(document: dict[str, Any]) -> None:
    document["networks"] = []


@pytest.mark.parametrize(
    "change",
    [no_vocabulary, wrong_vocabulary, other_width, short_sizes, sizes_of_nothing, no_networks],
)
def test_parts_that_do_not_fit_are_called_damage(saved, tmp_path, change):
    path = rewritten(saved, tmp_path / "model.molgan", change)
    with pytest.raises(BundleError, match=r"model\.molgan is damaged"):
        Bundle.load(path)


def test_what_a_damaged_bundle_lacks_is_named(saved, tmp_path):
    path = rewritten(saved, tmp_path / "model.molgan", no_vocabulary)
    with pytest.raises(BundleError, match=r"is damaged: it lacks 'vocabulary'"):
        Bundle.load(path)


def test_a_model_is_drawn_from_with_other_steps(chain_bundle):
    bundle = Bundle.load("qm9_denoising")
    assert bundle.drawn_with({}) is bundle
    unguided = bundle.drawn_with({"autoguidance": 1.0})
    assert unguided.encoder is bundle.encoder
    assert smiles_of(unguided) != smiles_of(bundle)
    assert smiles_of(unguided.drawn_with({"autoguidance": 2.5})) == smiles_of(bundle)
    with pytest.raises(ConfigError, match="draws in one pass"):
        chain_bundle.drawn_with({"steps": 9})


@pytest.mark.parametrize("command", ["generate", "release"])
def test_commands_offer_what_a_model_can_be_drawn_with(command):
    cfg = compose([], command)
    assert set(cfg.denoising) == set(DRAWN_WITH)
