"""A step and a flow added by a team: the gate accepts them, and notifications include them."""

from types import ModuleType
from typing import Any

import pytest
from mlproduct import tasks
from mlproduct.tables import Validated
from mlproduct.tasks import State, flow, step
from mlproduct.tasks.local_runner import run_locally
from mlproduct.tasks.notifications import _occasions, flow_names

from ..gate_products import COLUMNS, stage
from ..team import PRODUCT

pytestmark = pytest.mark.usefixtures("prefect_server")


@step("leave out one value")
def leave_out_one_value(rows: Validated) -> Validated:
    name = COLUMNS.categorical[0]
    return rows.where(rows.rows[name] != rows.rows[name].iloc[0])


def test_a_step_between_ingest_and_split_changes_the_training_rows(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = stage(tmp_path, margin=1e9)
    monkeypatch.setenv("PRODUCT_ROOT", str(trial.root))
    all_rows = trial.train().document.data.rows

    @flow(PRODUCT, "train with a step")
    def train() -> State:
        with tasks.training_run(PRODUCT, "with a step") as run:
            rows = leave_out_one_value(tasks.ingest(run))
            split = tasks.split(run, rows)
            document = tasks.judge_data(run, rows, split)
            model = tasks.search(run, split.training)
            measurements = tasks.evaluate(run, model, split.holdout)
            document = tasks.judge(run, document, measurements)
            tasks.record(run, document)
            return tasks.completed(tasks.register(run, document))

    registered = run_locally(train).result()
    assert registered.version == "2"
    assert 0 < registered.document.data.rows < all_rows
    assert trial.releases.verify("2") == ()


def test_notifications_include_a_flow_that_a_team_adds() -> None:
    from trial_radar import flows

    extended = ModuleType("flows")
    vars(extended).update(vars(flows))

    @flow(PRODUCT, "export")
    def export() -> None: ...

    vars(extended)["export"] = export
    assert set(flow_names(extended)) - set(flow_names(flows)) == {f"{PRODUCT.name}-export"}
    failed = next(found for what, found, *_ in _occasions(PRODUCT, flow_names(extended)))
    related = failed.match_related
    assert not isinstance(related, list)
    assert f"{PRODUCT.name}-export" in related.root["prefect.resource.name"]
