"""The product: the parts that the team owns and that the engine uses."""

from mlproduct import MulticlassClassification, Product

from .candidates import CANDIDATES
from .rule import rule
from .sample import CHANGES, sample
from .schemas import Features, Labelled

__all__ = ["product"]

product = Product(
    problem=MulticlassClassification(most_abstained=0.15),
    features=Features,
    labelled=Labelled,
    candidates=CANDIDATES,
    rule=rule,
    sample=sample,
    demo_column=CHANGES,
)
