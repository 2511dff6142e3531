"""What ``adopt`` needs to know of each problem: how a table becomes a product of this kind."""

from dataclasses import dataclass

from .binary import BinaryClassification
from .multiclass import MulticlassClassification
from .problem import Problem
from .regression import Regression

__all__ = ["ADOPTIONS", "Adoption"]

HONEST_PROBABILITIES = """
  - id: honest-probabilities
    says: Of 100 rows with a probability of 30 %, about 30 are positive.
    why: People see the percentage and act on it. The bar is a usual one.
    metric: expected_calibration_error
    at_most: 0.05
    level: should
"""
HONEST_RANGE = """
  - id: honest-range
    says: At least 85 of 100 targets are in the range that is shown.
    why: The range is called one of 90 %. The bar is a usual one.
    metric: interval_coverage
    at_least: 0.85
    level: should
"""


@dataclass(frozen=True)
class Adoption:
    """A problem as ``adopt`` proposes it.

    ``name`` is the value of its flag, ``candidates`` and ``of_texts`` are the templates of
    candidates.py. Models are compared by the metric ``primary``, and with the rule by
    ``versus_rule``. ``sentence`` states the bar: ``{bar}``, or ``{share}`` of 100. ``criteria`` are
    further ones. From the strength ``strong`` on, a feature alone may be known too late, and from
    ``named`` on if its name suggests it (see ``Problem.leak_strength``).
    """

    name: str
    problem: Problem
    candidates: str
    of_texts: str
    primary: str
    versus_rule: str
    sentence: str
    strong: float
    named: float
    is_number: bool = False
    has_two_classes: bool = False
    criteria: str = ""

    @property
    def higher_is_better(self) -> bool:
        """The direction of the metric ``primary``."""
        return self.problem.metric(self.primary).better == "higher"

    @property
    def class_name(self) -> str:
        """The name of the class in product.py."""
        return type(self.problem).__name__


ADOPTIONS = {
    each.name: each
    for each in (
        Adoption(
            name="binary",
            problem=BinaryClassification(),
            candidates="of_classes",
            of_texts="of_two_texts",
            primary="roc_auc",
            versus_rule="f1",
            sentence="Of a positive row and another one, the model gives the positive one the"
            " higher probability in {share} of 100 cases.",
            strong=0.75,
            named=0.6,
            has_two_classes=True,
            criteria=HONEST_PROBABILITIES,
        ),
        Adoption(
            name="multiclass",
            problem=MulticlassClassification(),
            candidates="of_classes",
            of_texts="of_texts",
            primary="macro_f1",
            versus_rule="accuracy",
            sentence="The model is good for all classes: their mean F1 is at least {bar}.",
            strong=0.9,
            named=0.75,
        ),
        Adoption(
            name="regression",
            problem=Regression(),
            candidates="of_numbers",
            of_texts="of_numbers",
            primary="rmse",
            versus_rule="mae",
            sentence="A prediction is off by at most {bar} (root of the mean squared error).",
            strong=0.6,
            named=0.1,
            is_number=True,
            criteria=HONEST_RANGE,
        ),
    )
}
