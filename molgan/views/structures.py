"""A molecule in three dimensions: a picture that turns under the pointer, without any network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from molgan.errors import ChemistryError, ConfigError, MolganError
from molgan.views.view import View, figure_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rdkit import Chem

Engine = Literal["own", "py3dmol"]

# Corey, Pauling and Koltun's colours, as chemists know them; others are pink.
_COLOURS = {
    1: "#e8e8e8", 6: "#606060", 7: "#3050f8", 8: "#ff0d0d", 9: "#60c040", 15: "#ff8000",
    16: "#d8b400", 17: "#1ec41e", 35: "#a62929", 53: "#940094",
}  # fmt: skip
_OTHER = "#ff69b4"
_SIZE = 420


def structure_3d(
    molecule: str | Path | Chem.Mol, *, seed: int = 0, engine: Engine = "own"
) -> View | Any:
    """Show a conformer or a docked pose.

    Args:
        molecule: A SMILES, of which a conformer is built (ETKDG, MMFF94s); a file .sdf, .mol or
            .pdbqt, whose first molecule or best pose is taken; or an RDKit molecule with
            coordinates.
        seed: Of the conformer.
        engine: ``own`` draws balls and sticks and needs nothing; ``py3dmol`` returns a viewer of
            the package py3Dmol (extra ``notebook``), whose script the browser loads from the
            internet.

    Raises:
        ChemistryError: If the SMILES cannot be read or no conformer is found; the reason is given.
        ConfigError: For another engine.
        DataError: If the file holds no molecule.
        MolganError: If py3Dmol is not installed.
    """
    if engine not in ("own", "py3dmol"):
        raise ConfigError(f"engine={engine!r} is unknown: use own or py3dmol")
    mol, title = _with_coordinates(molecule, seed)
    if engine == "py3dmol":
        return _py3dmol(mol)
    places = mol.GetConformer().GetPositions()
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    centred = places - places.mean(0)
    # Seen along the direction of least extent: flat molecules lie flat.
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    centred = centred @ axes.T if len(centred) > 2 else centred
    scene = json.dumps(
        {
            "atoms": [
                [
                    *map(lambda v: round(float(v), 3), place),
                    _COLOURS.get(number, _OTHER),
                    number > 1,
                ]
                for place, number in zip(centred, numbers, strict=True)
            ],
            "bonds": bonds,
        }
    )

    def figure() -> Figure:
        return _figure(centred, numbers, bonds)

    def svg() -> bytes:
        from molgan.metrics.reporting.plots import as_svg

        return as_svg(figure())

    return View(
        title,
        f"{sum(number > 1 for number in numbers)} heavy atoms. Drag to turn, wheel to zoom.",
        svg,
        lambda: figure_png(figure()),
        body=f'<canvas width="{_SIZE}" height="{_SIZE}"></canvas>',
        style="canvas { border: 1px solid #e4e8eb; cursor: grab; touch-action: none; }\n",
        script=f"var scene = {scene};\n{_SCRIPT}",
        height=_SIZE + 150,
    )


def _with_coordinates(molecule: str | Path | Chem.Mol, seed: int) -> tuple[Any, str]:
    from molgan.library.conformers import embed
    from molgan.library.poses import read_reference

    if not isinstance(molecule, str | Path):
        if molecule.GetNumConformers() == 0:
            raise ChemistryError("this molecule has no coordinates: give its SMILES instead")
        return molecule, "Structure"
    path = Path(molecule)
    if path.suffix.lower() in (".sdf", ".sd", ".mol", ".pdbqt"):
        return read_reference(path), path.name
    built = embed(str(molecule), seed=seed)
    if isinstance(built, str):
        raise ChemistryError(f"there is no 3D structure of {str(molecule)!r}: {built}")
    return built.mol, built.smiles


def _py3dmol(mol: Any) -> Any:
    from rdkit import Chem

    try:
        import py3Dmol
    except ImportError as error:
        raise MolganError(
            'engine=py3dmol needs a package that is not here: pip install "molgan[notebook]"'
        ) from error
    viewer = py3Dmol.view(width=_SIZE, height=_SIZE)
    viewer.addModel(Chem.MolToMolBlock(mol), "mol")
    viewer.setStyle({"stick": {"radius": 0.14}, "sphere": {"scale": 0.24}})
    viewer.zoomTo()
    return viewer


def _figure(
    places: npt.NDArray[np.float64], numbers: list[int], bonds: list[tuple[int, int]]
) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for begin, end in bonds:
        ends = places[[begin, end]]
        axes.plot(ends[:, 0], ends[:, 1], color="#8a949b", linewidth=3, zorder=ends[:, 2].mean())
    for place, number in zip(places, numbers, strict=True):
        axes.plot(
            *place[:2],
            "o",
            markersize=13 if number > 1 else 7,
            color=_COLOURS.get(number, _OTHER),
            markeredgecolor="#404040",
            markeredgewidth=0.6,
            zorder=place[2] + 0.01,
        )
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.margins(0.1)
    return figure


_SCRIPT = """\
var canvas = document.querySelector("canvas"), pen = canvas.getContext("2d");
var size = canvas.width, reach = 1, zoom = 1, held = null;
var atoms = scene.atoms.map(function (a) {
  return { p: a.slice(0, 3), c: a[3], r: a[4] ? 0.42 : 0.26 };
});
atoms.forEach(function (a) { reach = Math.max(reach, Math.hypot(a.p[0], a.p[1], a.p[2]) + 0.6); });
function turn(dx, dy) {
  var cx = Math.cos(dx), sx = Math.sin(dx), cy = Math.cos(dy), sy = Math.sin(dy);
  atoms.forEach(function (a) {
    var x = a.p[0] * cx + a.p[2] * sx, z = a.p[2] * cx - a.p[0] * sx;
    a.p = [x, a.p[1] * cy - z * sy, a.p[1] * sy + z * cy];
  });
}
function draw() {
  var scale = zoom * size / (2 * reach), parts = [];
  function at(p) { return [size / 2 + scale * p[0], size / 2 - scale * p[1]]; }
  scene.bonds.forEach(function (b) {
    var p = atoms[b[0]].p, q = atoms[b[1]].p;
    var m = [0, 1, 2].map(function (k) { return (p[k] + q[k]) / 2; });
    [[p, atoms[b[0]].c], [q, atoms[b[1]].c]].forEach(function (half) {
      parts.push({ z: (half[0][2] + m[2]) / 2, draw: function () {
        var s = at(half[0]), t = at(m);
        pen.lineCap = "round"; pen.strokeStyle = "#404040"; pen.lineWidth = 0.24 * scale;
        pen.beginPath(); pen.moveTo(s[0], s[1]); pen.lineTo(t[0], t[1]); pen.stroke();
        pen.strokeStyle = half[1]; pen.lineWidth = 0.19 * scale; pen.stroke();
      } });
    });
  });
  atoms.forEach(function (a) {
    parts.push({ z: a.p[2] + 0.05, draw: function () {
      var s = at(a.p), r = a.r * scale;
      var shade = pen.createRadialGradient(s[0] - r / 3, s[1] - r / 3, r / 8, s[0], s[1], r);
      shade.addColorStop(0, "#ffffff"); shade.addColorStop(0.35, a.c); shade.addColorStop(1, a.c);
      pen.fillStyle = shade; pen.strokeStyle = "#404040"; pen.lineWidth = 1;
      pen.beginPath(); pen.arc(s[0], s[1], r, 0, 2 * Math.PI); pen.fill(); pen.stroke();
    } });
  });
  pen.clearRect(0, 0, size, size);
  parts.sort(function (s, t) { return s.z - t.z; }).forEach(function (part) { part.draw(); });
}
canvas.addEventListener("pointerdown", function (e) {
  held = [e.clientX, e.clientY]; canvas.setPointerCapture(e.pointerId);
});
canvas.addEventListener("pointerup", function () { held = null; });
canvas.addEventListener("pointermove", function (e) {
  if (!held) { return; }
  turn((e.clientX - held[0]) / 120, (e.clientY - held[1]) / 120);
  held = [e.clientX, e.clientY]; draw();
});
canvas.addEventListener("wheel", function (e) {
  e.preventDefault(); zoom = Math.min(5, Math.max(0.4, zoom * Math.exp(-e.deltaY / 600))); draw();
}, { passive: false });
turn(0.3, 0.25); draw();
"""
