"""The product's files and environment as frozen, strict models.

    config/product.yaml              name and title             -> ProductName
    product/success_criteria.yaml    the product manager's      -> Criteria (gate/criteria.py)
    config/pipeline.yaml             the data scientists'       -> Pipeline
    config/scoring.yaml              operations': scoring       -> Scoring
    config/monitoring.yaml           operations': monitoring    -> Monitoring
    environment variables, .env      operations: addresses      -> Settings

``strict_yaml.py`` reads the files. Nothing is read at import.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..clock import REHEARSED, today
from ..errors import ConfigError
from ..reading import Decimal, Reading, Thousands
from ..redaction import redacted
from .strict_yaml import Strict, read_yaml

__all__ = [
    "AcceptedLeak",
    "Checks",
    "DriftLimits",
    "EvaluationBudget",
    "LabelSource",
    "LabelsJudged",
    "Monitoring",
    "Pipeline",
    "ProductName",
    "Reactions",
    "ReportSize",
    "Scoring",
    "Search",
    "Settings",
    "Source",
    "Split",
    "read_monitoring",
    "read_pipeline",
    "read_product_name",
    "read_scoring",
    "read_yaml",
]


class ProductName(Strict):
    """The whole of config/product.yaml."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$", max_length=40)]
    """Lower-case words joined by - or _, because the name is part of the names of experiments,
    models, flows and events.
    """
    title: Annotated[str, Field(min_length=1, max_length=60)]


class Source(Strict):
    """Where rows are read from: ``path``, or ``url_from`` with ``query``.

    ``url_from`` is the name of the environment variable with the address of the database.
    ``separator`` and ``encoding`` of a CSV file are detected if they are None; the separator
    ``blanks`` is one or several blanks or tabs. ``quote`` is the sign around a cell that contains a
    separator. Without ``header``, its columns are ``column_1``, ``column_2`` and so on.
    ``decimal``, ``thousands`` and ``signs`` are how texts spell numbers; see ``Reading``.
    """

    path: str | None = None
    format: Literal["csv", "parquet"] | None = None
    separator: str | None = None
    encoding: str | None = None
    quote: Literal['"', "'"] = '"'
    header: bool = True
    decimal: Decimal = "."
    thousands: Thousands | None = None
    signs: str = ""
    url_from: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.path is None) == (self.url_from is None):
            raise ValueError("give either path (files) or url_from and query (a database)")
        if (self.url_from is None) != (self.query is None):
            raise ValueError("url_from and query go together")
        if self.url_from is not None and "://" in self.url_from:
            raise ValueError(
                "url_from expects the name of an environment variable; keep the address itself out"
                " of this file"
            )
        if not self.header and (self.path is None or self.format == "parquet"):
            raise ValueError(
                "header: false is only for CSV, because Parquet and a query have names of columns"
            )
        return self

    @model_validator(mode="after")
    def _numbers_are_clear(self) -> Self:
        Reading(self.decimal, self.thousands, self.signs)  # raises ValueError
        return self

    @property
    def reading(self) -> Reading:
        """How the texts of this source spell numbers."""
        return Reading(self.decimal, self.thousands, self.signs)

    def at(self, path: str) -> "Source":
        """The file at ``path``, which spells numbers like this source."""
        return Source(
            path=path,
            quote=self.quote,
            header=self.header,
            decimal=self.decimal,
            thousands=self.thousands,
            signs=self.signs,
        )

    @property
    def described(self) -> str:
        """The source as shown to people, never with an address that could contain a password."""
        if self.path is None:
            return f"${self.url_from}"
        return redacted(self.path) if "://" in self.path else self.path

    def on(self, day: date) -> Self:
        """The source of that day: ``{day}`` in path and query becomes, for example, 2026-11-24."""
        named = {"path": self.path, "query": self.query}
        dated = {
            name: text.replace("{day}", day.isoformat())
            for name, text in named.items()
            if text is not None
        }
        return self.model_copy(update=dated)


class Split(Strict):
    """How the rows are split; ``holdout`` is the share for the evaluation."""

    by: Literal["time", "group", "hash"]
    holdout: float = Field(gt=0, lt=1)


class AcceptedLeak(Strict):
    """A feature that predicts the target almost alone, and the reason why it may."""

    feature: str
    because: Annotated[str, Field(min_length=1)]


