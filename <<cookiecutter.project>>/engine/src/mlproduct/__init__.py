"""The engine of an ML product: the code on which a team's package builds and that it need not own.

    config/       the product's files and environment
    gate/         success criteria, the judge, the verdict document
    problems/     the kinds of ML tasks
    data/         sources, schema, validation, quarantine, identity of rows, split
    training/     search, calibration, leaks
    evaluation/   metrics, bootstrap, intervals, slices, latency
    scorecard/    a verdict for people: Markdown, HTML, plots
    monitoring/   profile, drift, criteria on live labels, the decision
    registry/     MLflow, used only here: runs, models, releases, audit log
    log/          the database: predictions, labels, decisions of monitoring
    tasks/        Prefect, used only here: the tasks of the team's flows
    service/      predictions over HTTP
    cli/          the verbs of the command line
    demo/         a simulation of twelve weeks on sample data

Imports have one direction: cli, demo, service, tasks -> data, training, evaluation, monitoring,
scorecard and registry, log -> gate, problems -> config. A test checks this. The team imports the
names below and the public names of ``mlproduct.tasks``, ``.problems``, ``.synthetic``, ``.testing``
and ``.cli``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data.columns import Columns
    from .estimators import SoftmaxOfMargins
    from .feature_estimators import TextWeights
    from .problems import BinaryClassification, MulticlassClassification, Problem, Regression
    from .product import Candidate, Product
    from .tables import Validated
    from .text_vectors import StaticVectors
    from .training.preprocess import preprocess

__all__ = [
    "BinaryClassification",
    "Candidate",
    "Columns",
    "MulticlassClassification",
    "Problem",
    "Product",
    "Regression",
    "SoftmaxOfMargins",
    "StaticVectors",
    "TextWeights",
    "Validated",
    "preprocess",
]

__version__ = "0.6.0"

_HOME = {
    "BinaryClassification": ".problems",
    "Candidate": ".product",
    "Columns": ".data.columns",
    "MulticlassClassification": ".problems",
    "Problem": ".problems",
    "Product": ".product",
    "Regression": ".problems",
    "SoftmaxOfMargins": ".estimators",
    "StaticVectors": ".text_vectors",
    "TextWeights": ".feature_estimators",
    "Validated": ".tables",
    "preprocess": ".training.preprocess",
}


def __getattr__(name: str) -> Any:
    """A public name, imported on first use so that ``--help`` is fast."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
