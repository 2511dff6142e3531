"""Everything that the engine knows about one product.

The team's ``product.py`` defines one ``Product``. The engine loads it by name when a verb needs it.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .config.settings import ProductName, Settings, read_product_name
from .data.columns import Columns, columns_of
from .errors import ConfigError
from .problems import Problem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from pandera.pandas import DataFrameModel

__all__ = ["Build", "Candidate", "Product", "load_product"]

# Makes an unfitted scikit-learn estimator from the columns and a seed.
Build = Callable[[Columns, int], Any]


@dataclass(frozen=True)
class Candidate:
    """A model that the search tries: how it is built, and which parameters the search varies.

    ``space`` names parameters as ``step__parameter``; each has a list of values, or a distribution
    of ``scipy.stats``. Without a space the candidate is tried once, with its own parameters.
    """

    name: str
    description: str
    build: Build
    space: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Product:
    """The parts of a product that the team owns.

    ``features`` is the schema of the rows to score, ``labelled`` the same with the target. ``rule``
    returns for each row what the business decides today without a model: a value of the target.
    ``sample`` makes synthetic rows (see ``mlproduct.synthetic``). ``demo_column`` is the column
    whose values ``sample`` changes from the day ``changed_since`` on. Both are None once the team
    has its own data.
    """

    problem: Problem
    features: "type[DataFrameModel]"
    labelled: "type[DataFrameModel]"
    candidates: Sequence[Candidate]
    rule: "Callable[[pd.DataFrame], np.ndarray]"
    sample: "Callable[..., pd.DataFrame] | None" = None
    demo_column: str | None = None

    @property
    def name(self) -> str:
        """The name that experiments, models, flows and events of the product contain."""
        return self._named.name

    @property
    def title(self) -> str:
        """The product's name for people."""
        return self._named.title

    # Read on first use and not at import, because PRODUCT_ROOT may be set after the import.
    @cached_property
    def _named(self) -> ProductName:
        return read_product_name(Settings.from_environment().product_file)

    @cached_property
    def columns(self) -> Columns:
        """The columns of the training rows, by their role."""
        return columns_of(self.labelled, self.problem)

    @cached_property
    def feature_columns(self) -> Columns:
        """The columns of the rows to score, by their role."""
        return replace(columns_of(self.features), problem=self.columns.problem)


def load_product(package: str) -> Product:
    """The ``product`` of ``<package>.product``. Raises ConfigError if it is not a ``Product``."""
    module = importlib.import_module(f"{package}.product")
    product = getattr(module, "product", None)
    if not isinstance(product, Product):
        raise ConfigError(
            f"{package}/product.py: product is {type(product).__name__} – expected a Product of"
            " mlproduct – define it as product = Product(…)"
        )
    return product
