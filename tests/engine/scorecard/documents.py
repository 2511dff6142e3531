"""Verdict documents as a training run creates them, for tests of the texts and pages made from
them.
"""

import math
from datetime import UTC, date, datetime
from typing import Any

from mlproduct.gate.criteria import BY_CLASS, Criteria, Interval, Measurement, criteria_digest
from mlproduct.gate.document import (
    CandidateRow,
    ChampionReference,
    DataSummary,
    Document,
    Importance,
    ModelSummary,
    Plots,
)
from mlproduct.gate.judge import judge
from mlproduct.problems import BinaryClassification, MulticlassClassification, Regression

PROBLEMS = {
    "classification": BinaryClassification(),
    "regression": Regression(),
    "multiclass": MulticlassClassification(),
}
THRESHOLDS = {"classification": 0.182, "multiclass": 0.42}

TODAY = date(2026, 11, 24)
REGIONS = ("north", "south", "east", "west")

CHURN: dict[str, Any] = {
    "decision": "Which customers do we call this month to keep them?",
    "owner": {"name": "Retention product", "contact": "retention@example.com"},
    "review_by": date(2027, 6, 30),
    "primary": "value_per_1000",
    "value": {"currency": "EUR", "true_positive": 120.0, "false_positive": -15.0},
    "criteria": (
        {
            "id": "catch-leavers",
            "says": "We catch at least 6 of 10 customers who would leave.",
            "why": "Below that, the campaign does not pay for its team.",
            "metric": "recall",
            "at_least": 0.6,
        },
        {
            "id": "every-region-served",
            "says": "No region gets clearly worse service than another.",
            "why": "We promised equal service.",
            "metric": "recall",
            "by": "region",
            "gap_at_most": 0.1,
        },
        {
            "id": "every-region-caught",
            "says": "In every region we catch at least half.",
            "why": "Below half, the regional teams would rather go by feel.",
            "metric": "recall",
            "by": "region",
            "at_least": 0.5,
        },
        {
            "id": "pays-for-its-risk",
            "says": "It earns more than what runs today.",
            "why": "A change must pay for its risk.",
            "metric": "value_per_1000",
            "versus": "champion",
            "at_least": 0,
        },
        {
            "id": "honest-chances",
            "says": "A chance of 30 % means 3 of 10.",
            "why": "Agents quote the chance to their team lead.",
            "metric": "expected_calibration_error",
            "at_most": 0.05,
            "level": "should",
        },
        {
            "id": "answers-while-we-talk",
            "says": "An answer takes under 50 ms.",
            "why": "Agents see it while they talk to the customer.",
            "metric": "latency_p95_ms",
            "at_most": 50,
            "level": "should",
        },
    ),
    "data": (
        {
            "id": "fresh",
            "says": "The data is at most a week old.",
            "why": "Customers decide within weeks.",
            "metric": "age_days",
            "at_most": 7,
        },
    ),
}

PRICE: dict[str, Any] = {
    "decision": "What price do we suggest for a used car?",
    "owner": {"name": "Marketplace", "contact": "market@example.com"},
    "review_by": date(2027, 6, 30),
    "primary": "mae",
    "criteria": (
        {
            "id": "close-enough",
            "says": "A suggestion is off by 1,200 euros at most on average.",
            "why": "Sellers stop trusting it beyond that.",
            "metric": "mae",
            "at_most": 1200,
        },
        {
            "id": "every-category",
            "says": "In no category is it off by more than 2,000 euros.",
            "why": "Vans are where most of the margin is.",
            "metric": "mae",
            "by": "category",
            "at_most": 2000,
        },
        {
            "id": "beats-the-table",
            "says": "It is closer than the price table we use today.",
            "why": "Otherwise the table is cheaper.",
            "metric": "mae",
            "versus": "rule",
            "at_most": 0,
        },
    ),
}

