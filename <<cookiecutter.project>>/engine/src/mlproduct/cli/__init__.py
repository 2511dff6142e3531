"""The command line: the verbs that a person, the Makefile or a scheduler calls.

Each verb is a function of its arguments and the project, and returns an exit code. It imports what
it needs when it runs, so that ``--help`` is fast. Exit codes: 0 done, promoted or ready; 1 an
unexpected failure or, for ``status``, a problem; 2 usage or configuration; 3 refused by the gate;
4 invalid data, or a model that cannot be measured again.
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

# The opt-out variables of the libraries: a product sends no usage data.
TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


def main(package: str, arguments: Sequence[str] | None = None) -> int:
    """The exit code of one verb, run for the product of the team's package ``package``.

    A user's mistake results in a message and not in a traceback. Without ``arguments``, those of
    the command line are used.
    """
    options = parser(package).parse_args(arguments)
    try:
        settings = Settings.from_environment()
        _only_own_code(package, settings)  # first, because keep_private changes permissions
        if not options.only_reads:
            keep_private(settings.var)
        return _run(options, Project(package, settings))
    except ProductError as problem:
        error(problem)
        return problem.exit_code
    except KeyboardInterrupt:
        error(ProductError("stopped by hand; nothing was promoted"))
        return 130  # the shell's code for a process that SIGINT (2) ended: 128 + 2
    except BrokenPipeError:
        # The reader of the output, such as `head`, has closed the pipe. Without the redirection,
        # Python would fail again when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _only_own_code(package: str, settings: Settings) -> None:
    """Raises ConfigError if the code belongs to another product's folder.

    This can happen with a copied folder: its environment may still refer to the original.
    """
    engine = Path(__file__).resolve().parent.parent
    found = importlib.util.find_spec(package)
    team = Path(str(found.origin)).resolve().parent if found else None
    for code, own in (
        (team, settings.root / "src" / package),
        (engine, settings.root / "engine" / "src" / engine.name),
    ):
        # Only an editable install is in a folder src; an image installs into site-packages.
        if code and code.parent.name == "src" and own.is_dir() and own.resolve() != code:
            raise ConfigError(
                f"the code of {code.parent.parent} would run on the product in {settings.root} –"
                " expected the product's own code – activate the environment of"
                f" {settings.root}, or call make there"
            )


def _run(options: argparse.Namespace, project: Project) -> int:
    settings = project.settings
    try:
        quiet(settings)
        if not options.only_reads:
            # Prefect creates its folder, but not the parents.
            Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
        return int(options.verb(options, project))
    except (ProductError, BrokenPipeError):
        raise
    except Exception as broken:
        # Not a known mistake of a user: one line for the person, the traceback in a file.
        raise ProductError(
            f"{type(broken).__name__}: {broken} – see {_kept(broken, settings)}"
        ) from broken


def _kept(broken: Exception, settings: Settings) -> Path:
    """The file to which the traceback was written."""
    path = settings.var / "last-error.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(redacted("".join(traceback.format_exception(broken))), encoding="utf-8")
    return path


def quiet(settings: Settings) -> None:
    """Sets the environment of this process and its children; variables that are set are kept.

    No telemetry, Prefect's files under ``var/``, Prefect's log only from CRITICAL, and the Prefect
    server that ``up`` started, if there is one.
    """
    defaults = {
        **TELEMETRY_OFF,
        "PREFECT_HOME": str(settings.var / "prefect"),
        # On a busy machine the temporary server needs longer than Prefect's own limit.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        # MLflow would start seven processes that evaluate language models.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    if (settings.var / "up").is_dir() and (server := _server_of_up(settings)):
        os.environ.setdefault("PREFECT_API_URL", server)


def _server_of_up(settings: Settings) -> str | None:
    """The API address of the Prefect server of ``up`` for this folder, if that is running."""
    from .servers import running

    return next((f"{one.url}/api" for one in running(settings) if one.name == "prefect"), None)


def parser(package: str) -> argparse.ArgumentParser:
    """The parser of all verbs; ``package`` is the team's package, as it is called."""
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


# The type of what add_subparsers returns; argparse has no public name for it.
Verbs = argparse._SubParsersAction


def _verb(
    verbs: "Verbs[argparse.ArgumentParser]",
    name: str,
    run: object,
    says: str,
    alias: str | None = None,
) -> argparse.ArgumentParser:
    """The parser of one verb; ``alias`` is its name in an earlier release."""
    verb = verbs.add_parser(name, help=says, description=says, aliases=[alias] if alias else [])
    verb.set_defaults(verb=run, only_reads=False)
    return verb


def _training_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    train = _verb(
        verbs,
        "train",
        training_verbs.train,
        "Train, judge, and register a model that is good enough.",
    )
    train.add_argument(
        "--source",
        metavar="PATH",
        help="use this instead of the source in config/pipeline.yaml",
    )
    train.add_argument(
        "--cause", default="by hand", help="the reason for this training; stored with the run"
    )
    story = _verb(verbs, "demo", _demo, "Simulate twelve weeks on sample data.")
    story.add_argument(
        "--folder",
        type=Path,
        default=Path("var/demo"),
        help="the folder to use (var/demo); it is replaced",
    )


