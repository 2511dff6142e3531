"""The types a model file may name, each reviewed by us: nothing else is ever built from a file.

skops builds objects by name and knows scikit-learn's estimators, NumPy's functions and plain values
to be harmless. A model file also carries a list of types to trust; it is never looked at, because
whoever changes the file can change the list. To add a type, read what its constructor and its
``__setstate__`` do: they must only set values, and its methods must not run what they were given.
"""

from typing import Any

from ..errors import Refused

__all__ = ["TRUSTED", "opened", "unreviewed"]

PACKAGE = __name__.partition(".")[0]

TRUSTED: tuple[str, ...] = (
    # What an array holds (float64, str): a name looked up in NumPy. SimpleImputer keeps one.
    "numpy.dtype",
    # Trees as arrays of numbers that compiled code walks; sizes are checked when the state is set.
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    # Learning rates and moments as plain numbers; used by fit alone, never by predict.
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    # Ours: estimators of this package, which runs already.
    f"{PACKAGE}.steps.calibration.Calibrated",
    f"{PACKAGE}.steps.prediction_intervals.PredictionIntervals",
)


def opened(content: bytes, called: str) -> Any:
    """The object in the bytes of a skops file. Raises Refused where it names a type that nobody reviewed."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.loads(content, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as problem:
        unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED))
        raise Refused(
            f"the model file of {called} names {', '.join(unknown)} – only types that were reviewed are built from"
            " a file – review them and add them to stores/trusted.py, or train again"
        ) from problem


def unreviewed(model: Any) -> tuple[str, ...]:
    """The types in ``model`` that skops does not know and nobody has reviewed."""
    import skops.io

    return tuple(sorted(set(skops.io.get_untrusted_types(data=skops.io.dumps(model))) - set(TRUSTED)))
