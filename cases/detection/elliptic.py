"""The public Elliptic files: transactions of Bitcoin, some known as illicit, by time step.

Not shipped: whoever wants to repeat a published score downloads them. Needs requirements-learn.txt.
Source: M. Weber et al., Anti-Money Laundering in Bitcoin: Experimenting with Graph Convolutional
Networks for Financial Forensics (2019), whose split and random forest these are.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

FEATURES_FILE: Final = "elliptic_txs_features.csv"
CLASSES_FILE: Final = "elliptic_txs_classes.csv"
ILLICIT, LICIT, UNKNOWN = "1", "2", "unknown"
LAST_TAUGHT: Final = 34  # time step
MOST_COLUMNS: Final = 1_000
Table = NDArray[np.float64]


class NotElliptic(ValueError):
    """A file is absent or not of the form; the sentence says which and why."""


@dataclass(frozen=True, slots=True)
class Elliptic:
    """The labelled transactions: figures, time step, and whether each is illicit."""

    figures: Table
    steps: NDArray[np.int64]
    illicit: NDArray[np.bool_]
    num_unknown: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What one kind of model found of the illicit class after the taught steps."""

    name: str
    precision: float
    recall: float
    f1: float


def load_elliptic(folder: Path) -> Elliptic:
    """Read both files; transactions of an unknown class are counted and left out.

    Raises NotElliptic. Cost: memory of the table, 300 MB for the whole of it.
    """
    classes = dict(_rows(folder / CLASSES_FILE, 2))
    if classes.pop("txId", None) is None or not set(classes.values()) <= {
        ILLICIT, LICIT, UNKNOWN,
    }:  # fmt: skip
        raise NotElliptic(f"{CLASSES_FILE} does not give each txId the class 1, 2 or unknown.")
    table: list[list[float]] = []
    steps: list[int] = []
    illicit: list[bool] = []
    for number, row in enumerate(_rows(folder / FEATURES_FILE, 3), 1):
        known = classes.get(row[0], UNKNOWN)
        if known == UNKNOWN:
            continue
        try:
            values = [float(cell) for cell in row[1:]]
        except ValueError:
            raise NotElliptic(f"{FEATURES_FILE}, line {number}: a figure is no number.") from None
        if table and len(values) != len(table[0]):
            raise NotElliptic(f"{FEATURES_FILE}, line {number}: another number of figures.")
        table.append(values)
        steps.append(int(values[0]))
        illicit.append(known == ILLICIT)
    if not table:
        raise NotElliptic(f"No transaction of {FEATURES_FILE} has a known class.")
    return Elliptic(
        np.asarray(table), np.asarray(steps), np.asarray(illicit),
        sum(known == UNKNOWN for known in classes.values()),
    )  # fmt: skip


def judge_elliptic(known: Elliptic, *, seed: int = 7) -> list[Scores]:
    """The paper's random forest and our boosted trees: steps to 34 teach, later ones judge.

    Raises NotElliptic where a side lacks a class. Cost: minutes for the whole of it.
    """
    early = known.steps <= LAST_TAUGHT
    for side in (early, ~early):
        if len(np.unique(known.illicit[side])) != 2:
            raise NotElliptic("Both classes are needed up to time step 34 and after it.")
    kinds = (
        ("random forest", RandomForestClassifier(
            n_estimators=50, max_features=min(50, known.figures.shape[1]), random_state=seed,
        )),
        ("boosted trees", GradientBoostingClassifier(
            n_estimators=100, max_depth=3, subsample=0.8, random_state=seed,
        )),
    )  # fmt: skip
    found = []
    for name, forest in kinds:
        forest.fit(known.figures[early], known.illicit[early])
        said, truth = forest.predict(known.figures[~early]), known.illicit[~early]
        right = int((said & truth).sum())
        precision = right / max(int(said.sum()), 1)
        recall = right / max(int(truth.sum()), 1)
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        found.append(Scores(name, precision, recall, f1))
    return found


def _rows(path: Path, least: int) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not least <= len(row) <= MOST_COLUMNS:
                    raise NotElliptic(f"{path.name}, line {number}: {len(row)} cells.")
                yield row
    except OSError as error:
        raise NotElliptic(f"{path.name} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise NotElliptic(f"{path.name} is no CSV file.") from None
