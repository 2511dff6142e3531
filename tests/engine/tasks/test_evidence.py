"""Flows that try to bypass the gate: each is refused, and nothing is registered."""

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
    """A product with a champion that no flow of this file may change."""
    made = stage(tmp_path_factory.mktemp("evidence"), margin=1e9)
    made.releases.approve(made.train().version, by="a test", because="It is the first.")
    return made


@pytest.fixture
def tried(trial: TrialProduct, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a flow on the trial. Afterwards no version was registered and the champion is
    unchanged.
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
    """The usual flow, manipulated at one point."""
    rows = tasks.ingest(run)
    sides = split(tasks.split(run, rows))
    data = tasks.judge_data(run, rows, sides)
    found = model(tasks.search(run, sides.training), sides)
    evaluated = measured(tasks.evaluate(run, found, holdout(sides.holdout)))
    judged = document(tasks.judge(run, data, evaluated))
    tasks.record(run, judged)
    return tasks.register(run, judged)


def test_the_usual_flow_registers_a_version(
    trial: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a manipulation nothing is refused, so each refusal in this file is caused by its
    manipulation.
    """
    monkeypatch.setenv("PRODUCT_ROOT", str(trial.root))

    def usual() -> State:
        with tasks.training_run(PRODUCT, "as usual") as run:
            return tasks.completed(trained(run))

    assert run_locally(flow(PRODUCT, "usual")(usual)).result().version is not None


def test_a_flow_without_the_judge_registers_nothing(tried: Any) -> None:
    def without_judge() -> State:
        with tasks.training_run(PRODUCT, "without the judge") as run:
            rows = tasks.ingest(run)
            split = tasks.split(run, rows)
            document = tasks.judge_data(run, rows, split)
            tasks.evaluate(run, tasks.search(run, split.training), split.holdout)
            return tasks.completed(tasks.register(run, document))

    registered = tried(without_judge)
    assert (registered.version, registered.document.decision) == (None, Decision.BLOCKED)


def trained_on_half_of_holdout(split: HoldoutSplit) -> HoldoutSplit:
    """The training rows with half of the holdout added."""
    half = split.holdout.head(len(split.holdout) // 2)
    return HoldoutSplit(pd.concat([split.training, half]), split.holdout, split.described)


def holdout_from_training(split: HoldoutSplit) -> HoldoutSplit:
    """The split with training rows as its holdout."""
    return HoldoutSplit(split.training, split.training.head(500), split.described)


def forged(document: Any) -> Any:
    """The document with a verdict of ready, whatever was measured."""
    verdict = document.verdict.model_copy(
        update={"decision": Decision.READY, "reasons": ("Trust me.",)}
    )
    return document.model_copy(update={"verdict": verdict})


MANIPULATIONS = {
    "training on holdout rows": ({"split": trained_on_half_of_holdout}, "training side"),
    "holdout of training rows": ({"split": holdout_from_training}, "holdout side"),
    "part of the holdout": ({"holdout": lambda rows: rows.head(700)}, "holdout side"),
    "changed labels": (
        {"holdout": lambda rows: rows.assign(**{str(PRODUCT.columns.target): 1})},
        "holdout side",
    ),
    "another model": (
        {"model": lambda found, split: replace(found)},
        "not the one that this run",
    ),
    "other measurements": (
        {"measured": lambda measured: replace(measured)},
        "not those of this run",
    ),
    "another verdict": ({"document": forged}, "not the one that this run's judge made"),
}


@pytest.mark.parametrize(
    ("manipulation", "reason"), MANIPULATIONS.values(), ids=MANIPULATIONS.keys()
)
def test_a_manipulated_flow_is_refused(
    tried: Any, manipulation: dict[str, Any], reason: str
) -> None:
    def manipulated() -> State:
        with tasks.training_run(PRODUCT, "with a manipulation") as run:
            return tasks.completed(trained(run, **manipulation))

    with pytest.raises(Refused, match=reason):
        tried(manipulated)


def test_a_model_fitted_again_after_the_search_is_not_registered(
    trial: TrialProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that the search saved is evaluated and registered, not the object in memory."""
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
