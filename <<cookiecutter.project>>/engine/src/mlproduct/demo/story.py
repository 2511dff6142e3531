"""``demo``: show and check twelve weeks of a product.

A model is released, and a model with shuffled labels is blocked. Weeks are scored, labels arrive
late, and a column changes. Monitoring names the column and requests a retraining once labels show
that the change matters. The gate does not let through a model that was trained on too few rows
since the change, and lets through the one that beats the champion. Then a model is released whose
fault no holdout can show, and it is rolled back.

The demo uses the product's own flows and gate on simulated dates. It ends with an error if a step
has another result than expected.
"""

import os
import shutil
from argparse import Namespace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..cli.data_verbs import DEMO, near, sample_path, synthetic_rows
from ..cli.project import Project
from ..cli.release_verbs import champion, releases_of
from ..clock import today
from ..config.settings import Settings
from ..console import coloured, heading, say
from ..errors import ConfigError, ProductError, Refused
from ..gate.criteria import Decision, Outcome
from .rehearsal import BREAK, WEEKS, World, rehearsed
from .timeline import Timeline, timeline

if TYPE_CHECKING:
    from ..tasks.monitoring_report import Monitored
    from ..tasks.training import Registered

__all__ = ["demo"]

# Labels arrive a week after scoring. In week HALF_OF_IT, only half of them arrive. In week
# REST_OF_IT, the same labels are delivered again in full, with those of the next week.
HALF_OF_IT, REST_OF_IT = 3, 4

BAD_RELEASE = 10  # the week of the release that is rolled back a week later
MANAGER, ENGINEER = "Ann Lee, product", "Bo Berg, on call"


def demo(options: Namespace, project: Project) -> int:
    """0 if every step has the expected result; otherwise ProductError is raised.

    ``--folder`` is created anew, unless it is the product's own folder.
    """
    project = _staged(options.folder.resolve(), project)
    log = project.settings.var / "demo.log"
    heading(
        f"Twelve weeks of {project.product.name}, on sample data. The full output of each command"
        f" is in {near(log)}."
    )
    with rehearsed():
        world = World(project, today() - timedelta(weeks=WEEKS))
        with timeline(WEEKS + 1, log) as line:  # and week 0, in which the first model is released
            story = _Story(world, line)
            story.begins()
            for week in range(1, WEEKS + 1):
                story.lives_through(week)
        story.ends()
    _what_next(project)
    return 0


