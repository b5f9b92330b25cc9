"""The table for a paper: LaTeX with the booktabs package."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from molgan.metrics.reporting.layout import Cell, Row, gaps, groups, legend, names

if TYPE_CHECKING:
    from molgan.metrics.reporting.report import Comparison

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # In the old text encoding, LaTeX's default, these three come out as other signs.
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # Braces: no ligatures such as --, and nothing that \\ would take for its own argument.
    '"': "{''}",
    "'": "{'}",
    "`": "{`}",
    "-": "{-}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "…": r"\ldots{}",
    "\N{EN DASH}": r"\textendash{}",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "³": r"$^3$",
    "²": r"$^2$",
    "µ": r"$\mu$",
    "Å": r"\AA{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "ø": r"\o{}",
    "å": r"\aa{}",
}
# Combining accents that LaTeX sets on any letter in its default fonts.
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0308": '"',
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u030c": "v",
    "\u0327": "c",
    "\u030a": "r",
}


def as_latex(comparison: Comparison) -> str:
    """Return what `Comparison.to_latex` describes: best figures in bold type."""
    heads = [escape(name) for name in names(comparison)]
    width = len(heads) + 1
    body = groups(comparison)
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\begin{{tabular}}{{l{'r' * len(heads)}}}",
        r"\toprule",
        " & " + " & ".join(heads) + r" \\",
    ]
    for group, rows in body:
        lines += [r"\midrule", rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(group)}}}}} \\"]
        lines += [_line(row) for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}", ""]
    signs = legend(comparison)
    if any(cell.best for _, rows in body for row in rows for cell in row.cells):
        signs.insert(1, "Bold: best of the libraries compared.")
    lines += [r"\smallskip", r"{\footnotesize\raggedright " + escape(" ".join(signs)) + r"\par"]
    if found := gaps(comparison):
        lines += [escape(f"Not computed (-): {'. '.join(found)}.") + r"\par"]
    return "\n".join([*lines, "}", r"\end{table}"]) + "\n"


def escape(text: str) -> str:
    """Return text that LaTeX prints as it is, in its default fonts.

    Letters with usual accents stay; other signs beyond ASCII become their code, such as U+4E2D,
    rather than stop the compiler.
    """
    return "".join(map(_sign, " ".join(text.split())))


def _sign(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if " " <= char <= "~":
        return char
    parts = unicodedata.normalize("NFD", char)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        letter = {"i": r"\i", "j": r"\j"}.get(parts[0], parts[0])
        return rf"\{_ACCENTS[parts[1]]}{{{letter}}}"
    return f"U+{ord(char):04X}"


def _line(row: Row) -> str:
    return f"{escape(row.label)} & " + " & ".join(map(_figure, row.cells)) + r" \\"


def _figure(cell: Cell) -> str:
    if cell.value == "-":
        return "{-}"
    value = rf"\textbf{{{cell.value}}}" if cell.best else cell.value
    # A minus sign, not a hyphen.
    value = value.replace("-", "$-$")
    error = rf" $\pm$ {cell.error}" if cell.error else ""
    return value + error + (f" [{cell.ceiling}]" if cell.ceiling else "")
