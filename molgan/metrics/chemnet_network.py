"""ChemNet (Mayr et al. 2018; Preuer et al. 2018) with the `fcd` package's weights, run faster.

The network reads a SMILES as one-hot tokens padded to 350: two convolutions of stride 2, an LSTM
of 128 units from the end to the start, an LSTM of 512 units from the start to the end, whose last
state is the activation. Padding is most of the input, and in it the convolutions give exact zeros.
So the first LSTM, which starts there, is run over padding once for all molecules, and what it
hands on to the second is one bias per step. The second one ends in the padding with a state of
its own for each molecule: that run nobody can share, and it is what the time goes to.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from molgan.errors import MolganError
from molgan.metrics.chemnet_tokens import BLANK, PADDED_LENGTH, TOKENS, arrange

_LAYERS = (
    "SamePadding1d Conv1d SELU SamePadding1d Conv1d SELU Transpose "
    "Reverse LSTM IndexTuple Reverse LSTM IndexTuple IndexTensor"
).split()
_PROBES = ["CC(=O)Nc1ccc(Cl)cc1", "C"]  # on which this network is held against the package's


class ChemNet:
    """The network on a device, built from the package's model."""

    def __init__(self, model: nn.Sequential, device: torch.device) -> None:
        """Take over the weights.

        Args:
            model: What `fcd.load_ref_model()` returns; it is left as it is.
            device: Where to run.

        Raises:
            MolganError: If the model is not built as described above.
        """
        if [type(layer).__name__ for layer in model] != _LAYERS:
            raise MolganError(_other_version())
        weights = {name: value.detach().to(device) for name, value in model.state_dict().items()}
        kernel = weights["1.weight"]  # (channels, tokens, width)
        # The package divides its one-hot input by the number of tokens.
        self.first_kernel = F.pad(kernel.permute(2, 1, 0) / len(TOKENS), (0, 0, 0, 1)).flatten(0, 1)
        self.second_kernel = weights["4.weight"].flatten(1)
        self.backward_lstm = _LSTM(weights, "8.", device)
        self.forward_lstm = _LSTM(weights, "11.", device)
        self.device = device

    def padding_states(self, steps: int) -> tuple[Tensor, Tensor]:
        """Two (steps + 1, 1, 128): states of the first LSTM after 0, 1, .. steps of padding."""
        with self._quiet():
            states = [self.backward_lstm.start(1)]
            nothing = states[0][0].new_zeros(1, len(self.second_kernel))
            for _ in range(steps):
                states.append(self.backward_lstm.step(nothing, *states[-1]))
            hiddens, cells = zip(*states, strict=True)
            return torch.stack(hiddens), torch.stack(cells)

    def convolve(self, tokens: Tensor) -> Tensor:
        """Return the (B, ceil(width / 4), 32) output of both convolutions for (B, width) tokens."""
        # Kernels of width 4 moved by 2; zeros (blank tokens) are added as for Keras' "same".
        windows = F.pad(tokens, (1, 1 + tokens.shape[1] % 2), value=BLANK).unfold(1, 4, 2)
        rows = windows + (BLANK + 1) * torch.arange(4, device=tokens.device)
        middle = F.selu(F.embedding(rows, self.first_kernel).sum(dim=2))
        windows = F.pad(middle, (0, 0, 1, 1 + middle.shape[1] % 2)).unfold(1, 4, 2).flatten(2)
        return F.selu(F.linear(windows, self.second_kernel))

    def __call__(self, tokens: Tensor, padding: tuple[Tensor, Tensor]) -> Tensor:
        """Return the (B, 512) activations, on the CPU.

        Args:
            tokens: (B, W) token indices from `arrange`.
            padding: `padding_states` for all steps, a quarter of the padded length.
        """
        with self._quiet():
            signal = self.convolve(tokens.to(self.device))
            active = signal.shape[1]
            hiddens = padding[0]
            steps = len(hiddens) - 1
            hidden, cell = (states[steps - active].expand(len(tokens), -1) for states in padding)
            read = []
            for position in reversed(range(active)):
                hidden, cell = self.backward_lstm.step(signal[:, position], hidden, cell)
                read.append(hidden)
            hidden, cell = self.forward_lstm.start(len(tokens))
            for value in reversed(read):
                hidden, cell = self.forward_lstm.step(value, hidden, cell)
            # Position p of the padding is steps - p steps from the end.
            biases = self.forward_lstm.biases(hiddens[1 : steps - active + 1, 0].flip(0))
            for bias in biases:
                hidden, cell = self.forward_lstm.step_alone(bias, hidden, cell)
            return hidden.cpu()

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """No gradients, and float32 even where training runs in mixed precision."""
        with torch.inference_mode(), torch.autocast(self.device.type, enabled=False):
            yield


