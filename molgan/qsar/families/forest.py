"""Random forest on fingerprints: fitted by scikit-learn, kept as arrays, followed with numpy.

Breiman, Mach. Learn. 45, 5 (2001); on fingerprints Svetnik et al., J. Chem. Inf. Comput. Sci. 43,
1947 (2003). A pickled forest would run code when read and would bind the file to one version of
scikit-learn; the trees themselves are four arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molgan.errors import BundleError, ConfigError, MolganError
from molgan.qsar.families.base import Array, Arrays, Ensemble, Family, Part, Surroundings
from molgan.qsar.features import Counts, Fingerprint

_LEVELS = 4  # steps down the trees between two looks at which have arrived


@dataclass(frozen=True)
class RandomForest(Family):
    """Settings of a forest.

    Args:
        trees: Each is fitted on a bootstrap sample: they are the members of the ensemble.
        min_leaf: Molecules that a leaf holds at least.
        max_features: Share of the positions tried for each split, above 0 to 1.
        radius: Of the fingerprint, in bonds.
        size: Of the fingerprint.
        counts: Whether the fingerprint counts.

    Raises:
        ConfigError: If a number is out of range.
    """

    trees: int = 100
    min_leaf: int = 1
    max_features: float = 0.2
    radius: int = 2
    size: int = 2048
    counts: bool = True

    def __post_init__(self) -> None:
        """Check the settings."""
        for key in ("trees", "min_leaf"):
            if getattr(self, key) < 1:
                raise ConfigError(f"family.{key}={getattr(self, key)}: 1 or more is wanted")
        if not 0 < self.max_features <= 1:
            raise ConfigError(
                f"family.max_features={self.max_features}: a share above 0, to 1, is wanted"
            )
        self.features()

    def features(self) -> Fingerprint:
        """The fingerprint."""
        return Fingerprint(self.radius, self.size, self.counts)

    def fit(self, train: Part, valid: Part, around: Surroundings) -> Forest:
        """Fit the trees; `valid` is not needed.

        Raises:
            MolganError: If scikit-learn is missing.
        """
        try:
            from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        except ImportError as error:
            raise MolganError(
                "family=forest needs scikit-learn: pip install scikit-learn"
            ) from error
        features = self.features()
        kind = RandomForestClassifier if around.classify else RandomForestRegressor
        forest = kind(
            n_estimators=self.trees,
            min_samples_leaf=self.min_leaf,
            max_features=self.max_features,
            n_jobs=around.n_jobs,
            random_state=around.seed,
        )
        table = features.matrix(train.mols).astype(np.float32)
        forest.fit(table, train.values.astype(int) if around.classify else train.values)
        return Forest.of_sklearn(forest, features)


class Forest(Ensemble):
    """Trees as arrays over all their nodes, one tree after the other.

    Node i sends a molecule to ``child[i] + (count > threshold[i])``; a leaf sends it to itself.
    Siblings are neighbours, so one array holds both children.

    Args:
        features: The fingerprint.
        roots: (T,) int32, first node of each tree.
        child: (nodes,) int32, left child; its own number for a leaf.
        feature: (nodes,) uint16, position of the fingerprint that is looked at.
        threshold: (nodes,) uint8, highest count that goes left; 255 for a leaf.
        value: (nodes,) float32, mean or share of class 1 of the training molecules there.
    """

    family: ClassVar[str] = "forest"

    def __init__(
        self,
        features: Fingerprint,
        roots: npt.NDArray[np.int32],
        child: npt.NDArray[np.int32],
        feature: npt.NDArray[np.uint16],
        threshold: npt.NDArray[np.uint8],
        value: npt.NDArray[np.float32],
    ) -> None:
        self.features = features
        self.roots = roots
        self.child = child
        self.feature = feature
        self.threshold = threshold
        self.value = value

    @classmethod
    def of_sklearn(cls, forest: Any, features: Fingerprint) -> Forest:
        """The same trees as those of a fitted forest of scikit-learn."""
        parts, roots, first = [], [], 0
        for estimator in forest.estimators_:
            part = _tree_arrays(estimator.tree_, first)
            roots.append(first)
            parts.append(part)
            first += len(part[0])
        child, feature, threshold, value = (
            np.concatenate(arrays) for arrays in zip(*parts, strict=True)
        )
        return cls(features, np.array(roots, np.int32), child, feature, threshold, value)

    def members(self, mols: Sequence[Chem.Mol]) -> Array:
        """(trees, n) predictions."""
        return self.follow(self.features.matrix(mols))

    def follow(self, table: Counts) -> Array:
        """(trees, n) values of the leaves in which (n, size) fingerprints end."""
        count, trees = len(table), len(self.roots)
        flat = np.ascontiguousarray(table).ravel()
        result = np.empty(count * trees)
        # All molecules go down all trees together; who has arrived leaves.
        place = np.arange(count * trees)
        node = np.tile(self.roots, count)
        row = np.repeat(np.arange(count) * table.shape[1], trees)
        while len(node):
            for _ in range(_LEVELS):
                node = self.child[node] + (flat[row + self.feature[node]] > self.threshold[node])
            arrived = self.child[node] == node
            result[place[arrived]] = self.value[node[arrived]]
            going = ~arrived
            node, row, place = node[going], row[going], place[going]
        return result.reshape(count, trees).T

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Plain settings and arrays."""
        names = ("roots", "child", "feature", "threshold", "value")
        return {"features": self.features.to_dict()}, {name: getattr(self, name) for name in names}

    @classmethod
    def restore(cls, settings: dict[str, Any], arrays: Arrays) -> Forest:
        """The forest of a model file."""
        features = Fingerprint.from_dict(settings["features"])
        roots, child = arrays["roots"], arrays["child"]
        nodes = np.arange(len(child))
        same = all(len(arrays[name]) == len(nodes) for name in ("feature", "threshold", "value"))
        leaf = child == nodes
        # A child behind its parent, and in the file: whoever follows the tree arrives.
        sound = same and bool(
            np.all(child >= nodes)
            and np.all(child[~leaf] + 1 < len(nodes))
            and np.all(arrays["threshold"][leaf] == 255)
            and np.all(arrays["feature"] < features.size)
            and np.all((roots >= 0) & (roots < len(nodes)))
            and np.isfinite(arrays["value"]).all()
        )
        if not sound or not len(roots):
            raise BundleError("its trees are damaged")
        return cls(features, roots, child, arrays["feature"], arrays["threshold"], arrays["value"])


def _tree_arrays(tree: Any, first: int) -> tuple[npt.NDArray[Any], ...]:
    """One tree of scikit-learn, renumbered so that siblings are neighbours behind their parent.

    Args:
        tree: scikit-learn's arrays of a tree, parents before their children.
        first: Number of its root.
    """
    left, right = tree.children_left, tree.children_right
    inner = np.flatnonzero(left >= 0)
    number = np.zeros(len(left), dtype=np.int64)
    number[left[inner]] = 2 * np.arange(len(inner)) + 1
    number[right[inner]] = 2 * np.arange(len(inner)) + 2
    order = np.argsort(number)
    child = number.copy()
    child[inner] = number[left[inner]]
    feature = np.zeros(len(left), np.uint16)
    feature[inner] = tree.feature[inner]
    # Counts are whole numbers: below 3.5 means at most 3.
    threshold = np.full(len(left), 255, np.uint8)
    threshold[inner] = np.floor(tree.threshold[inner])
    value = tree.value[:, 0, :]
    if value.shape[1] == 2:
        value = value[:, 1:] / value.sum(axis=1, keepdims=True)
    return (
        (child[order] + first).astype(np.int32),
        feature[order],
        threshold[order],
        value[order, 0].astype(np.float32),
    )
