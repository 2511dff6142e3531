"""Everything that the engine knows about one product.

The team's ``product.py`` makes the one ``Product``; the engine loads it by name when a verb needs
it.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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

Build = Callable[[Columns, int], Any]
"""Makes an unfitted estimator of scikit-learn from the columns and a seed."""


@dataclass(frozen=True)
class Candidate:
    """A model that may compete: how it is built, and what the search may vary.

    ``space`` names parameters as ``step__parameter``; each has a list of values, or a distribution
    of ``scipy.stats``. Without a space the candidate is tried once, as it is built.
    """

    name: str
    description: str
    build: Build
    space: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Product:
    """The parts that a team owns, as one value.

    ``features`` is the schema of the rows that are scored, ``labelled`` the same with the target.
    ``rule`` gives for each row what the business decides today without a model: 0 or 1, or a
    number. ``sample`` makes synthetic rows (see ``mlproduct.synthetic``), and ``demo_column`` is
    the column that counts otherwise from its ``changed_since`` on; both are None once the team has
    its own data.
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
        """The product's name wherever it leaves a trace: experiments, models, flows, events."""
        return self._named.name

    @property
    def title(self) -> str:
        """What people call the product."""
        return self._named.title

    @cached_property
    def _named(self) -> ProductName:
        return read_product_name(Settings.from_environment().product_file)

    @cached_property
    def columns(self) -> Columns:
        """The columns of the rows that are learned from, by what they are for."""
        return columns_of(self.labelled, self.problem.task)

    @cached_property
    def feature_columns(self) -> Columns:
        """The columns of the rows that are scored, by what they are for."""
        return columns_of(self.features)


def load_product(package: str) -> Product:
    """The ``product`` of ``<package>.product``. Raises ConfigError where there is none."""
    module = importlib.import_module(f"{package}.product")
    product = getattr(module, "product", None)
    if not isinstance(product, Product):
        raise ConfigError(
            f"{package}/product.py: product is {type(product).__name__} – expected a Product of"
            " mlproduct – define it as product = Product(…)"
        )
    return product
