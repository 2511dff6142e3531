"""Runs of killed trainings: the next training or ``doctor`` ends them and records the reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ..processes import is_gone
from .runs import GIVEN_UP, Runs
from .tracking import answering

__all__ = ["close_stale_runs"]

# Longer than the sum of the timeouts of a training in tasks/__init__.py.
LONGEST = timedelta(days=2)
AT_MOST = 1_000  # a page of MLflow's search; the next command closes the rest


def close_stale_runs(runs: Runs) -> tuple[str, ...]:
    """Marks the product's stale runs and their nested runs as killed; one sentence for each stale
    run.

    Only the host of a process can check whether it still exists. A run of another host is therefore
    closed once it is older than a training can be. If such a run finishes after all, it still gets
    its verdict.
    """
    with answering(runs.settings):
        place = runs.client.get_experiment_by_name(runs.product)
        if place is None or place.lifecycle_stage != "active":
            return ()
        left = runs.client.search_runs(
            [place.experiment_id], "attributes.status = 'RUNNING'", max_results=AT_MOST
        )
        ended = {run.info.run_id: why for run in left if (why := _why(run))}
        for run in left:
            # A nested run has no tags of a process; it ends with its parent.
            parent = run.data.tags.get("mlflow.parentRunId")
            if why := ended.get(run.info.run_id) or ended.get(parent):
                _end(runs.client, run, why)
        return tuple(
            f"{run.info.run_name}: {ended[run.info.run_id]}"
            for run in left
            if run.info.run_id in ended
        )


def _why(run: Any) -> str | None:
    """Why the run is stale; None if its process may still be running."""
    tags = run.data.tags
    if is_gone(tags):
        return (
            f"its process {tags['process'].split()[0]} no longer exists and reported no end; marked"
            " as killed"
        )
    if datetime.now(UTC) - datetime.fromtimestamp(run.info.start_time / 1000, UTC) > LONGEST:
        return (
            f"host {tags.get('host', 'unknown')} reported no end within {LONGEST.days} days; marked"
            " as killed"
        )
    return None


def _end(client: Any, run: Any, why: str) -> None:
    # The status last: until it is set, the next command finds the run again.
    client.set_tag(run.info.run_id, GIVEN_UP, why)
    client.update_run(run.info.run_id, name=run.info.run_name.replace("training", "killed", 1))
    client.set_terminated(run.info.run_id, "KILLED")
