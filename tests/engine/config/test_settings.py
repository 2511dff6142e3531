"""Reading the configuration files, and the messages for their mistakes."""

from datetime import date
from pathlib import Path

import pytest
from mlproduct.config import strict_yaml
from mlproduct.config.settings import Settings, Source, read_pipeline
from mlproduct.errors import ConfigError
from mlproduct.gate.criteria import criteria_digest, read_criteria
from mlproduct.reading import PLAIN, Reading

CRITERIA = """\
decision: Whom do we call?
owner: {name: Product, contact: product@example.com}
review_by: 2027-06-30
primary: recall
criteria:
  - id: catch
    says: We catch 6 of 10.
    why: It has to pay.
    metric: recall
    at_least: 0.6
waivers:
  - {criterion: catch, until: 2027-01-31, by: Ada, why: New data comes.}
"""

PIPELINE = """\
source: {path: data/*.parquet}
split: {by: time, holdout: 0.2}
search:
  trials: 10
"""


def file_with(folder: Path, text: str) -> Path:
    file = folder / "file.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(file: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_criteria(file)
    return str(caught.value)


def test_valid_files_are_read(tmp_path: Path) -> None:
    criteria = read_criteria(file_with(tmp_path, CRITERIA))
    assert criteria.criteria[0].bar == 0.6
    assert criteria.waivers[0].by == "Ada"
    assert read_pipeline(file_with(tmp_path, PIPELINE)).search.trials == 10


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "at_least: 0.6",
            "at_leest: 0.6",
            "file.yaml:10: criteria.0.at_leest: unknown key – did you mean 'at_least'?",
        ),
        (
            "primary: recall",
            "prmary: recall",
            "file.yaml:4: prmary: unknown key – did you mean 'primary'?",
        ),
        (
            "why: It has",
            "zzz: It has",
            "file.yaml:8: criteria.0.zzz: unknown key – expected one of id, says, why",
        ),
        ("    why: It has to pay.\n", "", "file.yaml:6: criteria.0.why: missing"),
        (
            "at_least: 0.6",
            "at_least: much",
            "file.yaml:10: criteria.0.at_least: 'much': expected a number",
        ),
        (
            "at_least: 0.6",
            "at_least: yes",
            "file.yaml:10: criteria.0.at_least: True: expected a number",
        ),
        (
            "at_least: 0.6",
            "at_least: .nan",
            "file.yaml:10: criteria.0.at_least: nan: expected a number",
        ),
        (
            "at_least: 0.6",
            "at_least: 0.6\n    at_most: 1",
            "file.yaml:6: criteria.0: found at_least and at_most – expected exactly one of",
        ),
        (
            "at_least: 0.6",
            "at_least: 0.6\n    level: shuold",
            "file.yaml:11: criteria.0.level: 'shuold'",
        ),
        ("at_least: 0.6", "at_least: 0.6\n    level: shuold", "did you mean 'should'?"),
        (
            "at_least: 0.6",
            "at_least: 0.6\n    by: region\n    leaving_out: west",
            "expected a list",
        ),
        (
            "at_least: 0.6",
            "at_least: 0.6\n    by: region\n    leaving_out: [no]",
            "expected text; put it in quotes",
        ),
        (
            "review_by: 2027-06-30",
            "review_by: soon",
            "file.yaml:3: review_by: 'soon': expected a date such as",
        ),
        (
            "review_by: 2027-06-30",
            "review_by: 2027-02-30",
            "file.yaml:3: review_by: '2027-02-30': expected a date such as",
        ),
        (
            "owner: {name: Product, contact: product@example.com}",
            "owner: Product",
            "file.yaml:2: owner: 'Product'",
        ),
        ("id: catch\n", "id: Catch\n", "file.yaml:6: criteria.0.id: 'Catch'"),
        (
            "id: catch\n",
            "id: no-leak\n",
            "file.yaml:6: criteria.0.id: 'no-leak': this id belongs to a built-in",
        ),
        (
            "criterion: catch,",
            "criterion: cacth,",
            "file.yaml:12: waivers.0.criterion: 'cacth': no such criterion",
        ),
        ("criterion: catch,", "criterion: cacth,", "did you mean 'catch'?"),
        (
            "primary: recall",
            "primary: recall\nprimary: f1",
            "file.yaml:5: primary: the key is written twice",
        ),
        (
            "    metric: recall",
            "    metric: recall\n    metric: f1",
            "file.yaml:10: criteria.0.metric: the key is written twice",
        ),
        (
            "primary: recall",
            "primary: [recall",
            "expected YAML – check the indentation and the quotes",
        ),
        ("primary: recall", "\tprimary: recall", "file.yaml:4"),
        ("primary: recall", "primary: &a [*a]", "remove aliases that refer to themselves"),
        ("primary: recall", "{a: b}: recall", "expected YAML"),
        ("primary: recall", "1: recall", "keys should be strings"),
        ("primary: recall", "primary: !!python/object:os.system x", "expected YAML"),
    ],
)
def test_a_mistake_is_reported_with_its_line_key_and_expected_value(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in CRITERIA
    assert expected in mistakes(file_with(tmp_path, CRITERIA.replace(old, new, 1)))


def test_each_mistake_is_reported_on_its_own_line(tmp_path: Path) -> None:
    text = CRITERIA.replace("primary", "prmary").replace("at_least: 0.6", "at_least: much")
    assert len(mistakes(file_with(tmp_path, text)).splitlines()) == 3


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "hello\n", "# only a comment\n"])
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "the file: " in mistakes(file_with(tmp_path, text))


