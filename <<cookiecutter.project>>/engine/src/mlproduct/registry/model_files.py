"""A model as files in a folder: the model itself, and what was recorded beside it.

A model is stored in MLflow's format, as a skops file. Its sha256 is in the verdict document and in
the tags of its version, and is compared before the file is opened. ``allowed_types.py`` lists the
types that the file may contain. Three more things are stored with the model:

- the identities of its training rows, so that a later comparison can exclude these rows;
- the identity and the content of every row, as hashes, so that the training can be measured again;
- a profile and a sample of the rows it was judged on, so that monitoring can measure changes.
"""

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from .. import __version__
from ..data.columns import Columns
from ..data.feature_kinds import KINDS, FeatureKind
from ..data.fingerprint import row_hashes, row_identities
from ..errors import ConfigError, ProductError, Refused
from .allowed_types import ALLOWED_TYPES, opened, unreviewed
from .tracking import quiet
from .versions import Saved

__all__ = [
    "MODEL_FILE",
    "PROFILE_FILE",
    "RECORDED_FILE",
    "ROWS_FILE",
    "SAMPLE_FILE",
    "RecordedRows",
    "input_example",
    "installed_versions",
    "keep_reference",
    "packages_of",
    "reopen",
    "save",
    "sha256",
]

MODEL_FILE, ROWS_FILE, RECORDED_FILE = "model.skops", "training_rows.npy", "recorded_rows.npy"
PROFILE_FILE, SAMPLE_FILE = "reference.json", "reference.parquet"
REQUIREMENTS = ("mlflow", "numpy", "pandas", "scikit-learn", "skops")


def save(
    model: Any,
    directory: Path,
    *,
    features: pd.DataFrame,
    training_rows: np.ndarray,
    columns: Columns | None = None,
) -> Saved:
    """The model as saved in MLflow's format in ``directory``, which must be new or empty.

    ``features`` are rows in the form that the model expects. They give the signature and the input
    example, which consists of medians and most frequent values and therefore shows no real row;
    ``columns`` states which of them are free texts, of which it shows none.
    ``training_rows`` are the identities (uint64) of the rows the model was trained on. Raises
    ConfigError if the model contains an unreviewed type.
    """
    quiet()
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException

    try:
        mlflow.sklearn.save_model(
            model,
            str(directory),
            signature=_signature(model, features.head(1000)),
            input_example=input_example(features, columns),
            serialization_format="skops",
            skops_trusted_types=list(ALLOWED_TYPES),
            # Named here, because MLflow would otherwise load the model in a new process to
            # determine them.
            pip_requirements=[f"{name}=={installed(name)}" for name in REQUIREMENTS],
        )
    except MlflowException as problem:
        raise ConfigError(
            f"the model cannot be saved: {', '.join(unreviewed(model)) or problem} – expected only"
            " reviewed types – review them and add them to mlproduct/registry/allowed_types.py, or"
            " use another estimator"
        ) from problem
    np.save(
        directory / ROWS_FILE,
        np.unique(np.asarray(training_rows, dtype=np.uint64)),
        allow_pickle=False,
    )
    content = (directory / MODEL_FILE).read_bytes()
    return Saved(directory, sha256(content), len(content))


def input_example(features: pd.DataFrame, columns: Columns | None = None) -> pd.DataFrame:
    """One row of medians, most frequent values and made-up texts, in the dtypes of ``features``.

    Without ``columns``, the kind of each feature follows from its dtype.
    """
    return pd.DataFrame(
        {
            name: (columns.kind_of(str(name)) if columns else _kind(column)).typical(column)
            for name, column in features.items()
        }
    )


def _kind(column: pd.Series) -> FeatureKind:
    if pd.api.types.is_numeric_dtype(column):
        return KINDS["number"]
    return KINDS["date" if pd.api.types.is_datetime64_any_dtype(column) else "category"]