class _LSTM:
    """Steps of an LSTM whose gates, the one with tanh too, come from one sigmoid.

    As tanh(x) = 2 sigmoid(2x) - 1, weights of that gate are doubled beforehand, and the cell state
    is kept doubled. On CPUs that saves most of what is not matrix product.
    """

    def __init__(self, weights: dict[str, Tensor], prefix: str, device: torch.device) -> None:
        inner, outer = weights[prefix + "weight_ih_l0"], weights[prefix + "weight_hh_l0"]
        self.units = outer.shape[1]
        scale = torch.ones(4 * self.units, 1, device=device)
        scale[2 * self.units : 3 * self.units] = 2
        bias = (weights[prefix + "bias_ih_l0"] + weights[prefix + "bias_hh_l0"]) * scale[:, 0]
        self._inner, self._bias = inner * scale, bias
        self._joint = _SigmoidLinear(torch.cat([inner, outer], dim=1) * scale)
        self._outer = _SigmoidLinear(outer * scale)

    def start(self, count: int) -> tuple[Tensor, Tensor]:
        zeros = self._bias.new_zeros(count, self.units)
        return zeros, zeros

    def step(self, value: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Read one (B, inputs) value."""
        return _next_state(self._joint(torch.cat([value, hidden], dim=1), self._bias), cell)

    def biases(self, values: Tensor) -> Tensor:
        """What (S, inputs) values that all molecules share add to the gates."""
        return F.linear(values, self._inner, self._bias)

    def step_alone(self, bias: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Read a value given as its row of `biases`."""
        return _next_state(self._outer(hidden, bias), cell)


def _next_state(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden and doubled cell state after a step; c' = f c + i (2g - 1), doubled."""
    new, keep, value, out = gates.chunk(4, dim=1)
    # 2g - 1 first, as that subtraction rounds nothing; out of brackets it doubles the error.
    cell = (keep * cell).addcmul_(new, value.mul_(2).sub_(1), value=2)
    return torch.sigmoid(cell).mul_(2).sub_(1).mul_(out), cell


class _SigmoidLinear:
    """sigmoid(x W^T + b) for one W and changing b."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight.contiguous()
        self._packed: Any = None
        if weight.device.type == "cpu" and torch.backends.mkldnn.is_available():
            # oneDNN's product with a weight packed once, as torch.compile uses it: on AMD cores
            # 2.3 times as fast as F.linear, which goes through MKL. Not a documented function, so
            # its absence must do no harm.
            try:
                self._packed = torch.ops.mkldnn._reorder_linear_weight(self._weight, None)
                self(torch.zeros(2, weight.shape[1]), torch.zeros(weight.shape[0]))
            except (AttributeError, RuntimeError, TypeError):
                self._packed = None

    def __call__(self, values: Tensor, bias: Tensor) -> Tensor:
        if self._packed is None:
            return torch.sigmoid_(F.linear(values, self._weight, bias))
        result: Tensor = torch.ops.mkldnn._linear_pointwise(
            values, self._packed, bias, "sigmoid", [], ""
        )
        return result


def activation_batches(
    model: nn.Sequential, smiles: Sequence[str], batch_size: int | None, device: str | None
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Yield activations of M SMILES in batches of like length, each with the places it is for.

    Args:
        model: What `fcd.load_ref_model()` returns.
        smiles: M strings, better without repeats. If one has more than 351 characters, all are
            padded further, as in the package, which changes all activations; a warning says so.
        batch_size: Strings per batch; None takes 128 on a CPU, whose cache that suits, else 2048.
        device: Where to run; None takes the GPU if there is one.

    Yields:
        (B,) places in `smiles` and their (B, 512) activations.
    """
    if not smiles:
        return
    length = max(PADDED_LENGTH, max(map(len, smiles)) + 1)
    steps = -(-length // 4)
    if steps > -(-PADDED_LENGTH // 4):
        warnings.warn(
            f"a SMILES has {length - 1} characters, so ChemNet pads all of its set to {length} "
            f"instead of {PADDED_LENGTH}, which changes all activations; leave such molecules out "
            "for an FCD that compares with others",
            UserWarning,
            stacklevel=3,
        )
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    batch_size = batch_size or (128 if place.type == "cpu" else 2048)
    order = np.argsort([len(text) for text in smiles], kind="stable")
    network = load(model, place)
    padding = network.padding_states(steps)
    for places in np.array_split(order, -(-len(smiles) // batch_size)):
        tokens = arrange([smiles[k] for k in places], length)
        yield places, network(torch.from_numpy(tokens), padding).numpy()


@lru_cache(maxsize=2)
def load(model: nn.Sequential, device: torch.device) -> ChemNet:
    """Build the network and compare it with the package's own on two molecules.

    Raises:
        MolganError: If they differ, as with another version of the package.
    """
    network = ChemNet(model, device)
    tokens = torch.from_numpy(arrange(_PROBES, PADDED_LENGTH))
    full = F.pad(tokens, (0, PADDED_LENGTH - tokens.shape[1]), value=BLANK)
    channels = F.one_hot(full, BLANK + 1)
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        theirs = model(channels[..., :BLANK].mT / len(TOKENS))
    ours = network(tokens, network.padding_states(-(-PADDED_LENGTH // 4)))
    # Loose, as somebody may have let torch multiply in TF32 or bfloat16.
    if not torch.allclose(ours, theirs, rtol=0, atol=0.1):
        raise MolganError(_other_version())
    return network


def _other_version() -> str:
    return (
        "the installed fcd package has another ChemNet than known here; "
        'install a supported one with: pip install "molgan[metrics]"'
    )
