"""A small trial of everything that a training needs: 200 rows through each step.

The rows go through source, schema, split, target values, ``rule()``, one candidate and criteria.
A step that fails does not stop the steps that do not need its result, so that one run finds all
problems. Nothing is stored: no run in MLflow, no quarantine, no file.
"""

import inspect
import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ..clock import today
from ..config.settings import Pipeline, read_pipeline
from ..config.strict_yaml import nearest, parse
from ..data.broken_rules import Reason, reasons_of
from ..data.columns import Columns, columns_of
from ..data.schema_validator import schema_validator
from ..data.sources import read
from ..data.split import HoldoutSplit
from ..data.split import split as split_rows
from ..data.split_policies import POLICIES
from ..data.validation import validate
from ..errors import ConfigError, InvalidData, ProductError
from ..evaluation.bootstrap import in_words
from ..evaluation.slices import labels
from ..gate.criteria import Criteria, Criterion
from ..gate.criteria_file import check_format
from ..problems import OutOfFold
from ..product import Candidate, Product
from ..scorecard.criteria_check import CheckedFile, check_file
from ..tables import Batch
from .project import Project
from .team_code import TeamCode

__all__ = ["Finding", "NotRun", "Trial", "run_trial"]

# Rows that go through rule() and one candidate: enough to fit a model, in a moment.
ROWS = 200

# Rows of each class among them, if there are so many: at random, a rare class could have no row,
# and a candidate that holds some rows back for itself needs several.
OF_EACH_CLASS = 10

# Rows that are validated and split, at random from each batch of the source. With so many, a share
# of 5 % has a standard error of 0.3 points.
READ = 5_000

# With one target value so far, reading goes on until this number of rows.
READ_AT_MOST = 2_000_000

REASONS_SHOWN = 3

V = TypeVar("V")


@dataclass(frozen=True)
class Finding:
    """A problem that would stop a training, or a ``warning``; ``text`` begins with its place."""

    step: str
    text: str
    warning: bool = False


@dataclass(frozen=True)
class NotRun:
    """A part of a step that could not run, because the step ``needed`` has no result."""

    step: str
    name: str
    needed: str


@dataclass(frozen=True)
class Trial:
    """The findings, and what could not run because of them."""

    findings: tuple[Finding, ...]
    not_run: tuple[NotRun, ...]
    messages: frozenset[str]
    """The messages of the errors among the findings, as they were raised."""
    summaries: dict[str, str]
    """A line of each step that is complete."""

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are no warnings."""
        return tuple(each for each in self.findings if not each.warning)

    def of(self, *steps: str) -> tuple[Finding, ...]:
        """The findings of the steps."""
        return tuple(each for each in self.findings if each.step in steps)


def run_trial(project: Project) -> Trial:
    """The findings of a trial of the project. Raises nothing for an error in the team's files."""
    return _Run(project).trial()


class _Missing(Exception):
    """A step cannot run because the step ``str(self)`` has no result."""


def _given(value: V | None, step: str) -> V:
    if value is None:
        raise _Missing(step)
    return value


