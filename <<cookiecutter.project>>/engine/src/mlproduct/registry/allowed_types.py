"""The types a model file may name, each reviewed by us: nothing else is ever built from a file.

skops builds objects by name and knows scikit-learn's estimators, NumPy's functions and plain values
to be harmless. A model file also carries a list of types to trust; it is never looked at, because
whoever changes the file can change the list. To add a type, read what its constructor and its
``__setstate__`` do: they must only set values, and its methods must not run what they were given.
"""

import io
import json
import zipfile
from typing import Any

from ..errors import Refused

__all__ = ["ALLOWED_TYPES", "opened", "unreviewed"]

ALLOWED_TYPES: tuple[str, ...] = (
    # What an array holds (float64, str): a name looked up in NumPy. SimpleImputer keeps one.
    "numpy.dtype",
    # Trees as arrays of numbers that compiled code walks; sizes are checked when the state is set.
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    # Learning rates and moments as plain numbers; used by fit alone, never by predict.
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    # Ours: the engine's own estimators.
    "mlproduct.estimators.Calibrated",
    "mlproduct.estimators.PredictionIntervals",
)

MOVED = {
    ("steps.calibration", "Calibrated"): "mlproduct.estimators",
    ("steps.prediction_intervals", "PredictionIntervals"): "mlproduct.estimators",
}
"""Our classes as a model file of 0.2 names them: module below the team's package and class, and
where it is now.
"""


def opened(content: bytes, called: str) -> Any:
    """The object in the bytes of a skops file. Raises Refused where it names a type that nobody
    reviewed.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    content = _with_present_names(content)
    try:
        return skops.io.loads(content, trusted=list(ALLOWED_TYPES))
    except UntrustedTypesFoundException as problem:
        unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(ALLOWED_TYPES))
        raise Refused(
            f"the model file of {called} names {', '.join(unknown)} – only types that were reviewed"
            " are built from a file – review them and add them to"
            " mlproduct/registry/allowed_types.py, or train again"
        ) from problem


def unreviewed(model: Any) -> tuple[str, ...]:
    """The types in ``model`` that skops does not know and nobody has reviewed."""
    import skops.io

    return tuple(
        sorted(set(skops.io.get_untrusted_types(data=skops.io.dumps(model))) - set(ALLOWED_TYPES))
    )


def _with_present_names(content: bytes) -> bytes:
    """The file with the classes of ``MOVED`` under their present names; the bytes as they are where
    it names none.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        schema = file.read("schema.json")
        if not any(f".{module}".encode() in schema for module, _ in MOVED):
            return content
        members = [(info, file.read(info)) for info in file.infolist()]
    renamed = json.dumps(json.loads(schema, object_hook=_with_present_module)).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for info, member in members:
            file.writestr(info, renamed if info.filename == "schema.json" else member)
    return written.getvalue()


def _with_present_module(node: dict[str, Any]) -> dict[str, Any]:
    below = str(node.get("__module__")).partition(".")[2]
    module = MOVED.get((below, str(node.get("__class__"))))
    return node if module is None else {**node, "__module__": module}
