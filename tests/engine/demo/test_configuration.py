"""The demo of a product with its own data has its own sources and criteria."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from mlproduct import MulticlassClassification
from mlproduct.cli.project import Project
from mlproduct.config.settings import Settings, read_pipeline, read_scoring
from mlproduct.demo import command
from mlproduct.demo.configuration import configure, reads_own_data
from mlproduct.errors import ConfigError
from mlproduct.gate.criteria import read_criteria
from mlproduct.product import Product

from ..data.test_generated_rows import Listed
from ..team import PRODUCT, make_project


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = make_project(tmp_path / "product")
    pipeline = folder / "config" / "pipeline.yaml"
    content = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    content["source"] = {"path": "data/own.csv", "decimal": ","}
    pipeline.write_text(yaml.safe_dump(content), encoding="utf-8")
    return Settings.from_environment({"PRODUCT_ROOT": str(folder)})


def project_of(product: Product, settings: Settings) -> Project:
    project = Project("trial_radar", settings)
    project.__dict__["product"] = product  # as if it was loaded
    return project


def test_only_a_product_without_sample_and_with_its_own_source_reads_own_data(
    settings: Settings, tmp_path: Path
) -> None:
    own = replace(PRODUCT, sample=None)
    synthetic = Settings.from_environment({"PRODUCT_ROOT": str(make_project(tmp_path / "other"))})
    assert reads_own_data(project_of(own, settings))
    assert not reads_own_data(project_of(PRODUCT, settings))
    assert not reads_own_data(project_of(own, synthetic))


def test_the_demo_reads_synthetic_rows_and_has_a_bar_for_them(settings: Settings) -> None:
    criteria = settings.criteria_file
    draft = f"draft: true\n{criteria.read_text(encoding='utf-8')}"
    criteria.write_text(draft, encoding="utf-8")
    configure(replace(PRODUCT, sample=None), settings)
    pipeline, scoring = read_pipeline(settings.pipeline_file), read_scoring(settings.scoring_file)
    sources = (pipeline.source, scoring.source, scoring.labels.source)
    assert all(str(source.path).startswith("var/sample/") for source in sources)
    assert {source.decimal for source in sources} == {"."}
    made = read_criteria(criteria)
    assert not made.draft
    assert [(each.id, each.metric) for each in made.criteria] == [
        ("good-enough", made.primary),
        ("better-than-the-champion", made.primary),
    ]


def test_a_product_without_a_number_has_no_demo(settings: Settings) -> None:
    product = replace(
        PRODUCT,
        problem=MulticlassClassification(),
        sample=None,
        features=Listed,
        labelled=Listed,
    )
    with pytest.raises(ConfigError, match="changes the values of a numeric feature"):
        command._refuse_without_story(project_of(product, settings))