@dataclass
class _Run:
    """The results of the steps so far; None if a step has none."""

    project: Project
    loaded: Product | None = None
    pipeline: Pipeline | None = None
    roles: Columns | None = None
    """The columns without the problem, which needs a valid target."""
    with_problem: Columns | None = None
    checked: CheckedFile | None = None
    batches: list[Batch] | None = None
    is_complete: bool = False
    """Whether ``batches`` are all rows of the source."""
    accepted: pd.DataFrame | None = None
    sides: HoldoutSplit | None = None
    target_is_valid: bool = False
    models: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    not_run: list[NotRun] = field(default_factory=list)
    messages: set[str] = field(default_factory=set)

    @cached_property
    def code(self) -> TeamCode:
        return TeamCode(self.project.package, self.project.settings.root)

    @property
    def product(self) -> Product:
        return _given(self.loaded, "files")

    @property
    def columns(self) -> Columns:
        """The columns with the problem."""
        return _given(self.with_problem, "target")

    @property
    def rows(self) -> pd.DataFrame:
        return _given(self.accepted, "schema")

    @property
    def schema_file(self) -> Path:
        """The file of the labelled schema."""
        usual = self.code.folder / "schemas.py"
        if self.loaded is None or usual.is_file():
            return usual
        return Path(inspect.getsourcefile(self.loaded.labelled) or usual)

    # --- all steps ---------------------------------------------------------------------------

    def trial(self) -> Trial:
        steps: tuple[tuple[str, str, Callable[[], Iterator[Finding]]], ...] = (
            ("files", "product.py", self._load),
            ("files", "pipeline.yaml", self._read_pipeline),
            ("target", "target", self._target_column),
            ("files", "success_criteria.yaml", self._check_criteria),
            ("candidates", "candidates", self._build),
            ("source", "source", self._read),
            ("schema", "schema", self._validate),
            ("split", "split", self._split),
            ("split", "folds", self._folds),
            ("target", "target values", self._target_values),
            ("rule", "rule()", self._rule),
            ("candidates", "one candidate", self._fit),
            ("criteria", "slices", self._slices),
        )
        # The training shows the warnings of libraries. Random numbers have no influence on what
        # the team's code uses: the trial has its own generator.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step, name, run in steps:
                try:
                    for finding in run():
                        self.findings.append(finding)
                except _Missing as missing:
                    self.not_run.append(NotRun(step, name, str(missing)))
                except Exception as error:  # any error of the team's code is a finding
                    self.findings += self._of_error(step, error)
        return Trial(
            tuple(self.findings), tuple(self.not_run), frozenset(self.messages), self._summaries()
        )

    def _of_error(self, step: str, error: Exception) -> Iterator[Finding]:
        """The findings for an error of a step: one per line of the message of a configuration."""
        self.messages.add(str(error))
        if isinstance(error, ProductError):
            lines = str(error).splitlines()
            for line in lines if isinstance(error, ConfigError) else lines[:1]:
                yield Finding(step, self.code.located(line, self.schema_file))
            return
        yield Finding(step, self._placed(self.code.of_error(error), in_words(error)))

    def _placed(self, place: str, text: str) -> str:
        return f"{place}: {text}" if place else text

    def _summaries(self) -> dict[str, str]:
        found = {}
        if self.checked and self.pipeline and self.roles:
            counts = f"{len(self.checked.criteria.criteria)} criteria, {len(self.roles.features)}"
            found["files"] = f"{counts} features, split by {self.pipeline.split.by}"
        if self.batches is not None and self.pipeline and self.roles:
            described = self.pipeline.source.described
            found["source"] = f"{described} has all {len(self.roles.read)} columns"
        if self.accepted is not None and self.models:
            few = min(ROWS, len(self.accepted))
            found["trial"] = (
                f"{few:,} of {len(self.accepted):,} rows through schema, split, target values,"
                f" rule(), {self._first.name} and criteria"
            )
        return found

    # --- the files ---------------------------------------------------------------------------

    def _load(self) -> Iterator[Finding]:
        try:
            self.loaded = self.project.product
        except ProductError:
            raise
        except Exception as error:
            self.messages.add(str(error))
            yield Finding(
                "files",
                self._placed(
                    self.code.of_error(error),
                    f"{in_words(error)} – expected files that Python can import – correct this"
                    " line",
                ),
            )
            return
        self.roles = columns_of(self.loaded.labelled)

    def _read_pipeline(self) -> Iterator[Finding]:
        self.pipeline = read_pipeline(self.project.settings.pipeline_file)
        yield from ()

    def _target_column(self) -> Iterator[Finding]:
        _given(self.roles, "files")
        columns = self.product.columns
        assert columns.of_target  # raises ConfigError without a column with the role target
        self.with_problem = columns
        yield from ()

    def _check_criteria(self) -> Iterator[Finding]:
        path = self.project.settings.criteria_file
        if self.with_problem is None:
            # The names of metrics need the target; the format does not.
            file = parse(path)
            mistakes = tuple(file.listed(check_format(file).mistakes))
            found: tuple[str, ...] = ()
        else:
            checked = check_file(path, self.with_problem, on=today())
            mistakes, found = checked.mistakes, checked.warnings
            if not mistakes:
                self.checked = checked
        for text in mistakes:
            yield Finding("files", self.code.located(text, path))
        for text in found:
            yield Finding("files", self.code.located(text, path), warning=True)
        if self.with_problem is None:
            raise _Missing("target")

    # --- the rows ----------------------------------------------------------------------------

    def _read(self) -> Iterator[Finding]:
        """Reads until there are enough rows and two values of the target.

        The rows are taken at random from each batch of up to 200,000 rows. The first rows alone
        would be of one day in a source that is sorted by time, and of one class in one that is
        sorted by class. If even a whole batch has one class, the next batches are read as well.
        """
        settings = self.project.settings
        pipeline, roles = _given(self.pipeline, "files"), _given(self.roles, "files")
        random = np.random.default_rng(pipeline.search.seed)
        found: list[Batch] = []
        seen, values = 0, set[Any]()
        for batch in read(pipeline.source, roles.read, root=settings.root, environ=os.environ):
            if missing := [name for name in roles.read if name not in batch.rows.columns]:
                # An empty file among others has no header.
                if len(batch.rows.columns) or batch.unread:
                    yield from self._missing_columns(batch, missing)
                    return
                continue
            seen += len(batch.rows)
            found.append(_taken(batch, random))
            if roles.target:
                values |= set(batch.rows[roles.target].dropna().unique()[:2])
            if seen > READ and (len(values) > 1 or seen >= READ_AT_MOST):
                break
        if not seen:
            place = self.code.of_setting(settings.pipeline_file, "source")
            yield Finding(
                "source",
                f"{place}: {pipeline.source.described} has no rows – expected at least one – check"
                " the source",
            )
            return
        self.is_complete = seen == sum(len(batch.rows) for batch in found)
        self.batches = found

    def _missing_columns(self, batch: Batch, missing: list[str]) -> Iterator[Finding]:
        for name in missing:
            near = nearest(name, batch.unread)
            hint = f" – did you mean {near!r}?" if near else ""
            yield Finding(
                "source",
                f"{self.code.of_name(self.schema_file, name)}: {batch.origin} has no column {name}"
                " – expected every column of the schema – add it to the source, or remove it from"
                f" the schema{hint}",
            )

    def _validate(self) -> Iterator[Finding]:
        batches = _given(self.batches, "source")
        limit = _given(self.pipeline, "files").checks.rejected_share_at_most
        schema = self.product.labelled
        try:
            self.accepted = validate(batches, schema, limit=limit).rows
            return
        except InvalidData as error:
            refused = error
        # Once more without the limit, for the rows that the other steps can use.
        found = validate(batches, schema, limit=1)
        if len(found.rows):
            self.accepted = found.rows
        yield self._rejected(str(refused), refused.reasons, found.rejected_share, limit, found.seen)
        wrong = {column for column, *_ in refused.reasons}
        others = found.rejected.failures[~found.rejected.failures["column"].isin(wrong)]
        count = len(others[["source", "row"]].drop_duplicates())
        if count > limit * found.seen:
            text = (
                f"{count:,} of {found.seen:,} rows ({count / found.seen:.1%}) break another rule of"
                f" the schema – expected at most {limit:.1%} – repair the source, or the rules"
            )
            yield self._rejected(text, reasons_of(others), count / found.seen, limit, found.seen)

    def _rejected(
        self, text: str, reasons: tuple[Reason, ...], share: float, limit: float, seen: int
    ) -> Finding:
        """The finding with its most frequent reasons, a line for each."""
        places = [self.code.of_name(self.schema_file, column) for column, *_ in reasons]
        shown = [
            f"  {place}: {column}: {rule}: {rows:,} row{'s' * (rows != 1)}, such as {example!r}"
            for place, (column, rule, rows, example) in zip(places, reasons, strict=True)
        ]
        if len(shown) > REASONS_SHOWN:
            shown[REASONS_SHOWN:] = [f"  and {len(reasons) - REASONS_SHOWN} more"]
        head = f"{places[0]}: {text.splitlines()[0]}" if places else text.splitlines()[0]
        # In a sample, a share a little above the limit can be below it in the whole source.
        error = 2 * np.sqrt(share * (1 - share) / seen)
        doubtful = not self.is_complete and limit < share <= limit + error
        return Finding("schema", "\n".join((head, *shown)), warning=bool(doubtful))

    def _split(self) -> Iterator[Finding]:
        pipeline, roles = _given(self.pipeline, "files"), _given(self.roles, "files")
        # Without rows first: a column that the policy lacks is found without a source.
        nothing = schema_validator(self.product.labelled).empty
        POLICIES[pipeline.split.by].holdout(nothing, roles, pipeline.split.holdout)
        rows = self.rows
        try:
            self.sides = split_rows(rows, roles, pipeline.split)
        except InvalidData as error:
            yield self._in_sample("split", error, "split")

    def _folds(self) -> Iterator[Finding]:
        pipeline = _given(self.pipeline, "files")
        training, budget = _given(self.sides, "split").training, pipeline.search
        columns = self.columns
        try:
            POLICIES[pipeline.split.by].folds(training, columns, budget.folds, budget.seed)
        except (InvalidData, ValueError) as error:  # scikit-learn raises ValueError
            yield self._in_sample("split", error, "search", "folds")

    def _in_sample(self, step: str, error: Exception, *keys: str) -> Finding:
        """The finding at a setting of pipeline.yaml; a warning if there are more rows."""
        place = self.code.of_setting(self.project.settings.pipeline_file, *keys)
        return Finding(step, f"{place}: {self._so_far(str(error))}", warning=not self.is_complete)

    def _so_far(self, text: str) -> str:
        if self.is_complete:
            return text
        rows = sum(len(batch.rows) for batch in self.batches or ())
        return f"warning: in a sample of {rows:,} rows: {text}"

    # --- the target --------------------------------------------------------------------------

    def _target_values(self) -> Iterator[Finding]:
        columns, rows = self.columns, self.rows
        problem, target = columns.of_target, str(columns.target)
        place = self.code.of_name(self.schema_file, target)
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
        training = codes if self.sides is None else columns.encoded_target(self.sides.training)
        if complaint := problem.complaint(training):
            text = self._so_far(complaint)
            yield Finding("target", f"{place}: {text}", warning=not self.is_complete)
            return
        self.target_is_valid = True
        yield from self._rare_classes(codes, place)

    def _rare_classes(self, codes: np.ndarray, place: str) -> Iterator[Finding]:
        columns = self.columns
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

    # --- the rule ----------------------------------------------------------------------------

    def _rule(self) -> Iterator[Finding]:
        roles, rule = _given(self.roles, "files"), self.product.rule
        features = self._few(self.rows)[list(roles.inputs)]
        try:
            # A copy, because a rule can change the table.
            found = rule(features.copy())
        except Exception as error:
            place = self.code.of_error(error, rule)
            yield Finding("rule", self._placed(place, self._rule_raised(error, features)))
            return
        place = self.code.of_function(rule)
        if text := self._wrong_result(found, features):
            yield Finding("rule", self._placed(place, f"rule() {text}"))

    def _rule_raised(self, error: Exception, features: pd.DataFrame) -> str:
        given = list(features.columns)
        name = _unknown_column(error)
        if name is not None and name not in given:
            near = nearest(name, given)
            hint = f"did you mean {near!r}?" if near else f"it receives {', '.join(given)}"
            other = " feature" if name in _given(self.roles, "files").read else " column"
            return (
                f"rule() uses {name!r}, which is no{other} of the rows that it receives – expected"
                f" one of the features of the schema – {hint}"
            )
        return (
            f"rule() raises {in_words(error)} – expected a decision for each of {len(features):,}"
            " rows of the source – correct this line"
        )

    def _wrong_result(self, found: Any, features: pd.DataFrame) -> str | None:
        """What is wrong with the decisions, or None."""
        decisions, rows = np.asarray(found), len(features)
        if decisions.ndim == 0:
            return f"returns {found!r} – expected an array with a decision for each row – return it"
        decisions = decisions.reshape(-1)
        if len(decisions) != rows:
            return (
                f"returns {len(decisions):,} decisions for {rows:,} rows – expected one for each"
                " row, in their order – keep all rows"
            )
        if missing := int(pd.isna(decisions).sum()):
            return (
                f"returns a missing value for {missing:,} of {rows:,} rows – expected a decision"
                " for each row – decide also if a feature is missing, for example with fillna"
            )
        columns = self.columns
        problem, target = columns.of_target, str(columns.target)
        try:
            coded = problem.by_rule(lambda features: decisions)(features).decision
            wrong = decisions[~np.isfinite(coded)]
        except (InvalidData, TypeError, ValueError):
            wrong = np.array([each for each in decisions if not _is_value(problem, each)], object)
        if not len(wrong):
            return None
        listed = ", ".join(map(str, columns.known_values.get(target, ()))) or "a number"
        return (
            f"returns {_shown(wrong[0])} for {len(wrong):,} of {rows:,} rows – expected a value of"
            f" {target}: {listed} – return such a value"
        )

    # --- the candidates ----------------------------------------------------------------------

    @property
    def _first(self) -> Candidate:
        """The first candidate that the search tries; only if there is one."""
        named = self.pipeline.search.candidates if self.pipeline else ()
        known = {each.name: each for each in self.product.candidates}
        chosen = [known[name] for name in named if name in known]
        return next(iter([*chosen, *self.product.candidates]))

    def _build(self) -> Iterator[Finding]:
        """Constructs every candidate."""
        product, roles = self.product, _given(self.roles, "files")
        names = [each.name for each in product.candidates]
        if not names:
            yield Finding(
                "candidates",
                f"{self.code.shown(self.code.folder / 'candidates.py')}: there is no candidate –"
                " expected at least one – add a Candidate",
            )
            return
        budget = self.pipeline.search if self.pipeline else None
        for at, name in enumerate(budget.candidates if budget else ()):
            if name not in names:
                place = self.code.of_setting(
                    self.project.settings.pipeline_file, "search", "candidates", at
                )
                near = nearest(name, names)
                hint = f" – did you mean {near!r}?" if near else " – see candidates.py"
                yield Finding(
                    "candidates",
                    f"{place}: search.candidates: there is no candidate {name!r} – expected names"
                    f" from {', '.join(names)}{hint}",
                )
        for candidate in product.candidates:
            try:
                model = candidate.build(self.with_problem or roles, budget.seed if budget else 0)
                if not hasattr(model, "get_params"):
                    raise TypeError(f"its function returns {type(model).__name__}")
            except Exception as error:
                yield self._of_candidate(candidate, "cannot be built", error)
                continue
            self.models[candidate.name] = model
            yield from self._unknown_parameters(candidate, model.get_params())

    def _unknown_parameters(self, candidate: Candidate, known: dict[str, Any]) -> Iterator[Finding]:
        path = self.code.folder / "candidates.py"
        for name in candidate.space:
            if name not in known:
                near = nearest(name, known)
                hint = f" – did you mean {near!r}?" if near else ""
                yield Finding(
                    "candidates",
                    f"{self.code.of_name(path, name)}: the space of candidate {candidate.name!r}"
                    f" has {name!r} – expected a parameter of its model, as step__parameter –"
                    f" correct the name{hint}",
                )

    def _of_candidate(self, candidate: Candidate, what: str, error: Exception) -> Finding:
        place = self.code.of_error(error, candidate.build)
        if not place:
            place = self.code.of_name(self.code.folder / "candidates.py", candidate.name)
        return Finding(
            "candidates",
            f"{place}: candidate {candidate.name!r} {what}: {in_words(error)} – expected an"
            " estimator of scikit-learn for the features of the schema – correct this candidate",
        )

    def _fit(self) -> Iterator[Finding]:
        """Fits the first candidate, and predicts rows that it has not seen."""
        columns, rows = self.columns, self.rows
        if not self.target_is_valid:
            raise _Missing("target")
        if not self.models:
            raise _Missing("candidates")
        candidate = self._first
        model = _given(self.models.get(candidate.name), "candidates")
        sides = (self.sides.training, self.sides.holdout) if self.sides else (rows, rows)
        training, others = (self._few(side) for side in sides)
        problem, inputs = columns.of_target, list(columns.inputs)
        try:
            model.fit(training[inputs], columns.encoded_target(training))
        except Exception as error:
            yield self._of_candidate(candidate, f"cannot be fitted on {len(training)} rows", error)
            return
        try:
            predicted = problem.out_of_fold(model, others[inputs])
        except Exception as error:
            yield self._of_candidate(candidate, "cannot predict", error)
            return
        if wrong := int((~np.isfinite(predicted)).sum()):
            no_number = ValueError(f"{wrong:,} of {predicted.size:,} predictions are not numbers")
            yield self._of_candidate(candidate, "cannot predict", no_number)
            return
        y = columns.encoded_target(others)
        if self.checked is not None and problem.complaint(y) is None:
            yield from self._compared(self.checked.criteria, OutOfFold(y, predicted))

    def _compared(self, criteria: Criteria, predicted: OutOfFold) -> Iterator[Finding]:
        """Computes the metric by which candidates are compared."""
        problem = self.columns.of_target
        try:
            problem.trial_score(predicted, problem.objective(criteria.primary, criteria.value))
        except Exception as error:
            place = self.code.of_setting(self.project.settings.criteria_file, "primary")
            yield Finding(
                "criteria",
                f"{place}: primary: {criteria.primary} cannot be computed: {in_words(error)} –"
                " expected a number – choose another metric, or correct its function",
            )

    def _few(self, rows: pd.DataFrame) -> pd.DataFrame:
        """200 of the rows at random, in their order, with some of each class."""
        random = np.random.default_rng(0)
        order = random.permutation(len(rows))
        taken = order[:ROWS]
        if self.target_is_valid:
            strata = self.columns.of_target.strata(self.columns.encoded_target(rows))
            if strata is not None:
                place = pd.Series(strata[order]).groupby(strata[order]).cumcount().to_numpy()
                taken = np.union1d(taken, order[place < OF_EACH_CLASS])
        return rows.iloc[np.sort(taken)].reset_index(drop=True)

    # --- the criteria ------------------------------------------------------------------------

    def _slices(self) -> Iterator[Finding]:
        """Looks for the slices of the criteria in the rows."""
        criteria, rows = _given(self.checked, "files").criteria, self.rows
        for at, criterion in enumerate(criteria.criteria):
            if criterion.by is None or criterion.by not in rows:
                continue
            present = set(labels(pd.Series(rows[criterion.by].unique(), dtype=object)))
            place = self.code.of_setting(self.project.settings.criteria_file, "criteria", at, "by")
            yield from self._absent(criterion, present, f"{place}: ")

    def _absent(self, criterion: Criterion, present: set[str], place: str) -> Iterator[Finding]:
        """The slices of a criterion that have no rows."""
        by, rows = str(criterion.by), len(self.rows)
        listed = set(map(str, self.columns.known_values.get(by, ())))
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
            yield Finding("criteria", place + self._so_far(text), warning=not self.is_complete)


def _taken(batch: Batch, random: np.random.Generator) -> Batch:
    """At most 5,000 rows of the batch at random, in their order and with their numbers."""
    if len(batch.rows) <= READ:
        return batch
    places = np.sort(random.choice(len(batch.rows), READ, replace=False))
    rows = batch.rows.iloc[places].reset_index(drop=True)
    return Batch(rows, batch.origin, batch.first_row, batch.unread, positions=batch.numbers[places])


def _is_value(problem: Any, value: Any) -> bool:
    """Whether ``value`` is a value of the target."""
    try:
        return bool(np.isfinite(problem.encode([value])[0]))
    except (InvalidData, TypeError, ValueError):
        return False


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(str(value))


def _unknown_column(error: Exception) -> str | None:
    """The name of the column that a table does not have, None for any other error."""
    frames = traceback.extract_tb(error.__traceback__)
    # A dictionary of the team raises KeyError as well.
    if not isinstance(error, KeyError) or "pandas" not in Path(frames[-1].filename).parts:
        return None
    name = error.args[0] if error.args else None
    # For several names, it is a sentence with a list.
    return name if isinstance(name, str) and not name.startswith(("[", "None of [")) else None