TEAMS: dict[str, Any] = {
    "decision": "Which team receives this message?",
    "owner": {"name": "Service product", "contact": "service@example.com"},
    "review_by": date(2027, 6, 30),
    "primary": "macro_f1",
    "criteria": (
        {
            "id": "right-team",
            "says": "The model is good for all teams, not only for the large ones.",
            "why": "Below that, the teams pass messages on all day.",
            "metric": "macro_f1",
            "at_least": 0.6,
        },
        {
            "id": "no-team-forgotten",
            "says": "Every team receives at least 7 of 10 messages that belong to it.",
            "why": "A small team would otherwise be without its messages.",
            "metric": "recall",
            "by_class": True,
            "at_least": 0.7,
        },
        {
            "id": "few-left-to-people",
            "says": "At most 2 of 10 messages go to a person.",
            "why": "Two people can sort that many.",
            "metric": "abstained_share",
            "at_most": 0.2,
        },
    ),
}
# The last one has too few rows.
CONFUSION: dict[str, tuple[int, ...]] = {
    "billing": (1800, 150, 50, 0),
    "delivery": (120, 2760, 118, 2),
    "account": (30, 60, 909, 1),
    "press": (2, 3, 1, 6),
}


def measurement(
    metric: str, value: float, half: float = 0.0, *, rows: int = 8000, wider: int = 1, **more: Any
) -> Measurement:
    """A measurement with the interval ``value`` ± ``half``, and ``wider`` intervals of increasing
    width.
    """
    more.setdefault("support", rows if half else None)
    steps = [half * (1 + 0.18 * math.log2(k + 1)) for k in range(wider)]
    intervals = tuple(Interval(low=value - step, high=value + step) for step in steps)
    return Measurement(metric=metric, value=value, intervals=intervals, rows=rows, **more)


def by_region(values: tuple[float, ...], half: float = 0.05) -> list[Measurement]:
    found = [
        measurement(
            "recall", value, half, rows=2000, support=380, wider=4, by="region", slice=region
        )
        for region, value in zip(REGIONS, values, strict=True)
    ]
    pairs = []
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            gap = one.value - other.value
            names = {"by": "region", "slice": one.slice, "other": other.slice}
            pairs.append(
                measurement("recall", gap, half * 0.9, rows=4000, support=380, wider=6, **names)
            )
    return [*found, *pairs]


def churn_measurements(recall: float = 0.71, gain: float = 640.0) -> tuple[Measurement, ...]:
    parts = tuple(round(recall + shift, 3) for shift in (0.02, -0.01, 0.0, -0.015))
    return (
        measurement("recall", recall, 0.028, support=1510),
        measurement("precision", 0.48, 0.022, support=2200),
        measurement("value_per_1000", 12_840.0, 610.0),
        measurement("roc_auc", 0.842, 0.011),
        measurement("expected_calibration_error", 0.021, 0.009),
        measurement("latency_p95_ms", 61.3, 3.2),
        measurement("training_seconds", 42.1),
        measurement("value_per_1000", gain, 380.0, versus="champion"),
        measurement("value_per_1000", 12_840.0, 610.0, versus="do_nothing"),
        measurement("value_per_1000", 5_100.0, 540.0, versus="rule"),
        measurement("roc_auc", 0.004, 0.007, versus="champion"),
        *by_region(parts, 0.03),
        measurement("holdout_rows_trained_on", 0.0),
        measurement("skill", 0.6, 0.03),
        measurement("implausible_skill", 0.0),
    )


def data_measurements(age: float = 2.0) -> tuple[Measurement, ...]:
    found = {"age_days": age, "leaking_features": 0.0, "doubtful_features": 0.0}
    return tuple(measurement(metric, value) for metric, value in found.items())


def churn_exhibits() -> Plots:
    recalls = [i / 40 for i in range(1, 41)]
    means = (0.04, 0.14, 0.25, 0.35, 0.45, 0.56, 0.65, 0.74, 0.86)
    curves = {
        "precision_recall": tuple((r, 0.95 - 0.62 * r**2.2) for r in recalls),
        "roc": tuple((i / 40, (i / 40) ** 0.28) for i in range(41)),
        "calibration": tuple((p, min(1.0, p * 0.95 + 0.015)) for p in means),
        "scores": tuple(((i + 0.5) / 20, 0.24 * math.exp(-i / 3.4) + 0.004) for i in range(20)),
    }
    features = (
        "contract",
        "tenure_months",
        "support_calls",
        "days_since_login",
        "discount",
        "region",
    )
    losses = (0.091, 0.066, 0.041, 0.038, 0.004, -0.001)
    importance = tuple(
        Importance(feature=name, mean=loss, spread=0.004 + loss / 15, metric="roc_auc")
        for name, loss in zip(features, losses, strict=True)
    )
    return Plots(
        primary="value_per_1000", candidates=_trials(), importance=importance, curves=curves
    )


