"""What runs, and in which order: the README's diagram as code.

Add a step of your own where it belongs: a function with ``@step``, called between two of these
lines. The gate refuses a training that changes the split, evaluates on other rows than the holdout,
or brings a model from elsewhere.
"""

from mlproduct import tasks
from mlproduct.tasks import State, flow, form

from .product import product

__all__ = ["approve", "expire", "label", "monitor", "reject", "rollback", "score", "train"]


@flow(product, "train", run_name="train, {cause}")
def train(cause: form.Cause = "by hand", source: form.Source = None) -> State:
    """Trains a model, judges it, and registers it if it is good enough."""
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
    day: form.Day = None,
    start: form.FirstDay = None,
    end: form.LastDay = None,
    shadow: form.Shadow = None,
) -> State:
    """Scores the rows of a day, or of every unfinished day of a range, with the champion."""
    context = tasks.scoring_context(product, shadow)
    days = tasks.days_to_score(context, day, start, end)
    scored = tasks.score(context, days)
    return tasks.completed(scored)


@flow(product, "label")
def label(day: form.Day = None, file: form.Delivery = None) -> State:
    """Records the labels of a day from the configured source, or those of a file."""
    context = tasks.label_context(product)
    delivery = tasks.record_labels(context, day, file)
    return tasks.completed(delivery)


@flow(product, "expire")
def expire() -> State:
    """Deletes data older than keep_days in config/scoring.yaml."""
    context = tasks.label_context(product)
    erased = tasks.expire(context)
    return tasks.completed(erased)


@flow(product, "monitor")
def monitor(day: form.Day = None) -> State:
    """Compares the last days with the reference, decides, and requests a retraining if needed."""
    context = tasks.monitoring_context(product, day)
    report = tasks.monitoring_report(context)
    decision = tasks.decide(context, report)
    monitored = tasks.record_monitoring(context, report, decision)
    return tasks.completed(monitored)


@flow(product, "approve", run_name="approve {version}")
def approve(
    version: form.Version, by: form.Person, because: form.Reason, despite: form.Risks = None
) -> State:
    """Makes a version the champion. The run fails with the reason if the gate refuses."""
    entry = tasks.approve(product, version, by=by, because=because, despite=despite)
    return tasks.completed(entry)


@flow(product, "reject", run_name="reject {version}")
def reject(version: form.Version, by: form.Person, because: form.Reason) -> State:
    """Excludes a version permanently."""
    entry = tasks.reject(product, version, by=by, because=because)
    return tasks.completed(entry)


@flow(product, "rollback")
def rollback(by: form.Person, because: form.Reason, to: form.EarlierVersion = None) -> State:
    """Makes an earlier champion the champion again."""
    entry = tasks.rollback(product, by=by, because=because, to=to)
    return tasks.completed(entry)
