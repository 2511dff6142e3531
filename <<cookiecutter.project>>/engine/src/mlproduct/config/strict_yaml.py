"""Reads a YAML file as a strict model and reports every mistake in it.

A mistake is reported with the file, the line, the key, the value, what was expected and the nearest
valid name.
"""

import difflib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Tag, ValidationError

from ..errors import ConfigError

__all__ = ["TAG", "Strict", "line_of", "nearest", "read_yaml"]

# The beginning of the tags of a union's members. Pydantic adds the tag to a location, and no key of
# a file begins with it.
TAG = "\0"

M = TypeVar("M", bound=BaseModel)

# A file that a person edits is far shorter; a path that names a data file by mistake is not read.
CHARACTERS_AT_MOST = 100_000

# Keys and values of a file with every alias expanded: a few lines of aliases can expand to
# billions of values.
NODES_AT_MOST = 10_000

MISTAKES_AT_MOST = 20  # one wrong indentation can make every later key a mistake

# The text for each of pydantic's kinds of mistake; all other kinds keep pydantic's own message.
EXPECTED = {
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "date_from_datetime_parsing": "expected a date such as 2027-06-30",
    "date_parsing": "expected a date such as 2027-06-30",
    "date_type": "expected a date such as 2027-06-30",
    "finite_number": "expected a number that is not infinite",
    "float_parsing": "expected a number",
    "float_type": "expected a number, without quotes",
    "int_from_float": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "model_type": "expected keys with values, one per line",
    "string_too_short": "expected some text, found none",
    "string_type": "expected text; put it in quotes",
    "too_short": "expected at least one entry",
    "tuple_type": "expected a list, such as [north, south]",
}


class Strict(BaseModel):
    """A base class for immutable models that accept no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_yaml(path: Path, model: type[M]) -> M:
    """The file as ``model``.

    Raises ConfigError with the mistakes of the file, one per line: file, line, key, value, what was
    expected, the nearest valid name.
    """
    node, twice, content = _parsed(path, _text(path))
    if twice is not None:
        key, line = twice
        raise ConfigError(
            f"{path}:{line}: the key {key!r} is written twice – expected once – keep one of them"
        )
    try:
        return model.model_validate(content)
    except ValidationError as error:
        mistakes = list(_own(error.errors()))
        lines = [_in_words(path, node, model, mistake) for mistake in mistakes[:MISTAKES_AT_MOST]]
        if others := len(mistakes) - len(lines):
            lines.append(f"{path}: and {others:,} more mistakes")
        raise ConfigError("\n".join(lines)) from None


def _own(mistakes: Sequence[Any]) -> Iterator[Any]:
    """The mistakes without consequential ones.

    Pydantic reports a list as too short if one of its entries is invalid; only the entry is kept.
    """
    for mistake in mistakes:
        place = mistake["loc"]
        if mistake["type"] == "too_short" and any(
            other["loc"][: len(place)] == place for other in mistakes if other is not mistake
        ):
            continue
        yield mistake


def _keys(location: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """The location without tags."""
    return tuple(part for part in location if not _is_tag(part))


def _is_tag(part: Hashable) -> bool:
    return isinstance(part, str) and part.startswith(TAG)


def line_of(text: str, location: Sequence[Hashable]) -> int:
    """The line of ``text``, counted from 1, with the key at ``location``.

    If the key is missing, it is the line of its nearest existing parent. A location is a path of
    keys and positions, such as ("criteria", 2, "metric").
    """
    return _line(yaml.compose(text, Loader=yaml.SafeLoader), location)


def nearest(name: Any, names: Iterable[str]) -> str | None:
    """The most similar of ``names``, or None if none is similar."""
    return next(iter(difflib.get_close_matches(str(name), list(names), n=1)), None)


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(CHARACTERS_AT_MOST + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file – run this in the product's folder, or set PRODUCT_ROOT"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read as UTF-8 text ({error}) – save it as UTF-8"
        ) from None
    if len(text) > CHARACTERS_AT_MOST:
        raise ConfigError(
            f"{path}: longer than {CHARACTERS_AT_MOST:,} characters – expected a file written by"
            " hand – check that it is the right file"
        )
    return text


def _parsed(path: Path, text: str) -> tuple[yaml.Node | None, tuple[str, int] | None, Any]:
    """The file's node tree (for line numbers), its first duplicate key, and its content."""
    try:
        # Parsed twice: only nodes have line numbers and duplicate keys. They are counted first,
        # because _written_twice and pydantic visit every alias in full.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if sum(1 for _ in islice(_expanded(node), NODES_AT_MOST + 1)) > NODES_AT_MOST:
            raise ConfigError(
                f"{path}: more than {NODES_AT_MOST:,} keys and values, counted with every alias"
                " (*name) expanded – expected fewer – write the values out, and remove aliases"
                " that refer to themselves"
            )
        return node, _written_twice(node), yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(
            f"{where}: {problem} – expected YAML – check the indentation and the quotes there"
        ) from None
    except ValueError as error:  # a date such as 2027-02-30
        raise ConfigError(
            f"{path}: {error} – expected YAML – look for a date that does not exist"
        ) from None
    except RecursionError:  # PyYAML and _written_twice are recursive
        raise ConfigError(
            f"{path}: nested too deeply – expected a few levels – remove aliases that refer to"
            " themselves"
        ) from None


