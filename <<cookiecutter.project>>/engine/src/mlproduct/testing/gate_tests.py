"""Tests that the gate refuses what it must, on the team's own flow, schema and data.

Each test runs the team's training flow on ``ROWS`` rows. The tests that end in a verdict share a
product with a champion that no test may replace. Each of them therefore also checks that the tests
before it did not.
"""

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ..data.generated_rows import cells_at
from ..data.split import HoldoutSplit
from ..errors import ConfigError, ProductError, Refused
from ..evaluation import measure
from ..gate.criteria import Decision, Outcome
from ..gate.judge import BUILT_IN
from ..problems import Metric
from ..product import Product
from ..tasks import training
from .trial import TrialProduct, compared, make_trial, trial_rows

__all__ = ["GateTests"]


def criteria_with(*more: dict[str, Any]) -> Callable[[Any], Any]:
    """A change that adds criteria to the content of the criteria file."""
    return lambda content: {**content, "criteria": [*content["criteria"], *more]}


def _primary(trial: TrialProduct) -> tuple[Mapping[str, Metric], str]:
    """The metrics of the product's problem and the name of the primary one."""
    primary = trial.read("product/success_criteria.yaml")["primary"]
    return trial.product.problem.metrics, primary


def is_blocked(registered: Any, by: str) -> Any:
    """The result of criterion ``by``. Asserts that it blocked the model."""
    document = registered.document
    assert (document.decision, registered.version) == (Decision.BLOCKED, None)
    results = {
        r.criterion.id: r for r in (*document.data_verdict.results, *document.verdict.results)
    }
    # A built-in criterion blocks not only if it is not met, but also if it is undecided.
    assert results[by].outcome is Outcome.NOT_MET or by in BUILT_IN
    assert results[by].outcome is not Outcome.MET
    assert document.problem or any(by in reason for reason in document.verdict.reasons)
    return results[by]


def file_of(contested: TrialProduct, version: str, name: str) -> Path:
    """The artifact ``name`` of a version in MLflow's folder."""
    found = contested.releases.models.find(version)
    folder = contested.root / "var" / "mlartifacts"
    # MLflow stores the files of a run under the id of the run, those of a model under its own id.
    owners = (found.run_id, found.source.split("/")[-2])
    places = [path for path in folder.rglob(name) if any(owner in str(path) for owner in owners)]
    assert len(places) == 1
    return places[0]


