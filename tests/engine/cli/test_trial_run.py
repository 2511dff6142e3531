"""``doctor`` runs a small trial: every problem of a training in one run, with its place and fix."""

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlproduct.cli import main
from mlproduct.cli.project import Project
from mlproduct.cli.trial_run import Trial, run_trial
from mlproduct.config.settings import Settings
from mlproduct.synthetic import write

from ..team import PRODUCT, make_project

pytestmark = pytest.mark.skipif(
    PRODUCT.name != "trial-radar" or "churned" not in PRODUCT.columns.read,
    reason="changes the files of the kit churn",
)
NUMBERS = itertools.count()


@dataclass(frozen=True)
class Owned:
    """A product with its own package, so that a test can change each of its files."""

    root: Path
    package: str

    def file(self, name: str) -> Path:
        module = self.root / "src" / self.package / name
        return module if name.endswith(".py") else self.root / name

    def change(self, name: str, old: str, new: str) -> int:
        """Replaces a text that occurs, and returns its line."""
        text = self.file(name).read_text(encoding="utf-8")
        assert old in text
        self.file(name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return 1 + text[: text.index(old)].count("\n")

    def configure(self, **parts: dict[str, Any]) -> None:
        """Changes parts of config/pipeline.yaml."""
        path = self.file("config/pipeline.yaml")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for part, changes in parts.items():
            content[part] = {**content[part], **changes}
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def line_of(self, name: str, text: str) -> int:
        """The first line of a file that contains the text."""
        lines = self.file(name).read_text(encoding="utf-8").splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)

    def at(self, name: str, line: int) -> str:
        """The place as it is shown."""
        return f"{self.file(name).relative_to(self.root).as_posix()}:{line}: "

    def save(self, rows: pd.DataFrame) -> None:
        """Replaces the rows of the source."""
        target = self.root / "var" / "sample" / "customers.parquet"
        target.unlink(missing_ok=True)
        write(rows, target)

    def trial(self) -> Trial:
        return run_trial(Project(self.package, Settings.from_environment()))

    def problems(self) -> list[str]:
        return [each.text for each in self.trial().problems]

    def problem(self) -> str:
        """The only problem."""
        (found,) = self.problems()
        return found

    def warnings(self) -> list[str]:
        found = self.trial()
        assert found.problems == ()
        return [each.text for each in found.findings]


def rows(count: int = 2_000, **knobs: Any) -> pd.DataFrame:
    assert PRODUCT.sample is not None
    return PRODUCT.sample(rows=count, **{"seed": 7, "dirty": 0.0, **knobs})


@pytest.fixture
def owned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Owned]:
    package = f"owned_radar_{next(NUMBERS)}"
    root = make_project(tmp_path / "owned", package=package)
    monkeypatch.syspath_prepend(str(root / "src"))
    monkeypatch.setenv("PRODUCT_ROOT", str(root))
    monkeypatch.chdir(root)
    made = Owned(root, package)
    made.save(rows())
    yield made
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


# --- a whole run of doctor ----------------------------------------------------------------------


