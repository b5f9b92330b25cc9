"""Numbers as people read them: as many digits as the uncertainty leaves."""

from __future__ import annotations

import math

from molgan.metrics.reporting.entries import Form

_DECIMALS = {"share": 1, "count": 0, "number": 3, "": 3}
_MOST = 6  # decimals; what is smaller is rounding noise of sums over molecules


def rounded(value: float, form: Form, error: float | None = None) -> tuple[str, str]:
    """Return a figure and its standard error as text, both to the same decimals.

    The error keeps one digit, or two where the first is 1, and the value follows it. Without an
    error (None, zero or not finite; its text is then empty) a share has one decimal, a number
    three, or two digits where it is small; what is whole and of unknown form has none. Shares come
    in percent, without the sign.

    Args:
        value: The figure; what is not finite is written as it is.
        form: Of the metric.
        error: Its standard error, in the same unit.
    """
    if not math.isfinite(value):
        return str(value), ""
    scale = 100.0 if form == "share" else 1.0
    value = float(value) * scale
    error = abs(error) * scale if error is not None and math.isfinite(error) else 0.0
    if error < 0.5 * 10.0**-_MOST:
        return _text(value, _decimals(value, form)), ""
    power = math.floor(math.log10(error))
    digits = 2 if error / 10.0**power < 2 else 1
    decimals = min(_MOST, max(0, digits - 1 - power))
    return _text(value, decimals), _text(error, decimals)


def percent(value: float) -> str:
    """Return a share in percent with one decimal, without the sign."""
    return rounded(value, "share")[0]


def _decimals(value: float, form: Form) -> int:
    decimals = _DECIMALS[form]
    if form == "" and value.is_integer():
        return 0
    if form in ("share", "count") or value == 0:
        return decimals
    power = math.floor(math.log10(abs(value)))
    if power < 1 - decimals:  # NSPDK MMDs are of the order of 0.0005
        return min(_MOST, 1 - power)
    return max(0, min(decimals, 4 - power))


def _text(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    # -0.000 is a sign without a number.
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text
