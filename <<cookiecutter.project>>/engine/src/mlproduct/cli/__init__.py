"""The verbs: what a person, the Makefile or a scheduler calls.

Each verb is a function of its arguments and the settings that returns an exit code; what it needs
is imported when it runs, so that ``--help`` answers at once. Exit codes: 0 done, promoted or ready,
2 usage or configuration, 3 refused by the gate, 4 invalid data, 1 something broke or, of
``status``, is wrong.
"""

import argparse
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from ..config.settings import Settings
from ..console import error
from ..errors import ConfigError, ProductError
from ..permissions import keep_private
from ..redaction import redacted
from . import (
    data_verbs,
    doctor,
    monitoring_verbs,
    prediction_verbs,
    release_verbs,
    server_verbs,
    training_verbs,
)
from .project import Project

__all__ = ["main"]

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


def main(package: str, arguments: Sequence[str] | None = None) -> int:
    """The exit code of one verb on the product in ``package``, the name of the team's package.

    A mistake a person can make ends in a message, not in a traceback. ``arguments`` are those of
    the command line if left out.
    """
    options = parser(package).parse_args(arguments)
    try:
        settings = Settings.from_environment()
        _only_own_code(package, settings)
        if not options.only_reads:
            keep_private(settings.var)
        return _run(options, Project(package, settings))
    except ProductError as problem:
        error(problem)
        return problem.exit_code
    except KeyboardInterrupt:
        error(ProductError("stopped by hand; nothing was promoted"))
        return 130
    except BrokenPipeError:  # the reader of our output, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _only_own_code(package: str, settings: Settings) -> None:
    """Refuses to run the code of one product's folder on another's, as the environment of a copied
    folder might.
    """
    engine = Path(__file__).resolve().parent.parent
    found = importlib.util.find_spec(package)
    team = Path(str(found.origin)).resolve().parent if found else None
    for code, own in (
        (team, settings.root / "src" / package),
        (engine, settings.root / "engine" / "src" / engine.name),
    ):
        if code and code.parent.name == "src" and own.is_dir() and own.resolve() != code:
            raise ConfigError(
                f"this is the code of {code.parent.parent}, and it would work on {settings.root} –"
                " a product is run by its own code – activate the environment of that folder, or"
                " call make there"
            )


def _run(options: argparse.Namespace, project: Project) -> int:
    settings = project.settings
    try:
        quiet(settings)
        if not options.only_reads:
            Path(os.environ["PREFECT_HOME"]).mkdir(
                parents=True, exist_ok=True
            )  # Prefect itself makes no parents
        return int(options.verb(options, project))
    except (ProductError, BrokenPipeError):
        raise
    except (
        Exception
    ) as broken:  # nobody's mistake that we know of: a line for the person, the rest for a file
        raise ProductError(
            f"{type(broken).__name__}: {broken} – see {_kept(broken, settings)}"
        ) from broken


def _kept(broken: Exception, settings: Settings) -> Path:
    """Where the traceback was written to."""
    path = settings.var / "last-error.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(redacted("".join(traceback.format_exception(broken))), encoding="utf-8")
    return path


