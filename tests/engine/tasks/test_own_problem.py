"""The problem of docs/own-problem.md in a training: its metric decides like every other one."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import yaml
from mlproduct.errors import ConfigError
from mlproduct.gate.criteria import Decision, Outcome, Value
from mlproduct.problems import BinaryClassification, Metric, Predictions, Scored, Target, mean
from mlproduct.testing import TrialProduct, make_trial
from trial_radar import flows

from ..team import PRODUCT, PROJECT, TEMPLATE, main

pytestmark = pytest.mark.skipif(
    not isinstance(PRODUCT.problem, BinaryClassification),
    reason="the page's problem is a binary classification",
)

PAGE = (TEMPLATE / "docs" / "own-problem.md").read_text(encoding="utf-8")
CODE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
WRITTEN = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
assert CODE is not None
assert WRITTEN is not None
NAME = "trial_radar.calls"


def module() -> Any:
    """The first Python block of the page as a module of the team's package."""
    made = ModuleType(NAME)
    sys.modules[NAME] = made
    exec(compile(CODE.group(1), "docs/own-problem.md", "exec"), made.__dict__)  # type: ignore[union-attr]
    return made


CALLS = module()
OWN = replace(PRODUCT, problem=CALLS.LimitedCalls())
VALUE = Value(currency="EUR", true_positive=80, false_positive=-20)


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: None
) -> Iterator[TrialProduct]:
    """A product with the problem and the criteria of the page."""
    root = tmp_path_factory.mktemp("own-problem")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("product", "flows"):
            patch.setattr(f"trial_radar.{name}.product", OWN)
        patch.setenv("PRODUCT_ROOT", str(root))
        made = make_trial(root, PROJECT, OWN, flows)
        write_criteria(made)
        yield made


def write_criteria(product: TrialProduct, **bars: Any) -> None:
    path = "product/success_criteria.yaml"
    criteria = {**product.read(path), **yaml.safe_load(WRITTEN.group(1))}  # type: ignore[union-attr]
    criteria["criteria"][0] |= bars
    product.write(path, criteria)


@pytest.fixture(scope="module")
def document(product: TrialProduct) -> Any:
    return product.train().document


def test_the_code_of_the_page_is_short() -> None:
    assert len(CODE.group(1).splitlines()) <= 40  # type: ignore[union-attr]


def test_candidates_are_compared_by_the_metric_at_its_best_threshold(document: Any) -> None:
    assert document.exhibits.primary == "f2"
    assert 0.3 < document.exhibits.candidates[0].score <= 1
    assert 0 < document.model.threshold < 1


def test_the_metric_is_measured_with_an_interval_and_judged(document: Any) -> None:
    (own,) = [m for m in document.measurements if m.metric == "f2" and not (m.by or m.versus)]
    assert own.interval.low < own.value < own.interval.high
    compared = {m.versus for m in document.measurements if m.metric == "f2" and m.versus}
    assert compared == {"do_nothing", "rule"}
    results = {each.criterion.id: each for each in document.verdict.results}
    assert results["finds-leavers"].outcome is Outcome.MET
    assert results["pays"].outcome is Outcome.MET
    assert document.decision is Decision.READY
    assert document.metrics["f2"].better == "higher"
    assert document.contradictions() == ()


def test_the_metric_is_in_the_sentences_of_the_criteria_and_names_are_checked(
    product: TrialProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["criteria", "explain"]) == 0
    printed = capsys.readouterr().out
    assert "Bar: f2 at least 0.3. Recall and precision; recall has four times" in printed
    assert "Value of the calls made." in printed
    assert main(["criteria", "check"]) == 0
    write_criteria(product, metric="f22")
    try:
        assert main(["criteria", "check"]) == 2
        assert "did you mean 'f2'?" in "".join(capsys.readouterr())
    finally:
        write_criteria(product)


def test_a_model_that_misses_the_bar_is_blocked(
    product: TrialProduct, document: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    write_criteria(product, at_least=0.999)
    try:
        assert main(["train"]) == 3
        assert "BLOCKED  by finds-leavers. Not registered." in capsys.readouterr().out
    finally:
        write_criteria(product)


# --- the parts of the page ------------------------------------------------------------------


def classified(rows: int = 1_000) -> Scored:
    random = np.random.default_rng(0)
    score = random.random(rows)
    y = (random.random(rows) < score).astype(float)
    return Scored(y, Predictions((score >= 0.5).astype(float), score), VALUE)


def test_f2_equals_that_of_scikit_learn() -> None:
    from sklearn.metrics import fbeta_score

    scored = classified()
    expected = fbeta_score(scored.y, scored.decision, beta=2)
    assert CALLS.LimitedCalls.metrics["f2"].compute(scored)[0] == pytest.approx(expected)


def test_calls_above_the_capacity_have_no_value() -> None:
    metric, scored = CALLS.LimitedCalls.metrics["value_per_1000"], classified()
    called = scored.decision.mean()
    assert called > CALLS.CAPACITY
    everyone = BinaryClassification.metrics["value_per_1000"].compute(scored)[0]
    assert metric.compute(scored)[0] == pytest.approx(everyone * CALLS.CAPACITY / called)
    none = Scored(scored.y, Predictions(np.zeros(len(scored)), scored.score), VALUE)
    assert metric.compute(none)[0] == 0


def test_a_metric_can_be_a_mean_or_any_function_of_the_weights() -> None:
    """The two other rows of the page's table."""
    cost = Metric(
        "cost",
        "lower",
        "Cost.",
        needs=frozenset({"score"}),
        **mean(lambda s: np.abs(s.score - s.y)),
    )

    def precision_of_highest(w: Any) -> np.ndarray:
        order = np.argsort(-w.scored.score, kind="stable")
        weights = w.weights[:, order]
        before = np.cumsum(weights, axis=1) - weights
        chosen = np.clip(200 - before, 0, weights)
        return np.asarray((chosen * w.scored.y[order]).sum(axis=1) / chosen.sum(axis=1))

    highest = Metric(
        "highest", "higher", "Of 200.", needs=frozenset({"score"}), combine=precision_of_highest
    )
    scored = classified()
    first = np.argsort(-scored.score)[:200]
    assert cost.compute(scored)[0] == pytest.approx(np.abs(scored.score - scored.y).mean())
    assert highest.compute(scored)[0] == pytest.approx(scored.y[first].mean())
    w = np.random.default_rng(1).poisson(1, (1, 1_000)).astype(float)
    copies = scored.take(np.repeat(np.arange(1_000), w[0].astype(int)))
    assert highest.compute(scored, w)[0] == pytest.approx(highest.compute(copies)[0])


def test_a_problem_without_a_metric_of_its_base_class_is_refused() -> None:
    class Alone(BinaryClassification):
        metrics: ClassVar[Any] = {"f2": CALLS.LimitedCalls.metrics["f2"]}

    class Misnamed(BinaryClassification):
        metrics: ClassVar[Any] = {
            **BinaryClassification.metrics,
            "f3": CALLS.LimitedCalls.metrics["f2"],
        }

    with pytest.raises(ConfigError, match=r"Alone\.metrics has no 'roc_auc'"):
        Alone().of(Target("churned"))
    with pytest.raises(ConfigError, match=r"Misnamed\.metrics has 'f2' under the name 'f3'"):
        Misnamed().of(Target("churned"))
