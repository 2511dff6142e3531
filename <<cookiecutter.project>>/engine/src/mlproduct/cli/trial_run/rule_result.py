"""The step of a trial that calls ``rule()``."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...config.strict_yaml import nearest
from ...errors import InvalidData
from ...evaluation.bootstrap import in_words
from .state import Finding, State, given

__all__ = ["try_rule"]


def try_rule(run: State) -> Iterator[Finding]:
    """Calls ``rule()`` on 200 rows, and checks that it returns a value of the target for each."""
    roles, rule = given(run.roles, "files"), run.product.rule
    features = run.few(run.rows)[list(roles.inputs)]
    try:
        # A copy, because a rule can change the table.
        found = rule(features.copy())
    except Exception as error:  # the team's code can raise anything
        place = run.code.of_error(error, rule)
        yield Finding("rule", run.placed(place, _rule_raised(run, error, features)))
        return
    place = run.code.of_function(rule)
    if text := _wrong_result(run, found, features):
        yield Finding("rule", run.placed(place, f"rule() {text}"))


def _rule_raised(run: State, error: Exception, features: pd.DataFrame) -> str:
    received = list(features.columns)
    name = _unknown_column(error)
    if name is not None and name not in received:
        near = nearest(name, received)
        hint = f"did you mean {near!r}?" if near else f"it receives {', '.join(received)}"
        other = " feature" if name in given(run.roles, "files").read else " column"
        return (
            f"rule() uses {name!r}, which is no{other} of the rows that it receives – expected"
            f" one of the features of the schema – {hint}"
        )
    return (
        f"rule() raises {in_words(error)} – expected a decision for each of {len(features):,}"
        " rows of the source – correct this line"
    )


def _unknown_column(error: Exception) -> str | None:
    """The name of the column that a table does not have, None for any other error."""
    frames = traceback.extract_tb(error.__traceback__)
    # A dictionary of the team raises KeyError as well.
    if not isinstance(error, KeyError) or "pandas" not in Path(frames[-1].filename).parts:
        return None
    name = error.args[0] if error.args else None
    # For several names, it is a sentence with a list.
    return name if isinstance(name, str) and not name.startswith(("[", "None of [")) else None


def _wrong_result(run: State, found: Any, features: pd.DataFrame) -> str | None:
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
    columns = run.columns
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


def _is_value(problem: Any, value: Any) -> bool:
    """Whether ``value`` is a value of the target."""
    try:
        return bool(np.isfinite(problem.encode([value])[0]))
    except (InvalidData, TypeError, ValueError):
        return False


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(str(value))
