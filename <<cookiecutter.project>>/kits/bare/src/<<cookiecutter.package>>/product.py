"""The product: the parts that the team owns and that the engine uses."""

from mlproduct import BinaryClassification, Product

from .candidates import CANDIDATES
from .rule import rule
from .schemas import Features, Labelled

__all__ = ["product"]

product = Product(
    problem=BinaryClassification(),
    features=Features,
    labelled=Labelled,
    candidates=CANDIDATES,
    rule=rule,
)