def test_a_healthy_product_has_everything_that_a_training_needs(
    owned: Owned, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(owned.root.rglob("*"))
    assert run_trial(Project(owned.package, Settings.from_environment())).findings == ()
    written = {path for path in owned.root.rglob("*") if "__pycache__" not in path.parts} - before
    assert written == set()
    assert main(owned.package, ["doctor"]) == 0
    output = capsys.readouterr().out
    assert "Everything that a training needs is available." in output
    assert (
        "  trial     ok  200 of 2,000 rows through schema, split, target values, rule(), linear and"
        " criteria" in output
    )


def test_independent_problems_are_reported_in_one_run(
    owned: Owned, capsys: pytest.CaptureFixture[str]
) -> None:
    line = owned.change("rule.py", 'features["contract"]', 'features["contrakt"]')
    criterion = owned.change("product/success_criteria.yaml", "by: region", "by: regoin")
    assert main(owned.package, ["doctor"]) == 2
    output, errors = capsys.readouterr()
    assert "Traceback" not in output + errors
    assert "Problems to correct: 2." in output
    lines = [each.strip() for each in output.splitlines()]
    assert any(
        each.startswith(owned.at("product/success_criteria.yaml", criterion))
        and "did you mean 'region'?" in each
        for each in lines
    )
    assert any(
        each.startswith(owned.at("rule.py", line)) and "did you mean 'contract'?" in each
        for each in lines
    )


def test_a_file_that_python_cannot_read_is_one_problem_and_no_traceback(
    owned: Owned, capsys: pytest.CaptureFixture[str]
) -> None:
    line = owned.change("candidates.py", "CANDIDATES = (", "CANDIDATES = ((")
    assert main(owned.package, ["doctor"]) == 2
    output, errors = capsys.readouterr()
    assert "Traceback" not in output + errors
    assert "Problems to correct: 1." in output
    assert owned.at("candidates.py", line) in output
    assert "SyntaxError" in output
    assert "config/pipeline.yaml" not in output


# --- files --------------------------------------------------------------------------------------


def test_a_mistake_that_several_checks_meet_is_counted_once(
    owned: Owned, capsys: pytest.CaptureFixture[str]
) -> None:
    owned.change("config/product.yaml", "name:", "nmae:")
    assert main(owned.package, ["doctor"]) == 2
    output = capsys.readouterr().out
    assert output.count("did you mean 'name'?") == 1
    assert "  mlflow    not ok  " in output
    assert "  history   not run  correct the problems above first" in output


def test_an_object_that_is_no_product_is_reported_with_its_line(owned: Owned) -> None:
    line = owned.change("product.py", "product = Product(", "product = dict(")
    assert owned.problem().startswith(owned.at("product.py", line) + "product is dict – expected")


def test_a_product_without_candidates(owned: Owned) -> None:
    line = owned.change("candidates.py", "CANDIDATES = (", "CANDIDATES = ()\nOTHERS = (")
    assert owned.problem().startswith(owned.at("candidates.py", line) + "there is no candidate")


def test_an_import_that_fails_is_reported_with_its_line(owned: Owned) -> None:
    line = owned.change("rule.py", "import pandas as pd", "import pandsa as pd")
    assert owned.problem().startswith(owned.at("rule.py", line) + "ModuleNotFoundError")


def test_all_mistakes_of_both_files_are_reported(owned: Owned) -> None:
    owned.change("product/success_criteria.yaml", "metric: recall", "metric: recal")
    owned.configure(search={"trails": 3}, split={"by": "tme"})
    found = owned.problems()
    assert [each.partition(":")[0] for each in found] == [
        "config/pipeline.yaml",
        "config/pipeline.yaml",
        "product/success_criteria.yaml",
    ]


# --- source and schema --------------------------------------------------------------------------


def test_a_source_that_does_not_exist_hides_no_mistake_of_the_files(owned: Owned) -> None:
    owned.configure(source={"path": "data/none.parquet"}, search={"candidates": ["linaer"]})
    owned.change("product/success_criteria.yaml", "by: region", "by: regoin")
    found = owned.problems()
    assert len(found) == 3
    place = owned.at("config/pipeline.yaml", owned.line_of("config/pipeline.yaml", "path:"))
    assert any(each.startswith(place) and "none.parquet: no such file" in each for each in found)
    waiting = {each.name: each.needed for each in owned.trial().not_run}
    assert waiting["schema"] == "source"
    assert waiting["rule()"] == "schema"


def test_a_source_without_rows(owned: Owned) -> None:
    owned.save(rows().head(0))
    line = owned.line_of("config/pipeline.yaml", "source:")
    found = owned.problem()
    assert found.startswith(owned.at("config/pipeline.yaml", line))
    assert "var/sample/customers.parquet has no rows – expected at least one" in found


def test_a_missing_column(owned: Owned) -> None:
    owned.save(rows().rename(columns={"contract": "contrakt"}))
    found = owned.problem()
    assert found.startswith(owned.at("schemas.py", owned.line_of("schemas.py", "contract:")))
    assert "customers.parquet has no column contract – expected" in found
    assert found.endswith("did you mean 'contrakt'?")


def test_a_column_of_another_type(owned: Owned) -> None:
    owned.save(rows().assign(discount="a lot"))
    found = owned.problem()
    assert found.startswith(owned.at("schemas.py", owned.line_of("schemas.py", "discount:")))
    assert "discount is not a number in 100% of its cells – expected the type" in found
    assert "'a lot'" in found


def test_too_many_rejected_rows_with_the_three_most_frequent_reasons(owned: Owned) -> None:
    table = rows()
    for column, wrong, share in (
        ("region", "middle", 400),
        ("discount", 7.0, 300),
        ("plan", "none", 200),
        ("support_calls", -1.0, 100),
    ):
        table.loc[: share - 1, column] = wrong
    owned.save(table)
    head, *reasons = owned.problem().splitlines()
    assert "400 of 2,000 rows (20.0%) break the schema – expected at most 5.0%" in head
    assert len(reasons) == 4
    for column, text in (("region", "'middle'"), ("discount", "'7'"), ("plan", "'none'")):
        (line,) = [each for each in reasons if f": {column}: " in each]
        assert owned.at("schemas.py", owned.line_of("schemas.py", f"{column}:")) in line
        assert text in line
    assert reasons[-1].strip() == "and 1 more"


def test_another_type_does_not_hide_another_broken_rule(owned: Owned) -> None:
    table = rows().assign(discount="a lot")
    table.loc[:999, "region"] = "middle"
    owned.save(table)
    found = owned.problems()
    assert len(found) == 2
    assert "1,000 of 2,000 rows (50.0%) break another rule" in found[1]


@pytest.mark.parametrize("by", ["churned", "observed_at"])
def test_a_sorted_source_is_sampled_from_all_of_its_rows(owned: Owned, by: str) -> None:
    owned.save(rows(20_000).sort_values(by, kind="stable", ignore_index=True))
    assert owned.warnings() == []


def test_a_sample_of_the_source_keeps_how_it_spells_numbers(owned: Owned) -> None:
    table = rows(6_000)
    path = owned.root / "var" / "sample" / "customers.csv"
    table.to_csv(path, sep=";", decimal=",", index=False)
    owned.configure(source={"path": "var/sample/customers.csv", "decimal": ","})
    assert owned.problems() == []


def test_rejected_rows_of_a_sample_near_the_limit_are_a_warning(owned: Owned) -> None:
    table = rows(20_000)
    table.loc[table.index % 20 == 0, "region"] = "middle"
    owned.save(table)
    # The sample of 5,000 rows has about 250 of these rows, and their number is known to within 30.
    owned.configure(checks={"rejected_share_at_most": 0.046})
    (found,) = owned.warnings()
    assert "warning: in a sample of 5,000 rows: " in found
    owned.configure(checks={"rejected_share_at_most": 0.03})
    assert "break the schema – expected at most 3.0%" in owned.problem()


def test_a_source_of_several_sorted_files_is_read_until_two_classes_are_found(
    owned: Owned,
) -> None:
    table = rows(16_000).sort_values("churned", ignore_index=True)
    for number, part in enumerate(np.array_split(np.arange(len(table)), 2)):
        write(table.iloc[part], owned.root / "data" / f"part-{number}.parquet")
    owned.configure(source={"path": "data/part-*.parquet"})
    assert owned.warnings() == []


# --- split --------------------------------------------------------------------------------------


def test_a_split_by_time_without_a_time_column(owned: Owned) -> None:
    owned.change("schemas.py", 'metadata={"role": "time"}', 'metadata={"role": "ignored"}')
    owned.change("product/success_criteria.yaml", "metric: age_days", "metric: rows")
    owned.change("product/success_criteria.yaml", "at_most: 7", "at_least: 7")
    found = owned.problem()
    line = owned.line_of("config/pipeline.yaml", "by: time")
    assert found.startswith(owned.at("config/pipeline.yaml", line))
    assert "schemas.py has no column with the role time – expected one – give a column" in found


def test_a_split_by_group_without_a_group_column_and_without_a_source(owned: Owned) -> None:
    owned.configure(split={"by": "group"}, source={"path": "data/none.parquet"})
    found = owned.problems()
    assert len(found) == 2
    assert found[1].startswith(
        owned.at("config/pipeline.yaml", owned.line_of("config/pipeline.yaml", "by: group"))
    )
    assert "no column with the role group" in found[1]


def test_too_few_rows_for_both_sides(owned: Owned) -> None:
    owned.save(rows().assign(observed_at=pd.Timestamp("2026-11-01")).drop_duplicates("customer_id"))
    (found,) = [each for each in owned.problems() if "split" in each]
    assert found.startswith(
        owned.at("config/pipeline.yaml", owned.line_of("config/pipeline.yaml", "split:"))
    )
    assert "0 holdout rows – expected rows on both sides – get more rows" in found


def test_too_few_rows_for_the_folds(owned: Owned) -> None:
    owned.configure(search={"folds": 1_999})
    found = owned.problem()
    line = owned.line_of("config/pipeline.yaml", "folds:")
    assert found.startswith(owned.at("config/pipeline.yaml", line))
    assert "expected 2,000 for search.folds" in found


# --- target values ------------------------------------------------------------------------------


def test_a_text_target_without_a_named_positive_value(owned: Owned) -> None:
    line = owned.change(
        "schemas.py",
        "churned: Series[int] = pa.Field(isin=[0, 1]",
        'churned: Series[str] = pa.Field(isin=["no", "yes"]',
    )
    owned.save(rows().assign(churned=lambda f: np.where(f["churned"] == 1, "yes", "no")))
    found = owned.problem()
    assert found.startswith(owned.at("schemas.py", line))
    assert "churned has the values no, yes and names no positive one – expected" in found
    waiting = {each.name: each.needed for each in owned.trial().not_run}
    assert waiting["one candidate"] == "target"


def test_a_target_with_one_class_only(owned: Owned) -> None:
    owned.save(rows().assign(churned=0))
    found = owned.problem()
    assert found.startswith(owned.at("schemas.py", owned.line_of("schemas.py", "churned:")))
    assert "churned is 0 in all 1," in found
    assert "expected several of 0, 1" in found


def test_a_value_of_the_target_that_the_schema_does_not_forbid(owned: Owned) -> None:
    owned.change("schemas.py", "pa.Field(isin=[0, 1], ", "pa.Field(")
    table = rows()
    table.loc[5, "churned"] = 2
    owned.save(table)
    found = owned.problem()
    assert found.startswith(owned.at("schemas.py", owned.line_of("schemas.py", "churned:")))
    assert "churned has the value 2 in 1 of 2,000 rows" in found


def test_a_class_with_one_row_is_a_warning(owned: Owned) -> None:
    table = rows().assign(churned=0)
    table.loc[0, "churned"] = 1
    owned.save(table)
    found = owned.warnings()
    assert any("churned is 1 in 1 of 2,000 rows that were read – expected at" in e for e in found)


# --- rule() -------------------------------------------------------------------------------------

RETURN = "return (monthly & unhappy).to_numpy(dtype=float)"


def test_a_rule_that_names_a_missing_column(owned: Owned) -> None:
    line = owned.change("rule.py", 'features["contract"]', 'features["contrakt"]')
    found = owned.problem()
    assert found.startswith(owned.at("rule.py", line))
    assert "'contrakt', which is no column" in found
    assert found.endswith("did you mean 'contract'?")


def test_a_rule_that_uses_a_column_that_is_no_feature(owned: Owned) -> None:
    line = owned.change("rule.py", 'features["contract"]', 'features["churned"]')
    found = owned.problem()
    assert found.startswith(owned.at("rule.py", line))
    assert "'churned', which is no feature" in found


def test_a_rule_that_raises(owned: Owned) -> None:
    owned.change(
        "rule.py",
        RETURN,
        "return _worth({'monthly': 1})\n\n\ndef _worth(of):\n    return of['yearly']",
    )
    found = owned.problem()
    line = owned.line_of("rule.py", "of['yearly']")
    assert found.startswith(owned.at("rule.py", line) + "rule() raises KeyError: 'yearly'")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("np.zeros(3)", "rule() returns 3 decisions for 200 rows – expected one for each row"),
        ("1", "rule() returns 1 – expected an array"),
        (
            "np.where(monthly, np.nan, 1)",
            "of 200 rows – expected a decision for each row – decide also if",
        ),
        ("np.where(monthly, 2, 1)", "of 200 rows – expected a value of churned: 0, 1 – return"),
        ('np.where(monthly, "yes", "no")', "expected a value of churned: 0, 1 – return"),
    ],
    ids=["another length", "one number", "missing", "another number", "a text"],
)
def test_a_rule_with_a_wrong_result(owned: Owned, result: str, message: str) -> None:
    owned.change("rule.py", RETURN, f"return {result}")
    found = owned.problem()
    assert found.startswith(owned.at("rule.py", owned.line_of("rule.py", "def rule")))
    assert message in found


