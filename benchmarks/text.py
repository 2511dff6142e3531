"""Measures the models of the kit for texts: ``make bench-text DATA=folder``, or without a folder.

The folder has a pair of files, NAME-train.csv and NAME-test.csv, with the columns text and
category. The candidate and its parameters are chosen by cross-validation on the training file
alone. The test file is scored once, with each candidate at its best parameters. Without a folder
the rows are the kit's synthetic messages, of which the last fifth is the test.

Runs in the product's environment, with the modules of the kit as they are in the template. Without
the word vectors of the distribution wordllama, the candidates that need them are left out.

python text.py [--data folder] [--rows 500 5000 50000] [--settings 3]
"""

import argparse
import importlib
import json
import sys
import time
import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlproduct import Candidate, StaticVectors
from mlproduct.errors import ConfigError
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import ParameterSampler, StratifiedKFold, cross_val_predict

ROOT = Path(__file__).parents[1]
KIT = ROOT / "<<cookiecutter.project>>" / "kits" / "feedback" / "src" / "<<cookiecutter.package>>"
FOLDS, FEW, DRAWS, BINS = 3, 10, 5, 15
HEADER = ("CV F1", "accuracy", "macro F1", "fit CPU s", "rows/s", "ECE", "ECE, T", "10 each")


@dataclass(frozen=True)
class TextColumns:
    """The columns of a table by kind, as far as the candidates ask for them."""

    categorical: tuple[str, ...]
    texts: tuple[str, ...]
    numeric: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    time: str | None = None


@dataclass(frozen=True)
class Rows:
    """Training and test rows, with their classes as numbers."""

    name: str
    columns: TextColumns
    train: pd.DataFrame
    classes: np.ndarray
    test: pd.DataFrame
    test_classes: np.ndarray


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path)
    options.add_argument("--rows", type=int, nargs="+", default=[500, 5_000, 50_000])
    options.add_argument("--settings", type=int, default=3)
    given = options.parse_args()
    candidates = (*module_of_kit("candidates").CANDIDATES, with_vectors())
    found = []
    for rows in from_folder(given.data) if given.data else synthetic(given.rows):
        print(f"{rows.name}: {len(rows.train):,} and {len(rows.test):,} rows")
        print("".ljust(22) + "".join(title.rjust(11) for title in HEADER))
        measured = [
            row for each in candidates if (row := measure(each, rows, given.settings)) is not None
        ]
        best = max(measured, key=lambda row: row["cv_macro_f1"])
        print(f"chosen by cross-validation: {best['candidate']} {best['parameters']}\n")
        found.append({"rows": rows.name, "chosen": best["candidate"], "candidates": measured})
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "benchmarks-text.json").write_text(json.dumps(found, indent=2))


def module_of_kit(name: str) -> Any:
    """A module of the kit, imported from the template."""
    if "kit" not in sys.modules:
        sys.modules["kit"] = package = types.ModuleType("kit")
        package.__path__ = [str(KIT)]
    return importlib.import_module(f"kit.{name}")


def with_vectors() -> Candidate:
    """The kit's linear candidate with static word vectors, which no project installs by itself."""
    kit = module_of_kit("candidates")
    (linear,) = (each for each in kit.CANDIDATES if each.name == "linear")

    def build(columns: Any, seed: int) -> Any:
        model = linear.build(columns, seed)
        parts = model.named_steps["parts"]
        vectors = ColumnTransformer(
            [(name, StaticVectors(), name) for name in columns.texts],
            verbose_feature_names_out=True,
        )
        parts.transformer_list.append(("vectors", vectors))
        return model.set_params(parts__transformer_weights={**kit.WEIGHTS, "vectors": 2.0})

    described = "the same, and the meaning of the words: the mean of their vectors"
    return Candidate("linear with vectors", described, build, linear.space)


def from_folder(folder: Path) -> Iterator[Rows]:
    """The pairs of files in a folder."""
    for path in sorted(folder.glob("*-train.csv")):
        name = path.name.removesuffix("-train.csv")
        train, test = pd.read_csv(path), pd.read_csv(folder / f"{name}-test.csv")
        yield coded(name, TextColumns((), ("text",)), train, test, "category")


