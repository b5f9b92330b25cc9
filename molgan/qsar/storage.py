"""The file of a QSAR model: safetensors with one JSON document in its header. No pickles.

Arrays (trees or weights, training fingerprints) and, in the header, what they are: target, family
and its features, calibration, domain, figures, settings, versions. Reading it runs no code.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from molgan.errors import BundleError, DataError, MolganError
from molgan.library.writers import atomic_write
from molgan.qsar.calibration import Calibration
from molgan.qsar.domain import Domain
from molgan.qsar.families.base import Ensemble
from molgan.qsar.targets import TASKS, TRANSFORMS, Target

if TYPE_CHECKING:
    from molgan.qsar.model import QSARModel

FORMAT = 1
_DOCUMENT = "molgan_qsar"
_DOMAIN = "domain.bits"
_ENSEMBLE = "ensemble."


def write(model: QSARModel, path: Path) -> Path:
    """Write a model in one piece.

    Raises:
        MolganError: When the disk refuses.
    """
    from safetensors.numpy import save

    settings, arrays = model.ensemble.state()
    tensors = {f"{_ENSEMBLE}{name}": np.ascontiguousarray(a) for name, a in arrays.items()}
    tensors[_DOMAIN] = np.ascontiguousarray(model.domain.bits)
    document = {
        "format": FORMAT,
        "target": model.target.to_dict(),
        "family": model.ensemble.family,
        "settings": settings,
        "calibration": asdict(model.calibration),
        "domain": {"threshold": model.domain.threshold, "quantile": model.domain.quantile},
        "training": model.training,
        "record": model.record,
    }
    content = save(tensors, metadata={_DOCUMENT: json.dumps(document)})
    with atomic_write(path, binary=True) as file:
        file.write(content)
    return path


def read(path: str | Path) -> QSARModel:
    """Read a model file, or the one in a folder.

    Raises:
        BundleError: If there is none, or it cannot be used.
        DataError: If it needs DeepChem, which is missing.
    """
    from molgan.qsar.model import QSARModel

    path = locate(path)
    document, tensors = _content(path)
    ensembles = _ensembles()
    family = document.get("family")
    if family not in ensembles:
        raise BundleError(
            f"the QSAR model {path} is of the family {family!r}, which this molgan does not know "
            f"({', '.join(ensembles)}): use the version that wrote it, or fit again"
        )
    try:
        arrays = {
            name.removeprefix(_ENSEMBLE): array
            for name, array in tensors.items()
            if name.startswith(_ENSEMBLE)
        }
        target = Target.from_dict(document["target"])
        if target.task not in TASKS or target.transform not in ("none", *TRANSFORMS):
            raise ValueError("its target is of no known kind")
        bits = tensors[_DOMAIN]
        if bits.dtype != np.uint8 or bits.ndim != 2 or bits.shape[1] != 128:
            raise ValueError("its training fingerprints are of another size")
        return QSARModel(
            target=target,
            ensemble=ensembles[family].restore(document["settings"], arrays),
            calibration=Calibration(**document["calibration"]),
            domain=Domain(bits, **document["domain"]),
            training={str(k): float(v) for k, v in document["training"].items()},
            record=document["record"],
        )
    except BundleError as error:
        raise BundleError(f"the QSAR model {path} cannot be used: {error}") from error
    except DataError:
        raise
    except (MolganError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise BundleError(f"the QSAR model {path} is damaged: {error}") from error


def locate(path: str | Path) -> Path:
    """The model file that a user means: the file, or the one in a folder of `molgan.qsar fit`.

    Raises:
        BundleError: When there is none.
    """
    from molgan.qsar.model import SUFFIX

    path = Path(path).expanduser()
    if path.is_dir():
        found = sorted(path.glob(f"*{SUFFIX}"))
        if len(found) == 1:
            return found[0]
        what = "several" if found else "no"
        raise BundleError(f"the folder {path} holds {what} QSAR models (*{SUFFIX}); name the file")
    if not path.exists():
        raise BundleError(
            f"there is no QSAR model {path}; give a {SUFFIX} file or a folder of "
            "`python -m molgan.qsar fit`"
        )
    return path


def _content(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """The document and the arrays of a file.

    Raises:
        BundleError: If it is no such file, damaged, or of another format.
    """
    from safetensors import SafetensorError, safe_open

    foreign = f"{path} is not a QSAR model of molgan, or it is truncated"
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if "molgan" in metadata:
                raise BundleError(
                    f"{path} is a generator, for molgan.generate, and not a QSAR model; fit one "
                    "with: python -m molgan.qsar fit"
                )
            document = json.loads(metadata[_DOCUMENT])
            if document["format"] != FORMAT:
                written = document.get("record", {}).get("versions", {}).get("molgan", "unknown")
                raise BundleError(
                    f"the QSAR model {path} has format {document['format']} (written by molgan "
                    f"{written}); this molgan reads format {FORMAT}: use the version that wrote "
                    "it, or fit again"
                )
            return document, {name: file.get_tensor(name) for name in file.keys()}
    except PermissionError as error:
        raise BundleError(f"cannot read the QSAR model {path}: permission denied") from error
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{foreign} ({type(error).__name__})") from error


def _ensembles() -> dict[str, type[Ensemble]]:
    """Families that a file may name."""
    from molgan.qsar.families.dmpnn import DMPNNEnsemble
    from molgan.qsar.families.forest import Forest
    from molgan.qsar.families.network import NetworkEnsemble

    return {kind.family: kind for kind in (Forest, NetworkEnsemble, DMPNNEnsemble)}
