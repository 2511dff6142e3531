"""Study a table: what its columns are, which problem its target states, and what a product for it
looks like.

The targets of the training side are read only after the split, and those of the holdout never.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from ..config.settings import Checks, Split
from ..data.columns import Columns
from ..data.split_policies import POLICIES
from ..data.validation import validate
from ..errors import InvalidData
from ..product import Product
from ..reading import Reading
from ..tables import Batch
from ..training.leaks import Leak, Level, find_leaks
from .baselines import measure_baselines
from .criteria_code import Facts
from .findings import Finding, shown_number
from .kinds import Content, contents_of, reading_of
from .late import late_features
from .roles import Roles, Wishes, roles_of
from .rule_code import rule_code
from .schema_code import LeftOut, schema_code
from .table import Table
from .target import NUMBER, TargetFound, target_of

__all__ = ["Asked", "Study", "study", "template"]

TEMPLATES = Path(__file__).with_name("templates")
HOLDOUT = 0.25
# The check for leaks is repeated without what it found, because one leak can hide another.
ROUNDS = 5


@dataclass(frozen=True)
class Asked:
    """What a person stated on the command line, besides the columns."""

    problem: str | None = None
    positive: str | None = None
    owner: str = "the team"
    contact: str = "team@example.com"
    package: str = "product"


@dataclass(frozen=True)
class Study:
    """The decisions with their evidence, and what the files are written from."""

    findings: tuple[Finding, ...]
    doubts: tuple[str, ...]
    contents: Mapping[str, Content]
    roles: Roles
    target: TargetFound
    left_out: tuple[LeftOut, ...]
    accepted: tuple[str, ...]
    schemas: str
    rule: str
    candidates: str
    problem: str
    facts: Facts
    columns: Columns


def study(
    table: Table,
    wishes: Wishes,
    asked: Asked,
    today: date,
    leave_out: Callable[[str], bool] = lambda doubt: False,
) -> Study:
    """What ``adopt`` decides about the table; ``leave_out`` is asked about every doubt.

    Raises ConfigError for a wish that does not fit, and InvalidData for a table from which nothing
    can be learned.
    """
    contents = _read_as(table, reading_of(_features(table)))
    roles = roles_of(table.features, contents, wishes)
    policy, of_policy = _policy(roles)
    placeholder = TargetFound(table.target, NUMBER, is_text=False, whole=False, low=-1)
    first = schema_code(contents, roles, placeholder, (), table.source.described)
    training, of_split = _training_side(table, first, policy)
    cells = table.target_of(training)
    # Again, because the target may be the only column that shows the decimal sign.
    reading = reading_of([*_features(table), cells])
    if reading != table.source.reading:
        contents = _read_as(table, reading)
    target = target_of(cells, table.target, reading, problem=asked.problem, positive=asked.positive)
    found = _Training(table, contents, target, training, policy)
    honest = _without_leaks(found, roles, wishes, leave_out)
    roles = honest.roles
    if not roles.features:
        raise InvalidData(
            "no feature is left – expected at least one column that is known before the target –"
            " keep one with --keep, or use a table with more columns"
        )
    schemas = schema_code(contents, roles, target, honest.left_out, table.source.described)
    candidates = _candidates(contents, roles, target)
    with modules(schemas=schemas, candidates=candidates) as loaded:
        bare = _product(loaded["schemas"], loaded["candidates"], target, None)
        rows = found.rows(bare)
        yes_or_no = {name for name, each in contents.items() if each.kind == "yes or no"}
        rule = rule_code(rows, bare.columns, target, yes_or_no)
        with modules(rule=rule.code) as ruled:
            product = _product(loaded["schemas"], loaded["candidates"], target, ruled["rule"].rule)
            quick = 0 if product.columns.texts else 1
            baselines = measure_baselines(product, rows, policy.by, target.problem, quick)
        columns = product.columns
    facts = Facts(
        package=asked.package,
        source=table.source,
        described=table.source.described,
        rows=len(table),
        training_rows=int(training.sum()),
        split_by=policy.by,
        split_says=of_split.decided,
        time=roles.time,
        target=target,
        rule=rule.says,
        baselines=baselines,
        owner=asked.owner,
        contact=asked.contact,
        today=today,
    )
    findings = (
        _of_file(table),
        *roles.findings,
        *target.findings,
        of_policy,
        *_of_columns(contents, roles),
        *honest.findings,
        Finding("rule", rule.says, "the best of one or two columns on the training rows"),
        Finding(
            "bar",
            f"{baselines.metric} {shown_number(baselines.bar)}",
            baselines.in_words,
        ),
    )
    return Study(
        findings=findings,
        doubts=honest.doubts,
        accepted=honest.accepted,
        contents=contents,
        roles=roles,
        target=target,
        left_out=honest.left_out,
        schemas=schemas,
        rule=rule.code,
        candidates=candidates,
        problem=target.problem.class_name,
        facts=facts,
        columns=columns,
    )


def _features(table: Table) -> list[pd.Series]:
    return [column for _, column in table.features.items()]


def _read_as(table: Table, reading: Reading) -> dict[str, Content]:
    """The contents of the columns with this reading, which becomes that of the source."""
    form = {
        "decimal": reading.decimal,
        "thousands": reading.thousands,
        "signs": reading.signs,
    }
    table.source = table.source.model_copy(update=form)
    return contents_of(table.features, reading)


def _of_file(table: Table) -> Finding:
    source = table.source
    parts = []
    if source.path is not None and source.model_dump(exclude_defaults=True).keys() - {"path"}:
        form = source.model_dump(exclude_defaults=True, exclude={"path"})
        parts = [f"{name} {value!r}" for name, value in form.items()]
    copies = int(table.features.duplicated().sum())
    found = f"{len(table):,} rows × {len(table.features.columns) + 1} columns"
    found += " (of a longer table)" if table.cut else ""
    if copies:
        found += f"; {copies:,} {'row is a copy' if copies == 1 else 'rows are copies'} of others"
    return Finding(
        "source",
        f"{source.described}: {found}",
        ", ".join(parts),
        "source in pipeline.yaml" if parts else "",
    )


def _of_columns(contents: Mapping[str, Content], roles: Roles) -> Iterator[Finding]:
    for name in roles.features:
        content = contents[name]
        missing = f", {content.share_missing:.1%} missing" if content.has_missing else ""
        yield Finding(
            "feature", f"{name}, {content.kind}", f"{content.evidence}{missing}", f"--drop {name}"
        )


def _policy(roles: Roles) -> tuple[Split, Finding]:
    split = Split(by="hash", holdout=HOLDOUT)
    why = "there is no usable time; a hash of the key never changes"
    if roles.time is not None:
        split = Split(by="time", holdout=HOLDOUT)
        why = f"{roles.time} is in each row, so the newest rows are held out"
    elif roles.group is not None:
        split = Split(by="group", holdout=HOLDOUT)
        why = f"rows with the same {roles.group} stay on one side"
    elif roles.repeated:
        why = f"rows with the same {roles.key} stay on one side"
    return split, Finding("split", f"by {split.by}", why, "split in pipeline.yaml")


def _training_side(table: Table, schemas: str, policy: Split) -> tuple[np.ndarray, Finding]:
    """A mask of the rows on the training side; the target is not read."""
    with modules(schemas=schemas) as loaded:
        features = loaded["schemas"].Features
        product = Product(
            NUMBER.problem, features, loaded["schemas"].Labelled, (), lambda rows: rows
        )
        checked = validate([_batch(table, table.without_target())], features, limit=1.0)
        valid = np.ones(len(table), dtype=bool)
        valid[checked.rejected.rows["row"].to_numpy(dtype=int)] = False
        if len(checked.rows) != valid.sum():
            raise ValueError(f"{len(checked.rows)} valid rows, expected {valid.sum()}")
        columns = product.feature_columns
        held, described = POLICIES[policy.by].holdout(checked.rows, columns, policy.holdout)
    training = np.zeros(len(table), dtype=bool)
    training[np.flatnonzero(valid)[~held]] = True
    return training, Finding("split", f"{described[:1].upper()}{described[1:]}.")


def _batch(table: Table, rows: pd.DataFrame) -> Batch:
    return Batch(rows, table.source.described, 0, reading=table.source.reading)


@dataclass(frozen=True)
class _Training:
    """The training side of the table."""

    table: Table
    contents: Mapping[str, Content]
    target: TargetFound
    side: np.ndarray
    policy: Split

    def product(self, schemas: ModuleType) -> Product:
        return _product(schemas, None, self.target, None)

    def rows(self, product: Product) -> pd.DataFrame:
        """The valid rows of the training side."""
        cells = self.table.rows(self.side)
        return validate([_batch(self.table, cells)], product.labelled, limit=1.0).rows


@dataclass(frozen=True)
class _Honest:
    """The roles without what reveals the target, and how they were found.

    ``accepted`` are leaks that a person keeps.
    """

    roles: Roles
    left_out: tuple[LeftOut, ...]
    accepted: tuple[str, ...]
    doubts: tuple[str, ...]
    findings: tuple[Finding, ...]


def _without_leaks(
    found: _Training, roles: Roles, wishes: Wishes, leave_out: Callable[[str], bool]
) -> _Honest:
    """The features that are probably known when a prediction is needed."""
    left_out: dict[str, LeftOut] = {}
    findings: list[Finding] = []
    for _ in range(ROUNDS):
        leaks, late = _leaks(found, roles)
        blocks = [leak for leak in leaks if leak.level is Level.BLOCK]
        gone: dict[str, str] = {}
        for leak in blocks:
            for name in leak.columns:
                if name not in wishes.keep:
                    gone.setdefault(name, f"{leak} reveals the target")
        if not gone:
            break
        for name, why in gone.items():
            left_out[name] = LeftOut(name, f"leak: {why}")
            findings.append(Finding("leak", f"{name} is left out", why, f"--keep {name}"))
        roles = replace(roles, features=tuple(n for n in roles.features if n not in left_out))
        if not roles.features:
            break
    accepted = tuple(dict.fromkeys(name for leak in blocks for name in leak.columns))
    doubts: dict[str, str] = {}
    for leak in leaks if roles.features else ():
        for name in leak.columns:
            doubts.setdefault(name, f"{leak} is suspiciously strong")
    for name, why in late.items() if roles.features else ():
        doubts.setdefault(name, why)
    copies = [leak for leak in leaks if not leak.columns]
    for name, why in doubts.items():
        if name not in wishes.keep and leave_out(f"{name}: {why}"):
            left_out[name] = LeftOut(name, f"{why}; left out by hand")
            findings.append(Finding("doubt", f"{name} is left out", why, f"--keep {name}"))
        else:
            findings.append(Finding("doubt", f"{name} is kept", why, f"--drop {name}"))
    for leak in copies:
        kind = "leak" if leak.level is Level.BLOCK else "doubt"
        findings.append(Finding(kind, "copies of rows are kept", str(leak), "remove them yourself"))
    return _Honest(
        roles=replace(roles, features=tuple(n for n in roles.features if n not in left_out)),
        left_out=tuple(left_out.values()),
        accepted=tuple(name for name in accepted if name in wishes.keep),
        doubts=(
            *(f"`{n}`: {w}" for n, w in doubts.items() if n not in left_out),
            *map(str, copies),
        ),
        findings=tuple(findings),
    )


def _leaks(found: _Training, roles: Roles) -> tuple[tuple[Leak, ...], dict[str, str]]:
    """What reveals the target, and what may be known too late."""
    code = schema_code(found.contents, roles, found.target, (), "the table")
    with modules(schemas=code) as loaded:
        product = found.product(loaded["schemas"])
        rows, columns = found.rows(product), product.columns
        leaks = find_leaks(rows, columns, Checks(), found.policy)
        return leaks, late_features(rows, columns, found.policy, found.target.problem)


def _candidates(contents: Mapping[str, Content], roles: Roles, target: TargetFound) -> str:
    """The text of the module whose candidates fit the problem."""
    texts = any(contents[name].kind == "text" for name in roles.features)
    return template(f"{target.problem.of_texts if texts else target.problem.candidates}.py")


def template(name: str) -> str:
    """The text of a file that is written as it is."""
    return (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")


def _product(
    schemas: ModuleType, candidates: ModuleType | None, target: TargetFound, rule: Any
) -> Product:
    return Product(
        problem=target.problem.problem,
        features=schemas.Features,
        labelled=schemas.Labelled,
        candidates=candidates.CANDIDATES if candidates else (),
        rule=rule or (lambda rows: rows),
    )


@contextmanager
def modules(**texts: str) -> Iterator[dict[str, ModuleType]]:
    """The texts as modules, by name; Pandera needs them in ``sys.modules`` while they are used."""
    made = {}
    for name, text in texts.items():
        module = ModuleType(f"_adopted_{name}")
        sys.modules[module.__name__] = module
        exec(compile(text, f"{name}.py", "exec"), module.__dict__)  # our own text, as it is written
        made[name] = module
    try:
        yield made
    finally:
        for module in made.values():
            sys.modules.pop(module.__name__, None)
