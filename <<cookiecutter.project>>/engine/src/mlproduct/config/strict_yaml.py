"""Reads a YAML file as a strict model and reports every mistake in it.

A mistake is reported with the file, the line, the key, the value, what was expected and the nearest
valid name.
"""

import difflib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Tag, ValidationError

from ..errors import ConfigError

__all__ = [
    "TAG",
    "Location",
    "Mistake",
    "Strict",
    "YamlFile",
    "mistakes_of",
    "nearest",
    "parse",
    "read_yaml",
]

Location = tuple[Hashable, ...]
"""A path of keys and positions in a file, such as ("criteria", 2, "metric")."""

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
    "greater_than_equal": "expected at least {ge}",
    "int_from_float": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "less_than_equal": "expected at most {le}",
    "model_type": "expected keys with values, one per line",
    "string_too_short": "expected some text, found none",
    "string_type": "expected text; put it in quotes",
    "too_short": "expected at least one entry",
    "tuple_type": "expected a list, such as [north, south]",
}


class Strict(BaseModel):
    """A base class for immutable models that accept no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Mistake:
    """A mistake at ``location`` of a file, or a ``warning`` about an entry that is valid."""

    location: Location
    value: str
    """The value as it is shown; empty if there is none to show."""
    expected: str
    nearest: str | None = None
    warning: bool = False

    @property
    def in_words(self) -> str:
        """The message: key, value, what was expected, the nearest valid name."""
        hint = f" – did you mean {self.nearest!r}?" if self.nearest else ""
        key = ".".join(map(str, self.location)) or "the file"
        kind = "warning: " if self.warning else ""
        return f"{kind}{': '.join(filter(None, (key, self.value, self.expected)))}{hint}"


@dataclass(frozen=True)
class YamlFile:
    """A parsed file; ``twice`` are its duplicate keys. Only ``node`` has the lines."""

    path: Path
    content: Any
    node: yaml.Node | None
    twice: tuple[Mistake, ...]

    def read(self, model: type[M]) -> tuple[M | None, tuple[Mistake, ...]]:
        """The content as ``model``, None if it is not valid, and the mistakes."""
        try:
            return model.model_validate(self.content), self.twice
        except ValidationError as error:
            return None, (*self.twice, *mistakes_of(error, model))

    def listed(self, mistakes: Iterable[Mistake]) -> list[str]:
        """A line for each of the first 20 mistakes, by line of the file, and one for the others."""
        found = sorted(mistakes, key=lambda each: self.line(each.location))
        shown, others = found[:MISTAKES_AT_MOST], len(found) - MISTAKES_AT_MOST
        lines = [f"{self.path}:{self.line(each.location)}: {each.in_words}" for each in shown]
        return [*lines, f"{self.path}: and {others:,} more mistakes"] if others > 0 else lines

    def line(self, location: Location) -> int:
        """The line of the key at ``location``, counted from 1.

        If the key is missing, it is the line of its nearest existing parent.
        """
        return _line(self.node, location)


def read_yaml(path: Path, model: type[M]) -> M:
    """The file as ``model``.

    Raises ConfigError with the mistakes of the file, one per line: file, line, key, value, what was
    expected, the nearest valid name.
    """
    file = parse(path)
    found, mistakes = file.read(model)
    if found is None or mistakes:
        raise ConfigError("\n".join(file.listed(mistakes)))
    return found


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Mistake]:
    """The mistakes that pydantic found in the content of a file that is read as ``model``."""
    return (_mistake(model, each) for each in _own(error.errors()))


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


class _Loader(yaml.SafeLoader):
    """Reads a date that does not exist, such as 2027-02-30, as a text; pydantic refuses it."""


def _date(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _date)


def parse(path: Path) -> YamlFile:
    """The parsed file. Raises ConfigError if it cannot be read or is not YAML."""
    text = _text(path)
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
        twice = tuple(_written_twice(node))
        return YamlFile(path, yaml.load(text, Loader=_Loader), node, twice)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(
            f"{where}: {problem} – expected YAML – check the indentation and the quotes there"
        ) from None
    except ValueError as error:  # a value that does not have the type of its tag
        raise ConfigError(f"{path}: {error} – expected YAML – put the value in quotes") from None
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


def _written_twice(node: yaml.Node | None, at: Location = ()) -> Iterator[Mistake]:
    """The duplicate keys. YAML would silently use the last value of the key."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            location = (*at, name)
            if name in seen:
                yield Mistake(
                    location, "", "the key is written twice – expected once – keep one of them"
                )
            seen.add(name)
            yield from _written_twice(value, location)
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _written_twice(item, (*at, place))


def _mistake(model: type[BaseModel], found: Any) -> Mistake:
    """One of pydantic's errors as a mistake."""
    tagged: Location = found["loc"]
    location = _keys(tagged)
    kind, value = found["type"], found["input"]
    if kind == "extra_forbidden":
        names = _valid_names(model, tagged[:-1])
        near = nearest(location[-1], names)
        others = "" if near else f" – expected one of {', '.join(names)}"
        return Mistake(location, "", f"unknown key{others}", near)
    if kind == "missing":
        return Mistake(location, "", "missing – expected a value – add it")
    message = found["msg"].removeprefix("Value error, ")
    known = EXPECTED.get(kind, "").format(**found.get("ctx", {}))
    expected = known or message[:1].lower() + message[1:]
    if isinstance(value, dict | list):
        return Mistake(location, "", expected)
    return Mistake(location, repr(value), expected, nearest(value, _choices(found)))


def _choices(mistake: Any) -> list[str]:
    """The values of a Literal, which pydantic gives only as a text: ``'a', 'b' or 'c'``."""
    expected = str(mistake.get("ctx", {}).get("expected", ""))
    return [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]


def _line(node: yaml.Node | None, location: Sequence[Hashable]) -> int:
    """The line of the deepest part of ``location`` that is in the file, counted from 1."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            # The last one, because YAML uses the last value of a duplicate key.
            pairs = reversed(node.value)
            pair = next(((key, value) for key, value in pairs if key.value == part), None)
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