class Checks(Strict):
    """The limits of the data checks before a training."""

    rejected_share_at_most: float = Field(default=0.05, ge=0, le=1)
    # The strength of one feature (training/leaks): a block from ``leak_at`` on, a doubt from
    # ``doubt_at`` on. In classification, 0.5 is the strength of a feature that predicts nothing.
    leak_at: float = Field(default=0.98, gt=0.5, le=1)
    doubt_at: float = Field(default=0.94, gt=0.5, le=1)
    # The same of several features together. Honest features explain much together.
    combined_leak_at: float = Field(default=0.999, gt=0.5, le=1)
    combined_doubt_at: float = Field(default=0.99, gt=0.5, le=1)
    # The share of rows that are in the table again under another key, and not by chance.
    copied_at: float = Field(default=0.2, gt=0, le=1)
    copied_doubt_at: float = Field(default=0.01, gt=0, le=1)
    accepted_leaks: tuple[AcceptedLeak, ...] = ()


class Search(Strict):
    """The budget of the search.

    ``trials`` decides the result. ``seconds`` is a safety limit, and its use is reported.
    ``workers`` is a number of processes, or -1 for all cores.
    """

    trials: int = Field(ge=1)
    seconds: float = Field(default=600, gt=0)
    workers: int = Field(default=-1, ge=-1)
    folds: int = Field(default=3, ge=2)
    seed: int = 7
    candidates: tuple[str, ...] = ()
    """The names of the kit's candidates to try; all if empty."""

    @model_validator(mode="after")
    def _some_worker(self) -> Self:
        if self.workers == 0:
            raise ValueError("workers is a number of processes, or -1 for all cores")
        return self


class EvaluationBudget(Strict):
    """Sizes of the evaluation: bootstrap resamples, and rows for feature importance."""

    resamples: int = Field(default=1000, ge=200)
    importance_rows: int = Field(default=2000, ge=100)


class Pipeline(Strict):
    """The whole of config/pipeline.yaml."""

    source: Source
    split: Split
    checks: Checks = Checks()
    search: Search
    evaluation: EvaluationBudget = EvaluationBudget()
    labelled_log: bool = False
    """Whether scored rows that have a label are used for training as well."""


class LabelSource(Strict):
    """Where labels are read from, and when they are expected."""

    source: Source
    delivered: Literal["daily", "irregularly"] = "daily"
    late_after_days: int = Field(default=90, ge=0)
    day_column: Annotated[str, Field(min_length=1)] | None = None
    """The column of a delivery with the day of the prediction, if the schema has no time column."""


class Scoring(Strict):
    """The whole of config/scoring.yaml.

    ``{day}`` in a source is the day that is scored, or the day of the label delivery.
    """

    source: Source
    rejected_share_at_most: float = Field(default=0.05, ge=0, le=1)
    shadow: bool = True
    labels: LabelSource
    keep_days: int = Field(default=400, ge=1)


class DriftLimits(Strict):
    """The limits beyond which a difference between training and live data is an alarm.

    ``false_alarms_at_most`` is a probability per report, ``missing_by`` a difference of two shares.
    ``share_factor`` and ``volume_between`` are ratios. ``benchmarks/README.md`` of the template has
    the alarms that the defaults cause.
    """

    false_alarms_at_most: float = Field(default=0.01, gt=0, lt=1)
    psi_at_least: float = Field(default=0.02, ge=0)
    share_factor: float = Field(default=1.5, gt=1)
    missing_by: float = Field(default=0.02, ge=0, le=1)
    new_values_at_most: float = Field(default=0.01, ge=0, le=1)
    volume_between: tuple[float, float] = (0.5, 2.0)

    @model_validator(mode="after")
    def _around_one(self) -> Self:
        low, high = self.volume_between
        if not 0 <= low < 1 < high:
            raise ValueError(
                "volume_between is a factor below 1 and one above 1, such as [0.5, 2.0]"
            )
        return self


class LabelsJudged(Strict):
    """The labelled rows on which monitoring judges the criteria."""

    days: int = Field(default=35, ge=1)
    coverage_at_least: float = Field(default=0.8, gt=0, le=1)
    rows_at_least: int = Field(default=300, ge=1)
    unseen_at_most: float = Field(default=0.01, ge=0, le=1)
    rows_at_most: int = Field(default=20_000, ge=1000)


