"""``criteria``: the product manager's file, read aloud and checked."""

from argparse import Namespace

from ..clock import today
from ..config import Settings, read_criteria
from ..console import say
from ..errors import ConfigError
from ..escaping import escaped

__all__ = ["check", "explain"]


def explain(options: Namespace, settings: Settings) -> int:
    from ..steps.metrics import METRICS
    from ..steps.sentences import explain

    say(escaped(explain(read_criteria(settings.criteria_file), METRICS), keep="\n"))
    return 0


def check(options: Namespace, settings: Settings) -> int:
    from ..columns import columns_of
    from ..schemas import Labelled
    from ..steps.metrics import METRICS
    from ..steps.sentences import problems

    criteria = read_criteria(settings.criteria_file)
    found = problems(criteria, columns_of(Labelled), METRICS, on=today())
    text = settings.criteria_file.read_text(encoding="utf-8")
    for problem in found:
        say(escaped(problem.in_words(settings.criteria_file, text), keep="\n"))
    mistakes = sum(not problem.note for problem in found)
    if mistakes:
        return ConfigError.exit_code
    say(f"{settings.criteria_file}: {len(criteria.criteria)} criteria, {len(criteria.data)} on the data, no mistake")
    return 0
