"""Read the criteria and the configuration of a training, and check them against the schema."""

from ..clock import today
from ..config.settings import Pipeline, Settings, read_pipeline
from ..errors import ConfigError
from ..gate.criteria import Criteria, read_criteria
from ..product import Product
from ..scorecard.criteria_text import problems

__all__ = ["read_configuration"]


def read_configuration(product: Product, settings: Settings) -> tuple[Criteria, Pipeline]:
    """The criteria, and the settings of config/pipeline.yaml.

    Raises ConfigError with all mistakes in the criteria, before data are read.
    """
    path = settings.criteria_file
    criteria, pipeline = read_criteria(path), read_pipeline(settings.pipeline_file)
    mistakes = [p for p in problems(criteria, product.columns, on=today()) if not p.note]
    if mistakes:
        text = path.read_text(encoding="utf-8")
        raise ConfigError("\n".join(mistake.in_words(path, text) for mistake in mistakes))
    return criteria, pipeline
