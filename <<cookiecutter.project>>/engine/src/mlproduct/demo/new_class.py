"""The week after the story, for products that adopt classes: the labels are of a new class.

The rows that changed are now given to a class that the schema does not list, also those of earlier
weeks. Their labels are quarantined and raise an alarm. The team adds the class to the schema,
replays the quarantine, and trains a model that knows the class.
"""

import importlib
import inspect
from dataclasses import replace
from typing import Any

import pandera.pandas as pa

from ..cli.project import Project
from ..gate.criteria import Result
from ..product import Product
from .rehearsal import BREAK
from .story import Story, came_true

__all__ = ["adopts_new_class", "shows_new_class", "with_class"]


def shows_new_class(product: Product) -> bool:
    """Whether the demo of the product has this week: its ``sample`` has rows of a new class."""
    return (
        product.problem.adopts_classes
        and product.sample is not None
        and "new_class" in inspect.signature(product.sample).parameters
    )


def with_class(product: Product, name: str) -> Product:
    """The product whose schema lists the class ``name`` as well."""
    target = str(product.columns.target)
    known = product.columns.known_values[target]
    classes = pa.Check.isin([*known, type(known[0])(name)])
    return replace(product, labelled=_with_rule(product.labelled, target, classes))


def _with_rule(schema: type[pa.DataFrameModel], column: str, rule: pa.Check) -> Any:
    # A model, because a product has one; Pandera changes the rules of schemas only.
    class Changed(schema):
        @classmethod
        def to_schema(cls) -> Any:
            return schema.to_schema().update_column(column, checks=rule)

    return Changed


def adopts_new_class(story: Story, week: int) -> None:
    """Lives through the week: alarm, new schema, replay, training and release."""
    story.world = replace(story.world, new_class=True)
    story.dawns(week)
    story.world.sends_rows(week)
    name, count = _labels(story, week)
    story.scores(week)
    unseen = story.monitors().report.unseen
    came_true(unseen is not None and unseen.alarm, f"the labels of {name} should raise an alarm")
    _adopts(story, name)
    _replays(story, week, count)
    monitored = story.monitors()
    came_true(monitored.report.unseen is None, f"{name} should not raise an alarm any more")
    came_true(
        monitored.decision.action == "retrain",
        f"the champion does not know {name}, but the decision is: {monitored.decision.action}",
    )
    _trains(story, name)


def _labels(story: Story, week: int) -> tuple[str, int]:
    """Delivers the labels of all weeks since the change; the new class and its quarantined rows."""
    from ..tasks.local_runner import run_locally

    story.world.sends_labels(week, *range(BREAK, week))
    came = run_locally(story.project.flows.label).result()
    story.line.tells("label", f"weeks {BREAK} to {week - 1}, with a new class: {came.counts}")
    unseen = came.unseen or {}
    came_true(
        len(unseen) == 1, f"the labels should have one new class, they have {', '.join(unseen)}"
    )
    ((name, count),) = unseen.items()
    return name, count


def _adopts(story: Story, name: str) -> None:
    """Continues the story with a product whose schema lists the class."""
    project = story.project
    wider = with_class(project.product, name)
    # As if the team had edited schemas.py: the flows and the commands use the product of these.
    for module in ("product", "flows"):
        vars(importlib.import_module(f"{project.package}.{module}")).update(product=wider)
    story.project = Project(project.package, project.settings)
    story.world = replace(story.world, project=story.project)
    story.line.tells("schema", f"schemas.py lists the {wider.columns.target} {name} (simulated)")


def _replays(story: Story, week: int, count: int) -> None:
    from ..tasks.labelling import label_context, replay_labels

    run = f"labels-{story.world.day(week)}"
    replayed = replay_labels(label_context(story.project.product), run)
    story.line.tells(
        "replay",
        f"quarantine of {run}: {replayed.accepted:,} rows pass now and are recorded as labels;"
        f" {replayed.left:,} stay quarantined",
    )
    # Not all of them: a few of these rows break another rule as well, or are repeated.
    came_true(
        0.98 * count < replayed.accepted <= count,
        f"most of {count:,} labels should pass the replay, {replayed.accepted:,} do",
    )


def _trains(story: Story, name: str) -> None:
    """Trains a model that knows the class, and releases it."""
    columns = story.project.product.columns
    named = f"{columns.target} {name}"
    new = story.trains(f"new {named}", None)
    document = new.document
    known = document.model.classes if document.model else ()
    came_true(
        known == columns.of_target.class_names, f"the model should know {name}, it knows {known}"
    )
    came_true(
        document.decision.is_ready,
        f"the model with the {named} should be ready, it is {document.decision}",
    )
    for result in document.verdict.results:
        if result.criterion.by_class:
            _is_judged(story, result, name)
    story.approves(new, f"It knows the {named}.")
    story.reigns(str(new.version))
    story.verifies()


def _is_judged(story: Story, result: Result, name: str) -> None:
    """Shows a criterion with a result for each class; the new class has to be one of them."""
    came_true(
        name in [each.slice for each in result.slices],
        f"{result.criterion.id} should be judged for {name} as well",
    )
    of_each = ", ".join(
        f"{each.slice} {each.value:.2f}" for each in result.slices if each.value is not None
    )
    story.line.tells("verdict", f"{result.criterion.id}: {result.criterion.metric} of {of_each}")
