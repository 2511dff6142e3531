"""``train``, ``criteria explain`` and ``criteria check``, and the verdict as text."""

from argparse import Namespace
from typing import TYPE_CHECKING

from ..console import coloured, heading, say
from ..errors import Refused
from ..escaping import escaped
from ..gate.criteria import Decision
from ..scorecard.terminal import result_lines
from .project import Project

if TYPE_CHECKING:
    from ..tasks.training import Registered

from ..clock import today
from ..errors import ConfigError
from ..gate.criteria import read_criteria
from ..redaction import redacted

__all__ = ["check", "explain", "run_training", "show_verdict", "train"]


def train(options: Namespace, project: Project) -> int:
    """Runs a training and prints its verdict. The exit code is 3 if the model is not ready."""
    registered = run_training(project, options.cause, options.source)
    show_verdict(project, registered)
    return 0 if registered.document.decision.is_ready else Refused.exit_code


def run_training(project: Project, cause: str, source: str | None) -> "Registered":
    """The result of the training flow; a failure is raised without Prefect's wrapper."""
    from ..tasks.local_runner import run_locally

    heading(escaped(f"{project.product.name}, training {cause}"))
    registered: Registered = run_locally(project.flows.train, cause=cause, source=source).result()
    return registered


def show_verdict(project: Project, registered: "Registered") -> None:
    """Prints the result of each criterion, the verdict and the next commands."""
    document = registered.document
    colour = {Decision.READY: "green", Decision.BLOCKED: "red"}.get(document.decision, "yellow")
    say()
    model = document.verdict.results if document.model else ()
    for text in result_lines((*document.data_verdict.results, *model)):
        say(text)
    if document.problem:
        say(f"  The evaluation failed: {escaped(document.problem)}")
    say()
    say(f"{coloured(document.decision.value.upper(), colour)}  {_what_became_of_it(registered)}")
    say(f"  scorecard   {project.call} review")
    if document.decision is Decision.BLOCKED:
        return
    if document.criteria.draft:
        say("  next        correct product/success_criteria.yaml, remove draft: true, train again")
    elif not registered.promoted:
        say(
            f"  approve     {project.call} approve {registered.version} --by NAME --because"
            f" REASON{_despite(registered)}"
        )


def _what_became_of_it(registered: "Registered") -> str:
    if registered.promoted:
        return f"Version {registered.version} is the champion."
    if registered.version is None:
        blocked_by = ", ".join(map(escaped, registered.document.blocked_by))
        return f"by {blocked_by}. Not registered. The champion does not change."
    if registered.document.criteria.draft:
        return (
            f"Version {registered.version} is registered, and cannot be approved: the criteria are"
            " a draft."
        )
    if registered.document.decision.is_ready:
        return f"Version {registered.version} is the challenger and waits for approval."
    return (
        f"Version {registered.version} is registered. It can be approved only if a named person"
        " accepts the open risks."
    )


def _despite(registered: "Registered") -> str:
    from ..registry.release_checks import doubts

    return "".join(f" --despite {each}" for each in doubts(registered.document))


def explain(options: Namespace, project: Project) -> int:
    """Prints the success criteria as plain sentences."""
    from ..scorecard.criteria_text import explain

    criteria = read_criteria(project.settings.criteria_file)
    say(escaped(explain(criteria, project.product.problem), keep="\n"))
    return 0


def check(options: Namespace, project: Project) -> int:
    """Prints every mistake in the criteria file, and the warnings. The exit code is 2 if there is a
    mistake.
    """
    from ..scorecard.criteria_check import check_file

    path = project.settings.criteria_file
    checked = check_file(path, project.product.columns, on=today())
    for text in (*checked.mistakes, *checked.warnings):
        say(escaped(redacted(text)))
    if checked.mistakes:
        return ConfigError.exit_code
    criteria = checked.criteria
    say(f"{path}: {len(criteria.criteria)} criteria, {len(criteria.data)} on the data, no mistakes")
    return 0
