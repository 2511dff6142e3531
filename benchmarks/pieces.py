"""Single pieces of a product, measured inside its environment; prints one JSON object.

python pieces.py validate ROWS.parquet | bootstrap
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
    """Rows a second through source and validation, and the growth of memory against the table's size."""
    config, columns = import_module(f"{package}.config"), import_module(f"{package}.columns")
    labelled = import_module(f"{package}.schemas").Labelled
    sources, steps = import_module(f"{package}.stores.sources"), import_module(f"{package}.steps.validate")
    import_module("pyarrow.dataset")
    before, began = peak_mib(), time.perf_counter()
    wanted = columns.columns_of(labelled).read
    batches = sources.read(config.Source(path=path), wanted, root=Path.cwd(), environ={})
    found = steps.validate(batches, labelled, limit=0.05)
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
    """CPU seconds of every classification metric, 1,000 resamples, 200,000 rows, against one rival."""
    import numpy as np

    boot, metrics = import_module(f"{package}.steps.bootstrap"), import_module(f"{package}.steps.metrics")
    scored, predict = import_module(f"{package}.steps.scored"), import_module(f"{package}.steps.predict")
    value = import_module(f"{package}.criteria").Value(currency="EUR", true_positive=80, false_positive=-20)
    random = np.random.default_rng(7)
    score = np.sort(random.uniform(size=200_000))
    y = (random.uniform(size=200_000) < score).astype(float)
    views = {
        name: scored.Scored(y, predict.Predictions((said > 0.5).astype(float), said), value)
        for name, said in (("one", score), ("other", np.clip(score + random.normal(0, 0.1, 200_000), 0, 1)))
    }
    asked = metrics.metrics_of("classification")
    began = time.process_time()
    boot.take({("all",): boot.Sample(views, {name: asked for name in views})}, boot.resample(200_000, 1000, 7))
    return {"rows": 200_000, "resamples": 1000, "metrics": len(asked), "cpu_seconds": time.process_time() - began}


if __name__ == "__main__":
    main(*sys.argv[1:])
