"""Models as files and as versions of MLflow's registry; every file is checked before it is loaded.

A model is stored in MLflow's format, as a skops file. Its sha256 is in the verdict document and in
the tags of its version, and is compared before the file is opened. ``allowed_types.py`` lists the
types that the file may contain. Two more things are stored with the model:

- the identities of its training rows, so that a later comparison can exclude these rows;
- a profile and a sample of the rows it was judged on, so that monitoring can measure changes.
"""

import hashlib
import io
import warnings
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..config.settings import Settings
from ..data.columns import Columns
from ..data.feature_kinds import KINDS, FeatureKind
from ..errors import ConfigError, ProductError, Refused, RegistryUnavailable
from ..gate.document import Document
from ..plain_text import NAME_LIMIT, plain
from ..redaction import redacted
from .allowed_types import ALLOWED_TYPES, opened, unreviewed
from .release_checks import registrable
from .runs import Runs, shortened
from .signatures import refuse_unsigned, signature
from .tracking import answering, fetched, quiet
from .versions import CHALLENGER, Loaded, Saved, Version

__all__ = ["Models", "input_example", "keep_reference", "reopen", "save"]

MODEL_FILE, ROWS_FILE = "model.skops", "training_rows.npy"
PROFILE_FILE, SAMPLE_FILE = "reference.json", "reference.parquet"
DESCRIPTION_LIMIT = 5000  # MLflow's longest description of a version
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
    return Saved(directory, _sha256(content), len(content))


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
    if (digest := _sha256(content)) != saved.digest:
        raise Refused(
            f"{saved.path / MODEL_FILE} has the sha256 {digest} – expected {saved.digest}, as the"
            " search saved it – train again"
        )
    return opened(content, "the model just saved")


def keep_reference(saved: Saved, profile: str, sample: pd.DataFrame) -> None:
    """Stores what the model was judged on next to it: the profile of all rows, and a sample of rows
    without their keys.
    """
    (saved.path / PROFILE_FILE).write_text(profile, encoding="utf-8")
    sample.to_parquet(saved.path / SAMPLE_FILE, index=False)


