"""A trained model as plain data, and how it scores: boosted trees, a calibration, reasons in words.

Training needs scikit-learn (training.py); scoring needs numpy alone. A model is a JSON value with a
hash of its own: what it says of a customer or a wallet can be repeated anywhere. It never acts: its
points order what people look at, and people decide.

Sources: J. H. Friedman, Greedy function approximation, Annals of Statistics 29 (2001), 1189-1232;
J. C. Platt, Probabilistic outputs for support vector machines, in Advances in Large Margin
Classifiers (1999); reasons: A. Saabas, Interpreting random forests (2014), which splits a score
along the path of each tree and adds up to it exactly; population stability index: N. Siddiqi,
Credit Risk Scorecards (2006).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cases.detection.features import FEATURES, Feature, Figures
from cases.detection.wallet_features import WALLET_FEATURES

FORMAT: Final = 1
MOST_TREES, MOST_NODES = 500, 511
MOST_REASONS: Final = 5
LEAF: Final = -1
CUSTOMER, WALLET = "customer", "wallet"
TABLES: Final[Mapping[str, tuple[Feature, ...]]] = {CUSTOMER: FEATURES, WALLET: WALLET_FEATURES}
"""What a model can be of, and its figures in the order that a new model takes them."""
BY_NAME: Final[Mapping[str, Feature]] = {
    feature.name: feature for table in TABLES.values() for feature in table
}
FLOOR: Final = 1e-4  # of a share, where its logarithm is taken
STABLE, MOVED = 0.1, 0.25  # of the index: below nothing moved, above the model needs training
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class ModelError(ValueError):
    """The data are no model of this program; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What one figure did to a score: its weight in log-odds, above 0 raises."""

    name: str
    value: int
    weight: float

    def tell(self) -> dict[str, str]:
        """In words, for people."""
        feature = BY_NAME[self.name]
        return {
            "name": self.name, "words": feature.words, "value": feature.tell(self.value),
            "way": "raises" if self.weight > 0 else "lowers", "weight": f"{self.weight:+.2f}",
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree in arrays: a node without a left child is a leaf; `value` is in log-odds."""

    feature: Whole
    threshold: Floats
    left: Whole
    right: Whole
    value: Floats


