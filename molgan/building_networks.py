"""From settings to the networks of a run, of the sizes that the data ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import nn

from molgan.config import whole_number
from molgan.errors import ConfigError
from molgan.guide import Guide
from molgan.models import (
    LatentCritic,
    LatentGenerator,
    PropertyNetwork,
    SlotDecoder,
    SlotLatentCritic,
)
from molgan.repeats import checked_repeats
from molgan.training import Networks

if TYPE_CHECKING:
    from molgan.bundle import Bundle
    from molgan.chem import Vocabulary


def build_networks(
    model: DictConfig,
    vocabulary: Vocabulary,
    max_atoms: int,
    start: Bundle | None = None,
    num_conditions: int = 0,
    student: bool = False,
) -> Networks:
    """Networks of the sizes that the data ask for.

    Args:
        model: settings.
        vocabulary: atom and bond types.
        max_atoms: ``N``.
        start: a model whose generator and encoder are taken over, whatever ``model`` says of them;
            it must be of the same vocabulary and size. Critics always start anew.
        num_conditions: properties that molecules can be asked for.
        student: take only the encoder over; the generator is of ``model``'s size, in ``start``'s
            latent space and of its noise.
    """
    types = {
        "num_atom_types": vocabulary.num_atom_types,
        "num_bond_types": vocabulary.num_bond_types,
    }
    if start is not None and student:
        generator = _network(model, "generator", **types, **_spaces(start), max_atoms=max_atoms)
    elif start is not None:
        generator = start.generator.train().requires_grad_()
    else:
        generator = _network(model, "generator", **types, max_atoms=max_atoms)
    if num_conditions:
        if not isinstance(generator, LatentGenerator):
            raise ConfigError("condition.properties need a model with a latent space: model=latent")
        if not generator.num_conditions:
            generator = generator.with_conditions(num_conditions)
    networks = Networks(generator)
    if num_conditions:
        known = None if start is None else start.properties
        networks.properties = known or PropertyNetwork(**types, num_properties=num_conditions)
        networks.properties.train().requires_grad_()
    if model.critic is not None:
        networks.critic = _network(model, "critic", **types)
    if model.reward is not None:
        networks.reward = _network(model, "reward", **types)
    if model.encoder is not None:
        if not isinstance(generator, LatentGenerator):
            raise ConfigError("model.encoder needs a model.generator with a latent space")
        if start is not None and start.encoder is not None:
            networks.encoder = start.encoder.train().requires_grad_()
        else:
            latent = "a share for each atom" if generator.per_atom else "no share for each atom"
            kinds = _in_order("Encoder", "SlotEncoder", generator.per_atom)
            _check_kind(model, "encoder", *kinds, f"whose latent has {latent}")
            networks.encoder = _network(model, "encoder", **generator.encoder_config())
        if model.latent_critic is None:
            # A student learns by regression: it has a critic only where the settings name one.
            networks.latent_critic = None if student else suiting_latent_critic(generator)
        else:
            of_atoms = isinstance(generator.decoder, SlotDecoder)
            kinds = _in_order("LatentCritic", "SlotLatentCritic", of_atoms)
            decoder = type(generator.decoder).__name__
            _check_kind(model, "latent_critic", *kinds, f"whose decoder is a {decoder}")
            networks.latent_critic = _network(
                model,
                "latent_critic",
                latent_dim=generator.latent_dim,
                max_atoms=max_atoms,
                **({"num_conditions": num_conditions} if num_conditions else {}),
            )
    return networks


def _spaces(teacher: Bundle) -> dict[str, Any]:
    """Arguments that give a generator the noise and the latent space of another one."""
    generator = cast(LatentGenerator, teacher.generator)
    config: dict[str, Any] = generator.config  # type: ignore[assignment]  # as `rebuildable` says
    latent: dict[str, Any] = {
        key: config[key] for key in ("latent_dim", "per_atom") if key in config
    }
    return {"noise_dim": generator.noise_dim, **latent}


def suiting_latent_critic(generator: LatentGenerator) -> LatentCritic:
    """The latent critic that goes with a generator: it sees through a decoder of atom states."""
    sizes = generator.latent_dim, generator.max_atoms
    asked = generator.num_conditions
    decoder: nn.Module = generator.decoder
    if not isinstance(decoder, SlotDecoder):
        return LatentCritic(*sizes, num_conditions=asked)
    of_decoder: dict[str, Any] = decoder.config  # type: ignore[assignment]  # as `rebuildable` says
    widths = of_decoder["width"], of_decoder["blocks"]
    return cast(LatentCritic, SlotLatentCritic(*sizes, *widths, num_conditions=asked))


def build_guide(model: DictConfig, networks: Networks) -> Guide | None:
    """What chooses among candidates, which a phase has yet to fit; None if there is but one.

    Raises:
        ConfigError: when there is no reward network to choose by.
    """
    candidates = whole_number(model, "candidates", 1)
    if candidates == 1:
        return None
    if networks.reward is None:
        raise ConfigError(f"model.candidates={candidates} needs model.reward")
    return Guide(networks.reward, candidates, checked_repeats(model.repeats))


def _in_order(flat: str, of_atoms: str, wanted: bool) -> tuple[str, str]:
    """The network that does not go with a generator, then the one that does."""
    return (flat, of_atoms) if wanted else (of_atoms, flat)


def _check_kind(model: DictConfig, name: str, wrong: str, right: str, reason: str) -> None:
    """Refuse a network that does not go with the generator."""
    if str(model[name].get("_target_")).rpartition(".")[2] != wrong:
        return
    null = f", or model.{name}=null for one that suits" if name == "latent_critic" else ""
    raise ConfigError(
        f"model.{name}: a {wrong} does not go with this generator, {reason}: set "
        f"model.{name}._target_=molgan.models.{right}, with sizes that suit{null}"
    )


def _network(model: DictConfig, name: str, **sizes: Any) -> Any:
    """One network; what its constructor refuses is a setting."""
    try:
        return instantiate(model[name])(**sizes)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"model.{name}: {error}") from error