def _demo(options: argparse.Namespace, project: Project) -> int:
    from ..demo.command import demo  # imports pandas, which --help does not need

    return demo(options, project)


def _criteria_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    file = verbs.add_parser("criteria", help="Read or check product/success_criteria.yaml.")
    inner = file.add_subparsers(required=True, metavar="VERB")
    _verb(inner, "explain", training_verbs.explain, "Print the criteria as plain sentences.")
    _verb(inner, "check", training_verbs.check, "List every mistake in the criteria file.")


def _release_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    approve = _verb(verbs, "approve", release_verbs.approve, "Make a version the champion.")
    approve.add_argument("version")
    approve.add_argument(
        "--despite",
        action="append",
        default=[],
        metavar="CRITERION",
        help=(
            "accept an undecided criterion by its id ('review' accepts notes on the criteria"
            " themselves)"
        ),
    )
    reject = _verb(verbs, "reject", release_verbs.reject, "Exclude a version permanently.")
    reject.add_argument("version")
    rollback = _verb(
        verbs, "rollback", release_verbs.rollback, "Make the previous champion the champion again."
    )
    rollback.add_argument("--to", metavar="VERSION", help="an earlier champion")
    for verb in (approve, reject, rollback):
        verb.add_argument("--by", required=True, metavar="NAME", help="the person who decides")
        verb.add_argument(
            "--because",
            required=True,
            metavar="REASON",
            help="the reason, for later readers",
        )
    history = _verb(verbs, "history", release_verbs.history, "List all decisions on champions.")
    history.add_argument(
        "--on", metavar="DATE", help="show the champion of a day, such as 2026-11-24"
    )
    verify = _verb(
        verbs, "verify", release_verbs.verify, "Compute a verdict again and compare every digest."
    )
    verify.add_argument(
        "what", nargs="?", help="a version or a decision.json; by default all versions"
    )
    verify.add_argument(
        "--measure",
        action="store_true",
        help="measure the version again on the rows of its training, and compare",
    )
    verify.add_argument(
        "--source", metavar="PATH", help="with --measure: the file with the rows of that training"
    )
    keys = _verb(verbs, "keys", release_verbs.keys, "Create the keys that sign verdicts.")
    keys.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="a folder outside the product; existing keys are never overwritten",
    )
    keys.set_defaults(only_reads=True)  # it changes nothing in the product's folder


def _prediction_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    score = _verb(
        verbs,
        "score",
        prediction_verbs.score,
        "Score a day, or all missing days, with the champion.",
    )
    score.add_argument("--day", metavar="DATE", help="such as 2026-11-24; by default today")
    _range(score)
    score.add_argument(
        "--shadow",
        action=argparse.BooleanOptionalAction,
        help=("whether the challenger scores the same rows; by default as in config/scoring.yaml"),
    )
    label = _verb(
        verbs,
        "label",
        prediction_verbs.label,
        "Record labels of predictions.",
    )
    label.add_argument(
        "file", nargs="?", metavar="FILE", help="by default the source in config/scoring.yaml"
    )
    label.add_argument(
        "--day", metavar="DATE", help="the day of the configured source; by default today"
    )
    coverage = _verb(
        verbs,
        "coverage",
        prediction_verbs.coverage,
        "Show how many predictions of each day have a label.",
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
        "--by", required=True, metavar="NAME", help="the person who erases; stored without the key"
    )
    _verb(
        verbs,
        "expire",
        prediction_verbs.expire,
        "Delete data older than keep_days in config/scoring.yaml.",
    )


def _monitoring_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    monitor = _verb(
        verbs,
        "monitor",
        monitoring_verbs.monitor,
        "Report on the last days: alarms, criteria, a decision.",
    )
    monitor.add_argument(
        "--day", metavar="DATE", help="the last day of the window; by default today"
    )
    decisions = _verb(
        verbs,
        "decisions",
        monitoring_verbs.decisions,
        "List the decisions of monitoring.",
        alias="ledger",
    )
    decisions.add_argument(
        "--last", type=int, default=30, metavar="N", help="how many decisions to show"
    )


def _serving_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    serve = _verb(verbs, "serve", server_verbs.serve, "Serve predictions over HTTP.")
    serve.add_argument(
        "--host", default="127.0.0.1", help="another address needs SERVICE_API_KEYS (127.0.0.1)"
    )
    serve.add_argument("--port", type=int, default=8000, help="0 for any free port (8000)")
    up = _verb(
        verbs, "up", server_verbs.up, "Start the servers, a worker and the service on this machine."
    )
    for name, port in (("prefect", 4200), ("mlflow", 5000), ("service", 8000)):
        up.add_argument(
            f"--{name}",
            type=int,
            default=port,
            metavar="PORT",
            help=f"the port to use ({port}, or a free one)",
        )
    _verb(verbs, "down", server_verbs.down, "Stop what up started.")
    status = _verb(
        verbs,
        "status",
        server_verbs.status,
        "Show the state of the product in ten lines; exits with 1 if there is a problem.",
    )
    status.add_argument("--json", action="store_true", help="the same as one JSON object")
    status.set_defaults(only_reads=True)  # it changes no file, folder or permission
    _verb(
        verbs,
        "notify",
        server_verbs.notify,
        "Create notifications of failures, waiting versions and retrainings.",
    )


