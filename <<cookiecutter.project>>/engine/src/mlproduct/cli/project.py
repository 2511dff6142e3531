"""One product's folder and its package, as a verb works with them."""

import importlib
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING

from ..config.settings import Settings

if TYPE_CHECKING:
    from ..product import Product

__all__ = ["Project"]


@dataclass(frozen=True)
class Project:
    """The settings, and the team's package by its name; its modules are loaded when they are first
    asked for.
    """

    package: str
    settings: Settings

    @cached_property
    def product(self) -> "Product":
        """The ``product`` of the team's product.py."""
        from ..product import load_product  # schemas bring Pandera along

        return load_product(self.package)

    @cached_property
    def flows(self) -> ModuleType:
        """The team's flows.py."""
        return importlib.import_module(f"{self.package}.flows")

    @property
    def call(self) -> str:
        """How a verb is called, for the lines that say what to do next."""
        return f"python -m {self.package}"
