"""From the spread of an ensemble to the error to be expected.

The members of an ensemble agree too well, or too badly: their spread ranks molecules but is no
error. A variance `scale * spread**2 + floor` is fitted to the errors on the validation molecules by
maximum likelihood; the scaling is that of Levi et al., Sensors 22, 5540 (2022), the floor is the
noise that all members share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_FEW = 20  # errors below which a curve of two parameters says nothing


@dataclass(frozen=True)
class Calibration:
    """Turns a spread into a standard deviation.

    Args:
        scale: Factor of the squared spread, 0 or more.
        floor: Added variance, in squared units of the target, 0 or more.
    """

    scale: float = 1.0
    floor: float = 0.0

    def __call__(self, spread: Array) -> Array:
        """(n,) standard deviations from (n,) spreads."""
        return np.sqrt(self.scale * spread**2 + self.floor)

    @classmethod
    def of(cls, errors: Array, spread: Array) -> Calibration:
        """The calibration that makes these errors most likely, were they normally distributed.

        Args:
            errors: (n,) prediction minus measured value, of molecules not fitted on.
            spread: (n,) of the members.
        """
        squares = errors**2
        mean_square = float(squares.mean()) if len(errors) else 0.0
        mean_spread = float((spread**2).mean()) if len(errors) else 0.0
        if mean_square == 0:
            return cls()
        if len(errors) < _FEW or mean_spread == 0:
            return cls(1.0, mean_square) if mean_spread == 0 else cls(mean_square / mean_spread)
        from scipy.optimize import minimize

        # In units of the mean square, and as logarithms, which keeps both positive.
        ratio, target = spread**2 / mean_spread, squares / mean_square

        def unlikeliness(logs: Array) -> float:
            variance = np.exp(logs[0]) * ratio + np.exp(logs[1])
            return float(np.mean(np.log(variance) + target / variance))

        half = float(np.log(0.5))
        found = minimize(unlikeliness, [half, half], bounds=[(-9, 4), (-9, 4)])
        scale, floor = np.exp(found.x)
        return cls(float(scale * mean_square / mean_spread), float(floor * mean_square))
