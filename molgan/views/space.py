"""A map of chemical space: similar molecules lie near each other, structures show on hover."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from molgan.errors import ConfigError, DataError, MolganError
from molgan.views.view import View, figure_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from molgan.library import Library

Method = Literal["pca", "umap"]
Points = npt.NDArray[np.float64]

PICTURES = 400
"""Molecules whose structure shows on hover: each costs the page some 2 kB."""

_MOST_FOR_AXES = 5000  # molecules from which the axes are computed; all are placed
_WIDTH, _HEIGHT, _MARGIN = 720, 520, 24


def chemical_space(
    library: Library | Sequence[str],
    reference: Library | Sequence[str] | None = None,
    *,
    colour: str | None = None,
    method: Method = "pca",
    seed: int = 0,
    n: int = 2000,
) -> View:
    """Draw molecules as points by their Morgan fingerprints (radius 2, 1,024 bits).

    The axes are made from both sets together, so that a cloud beside the reference is outside of
    what the reference covers. Two axes keep a small share of what distinguishes molecules
    (it is said below a PCA map): near on the map is not always similar.

    Args:
        library: Molecules to show; the first `PICTURES` of them show their structure on hover.
        reference: Molecules in grey behind them, such as the training set.
        colour: A column of numbers by which points are coloured.
        method: ``pca``, or ``umap`` (extra ``notebook``), which keeps neighbours together but gives
            distances between groups no meaning; its first map in a session takes half a minute.
        seed: Of the molecules drawn from larger sets, and of UMAP.
        n: Most molecules drawn of each set.

    Raises:
        ChemistryError: If RDKit cannot read one of the SMILES.
        ConfigError: For another method.
        DataError: If there are fewer than three molecules, or no such column.
        MolganError: If UMAP is not installed.
    """
    shown, values = _chosen(library, colour, n, seed)
    grey, _ = _chosen([] if reference is None else reference, None, n, seed)
    smiles = [text for text, _ in shown + grey]
    points, kept = project(smiles, method=method, seed=seed)
    front, back = points[: len(shown)], points[len(shown) :]
    share = f" The two axes keep {100 * kept:.0f} % of the variance." if kept is not None else ""
    caption = (
        f"{len(shown):,} molecules"
        + (f", and {len(grey):,} of the reference in grey" if grey else "")
        + f"; {method.upper()} of Morgan fingerprints.{share}"
    )

    def figure() -> Figure:
        return _figure(front, back, values, colour)

    def svg() -> bytes:
        from molgan.metrics.reporting.plots import as_svg

        return as_svg(figure())

    body, script = _interactive(shown, front, back, values, colour)
    return View(
        "Chemical space",
        caption,
        svg,
        lambda: figure_png(figure()),
        body=body,
        style=_STYLE,
        script=script,
        height=_HEIGHT + 190,
    )


def project(
    smiles: Sequence[str], *, method: Method = "pca", seed: int = 0
) -> tuple[Points, float | None]:
    """Place molecules in the plane by their Morgan fingerprints.

    Args:
        smiles: M molecules, at least three.
        method: ``pca`` or ``umap`` (McInnes et al. 2018, arXiv:1802.03426; Jaccard distances).
        seed: Of UMAP, and of the molecules from which PCA takes its axes in large sets.

    Returns:
        (M, 2) points, and the share of the variance that PCA's two axes keep, 0 to 1 (UMAP: None).

    Raises:
        ChemistryError: If RDKit cannot read one of the SMILES; it is named.
        ConfigError: For another method.
        DataError: If there are fewer than three molecules.
        MolganError: If UMAP is not installed.
    """
    if method not in ("pca", "umap"):
        raise ConfigError(f"method={method!r} is unknown: use pca or umap")
    if len(smiles) < 3:
        raise DataError(f"a map needs three molecules or more, not {len(smiles)}")
    bits = np.unpackbits(_bits(smiles), axis=1)
    if method == "umap":
        return _umap(bits, seed), None
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(bits))[:_MOST_FOR_AXES]
    sample = bits[some].astype(np.float32)
    mean = sample.mean(0)
    covariance = np.cov(sample - mean, rowvar=False)
    variances, axes = np.linalg.eigh(covariance)
    plane = axes[:, -2:][:, ::-1]
    # The sign of an axis is arbitrary: the same molecules give the same map everywhere.
    plane = plane * np.sign(plane[np.abs(plane).argmax(0), [0, 1]])
    kept = float(variances[-2:].sum() / max(variances.sum(), 1e-12))
    return (bits.astype(np.float32) - mean).astype(np.float64) @ plane, kept


def _bits(smiles: Sequence[str]) -> npt.NDArray[np.uint8]:
    from molgan.chem import quiet_rdkit, read_smiles
    from molgan.errors import ChemistryError
    from molgan.metrics.similarity import morgan_bits

    mols = []
    with quiet_rdkit():
        for text in smiles:
            mol, _ = read_smiles(text)
            if mol is None:
                raise ChemistryError(f"cannot place {text!r} on a map: RDKit does not read it")
            mols.append(mol)
    return morgan_bits(mols)


def _umap(bits: npt.NDArray[np.uint8], seed: int) -> Points:
    try:
        import umap
    except ImportError as error:
        raise MolganError(
            'method=umap needs a package that is not here: pip install "molgan[notebook]"'
        ) from error
    reducer = umap.UMAP(metric="jaccard", random_state=seed, n_jobs=1)
    with warnings.catch_warnings():
        # Its way back from the map, which nobody asks for, knows no Jaccard distances.
        warnings.filterwarnings("ignore", message="gradient function is not yet implemented")
        points = np.asarray(reducer.fit_transform(bits.astype(bool)), dtype=np.float64)
    placed: Points = points
    return placed


def _chosen(
    molecules: Library | Sequence[str], colour: str | None, n: int, seed: int
) -> tuple[list[tuple[str, str]], npt.NDArray[np.float64] | None]:
    """(SMILES, name) of at most n molecules, in their order, and their values of a column."""
    from molgan.library import Library

    values = None
    if isinstance(molecules, Library):
        pairs = list(zip(molecules.smiles, molecules.names, strict=True))
        if colour is not None:
            if colour not in molecules.frame or molecules.frame[colour].dtype.kind not in "biuf":
                there = ", ".join(map(str, molecules.frame.columns))
                raise DataError(
                    f"there is no column of numbers {colour!r} to colour by; there are: {there}"
                )
            values = molecules.frame[colour].to_numpy(dtype=np.float64)
    else:
        pairs = [(text, text) for text in molecules]
        if colour is not None:
            raise DataError(f"to colour by {colour!r} a library with that column is needed")
    if len(pairs) > n:
        rows = np.sort(np.random.default_rng(seed).permutation(len(pairs))[:n])
        pairs = [pairs[row] for row in rows]
        values = None if values is None else values[rows]
    return pairs, values


def _figure(front: Points, back: Points, values: Any, colour: str | None) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    if len(back):
        axes.scatter(back[:, 0], back[:, 1], s=9, color="#c5cbd0", linewidths=0, label="reference")
    if values is None:
        axes.scatter(
            front[:, 0],
            front[:, 1],
            s=11,
            color="#0072b2",
            alpha=0.75,
            linewidths=0,
            label="molecules",
        )
    else:
        dots = axes.scatter(front[:, 0], front[:, 1], s=11, c=values, cmap="viridis", linewidths=0)
        figure.colorbar(dots, ax=axes, label=str(colour).replace("$", r"\$"), shrink=0.7)
    axes.set_xlabel("axis 1")
    axes.set_ylabel("axis 2")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "right"]].set_visible(False)
    if len(back) and values is None:
        axes.legend(frameon=False, fontsize=9)
    return figure


def _interactive(
    shown: Sequence[tuple[str, str]],
    front: Points,
    back: Points,
    values: npt.NDArray[np.float64] | None,
    colour: str | None,
) -> tuple[str, str]:
    """The map as SVG, and the script that shows what lies under the pointer."""
    from molgan.library.pictures import draw_svg

    both = np.concatenate([front, back])
    low, high = both.min(0), both.max(0)
    span = np.where(high > low, high - low, 1.0)
    room = np.array([_WIDTH, _HEIGHT]) - 2 * _MARGIN
    places = _MARGIN + (both - low) / span * room
    places[:, 1] = _HEIGHT - places[:, 1]
    dots = [
        f'<circle class="back" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places[len(front) :]
    ]
    shades = _shades(values, len(front))
    dots += [
        f'<circle class="dot" data-i="{i}" cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{shade}"/>'
        for i, ((x, y), shade) in enumerate(zip(places[: len(front)], shades, strict=True))
    ]
    facts = []
    for i, (smiles, name) in enumerate(shown):
        value = "" if values is None else f"{colour} {values[i]:.3g}"
        picture = ""
        if i < PICTURES:
            picture = base64.b64encode(draw_svg(smiles, cell=(180, 130)).encode()).decode("ascii")
        facts.append([name, smiles, value, picture])
    # Text of users' files: nothing in it may end the script element, or the line.
    data = json.dumps(facts).replace("<", "\\u003c")
    legend = ""
    if values is not None and np.isfinite(values).any():
        legend = (
            f"<p>{escape(str(colour))}: dark {np.nanmin(values):.3g}, "
            f"bright {np.nanmax(values):.3g}</p>"
        )
    svg = (
        f'<div class="map"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" role="img" aria-label="map">{"".join(dots)}</svg>'
        f'<div class="tip" hidden><img alt="" width="180" height="130"><p></p></div></div>{legend}'
    )
    return svg, f"var facts = {data};\n{_SCRIPT}"


def _shades(values: npt.NDArray[np.float64] | None, count: int) -> list[str]:
    if values is None:
        return ["#0072b2"] * count
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    scale = (values - low) / (high - low if high > low else 1.0)
    return [
        "#999999" if not np.isfinite(value) else to_hex(colormaps["viridis"](value))
        for value in scale
    ]


_STYLE = """\
.map { position: relative; width: max-content; max-width: 100%; border: 1px solid #e4e8eb; }
.map svg { display: block; max-width: 100%; height: auto; }
.back { fill: #c5cbd0; }
.dot { fill-opacity: .8; }
.dot:hover { stroke: #1c2024; stroke-width: 2; }
.tip { position: absolute; pointer-events: none; background: #fff; border: 1px solid #9aa4ac;
  padding: .3rem; font-size: .75rem; max-width: 190px; }
.tip p { margin: 0; overflow-wrap: anywhere; }
"""

_SCRIPT = """\
var tip = document.querySelector(".tip"), box = document.querySelector(".map");
document.querySelectorAll(".dot").forEach(function (dot) {
  dot.addEventListener("pointerenter", function () {
    var fact = facts[+dot.dataset.i], img = tip.querySelector("img");
    var edge = box.getBoundingClientRect();
    img.hidden = !fact[3];
    if (fact[3]) { img.src = "data:image/svg+xml;base64," + fact[3]; }
    tip.querySelector("p").textContent = fact[0] === fact[1] ? fact[1] : fact[0] + "  " + fact[1];
    if (fact[2]) { tip.querySelector("p").textContent += "  " + fact[2]; }
    tip.hidden = false;
    var at = dot.getBoundingClientRect(), x = at.left - edge.left + 14, y = at.top - edge.top + 14;
    tip.style.left = (x + 200 > edge.width ? Math.max(0, x - 222) : x) + "px";
    tip.style.top = (y + 190 > edge.height ? Math.max(0, y - 200) : y) + "px";
  });
  dot.addEventListener("pointerleave", function () { tip.hidden = true; });
});
"""
