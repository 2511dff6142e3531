"""The product's files and environment, read once into frozen, strict models.

    product/success_criteria.yaml    the product manager's      -> Criteria (criteria.py)
    config/pipeline.yaml             the data scientists'       -> Pipeline
    environment variables, .env      operations: addresses      -> Settings

A typo is an error that names the file, the line, the key, the value, what was expected and the
nearest valid name. Nothing here is read at import.
"""

import difflib
import hashlib
import json
import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .criteria import Criteria
from .errors import ConfigError

__all__ = [
    "AcceptedLeak",
    "Checks",
    "Evaluation",
    "Pipeline",
    "Search",
    "Settings",
    "Source",
    "Split",
    "criteria_digest",
    "read_criteria",
    "read_pipeline",
    "read_yaml",
]

M = TypeVar("M", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Where the rows come from: ``path``, or ``url_from`` with ``query``."""

    path: str | None = None
    format: Literal["csv", "parquet"] | None = None
    separator: str | None = None
    encoding: str | None = None
    url_from: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.path is None) == (self.url_from is None):
            raise ValueError("give either path (files) or url_from and query (a database)")
        if (self.url_from is None) != (self.query is None):
            raise ValueError("url_from and query go together")
        if self.url_from is not None and "://" in self.url_from:
            raise ValueError("url_from is the name of an environment variable; the address itself stays out of this file")
        return self

    @property
    def described(self) -> str:
        """The source as a person calls it; never an address that could hold a password."""
        return self.path if self.path is not None else f"${self.url_from}"


class Split(_Strict):
    by: Literal["time", "group", "hash"]
    holdout: float = Field(gt=0, lt=1)


class AcceptedLeak(_Strict):
    feature: str
    because: Annotated[str, Field(min_length=1)]


class Checks(_Strict):
    rejected_share_at_most: float = Field(default=0.05, ge=0, le=1)
    leak_at: float = Field(default=0.98, gt=0.5, le=1)
    accepted_leaks: tuple[AcceptedLeak, ...] = ()


class Search(_Strict):
    """The budget. ``trials`` decides the result; ``seconds`` is the safety stop, and said when used."""

    trials: int = Field(ge=1)
    seconds: float = Field(default=600, gt=0)
    workers: int = Field(default=-1, ge=-1)
    folds: int = Field(default=3, ge=2)
    seed: int = 7
    candidates: tuple[str, ...] = ()
    """Only these of the kit's candidates; all where empty."""

    @model_validator(mode="after")
    def _some_worker(self) -> Self:
        if self.workers == 0:
            raise ValueError("workers is a number of processes, or -1 for all cores")
        return self


class Evaluation(_Strict):
    resamples: int = Field(default=1000, ge=200)
    importance_rows: int = Field(default=2000, ge=100)


class Pipeline(_Strict):
    """The whole of config/pipeline.yaml."""

    source: Source
    split: Split
    checks: Checks = Checks()
    search: Search
    evaluation: Evaluation = Evaluation()


@dataclass(frozen=True)
class Settings:
    """Where this process keeps things: the product's folder and three addresses."""

    root: Path
    tracking_uri: str
    database_url: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        root = Path(environ.get("PRODUCT_ROOT") or Path.cwd()).resolve()
        var = root / "var"
        return cls(
            root=root,
            tracking_uri=environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{var / 'mlflow.db'}",
            database_url=environ.get("PRODUCT_DATABASE_URL") or f"sqlite:///{var / 'product.db'}",
        )

    @property
    def var(self) -> Path:
        return self.root / "var"

    @property
    def criteria_file(self) -> Path:
        return self.root / "product" / "success_criteria.yaml"

    @property
    def pipeline_file(self) -> Path:
        return self.root / "config" / "pipeline.yaml"


def read_criteria(path: Path) -> Criteria:
    return read_yaml(path, Criteria)


def read_pipeline(path: Path) -> Pipeline:
    return read_yaml(path, Pipeline)


def criteria_digest(criteria: Criteria) -> str:
    """The sha256 of what the criteria mean: comments and layout of the file do not change it."""
    canonical = json.dumps(criteria.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_yaml(path: Path, model: type[M]) -> M:
    """The file as ``model``.

    Raises ConfigError with every mistake of the file, one a line: file, line, key, value, what was
    expected, the nearest valid name.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file – run this in the product's folder, or set PRODUCT_ROOT") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        twice = _written_twice(node)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigError(f"{where}: {problem} – expected YAML; look at the indentation and the quotes there") from None
    if twice is not None:
        key, line = twice
        raise ConfigError(f"{path}:{line}: the key {key!r} is written twice – keep one of them")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [_in_words(path, node, model, mistake) for mistake in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _written_twice(node: yaml.Node | None) -> tuple[str, int] | None:
    """The first key that a mapping holds twice; YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                return key.value, key.start_mark.line + 1
            seen.add(key.value)
            if found := _written_twice(value):
                return found
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if found := _written_twice(item):
                return found
    return None


def _in_words(path: Path, node: yaml.Node | None, model: type[BaseModel], mistake: Any) -> str:
    location: tuple[Hashable, ...] = mistake["loc"]
    line = _line(node, location)
    key = ".".join(str(part) for part in location) or "the file"
    kind, value = mistake["type"], mistake["input"]
    if kind == "extra_forbidden":
        names = _valid_names(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}"
        return f"{path}:{line}: {key}: unknown key – {hint}"
    if kind == "missing":
        return f"{path}:{line}: {key}: missing – it has to be given"
    expected = mistake["msg"].removeprefix("Value error, ")
    expected = expected[:1].lower() + expected[1:]
    if isinstance(value, dict | list):
        return f"{path}:{line}: {key}: {expected}"
    near = difflib.get_close_matches(str(value), _choices(mistake), n=1)
    hint = f" – did you mean {near[0]!r}?" if near else ""
    return f"{path}:{line}: {key}: {value!r}: {expected}{hint}"


def _choices(mistake: Any) -> list[str]:
    expected = str(mistake.get("ctx", {}).get("expected", ""))
    return [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]


def _line(node: yaml.Node | None, location: tuple[Hashable, ...]) -> int:
    """The line of the deepest part of ``location`` that is in the file, counted from 1."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == part), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _valid_names(model: type[BaseModel], location: tuple[Hashable, ...]) -> list[str]:
    """The keys that may stand at ``location`` of a file read as ``model``."""
    current: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        current = _model_in(current.model_fields[str(part)].annotation)
    return list(current.model_fields)


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None
