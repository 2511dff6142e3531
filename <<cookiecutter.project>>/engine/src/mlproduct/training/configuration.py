"""Read the criteria and the configuration of a training, and check them against the schema."""

from ..clock import today
from ..config.settings import Pipeline, Settings, read_pipeline
from ..errors import ConfigError
from ..gate.criteria import Criteria
from ..product import Product
from ..scorecard.criteria_check import check_file

__all__ = ["read_configuration"]


def read_configuration(product: Product, settings: Settings) -> tuple[Criteria, Pipeline]:
    """The criteria, and the settings of config/pipeline.yaml.

    Raises ConfigError with all mistakes in the criteria, before data are read.
    """
    checked = check_file(settings.criteria_file, product.columns, on=today())
    if checked.mistakes:
        raise ConfigError("\n".join(checked.mistakes))
    return checked.criteria, read_pipeline(settings.pipeline_file)
