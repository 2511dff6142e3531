"""``demo``: the whole story on sample data, told and checked.

A model is trained, judged and approved; then one with shuffled labels is trained, and refused. The
story uses the verbs that everybody uses, and ends with an error where it does not come true.
"""

import os
import shutil
from argparse import Namespace
from pathlib import Path

from . import PRODUCT
from .commands.data import sample_path
from .commands.releases import approve, champion
from .commands.training import run_training, show_verdict
from .config import Settings
from .console import coloured, heading, say
from .criteria import Decision
from .errors import ProductError, Refused

__all__ = ["demo"]


def demo(options: Namespace, settings: Settings) -> int:
    """0 where everything came as told. ``--folder`` is made afresh, unless it is the product's own."""
    from .sample import sample
    from .synthetic import write

    folder: Path = options.folder
    stage = _stage(folder.resolve(), settings)
    heading("1. Sample data, and a first model")
    target = sample_path(stage)
    write(sample(), target)
    first = run_training("for the demo", None)
    show_verdict(first)
    _came_true(first.document.decision.is_ready, f"the first model should be ready, it is {first.document.decision}")
    say()
    heading("2. A named person approves it")
    approval = Namespace(version=str(first.version), by="demo", because="It meets every criterion.", despite=[])
    approve(approval, stage)
    say()
    heading("3. A bad model: the same rows with shuffled labels")
    shuffled = stage.var / "shuffled.parquet"
    write(sample(shuffle_labels=True), shuffled)
    second = run_training("with shuffled labels", str(shuffled.relative_to(stage.root)))
    show_verdict(second)
    blocked = second.document.decision is Decision.BLOCKED and second.version is None
    _came_true(blocked, f"the bad model should be blocked, it is {second.document.decision}")
    _approval_of_nothing_is_refused(stage)
    still = champion(stage)
    _came_true(still == first.version, f"the champion should be version {first.version}, it is {still}")
    say()
    say(coloured(f"The champion is still version {still} of {PRODUCT}. The bad model was refused.", "green"))
    say("  look at it  make review")
    say("  train again make run       the same rows give the same model: a tie, and a tie does not beat")
    return 0


def _stage(folder: Path, settings: Settings) -> Settings:
    """The settings to play in: a copy of the product's files in ``folder``, or the product itself."""
    if folder != settings.root:
        if folder.exists() and not (folder / ".demo").exists() and any(folder.iterdir()):
            raise ProductError(f"{folder} is not empty and no demo's – it would be replaced – give another --folder")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / ".demo").touch()
        for name in ("product", "config"):
            shutil.copytree(settings.root / name, folder / name)
        for name in ("MLFLOW_TRACKING_URI", "PRODUCT_DATABASE_URL"):
            os.environ.pop(name, None)  # a story is told on this machine, never in the team's registry
        os.environ["PRODUCT_ROOT"] = str(folder)
    stage = Settings.from_environment()
    if (reigning := champion(stage)) is not None:
        raise Refused(
            f"{stage.root} has a champion, version {reigning} – the demo begins without one – leave out --folder"
        )
    return stage


def _came_true(it_did: bool, otherwise: str) -> None:
    if not it_did:
        raise ProductError(f"The story did not come true: {otherwise}.")


def _approval_of_nothing_is_refused(stage: Settings) -> None:
    """Nothing of a blocked training can be approved, by nobody."""
    attempt = Namespace(version="2", by="demo", because="I insist.", despite=[])
    try:
        approve(attempt, stage)
    except ProductError as refusal:
        say(f"  Approving it all the same: {refusal}")
        return
    raise ProductError("The story did not come true: a blocked model was approved.")
