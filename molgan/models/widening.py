"""Networks that learn further atom types: more rows and columns, every other weight as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from molgan.models.autoencoder import Encoder
from molgan.models.configured import rebuild
from molgan.models.generator import MolGANGenerator
from molgan.models.latent import LatentGenerator

N = TypeVar("N", bound=LatentGenerator | MolGANGenerator | Encoder)

#: by how much the logit of a new type starts below that of the type it starts from
MARGIN = 3.0
#: noise on copied weights, in standard deviations of the matrix they are in
NOISE = 0.1


def widened(network: N, sources: Sequence[int]) -> N:
    """The same generator or encoder for more atom types; known ones keep their meaning.

    What belongs to a new type starts as a copy of what belongs to a known one, with a little noise
    so that the two can part. As an input it therefore means at first what the known type means. As
    an output its logit starts `MARGIN` lower: the network goes on drawing the known type, and gives
    the new one a chance of a twentieth from which to learn.

    On every axis of a weight that speaks of atom types these come first, alone or slot by slot:
    that is how the new rows are found. It does not hold for critics, which always start anew.

    Args:
        network: of ``T`` atom types.
        sources: for each new type the index of the known one that it starts from, 1 to ``T - 1``.

    Returns:
        A new network of ``T + len(sources)`` types, on the same device and in the same mode.
    """
    config: dict[str, Any] = network.config  # type: ignore[assignment]  # as `rebuildable` sets it
    types = int(config["num_atom_types"])
    bigger = rebuild({**config, "num_atom_types": types + len(sources)})
    before, fresh = network.state_dict(), bigger.state_dict()
    # A logit may be a sum of several outputs, such as those of a decoder that corrects itself.
    biases = [key for key, new in fresh.items() if new.dim() == 1 and len(new) > len(before[key])]
    margin = MARGIN / max(len(biases), 1)
    after = {
        key: _grown(before[key], new.shape, types, sources, margin) for key, new in fresh.items()
    }
    bigger.load_state_dict(after)
    device = next(network.parameters()).device
    return cast(N, bigger.to(device).train(network.training))


def _grown(
    weight: Tensor, shape: torch.Size, types: int, sources: Sequence[int], margin: float
) -> Tensor:
    """A weight in its new shape; the bias of a new type is lower by ``margin``."""
    longer = [axis for axis, length in enumerate(shape) if length != weight.shape[axis]]
    if not longer:
        return weight
    (axis,) = longer
    slots = (shape[axis] - weight.shape[axis]) // len(sources)
    of_atoms, rest = weight.split([slots * types, weight.shape[axis] - slots * types], axis)
    known = of_atoms.unflatten(axis, (slots, types))
    new = known.index_select(axis + 1, torch.tensor(sources, device=weight.device))
    if weight.dim() == 1:
        new = new - margin  # the bias of an output
    else:
        # Drawn on the CPU, so that a seed means the same on every device.
        new = new + NOISE * known.std() * torch.randn(new.shape).to(new)
    return torch.cat([torch.cat([known, new], axis + 1).flatten(axis, axis + 1), rest], axis)
