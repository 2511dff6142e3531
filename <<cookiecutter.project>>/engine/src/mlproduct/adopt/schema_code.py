"""The text of schemas.py for a table."""

import keyword
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..tables import SOURCE_ROW
from .kinds import Content
from .roles import Roles
from .target import TargetFound

__all__ = ["LeftOut", "schema_code"]

HEAD = '''"""The schemas that rows are validated with, as `adopt` found them.

    Features    rows to score: what is known when the prediction is needed
    Labelled    rows to train on: the same columns and the target

The ``metadata`` of a column contains its role. Everything else is defined by Pandera. A row that
breaks a rule is quarantined, with the name of the rule. The limits of numbers are ten times wider
than what was seen. Correct what you know better.

The table was
    {source}

    {{"role": "key"}}       identifies the subject of the row; a subject can have several rows
    {{"role": "time"}}      when the values of the row became known
    {{"role": "group"}}     rows of one group are all in the training set or all in the holdout
    {{"role": "feature"}}   an input of the model
    {{"role": "target"}}    what the model predicts
    {{"role": "ignored"}}   validated, but no input of the model
    {{..., "kind": "text"}} free text; other kinds of features follow from the type
    {{..., "missing": []}}  values that stand for missing
    {{..., "calendar": True}}  of the time: its calendar and its hour are inputs of the model too
    {{..., "format": ""}}   how a date is written, if not as 2026-11-24
    {{..., "pii": True}}    personal data: never read
"""

{imports}
__all__ = ["Features", "Labelled"]

FEATURE = {{"role": "feature"}}


class Features(pa.DataFrameModel):
    """One row without the target: what is known when the prediction is needed."""

'''
WIDER = 10.0


@dataclass(frozen=True)
class LeftOut:
    """A column that is not in the schema, and why."""

    name: str
    because: str


def schema_code(
    contents: Mapping[str, Content],
    roles: Roles,
    target: TargetFound,
    left_out: Iterable[LeftOut],
    source: str,
) -> str:
    """The text of the module, before it is formatted."""
    names = _Names()
    lines = list(_columns(contents, roles, names))
    without = [*left_out, *(LeftOut(name, why) for name, why in roles.ignored.items())]
    text = "".join(f"    {line}\n" for line in lines)
    if without:
        text += "\n    # Not in the schema, so never read:\n"
        text += "".join(f"    #   {_comment(each)}\n" for each in without)
    text += "\n\nclass Labelled(Features):\n"
    text += f'    """The same, and the target {_plain(target.name)}."""\n\n'
    text += f"    {_target(target, names)}\n"
    imports = "import pandas as pd\n" if "pd.Timestamp" in text else ""
    imports += "import pandera.pandas as pa\nfrom pandera.typing import Series\n"
    return HEAD.format(source=_plain(source), imports=imports) + text


def _columns(contents: Mapping[str, Content], roles: Roles, names: "_Names") -> Iterator[str]:
    if roles.key == SOURCE_ROW:
        yield names.field(SOURCE_ROW, "str", [], {"role": "key"})
    for name, content in contents.items():
        role = {roles.key: "key", roles.time: "time", roles.group: "group"}.get(name)
        if name in roles.private:
            given = ["nullable=True"]
            yield names.field(name, "str", given, {"role": "ignored", "pii": True})
        elif role == "key":
            whole = content.whole and content.kind in ("identifier", "number")
            given = [] if whole else ['str_length={"min_value": 1}']
            yield names.field(name, "int" if whole else "str", given, {"role": "key"})
        elif role is not None:
            kind, rules, metadata = _cells(content, role)
            yield names.field(
                name, kind, rules, metadata | ({"calendar": True} if role == "time" else {})
            )
        elif name in roles.features:
            yield names.field(name, *_cells(content, "feature"))


def _cells(content: Content, role: str) -> tuple[str, list[str], dict[str, Any]]:
    """The type, the rules and the metadata of a column."""
    metadata: dict[str, Any] = {"role": role}
    if content.missing:
        metadata["missing"] = list(content.missing)
    rules: list[str] = []
    if content.kind == "number" or (content.kind == "identifier" and content.whole):
        kind, rules = "float", _limits(content.low, content.high)
    elif content.kind == "date":
        kind = "pd.Timestamp"
        if content.format:
            metadata["format"] = content.format
    elif content.kind == "yes or no":
        kind = "bool"
    else:
        kind = "str"
        if content.kind == "text" and role == "feature":
            metadata["kind"] = "text"
        if content.values:
            rules = [f"isin={list(content.values)!r}"]
    if content.has_missing and role == "feature":
        rules.append("nullable=True")
    return kind, rules, metadata


def _limits(low: float, high: float) -> list[str]:
    """Rules that only impossible numbers break."""
    lowest = 0.0 if low >= 0 else -_round_up(WIDER * -low)
    if low >= 0 and high <= 1:
        return ["ge=0", "le=1"]
    highest = _round_up(WIDER * high) if high > 0 else 0.0
    return [f"ge={lowest:g}", f"le={highest:.0f}" if highest >= 1 else f"le={highest:g}"]


def _round_up(number: float) -> float:
    """The number rounded up to one significant digit."""
    step = 10.0 ** math.floor(math.log10(number))
    return math.ceil(number / step) * step


def _target(target: TargetFound, names: "_Names") -> str:
    metadata: dict[str, Any] = {"role": "target"}
    if target.missing:
        metadata["missing"] = list(target.missing)
    if target.problem.is_number:
        rules = ["ge=0"] if target.low >= 0 else []
        return names.field(target.name, "float", rules, metadata)
    if target.positive is not None and target.positive != 1:
        metadata["positive"] = target.positive
    kind = "str" if target.is_text else "int"
    return names.field(target.name, kind, [f"isin={list(target.classes)!r}"], metadata)


class _Names:
    """Names of fields: the names of columns where Python allows them, with an alias elsewhere."""

    def __init__(self) -> None:
        import pandera.pandas as pa

        self._taken = {*dir(pa.DataFrameModel), "pd", "pa", "Series", "FEATURE", "Config"}

    def field(self, column: str, kind: str, rules: list[str], metadata: dict[str, Any]) -> str:
        """The line that declares the column."""
        name = self._name(column)
        given = [*rules, *([f"alias={column!r}"] if name != column else [])]
        shown = "FEATURE" if metadata == {"role": "feature"} else repr(metadata)
        return f"{name}: Series[{kind}] = pa.Field({', '.join([*given, f'metadata={shown}'])})"

    def _name(self, column: str) -> str:
        name = re.sub(r"\W+", "_", column).strip("_") or "column"
        if name[0].isdigit() or name.startswith("_"):
            name = f"column_{name}"
        while name in self._taken or keyword.iskeyword(name):
            name += "_"
        self._taken.add(name)
        return name


def _comment(left_out: LeftOut) -> str:
    text = f"{left_out.name}: {left_out.because}"
    return _plain(text if len(text) <= 88 else f"{text[:87]}…")


def _plain(text: str) -> str:
    """The text for a comment or a docstring: one line, without what would end it."""
    return re.sub(r"\s+", " ", text).replace("\\", "/").replace('"""', "'''")
