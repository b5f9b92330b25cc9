"""32-bit matrix products by oneDNN where Intel's MKL, torch's choice, is slow: on AMD processors.

MKL leaves half of an AMD processor's vector width unused. torch takes oneDNN for 32-bit products
where it is allowed to round them to bfloat16; on a processor without matrix units (AMX) oneDNN
does not, and its products are as exact as MKL's at twice the speed (docs/experiments.md). Whether
that is so here is tried out once.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch


class FastProducts:
    """Context manager: inside, products of 32-bit matrices on the CPU are the faster exact ones.

    It does nothing where they would be neither faster nor exact, and never on a GPU.
    """

    def __init__(self) -> None:
        self.suits = _onednn_suits()

    def __enter__(self) -> None:
        """Let torch take oneDNN."""
        if self.suits:
            setting = _setting()
            self._before = setting.fp32_precision
            setting.fp32_precision = "bf16"

    def __exit__(self, *exception: object) -> None:
        """As it was before."""
        if self.suits:
            _setting().fp32_precision = self._before


def _setting() -> Any:
    """Where torch is told about 32-bit products on the CPU; None in torch 2.8 and earlier."""
    return getattr(torch.backends.mkldnn, "matmul", None)


@functools.cache
def _onednn_suits() -> bool:
    """Whether oneDNN is faster here, which is known, and exact, which is tried."""
    setting = _setting()
    if setting is None or not torch.backends.mkldnn.is_available() or not _amd_with_avx512():
        return False
    one, other = (torch.arange(shift, shift + 4096.0).sin().view(64, 64) for shift in (1, 2))
    before = setting.fp32_precision
    try:
        setting.fp32_precision = "bf16"
        found = one @ other
    finally:
        setting.fp32_precision = before
    error = (found.double() - one.double() @ other.double()).abs().max()
    return bool(error < 1e-4)  # rounded to bfloat16 it is 0.02


def _amd_with_avx512() -> bool:
    facts = Path("/proc/cpuinfo")
    text = facts.read_text(errors="replace") if facts.exists() else ""
    return "AuthenticAMD" in text and "avx512f" in text
