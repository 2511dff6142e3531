"""``verify --measure``: measure a registered version again, on the rows that its training used.

A verdict can be valid and its measurements false: whoever can write to MLflow can store a verdict
document with measurements of another model. This module trusts none of them. It finds the rows of
the training by their hashes in the source, the log and the repaired quarantine, splits them by the
policy, opens the model file and measures it.
"""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from pydantic import ValidationError

from ..config.settings import Settings, Source, read_pipeline
from ..data.columns import Columns
from ..data.fingerprint import fingerprint, row_hashes, row_identities
from ..data.quarantine import Quarantine
from ..data.sources import read
from ..data.split import HoldoutSplit, split
from ..data.validation import validate
from ..errors import ConfigError, InvalidData, NotVerifiable, Refused, SourceError
from ..evaluation.comparison import Challenger
from ..evaluation.latency import SPEEDS
from ..gate.criteria import Measurement
from ..gate.document import Document, ModelSummary
from ..product import Product
from ..registry.model_files import RecordedRows, installed_versions
from ..registry.models import Models
from ..registry.releases import Releases
from ..registry.versions import Loaded
from ..tables import Batch
from .logged_rows import labelled_batches, logbook
from .measuring import Configuration, evaluation_of_model, measurements_of_data
from .training_state import CurrentChampion

__all__ = ["MeasuredAgain", "measure_again"]

# The time of the search and the speed of a machine differ each time. The rejected rows are not
# part of the recorded rows.
NOT_REPEATED = (*SPEEDS, "training_seconds", "rejected_share")
# Other processors round differently. A recorded value that was chosen by hand differs by more.
TOLERANCE = 1e-6
VERSUS = "versus"


@dataclass(frozen=True)
class MeasuredAgain:
    """The result of a second measurement: a sentence for each difference, and remarks.

    ``compared`` is the number of compared measurements.
    """

    rows: int
    compared: int
    differences: tuple[str, ...]
    remarks: tuple[str, ...]


def measure_again(
    product: Product, settings: Settings, number: str, source: str | None = None
) -> MeasuredAgain:
    """The differences between the measurements of a version's document and a second measurement.

    ``source`` is a path that replaces the configured source. Nothing is written. Raises
    NotVerifiable with the reason if the rows, the packages or the compared champion are no longer
    the same, ConfigError if there is no such version, and Refused if a file of it was changed.
    """
    models = Releases(settings, product.name).models
    loaded, columns = models.load(number), product.columns
    document = loaded.document
    recorded = models.recorded_rows(models.find(number))
    if recorded is None or not document.configuration or document.model is None:
        raise NotVerifiable(
            "its rows and its configuration were not recorded – expected a version that release"
            " 0.5 or later has trained and registered – train again"
        )
    _same_packages(document.model)
    _same_classes(document.model, columns)
    configuration = _configuration(document)
    pipeline = read_pipeline(settings.pipeline_file)
    if source is not None:
        pipeline = pipeline.model_copy(update={"source": pipeline.source.at(source)})
    found = _Found(product, settings, pipeline.source)
    rows = found.recorded(recorded, document)
    sides = split(rows, columns, configuration.split)
    differences = list(_contradicted(rows, sides, recorded, document))
    trained_on = np.unique(row_identities(sides.training, columns))
    if others := len(np.setxor1d(trained_on, loaded.training_rows)):
        differences.append(f"training_rows.npy differs from the training side in {others:,} rows")
    again = _measured(loaded, _compared(document, models), rows, sides, product, configuration)
    before = (*document.data_measurements, *document.measurements)
    comparable = [m for m in before if m.metric not in NOT_REPEATED and m.problem is None]
    differences += _differences(comparable, again)
    remarks = list(found.remarks(rows))
    if Configuration.of(pipeline) != configuration:
        remarks.append("config/pipeline.yaml has another split, checks, evaluation or seed today")
    if any(f"{VERSUS} rule" in each for each in differences):
        remarks.append("rule.py may have changed since")
    return MeasuredAgain(len(rows), len(comparable), tuple(differences), tuple(remarks))


