"""Flows that a team might write to get past the gate: each is refused, and nothing is
registered.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from mlproduct import tasks
from mlproduct.data.split import HoldoutSplit
from mlproduct.errors import Refused
from mlproduct.gate.criteria import Decision
from mlproduct.tasks import State, flow
from mlproduct.tasks.local_runner import run_locally
from mlproduct.testing import TrialProduct

from ..gate_products import stage
from ..team import PRODUCT

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> TrialProduct:
    """A product with a champion, which no flow here may move."""
    made = stage(tmp_path_factory.mktemp("evidence"), margin=1e9)
    made.releases.approve(made.train().version, by="a test", because="It is the first.")
    return made


@pytest.fixture
def tried(trial: TrialProduct, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a flow on the trial; in the end nothing is registered, and the champion is what it
    was.
    """
    monkeypatch.setenv("PRODUCT_ROOT", str(trial.root))
    before = trial.standing(), len(trial.releases.models.versions())
    yield lambda function: run_locally(flow(PRODUCT, function.__name__)(function)).result()
    assert (trial.standing(), len(trial.releases.models.versions())) == before


def trained(
    run: Any,
    *,
    split: Callable[[HoldoutSplit], HoldoutSplit] = lambda split: split,
    model: Callable[[Any, HoldoutSplit], Any] = lambda model, split: model,
    holdout: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows,
    measured: Callable[[Any], Any] = lambda measured: measured,
    document: Callable[[Any], Any] = lambda document: document,
) -> Any:
    """The usual flow, with something slipped in at one place."""
    rows = tasks.ingest(run)
    sides = split(tasks.split(run, rows))
    data = tasks.judge_data(run, rows, sides)
    found = model(tasks.search(run, sides.training), sides)
    evaluated = measured(tasks.evaluate(run, found, holdout(sides.holdout)))
    judged = document(tasks.judge(run, data, evaluated))
    tasks.record(run, judged)
    return tasks.register(run, judged)


def test_the_usual_flow_registers(trial: TrialProduct, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is slipped in below is what is refused, and nothing else."""
    monkeypatch.setenv("PRODUCT_ROOT", str(trial.root))

    def usual() -> State:
        with tasks.training_run(PRODUCT, "as usual") as run:
            return tasks.completed(trained(run))

    assert run_locally(flow(PRODUCT, "usual")(usual)).result().version is not None


def test_without_the_judge_nothing_is_registered(tried: Any) -> None:
    def without_judge() -> State:
        with tasks.training_run(PRODUCT, "without the judge") as run:
            rows = tasks.ingest(run)
            split = tasks.split(run, rows)
            document = tasks.judge_data(run, rows, split)
            tasks.evaluate(run, tasks.search(run, split.training), split.holdout)
            return tasks.completed(tasks.register(run, document))

    registered = tried(without_judge)
    assert (registered.version, registered.document.decision) == (None, Decision.BLOCKED)


def halves(split: HoldoutSplit) -> HoldoutSplit:
    """Half of the holdout is learned from as well."""
    half = split.holdout.head(len(split.holdout) // 2)
    return HoldoutSplit(pd.concat([split.training, half]), split.holdout, split.described)


def peeks(split: HoldoutSplit) -> HoldoutSplit:
    """The holdout is what the model was fitted on."""
    return HoldoutSplit(split.training, split.training.head(500), split.described)


def forged(document: Any) -> Any:
    """The verdict says ready, whatever was measured."""
    verdict = document.verdict.model_copy(
        update={"decision": Decision.READY, "reasons": ("Trust me.",)}
    )
    return document.model_copy(update={"verdict": verdict})


SLIPPED_IN = {
    "training rows from the holdout": ({"split": halves}, "training side"),
    "a holdout that was trained on": ({"split": peeks}, "holdout side"),
    "the easy half of the holdout": ({"holdout": lambda rows: rows.head(700)}, "holdout side"),
    "a changed answer": (
        {"holdout": lambda rows: rows.assign(**{str(PRODUCT.columns.target): 1})},
        "holdout side",
    ),
    "a model from elsewhere": (
        {"model": lambda found, split: replace(found)},
        "not the one that this run",
    ),
    "other measurements": (
        {"measured": lambda measured: replace(measured)},
        "not those of this run",
    ),
    "another verdict": ({"document": forged}, "not the one that this run's judge made"),
}


@pytest.mark.parametrize(("slipped_in", "reason"), SLIPPED_IN.values(), ids=SLIPPED_IN.keys())
def test_what_is_slipped_in_is_refused(tried: Any, slipped_in: dict[str, Any], reason: str) -> None:
    def cheating() -> State:
        with tasks.training_run(PRODUCT, "with something slipped in") as run:
            return tasks.completed(trained(run, **slipped_in))

    with pytest.raises(Refused, match=reason):
        tried(cheating)


def test_a_model_that_is_fitted_again_after_the_search_is_not_the_one_that_is_registered(
    trial: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of the search is evaluated and registered; the object in memory counts for
    nothing.
    """
    monkeypatch.setenv("PRODUCT_ROOT", str(trial.root))
    columns, found_by_search = PRODUCT.columns, []

    def fits_again() -> State:
        with tasks.training_run(PRODUCT, "fitted again") as run:

            def fitted_on_the_holdout(found: Any, split: HoldoutSplit) -> Any:
                assert run.evidence.saved is not None
                found_by_search.append(run.evidence.saved.digest)
                found.model.fit(
                    split.holdout[list(columns.features)], split.holdout[columns.target]
                )
                return found

            return tasks.completed(trained(run, model=fitted_on_the_holdout))

    registered = run_locally(flow(PRODUCT, "fits-again")(fits_again)).result()
    assert registered.document.model.digest == found_by_search[0]
    assert trial.releases.verify(registered.version) == ()
