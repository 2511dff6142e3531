"""The versions of one product's model in MLflow's registry; every file is checked before it is
used.

The sha256 of the model file is in the verdict document and in the tags of its version, those of the
files beside it are in the tags. ``model_files.py`` lists the files.
"""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..config.settings import Settings
from ..errors import ConfigError, ProductError, Refused, RegistryUnavailable
from ..gate.document import Document
from ..plain_text import NAME_LIMIT, plain
from ..redaction import redacted
from .allowed_types import opened
from .model_files import (
    MODEL_FILE,
    PROFILE_FILE,
    RECORDED_FILE,
    ROWS_FILE,
    SAMPLE_FILE,
    RecordedRows,
    sha256,
)
from .release_checks import registrable
from .runs import Runs, shortened
from .signatures import refuse_unsigned, signature
from .tracking import answering, fetched
from .versions import CHALLENGER, Loaded, Saved, Version

__all__ = ["Models"]

RECORDED_TAG = "recorded_rows_digest"
DESCRIPTION_LIMIT = 5000  # MLflow's longest description of a version


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
        registrable(document, saved, sha256((saved.path / MODEL_FILE).read_bytes()))
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
            if sha256(content) != digest:
                raise Refused(
                    f"the model file of version {version.number} has the sha256 {sha256(content)}"
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
            digest=sha256(content),
            document=document,
            training_rows=self.training_rows(version),
            bytes=len(content),
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

    def recorded_rows(self, version: Version) -> RecordedRows | None:
        """All rows of the version's training as hashes, None if they were not recorded. Raises
        Refused if they were changed.
        """
        if RECORDED_TAG not in version.tags:
            return None
        useless = "the model cannot be measured again"
        content = self._checked(version, RECORDED_FILE, RECORDED_TAG, useless)
        return RecordedRows.from_bytes(content)

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
        if sha256(content) != registered:
            raise Refused(
                f"{name} of version {version.number} has the sha256 {sha256(content)} – expected"
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


def _tags(document: Document, saved: Saved) -> dict[str, str]:
    beside = {
        "training_rows_digest": ROWS_FILE,
        RECORDED_TAG: RECORDED_FILE,
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
        **{tag: sha256(path.read_bytes()) for tag, path in found.items()},
    }


def _candidate(document: Document) -> str | None:
    return document.model.candidate if document.model else None


def _version(found: Any) -> Version:
    return Version(str(found.version), str(found.run_id), str(found.source), dict(found.tags))


def _quoted(name: str) -> str:
    # MLflow's filters have no parameters; a quote in a text is written twice.
    return name.replace("'", "''")