def _trials() -> tuple[CandidateRow, ...]:
    rows: tuple[tuple[str, dict[str, Any], float | None, str | None], ...] = (
        ("boosting", {"learning_rate": 0.0612, "max_leaf_nodes": 23}, 12_410.0, None),
        ("boosting", {"learning_rate": 0.2, "max_leaf_nodes": 63}, 12_055.0, None),
        ("forest", {"min_samples_leaf": 12}, 11_930.0, None),
        ("linear", {"C": 0.31}, 11_205.0, None),
        ("network", {"alpha": 1.0}, None, "did not converge"),
        ("dummy", {}, 0.0, None),
    )
    return tuple(
        CandidateRow(
            candidate=name, parameters=parameters, score=score, seconds=0.8, problem=problem
        )
        for name, parameters, score, problem in rows
    )


def document(
    criteria: dict[str, Any] = CHURN,
    measurements: tuple[Measurement, ...] = (),
    data: tuple[Measurement, ...] | None = None,
    *,
    task: Any = "classification",
    exhibits: Plots | None = None,
    trained: bool = True,
    champion: bool = True,
    problem: str | None = None,
    classes: tuple[str, ...] = (),
) -> Document:
    """The document of a run with these measurements, without a model unless ``trained``."""
    validated_criteria = Criteria.model_validate(criteria)
    found = data_measurements() if data is None else data
    of_data = judge(found, validated_criteria, on=TODAY, of="data")
    of_model = judge(
        measurements,
        validated_criteria,
        on=TODAY,
        previous=validated_criteria if champion else None,
    )
    model = ModelSummary(
        candidate="boosting",
        parameters={"learning_rate": 0.0612, "max_leaf_nodes": 23},
        digest="6" * 64,
        task=task,
        classes=classes,
        threshold=THRESHOLDS.get(task),
        calibration="isotonic" if task == "classification" else "none",
    )
    return Document(
        product="Churn Radar",
        run_id="5f1c7d0e9a3b4c2d8e6f",
        rules=2,
        created=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        judged_on=TODAY,
        commit="1a2b3c4d",
        criteria=validated_criteria,
        criteria_digest=criteria_digest(validated_criteria),
        previous_criteria=validated_criteria if champion else None,
        data=DataSummary(
            source="data/customers.parquet",
            digest="d" * 64,
            rows=39_840,
            rejected=160,
            split="by time, the newest 20 % from 2026-09-02 on" if trained else "",
            training_rows=31_840 if trained else 0,
            holdout_rows=8000 if trained else 0,
        ),
        model=model if trained else None,
        champion=ChampionReference(version="3", digest="7" * 64) if champion and trained else None,
        data_measurements=found,
        measurements=measurements if trained else (),
        data_verdict=of_data,
        verdict=of_model if trained else of_data,
        exhibits=exhibits
        or (churn_exhibits() if trained and task == "classification" else Plots()),
        metrics=PROBLEMS[task].summaries,
        problem=problem,
    )