class _Story:
    """The steps of the demo, and the checks of their results."""

    def __init__(self, world: World, line: Timeline) -> None:
        self.world, self.project, self.line = world, world.project, line
        self.releases = releases_of(world.project)
        self.column = world.project.product.demo_column
        self.released: list[str] = []
        self.asked = 0

    def begins(self) -> None:
        """A first model is trained and approved, and one with shuffled labels is blocked."""
        self._dawns(0)
        self.world.leaves_its_past()
        first = self._trains("first model", None)
        ready = first.document.decision.is_ready
        _came_true(ready, f"the first model should be ready, it is {first.document.decision}")
        self._approves(first, "It meets every criterion that blocks.")
        bad = self._trains("shuffled labels", self.world.leaves_shuffled())
        blocked = bad.document.decision is Decision.BLOCKED and bad.version is None
        _came_true(
            blocked,
            f"a model trained on shuffled labels should be blocked, it is {bad.document.decision}",
        )
        self._insists()
        self._reigns(self.released[-1])

    def lives_through(self, week: int) -> None:
        """Records the labels of last week, scores this week, monitors both, and reacts."""
        self._dawns(week)
        self.world.sends_rows(week)
        self._labels(week)
        self._scores(week)
        monitored = self._monitors(week)
        if monitored.decision.action == "retrain":
            self._retrains(monitored)
        if week == BAD_RELEASE:
            self._releases_badly(week)
        elif week == BAD_RELEASE + 1:
            self._goes_back()

    def ends(self) -> None:
        """Checks the releases, the champion and the digests at the end."""
        _came_true(self.asked > 0, "a retraining should have been requested")
        _came_true(
            len(self.released) == 3,
            f"there should be three releases, there are {len(self.released)}",
        )
        self._reigns(self.released[1])
        wrong = [text for version in self.released for text in self.releases.verify(version)]
        _came_true(not wrong, f"every digest should match: {'; '.join(wrong)}")

    def _dawns(self, week: int) -> None:
        self.world.dawns(week)
        self.line.begins(f"week {week:>2}  {self.world.day(week)}")
        if week == BREAK:
            self.line.tells("source", f"the values of {self.column} change (simulated)")

    def _trains(self, why: str, source: str | None) -> "Registered":
        from ..cli.training_verbs import run_training, show_verdict

        registered = run_training(self.project, why, source)
        show_verdict(self.project, registered)
        document = registered.document
        results = (*document.data_verdict.results, *document.verdict.results)
        met = sum(result.outcome is Outcome.MET for result in results)
        version = f" version {registered.version}," if registered.version else ""
        self.line.tells(
            "train",
            f"{why}:{version} {document.decision}, {met} of {len(results)} criteria met"
            + "".join(
                f"; {outcome}: {', '.join(ids)}"
                for outcome in (Outcome.NOT_MET, Outcome.UNDECIDED)
                if (ids := [r.criterion.id for r in results if r.outcome is outcome])
            ),
        )
        return registered

    def _approves(self, registered: "Registered", because: str) -> None:
        from ..registry.release_checks import doubts

        version, despite = str(registered.version), doubts(registered.document)
        entry = self.releases.approve(version, by=MANAGER, because=because, despite=despite)
        accepted = f", accepting the risks {', '.join(despite)}" if despite else ""
        self.line.tells("approve", f"version {entry.version} by {entry.by}{accepted}: {because}")
        self.released.append(version)

    def _insists(self) -> None:
        """Checks that a blocked model cannot be approved."""
        try:
            # The number that the blocked model would have got.
            self.releases.approve("2", by=MANAGER, because="I insist.", despite=())
        except ProductError as refusal:
            refused = str(refusal).partition(" – ")[0]
            self.line.tells("approve", f"refused: {refused}, because a blocked model gets none")
            return
        raise ProductError("The demo did not run as expected: a blocked model was approved.")

    def _labels(self, week: int) -> None:
        from ..tasks.local_runner import run_locally

        if week == 1:
            return  # no row has been scored before this week, so there is nothing to label
        of = (week - 2, week - 1) if week == REST_OF_IT else (week - 1,)
        self.world.sends_labels(week, *of, share=0.5 if week == HALF_OF_IT else 1.0)
        came = run_locally(self.project.flows.label).result()
        half = "half of " if week == HALF_OF_IT else ""
        weeks = " and ".join(f"week {each}" for each in of)
        self.line.tells("label", f"{half}{weeks}: {came.counts}")
        _came_true(
            came.new > 0 and (came.repeated > 0) == (week == REST_OF_IT),
            f"week {week} should have {'new and repeated' if week == REST_OF_IT else 'only new'}"
            f" labels, it has {came}",
        )

    def _scores(self, week: int) -> None:
        from ..tasks.local_runner import run_locally

        (scored,) = run_locally(self.project.flows.score).result()
        partition = scored.partition
        shadow = f"; {scored.shadow}" if scored.shadow else ""
        self.line.tells(
            "score",
            f"{partition.rows:,} rows by version {partition.version}, {partition.rejected}"
            f" quarantined{shadow}",
        )
        _came_true(
            partition.version == self.releases.champion(),
            f"week {week} should be scored by the champion",
        )

    def _monitors(self, week: int) -> "Monitored":
        from ..cli.monitoring_verbs import run_monitoring, show_report

        monitored = run_monitoring(self.project, None)
        show_report(monitored)
        for finding in monitored.report.findings or ():
            if finding.alarm and finding.column == self.column and finding.what == "values":
                self.line.tells("alarm", f"{finding.column}: {finding.sentence}")
        self.line.tells(
            "monitor",
            f"{monitored.decision.action} ({monitored.decision.trust}):"
            f" {monitored.decision.sentence}",
        )
        self._as_expected(week, monitored)
        return monitored

    def _as_expected(self, week: int, monitored: "Monitored") -> None:
        """Checks the alarm of the changed column and the decision.

        While the first release is the champion, the alarm must start with the change of the column.
        Afterwards, it is checked only in the week that the bad release has scored.
        """
        first, action = len(self.released) == 1, monitored.decision.action
        moved = week == BAD_RELEASE + 1 or (week >= BREAK and first)
        if moved or first:
            expected = "raise an alarm" if moved else "raise no alarm"
            _came_true(
                (self.column in monitored.report.drifted) == moved,
                f"in week {week} {self.column} should {expected}",
            )
        may_follow = {
            BREAK: ("wait",),
            BREAK + 1: ("retrain",),
            BAD_RELEASE + 1: ("wait",),
            WEEKS: ("nothing",),
        }
        usual = ("retrain", "wait") if moved else ("nothing",) if first else ("nothing", "wait")
        _came_true(
            action in may_follow.get(week, usual),
            f"in week {week} the decision should not be: {action}",
        )

    def _retrains(self, monitored: "Monitored") -> None:
        """Trains like the trigger in prefect.yaml, and decides like a product manager."""
        self.asked += 1
        new = self._trains("drift-triggered retraining", None)
        if not new.document.decision.is_ready:
            self._reigns(self.released[-1])
            if new.version:
                self.releases.reject(
                    new.version,
                    by=MANAGER,
                    because="It was trained on too few rows since the change.",
                )
                self.line.tells(
                    "reject",
                    f"version {new.version} by {MANAGER}: trained on too few rows since the change",
                )
            return
        won = {r.criterion.versus: r.outcome for r in new.document.verdict.results}
        seen = {
            m.metric: m.value
            for m in new.document.measurements
            if m.metric == "holdout_rows_trained_on"
        }
        _came_true(won["champion"] is Outcome.MET, "the challenger should have beaten the champion")
        _came_true(
            set(seen.values()) == {0.0},
            f"neither should have seen the rows they are compared on: {seen}",
        )
        self._approves(new, "It beats the champion on rows neither has seen.")

    def _releases_badly(self, week: int) -> None:
        """Releases a model trained on an export in which the change of the column is undone.

        The live data are still changed. The holdout comes from the same export, so the gate cannot
        detect this.
        """
        new = self._trains(
            "reported repair of the source", self.world.leaves_exported_anew(week - 1)
        )
        _came_true(
            new.version is not None,
            f"the gate cannot detect this, but the verdict is {new.document.decision}",
        )
        self._approves(new, "The team reports that the source is repaired.")

    def _goes_back(self) -> None:
        """Rolls back with one command, without waiting for the labels of the bad week."""
        entry = self.releases.rollback(
            by=ENGINEER,
            because=f"The repair has not reached the live data: {self.column} is still changed.",
        )
        self.line.tells(
            "rollback",
            f"version {entry.version} is the champion again, by {entry.by}: {entry.because}",
        )
        self._reigns(self.released[1])

    def _reigns(self, version: str) -> None:
        aliased = self.releases.models.alias("champion")
        now = self.releases.champion()
        _came_true(
            now == aliased == version,
            f"the champion should be version {version}, it is {now} and {aliased}",
        )


