"""The baseline: a plain script that does the work of our training flow with the same libraries.

It reads, validates (Pandera), splits, cross-validates, fits, sets a threshold, measures 1,000
resamples, importance and latency, and logs and registers the model (MLflow, skops). With a file of
shifted rows it also scores all rows, and reports the drift of the shifted ones (Evidently). It has
no orchestrator, criteria, scorecard, quarantine, prediction log or digests.

    python baseline.py ROWS.parquet FOLDER [SHIFTED.parquet]
"""

import os
import sys
import time
from pathlib import Path

os.environ |= {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"

import mlflow
import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

source, folder = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
numbers, texts = [f"n{n:02d}" for n in range(12)], [f"t{n}" for n in range(6)]
features = numbers + texts

# read and validate
values = [f"v{n}" for n in range(8)]
schema = pa.DataFrameSchema(
    {
        **{name: pa.Column(float, nullable=True) for name in numbers},
        **{name: pa.Column(str, pa.Check.isin(values), nullable=True) for name in texts},
        "y": pa.Column(int, pa.Check.isin([0, 1])),
    }
)
rows = schema.validate(pd.read_parquet(source), lazy=True)

# split, cross-validate, fit, threshold
held = np.random.default_rng(7).uniform(size=len(rows)) < 0.25
training, holdout = rows[~held], rows[held]
encoder = OrdinalEncoder(
    handle_unknown="use_encoded_value",
    unknown_value=float("nan"),
    encoded_missing_value=float("nan"),
)
columns = ColumnTransformer([("numbers", "passthrough", numbers), ("texts", encoder, texts)])
boosting = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=7)
model = Pipeline([("columns", columns), ("model", boosting)])
folds = StratifiedKFold(2, shuffle=True, random_state=7)
started = time.perf_counter()
left_out = cross_val_predict(
    model, training[features], training["y"], cv=folds, method="predict_proba"
)[:, 1]
model.fit(training[features], training["y"])
seconds = time.perf_counter() - started
cuts = np.quantile(left_out, np.linspace(0.5, 0.99, 50))
threshold = cuts[np.argmax([f1_score(training["y"], left_out >= cut) for cut in cuts])]

# measure: values, and intervals from resamples of the rows
y, score = holdout["y"].to_numpy(), model.predict_proba(holdout[features])[:, 1]
decided, ruled = score >= threshold, (holdout["n00"] > 1).to_numpy()
metrics = {
    "roc_auc": roc_auc_score(y, score),
    "average_precision": average_precision_score(y, score),
    "log_loss": log_loss(y, score),
    "brier": brier_score_loss(y, score),
    "training_seconds": seconds,
}
order = np.argsort(score)
random = np.random.default_rng(7)
draws = []
for _ in range(1000):
    weights = np.bincount(random.integers(0, len(y), len(y)), minlength=len(y))
    positive = weights[order] * y[order]
    negative = weights[order] - positive
    area = (positive * (np.cumsum(negative) - negative / 2)).sum() / (
        positive.sum() * negative.sum()
    )
    both = [
        2 * (weights * d * y).sum() / ((weights * d).sum() + (weights * y).sum())
        for d in (decided, ruled)
    ]
    draws.append((area, both[0], both[0] - both[1]))
for name, drawn in zip(("roc_auc", "f1", "f1_against_rule"), np.array(draws).T, strict=True):
    metrics |= {f"{name}_low": np.quantile(drawn, 0.025), f"{name}_high": np.quantile(drawn, 0.975)}
some = holdout.head(2000)
importance = permutation_importance(
    model, some[features], some["y"], scoring="roc_auc", n_repeats=5, random_state=7
)
metrics |= {
    f"importance_{name}": mean
    for name, mean in zip(features, importance.importances_mean, strict=True)
}
latency = []
for row in range(100):
    began = time.perf_counter()
    model.predict_proba(holdout[features].iloc[row : row + 1])
    latency.append(time.perf_counter() - began)
metrics["latency_p95_ms"] = float(np.percentile(latency, 95)) * 1000

# log and register
mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
mlflow.create_experiment("baseline", artifact_location=(folder / "artifacts").as_uri())
mlflow.set_experiment("baseline")
with mlflow.start_run():
    mlflow.log_metrics({name: float(value) for name, value in metrics.items()})
    mlflow.sklearn.log_model(
        model,
        name="model",
        registered_model_name="baseline",
        signature=mlflow.models.infer_signature(training[features].head(100), score[:100]),
        serialization_format="skops",
        skops_trusted_types=[
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            "numpy.dtype",
        ],
        pip_requirements=["scikit-learn"],
    )
assert metrics["roc_auc"] > 0.7, "roc_auc is too low"

# score all rows, and compare the shifted rows with the holdout
if len(sys.argv) > 3:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    def scored(table: pd.DataFrame) -> pd.DataFrame:
        return table[features].assign(score=model.predict_proba(table[features])[:, 1])

    def dataset(table: pd.DataFrame) -> Dataset:
        plain = table.astype(dict.fromkeys(texts, object)).where(table.notna(), None)
        roles = DataDefinition(numerical_columns=[*numbers, "score"], categorical_columns=texts)
        return Dataset.from_pandas(plain.astype(dict.fromkeys(numbers, float)), roles)

    scored(rows).assign(row_id=rows["row_id"]).to_parquet(folder / "scored.parquet")
    shifted = schema.validate(pd.read_parquet(sys.argv[3]), lazy=True)
    drift = Report([DataDriftPreset()]).run(dataset(scored(shifted)), dataset(scored(holdout)))
    drift.save_html(str(folder / "drift.html"))