class ReportSize(Strict):
    """The sample of rows in the monitoring report."""

    rows: int = Field(default=5000, ge=100, le=50_000)
    seed: int = 7


Action = Literal["retrain", "wait", "nothing"]


class Reactions(Strict):
    """The action for each finding of monitoring; the last three fields limit retrainings.

    ``per_month`` is a number of requests within 30 days.
    """

    criteria_fail: Action = "retrain"
    drift_and_criteria_met: Action = "nothing"
    drift_before_labels: Action = "wait"
    cooldown_days: int = Field(default=14, ge=0)
    new_labels_at_least: int = Field(default=1000, ge=0)
    per_month: int = Field(default=3, ge=0)


class Monitoring(Strict):
    """The whole of config/monitoring.yaml."""

    window_days: int = Field(default=7, ge=1)
    rows_at_least: int = Field(default=500, ge=50)
    drift: DriftLimits = DriftLimits()
    labels: LabelsJudged = LabelsJudged()
    report: ReportSize = ReportSize()
    reaction: Reactions = Reactions()


@dataclass(frozen=True)
class Settings:
    """The product's folder, the addresses of MLflow and of the product's database, and the keys for
    signatures (see registry/signatures.py).
    """

    root: Path
    tracking_uri: str
    database_url: str
    public_key: str | None = None
    signing_key: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings from environment variables.

        Raises ConfigError if PRODUCT_TODAY is not a date, or is set although the registry or the
        database is not under the product's own ``var``.
        """
        root = Path(environ.get("PRODUCT_ROOT") or Path.cwd()).resolve()
        var = root / "var"
        settings = cls(
            root=root,
            tracking_uri=environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{var / 'mlflow.db'}",
            database_url=environ.get("PRODUCT_DATABASE_URL") or f"sqlite:///{var / 'product.db'}",
            public_key=environ.get("PRODUCT_PUBLIC_KEY") or None,
            signing_key=environ.get("PRODUCT_SIGNING_KEY") or None,
        )
        today(environ)  # reports an invalid date now, not in the middle of a command
        # A simulated date could change a team's verdicts: criteria expire and waivers end by date.
        if environ.get(REHEARSED) and not settings.are_local:
            raise ConfigError(
                f"{REHEARSED} is set, but the registry or the database is not under {var} –"
                " expected a simulated date only in a rehearsal on this machine, because the"
                " team's gate uses the real date – unset it"
            )
        return settings

    @property
    def are_local(self) -> bool:
        """Whether registry and database are files under the product's own ``var``."""
        # ".." is refused below because such a path could lead out of the folder.
        mine = f"sqlite:///{self.var}{os.sep}"
        return all(
            address.startswith(mine) and ".." not in address
            for address in (self.tracking_uri, self.database_url)
        )

    @property
    def var(self) -> Path:
        """The folder for everything that the product writes on this machine."""
        return self.root / "var"

    @property
    def product_file(self) -> Path:
        """The name and the title of the product."""
        return self.root / "config" / "product.yaml"

    @property
    def criteria_file(self) -> Path:
        """The product manager's success criteria."""
        return self.root / "product" / "success_criteria.yaml"

    @property
    def pipeline_file(self) -> Path:
        """The source, the split and the search budget."""
        return self.root / "config" / "pipeline.yaml"

    @property
    def scoring_file(self) -> Path:
        """The data to score, the source of labels and the retention."""
        return self.root / "config" / "scoring.yaml"

    @property
    def monitoring_file(self) -> Path:
        """The limits of alarms and the reactions."""
        return self.root / "config" / "monitoring.yaml"


def read_product_name(path: Path) -> ProductName:
    """The content of config/product.yaml. Raises ConfigError, as ``read_yaml`` does."""
    return read_yaml(path, ProductName)


def read_pipeline(path: Path) -> Pipeline:
    """The content of config/pipeline.yaml. Raises ConfigError, as ``read_yaml`` does."""
    return read_yaml(path, Pipeline)


def read_scoring(path: Path) -> Scoring:
    """The content of config/scoring.yaml. Raises ConfigError, as ``read_yaml`` does."""
    return read_yaml(path, Scoring)


def read_monitoring(path: Path) -> Monitoring:
    """The content of config/monitoring.yaml. Raises ConfigError, as ``read_yaml`` does."""
    return read_yaml(path, Monitoring)