@pytest.mark.parametrize("result", ["monthly & unhappy", "(monthly & unhappy).tolist()"])
def test_a_rule_can_return_a_mask(owned: Owned, result: str) -> None:
    owned.change("rule.py", RETURN, f"return {result}")
    assert owned.warnings() == []


# --- candidates ---------------------------------------------------------------------------------


def test_a_configured_candidate_that_does_not_exist(owned: Owned) -> None:
    owned.configure(search={"candidates": ["linear", "boostign"]})
    found = owned.problem()
    line = owned.line_of("config/pipeline.yaml", "boostign")
    assert found.startswith(owned.at("config/pipeline.yaml", line))
    assert found.endswith("did you mean 'boosting'?")


def test_every_candidate_is_built(owned: Owned) -> None:
    owned.change("candidates.py", "early_stopping=True", "early_stoping=True")
    owned.change("candidates.py", "    return DummyClassifier()", "    DummyClassifier()")
    network, dummy = owned.problems()
    assert "candidate 'neural network' cannot be built: TypeError" in network
    assert network.startswith(
        owned.at("candidates.py", owned.line_of("candidates.py", "model = MLPClassifier("))
    )
    assert "candidate 'dummy' cannot be built: TypeError: its function returns NoneType" in dummy
    assert dummy.startswith(owned.at("candidates.py", owned.line_of("candidates.py", "def _dummy")))