def test_a_missing_file_is_reported_with_the_folder_to_run_in(tmp_path: Path) -> None:
    assert "no such file – run this in the product's folder" in mistakes(tmp_path / "none.yaml")


def test_a_file_that_is_not_utf_8_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_bytes(b"decision: caf\xe9\n")
    assert "cannot be read as UTF-8" in mistakes(tmp_path / "file.yaml")
    assert "cannot be read" in mistakes(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("trials: 10", "trials: ten", "file.yaml:4: search.trials: 'ten': expected a whole number"),
        ("trials: 10", "trails: 10", "did you mean 'trials'?"),
        (
            "trials: 10",
            "trials: 10\n  workers: 0",
            "file.yaml:3: search: workers is a number of processes",
        ),
        ("by: time", "by: tiem", "did you mean 'time'?"),
        (
            "path: data/*.parquet",
            "query: SELECT 1",
            "give either path (files) or url_from and query",
        ),
        (
            "path: data/*.parquet",
            "url_from: sqlite:///x, query: q",
            "name of an environment variable",
        ),
    ],
)
def test_a_mistake_in_the_pipeline_file_is_reported(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_pipeline(file_with(tmp_path, PIPELINE.replace(old, new)))
    assert expected in str(caught.value)


def test_the_criteria_digest_depends_on_values_and_not_on_comments(tmp_path: Path) -> None:
    whole = criteria_digest(read_criteria(file_with(tmp_path, CRITERIA)))
    assert criteria_digest(read_criteria(file_with(tmp_path, "# a comment\n" + CRITERIA))) == whole
    changed = CRITERIA.replace("at_least: 0.6", "at_least: 0.61")
    assert criteria_digest(read_criteria(file_with(tmp_path, changed))) != whole


@pytest.mark.parametrize(
    ("path", "described"),
    [
        ("data/*.csv", "data/*.csv"),
        ("https://me:secret@example.com/rows.csv?token=secret", "https://example.com/rows.csv"),
        ("s3://bucket/rows-?.parquet", "s3://bucket/rows-?.parquet"),
    ],
)
def test_a_source_is_described_without_its_secrets(path: str, described: str) -> None:
    assert Source(path=path).described == described


def test_the_tracking_uri_is_read_from_the_environment_or_is_a_local_file(tmp_path: Path) -> None:
    local = Settings.from_environment({"PRODUCT_ROOT": str(tmp_path)})
    assert local.tracking_uri == f"sqlite:///{tmp_path / 'var' / 'mlflow.db'}"
    remote = Settings.from_environment(
        {"PRODUCT_ROOT": str(tmp_path), "MLFLOW_TRACKING_URI": "http://tracking:5000"}
    )
    assert remote.tracking_uri == "http://tracking:5000"


def billion_laughs(one: str, last: str) -> str:
    """Nine lines of YAML whose aliases expand to a billion values."""
    lines = ["a0: &a0 " + one]
    lines += [f"a{n}: &a{n} {last % ', '.join([f'*a{n - 1}'] * 10)}" for n in range(1, 9)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        billion_laughs("[lol]", "[%s]"),
        billion_laughs("{k: 1}", "{k: [%s]}"),
        billion_laughs("{k: 1}", "{" + 2 * "<" + ": [%s]}"),
        "a: &a [*a]\n",
    ],
    ids=["lists", "mappings", "merge keys", "self-reference"],
)
def test_aliases_that_expand_to_too_many_values_are_refused_before_expansion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(
        strict_yaml, "_written_twice", lambda node: pytest.fail("the aliases were expanded")
    )
    assert "more than 10,000 keys and values, counted with every alias" in mistakes(
        file_with(tmp_path, text)
    )


def test_an_alias_is_replaced_by_its_value(tmp_path: Path) -> None:
    text = CRITERIA.replace("contact: product@example.com", "contact: &who Ada").replace(
        "by: Ada", "by: *who"
    )
    assert read_criteria(file_with(tmp_path, text)).waivers[0].by == "Ada"


def test_a_file_that_is_too_long_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    assert "longer than 100,000 characters" in mistakes(file_with(tmp_path, "# x\n" * 30_000))
    if (endless := Path("/dev/zero")).exists():
        assert "longer than 100,000 characters" in mistakes(endless)


def test_the_first_20_mistakes_are_reported_and_the_others_counted(tmp_path: Path) -> None:
    text = CRITERIA + "".join(f"key_{number}: 1\n" for number in range(1_000))
    lines = mistakes(file_with(tmp_path, text)).splitlines()
    assert len(lines) == 21
    assert lines[-1].endswith("file.yaml: and 980 more mistakes")


def test_a_source_has_the_reading_of_its_numbers() -> None:
    assert Source(path="a.csv").reading == PLAIN
    german = Source(path="a.csv", decimal=",", thousands=".", signs="€%", header=False)
    assert german.reading == Reading(",", ".", "€%")
    other = german.at("b.csv")
    assert (other.path, other.reading, other.header) == ("b.csv", german.reading, False)
    assert german.on(date(2026, 11, 24)).reading == german.reading


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("decimal: ;", "decimal"),
        ("thousands: ','\n  decimal: ','", "expected two different characters"),
        ("signs: EUR", "signs contains 'E'"),
        ("header: false\n  format: parquet", "header: false is only for CSV"),
    ],
)
def test_an_unclear_reading_is_refused(tmp_path: Path, settings: str, expected: str) -> None:
    text = PIPELINE.replace("{path: data/*.parquet}", f"\n  path: rows.csv\n  {settings}")
    with pytest.raises(ConfigError, match=expected):
        read_pipeline(file_with(tmp_path, text))
