"""``up``, ``down``, ``status`` and ``notify``: the servers on this machine, how all stands, who is told of what."""

import json
from argparse import Namespace
from pathlib import Path

from ..clock import today
from ..config import Settings
from ..console import coloured, heading, line, say
from ..errors import ProductError
from . import CALL
from .care import refuse_damaged_files
from .data import near

__all__ = ["down", "notify", "status", "up"]


def up(options: Namespace, settings: Settings) -> int:
    from ..servers import up as starting

    refuse_damaged_files(settings)
    heading("Starting, each when the one before it is ready.")
    told = ""
    for one in starting(settings, {"prefect": options.prefect, "mlflow": options.mlflow, "service": options.service}):
        line(one.name, f"{one.url:<24}  log: {near(Path(one.log))}")
        if one.name == "prefect":
            told = f"  export PREFECT_API_URL={one.url}/api       for Prefect's own command; ours find it"
    say()
    say("Everything is up; schedules run from now on.")
    if told:
        say(told)
    say("  make down       ends exactly these")
    return 0


def down(options: Namespace, settings: Settings) -> int:
    from ..servers import down as ending
    from ..servers import of_another_folder

    others = of_another_folder(settings)
    for one in ending(settings):
        line(one.name, "ended")
    for one in others:
        line(one.name, f"left alone: {one.url} was started for the folder that this one is a copy of")
    say("Nothing that was started for this folder runs on this machine now.")
    return 0


def status(options: Namespace, settings: Settings) -> int:
    """1 where something is wrong, so that a script can ask."""
    from ..status import status_of

    found = status_of(settings, today())
    if options.json:
        say(json.dumps(found.to_json(), indent=1))
    else:
        for name, text in found.lines():
            line(name, coloured(text, "red") if name == "wrong" and found.wrong else text)
    return ProductError.exit_code if found.wrong else 0


def notify(options: Namespace, settings: Settings) -> int:
    from ..flows.notifications import arrange

    for name in arrange():
        line("notify", name)
    say(f"  Undo it in Prefect, under Automations. Again after a change: {CALL} notify")
    return 0