def _same_packages(model: ModelSummary) -> None:
    """Raises NotVerifiable if a package that computes with the model has another version."""
    present = installed_versions(model.packages)
    if changed := [
        f"{name} {before} (installed: {present.get(name) or 'none'})"
        for name, before in model.packages.items()
        if present.get(name) != before
    ]:
        raise NotVerifiable(
            f"it was measured with {', '.join(changed)} – expected the same versions, because"
            " others can compute other values – verify it in an environment with those versions"
        )


def _same_classes(model: ModelSummary, columns: Columns) -> None:
    """Raises NotVerifiable if the schema lists other classes than the model knows."""
    if model.classes != (present := columns.of_target.class_names):
        raise NotVerifiable(
            f"it was measured with the classes {', '.join(model.classes)} – the schema has"
            f" {', '.join(present) or 'none'} – verify it with the schema of its commit"
        )


def _configuration(document: Document) -> Configuration:
    try:
        return Configuration.model_validate(document.configuration)
    except ValidationError as problem:
        raise NotVerifiable(
            f"its configuration cannot be read: {problem.errors()[0]['msg']} – expected split,"
            " checks, evaluation and seed – train again"
        ) from problem


class _Found:
    """The rows that the source, the log and the repaired quarantine have now."""

    def __init__(self, product: Product, settings: Settings, source: Source) -> None:
        self.columns, self.source = product.columns, source
        quarantine = Quarantine(settings.var / "quarantine")
        # Each alone, because of two rows with one identity a validation keeps only the first.
        self.in_source = _valid(
            read(source, self.columns.read, root=settings.root, environ=os.environ), product
        )
        self.elsewhere = (
            _valid(quarantine.repaired(), product),
            _valid(labelled_batches(logbook(product, settings)), product),
        )

    def recorded(self, recorded: RecordedRows, document: Document) -> pd.DataFrame:
        """The recorded rows in their order. Raises NotVerifiable if one is gone or has changed."""
        tables = [table for table in (self.in_source, *self.elsewhere) if len(table)]
        rows = pd.concat(tables, ignore_index=True)
        places = _first_places(row_hashes(rows), recorded.contents)
        if (absent := places < 0).any():
            known = np.isin(recorded.identities[absent], row_identities(rows, self.columns))
            raise NotVerifiable(
                f"of its {len(recorded):,} rows, {int((~known).sum()):,} can no longer be found and"
                f" {int(known.sum()):,} have changed – expected the rows of {document.data.source}"
                f" as they were; searched in {self.source.described}, the quarantine and the log –"
                " give the file of that time with --source"
            )
        return rows.iloc[places].reset_index(drop=True)

    def remarks(self, rows: pd.DataFrame) -> Iterator[str]:
        """What the source has besides ``rows``, the recorded ones."""
        others = self.in_source[~np.isin(row_hashes(self.in_source), row_hashes(rows))]
        if others.empty:
            return
        time = self.columns.time
        newer = (others[time] > rows[time].max()).sum() if time else 0
        also = f"; {newer:,} of them are newer than those of the training" if time else ""
        yield f"the source has {len(others):,} other rows that the training did not use{also}"


def _valid(batches: Iterable[Batch], product: Product) -> pd.DataFrame:
    """The valid rows of the batches, without columns if there is no batch."""
    batches = iter(batches)
    try:
        first = next(batches, None)
        if first is None:
            return pd.DataFrame()
        # Without a limit: invalid rows were none of the training either.
        return validate(chain([first], batches), product.labelled, limit=1.0).rows
    except (SourceError, InvalidData) as problem:
        raise NotVerifiable(f"its rows cannot be read again: {problem}") from problem