def synthetic(sizes: list[int]) -> Iterator[Rows]:
    """The kit's messages; the test rows are the newest ones."""
    for size in sizes:
        table = module_of_kit("sample").sample(size, until=date(2026, 11, 24), dirty=0.0)
        parts = table.iloc[: size * 4 // 5], table.iloc[size * 4 // 5 :]
        columns = TextColumns(("channel", "language"), ("message",))
        yield coded(f"{size:,} messages", columns, *parts, "team")


def coded(
    name: str, columns: TextColumns, train: pd.DataFrame, test: pd.DataFrame, target: str
) -> Rows:
    """The rows with their classes as numbers, as the engine passes them to a model."""
    classes = np.unique(train[target])
    codes = (np.searchsorted(classes, each[target]) for each in (train, test))
    return Rows(name, columns, train, next(codes), test, next(codes))


def measure(candidate: Candidate, rows: Rows, settings: int) -> dict[str, Any] | None:
    """The figures of a candidate at its best parameters; None without the vectors it needs."""
    try:
        score, parameters, temperature = best_of(candidate, rows, settings)
    except ConfigError as problem:
        print(f"{candidate.name.ljust(22)} {problem}")
        return None
    model = built(candidate, rows, parameters)
    began = time.process_time()
    model.fit(rows.train, rows.classes)
    fitted = time.process_time() - began
    began = time.perf_counter()
    scores = model.predict_proba(rows.test)
    seconds = time.perf_counter() - began
    predicted = scores.argmax(axis=1)
    found = {
        "candidate": candidate.name,
        "parameters": {name: float(value) for name, value in parameters.items()},
        "cv_macro_f1": score,
        "accuracy": accuracy_score(rows.test_classes, predicted),
        "macro_f1": f1_score(rows.test_classes, predicted, average="macro"),
        "fit_cpu_seconds": fitted,
        "rows_per_second": len(rows.test) / seconds,
        "calibration_error": calibration_error(scores, rows.test_classes),
        "calibration_error_with_temperature": calibration_error(
            with_temperature(scores, temperature), rows.test_classes
        ),
        "temperature": temperature,
        "accuracy_with_10_each": float(np.mean(list(from_few(candidate, rows, parameters)))),
    }
    show(found)
    return found


def best_of(candidate: Candidate, rows: Rows, settings: int) -> tuple[float, dict[str, Any], float]:
    """The best macro F1 of out-of-fold predictions, its parameters, and the temperature of these
    predictions. The candidate's own parameters are tried first, then random ones.
    """
    drawn = list(ParameterSampler(candidate.space, settings - 1, random_state=7))
    tried = [{}, *drawn] if candidate.space else [{}]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=7)
    best: tuple[float, dict[str, Any], float] | None = None
    for parameters in tried:
        model = built(candidate, rows, parameters)
        scores = cross_val_predict(
            model, rows.train, rows.classes, cv=folds, method="predict_proba"
        )
        score = f1_score(rows.classes, scores.argmax(axis=1), average="macro")
        if best is None or score > best[0]:
            best = score, parameters, temperature_of(scores, rows.classes)
    assert best is not None
    return best


def built(candidate: Candidate, rows: Rows, parameters: dict[str, Any]) -> Any:
    columns: Any = rows.columns
    return candidate.build(columns, 7).set_params(**parameters)


def from_few(candidate: Candidate, rows: Rows, parameters: dict[str, Any]) -> Iterator[float]:
    """The accuracy of the candidate when fitted on 10 rows of each class, for five draws."""
    labels = pd.Series(rows.classes)
    for seed in range(DRAWS):
        drawn = labels.groupby(labels).sample(FEW, random_state=seed, replace=True).index.unique()
        model = built(candidate, rows, parameters)
        model.fit(rows.train.iloc[drawn], rows.classes[drawn])
        yield accuracy_score(rows.test_classes, model.predict(rows.test))


def temperature_of(scores: np.ndarray, classes: np.ndarray) -> float:
    """The temperature with the smallest log loss."""

    def loss(logarithm: float) -> float:
        logs = logarithms(scores) / np.exp(logarithm)
        return -float(log_softmax(logs, axis=1)[np.arange(len(classes)), classes].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x))


def with_temperature(scores: np.ndarray, temperature: float) -> np.ndarray:
    return np.exp(log_softmax(logarithms(scores) / temperature, axis=1))


def logarithms(scores: np.ndarray) -> np.ndarray:
    return np.log(np.clip(scores, 1e-12, 1))


def calibration_error(scores: np.ndarray, classes: np.ndarray) -> float:
    """The expected calibration error of the highest probability, in bins of equal width."""
    highest, hits = scores.max(axis=1), scores.argmax(axis=1) == classes
    bins = np.minimum((highest * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, hits - highest, BINS)
    return float(np.abs(gaps).sum() / len(classes))


def show(found: dict[str, Any]) -> None:
    """Prints a line of the table."""
    figures = [
        f"{found['cv_macro_f1']:.3f}",
        f"{found['accuracy']:.3f}",
        f"{found['macro_f1']:.3f}",
        f"{found['fit_cpu_seconds']:.1f}",
        f"{found['rows_per_second']:,.0f}",
        f"{found['calibration_error']:.3f}",
        f"{found['calibration_error_with_temperature']:.3f}",
        f"{found['accuracy_with_10_each']:.3f}",
    ]
    print(found["candidate"].ljust(22) + "".join(each.rjust(11) for each in figures), flush=True)


if __name__ == "__main__":
    main()
