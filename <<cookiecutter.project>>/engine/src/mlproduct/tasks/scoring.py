"""Scoring by day, in chunks. Each chunk is validated, scored, written and recorded once.

A chunk is identified by its content, and a row by its key and time. An interrupted day is therefore
simply scored again: recorded chunks are skipped, predictions that were made stay as they are, and
rows that were added to the source since then are scored.
"""

import os
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from .. import console
from ..clock import today
from ..config.settings import Scoring, Settings, read_scoring
from ..data.broken_rules import example_table
from ..data.columns import Columns
from ..data.fingerprint import fingerprint, row_identities
from ..data.quarantine import Quarantine
from ..data.sources import read
from ..data.validation import validate
from ..errors import ConfigError, InvalidData, ProductError, Refused
from ..log.partition_files import PartitionFiles
from ..log.prediction_log import LogBatch, Partition, PredictionLog, Stream
from ..permissions import private_settings
from ..problems import Predictions
from ..product import Product
from ..redaction import redacted
from ..registry.releases import Releases
from ..registry.versions import CHALLENGER, Loaded
from ..tables import Batch, Validated
from .logged_rows import PREFIX

__all__ = [
    "ScoredDay",
    "ScoringContext",
    "days_to_score",
    "predictions_of",
    "score_day",
    "scoring_context",
    "show_scored",
]


# In one backfill. A longer range is probably a typing mistake.
DAYS_AT_MOST = 1000


@dataclass(frozen=True)
class ScoringContext:
    """The product, its settings and its stores for scoring; ``loaded`` has the models in memory, by
    version and as ``champion``.
    """

    product: Product
    settings: Settings
    scoring: Scoring
    columns: Columns
    releases: Releases
    log: PredictionLog
    parts: PartitionFiles
    quarantine: Quarantine
    loaded: dict[str, Loaded] = field(default_factory=dict)

    def model(self, version: str) -> Loaded:
        """The model of the version, loaded once."""
        if version not in self.loaded:
            self.loaded[version] = self.releases.models.load(version)
        return self.loaded[version]


@dataclass(frozen=True)
class ScoredDay:
    """The result of scoring a day. ``fresh`` is the number of rows scored in this run; ``shadow``
    describes the result of the challenger, and ``reasons`` why rows of this run were quarantined.
    """

    partition: Partition
    fresh: int
    shadow: str | None = None
    reasons: str = ""


def scoring_context(product: Product, shadow: bool | None = None) -> ScoringContext:
    """The context for scoring. The champion is loaded and checked before any data is read.

    ``shadow`` sets whether the challenger scores the same rows; None uses config/scoring.yaml.

    Raises Refused if there is no champion.
    """
    settings = private_settings()
    scoring = read_scoring(settings.scoring_file)
    releases = Releases(settings, product.name)
    champion = releases.load_champion()
    if champion is None:
        raise Refused(
            "there is no champion – scoring needs a released model – train a model and approve a"
            " version"
        )
    return ScoringContext(
        product=product,
        settings=settings,
        scoring=scoring if shadow is None else scoring.model_copy(update={"shadow": shadow}),
        columns=product.feature_columns,
        releases=releases,
        log=PredictionLog(settings.database_url),
        parts=PartitionFiles(settings.var / "predictions", product.feature_columns.key),
        quarantine=Quarantine(settings.var / "quarantine"),
        # Also by its alias: the champion of this moment scores all days that are new in this run.
        loaded={"champion": champion, champion.version: champion},
    )


def days_to_score(
    context: ScoringContext,
    day: date | None = None,
    start: date | None = None,
    end: date | None = None,
) -> list[date]:
    """The day to score (default today), or the days from ``start`` to ``end`` that are not finished
    yet.

    Raises ConfigError for an invalid combination of days or an invalid range.
    """
    if (start is None) != (end is None) or (day and start):
        raise ConfigError(
            "the days to score are not clear – expected one day, or a first and a last day – give"
            " --day, or --from and --to"
        )
    if start is None or end is None:
        return [day or today()]
    length = (end - start).days + 1
    if not 1 <= length <= DAYS_AT_MOST:
        raise ConfigError(
            f"{start} to {end} are {length} days – expected 1 to {DAYS_AT_MOST} – check the order"
            " and the years"
        )
    done = {partition.day for partition in context.log.partitions() if partition.done}
    return [each for each in (start + timedelta(days=n) for n in range(length)) if each not in done]