@pytest.mark.usefixtures("prefect_server")
class GateTests:
    """The tests of the gate, to be inherited by a class of the team's ``tests/test_gate.py``.

    The name of that class has to begin with Test.
    """

    @pytest.fixture(scope="class")
    def trial(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        prefect_server: None,
        project: Path,
        product: Product,
        flows: ModuleType,
    ) -> TrialProduct:
        """A product whose first model was ready and was approved."""
        made = make_trial(tmp_path_factory.mktemp("trial"), project, product, flows)
        first = made.train()
        assert first.document.decision is Decision.READY, first.document.verdict.reasons
        made.releases.approve(first.version, by="a test", because="It meets every criterion.")
        return made

    @pytest.fixture(scope="class")
    def contested(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        prefect_server: None,
        project: Path,
        product: Product,
        flows: ModuleType,
    ) -> TrialProduct:
        """A product with champion 1 and two ready versions, 2 and 3, both compared with it."""
        # With a margin that no model can miss, the second and the third training are ready too.
        made = make_trial(tmp_path_factory.mktemp("contested"), project, product, flows, margin=1e9)
        made.releases.approve(made.train().version, by="a test", because="The first one.")
        assert [made.train().version, made.train().version] == ["2", "3"]
        return made

    @pytest.fixture(autouse=True)
    def champion_stays(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """Checks that a test leaves champion and challenger of the shared product unchanged."""
        if "trial" not in request.fixturenames:
            yield
            return
        shared = request.getfixturevalue("trial")
        before = shared.standing()
        yield
        assert shared.standing() == before == ("1", "1", None)

    @pytest.fixture
    def edited(self, trial: TrialProduct) -> Iterator[Callable[..., None]]:
        """A function that changes the criteria or the configuration for one test."""
        names = ("product/success_criteria.yaml", "config/pipeline.yaml")
        kept = {name: (trial.root / name).read_text(encoding="utf-8") for name in names}

        def edit(name: str, change: Callable[[Any], Any]) -> None:
            trial.write(name, change(trial.read(name)))

        yield edit
        for name, text in kept.items():
            trial.write(name, text)

    def test_shuffled_labels_are_blocked(self, trial: TrialProduct) -> None:
        source = trial.save(trial_rows(trial.product, shuffle_labels=True), "data/shuffled.parquet")
        is_blocked(trial.train(source), by="learned-something")

    def test_a_leaked_target_is_blocked_by_name_before_anything_is_trained(
        self, trial: TrialProduct
    ) -> None:
        columns = trial.product.columns
        if not columns.numeric:
            pytest.skip("schemas.py has no numeric feature that could reveal the target")
        table = trial_rows(trial.product)
        leak = columns.numeric[0]
        column = trial.product.labelled.to_schema().columns[leak]
        table[leak] = cells_at(column, table[columns.target].rank(pct=True).to_numpy())
        registered = trial.train(trial.save(table, "data/leaked.parquet"))
        assert leak in is_blocked(registered, by="no-leak").because
        assert registered.document.model is None

    def test_the_champion_resubmitted_ties_and_is_blocked(self, trial: TrialProduct) -> None:
        result = is_blocked(trial.train(), by="beats-champion")
        assert result.value == 0

    def test_a_model_trained_on_the_holdout_is_blocked(
        self, trial: TrialProduct, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def seen(table: Any, columns: Any, policy: Any) -> HoldoutSplit:
            parts = honest(table, columns, policy)
            return HoldoutSplit(table, parts.holdout, parts.described)

        honest = training.split_rows
        monkeypatch.setattr(training, "split_rows", seen)
        registered = trial.train()
        result = is_blocked(registered, by="holdout-unseen")
        assert result.value == registered.document.data.holdout_rows

    def test_a_slow_model_is_blocked(
        self, trial: TrialProduct, edited: Callable[..., None]
    ) -> None:
        """No model of this project predicts in a microsecond."""
        quick = {
            "id": "quick",
            "says": "Quick.",
            "why": "They wait.",
            "metric": "latency_p95_ms",
            "at_most": 0.001,
        }
        edited("product/success_criteria.yaml", criteria_with(quick))
        is_blocked(trial.train(), by="quick")

    def test_a_tiny_holdout_is_undecided_and_says_how_many_rows_are_missing(
        self, trial: TrialProduct, edited: Callable[..., None]
    ) -> None:
        edited(
            "config/pipeline.yaml",
            lambda content: {**content, "split": {**content["split"], "holdout": 0.01}},
        )
        # Other rows than the champion's training rows, so that all of them can be compared.
        table = trial_rows(trial.product, seed=11)
        registered = trial.train(trial.save(table, "data/tiny.parquet"))
        undecided = [
            r for r in registered.document.verdict.results if r.outcome is Outcome.UNDECIDED
        ]
        assert registered.document.decision is not Decision.READY
        assert undecided
        for result in undecided:
            wanted = f"About {result.more_rows:,}" if result.more_rows else "cannot be estimated"
            assert wanted in result.because

    def test_a_missing_slice_is_not_passed_over(
        self, trial: TrialProduct, edited: Callable[..., None]
    ) -> None:
        columns = trial.product.columns
        slices = next((name for name in columns.categorical if name in columns.known_values), None)
        if slices is None:
            pytest.skip("no categorical column of schemas.py lists values, so none can be missing")
        gone = columns.known_values[slices][0]
        table = trial_rows(trial.product, seed=11)
        metric = columns.of_target.slice_metric
        each = {
            "id": "each",
            "says": "Each.",
            "why": "All.",
            "metric": metric,
            "by": slices,
            "at_least": 0.0,
        }
        edited("product/success_criteria.yaml", criteria_with(each))
        registered = trial.train(trial.save(table[table[slices] != gone], "data/missing.parquet"))
        result = next(r for r in registered.document.verdict.results if r.criterion.id == "each")
        assert not registered.document.decision.is_ready
        assert result.outcome is Outcome.UNDECIDED
        assert f"{slices}={gone}" in result.because

    def test_a_slice_of_an_unknown_column_is_a_mistake_in_the_file(
        self, trial: TrialProduct, edited: Callable[..., None]
    ) -> None:
        wrong = {
            "id": "each",
            "says": "Each.",
            "why": "All.",
            "metric": "skill",
            "by": "no_such_column",
            "at_least": 0,
        }
        edited("product/success_criteria.yaml", criteria_with(wrong))
        with pytest.raises(ConfigError, match="no_such_column"):
            trial.train()

    def test_nan_in_a_measurement_is_blocked(
        self, trial: TrialProduct, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        metrics, primary = _primary(trial)
        broken = dataclasses.replace(
            metrics[primary], combine=lambda w: np.full(len(w.weights), np.nan)
        )
        real = training.evaluation_of_model

        # Not before the evaluation, because the search uses the same metric.
        def with_nan(*given: Any, **named: Any) -> Any:
            monkeypatch.setitem(metrics, primary, broken)
            return real(*given, **named)

        monkeypatch.setattr(training, "evaluation_of_model", with_nan)
        assert is_blocked(trial.train(), by="beats-do-nothing").could_not_be_measured

    def test_an_exception_inside_the_evaluation_is_blocked(
        self, trial: TrialProduct, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def breaks(*given: Any, **named: Any) -> None:
            raise ZeroDivisionError("in the middle of it")

        monkeypatch.setattr(measure, "comparison_of", breaks)
        registered = trial.train()
        assert is_blocked(registered, by="beats-do-nothing").could_not_be_measured
        assert registered.document.problem == "ZeroDivisionError: in the middle of it"

    def test_an_exception_inside_one_metric_is_blocked_by_its_name(
        self, trial: TrialProduct, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        metrics, primary = _primary(trial)
        real = training.evaluation_of_model

        def with_a_bug(*given: Any, **named: Any) -> Any:
            broken = dataclasses.replace(metrics[primary], combine=lambda w: np.array([1 // 0]))
            monkeypatch.setitem(metrics, primary, broken)
            return real(*given, **named)

        monkeypatch.setattr(training, "evaluation_of_model", with_a_bug)
        assert "ZeroDivisionError" in is_blocked(trial.train(), by="beats-do-nothing").because

    def test_a_broken_criteria_file_stops_everything(
        self,
        trial: TrialProduct,
        edited: Callable[..., None],
    ) -> None:
        edited("product/success_criteria.yaml", lambda content: {**content, "aproval": "automatic"})
        with pytest.raises(ConfigError, match=r"aproval.*did you mean 'approval'"):
            trial.train()

    def test_a_loosened_bar_needs_a_person(
        self, trial: TrialProduct, edited: Callable[..., None]
    ) -> None:
        metrics, primary = _primary(trial)

        def loosen(content: Any) -> Any:
            return {
                **content,
                "criteria": [
                    content["criteria"][0],
                    compared(metrics[primary], "champion", bar=1e9, if_none="met"),
                ],
            }

        edited("product/success_criteria.yaml", loosen)
        registered = trial.train()
        assert registered.document.decision is Decision.REVIEW
        assert any("loosened" in reason for reason in registered.document.verdict.reasons)
        with pytest.raises(Refused, match="--despite review"):
            trial.releases.approve(registered.version, by="a test", because="I would like to.")

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("model.skops", lambda content: content + b" "),
            (
                "decision.json",
                lambda content: content.replace(b'"product": "', b'"product": "not-', 1),
            ),
            ("training_rows.npy", lambda content: content[:-8] + b"\0" * 8),
        ],
    )
    def test_a_tampered_file_is_refused_by_its_digest(
        self, contested: TrialProduct, name: str, change: Callable[[bytes], bytes]
    ) -> None:
        path = file_of(contested, "2", name)
        content = path.read_bytes()
        path.write_bytes(change(content))
        try:
            with pytest.raises(Refused, match=r"changed since|was changed"):
                contested.releases.approve("2", by="a test", because="It looks fine.")
            assert contested.releases.verify("2")
        finally:
            path.write_bytes(content)
        assert contested.standing()[:2] == ("1", "1")
        assert contested.releases.verify("2") == ()

    def test_of_two_approvals_at_once_one_is_refused_and_then_stale(
        self, contested: TrialProduct, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ..registry.releases import Releases

        meeting = threading.Barrier(2, timeout=60)
        alone = Releases._decide

        def together(self: Any, entry: Any, trail: Any) -> Any:
            meeting.wait()  # both have read the audit log, and neither has added to it
            return alone(self, entry, trail)

        monkeypatch.setattr(Releases, "_decide", together)
        outcomes: dict[str, str] = {}

        def approve(version: str) -> None:
            try:
                contested.releases.approve(version, by="a test", because="Mine is better.")
                outcomes[version] = "approved"
            except ProductError as refusal:
                outcomes[version] = str(refusal)

        both = [threading.Thread(target=approve, args=(version,)) for version in ("2", "3")]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        won = next(version for version, outcome in outcomes.items() if outcome == "approved")
        lost = next(version for version in outcomes if version != won)
        assert "at the same time" in outcomes[lost] or "recorded" in outcomes[lost]
        assert contested.standing()[:2] == (won, won)
        monkeypatch.setattr(Releases, "_decide", alone)
        with pytest.raises(Refused, match="compared with version 1"):
            contested.releases.approve(lost, by="a test", because="Now then.")
        assert contested.standing()[:2] == (won, won)