def price_document() -> Document:
    categories = (
        ("compact", 790, 60),
        ("estate", 980, 90),
        ("van", 1880, 260),
        ("convertible", 1500, 420),
    )
    found = [
        measurement("mae", 1012, 42, rows=6100),
        measurement("r2", 0.93, 0.008, rows=6100),
        measurement("mape", 0.087, 0.003, rows=6100),
        measurement("mae", -310, 55, rows=6100, versus="rule"),
        measurement("mae", -2850, 80, rows=6100, versus="do_nothing"),
        measurement("holdout_rows_trained_on", 0.0),
        measurement("skill", 0.6, 0.03),
        measurement("implausible_skill", 0.0),
    ]
    found += [
        measurement("mae", m, h, rows=1500, wider=5, by="category", slice=name)
        for name, m, h in categories
    ]
    found.append(Measurement(metric="mae", by="category", slice="other", rows=0, support=0))
    middle = [1500 + 1900 * i for i in range(20)]
    curves = {
        "error_by_prediction": tuple((float(m), 300 + m * 0.055) for m in middle),
        "predicted_vs_actual": tuple((float(m), m * 1.01 - 90) for m in middle),
        "residuals": tuple(
            (-4000.0 + 200 * i, 0.09 * math.exp(-(((i - 20) / 6) ** 2))) for i in range(40)
        ),
    }
    importance = tuple(
        Importance(feature=name, mean=loss, spread=loss / 12, metric="mae")
        for name, loss in (
            ("age_years", 2210.0),
            ("power_kw", 1480.0),
            ("mileage_km", 890.0),
            ("brand", 610.0),
        )
    )
    exhibits = Plots(primary="mae", candidates=_trials()[:3], importance=importance, curves=curves)
    return document(PRICE, tuple(found), task="regression", exhibits=exhibits, champion=False)


def of_classes(confusion: dict[str, tuple[int, ...]]) -> list[Measurement]:
    """Recall, precision and F1 of each class, from the rows of each class per decision."""
    total = sum(map(sum, confusion.values()))
    decided = [sum(column) for column in zip(*confusion.values(), strict=True)]
    found = []
    for code, (name, row) in enumerate(confusion.items()):
        actual, right = sum(row), row[code]
        values = {
            "recall": (right / max(actual, 1), actual),
            "precision": (right / max(decided[code], 1), decided[code]),
            "f1": (2 * right / max(actual + decided[code], 1), actual),
        }
        found += [
            measurement(
                metric,
                value,
                0.98 / math.sqrt(max(support, 1)),
                rows=total,
                support=support,
                wider=len(confusion) if metric == "recall" else 1,
                by=BY_CLASS,
                slice=name,
            )
            for metric, (value, support) in values.items()
        ]
    return sorted(found, key=lambda each: ("recall", "precision", "f1").index(each.metric))


def teams_document(confusion: dict[str, tuple[int, ...]] = CONFUSION) -> Document:
    names = tuple(confusion)
    curves = {
        "abstention": tuple((i / 40, 0.91 + 0.09 * (1 - (1 - i / 40) ** 2)) for i in range(40)),
        "calibration": ((0.35, 0.3), (0.55, 0.57), (0.75, 0.72), (0.95, 0.97)),
        "scores": tuple(((i + 0.5) / 20, 0.002 * (i + 1)) for i in range(20)),
        **{
            f"calibration of {name}": ((0.05, 0.03), (0.25, 0.31), (0.55, 0.5), (0.95, 0.9))
            for name in names
        },
    }
    found = (
        measurement("accuracy", 0.9105, 0.007, rows=6012),
        measurement("macro_f1", 0.82, 0.012, rows=6012, support=1000),
        measurement("abstained_share", 0.08, 0.006, rows=6012),
        measurement("answered_accuracy", 0.924, 0.006, rows=6012),
        measurement("accuracy", 0.41, 0.02, rows=6012, versus="do_nothing"),
        *of_classes(confusion),
        measurement("holdout_rows_trained_on", 0.0),
        measurement("skill", 0.6, 0.03),
        measurement("implausible_skill", 0.0),
    )
    exhibits = Plots(
        primary="macro_f1",
        candidates=_trials()[2:4],
        curves=curves,
        confusion=tuple(confusion.values()),
    )
    return document(
        TEAMS, found, task="multiclass", exhibits=exhibits, champion=False, classes=names
    )


def intents_document(classes: int = 77) -> Document:
    """A document with many classes of which each has errors in the two that follow it.

    The errors become more frequent from class to class.
    """
    names = [f"intent_{code:02}" for code in range(classes)]
    counts = {
        name: tuple(
            {0: 90, 1: code, 2: 1}.get((decided - code) % classes, 0) for decided in range(classes)
        )
        for code, name in enumerate(names)
    }
    return teams_document(counts)