def reopen(saved: Saved) -> Any:
    """The model, loaded from its file. Raises Refused if the file differs from the one that was
    saved.
    """
    content = (saved.path / MODEL_FILE).read_bytes()
    if (digest := sha256(content)) != saved.digest:
        raise Refused(
            f"{saved.path / MODEL_FILE} has the sha256 {digest} – expected {saved.digest}, as the"
            " search saved it – train again"
        )
    return opened(content, "the model just saved")


@dataclass(frozen=True)
class RecordedRows:
    """The rows of a training in their order, as hashes: the ``identities`` and the ``contents``
    (uint64), and which rows were ``held_out`` (a mask).
    """

    identities: np.ndarray
    contents: np.ndarray
    held_out: np.ndarray

    def __len__(self) -> int:
        return len(self.identities)

    @classmethod
    def of(cls, training: pd.DataFrame, holdout: pd.DataFrame, columns: Columns) -> Self:
        """The rows of both sides, first the training rows."""
        rows = pd.concat([training, holdout], ignore_index=True)
        held_out = np.arange(len(rows)) >= len(training)
        return cls(row_identities(rows, columns), row_hashes(rows), held_out)

    def to_bytes(self) -> bytes:
        """The rows as a file in NumPy's format."""
        table = np.empty(
            len(self), dtype=[("identity", "<u8"), ("content", "<u8"), ("held_out", "?")]
        )
        table["identity"], table["content"] = self.identities, self.contents
        table["held_out"] = self.held_out
        file = io.BytesIO()
        np.save(file, table, allow_pickle=False)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The rows in such a file. Raises ValueError for another file."""
        # allow_pickle=False, because loading a pickle can run any code.
        table = np.load(io.BytesIO(content), allow_pickle=False)
        if table.dtype.names != ("identity", "content", "held_out"):
            raise ValueError(f"the table has the columns {table.dtype.names}")
        return cls(table["identity"], table["content"], table["held_out"])


def keep_reference(
    saved: Saved, profile: str, sample: pd.DataFrame, recorded: RecordedRows | None = None
) -> None:
    """Stores what the model was judged on next to it: the profile of all rows, a sample of rows
    without their keys, and the ``recorded`` rows of the whole training.
    """
    (saved.path / PROFILE_FILE).write_text(profile, encoding="utf-8")
    sample.to_parquet(saved.path / SAMPLE_FILE, index=False)
    if recorded is not None:
        (saved.path / RECORDED_FILE).write_bytes(recorded.to_bytes())


def packages_of(saved: Saved) -> dict[str, str]:
    """The installed version of each package that computes with the saved model.

    These are the engine, NumPy, pandas and the packages of the types in the file. A package that is
    not installed as such, like that of the team, has no version and is left out.
    """
    with zipfile.ZipFile(saved.path / MODEL_FILE) as file:
        schema = json.loads(file.read("schema.json"))
    found = {name.partition(".")[0] for name in _modules(schema)}
    distributions = packages_distributions()
    of_types = {name for module in found for name in distributions.get(module, ())}
    return installed_versions(sorted({"mlproduct", "numpy", "pandas", *of_types}))


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """The version of each of these packages that is installed."""
    versions = {}
    for name in names:
        with suppress(PackageNotFoundError):
            # The engine's own version also where the engine is not installed, as in its tests.
            versions[name] = __version__ if name == "mlproduct" else installed(name)
    return versions


def _modules(node: Any) -> Iterator[str]:
    """The modules of all types in the schema of a skops file."""
    if isinstance(node, dict):
        if isinstance(node.get("__module__"), str):
            yield node["__module__"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _modules(each)


def _signature(model: Any, features: pd.DataFrame) -> Any:
    from mlflow.models import infer_signature

    with warnings.catch_warnings():
        # MLflow warns that integer columns may contain missing values; the schema decides that.
        warnings.simplefilter("ignore", UserWarning)
        signature = infer_signature(features, model.predict(features))
    if signature is None or signature.inputs is None or signature.outputs is None:
        raise ProductError(
            "MLflow found no model signature – expected a NumPy type for every column – check the"
            " types in the schema"
        )
    return signature


def sha256(content: bytes) -> str:
    """The sha256 of ``content`` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
