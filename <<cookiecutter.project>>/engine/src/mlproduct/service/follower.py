"""The model that serves, and how it is replaced by a new champion.

The follower reads the champion from the audit log every few seconds. It loads a new champion
while the old one continues to serve. It compares the digest with the approved one and the features
with the schema, and it checks the predictions on holdout rows. Only then does it replace the
reference to the model. If anything fails, the previous model stays. MLflow's alias ``champion``
shows the same version to people. If it was moved by hand, the follower reports this and does not
follow it.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..data.columns import Columns
from ..errors import ConfigError, DatabaseUnavailable, RegistryUnavailable
from ..evaluation.bootstrap import in_words
from ..problems import Problem
from ..registry.releases import Releases
from ..registry.versions import CHAMPION, Loaded
from .accelerate import accelerated

__all__ = ["Follower", "LiveModel", "unfit"]

logger = logging.getLogger(__name__)
SMOKE_ROWS = 50  # enough to notice a model that fails or returns nonsense, in milliseconds
# Polls before a refused version is tried again: a minute at the default SERVICE_POLL_SECONDS.
AGAIN_AFTER = 12


@dataclass(frozen=True)
class LiveModel:
    """The model that serves; ``fast`` is a faster copy with the same predictions, or None."""

    loaded: Loaded
    fast: Any | None
    problem: Problem

    @property
    def version(self) -> str:
        """The version of the model in the registry."""
        return self.loaded.version


class Follower:
    """Keeps the champion loaded in ``live``; ``trouble`` is the reason if that fails.

    ``every`` is the number of seconds between two polls.

    ``outage`` is the same reason for ``/health``, which needs no key: without names, addresses and
    versions.
    """

    def __init__(self, releases: Callable[[], Releases], columns: Columns, every: float) -> None:
        self._releases, self._columns, self._every = releases, columns, every
        self._opened: Releases | None = None
        self.live: LiveModel | None = None
        self.trouble: str | None = None
        self.outage: str | None = None
        self.alias_differs = False
        self.swaps = self.refusals = 0
        self._refused: tuple[str, int] = ("", 0)
        self._stop = threading.Event()
        # A daemon: a poll that waits for the registry must not delay the end of the process.
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        """Polls once, so that a service with a champion is ready when it starts, and then starts
        the thread that polls.
        """
        self.poll()
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after its current poll."""
        self._stop.set()

    def poll(self) -> None:
        """Loads the champion if it is not loaded. Never raises."""
        try:
            # Opened here, so that the service also starts while the registry is unavailable.
            if self._opened is None:
                self._opened = self._releases()
            number = self._opened.champion()
            if number is not None and (self.live is None or number != self.live.version):
                self._follow_to(self._opened, number)
            # Not for a version that waits or was refused: its reason would be overwritten.
            if number is None or (self.live is not None and number == self.live.version):
                self._compare(self._opened.models.alias(CHAMPION), number)
        except Exception as error:  # the loaded model serves on while the registry is unavailable
            self._say(in_words(error), _outage(error))

    def _follow_to(self, releases: Releases, number: str) -> None:
        """Loads the version, unless it was refused within the last polls."""
        version, waited = self._refused
        if version == number and waited < AGAIN_AFTER:
            self._refused = (version, waited + 1)
        else:
            self._swap(releases, number)

    def _compare(self, alias: str | None, number: str | None) -> None:
        """Reports an alias that points to another version than the audit log."""
        self.alias_differs = alias != number
        if self.alias_differs:
            todo = "set the alias back with doctor" if number else "check PRODUCT_DATABASE_URL"
            self._say(
                f"MLflow's alias {CHAMPION} is on version {alias or 'none'}, the champion in the"
                f" audit log is {number or 'none'} – expected the version of the audit"
                f" log, which the service follows – {todo}",
                "the registry's alias is on another version",
            )
        else:
            self.trouble = self.outage = (
                None if self.live is not None else "there is no champion yet"
            )

    def _swap(self, releases: Releases, number: str) -> None:
        try:
            loaded = releases.load_champion()
            if loaded is None or loaded.version != number:
                return  # another champion was set in the meantime: the next poll finds it
            _, example = releases.models.reference(releases.models.find(number))
            if problem := unfit(loaded.model, example, self._columns):
                raise ValueError(problem)
        except (DatabaseUnavailable, RegistryUnavailable) as away:
            # This says nothing about the model, so the next poll tries again.
            self._say(f"version {number} waits: {away}", _outage(away))
            return
        except Exception as error:  # any error in these checks refuses the version
            self._refused = (number, 0)
            self.refusals += 1
            self._say(
                f"version {number} was refused and is not loaded: {in_words(error)}",
                "the champion was refused",
            )
            return
        fast = accelerated(loaded.model, example, self._columns)
        self.live = LiveModel(loaded, fast, loaded.problem(self._columns.of_target))
        self.trouble = self.outage = None
        self._refused = ("", 0)
        self.swaps += 1
        logger.info("version %s is loaded and serves", number)

    def response(self, version: str, rows: pd.DataFrame) -> dict[str, list[Any]]:
        """The fields of the logged predictions ``rows`` of a version, as it returned them.

        The codes of classes mean nothing without the document of the version, which is read from
        the registry if another version serves. Raises RegistryUnavailable if that fails.
        """
        live, problem = self.live, self._columns.of_target
        if not problem.class_names:
            return problem.response(problem.from_log(rows, (), None))
        if live is not None and live.version == version:
            document = live.loaded.document
        else:
            models = self._releases().models
            document = models.document(models.find(version))
        classes = document.model.classes if document.model else ()
        threshold = document.model.threshold if document.model else None
        problem = problem.of_version(classes)
        return problem.response(problem.from_log(rows, classes, threshold))

    def _say(self, trouble: str, outage: str) -> None:
        if trouble != self.trouble:
            logger.warning("%s", trouble)
        self.trouble, self.outage = trouble, outage

    def _follow(self) -> None:
        while not self._stop.wait(self._every):
            self.poll()


def _outage(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return "the configuration is wrong"
    return (
        "database unavailable" if isinstance(error, DatabaseUnavailable) else "registry unavailable"
    )


def unfit(model: object, example: pd.DataFrame, columns: Columns) -> str | None:
    """Why the model cannot predict rows of the schema; None if it can. ``example`` are holdout
    rows.
    """
    named = getattr(model, "feature_names_in_", None)
    if named is not None and set(named) != set(columns.inputs):
        other = sorted(set(named) ^ set(columns.inputs))
        return f"its features are not those of schemas.py: {', '.join(map(str, other))}"
    rows = example[list(columns.inputs)].head(SMOKE_ROWS)
    predictions = columns.of_target.predict(model, rows)
    for name, values in (("decisions", predictions.decision), ("scores", predictions.score)):
        if values is not None and (len(values) != len(rows) or not np.isfinite(values).all()):
            return f"its {name} are not one number for each row"
    if (
        predictions.score is not None
        and not ((predictions.score >= 0) & (predictions.score <= 1)).all()
    ):
        return "its scores are not between 0 and 1"
    return None
