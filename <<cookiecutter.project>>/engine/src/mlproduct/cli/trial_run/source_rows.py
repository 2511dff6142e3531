"""The steps of a trial on the rows of the source: reading, schema, split, target, slices."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...config.strict_yaml import nearest
from ...data.broken_rules import Reason, reasons_of
from ...data.schema_validator import schema_validator
from ...data.sources import read
from ...data.split import split
from ...data.split_policies import POLICIES
from ...data.validation import validate
from ...errors import InvalidData
from ...evaluation.slices import labels
from ...gate.criteria import Criterion
from ...tables import Batch
from .state import Finding, State, given

__all__ = [
    "check_target",
    "find_slices",
    "make_folds",
    "read_rows",
    "split_rows",
    "validate_rows",
]

# Rows that are validated and split, at random from each batch of the source. With so many, a share
# of 5 % has a standard error of 0.3 points.
READ = 5_000

# With one target value so far, reading goes on until this number of rows.
READ_AT_MOST = 2_000_000

REASONS_SHOWN = 3


def read_rows(run: State) -> Iterator[Finding]:
    """Reads until there are enough rows and two values of the target.

    The rows are taken at random from each batch of up to 200,000 rows. The first rows alone
    would be of one day in a source that is sorted by time, and of one class in one that is
    sorted by class. If even a whole batch has one class, the next batches are read as well.
    """
    settings = run.project.settings
    pipeline, roles = given(run.pipeline, "files"), given(run.roles, "files")
    random = np.random.default_rng(pipeline.search.seed)
    found: list[Batch] = []
    seen, values, ended = 0, set[Any](), True
    for batch in read(pipeline.source, roles.read, root=settings.root, environ=os.environ):
        if missing := [name for name in roles.read if name not in batch.rows.columns]:
            # An empty file among others has no header.
            if len(batch.rows.columns) or batch.unread:
                yield from _missing_columns(run, batch, missing)
                return
            continue
        seen += len(batch.rows)
        found.append(_taken(batch, random))
        if roles.target:
            values |= set(batch.rows[roles.target].dropna().unique()[:2])
        if seen > READ and (len(values) > 1 or seen >= READ_AT_MOST):
            ended = False
            break
    if not seen:
        place = run.code.of_setting(settings.pipeline_file, "source")
        yield Finding(
            "source",
            f"{place}: {pipeline.source.described} has no rows – expected at least one – check"
            " the source",
        )
        return
    run.is_complete = ended and seen == sum(len(batch.rows) for batch in found)
    run.batches = found


def _taken(batch: Batch, random: np.random.Generator) -> Batch:
    """At most 5,000 rows of the batch at random, in their order and with their numbers."""
    if len(batch.rows) <= READ:
        return batch
    places = np.sort(random.choice(len(batch.rows), READ, replace=False))
    rows = batch.rows.iloc[places].reset_index(drop=True)
    return replace(batch, rows=rows, positions=batch.numbers[places])


def _missing_columns(run: State, batch: Batch, missing: list[str]) -> Iterator[Finding]:
    for name in missing:
        near = nearest(name, batch.unread)
        hint = f" – did you mean {near!r}?" if near else ""
        yield Finding(
            "source",
            f"{run.code.of_name(run.schema_file, name)}: {batch.origin} has no column {name}"
            " – expected every column of the schema – add it to the source, or remove it from"
            f" the schema{hint}",
        )


def validate_rows(run: State) -> Iterator[Finding]:
    """Validates the rows with the limits of a training."""
    batches = given(run.batches, "source")
    limit = given(run.pipeline, "files").checks.rejected_share_at_most
    schema = run.product.labelled
    try:
        run.accepted = validate(batches, schema, limit=limit).rows
        return
    except InvalidData as error:
        refused = error
    # Once more without the limit, for the rows that the other steps can use.
    found = validate(batches, schema, limit=1)
    if len(found.rows):
        run.accepted = found.rows
    yield _rejected(run, str(refused), refused.reasons, found.rejected_share, limit, found.seen)
    wrong = {column for column, *_ in refused.reasons}
    others = found.rejected.failures[~found.rejected.failures["column"].isin(wrong)]
    count = len(others[["source", "row"]].drop_duplicates())
    if count > limit * found.seen:
        text = (
            f"{count:,} of {found.seen:,} rows ({count / found.seen:.1%}) break another rule of"
            f" the schema – expected at most {limit:.1%} – repair the source, or the rules"
        )
        yield _rejected(run, text, reasons_of(others), count / found.seen, limit, found.seen)


def _rejected(
    run: State, text: str, reasons: tuple[Reason, ...], share: float, limit: float, seen: int
) -> Finding:
    """The finding with its most frequent reasons, a line for each."""
    places = [run.code.of_name(run.schema_file, column) for column, *_ in reasons]
    shown = [
        f"  {place}: {column}: {rule}: {rows:,} row{'s' * (rows != 1)}, such as {example!r}"
        for place, (column, rule, rows, example) in zip(places, reasons, strict=True)
    ]
    if len(shown) > REASONS_SHOWN:
        shown[REASONS_SHOWN:] = [f"  and {len(reasons) - REASONS_SHOWN} more"]
    # In a sample, a share a little above the limit can be below it in the whole source.
    error = 2 * np.sqrt(share * (1 - share) / seen)
    doubtful = not run.is_complete and limit < share <= limit + error
    head = run.so_far(text.splitlines()[0]) if doubtful else text.splitlines()[0]
    head = run.placed(places[0] if places else "", head)
    return Finding("schema", "\n".join((head, *shown)), warning=bool(doubtful))


def split_rows(run: State) -> Iterator[Finding]:
    """Splits the valid rows by the policy of config/pipeline.yaml."""
    pipeline, roles = given(run.pipeline, "files"), given(run.roles, "files")
    # Without rows first: a column that the policy lacks is found without a source.
    nothing = schema_validator(run.product.labelled).empty
    POLICIES[pipeline.split.by].holdout(nothing, roles, pipeline.split.holdout)
    rows = run.rows
    try:
        run.sides = split(rows, roles, pipeline.split)
    except InvalidData as error:
        yield _in_sample(run, "split", error, "split")


def make_folds(run: State) -> Iterator[Finding]:
    """Divides the training side into the folds of the search."""
    pipeline = given(run.pipeline, "files")
    training, budget = given(run.sides, "split").training, pipeline.search
    columns = run.columns
    try:
        POLICIES[pipeline.split.by].folds(training, columns, budget.folds, budget.seed)
    except (InvalidData, ValueError) as error:  # scikit-learn raises ValueError
        yield _in_sample(run, "split", error, "search", "folds")


def _in_sample(run: State, step: str, error: Exception, *keys: str) -> Finding:
    """The finding at a setting of pipeline.yaml; a warning if there are more rows."""
    place = run.code.of_setting(run.project.settings.pipeline_file, *keys)
    return Finding(step, f"{place}: {run.so_far(str(error))}", warning=not run.is_complete)


def check_target(run: State) -> Iterator[Finding]:
    """Checks the values of the target: each is in the schema, and there are several classes."""
    columns, rows = run.columns, run.rows
    problem, target = columns.of_target, str(columns.target)
    place = run.code.of_name(run.schema_file, target)
    try:
        codes = columns.encoded_target(rows)
    except InvalidData as error:
        yield Finding("target", f"{place}: {error}")
        return
    if missing := int((~np.isfinite(codes)).sum()):
        yield Finding(
            "target",
            f"{place}: {target} is missing in {missing:,} of {len(rows):,} rows – expected a"
            " value in each row – make the column not nullable",
        )
        return
    training = codes if run.sides is None else columns.encoded_target(run.sides.training)
    if complaint := problem.complaint(training):
        text = run.so_far(complaint)
        yield Finding("target", f"{place}: {text}", warning=not run.is_complete)
        return
    run.target_is_valid = True
    yield from _rare_classes(run, codes, place)


def _rare_classes(run: State, codes: np.ndarray, place: str) -> Iterator[Finding]:
    columns = run.columns
    problem, target = columns.of_target, str(columns.target)
    if problem.strata(codes) is None:
        return
    for value in columns.known_values.get(target, ()):
        count = int((codes == problem.encode([value])[0]).sum())
        if count < 2:
            yield Finding(
                "target",
                f"{place}: warning: {target} is {value} in {count} of {len(codes):,} rows that"
                " were read – expected at least 2 of each class – get more rows of it, or"
                " remove it from the schema",
                warning=True,
            )


def find_slices(run: State) -> Iterator[Finding]:
    """Looks for the slices of the criteria in the rows."""
    criteria, rows = given(run.checked, "files").criteria, run.rows
    for at, criterion in enumerate(criteria.criteria):
        if criterion.by is None or criterion.by not in rows:
            continue
        present = set(labels(pd.Series(rows[criterion.by].unique(), dtype=object)))
        place = run.code.of_setting(run.project.settings.criteria_file, "criteria", at, "by")
        yield from _absent(run, criterion, present, f"{place}: ")
        yield from _left_out(run, criterion, present, at)


def _absent(run: State, criterion: Criterion, present: set[str], place: str) -> Iterator[Finding]:
    """The slices of a criterion that have no rows."""
    by, rows = str(criterion.by), len(run.rows)
    listed = set(map(str, run.columns.known_values.get(by, ())))
    if absent := sorted(listed - present - set(criterion.leaving_out)):
        yield Finding(
            "criteria",
            f"{place}warning: {criterion.id}: no row of {rows:,} that were read has {by}"
            f" {', '.join(absent)}, so the criterion is undecided – expected rows of each"
            " slice – get such rows, or name the slices in leaving_out",
            warning=True,
        )
    elif len(listed | present) < 2 and criterion.gap_at_most is not None:
        text = (
            f"{criterion.id}: {by} is {', '.join(present)} in all {rows:,} valid rows –"
            " expected two or more slices – get more rows, or remove the criterion"
        )
        yield Finding("criteria", place + run.so_far(text), warning=not run.is_complete)


def _left_out(run: State, criterion: Criterion, present: set[str], at: int) -> Iterator[Finding]:
    """The slices that a criterion leaves out and that no row has.

    Only without a list in the schema: with one, they are mistakes of the file.
    """
    if run.columns.known_values.get(str(criterion.by)):
        return
    keys = ("criteria", at, "leaving_out")
    for name in criterion.leaving_out:
        if name not in present:
            near = nearest(name, present)
            hint = f"did you mean {near!r}?" if near else "remove it"
            text = (
                f"{criterion.id} has {name!r} in leaving_out, but no row of {len(run.rows):,} that"
                f" were read has it – expected a value of {criterion.by} – {hint}"
            )
            place = run.code.of_setting(run.project.settings.criteria_file, *keys)
            yield Finding("criteria", f"{place}: {run.so_far(text)}", warning=not run.is_complete)
