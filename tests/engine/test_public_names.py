"""Public names: documented, typed, and listed in docs/public-names.md."""

import inspect
import re
import typing
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from .team import TEMPLATE

MODULES = (
    "mlproduct",
    "mlproduct.problems",
    "mlproduct.tasks",
    "mlproduct.synthetic",
    "mlproduct.testing",
    "mlproduct.cli",
)
PAGE = TEMPLATE / "docs" / "public-names.md"
HEAD = """# Public names

What a team's package may import from `mlproduct`. Each name stays available for at least two
minor versions after a deprecation warning, and the changelog lists each removed name. Everything
else may change without notice.
"""
LISTED = re.compile(r"^\| `([\w.]+)` \|", re.MULTILINE)


def names() -> Iterator[tuple[str, Any]]:
    """Every public name with its value; a value that two modules export is listed once."""
    seen: set[int] = set()
    for module in MODULES:
        found = import_module(module)
        for name in found.__all__:
            value = getattr(found, name)
            if id(value) not in seen:
                seen.add(id(value))
                yield f"{module}.{name}", value


def first_sentence(value: Any) -> str:
    if isinstance(value, int):
        return f"A constant: {value:,}."
    if typing.get_origin(value) is typing.Literal:
        return f"One of {', '.join(map(repr, typing.get_args(value)))}."
    text = inspect.getdoc(inspect.unwrap(getattr(value, "fn", value))) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "/")


def page() -> str:
    rows = [f"| `{name}` | {first_sentence(value)} |" for name, value in names()]
    return "\n".join((HEAD, "| name | |", "|---|---|", *rows, ""))


def test_the_page_lists_every_public_name_and_the_changelog_every_removed_one() -> None:
    """An outdated page is rewritten and the test fails, so that the change is reviewed and
    committed.
    """
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    newest = (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    removed = set(LISTED.findall(written)) - {name for name, _ in names()}
    unmentioned = [name for name in sorted(removed) if name.rpartition(".")[2] not in newest]
    assert unmentioned == [], "the changelog does not mention these removed public names"
    if written != page():
        PAGE.write_text(page(), encoding="utf-8")
        pytest.fail(f"{PAGE.name} was rewritten: review the change and commit it")


@pytest.mark.parametrize(
    ("name", "value"), [pytest.param(name, value, id=name) for name, value in names()]
)
def test_a_public_name_is_documented_and_typed(name: str, value: Any) -> None:
    function = inspect.unwrap(getattr(value, "fn", value))  # the function of a Prefect task
    if not callable(value) or typing.get_origin(value):
        return  # a constant or an alias is documented in its module
    assert first_sentence(value), f"{name} has no docstring"
    if inspect.isfunction(function):
        hints = typing.get_type_hints(function)
        untyped = [each for each in inspect.signature(function).parameters if each not in hints]
        assert untyped == []
        assert "return" in hints
