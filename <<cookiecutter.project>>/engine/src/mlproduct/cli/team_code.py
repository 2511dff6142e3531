"""The place in the team's files that a message is about: the file and, if it is known, the line."""

import ast
import importlib.util
import inspect
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..config.strict_yaml import parse

__all__ = ["TeamCode"]

ENGINE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class TeamCode:
    """The files of the package ``package`` and the other files in ``root``."""

    package: str
    root: Path

    @cached_property
    def folder(self) -> Path:
        """The folder of the package."""
        found = importlib.util.find_spec(self.package)
        origin = found.origin if found else None
        return Path(origin).resolve().parent if origin else self.root / "src" / self.package

    def shown(self, path: Path, line: int | None = None) -> str:
        """The path as the team knows it, such as src/churn_radar/rule.py:12."""
        path, place = path.resolve(), str(path)
        # An installed package is not in the product's folder; its place there is still known.
        for base, prefix in ((self.root.resolve(), ""), (self.folder.parent, "src/")):
            if path.is_relative_to(base):
                place = prefix + path.relative_to(base).as_posix()
                break
        return f"{place}:{line}" if line else place

    def of_error(self, error: BaseException, called: Callable[..., Any] | None = None) -> str:
        """The line of the team's code that raised the error, or the function that was ``called``.

        Empty if the error has no place in the team's code.
        """
        if isinstance(error, SyntaxError) and error.filename and self._is_own(error.filename):
            return self.shown(Path(error.filename), error.lineno)
        own = _code(called).co_filename if called and _code(called) else None
        # The innermost frame: the outer ones only call it.
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename == own or self._is_own(frame.filename):
                return self.shown(Path(frame.filename), frame.lineno)
        return self.of_function(called) if called else ""

    def of_function(self, function: Callable[..., Any]) -> str:
        """The line on which the function is defined; empty for one without Python code."""
        code = _code(function)
        return self.shown(Path(code.co_filename), code.co_firstlineno) if code else ""

    def of_name(self, path: Path, name: str) -> str:
        """The line on which ``path`` defines the name, or else contains it as a text."""
        return self.shown(path, _line_of(path, name) or _line_of(path, name, as_text=True))

    def of_setting(self, path: Path, *keys: str | int) -> str:
        """The line of a setting in a YAML file, or of the nearest setting around it."""
        return self.shown(path, parse(path).line(keys))

    def located(self, message: str, schema: Path) -> str:
        """The message with its place: that of the column or of the setting that it names.

        ``schema`` is the file of the schema, which messages call schemas.py.
        """
        name, _, rest = message.partition(": ")
        if name == "schemas.py":
            lines = (_line_of(schema, word) for word in re.findall(r"\w+", rest))
            return f"{self.shown(schema, next(filter(None, lines), None))}: {rest}"
        if name in ("product.py", f"{self.package}/product.py"):
            return f"{self.of_name(self.folder / 'product.py', 'product')}: {rest}"
        if name == "config/pipeline.yaml":
            keys = rest.partition(":")[0].split(".")
            return f"{self.of_setting(self.root / name, *keys)}: {rest}"
        return message.replace(f"{self.root}/", "")

    def _is_own(self, filename: str) -> bool:
        path = Path(filename)
        if not path.is_absolute() or "site-packages" in path.parts:
            return False
        path = path.resolve()
        mine = path.is_relative_to(self.folder) or path.is_relative_to(self.root.resolve())
        return mine and not path.is_relative_to(ENGINE)


def _code(function: Any) -> Any:
    """The code object of a function, or None if it has none."""
    while isinstance(function, partial):
        function = function.func
    return getattr(inspect.unwrap(function), "__code__", None)


def _line_of(path: Path, name: str, as_text: bool = False) -> int | None:
    """The first line of a file that defines a column or a value, or that has it as a text."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):  # without a line, the message is still useful
        return None
    for node in ast.walk(tree):
        if as_text and isinstance(node, ast.Constant) and node.value == name:
            return node.lineno
        if as_text or not isinstance(node, ast.AnnAssign | ast.Assign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(each, ast.Name) and each.id == name for each in targets):
            return node.lineno
    return None
