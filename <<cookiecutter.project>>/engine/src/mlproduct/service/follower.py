"""Which model answers, and how another one takes its place.

The follower asks the history of decisions for the champion every few seconds. A new champion is
loaded beside the old one, which goes on answering: its digest is compared with what was judged and
approved, its features with the schema, and it has to say something sensible about rows the old one
was judged on. Only then is one reference exchanged for another. Whatever fails, the last good one
stays. MLflow's alias ``champion`` shows the same to people; where it was moved by hand, that is
reported and not followed.
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
from ..registry.releases import Releases
from ..registry.versions import CHAMPION, Loaded
from ..training.predictions import predict
from .accelerate import accelerated

__all__ = ["Follower", "LiveModel", "unfit"]

logger = logging.getLogger(__name__)
SMOKE_ROWS = 50
AGAIN_AFTER = 12
"""Looks to wait before a version that was refused is tried again."""


@dataclass(frozen=True)
class LiveModel:
    """The model that answers; ``fast`` says the same in less time, where that can be had."""

    loaded: Loaded
    fast: Any | None

    @property
    def version(self) -> str:
        return self.loaded.version


class Follower:
    """Keeps ``live`` at the champion; ``trouble`` says what keeps it from that, where something
    does.

    ``outage`` says the same to anybody who asks for the health: no name, no address, no version.
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
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        """Looks once, so that a service with a champion is ready when it starts, and then again and
        again.
        """
        self.poll()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def poll(self) -> None:
        """Makes the champion live where it is not; never raises."""
        try:
            if self._opened is None:
                self._opened = self._releases()
            number = self._opened.champion()
            if number is not None and (self.live is None or number != self.live.version):
                self._follow_to(self._opened, number)
            if number is None or (self.live is not None and number == self.live.version):
                self._compare(self._opened.models.alias(CHAMPION), number)
        except Exception as error:  # a registry that is away is no reason not to answer
            self._say(in_words(error), _outage(error))

    def _follow_to(self, releases: Releases, number: str) -> None:
        """Takes the version live, unless it was refused a moment ago."""
        version, waited = self._refused
        if version == number and waited < AGAIN_AFTER:
            self._refused = (version, waited + 1)
        else:
            self._swap(releases, number)

    def _compare(self, alias: str | None, number: str | None) -> None:
        """Reports an alias that says something else than the history."""
        self.alias_differs = alias != number
        if self.alias_differs:
            mend = "set the alias back with doctor" if number else "check PRODUCT_DATABASE_URL"
            self._say(
                f"MLflow's alias {CHAMPION} says version {alias or 'none'}, the history of"
                " decisions says"
                f" {number or 'none'} – the history counts, both should say the same – {mend}",
                "the registry's alias is another version's",
            )
        else:
            self.trouble = self.outage = (
                None if self.live is not None else "there is no champion yet"
            )

    def _swap(self, releases: Releases, number: str) -> None:
        try:
            loaded = releases.load_champion()
            if loaded is None or loaded.version != number:
                return  # decided anew in this moment: the next look finds it
            _, example = releases.models.reference(releases.models.find(number))
            if problem := unfit(loaded.model, example, self._columns):
                raise ValueError(problem)
        except (
            DatabaseUnavailable,
            RegistryUnavailable,
        ) as away:  # no word against the model: soon again
            self._say(f"version {number} waits: {away}", _outage(away))
            return
        except Exception as error:  # whatever is wrong with it, it does not go live
            self._refused = (number, 0)
            self.refusals += 1
            self._say(
                f"version {number} is not taken live: {in_words(error)}", "the champion was refused"
            )
            return
        self.live = LiveModel(loaded, accelerated(loaded.model, example, self._columns))
        self.trouble = self.outage = None
        self._refused = ("", 0)
        self.swaps += 1
        logger.info("version %s is live", number)

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
    """Why the model cannot answer rows of the schema; None where it can. ``example`` are rows it
    was judged on.
    """
    named = getattr(model, "feature_names_in_", None)
    if named is not None and set(named) != set(columns.features):
        other = sorted(set(named) ^ set(columns.features))
        return f"its features are not those of schemas.py: {', '.join(map(str, other))}"
    rows = example[list(columns.features)].head(SMOKE_ROWS)
    predictions = predict(model, rows)
    for name, values in (("decisions", predictions.decision), ("scores", predictions.score)):
        if values is not None and (len(values) != len(rows) or not np.isfinite(values).all()):
            return f"its {name} are not one number for each row"
    if (
        predictions.score is not None
        and not ((predictions.score >= 0) & (predictions.score <= 1)).all()
    ):
        return "its scores are not between 0 and 1"
    return None
