"""Fixtures for all tests: the real data beside the checkout, and a cache that is nobody's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from molgan.bundle import Bundle

# One thread, here and in processes started by tests: networks this small are slower with more, and
# results are the same to the last bit only for the same number. Before anything imports torch.
os.environ["OMP_NUM_THREADS"] = "1"

# Same examples every time, and no limit that a busy machine could exceed.
hypothesis.settings.register_profile("molgan", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("molgan")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published molecule sets beside the checkout; skips where it is absent."""
    folder = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    if not (folder / "README.md").is_file():
        pytest.skip("needs the published data sets in ../shared/data beside the checkout")
    return folder.resolve()


@pytest.fixture(scope="session", autouse=True)
def molgan_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh MOLGAN_CACHE for the session, so that no test meets a user's files or leaves any."""
    folder = tmp_path_factory.mktemp("molgan-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLGAN_CACHE", str(folder))
        yield folder


SMALL_MOLECULES = (
    "CCO CCN CCC CCCO CC=O C1CC1 C1CCC1 C1CCCC1 CC#N OCCO NCCN CC(C)C CC(=O)O CC(N)=O COC C1CCOC1 "
    "C1CCNC1 CC(C)O FCC O=C1CCC1 C=CC C#CC CCCC CCOC OC1CC1"
).split()


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .smi file of 25 molecules of up to five heavy atoms."""
    path = tmp_path_factory.mktemp("data") / "small.smi"
    path.write_text("".join(f"{smiles} m{i}\n" for i, smiles in enumerate(SMALL_MOLECULES)))
    return path


@pytest.fixture(scope="session")
def tiny_settings(small_set: Path) -> list[str]:
    """Settings of a run of about a second through all four phases, eight steps each.

    A log row every 64 molecules; samples and a checkpoint every 96.
    """
    return [
        "data=file",
        f"data.path={small_set}",
        "device=cpu",
        "precision=32-true",
        "progress=false",
        *_SMALL_NETWORKS,
        "trainer.phases.autoencoder.molecules=256",
        "trainer.phases.autoencoder.batch_size=32",
        "trainer.phases.latent.molecules=256",
        "trainer.phases.latent.batch_size=32",
        "trainer.phases.adversarial.molecules=128",
        "trainer.phases.adversarial.batch_size=16",
        "trainer.phases.adversarial.reward_batch_size=8",
        "trainer.phases.adversarial.reward_interval=2",
        "trainer.phases.adversarial.reward_weight=0.3",
        "trainer.phases.refinement.molecules=128",
        "trainer.phases.refinement.batch_size=16",
        "trainer.evaluation.samples=24",
        "trainer.evaluation.final_samples=40",
        "trainer.intervals.log=64",
        "trainer.intervals.evaluate=96",
        "trainer.intervals.checkpoint=96",
    ]


_SMALL_NETWORKS = (
    "model.generator.noise_dim=8",
    "model.generator.latent_dim=8",
    "model.generator.sampler_width=32",
    "model.generator.sampler_blocks=1",
    "model.generator.decoder_width=32",
    "model.encoder.width=32",
    "model.latent_critic.width=32",
    "model.latent_critic.blocks=1",
    "model.critic.conv_units=[16]",
    "model.critic.aggregation_units=16",
    "model.critic.head_units=[16]",
    "model.reward.conv_units=[16]",
    "model.reward.aggregation_units=16",
    "model.reward.head_units=[16]",
)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, tiny_settings: list[str]) -> Path:
    """The folder of a tiny run that went through undisturbed."""
    from molgan.train import main

    run_dir = tmp_path_factory.mktemp("runs") / "finished"
    assert main([*tiny_settings, f"run_dir={run_dir}"]) == 0
    return run_dir


@pytest.fixture(scope="session")
def chain_bundle() -> Bundle:
    """A model without training that draws chains of C, N and O, most of them valid."""
    return make_chain_bundle("latent")


@pytest.fixture(scope="session")
def paper_bundle() -> Bundle:
    """The same from the paper's generator: empty slots anywhere, bonds at them, sizes its own."""
    return make_chain_bundle("molgan")


@pytest.fixture(scope="session")
def shares_bundle() -> Bundle:
    """The same of networks with a share of the latent for each atom."""
    return make_chain_bundle("shares")


def make_chain_bundle(kind: str, max_atoms: int = 5) -> Bundle:
    """Weights as initialised, except that neighbouring slots prefer single bonds, others none."""
    import numpy as np
    import torch

    from molgan.bundle import Bundle
    from molgan.chem import Vocabulary
    from molgan.metrics import HashedIdentities
    from molgan.models import Encoder, LatentGenerator, MolGANGenerator, SlotEncoder

    training = ["CCO", "CCCCC", "CN=O", "CC#C"]
    vocabulary = Vocabulary.from_smiles(training)
    types = vocabulary.num_atom_types, vocabulary.num_bond_types
    torch.manual_seed(0)
    pairs = torch.triu_indices(max_atoms, max_atoms, 1)
    preferred = torch.where(pairs[1] - pairs[0] == 1, 1, 0)
    bias = 2.0 * torch.nn.functional.one_hot(preferred, types[1]).flatten()
    encoder = None
    with torch.no_grad():
        if kind == "latent":
            generator = LatentGenerator(*types, max_atoms, noise_dim=8, latent_dim=8)
            output = generator.decoder.network[-1]
            output.weight.mul_(4)
            output.bias[max_atoms * types[0] :] += bias
            encoder = Encoder(**generator.encoder_config(), width=32)
        elif kind == "shares":
            small = {"width": 24, "blocks": 1}
            decoder = {"network": "SlotDecoder", **small}
            generator = LatentGenerator(
                *types, max_atoms, latent_dim=4, per_atom=True, decoder=decoder
            )
            encoder = SlotEncoder(**generator.encoder_config(), **small)
        else:
            generator = MolGANGenerator(*types, max_atoms, noise_dim=8)
            generator.pair_head.bias += bias
            generator.node_head.bias += torch.tensor([-1.0] + [0.5] * (types[0] - 1)).repeat(
                max_atoms
            )
    sizes = np.arange(max_atoms + 1) / np.arange(max_atoms + 1).sum()
    return Bundle(
        generator=generator.eval(),
        vocabulary=vocabulary,
        max_atoms=max_atoms,
        size_distribution=sizes,
        identities=HashedIdentities.from_smiles(training),
        encoder=None if encoder is None else encoder.eval(),
        discretization="gumbel" if kind == "molgan" else "argmax",
        config={"seed": 0, "data": {"name": "chains"}},
        metrics={"valid": 0.5},
        versions={"molgan": "0.1.0"},
    )


@pytest.fixture
def receptor(tmp_path: Path) -> Path:
    """Eight carbons and an oxygen at the corners and on top of a box of 8 angstrom."""
    corners = [(x, y, z) for x in (-4, 4) for y in (-4, 4) for z in (-4, 4)]
    lines = [
        f"ATOM  {number:5d}  {kind:<3} ALA A   1    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00"
        f"    +0.000 {kind}"
        for number, (kind, (x, y, z)) in enumerate(
            [*(("C", corner) for corner in corners), ("OA", (0, 0, 4))], 1
        )
    ]
    path = tmp_path / "receptor.pdbqt"
    path.write_text("\n".join(lines) + "\n")
    return path
