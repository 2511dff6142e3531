"""``up``, ``down``, ``status`` and ``notify``: the servers on this machine, how all stands, who is
told of what.
"""

import json
import os
from argparse import Namespace
from pathlib import Path

from ..clock import today
from ..console import coloured, heading, line, say
from ..errors import ProductError
from .data_verbs import near
from .doctor import refuse_damaged_files
from .project import Project

__all__ = ["down", "notify", "serve", "status", "up"]


def up(options: Namespace, project: Project) -> int:
    from .servers import up as starting

    refuse_damaged_files(project.settings)
    heading("Starting, each when the one before it is ready.")
    hint = ""
    for one in starting(
        project, {"prefect": options.prefect, "mlflow": options.mlflow, "service": options.service}
    ):
        line(one.name, f"{one.url:<24}  log: {near(Path(one.log))}")
        if one.name == "prefect":
            hint = (
                f"  export PREFECT_API_URL={one.url}/api       for Prefect's own command; ours find"
                " it"
            )
    say()
    say("Everything is up; schedules run from now on.")
    if hint:
        say(hint)
    say("  make down       ends exactly these")
    return 0


def down(options: Namespace, project: Project) -> int:
    from .servers import down as ending
    from .servers import of_another_folder

    others = of_another_folder(project.settings)
    for one in ending(project.settings):
        line(one.name, "ended")
    for one in others:
        line(
            one.name, f"left alone: {one.url} was started for the folder that this one is a copy of"
        )
    say("Nothing that was started for this folder runs on this machine now.")
    return 0


def status(options: Namespace, project: Project) -> int:
    """1 where something is wrong, so that a script can ask."""
    from .status import status_of

    found = status_of(project, today())
    if options.json:
        say(json.dumps(found.to_json(), indent=1))
    else:
        for name, text in found.lines():
            line(name, coloured(text, "red") if name == "wrong" and found.wrong else text)
    return ProductError.exit_code if found.wrong else 0


def notify(options: Namespace, project: Project) -> int:
    from ..tasks.notifications import arrange

    for name in arrange(project.product, project.flows):
        line("notify", name)
    say(f"  Undo it in Prefect, under Automations. Again after a change: {project.call} notify")
    return 0


def serve(options: Namespace, project: Project) -> int:
    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # read when scikit-learn is imported; a row is too little to share
    from ..service.options import ServiceSettings
    from ..service.server import run

    refuse_damaged_files(project.settings)  # while it serves, the last good model stays
    return run(
        project.product,
        project.settings,
        ServiceSettings.from_environment(options.host, options.port),
    )
