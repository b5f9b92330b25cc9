"""SMILES as ChemNet reads them: indices of tokens, for many strings at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# ChemNet's input channels in order. "X" stands for what is not among them, "." also for the end.
TOKENS = (
    "C N O H F Cl P B Br S I Si # ( ) + - 1 2 3 4 5 6 7 8 = [ ] @ c n o s X .".split()
)  # fmt: skip
PADDED_LENGTH = 350
BLANK = len(TOKENS)  # padding: no channel at all


def tokenize(smiles: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the tokens of all SMILES one after another, end tokens included, and their counts.

    Args:
        smiles: M strings; characters that ChemNet does not know become `X`.

    Returns:
        Indices into `TOKENS` of all tokens, and (M,) tokens per string.
    """
    joined = "".join(text + "." for text in smiles)
    # One byte per character: whatever is not ASCII becomes "?", which is no token either.
    codes = np.frombuffer(joined.encode("ascii", "replace"), dtype=np.uint8)
    single = np.full(256, TOKENS.index("X"), dtype=np.uint8)
    for index, token in enumerate(TOKENS):
        if len(token) == 1:
            single[ord(token)] = index
    tokens = single[codes]
    kept = np.ones(len(codes), dtype=bool)
    for index, token in enumerate(TOKENS):
        if len(token) == 2:
            first = np.flatnonzero((codes[:-1] == ord(token[0])) & (codes[1:] == ord(token[1])))
            tokens[first] = index
            kept[first + 1] = False
    starts = np.cumsum([0] + [len(text) + 1 for text in smiles[:-1]])
    counts = np.add.reduceat(kept, starts, dtype=np.int64) if len(smiles) else starts[:0]
    return tokens[kept], counts


def arrange(smiles: Sequence[str], length: int) -> npt.NDArray[np.int64]:
    """Return the (M, W) tokens of M SMILES, blank after their ends.

    W is a multiple of 4 that leaves out only steps that see nothing but padding, or else `length`.
    """
    tokens, counts = tokenize(smiles)
    width = min(length, 4 * ((int(counts.max()) // 2 + 1) // 2 + 1))
    padded = np.full((len(counts), width), BLANK, dtype=np.int64)
    padded[np.arange(width) < counts[:, None]] = tokens
    return padded
