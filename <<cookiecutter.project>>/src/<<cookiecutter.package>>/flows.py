"""What runs, and in which order: the README's diagram as code.

Add a step of your own where it belongs: a function with ``@step``, called between two of these
lines. The gate refuses a training that changes the split, evaluates on other rows than the holdout,
or brings a model from elsewhere.
"""

from datetime import date

from mlproduct import tasks
from mlproduct.tasks import State, flow

from .product import product

__all__ = ["approve", "expire", "label", "monitor", "reject", "rollback", "score", "train"]


@flow(product, "train", run_name="train, {cause}")
def train(cause: str = "by hand", source: str | None = None) -> State:
    """Trains, judges, and registers what is good enough.

    Args:
        cause: Why this training runs; kept with the run.
        source: A path that takes the place of the source in config/pipeline.yaml.
    """
    with tasks.training_run(product, cause, source) as run:
        rows = tasks.ingest(run)
        split = tasks.split(run, rows)
        document = tasks.judge_data(run, rows, split)
        if document.allows_training:
            model = tasks.search(run, split.training)
            measurements = tasks.evaluate(run, model, split.holdout)
            document = tasks.judge(run, document, measurements)
        tasks.record(run, document)
        registered = tasks.register(run, document)
    return tasks.completed(registered)


@flow(product, "score")
def score(
    day: date | None = None,
    start: date | None = None,
    end: date | None = None,
    shadow: bool | None = None,
) -> State:
    """Scores the rows of a day, or of every day that is missing, with the champion.

    Args:
        day: Today if nothing is given.
        start: With ``end``: every day from one to the other that was not finished before.
        end: The last of several days.
        shadow: Whether the challenger scores the same rows; config/scoring.yaml says so otherwise.
    """
    context = tasks.scoring_context(product, shadow)
    days = tasks.days_to_score(context, day, start, end)
    scored = tasks.score(context, days)
    return tasks.completed(scored)


@flow(product, "label")
def label(day: date | None = None, file: str | None = None) -> State:
    """Records the labels of a day at the configured source, or those of a file.

    Args:
        day: Today if left out.
        file: A delivery that takes the place of the source in config/scoring.yaml.
    """
    context = tasks.label_context(product)
    delivery = tasks.record_labels(context, day, file)
    return tasks.completed(delivery)


@flow(product, "expire")
def expire() -> State:
    """Deletes what is older than config/scoring.yaml allows."""
    context = tasks.label_context(product)
    erased = tasks.expire(context)
    return tasks.completed(erased)


@flow(product, "monitor")
def monitor(day: date | None = None) -> State:
    """Compares the last days with what the champion was judged on, decides, and asks for a
    retraining if it helps.

    Args:
        day: The last day of the window; today if left out.
    """
    context = tasks.monitoring_context(product, day)
    report = tasks.monitoring_report(context)
    decision = tasks.decide(context, report)
    monitored = tasks.record_monitoring(context, report, decision)
    return tasks.completed(monitored)


@flow(product, "approve", run_name="approve {version}")
def approve(version: str, by: str, because: str, despite: list[str] | None = None) -> State:
    """Makes a version the champion; the run fails, and says why, where the gate refuses.

    Args:
        version: The number of the version, as MLflow shows it.
        by: Who approves.
        because: Why, for those who read it in a year.
        despite: The ids of criteria that are undecided and are taken on.
    """
    entry = tasks.approve(product, version, by=by, because=because, despite=despite)
    return tasks.completed(entry)


@flow(product, "reject", run_name="reject {version}")
def reject(version: str, by: str, because: str) -> State:
    """Keeps a version out for good.

    Args:
        version: The number of the version, as MLflow shows it.
        by: Who rejects.
        because: Why, for those who read it in a year.
    """
    entry = tasks.reject(product, version, by=by, because=because)
    return tasks.completed(entry)


@flow(product, "rollback")
def rollback(by: str, because: str, to: str | None = None) -> State:
    """Brings back an earlier champion.

    Args:
        by: Who rolls back.
        because: Why, for those who read it in a year.
        to: The number of an earlier champion; the last one if left out.
    """
    entry = tasks.rollback(product, by=by, because=because, to=to)
    return tasks.completed(entry)