def test_a_parameter_that_a_candidate_does_not_have(owned: Owned) -> None:
    line = owned.change("candidates.py", '"model__C"', '"model__c"')
    found = owned.problem()
    assert found.startswith(owned.at("candidates.py", line))
    assert "has 'model__c' – expected a parameter" in found
    assert found.endswith("did you mean 'model__C'?")


def test_the_first_configured_candidate_is_fitted(owned: Owned) -> None:
    owned.change("candidates.py", "(16,),", "(-16,),")
    assert owned.warnings() == []
    owned.configure(search={"candidates": ["neural network"]})
    for name in [name for name in sys.modules if name.partition(".")[0] == owned.package]:
        del sys.modules[name]
    found = owned.problem()
    assert found.startswith(
        owned.at("candidates.py", owned.line_of("candidates.py", "def _network"))
    )
    assert "candidate 'neural network' cannot be fitted on 200 rows: " in found


def test_a_candidate_that_cannot_predict_probabilities(owned: Owned) -> None:
    owned.change(
        "candidates.py",
        '("model", LogisticRegression(max_iter=500))',
        '("model", __import__("sklearn.svm").svm.LinearSVC())',
    )
    owned.change("candidates.py", '{"model__C": loguniform(0.01, 10)}', "{}")
    found = owned.problem()
    assert found.startswith(
        owned.at("candidates.py", owned.line_of("candidates.py", "def _linear"))
    )
    assert "candidate 'linear' cannot predict: AttributeError" in found