class RiskModel:
    """A model that is read and checked.

    Args:
        content: what `training.train` made. Raises ModelError.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        try:
            if content["format"] != FORMAT:
                raise ModelError("The model has another format than this program reads.")
            self.subject = str(content.get("subject", CUSTOMER))
            self.names = tuple(str(name) for name in content["features"])
            self.start = float(content["start"])
            self.slope, self.shift = (float(value) for value in content["calibration"])
            self.trees = [_tree(each, len(self.names)) for each in content["trees"]]
            self.edges = [np.asarray(each, np.float64) for each in content["edges"]]
            self.shares = [np.asarray(each, np.float64) for each in content["shares"]]
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(
                "The data are no model: a part is missing or of another kind."
            ) from None
        known = {feature.name for feature in TABLES.get(self.subject, ())}
        if unknown := set(self.names) - known:
            raise ModelError(f"This program does not know the figure {sorted(unknown)[0]}.")
        if not 0 < len(self.trees) <= MOST_TREES or len(self.edges) != len(self.names):
            raise ModelError("The model has no trees, too many of them, or no measure of drift.")

    def matrix(self, rows: Sequence[Figures]) -> Floats:
        """Figures in the order of the model."""
        table = [[row[name] for name in self.names] for row in rows]
        return np.asarray(table, np.float64).reshape(len(rows), len(self.names))

    def odds(self, matrix: Floats) -> Floats:
        """Log-odds before calibration: O(rows * trees * depth)."""
        total = np.full(len(matrix), self.start)
        narrow = matrix.astype(np.float32)  # as the trainer compares
        for tree in self.trees:
            total += tree.value[_leaves(tree, narrow)]
        return total

    def chances(self, matrix: Floats) -> Floats:
        """The calibrated share, 0 to 1, of such rows with the outcome that was learnt."""
        calibrated: Floats = 1 / (1 + np.exp(-(self.slope * self.odds(matrix) + self.shift)))
        return calibrated

    def points(self, matrix: Floats) -> list[int]:
        """Whole points, 0 to 1000."""
        return [round(1_000 * float(each)) for each in self.chances(matrix)]

    def weights(self, row: Figures) -> Floats:
        """What each figure did to this score, in log-odds; with the base they add up to it."""
        vector = self.matrix([row])[0].astype(np.float32)
        weights = np.zeros(len(self.names))
        for tree in self.trees:
            node = 0
            while tree.left[node] != LEAF:
                feature = int(tree.feature[node])
                goes_left = vector[feature] <= tree.threshold[node]
                child = int(tree.left[node] if goes_left else tree.right[node])
                weights[feature] += tree.value[child] - tree.value[node]
                node = child
        return weights

    def reasons(self, row: Figures) -> list[Reason]:
        """The figures that moved this score most, heaviest first; calibration stretches each."""
        weights = self.weights(row)
        order = sorted(range(len(weights)), key=lambda each: (-abs(weights[each]), each))
        return [
            Reason(self.names[each], row[self.names[each]], float(self.slope * weights[each]))
            for each in order[:MOST_REASONS]
            if weights[each]
        ]

    def base_odds(self) -> float:
        """The score before any figure is looked at: the start and the roots of all trees."""
        return self.start + float(sum(tree.value[0] for tree in self.trees))

    def counts(self, matrix: Floats) -> list[list[int]]:
        """How many rows lie in each tenth of the training's spread, by figure: adds up by batch."""
        return [
            np.bincount(np.searchsorted(edges, matrix[:, column], "left"), minlength=len(share))
            .astype(int).tolist()
            for column, (edges, share) in enumerate(zip(self.edges, self.shares, strict=True))
        ]  # fmt: skip

    def drift(self, counts: Sequence[Sequence[int]]) -> dict[str, float]:
        """The population stability index of each figure, largest first; nothing without rows."""
        found = {}
        for name, before, seen in zip(self.names, self.shares, counts, strict=True):
            total = sum(seen)
            if not total:
                return {}
            now = [max(each / total, FLOOR) for each in seen]
            then = [max(float(each), FLOOR) for each in before]
            found[name] = sum((n - t) * log(n / t) for n, t in zip(now, then, strict=True))
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def spread_of(matrix: Floats) -> tuple[list[list[float]], list[list[float]]]:
    """Edges between the tenths of each column, each once, and the share between them."""
    edges, shares = [], []
    for column in range(matrix.shape[1]):
        values = matrix[:, column]
        cuts = np.unique(np.quantile(values, np.linspace(0.1, 0.9, 9), method="lower"))
        counted = np.bincount(np.searchsorted(cuts, values, "left"), minlength=len(cuts) + 1)
        edges.append([float(each) for each in cuts])
        shares.append([float(each) / len(values) for each in counted])
    return edges, shares


def all_figures(subject: str = CUSTOMER) -> list[str]:
    """The names in the order that a new model takes them."""
    return [feature.name for feature in TABLES[subject]]


def _tree(told: Mapping[str, Any], num_features: int) -> Tree:
    tree = Tree(
        np.asarray(told["feature"], np.int64),
        np.asarray(told["threshold"], np.float64),
        np.asarray(told["left"], np.int64),
        np.asarray(told["right"], np.int64),
        np.asarray(told["value"], np.float64),
    )
    size = len(tree.value)
    inner = tree.left != LEAF
    if not 0 < size <= MOST_NODES or any(
        len(each) != size for each in (tree.feature, tree.threshold, tree.left, tree.right)
    ):
        raise ModelError("A tree of the model is not whole.")
    places = np.arange(size)[inner]
    for child in (tree.left[inner], tree.right[inner]):  # forward only: a walk always ends
        if np.any(child <= places) or np.any(child >= size):
            raise ModelError("A tree of the model goes in a circle.")
    if np.any(tree.feature[inner] < 0) or np.any(tree.feature[inner] >= num_features):
        raise ModelError("A tree of the model asks for a figure that the model does not name.")
    if not np.all(np.isfinite(tree.value)):
        raise ModelError("A tree of the model has no finite values.")
    return tree


def _leaves(tree: Tree, matrix: NDArray[np.float32]) -> Whole:
    node = np.zeros(len(matrix), np.int64)
    rows = np.arange(len(matrix))
    while len(rows):
        at = node[rows]
        rows, at = rows[tree.left[at] != LEAF], at[tree.left[at] != LEAF]
        goes_left = matrix[rows, tree.feature[at]] <= tree.threshold[at]
        node[rows] = np.where(goes_left, tree.left[at], tree.right[at])
    return node
