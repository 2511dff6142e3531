"""Scoring one day: chunk by chunk, validated, scored, written and recorded, once each.

A chunk is known by what is in it, and a row by its key and time. Whatever broke off is therefore
simply done again: chunks that were recorded are passed over, rows that were scored stay scored as
they were, and rows that a source has since been given are added.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from .. import PRODUCT, console
from ..columns import Columns, columns_of
from ..config import Scoring, Settings, read_scoring
from ..errors import InvalidData, ProductError, Refused
from ..private import private_settings
from ..redaction import redacted
from ..schemas import Features
from ..steps.fingerprint import fingerprint, row_identities
from ..steps.predict import Predictions, predict
from ..steps.validate import validate
from ..stores.parts import Parts
from ..stores.prediction_log import Block, Lane, Partition, PredictionLog
from ..stores.quarantine import Quarantine
from ..stores.releases import Releases
from ..stores.sources import read
from ..stores.versions import CHALLENGER, Loaded
from ..tables import Batch, Validated

__all__ = ["Desk", "Scored", "announce", "desk", "predictions_of", "score_day"]


@dataclass(frozen=True)
class Desk:
    """What scoring works with."""

    settings: Settings
    scoring: Scoring
    columns: Columns
    releases: Releases
    log: PredictionLog
    parts: Parts
    quarantine: Quarantine
    loaded: dict[str, Loaded] = field(default_factory=dict)

    def model(self, version: str) -> Loaded:
        if version not in self.loaded:
            self.loaded[version] = self.releases.models.load(version)
        return self.loaded[version]


@dataclass(frozen=True)
class Scored:
    """What became of a day. ``fresh`` rows were scored now; ``shadow`` says how the challenger fared."""

    partition: Partition
    fresh: int
    shadow: str | None = None


def desk() -> Desk:
    """The desk by the environment and the files; the champion is loaded, and checked, before anything is read.

    Raises Refused where there is no champion.
    """
    settings = private_settings()
    columns = columns_of(Features)
    releases = Releases(settings, PRODUCT)
    champion = releases.load_champion()
    if champion is None:
        raise Refused("there is no champion – scoring needs a model that was released – train, and approve a version")
    return Desk(
        settings=settings,
        scoring=read_scoring(settings.scoring_file),
        columns=columns,
        releases=releases,
        log=PredictionLog(settings.database_url),
        parts=Parts(settings.var / "predictions", columns.key),
        quarantine=Quarantine(settings.var / "quarantine"),
        loaded={"champion": champion, champion.version: champion},
    )


def score_day(desk: Desk, day: date, run: str, *, shadow: bool) -> Scored:
    """The day, scored with the version its partition was begun with: today's champion where it is new.

    Bad rows are kept aside, and their number is judged at the end: the good ones are scored by then.
    Raises InvalidData where the source has no rows or too many bad ones; the partition is then not
    done. What goes wrong in the shadow is said, and harms nothing.
    """
    source = desk.scoring.source.on(day)
    champion = desk.loaded["champion"]
    first = _Lane(desk, desk.log.begin("batch", day, champion.version, champion.digest), run)
    second, trouble = _shadow(desk, day, run) if shadow else (None, None)
    for batch in read(source, desk.columns.read, root=desk.settings.root, environ=os.environ):
        chunk = _Chunk(desk, batch, day)
        first.take(chunk)
        if second is not None and trouble is None:
            trouble = _tried(second, chunk)
    told = source.described
    if not first.seen:
        raise InvalidData(f"{told}: no rows – expected those of {day} – check what the source holds")
    _refuse_too_many(desk, first, told, day)
    done = Scored(desk.log.finish(first.partition, rejected=first.rejected), first.fresh)
    if second is not None and trouble is None:
        kept = desk.log.finish(second.partition, rejected=second.rejected)
        return Scored(done.partition, done.fresh, f"version {kept.version} scored them too")
    return Scored(done.partition, done.fresh, trouble and f"broke off: {trouble}")


class _Chunk:
    """Some rows of the source; validated when a lane first needs it, and then only once."""

    def __init__(self, desk: Desk, batch: Batch, day: date) -> None:
        self.desk, self.batch, self.day = desk, batch, day
        self.digest = fingerprint(batch.rows)[:16]
        self._validated: Validated | None = None

    @property
    def validated(self) -> Validated:
        if self._validated is None:
            self._validated = validate([self.batch], Features, limit=1.0)
            self.desk.quarantine.keep(f"score-{self.day}", self._validated.rejected)
        return self._validated


class _Lane:
    """One model on its way through the chunks of a day."""

    def __init__(self, desk: Desk, partition: Partition, run: str) -> None:
        self.desk, self.partition, self.run = desk, partition, run
        self.recorded = desk.log.recorded(partition.lane, partition.day)
        self.seen = self.rejected = self.fresh = 0

    def take(self, chunk: _Chunk) -> None:
        if chunk.batch.rows.empty and len(chunk.batch.rows.columns):
            return
        lane, day = self.partition.lane, self.partition.day
        name = f"{lane}/{day.isoformat()}/{chunk.digest}"
        self.seen += len(chunk.batch.rows)
        if name in self.recorded:
            self.rejected += self.recorded[name]
            return
        rows, bad = chunk.validated.rows, len(chunk.validated.rejected.rows)
        identities = row_identities(rows, self.desk.columns)
        new = ~self.desk.log.known(lane, day, identities, _times(rows, self.desk.columns))
        rows, identities = rows[new].reset_index(drop=True), identities[new]
        file = None
        predictions = _nothing()
        if len(rows):
            model = self.desk.model(self.partition.version).model
            said = predict(model, rows[list(self.desk.columns.features)])
            predictions = predictions_of(rows, identities, said, self.desk.columns)
            file = self.desk.parts.write(lane, day, chunk.digest, self._part(rows, said))
        self.desk.log.record(
            Block(
                name=name,
                lane=lane,
                day=day,
                version=self.partition.version,
                digest=self.partition.digest,
                run=self.run,
                predictions=predictions,
                rejected=bad,
                file=file,
            )
        )
        self.recorded[name] = bad
        self.rejected += bad
        self.fresh += len(rows)

    def _part(self, rows: pd.DataFrame, said: Predictions) -> pd.DataFrame:
        told = {f"prediction_{name}": values for name, values in _values(said) if values is not None}
        return rows.assign(**told, model_version=self.partition.version)


def predictions_of(rows: pd.DataFrame, identities: np.ndarray, said: Predictions, columns: Columns) -> pd.DataFrame:
    """The rows as the prediction log takes them."""
    told = {name: values for name, values in _values(said) if values is not None}
    own = {"identity": identities, "key": rows[columns.key].astype("str"), "as_of": _times(rows, columns)}
    return pd.DataFrame({**own, **told})


def _times(rows: pd.DataFrame, columns: Columns) -> pd.Series:
    return rows[columns.time] if columns.time else pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")


def _values(said: Predictions) -> Iterator[tuple[str, Any]]:
    return iter([("decision", said.decision), ("score", said.score), ("low", said.low), ("high", said.high)])


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({"identity": np.empty(0, np.uint64), "key": [], "as_of": [], "decision": []})


def _shadow(desk: Desk, day: date, run: str) -> tuple[_Lane | None, str | None]:
    """The challenger's lane where there is one to score, or what kept it from scoring."""
    lane: Lane = "shadow"
    try:
        number = desk.releases.models.alias(CHALLENGER)
        if number is None or number == desk.loaded["champion"].version:
            return None, None
        return _Lane(desk, desk.log.begin(lane, day, number, desk.model(number).digest), run), None
    except Exception as error:  # nobody acts on the shadow: it may not stop those on whom somebody does
        return None, _in_words(error)