# --- criteria -----------------------------------------------------------------------------------


def test_criteria_that_name_a_missing_slice(owned: Owned) -> None:
    line = owned.change("product/success_criteria.yaml", "by: region", "by: regoin")
    found = owned.problem()
    assert found.startswith(owned.at("product/success_criteria.yaml", line))
    assert "regoin: no such column in schemas.py – expected one of region" in found


def test_a_slice_to_leave_out_that_does_not_occur(owned: Owned) -> None:
    owned.change("schemas.py", 'isin=["north", "south", "east", "west"], ', "")
    owned.change(
        "product/success_criteria.yaml", "by: region", "by: region\n    leaving_out: [north, wset]"
    )
    found = owned.problem()
    line = owned.line_of("product/success_criteria.yaml", "leaving_out:")
    assert found.startswith(owned.at("product/success_criteria.yaml", line))
    assert "'wset' in leaving_out, but no row of 2,000 that were read has it – expected" in found
    assert found.endswith("did you mean 'west'?")


def test_a_slice_without_rows_is_a_warning(owned: Owned) -> None:
    table = rows()
    owned.save(table[table["region"] != "west"])
    (found,) = owned.warnings()
    line = owned.line_of("product/success_criteria.yaml", "by: region")
    assert found.startswith(owned.at("product/success_criteria.yaml", line))
    assert "that were read has region west, so the criterion is undecided – expected" in found


def test_a_difference_of_slices_with_one_slice_only(owned: Owned) -> None:
    owned.change("schemas.py", 'isin=["north", "south", "east", "west"], ', "")
    owned.save(rows().assign(region="north"))
    found = owned.problem()
    assert "every-region-served: region is north in all 2,000 valid rows – expected two" in found


# --- names in messages --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "break_it",
    [
        lambda owned: owned.change("rule.py", RETURN, "return 1"),
        lambda owned: owned.configure(split={"by": "group"}),
        lambda owned: owned.save(rows().assign(churned=0)),
        lambda owned: owned.change(
            "schemas.py", '}, metadata={"role": "key"}', '}, metadata={"role": "kee"}'
        ),
        lambda owned: owned.change("candidates.py", '"model__C"', '"model__c"'),
    ],
)
def test_every_problem_has_a_file_a_line_an_expectation_and_a_fix(
    owned: Owned, break_it: Callable[[Owned], Any]
) -> None:
    break_it(owned)
    found = owned.problem().splitlines()[0]
    assert re.match(r"(src/\w+/\w+\.py|config/\w+\.yaml):\d+: ", found)
    assert " – expected " in found
    assert found.count(" – ") >= 2