class Models:
    """The registered versions of one product's model."""

    def __init__(self, settings: Settings, product: str, *, only_read: bool = False) -> None:
        self.settings = settings
        self.runs = Runs(settings, product, only_read=only_read)
        self.client = self.runs.client
        # MLflow accepts neither / nor : in the name of a model.
        self.name = product.replace("/", "-").replace(":", "-")

    def register(self, document: Document, saved: Saved, *, scorecard_markdown: str) -> str:
        """The number of the new version; a ready version becomes the challenger.

        A version that needs review is registered too, so that a named person can accept its risks,
        but it does not become the challenger. Registering the same document again returns the same
        version. Raises Refused for a blocked verdict, if document and file do not match, and if a
        public key is configured but not its private key.
        """
        registrable(document, saved, _sha256((saved.path / MODEL_FILE).read_bytes()))
        tags = _tags(document, saved)
        tags |= signature(self.settings, self.runs.product, tags)
        with answering(self.settings):
            number = self._registered(document) or self._register(
                document, saved, tags, scorecard_markdown
            )
            if document.decision.is_ready:
                self.point(CHALLENGER, number)
        return number

    def versions(self) -> tuple[Version, ...]:
        """All versions, newest first."""
        with answering(self.settings):
            found = self.client.search_model_versions(f"name = '{_quoted(self.name)}'")
        return tuple(sorted(map(_version, found), key=lambda version: -int(version.number)))

    def find(self, number: str) -> Version:
        """The version with that number or alias. Raises ConfigError if there is none."""
        number = plain("the version", number, NAME_LIMIT)
        wanted = number if number.isdigit() else self.alias(number)
        try:
            with answering(self.settings):
                # MLflow counts from 1, so version 0 never exists.
                return _version(self.client.get_model_version(self.name, wanted or "0"))
        except RegistryUnavailable:  # says nothing about the version
            raise
        except ProductError as problem:
            known = ", ".join(version.number for version in self.versions()) or "none yet"
            raise ConfigError(
                f"there is no version {number} of {self.name} – registered versions: {known} – give"
                " one of them"
            ) from problem

    def document(self, version: Version) -> Document:
        """The verdict document of the version. Raises Refused if it changed since registration, or
        if a public key is configured and the version has no valid signature.
        """
        document = self.runs.document(version.run_id)
        registered = version.tags.get("decision_digest")
        if document.digest != registered:
            raise Refused(
                f"decision.json of version {version.number} has the digest {document.digest} –"
                f" expected {registered}, as registered; it was changed since – train again"
            )
        refuse_unsigned(self.settings, self.runs.product, version)
        return document

    def check(self, version: Version, document: Document) -> bytes:
        """The bytes of the version's model file. Raises Refused if they changed since the judgement
        or the registration.
        """
        content, judged = (
            self._fetch(version, MODEL_FILE),
            document.model.digest if document.model else "none",
        )
        for when, digest in (("judged", judged), ("registered", version.tags.get("model_digest"))):
            if _sha256(content) != digest:
                raise Refused(
                    f"the model file of version {version.number} has the sha256 {_sha256(content)}"
                    f" – expected {digest}, as {when}; it was changed since and is not loaded –"
                    f" roll back or train again"
                )
        return content

    def load(self, number: str) -> Loaded:
        """The model of a version or alias. Its files are checked before the model is opened.

        Raises ConfigError if there is no such version, and Refused if a check fails.
        """
        version = self.find(number)
        document = self.document(version)
        # The checked bytes are opened: a file that is read again could have been changed meanwhile.
        content = self.check(version, document)
        return Loaded(
            model=opened(content, f"version {version.number}"),
            version=version.number,
            digest=_sha256(content),
            document=document,
            training_rows=self.training_rows(version),
        )

    def training_rows(self, version: Version) -> np.ndarray:
        """The sorted identities (uint64) of the version's training rows. Raises Refused if they
        were changed.
        """
        content = self._checked(
            version, ROWS_FILE, "training_rows_digest", "no fair comparison is possible"
        )
        # allow_pickle=False, because loading a pickle can run any code.
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))

    def reference(self, version: Version) -> tuple[str, pd.DataFrame]:
        """What the version was judged on: the profile as JSON, and a sample. Raises Refused if
        either was changed.
        """
        useless = "no data can be compared with it"
        profile = self._checked(version, PROFILE_FILE, "reference_digest", useless)
        sample = self._checked(version, SAMPLE_FILE, "reference_sample_digest", useless)
        return profile.decode(), pd.read_parquet(io.BytesIO(sample))

    def alias(self, name: str) -> str | None:
        """The number of the version with that alias, None if there is none."""
        from mlflow.exceptions import MlflowException

        with answering(self.settings):
            try:
                return str(self.client.get_model_version_by_alias(self.name, name).version)
            except MlflowException as problem:
                # The codes for a missing model and for a missing alias.
                if problem.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise

    def point(self, alias: str, number: str | None) -> None:
        """Moves the alias to a version, or removes it if ``number`` is None."""
        with answering(self.settings):
            if number is not None:
                self.client.set_registered_model_alias(self.name, alias, number)
            elif self.alias(alias) is not None:
                self.client.delete_registered_model_alias(self.name, alias)

    def model_tags(self) -> dict[str, str]:
        """The tags of the registered model; empty if no version was registered yet."""
        from mlflow.exceptions import MlflowException

        with answering(self.settings):
            try:
                return dict(self.client.get_registered_model(self.name).tags)
            except MlflowException as problem:
                if problem.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return {}
                raise

    def tag_model(self, tag: str, value: str | None) -> None:
        """Sets a tag of the registered model, or removes it if ``value`` is None."""
        with answering(self.settings):
            if value is not None:
                self.client.set_registered_model_tag(self.name, tag, value)
            else:
                self.client.delete_registered_model_tag(self.name, tag)

    def tag(self, number: str, tags: Mapping[str, str]) -> None:
        """Sets tags of a version, without secrets."""
        with answering(self.settings):
            for name, value in tags.items():
                self.client.set_model_version_tag(self.name, number, name, redacted(value))

    def _registered(self, document: Document) -> str | None:
        """The version that an earlier, interrupted attempt registered from this document."""
        same = (v for v in self.versions() if v.tags.get("decision_digest") == document.digest)
        return next((version.number for version in same), None)

    def _register(
        self, document: Document, saved: Saved, tags: dict[str, str], scorecard_markdown: str
    ) -> str:
        from mlflow.entities import LoggedModelOutput

        self._make_sure_of_the_name()
        experiment = self.client.get_run(document.run_id).info.experiment_id
        # The saved folder is uploaded: log_model would write another file than the judged one.
        logged = self.client.create_logged_model(
            experiment, name=_candidate(document), source_run_id=document.run_id
        )
        self.client.log_model_artifacts(logged.model_id, str(saved.path))
        self.client.finalize_logged_model(logged.model_id, "READY")
        self.client.log_outputs(document.run_id, [LoggedModelOutput(logged.model_id, step=0)])
        # Last, so that a training that is killed before leaves no version. Its tags are part of the
        # call, because a version without digests is refused.
        made = self.client.create_model_version(
            self.name,
            logged.artifact_location,
            document.run_id,
            tags=tags,
            description=shortened(scorecard_markdown, DESCRIPTION_LIMIT),
            model_id=logged.model_id,
        )
        return str(made.version)

    def _make_sure_of_the_name(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(self.name)
        except MlflowException as problem:
            if problem.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _checked(self, version: Version, name: str, tag: str, otherwise: str) -> bytes:
        content, registered = self._fetch(version, name), version.tags.get(tag)
        if _sha256(content) != registered:
            raise Refused(
                f"{name} of version {version.number} has the sha256 {_sha256(content)} – expected"
                f" {registered}, as registered; it was changed since, so {otherwise} – train again"
            )
        return content

    def _fetch(self, version: Version, name: str) -> bytes:
        try:
            return fetched(self.settings, version.source, name)
        except FileNotFoundError as problem:
            raise Refused(
                f"{name} of version {version.number} is missing – expected it where MLflow stored"
                " it – check the artifact store, roll back or train again"
            ) from problem


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


def _tags(document: Document, saved: Saved) -> dict[str, str]:
    beside = {
        "training_rows_digest": ROWS_FILE,
        "reference_digest": PROFILE_FILE,
        "reference_sample_digest": SAMPLE_FILE,
    }
    found = {
        tag: saved.path / name for tag, name in beside.items() if (saved.path / name).is_file()
    }
    return {
        "verdict": document.decision.value,
        "criteria_digest": document.criteria_digest,
        "data_digest": document.data.digest,
        "model_digest": saved.digest,
        "decision_digest": document.digest,
        "commit": document.commit or "none",
        **{tag: _sha256(path.read_bytes()) for tag, path in found.items()},
    }


def _candidate(document: Document) -> str | None:
    return document.model.candidate if document.model else None


def _version(found: Any) -> Version:
    return Version(str(found.version), str(found.run_id), str(found.source), dict(found.tags))


def _quoted(name: str) -> str:
    # MLflow's filters have no parameters; a quote in a text is written twice.
    return name.replace("'", "''")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