def quiet(settings: Settings) -> None:
    """Environment for what we start: no telemetry, Prefect's files under var/, its chatter off, the
    server of ``up``.

    Prefect's temporary server may take longer to start on a busy machine than its own limit allows.
    """
    defaults = {
        **TELEMETRY_OFF,
        "PREFECT_HOME": str(settings.var / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        # Seven processes that evaluate language models.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    if (settings.var / "up").is_dir() and (server := _server_of_up(settings)):
        os.environ.setdefault("PREFECT_API_URL", server)


def _server_of_up(settings: Settings) -> str | None:
    """The address of the Prefect server that ``up`` started for this folder and that still runs."""
    from .servers import running

    return next((f"{one.url}/api" for one in running(settings) if one.name == "prefect"), None)


def parser(package: str) -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog=f"python -m {package}", description="Train, judge and release."
    )
    verbs = root.add_subparsers(required=True, metavar="VERB")
    _training_verbs(verbs)
    _criteria_verbs(verbs)
    _release_verbs(verbs)
    _prediction_verbs(verbs)
    _monitoring_verbs(verbs)
    _serving_verbs(verbs)
    _data_verbs(verbs)
    _care_verbs(verbs)
    return root


Verbs = argparse._SubParsersAction  # its public name is the return value of add_subparsers


def _verb(
    verbs: "Verbs[argparse.ArgumentParser]",
    name: str,
    run: object,
    says: str,
    alias: str | None = None,
) -> argparse.ArgumentParser:
    """The parser of one verb; ``alias`` is the name that it had in an earlier release."""
    verb = verbs.add_parser(name, help=says, description=says, aliases=[alias] if alias else [])
    verb.set_defaults(verb=run, only_reads=False)
    return verb


def _training_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    train = _verb(
        verbs, "train", training_verbs.train, "Train, judge, and register what is good enough."
    )
    train.add_argument(
        "--source",
        metavar="PATH",
        help="train on this instead of the source in config/pipeline.yaml",
    )
    train.add_argument(
        "--cause", default="by hand", help="why this training runs; kept with the run"
    )
    story = _verb(verbs, "demo", _demo, "Live through twelve weeks on sample data.")
    story.add_argument(
        "--folder", type=Path, default=Path("var/demo"), help="where to (var/demo, made afresh)"
    )


def _demo(options: argparse.Namespace, project: Project) -> int:
    from ..demo.story import demo  # brings its world along, tables and all

    return demo(options, project)


def _criteria_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    file = verbs.add_parser("criteria", help="Read or check product/success_criteria.yaml.")
    inner = file.add_subparsers(required=True, metavar="VERB")
    _verb(inner, "explain", training_verbs.explain, "The criteria as plain sentences.")
    _verb(
        inner, "check", training_verbs.check, "Every mistake of the criteria file, with its line."
    )


def _release_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    approve = _verb(verbs, "approve", release_verbs.approve, "Make a version the champion.")
    approve.add_argument("version")
    approve.add_argument(
        "--despite",
        action="append",
        default=[],
        metavar="CRITERION",
        help=(
            "take on a criterion that is undecided, by its id ('review' for a concern about the"
            " criteria themselves)"
        ),
    )
    reject = _verb(
        verbs, "reject", release_verbs.reject, "Say no to a version; it stays out for good."
    )
    reject.add_argument("version")
    rollback = _verb(
        verbs, "rollback", release_verbs.rollback, "Bring back the champion before this one."
    )
    rollback.add_argument("--to", metavar="VERSION", help="an earlier champion than the last one")
    for verb in (approve, reject, rollback):
        verb.add_argument("--by", required=True, metavar="NAME", help="who decides")
        verb.add_argument(
            "--because",
            required=True,
            metavar="REASON",
            help="why, for those who read it in a year",
        )
    history = _verb(
        verbs, "history", release_verbs.history, "Who made which model the champion, when and why."
    )
    history.add_argument(
        "--on", metavar="DATE", help="which model was champion on this day, as 2026-11-24"
    )
    verify = _verb(
        verbs, "verify", release_verbs.verify, "Compute a verdict again and compare every digest."
    )
    verify.add_argument(
        "what", nargs="?", help="a version, or a decision.json; all versions if left out"
    )


def _prediction_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    score = _verb(
        verbs,
        "score",
        prediction_verbs.score,
        "Score a day, or every day that is missing, by the champion.",
    )
    score.add_argument("--day", metavar="DATE", help="as 2026-11-24; today if left out")
    _range(score)
    score.add_argument(
        "--shadow",
        action=argparse.BooleanOptionalAction,
        help=(
            "let the challenger score the same rows, or not; config/scoring.yaml says so otherwise"
        ),
    )
    label = _verb(
        verbs,
        "label",
        prediction_verbs.label,
        "Take in labels: what came true of what was predicted.",
    )
    label.add_argument(
        "file", nargs="?", metavar="FILE", help="the source in config/scoring.yaml if left out"
    )
    label.add_argument(
        "--day", metavar="DATE", help="the day of the configured source; today if left out"
    )
    coverage = _verb(
        verbs,
        "coverage",
        prediction_verbs.coverage,
        "How many predictions of each day have a label by now.",
    )
    _range(coverage)
    forget = _verb(
        verbs,
        "forget",
        prediction_verbs.forget,
        "Erase a subject from predictions, labels and quarantine.",
    )
    forget.add_argument("key", metavar="KEY", help="the subject's key")
    forget.add_argument(
        "--by", required=True, metavar="NAME", help="who erases; kept, without the key"
    )
    _verb(
        verbs,
        "expire",
        prediction_verbs.expire,
        "Delete what is older than keep_days in config/scoring.yaml.",
    )


def _monitoring_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    monitor = _verb(
        verbs,
        "monitor",
        monitoring_verbs.monitor,
        "Look at the last days: alarms, the criteria, a decision.",
    )
    monitor.add_argument(
        "--day", metavar="DATE", help="the last day of the window; today if left out"
    )
    decisions = _verb(
        verbs,
        "decisions",
        monitoring_verbs.decisions,
        "What monitoring decided, when and why.",
        alias="ledger",
    )
    decisions.add_argument(
        "--last", type=int, default=30, metavar="N", help="how many decisions to show"
    )


def _serving_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    serve = _verb(verbs, "serve", server_verbs.serve, "Answer requests for predictions over HTTP.")
    serve.add_argument(
        "--host", default="127.0.0.1", help="another address needs SERVICE_API_KEYS (127.0.0.1)"
    )
    serve.add_argument("--port", type=int, default=8000, help="0 for any free one (8000)")
    up = _verb(
        verbs, "up", server_verbs.up, "Start the servers, a worker and the service on this machine."
    )
    for name, port in (("prefect", 4200), ("mlflow", 5000), ("service", 8000)):
        up.add_argument(
            f"--{name}",
            type=int,
            default=port,
            metavar="PORT",
            help=f"another one where {port} is taken",
        )
    _verb(verbs, "down", server_verbs.down, "End what up started, and nothing else.")
    status = _verb(
        verbs,
        "status",
        server_verbs.status,
        "How all stands, in ten lines; 1 where something is wrong.",
    )
    status.add_argument("--json", action="store_true", help="the same as one JSON object")
    status.set_defaults(only_reads=True)
    _verb(
        verbs,
        "notify",
        server_verbs.notify,
        "Arrange who is told of failures, versions that wait and retrainings.",
    )


def _range(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--from", dest="first", metavar="DATE", help="the first of several days")
    verb.add_argument("--to", dest="last", metavar="DATE", help="the last of them")


def _data_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    sample = _verb(verbs, "sample", data_verbs.sample, "Write synthetic data to begin with.")
    sample.add_argument("--rows", type=int, default=None)
    sample.add_argument("--seed", type=int, default=7)
    sample.add_argument("--until", metavar="DATE", help="the newest row's day; today if left out")
    sample.add_argument(
        "--drift",
        type=float,
        default=0.0,
        help="standard deviations by which inputs move in a year",
    )
    sample.add_argument("--dirty", type=float, default=None, help="share of rows that break a rule")
    sample.add_argument(
        "--shuffle-labels",
        action="store_true",
        help="cut the answers loose, to see the gate refuse",
    )
    sample.add_argument(
        "--scoring",
        action="store_true",
        help="the rows of one day to be scored instead, and their labels a week later",
    )
    _named_file(
        sample,
        ".parquet or .csv; the source in config/pipeline.yaml, under var/sample/, if left out",
    )
    quarantine = verbs.add_parser(
        "quarantine", help="Rows that were not accepted: list, show, export, replay."
    )
    inner = quarantine.add_subparsers(required=True, metavar="VERB")
    _verb(inner, "list", data_verbs.quarantine_list, "Every run that kept rows back.")
    show = _verb(
        inner, "show", data_verbs.quarantine_show, "Which rows of a run, and which rule each broke."
    )
    export = _verb(
        inner, "export", data_verbs.quarantine_export, "The rows of a run as CSV, to repair them."
    )
    replay = _verb(
        inner,
        "replay",
        data_verbs.quarantine_replay,
        "Validate again; the next training gets what passes.",
    )
    for verb in (show, export, replay):
        verb.add_argument("run")
    show.add_argument("--rows", type=int, default=20, help="how many to show")
    _named_file(export, "the CSV to write", required=True)
    replay.add_argument("--repaired", type=Path, metavar="FILE", help="the exported CSV, repaired")


def _named_file(verb: argparse.ArgumentParser, what: str, *, required: bool = False) -> None:
    """Two ways to name a file to write: ``--to`` a new one, ``--overwrite`` one that may be
    there.
    """
    named = verb.add_mutually_exclusive_group(required=required)
    named.add_argument("--to", type=Path, metavar="FILE", help=what)
    named.add_argument(
        "--overwrite", type=Path, metavar="FILE", help="as --to; a file that is there is replaced"
    )


def _care_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    _verb(
        verbs, "doctor", doctor.doctor, "Check everything that has to be right before a training."
    )
    review = _verb(verbs, "review", doctor.review, "Open MLflow on this product's runs.")
    review.add_argument("--port", type=int, default=0, help="a free one if left out")