def score_day(context: ScoringContext, day: date, run: str) -> ScoredDay:
    """The scored day. A new day is scored by the current champion, a day that was begun before by
    the version it was begun with.

    Invalid rows are quarantined. Their share is checked at the end, when the valid rows are already
    scored. An error of the shadow is reported and does not affect the champion's predictions.

    Raises InvalidData if the source has no rows or too many invalid rows; the day is then not
    finished.
    """
    source = context.scoring.source.on(day)
    champion = context.loaded["champion"]
    first = _StreamScoring(
        context, context.log.begin("batch", day, champion.version, champion.digest), run
    )
    second, trouble = _shadow(context, day, run) if context.scoring.shadow else (None, None)
    for batch in read(source, context.columns.read, root=context.settings.root, environ=os.environ):
        chunk = _Chunk(context, batch, day)
        first.take(chunk)
        # After its first error the challenger stops, because its day cannot be complete.
        if second is not None and trouble is None:
            trouble = _tried(second, chunk)
    if not first.seen:
        raise InvalidData(
            f"{source.described}: no rows – expected the rows of {day} – check the source"
        )
    # Before the day is finished, so that it is scored again after the source is repaired.
    _refuse_too_many(context, first, source.described, day)
    partition = context.log.finish(first.partition, rejected=first.rejected)
    shadow = trouble and f"failed: {trouble}"
    if second is not None and trouble is None:
        kept = context.log.finish(second.partition, rejected=second.rejected)
        shadow = f"also scored by version {kept.version}"
    return ScoredDay(partition, first.fresh, shadow, first.reasons)


class _Chunk:
    """Some rows of the source, validated once, when a stream first needs them."""

    def __init__(self, context: ScoringContext, batch: Batch, day: date) -> None:
        self.context, self.batch, self.day = context, batch, day
        # 64 bits, because the name has to be unique only within one stream and day.
        self.digest = fingerprint(batch.rows)[:16]
        self._validated: Validated | None = None

    @property
    def validated(self) -> Validated:
        if self._validated is None:
            # No limit here: the share of invalid rows is checked for the whole day, at its end.
            self._validated = validate([self.batch], self.context.product.features, limit=1.0)
            self.context.quarantine.keep(f"score-{self.day}", self._validated.rejected)
        return self._validated


