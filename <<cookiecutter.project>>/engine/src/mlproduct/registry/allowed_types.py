"""The reviewed types: the only types that are built from a model file, besides those skops trusts.

skops builds objects by the names in the file. It trusts scikit-learn's estimators, NumPy's
functions and plain values by default. A model file also contains its own list of trusted types.
That list is ignored, because anyone who can change the file can change the list. Before you add a
type, read its constructor and its ``__setstate__``: they must only set values, and its methods must
not execute what they were given.
"""

import io
import json
import zipfile
from typing import Any

from ..errors import Refused

__all__ = ["ALLOWED_TYPES", "opened", "unreviewed"]

ALLOWED_TYPES: tuple[str, ...] = (
    # The dtype of an array (float64, str), looked up in NumPy by name. SimpleImputer stores one.
    "numpy.dtype",
    # Trees as arrays of numbers for compiled code; the sizes are checked when the state is set.
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    # Learning rates and moments as plain numbers; only fit uses them, predict does not.
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    # The engine's own estimators. Their constructors and states only set values. TextParts calls
    # a TfidfVectorizer, which skops trusts by default.
    "mlproduct.estimators.Calibrated",
    "mlproduct.feature_estimators.DateParts",
    "mlproduct.feature_estimators.TimeParts",
    "mlproduct.estimators.PredictionIntervals",
    "mlproduct.estimators.SelectiveClassifier",
    "mlproduct.estimators.SoftmaxOfMargins",
    "mlproduct.feature_estimators.TextParts",
    # Its __setstate__ makes a dict of an array of terms.
    "mlproduct.feature_estimators.TextWeights",
    # Its state is a digest and numbers. The vectors are read from an installed distribution.
    "mlproduct.text_vectors.StaticVectors",
)

# The engine's classes by their names in model files of 0.2 (module below the team's package, class)
# and their present module. Files of 0.2 can still be loaded this way.
MOVED = {
    ("steps.calibration", "Calibrated"): "mlproduct.estimators",
    ("steps.prediction_intervals", "PredictionIntervals"): "mlproduct.estimators",
}


def opened(content: bytes, called: str) -> Any:
    """The object in the bytes of a skops file. Raises Refused if the file contains an unreviewed
    type.

    ``called`` names the model in the error.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    # The caller has compared the sha256 of the stored bytes; the renamed ones have another.
    content = _with_present_names(content)
    try:
        return skops.io.loads(content, trusted=list(ALLOWED_TYPES))
    except UntrustedTypesFoundException as problem:
        unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(ALLOWED_TYPES))
        raise Refused(
            f"the model file of {called} contains {', '.join(unknown)} – expected only reviewed"
            " types – review them and add them to mlproduct/registry/allowed_types.py, or train"
            " again"
        ) from problem


def unreviewed(model: Any) -> tuple[str, ...]:
    """The types in ``model`` that are neither trusted by skops nor reviewed."""
    import skops.io

    return tuple(
        sorted(set(skops.io.get_untrusted_types(data=skops.io.dumps(model))) - set(ALLOWED_TYPES))
    )


def _with_present_names(content: bytes) -> bytes:
    """The file with the classes of ``MOVED`` under their present names; the same bytes if it
    contains none of them.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        schema = file.read("schema.json")
        # A search in the bytes first, because only files of 0.2 have to be parsed.
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
    # Without the first part, because the team chose the name of its package.
    below = str(node.get("__module__")).partition(".")[2]
    module = MOVED.get((below, str(node.get("__class__"))))
    return node if module is None else {**node, "__module__": module}
