"""The folder and the package of one product, as the verbs use them."""

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
    """The settings and the name of the team's package; its modules are loaded on first use."""

    package: str
    settings: Settings

    @cached_property
    def product(self) -> "Product":
        """The ``product`` of the team's product.py."""
        from ..product import load_product  # imports Pandera, which --help does not need

        return load_product(self.package)

    @cached_property
    def flows(self) -> ModuleType:
        """The team's flows.py."""
        return importlib.import_module(f"{self.package}.flows")

    @property
    def call(self) -> str:
        """The beginning of every call of a verb, for messages that show the next command."""
        return f"python -m {self.package}"