class _StreamScoring:
    """The scoring of the chunks of a day by one model, with its counts."""

    def __init__(self, context: ScoringContext, partition: Partition, run: str) -> None:
        self.context, self.partition, self.run = context, partition, run
        self.recorded = context.log.recorded(partition.stream, partition.day)
        self.seen = self.rejected = self.fresh = 0
        self.failures: list[pd.DataFrame] = []

    @property
    def reasons(self) -> str:
        """Why this run quarantined rows, as a table of text; empty if it quarantined none."""
        return example_table(pd.concat(self.failures, ignore_index=True)) if self.failures else ""

    def take(self, chunk: _Chunk) -> None:
        # A table without columns goes on: the validation reports that the source has none of them.
        if chunk.batch.rows.empty and len(chunk.batch.rows.columns):
            return
        stream, day = self.partition.stream, self.partition.day
        name = f"{stream}/{day.isoformat()}/{chunk.digest}"
        self.seen += len(chunk.batch.rows)
        if name in self.recorded:  # by an earlier run, which counted the invalid rows
            self.rejected += self.recorded[name]
            return
        rows, bad = chunk.validated.rows, len(chunk.validated.rejected.rows)
        if bad:
            self.failures.append(chunk.validated.rejected.failures)
        identities = row_identities(rows, self.context.columns)
        # A row may be in another chunk as well: of an earlier run, or as a duplicate in the source.
        new = ~self.context.log.known(stream, day, identities, _times(rows, self.context.columns))
        rows, identities = rows[new].reset_index(drop=True), identities[new]
        file = None
        predictions = _nothing()
        # The file is written before the block is recorded, so that no block names a missing file.
        # If the run stops in between, the next run writes the same file again.
        if len(rows):
            columns, loaded = self.context.columns, self.context.model(self.partition.version)
            problem = loaded.problem(columns.of_target)
            found = problem.predict(loaded.model, rows[list(columns.inputs)])
            predictions = predictions_of(rows, identities, found, columns)
            part = self._part(rows, problem.response(found))
            file = self.context.parts.write(stream, day, chunk.digest, part)
        self.context.log.record(
            LogBatch(
                name=name,
                stream=stream,
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

    def _part(self, rows: pd.DataFrame, response: dict[str, list[Any]]) -> pd.DataFrame:
        columns = {f"{PREFIX}{name}": values for name, values in response.items()}
        return rows.assign(**columns, model_version=self.partition.version)


def predictions_of(
    rows: pd.DataFrame, identities: np.ndarray, predictions: Predictions, columns: Columns
) -> pd.DataFrame:
    """The rows in the format of the prediction log: identity, key, as_of and the predictions."""
    key = rows[columns.key].astype("str")
    row = {"identity": identities, "key": key, "as_of": _times(rows, columns)}
    return pd.DataFrame({**row, **predictions.logged})


def _times(rows: pd.DataFrame, columns: Columns) -> pd.Series:
    return (
        rows[columns.time]
        if columns.time
        else pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    )


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(
        {"identity": np.empty(0, np.uint64), "key": [], "as_of": [], "decision": []}
    )


def _shadow(
    context: ScoringContext, day: date, run: str
) -> tuple[_StreamScoring | None, str | None]:
    """The scoring by the challenger if there is one, or the error that prevents it."""
    stream: Stream = "shadow"
    try:
        number = context.releases.models.alias(CHALLENGER)
        if number is None or number == context.loaded["champion"].version:
            return None, None
        return _StreamScoring(
            context, context.log.begin(stream, day, number, context.model(number).digest), run
        ), None
    except Exception as error:
        # The predictions of the shadow are not used, so no error of it may stop the champion.
        return None, _in_words(error)


def _tried(stream: _StreamScoring, chunk: _Chunk) -> str | None:
    try:
        stream.take(chunk)
    except Exception as error:  # as in _shadow, it must not stop the champion
        return _in_words(error)
    return None


def _in_words(error: Exception) -> str:
    return (
        str(error)
        if isinstance(error, ProductError)
        else f"{type(error).__name__}: {redacted(error)}"
    )


def _refuse_too_many(
    context: ScoringContext, stream: _StreamScoring, source: str, day: date
) -> None:
    limit = context.scoring.rejected_share_at_most
    if stream.rejected <= limit * stream.seen:
        return
    share = stream.rejected / stream.seen
    raise InvalidData(
        f"{source}: {stream.rejected:,} of {stream.seen:,} rows ({share:.1%}) break the schema –"
        f" expected at most {limit:.1%} – see quarantine show score-{day}, repair the source and"
        f" score again; the valid rows are scored, {day} is not finished"
        + (f"\n{stream.reasons}" if stream.reasons else "")
    )


def show_scored(scored: ScoredDay) -> None:
    """Prints a line with the counts of the day, and why rows of this run were quarantined."""
    partition = scored.partition
    rejected = f", {partition.rejected:,} quarantined" if partition.rejected else ""
    before = partition.rows - scored.fresh
    again = (
        f" ({before:,} of them before)" if before and scored.fresh else " before" if before else ""
    )
    shadow = f"; shadow: {scored.shadow}" if scored.shadow else ""
    counts = f"{partition.rows:,} rows scored{again} by version {partition.version}{rejected}"
    console.line("score", f"{partition.day}: {counts}{shadow}")
    if scored.reasons:
        console.say(scored.reasons)
