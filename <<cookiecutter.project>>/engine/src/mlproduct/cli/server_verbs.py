"""``serve``, ``up``, ``down``, ``status`` and ``notify``: servers, state and notifications."""

import json
import os
from argparse import Namespace
from pathlib import Path

from ..clock import today
from ..console import coloured, heading, line, say
from ..errors import ProductError
from ..in_use import using
from .data_verbs import near
from .doctor import refuse_damaged_files
from .project import Project

__all__ = ["down", "notify", "serve", "status", "up"]


def up(options: Namespace, project: Project) -> int:
    """Starts the servers, a worker and the service on this machine."""
    from .servers import up as starting

    refuse_damaged_files(project.settings)
    heading("Starting the servers, each when the previous one is ready.")
    hint = ""
    for one in starting(
        project, {"prefect": options.prefect, "mlflow": options.mlflow, "service": options.service}
    ):
        line(one.name, f"{one.url:<24}  log: {near(Path(one.log))}")
        if one.name == "prefect":
            hint = (
                f"  export PREFECT_API_URL={one.url}/api       only for the command prefect; the"
                " product's own commands do not need it"
            )
    say()
    say("All servers are running, and the schedules are active.")
    if hint:
        say(hint)
    say("  make down       stops these servers and no others")
    return 0


def down(options: Namespace, project: Project) -> int:
    """Stops what ``up`` started for this folder, and nothing else."""
    from .servers import down as ending
    from .servers import of_another_folder

    others = of_another_folder(project.settings)  # before ending(), which deletes the list
    for one in ending(project.settings):
        line(one.name, "stopped")
    for one in others:
        line(
            one.name,
            f"not stopped: {one.url} was started for the folder of which this one is a copy",
        )
    say("Nothing that up started for this folder is running on this machine.")
    return 0


def status(options: Namespace, project: Project) -> int:
    """Prints the state of the product. The exit code is 1 if there is a problem, for scripts."""
    from .status import status_of

    found = status_of(project, today())
    if options.json:
        say(json.dumps(found.to_json(), indent=1))
    else:
        for name, text in found.lines():
            line(name, coloured(text, "red") if name == "wrong" and found.wrong else text)
    return ProductError.exit_code if found.wrong else 0


def notify(options: Namespace, project: Project) -> int:
    """Creates the automations in Prefect that send notifications."""
    from ..tasks.notifications import arrange

    for name in arrange(project.product, project.flows):
        line("notify", name)
    say(f"  Remove them in Prefect under Automations. After a change, run: {project.call} notify")
    return 0


def serve(options: Namespace, project: Project) -> int:
    """Serves predictions over HTTP until it is stopped."""
    # Read when scikit-learn is imported, so set before. One row is too little work for two threads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from ..service.options import ServiceSettings
    from ..service.server import run

    # Before the team's files are read: none of them may be replaced from here on.
    with using(project.settings.var):
        # Only at the start: a running service keeps its last good model if a file is damaged later.
        refuse_damaged_files(project.settings)
        return run(
            project.product,
            project.settings,
            ServiceSettings.from_environment(options.host, options.port),
        )
