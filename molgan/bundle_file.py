"""The model file: one self-contained file that samples molecules without the data it learnt from.

A bundle is a safetensors file: tensors (weights, hashed training identities) and, in its header,
one JSON document with vocabulary, network settings, size distribution, configuration, figures and
versions. Reading it runs no code.

Weights are kept as trained, or in half precision, which halves the file; either way networks
compute in single precision. From the first release on, `FORMAT` goes up when an older molgan
would misread a file; entries that came later have a default for files without them.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from molgan import pretrained
from molgan.errors import BundleError, MolganError
from molgan.library.writers import atomic_write

FORMAT = 1
SUFFIX = pretrained.SUFFIX
_DOCUMENT = "molgan"


def write(path: Path, document: dict[str, Any], tensors: dict[str, Tensor]) -> Path:
    """Write a bundle in one piece; a file that was there before stays whole until it is there.

    Args:
        path: the file.
        document: plain data.
        tensors: by name, on any device.

    Raises:
        MolganError: when the disk refuses.
    """
    from safetensors.torch import save

    contiguous = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    content = save(contiguous, metadata={_DOCUMENT: json.dumps(document)})
    with atomic_write(path, binary=True) as file:
        file.write(content)
    return path


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Document and tensors of a bundle.

    Args:
        path: the file, see `locate`.

    Raises:
        BundleError: when it is no bundle, of another format, truncated or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    document = _read_document(path)
    try:
        return document, load_file(path)
    except (SafetensorError, OSError) as error:
        raise BundleError(f"the model {path} is truncated or damaged: {error}") from error


def locate(path: str | Path) -> Path:
    """The bundle that a user means: a file, a run folder's last (else best) one, or a ready model.

    The last one is the model that the run's final figures describe. A file or folder wins over a
    ready model of the same name.

    Raises:
        BundleError: when there is none.
    """
    name, path = str(path), Path(path)
    ready = pretrained.available()
    if path.is_dir():
        for stem in ("last", "best"):
            candidate = path / f"{stem}{SUFFIX}"
            if candidate.exists():
                return candidate
        hint = (
            "; the ready model of this name is reached from any folder in which nothing else has it"
            if name in ready
            else f"; give model= a run folder of molgan.train or a {SUFFIX} file"
        )
        raise BundleError(
            f"the folder {path} holds no trained model (best{SUFFIX} or last{SUFFIX}){hint}"
        )
    if path.exists():
        return path
    if name in ready:
        return pretrained.path(name)
    raise BundleError(
        f"there is no model {path}; give model= a run folder of molgan.train, a {SUFFIX} file or a "
        f"ready model ({', '.join(ready) or 'this installation holds none'})"
    )


def _read_document(path: Path) -> dict[str, Any]:
    """The JSON document in a bundle's header, read before any tensor.

    Raises:
        BundleError: when the file is no bundle, or of another format.
    """
    foreign = f"{path} is not a molgan model, or it is truncated"
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise BundleError(foreign)
            header = json.loads(file.read(length))
        document = json.loads(header["__metadata__"][_DOCUMENT])
    except PermissionError as error:
        raise BundleError(f"cannot read the model {path}: permission denied") from error
    except (OSError, struct.error, ValueError, KeyError, TypeError, MemoryError) as error:
        raise BundleError(f"{foreign} ({type(error).__name__})") from error
    if not isinstance(document, dict):
        raise BundleError(foreign)
    if document.get("format") != FORMAT:
        written = document.get("versions", {}).get("molgan", "unknown")
        raise BundleError(
            f"the model {path} has format {document.get('format')} (written by molgan "
            f"{written}); this molgan reads format {FORMAT}: use the version that wrote it, or "
            "train again"
        )
    return cast(dict[str, Any], document)


def halved(name: str, tensor: Tensor) -> Tensor:
    """A tensor as float16; whole numbers stay what they are.

    Args:
        name: for the message.
        tensor: of any type.

    Raises:
        MolganError: for a number too large for float16.
    """
    if not tensor.is_floating_point():
        return tensor
    halved = tensor.half()
    if not torch.isfinite(halved).all():
        raise MolganError(f"{name} holds weights too large for precision=half: use precision=full")
    return halved
