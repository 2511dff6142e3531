"""The results of monitoring in MLflow: one run for each check, and one run for each champion with
all metrics over time.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from ..config.settings import Settings
from .runs import shortened
from .tracking import answering, attach, connect, experiment

__all__ = ["MonitoringRuns", "experiment_of"]

NOTE_LIMIT = 8000  # MLflow's limit of a tag of a run
BATCH = 500  # below the 1,000 metrics that MLflow accepts in one request


def experiment_of(product: str) -> str:
    """The name of the product's monitoring experiment."""
    return f"{product} monitoring"


class MonitoringRuns:
    """The experiment "<product> monitoring"."""

    def __init__(self, settings: Settings, product: str) -> None:
        self.settings = settings
        self.name = experiment_of(product)
        self.client = connect(settings)

    def record(
        self,
        day: date,
        champion: str,
        *,
        title: str,
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        note: str,
        files: Mapping[str, str],
    ) -> str:
        """The id of the new run of this check; its metrics are also added to the champion's run
        over time.

        ``files`` are texts by file name. Metrics that are not finite are left out.
        """
        kept = {name: value for name, value in metrics.items() if math.isfinite(value)}
        with answering(self.settings):
            place = experiment(self.client, self.settings, self.name)
            window_tags = {"window_end": str(day), "champion": champion, **tags}
            run = self.client.create_run(
                place, tags=window_tags, run_name=f"{day} · {title}"
            ).info.run_id
            self._log(run, kept, day, 0)
            attach(self.client, run, files)
            description = shortened(note, NOTE_LIMIT, file="look.md")
            self.client.set_tag(run, "mlflow.note.content", description)
            self.client.set_terminated(run)
            # Steps are days since 1970, so that the charts of several champions share one axis.
            self._log(
                self._trend(place, champion),
                kept,
                day,
                day.toordinal() - date(1970, 1, 1).toordinal(),
            )
        return str(run)

    def _trend(self, place: str, champion: str) -> str:
        found: Any = self.client.search_runs(
            [place], f"tags.trend_of = '{champion}'", max_results=1
        )
        if found:
            return str(found[0].info.run_id)
        run = self.client.create_run(
            place, tags={"trend_of": champion}, run_name=f"version {champion} over time"
        )
        # Ended at once, because no process belongs to it; an ended run still accepts metrics.
        self.client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _log(self, run: str, metrics: Mapping[str, float], day: date, step: int) -> None:
        from mlflow.entities import Metric

        moment = int(datetime.combine(day, time.min, UTC).timestamp() * 1000)
        points = [Metric(name, value, moment, step) for name, value in metrics.items()]
        for first in range(0, len(points), BATCH):
            self.client.log_batch(run, metrics=points[first : first + BATCH])