def _first_places(present: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The position of each wanted hash in ``present``, of several the first; -1 if it is absent."""
    hashes, places = np.unique(present, return_index=True)
    found = pd.Index(hashes).get_indexer(pd.Index(wanted))
    return np.where(found < 0, -1, places[found])


def _contradicted(
    rows: pd.DataFrame, sides: HoldoutSplit, recorded: RecordedRows, document: Document
) -> Iterator[str]:
    """A sentence for each contradiction between the document, the recorded rows and the split."""
    if fingerprint(rows) != document.data.digest:
        yield "the recorded rows are not those whose digest the document has"
    held_out = recorded.contents[recorded.held_out]
    wrong = len(np.setxor1d(row_hashes(sides.holdout), held_out))
    if wrong:
        yield f"the split {sides.described} puts {wrong:,} rows on the other side than recorded"


def _compared(document: Document, models: Models) -> CurrentChampion | None:
    """The champion of that time. Raises NotVerifiable if it cannot be loaded or has changed."""
    reference = document.champion
    if reference is None:
        return None
    try:
        loaded = models.load(reference.version)
    except (ConfigError, Refused) as problem:
        raise NotVerifiable(
            f"it was compared with version {reference.version}, which cannot be loaded: {problem}"
        ) from problem
    if loaded.digest != reference.digest:
        raise NotVerifiable(
            f"it was compared with version {reference.version} with the digest {reference.digest},"
            f" which is now {loaded.digest} – expected the same model – train again"
        )
    return CurrentChampion(reference.version, reference.digest, loaded)


def _measured(
    loaded: Loaded,
    champion: CurrentChampion | None,
    rows: pd.DataFrame,
    sides: HoldoutSplit,
    product: Product,
    configuration: Configuration,
) -> list[Measurement]:
    columns, document = product.columns, loaded.document
    of_data = measurements_of_data(
        rows,
        sides.training,
        columns,
        configuration,
        rejected_share=0.0,  # see NOT_REPEATED
        today=document.judged_on,
    )
    of_model = evaluation_of_model(
        Challenger(
            model=loaded.model,
            trained_on=loaded.training_rows,
            bytes=loaded.bytes,
            seconds=0.0,  # see NOT_REPEATED
        ),
        champion,
        sides.training,
        sides.holdout,
        product=product,
        columns=columns,
        criteria=document.criteria,
        configuration=configuration,
    )
    return [*of_data, *of_model.measurements]


def _differences(before: Sequence[Measurement], again: Sequence[Measurement]) -> Iterator[str]:
    """A sentence for each measurement of the document that has another value or interval now."""
    found = {_place(m): m for m in again}
    for recorded in before:
        now = found.get(_place(recorded))
        name = _name(recorded)
        if now is None:
            yield f"{name} is {recorded.value:.6g} in the document, and it is not measured"
        elif now.problem:
            yield f"{name} is {recorded.value:.6g} in the document, and now: {now.problem}"
        elif not all(map(_same, _numbers(recorded), _numbers(now))):
            yield f"{name} is {_shown(recorded)} in the document, and {_shown(now)} now"


def _place(m: Measurement) -> tuple[str | None, ...]:
    return m.metric, m.by, m.slice, m.other, m.versus


def _name(m: Measurement) -> str:
    name = m.metric
    if m.by:
        name += f" of {m.by} {m.slice}"
    if m.other:
        name += f" minus {m.other}"
    return f"{name} {VERSUS} {m.versus.replace('_', ' ')}" if m.versus else name


def _numbers(m: Measurement) -> list[float]:
    """The numbers of a measurement; an absent one is NaN."""
    ends = [end for interval in m.intervals for end in (interval.low, interval.high)]
    # Of two measurements the shorter list would hide a difference, so the length is a number too.
    return [m.value, m.rows, math.nan if m.support is None else m.support, len(ends), *ends]


def _same(before: float, again: float) -> bool:
    both_absent = math.isnan(before) and math.isnan(again)
    return both_absent or math.isclose(before, again, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _shown(m: Measurement) -> str:
    if m.support is None:
        return f"{m.value:.6g}"
    return f"{m.value:.6g} ({m.interval.low:.6g} to {m.interval.high:.6g}, {m.rows:,} rows)"