def _tried(lane: _Lane, chunk: _Chunk) -> str | None:
    try:
        lane.take(chunk)
    except Exception as error:  # as above
        return _in_words(error)
    return None


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, ProductError) else f"{type(error).__name__}: {redacted(error)}"


def _refuse_too_many(desk: Desk, lane: _Lane, told: str, day: date) -> None:
    limit = desk.scoring.rejected_share_at_most
    if lane.rejected <= limit * lane.seen:
        return
    share = lane.rejected / lane.seen
    raise InvalidData(
        f"{told}: {lane.rejected:,} of {lane.seen:,} rows ({share:.1%}) break the schema – at most {limit:.1%} may –"
        f" the good ones are scored, {day} is not done; see quarantine show score-{day}, repair the source, score again"
    )


def announce(scored: Scored) -> None:
    """Says what became of the day, in a line."""
    partition = scored.partition
    aside = f", {partition.rejected:,} in quarantine" if partition.rejected else ""
    before = partition.rows - scored.fresh
    again = f" ({before:,} of them before)" if before and scored.fresh else " before" if before else ""
    shadow = f"; shadow: {scored.shadow}" if scored.shadow else ""
    said = f"{partition.rows:,} rows scored{again} by version {partition.version}{aside}{shadow}"
    console.line("score", f"{partition.day}: {said}")
