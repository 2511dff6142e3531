"""``train``, and how a verdict looks on the screen."""

from argparse import Namespace
from typing import TYPE_CHECKING

from .. import PRODUCT
from ..config import Settings
from ..console import coloured, heading, result_lines, say
from ..criteria import Decision
from ..errors import Refused
from ..escaping import escaped
from . import CALL

if TYPE_CHECKING:
    from ..flows.orders import Registered

__all__ = ["run_training", "show_verdict", "train"]


def train(options: Namespace, settings: Settings) -> int:
    registered = run_training(options.cause, options.source)
    show_verdict(registered)
    return 0 if registered.document.decision.is_ready else Refused.exit_code


def run_training(cause: str, source: str | None) -> "Registered":
    """What the training flow came to; Prefect's own wrapping of what broke is taken off."""
    from ..flows.here import run_here
    from ..flows.training import train as flow

    heading(escaped(f"{PRODUCT}, training {cause}"))
    registered: Registered = run_here(flow, cause=cause, source=source).result()
    return registered


def show_verdict(registered: "Registered") -> None:
    """The criteria, the verdict, and where to look next."""
    document = registered.document
    colour = {Decision.READY: "green", Decision.BLOCKED: "red"}.get(document.decision, "yellow")
    say()
    model = document.verdict.results if document.model else ()
    for text in result_lines((*document.data_verdict.results, *model)):
        say(text)
    if document.problem:
        say(f"  The evaluation broke off: {escaped(document.problem)}")
    say()
    say(f"{coloured(document.decision.value.upper(), colour)}  {_what_became_of_it(registered)}")
    say(f"  scorecard   {CALL} review")
    if document.decision is Decision.BLOCKED:
        return
    if not registered.promoted:
        say(f"  approve     {CALL} approve {registered.version} --by NAME --because REASON{_despite(registered)}")


def _what_became_of_it(registered: "Registered") -> str:
    if registered.promoted:
        return f"version {registered.version} is the champion."
    if registered.version is None:
        return "Not registered; the champion stays as it is."
    if registered.document.decision.is_ready:
        return f"Version {registered.version} is the challenger and waits for approval."
    return f"Version {registered.version} is registered, no challenger: a named person has to take on what is open."


def _despite(registered: "Registered") -> str:
    from ..stores.release_checks import doubts

    return "".join(f" --despite {each}" for each in doubts(registered.document))
