"""The engine of an ML product: what a team's package builds on and does not have to own.

    config/       the product's files and environment, read once
    gate/         success criteria, the judge, the verdict document
    problems/     the kinds of ML task
    data/         sources, schema, validation, quarantine, identity of rows, split
    training/     search, calibration, leaks
    evaluation/   metrics, bootstrap, intervals, slices, latency
    scorecard/    a verdict for people: Markdown, HTML, plots
    monitoring/   profile, drift, criteria on live labels, what follows
    registry/     the only MLflow: runs, models, releases, audit log
    log/          the database: predictions, labels, decisions of monitoring
    tasks/        the only Prefect: what the team's flows are made of
    service/      predictions over HTTP
    cli/          the verbs
    demo/         twelve weeks of a product's life on sample data

Imports point one way: cli, demo, service, tasks -> data, training, evaluation, monitoring,
scorecard and registry, log -> gate, problems -> config. A test keeps it so. The team imports the
names below and the public names of ``mlproduct.tasks``, ``.problems``, ``.synthetic``, ``.testing``
and ``.cli``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data.columns import Columns
    from .problems import BinaryClassification, Problem, Regression
    from .product import Candidate, Product
    from .tables import Validated
    from .training.preprocess import preprocess

__all__ = [
    "BinaryClassification",
    "Candidate",
    "Columns",
    "Problem",
    "Product",
    "Regression",
    "Validated",
    "preprocess",
]

__version__ = "0.3.0"

_HOME = {
    "BinaryClassification": ".problems",
    "Candidate": ".product",
    "Columns": ".data.columns",
    "Problem": ".problems",
    "Product": ".product",
    "Regression": ".problems",
    "Validated": ".tables",
    "preprocess": ".training.preprocess",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used: ``--help`` needs none of them."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
