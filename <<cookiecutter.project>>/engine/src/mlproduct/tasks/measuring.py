"""The measurements of data and model, for a training and for ``verify --measure``.

Both call these functions with the same settings. A second measurement of the same rows is therefore
the same as the first.
"""

from datetime import date
from typing import Self

import pandas as pd

from ..config.settings import Checks, EvaluationBudget, Pipeline, Split
from ..config.strict_yaml import Strict
from ..data.columns import Columns
from ..data.fingerprint import row_identities
from ..evaluation.comparison import Baseline, Challenger
from ..evaluation.measure import Evaluation, evaluate, measure_data
from ..gate.criteria import Criteria, Measurement, Versus
from ..problems import Predictions
from ..product import Product
from ..training.leaks import Level, find_leaks
from .training_state import CurrentChampion

__all__ = ["Configuration", "evaluation_of_model", "measurements_of_data"]


class Configuration(Strict):
    """The part of config/pipeline.yaml that decides what is measured; documents contain it."""

    split: Split
    checks: Checks
    evaluation: EvaluationBudget
    seed: int

    @classmethod
    def of(cls, pipeline: Pipeline) -> Self:
        """The part of ``pipeline``."""
        return cls(
            split=pipeline.split,
            checks=pipeline.checks,
            evaluation=pipeline.evaluation,
            seed=pipeline.search.seed,
        )


def measurements_of_data(
    rows: pd.DataFrame,
    training: pd.DataFrame,
    columns: Columns,
    configuration: Configuration,
    *,
    rejected_share: float,
    today: date,
) -> tuple[Measurement, ...]:
    """The measurements of all valid ``rows``, and of the leaks on the ``training`` side."""
    leaks = find_leaks(training, columns, configuration.checks, configuration.split)
    return measure_data(
        rows=len(rows),
        rejected_share=rejected_share,
        newest=rows[columns.time].max() if columns.time else None,
        leaking=[str(leak) for leak in leaks if leak.level is Level.BLOCK],
        doubtful=[str(leak) for leak in leaks if leak.level is Level.DOUBT],
        today=today,
    )


def evaluation_of_model(
    challenger: Challenger,
    champion: CurrentChampion | None,
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    product: Product,
    columns: Columns,
    criteria: Criteria,
    configuration: Configuration,
) -> Evaluation:
    """The measurements of the challenger on the holdout, also against each baseline."""
    return evaluate(
        challenger,
        _baselines(champion, training, product, columns),
        training,
        holdout,
        row_identities(holdout, columns),
        columns=columns,
        criteria=criteria,
        settings=configuration.evaluation,
        seed=configuration.seed,
    )


def _baselines(
    current: CurrentChampion | None, training: pd.DataFrame, product: Product, columns: Columns
) -> dict[Versus, Baseline]:
    problem, target = columns.of_target, columns.encoded_target(training)
    baselines: dict[Versus, Baseline] = {
        "do_nothing": Baseline(problem.do_nothing(target)),
        "rule": Baseline(problem.by_rule(product.rule)),
    }
    if current is not None:
        loaded, away = current.loaded, current.problem

        def champion(features: pd.DataFrame) -> Predictions:
            # Raised only in the comparison, so that its criteria fail and the others are measured.
            if loaded is None:
                raise RuntimeError(away)
            return problem.predict(loaded.model, features)

        baselines["champion"] = Baseline(champion, loaded.training_rows if loaded else None)
    return baselines