def _range(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--from", dest="first", metavar="DATE", help="the first of several days")
    verb.add_argument("--to", dest="last", metavar="DATE", help="the last of these days")


def _data_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    sample = _verb(verbs, "sample", data_verbs.sample, "Write synthetic sample data.")
    sample.add_argument("--rows", type=int, default=None)
    sample.add_argument("--seed", type=int, default=7)
    sample.add_argument(
        "--until", metavar="DATE", help="the day of the newest row; by default today"
    )
    sample.add_argument(
        "--drift",
        type=float,
        default=0.0,
        help="drift of the inputs in standard deviations per year",
    )
    sample.add_argument("--dirty", type=float, default=None, help="share of invalid rows")
    sample.add_argument(
        "--shuffle-labels",
        action="store_true",
        help="shuffle the labels, to see the gate refuse",
    )
    sample.add_argument(
        "--scoring",
        action="store_true",
        help="write rows of one day to score, and their labels for a week later",
    )
    _named_file(
        sample,
        ".parquet or .csv; by default the source in config/pipeline.yaml, under var/sample/",
    )
    _adopt_verb(verbs)
    quarantine = verbs.add_parser("quarantine", help="List, show, export and replay invalid rows.")
    inner = quarantine.add_subparsers(required=True, metavar="VERB")
    _verb(inner, "list", data_verbs.quarantine_list, "List all runs with quarantined rows.")
    show = _verb(
        inner,
        "show",
        data_verbs.quarantine_show,
        "Show the rows of a run and the rules they broke.",
    )
    export = _verb(
        inner,
        "export",
        data_verbs.quarantine_export,
        "Export the rows of a run as CSV, to repair them.",
    )
    replay = _verb(
        inner,
        "replay",
        data_verbs.quarantine_replay,
        "Validate again; the next training uses the rows that pass.",
    )
    for verb in (show, export, replay):
        verb.add_argument("run")
    show.add_argument("--rows", type=int, default=20, help="the number of rows to show")
    _named_file(export, "the CSV to write", required=True)
    replay.add_argument("--repaired", type=Path, metavar="FILE", help="the exported CSV, repaired")


def _adopt_verb(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    verb = _verb(
        verbs, "adopt", _adopt, "Turn a new product into one for your own table, in one command."
    )
    verb.add_argument("source", nargs="?", metavar="SOURCE", help="a file, a pattern or an address")
    verb.add_argument("--target", required=True, metavar="COLUMN", help="what is predicted")
    verb.add_argument("--key", metavar="COLUMN", help="what identifies the subject of a row")
    verb.add_argument("--time", metavar="COLUMN", help="when the values of a row became known")
    verb.add_argument(
        "--group", metavar="COLUMN", help="rows with the same value stay on one side of the split"
    )
    verb.add_argument("--problem", metavar="NAME", help="binary, multiclass or regression")
    verb.add_argument("--positive", metavar="VALUE", help="the positive one of two values")
    for name, says in (("drop", "leave this column out"), ("keep", "keep it as a feature")):
        verb.add_argument(
            f"--{name}", action="append", default=[], metavar="COLUMN", help=f"{says}; repeatable"
        )
    verb.add_argument(
        "--url-from", metavar="VARIABLE", help="the variable with the address of a database"
    )
    verb.add_argument("--query", metavar="SQL", help="with --url-from: the rows of the table")
    verb.add_argument(
        "--dry-run", action="store_true", help="show the decisions and the changes; write nothing"
    )


def _adopt(options: argparse.Namespace, project: Project) -> int:
    from ..adopt.command import adopt  # imports pandas, which --help does not need

    return adopt(options, project)


def _named_file(verb: argparse.ArgumentParser, what: str, *, required: bool = False) -> None:
    """Adds two options for the file to write: ``--to`` for a new file, ``--overwrite`` for one that
    may exist.
    """
    named = verb.add_mutually_exclusive_group(required=required)
    named.add_argument("--to", type=Path, metavar="FILE", help=what)
    named.add_argument(
        "--overwrite", type=Path, metavar="FILE", help="like --to, but replaces an existing file"
    )


def _care_verbs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    _verb(verbs, "doctor", doctor.doctor, "Check everything that a training needs.")
    review = _verb(verbs, "review", doctor.review, "Start MLflow with the runs of this product.")
    review.add_argument("--port", type=int, default=0, help="by default a free port")
