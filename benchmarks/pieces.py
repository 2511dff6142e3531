"""Measures single parts of a product in its environment, and prints one JSON object.

python pieces.py PACKAGE validate ROWS.parquet | bootstrap
"""

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path


def main(package: str, what: str, *given: str) -> None:
    print(json.dumps({"validate": validate, "bootstrap": bootstrap}[what](package, *given)))


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def validate(package: str, path: str) -> dict[str, float]:
    """Rows read and validated per second, and the growth of memory as a ratio to the table."""
    from mlproduct.config.settings import Source
    from mlproduct.data.sources import read
    from mlproduct.data.validation import validate
    from mlproduct.product import load_product

    import_module("pyarrow.dataset")
    product = load_product(package)
    wanted = product.columns.read
    before, began = peak_mib(), time.perf_counter()
    batches = read(Source(path=path), wanted, root=Path.cwd(), environ={})
    found = validate(batches, product.labelled, limit=0.05)
    seconds = time.perf_counter() - began
    size = found.rows.memory_usage(deep=True).sum() / 2**20
    return {
        "rows": found.seen,
        "columns": len(wanted),
        "rows_per_second": found.seen / seconds,
        "frame_mib": size,
        "peak_growth": (peak_mib() - before) / size,
    }


def bootstrap(package: str) -> dict[str, float]:
    """CPU seconds for 1,000 resamples of 200,000 rows, with all metrics of two models."""
    import numpy as np
    from mlproduct.evaluation.bootstrap import Sample, resample, take
    from mlproduct.gate.criteria import Value
    from mlproduct.problems import BinaryClassification, Predictions, Scored

    value = Value(currency="EUR", true_positive=80, false_positive=-20)
    random = np.random.default_rng(7)
    score = np.sort(random.uniform(size=200_000))
    y = (random.uniform(size=200_000) < score).astype(float)
    views = {
        name: Scored(y, Predictions((each > 0.5).astype(float), each), value)
        for name, each in (
            ("one", score),
            ("other", np.clip(score + random.normal(0, 0.1, 200_000), 0, 1)),
        )
    }
    metrics = list(BinaryClassification.metrics.values())
    began = time.process_time()
    take({("all",): Sample(views, {name: metrics for name in views})}, resample(200_000, 1000, 7))
    return {
        "rows": 200_000,
        "resamples": 1000,
        "metrics": len(metrics),
        "cpu_seconds": time.process_time() - began,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