def _expanded(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """The node and all nodes inside it, with each alias expanded.

    The iteration is endless if an alias refers to itself.
    """
    # A stack, because recursion into such an alias would exceed Python's recursion limit.
    waiting = [iter([node] if node is not None else [])]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        yield found
        if isinstance(found, yaml.MappingNode):
            waiting.append(chain.from_iterable(found.value))
        elif isinstance(found, yaml.SequenceNode):
            waiting.append(iter(found.value))


def _written_twice(node: yaml.Node | None) -> tuple[str, int] | None:
    """The first duplicate key and its line. YAML would silently use the last value of the key."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                return name, key.start_mark.line + 1
            seen.add(name)
            if found := _written_twice(value):
                return found
    elif isinstance(node, yaml.SequenceNode):
        return next((found for item in node.value if (found := _written_twice(item))), None)
    return None


def _in_words(path: Path, node: yaml.Node | None, model: type[BaseModel], mistake: Any) -> str:
    tagged: tuple[Hashable, ...] = mistake["loc"]
    location = _keys(tagged)
    kind, value = mistake["type"], mistake["input"]
    where = f"{path}:{_line(node, location)}: {'.'.join(map(str, location)) or 'the file'}"
    if kind == "extra_forbidden":
        names = _valid_names(model, tagged[:-1])
        near = nearest(location[-1], names)
        return f"{where}: unknown key – " + (
            f"did you mean {near!r}?" if near else f"expected one of {', '.join(names)}"
        )
    if kind == "missing":
        return f"{where}: missing – expected a value – add it"
    message = mistake["msg"].removeprefix("Value error, ")
    expected = EXPECTED.get(kind, message[:1].lower() + message[1:])
    if isinstance(value, dict | list):
        return f"{where}: {expected}"
    near = nearest(value, _choices(mistake))
    return f"{where}: {value!r}: {expected}" + (f" – did you mean {near!r}?" if near else "")


def _choices(mistake: Any) -> list[str]:
    """The values of a Literal, which pydantic gives only as a text: ``'a', 'b' or 'c'``."""
    expected = str(mistake.get("ctx", {}).get("expected", ""))
    return [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]


def _line(node: yaml.Node | None, location: Sequence[Hashable]) -> int:
    """The line of the deepest part of ``location`` that is in the file, counted from 1."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == part), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _valid_names(model: type[BaseModel], location: Sequence[Hashable]) -> list[str]:
    """The keys that are valid at ``location`` of a file read as ``model``."""
    current: Any = model
    for part, after in zip_longest(location, location[1:]):
        if not isinstance(part, int) and not _is_tag(part):
            current = _model_in(current.model_fields[str(part)].annotation, after)
    return list(current.model_fields)


def _model_in(annotation: Any, tag: Hashable = None) -> Any:
    """The model in ``annotation``: the only one, or the member of a union with this tag."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    tags = [each.tag for each in getattr(annotation, "__metadata__", ()) if isinstance(each, Tag)]
    if tags and _is_tag(tag) and tag not in tags:
        return None
    # Annotated has its type in __origin__, a union or a tuple its types in __args__.
    parts = (annotation.__origin__,) if tags else getattr(annotation, "__args__", ())
    inner = (_model_in(part, tag) for part in parts)
    return next((found for found in inner if found is not None), None)
