"""A small trial of everything that a training needs: 200 rows through each step.

The rows go through source, schema, split, target values, ``rule()``, one candidate and criteria.
A step that fails does not stop the steps that do not need its result, so that one run finds all
problems. Nothing is stored: no run in MLflow, no quarantine, no file.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...errors import ConfigError, ProductError, SourceError
from ...evaluation.bootstrap import in_words
from ..project import Project
from .fitted_candidate import build_all, first_of, fit_first
from .product_files import check_criteria, find_target, load, read_pipeline_file
from .rule_result import try_rule
from .source_rows import (
    check_target,
    find_slices,
    make_folds,
    read_rows,
    split_rows,
    validate_rows,
)
from .state import ROWS, Finding, Missing, State

__all__ = ["Finding", "NotRun", "Trial", "run_trial"]

Step = Callable[[State], Iterator[Finding]]

# The step of a finding, the part of the step, and its function, in the order of a training. Each
# part uses the results of those before it and raises Missing if one has none.
STEPS: tuple[tuple[str, str, Step], ...] = (
    ("files", "product.py", load),
    ("files", "pipeline.yaml", read_pipeline_file),
    ("target", "target", find_target),
    ("files", "success_criteria.yaml", check_criteria),
    ("candidates", "candidates", build_all),
    ("source", "source", read_rows),
    ("schema", "schema", validate_rows),
    ("split", "split", split_rows),
    ("split", "folds", make_folds),
    ("target", "target values", check_target),
    ("rule", "rule()", try_rule),
    ("candidates", "one candidate", fit_first),
    ("criteria", "slices", find_slices),
)


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
    """The messages of the errors that became findings, as they were raised."""
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
    run = State(project)
    findings: list[Finding] = []
    not_run: list[NotRun] = []
    # The training shows the warnings of libraries.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step, name, function in STEPS:
            try:
                for finding in function(run):
                    findings.append(finding)
            except Missing as missing:
                not_run.append(NotRun(step, name, str(missing)))
            except Exception as error:  # any error of the team's code is a finding
                findings += _of_error(run, step, error)
    return Trial(tuple(findings), tuple(not_run), frozenset(run.messages), _summaries(run))


def _of_error(run: State, step: str, error: Exception) -> Iterator[Finding]:
    """The findings for an error of a step: one per line of the message of a configuration."""
    run.messages.add(str(error))
    if isinstance(error, SourceError):
        key = "path" if run.pipeline and run.pipeline.source.path else "query"
        place = run.code.of_setting(run.project.settings.pipeline_file, "source", key)
        yield Finding(step, f"{place}: {error}")
        return
    if isinstance(error, ProductError):
        lines = str(error).splitlines()
        for line in lines if isinstance(error, ConfigError) else lines[:1]:
            yield Finding(step, run.code.located(line, run.schema_file))
        return
    text = f"{in_words(error)} – expected no error in the step {step} – correct its cause"
    yield Finding(step, run.placed(run.code.of_error(error), text))


def _summaries(run: State) -> dict[str, str]:
    found = {}
    if run.checked and run.pipeline and run.roles:
        counts = f"{len(run.checked.criteria.criteria)} criteria, {len(run.roles.features)}"
        found["files"] = f"{counts} features, split by {run.pipeline.split.by}"
    if run.batches is not None and run.pipeline and run.roles:
        described = run.pipeline.source.described
        found["source"] = f"{described} has all {len(run.roles.read)} columns"
    if run.accepted is not None and run.models:
        few = min(ROWS, len(run.accepted))
        found["trial"] = (
            f"{few:,} of {len(run.accepted):,} rows through schema, split, target values,"
            f" rule(), {first_of(run).name} and criteria"
        )
    return found