def _staged(folder: Path, project: Project) -> Project:
    """The project for the demo: a copy of the product's files in ``folder``, or the product itself.

    Raises Refused if it already has a champion, and ConfigError if the folder cannot be used.
    """
    # On a server with the product's deployments, the demo's events would start real trainings.
    os.environ.pop("PREFECT_API_URL", None)
    settings = project.settings
    if folder != settings.root:
        _refuse_others(folder, settings)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # First, so that the next demo may replace the folder if this one is interrupted.
        (folder / DEMO).touch()
        # copyfile copies no permissions: others may read the team's files, but not the demo's.
        for name in ("product", "config"):
            shutil.copytree(settings.root / name, folder / name, copy_function=shutil.copyfile)
            (folder / name).chmod(0o700)  # copytree copies the folder's permissions
        for name in ("MLFLOW_TRACKING_URI", "PRODUCT_DATABASE_URL"):
            # The demo never writes to the team's registry or database.
            os.environ.pop(name, None)
        os.environ["PRODUCT_ROOT"] = str(folder)
    synthetic_rows(project)  # raises early if there is no sample.py
    staged = Project(project.package, Settings.from_environment())
    sample_path(staged.settings)  # raises early if the source is the team's own
    if (version := champion(staged)) is not None:
        raise Refused(
            f"{staged.settings.root} has a champion, version {version} – expected none – leave out"
            " --folder"
        )
    return staged


def _refuse_others(folder: Path, settings: Settings) -> None:
    """Raises ConfigError for a folder that the demo must not replace."""
    if settings.root.is_relative_to(folder):
        raise ConfigError(
            f"{folder} contains the product itself – expected a separate folder – give another"
            " --folder"
        )
    empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not empty and not (folder / DEMO).exists():
        raise ConfigError(
            f"{folder} is not empty and was not created by demo – expected a new or empty folder,"
            " because demo replaces it – give another --folder"
        )


def _came_true(it_did: bool, otherwise: str) -> None:
    if not it_did:
        raise ProductError(f"The demo did not run as expected: {otherwise}.")


def _what_next(project: Project) -> None:
    say()
    say(coloured("The demo ran as expected. Next commands:", "green"))
    root = project.settings.root
    place = "" if root == Path.cwd() else f"PRODUCT_ROOT={near(root)} "
    for what, command in {
        "scorecards and monitoring reports": "review",
        "decisions on models": "history",
        "decisions of monitoring": "decisions",
        "predictions over HTTP": "serve, then /docs",
    }.items():
        say(f"  {what:<39}{place}{project.call} {command}")
