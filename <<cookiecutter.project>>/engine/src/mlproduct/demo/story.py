"""Show and check twelve weeks of a product.

A model is released, and a model with shuffled labels is blocked. Weeks are scored, labels arrive
late, and a column changes. Monitoring names the column and requests a retraining once labels show
that the change matters. The gate does not let through a model that was trained on too few rows
since the change, and lets through the one that beats the champion. Then a model is released whose
fault no holdout can show, and it is rolled back.

The demo uses the product's own flows and gate on simulated dates. It ends with an error if a step
has another result than expected.
"""

from typing import TYPE_CHECKING

from ..cli.release_verbs import releases_of
from ..data.generated_rows import changing_column
from ..errors import ProductError
from ..gate.criteria import Decision, Outcome, read_criteria
from ..log.partition_files import PartitionFiles
from .rehearsal import BREAK, WEEKS, World
from .timeline import Timeline

if TYPE_CHECKING:
    from ..tasks.monitoring_report import Monitored
    from ..tasks.training import Registered

__all__ = ["Story", "came_true", "is_of"]

# Labels arrive a week after scoring. In week HALF_OF_IT, only half of them arrive. In week
# REST_OF_IT, the same labels are delivered again in full, with those of the next week.
HALF_OF_IT, REST_OF_IT = 3, 4

BAD_RELEASE = 10  # the week of the release that is rolled back a week later
MANAGER, ENGINEER = "Ann Lee, product", "Bo Berg, on call"


class Story:
    """The steps of the demo, and the checks of their results."""

    def __init__(self, world: World, line: Timeline) -> None:
        self.world, self.project, self.line = world, world.project, line
        self.releases = releases_of(world.project)
        # Only the people in the criteria may decide, if there is a list.
        approvers = read_criteria(world.stage.criteria_file).approvers
        self.manager, self.engineer = approvers[:1] * 2 or (MANAGER, ENGINEER)
        self.column = changing_column(world.project.product)
        self.released: list[str] = []
        self.asked = 0

    def begins(self) -> None:
        """A first model is trained and approved, and one with shuffled labels is blocked."""
        self.dawns(0)
        self.world.leaves_its_past()
        first = self.trains("first model", None)
        ready = first.document.decision.is_ready
        came_true(ready, f"the first model should be ready, it is {first.document.decision}")
        self.approves(first, "It meets every criterion that blocks.")
        bad = self.trains("shuffled labels", self.world.leaves_shuffled())
        blocked = bad.document.decision is Decision.BLOCKED and bad.version is None
        came_true(
            blocked,
            f"a model trained on shuffled labels should be blocked, it is {bad.document.decision}",
        )
        self._insists()
        self.reigns(self.released[-1])

    def lives_through(self, week: int) -> None:
        """Records the labels of last week, scores this week, monitors both, and reacts."""
        self.dawns(week)
        self.world.sends_rows(week)
        self._labels(week)
        self.scores(week)
        monitored = self.monitors()
        self._as_expected(week, monitored)
        if monitored.decision.action == "retrain":
            self._retrains(monitored)
        if week == BAD_RELEASE:
            self._releases_badly(week)
        elif week == BAD_RELEASE + 1:
            self._goes_back()

    def ends(self) -> None:
        """Checks the releases, the champion and the digests at the end."""
        came_true(self.asked > 0, "a retraining should have been requested")
        came_true(
            len(self.released) == 3,
            f"there should be three releases, there are {len(self.released)}",
        )
        self.reigns(self.released[1])
        self.verifies()

    def verifies(self) -> None:
        """Checks the digests of every release."""
        wrong = [text for version in self.released for text in self.releases.verify(version)]
        came_true(not wrong, f"every digest should match: {'; '.join(wrong)}")

    def dawns(self, week: int) -> None:
        """Sets the simulated date to the day of the week, and begins its lines."""
        self.world.dawns(week)
        self.line.begins(f"week {week:>2}  {self.world.day(week)}")
        if week == BREAK:
            self.line.tells("source", f"the values of {self.column} change (simulated)")

    def trains(self, why: str, source: str | None) -> "Registered":
        """The result of a training on ``source``, by default the configured one."""
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

    def approves(self, registered: "Registered", because: str) -> None:
        """Makes the version the champion, accepting its open risks."""
        from ..registry.release_checks import doubts

        version, despite = str(registered.version), doubts(registered.document)
        entry = self.releases.approve(version, by=self.manager, because=because, despite=despite)
        accepted = f", accepting the risks {', '.join(despite)}" if despite else ""
        self.line.tells("approve", f"version {entry.version} by {entry.by}{accepted}: {because}")
        self.released.append(version)

    def _insists(self) -> None:
        """Checks that a blocked model cannot be approved."""
        try:
            # The number that the blocked model would have got.
            self.releases.approve("2", by=self.manager, because="I insist.", despite=())
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
        came_true(
            came.new > 0 and (came.repeated > 0) == (week == REST_OF_IT),
            f"week {week} should have {'new and repeated' if week == REST_OF_IT else 'only new'}"
            f" labels, it has {came}",
        )

    def scores(self, week: int) -> None:
        """Scores the rows of the week; the champion has to."""
        from ..tasks.local_runner import run_locally

        (scored,) = run_locally(self.project.flows.score).result()
        partition = scored.partition
        shadow = f"; {scored.shadow}" if scored.shadow else ""
        self.line.tells(
            "score",
            f"{partition.rows:,} rows by version {partition.version}{self._for_a_person(week)},"
            f" {partition.rejected} quarantined{shadow}",
        )
        came_true(
            partition.version == self.releases.champion(),
            f"week {week} should be scored by the champion",
        )

    def _for_a_person(self, week: int) -> str:
        """How many rows of the week a person decides; empty if the model decides every row."""
        files = PartitionFiles(
            self.world.stage.var / "predictions", self.project.product.columns.key
        )
        of_day = f"lane=batch/day={self.world.day(week)}/"
        rows = files.read(name for name in files.names() if name.startswith(of_day))
        asked = "prediction_needs_person"
        return f" ({rows[asked].sum():,} for a person)" if asked in rows else ""

    def monitors(self) -> "Monitored":
        """The results of monitoring the last days, with a line for each alarm of the story."""
        from ..cli.monitoring_verbs import run_monitoring, show_report

        monitored = run_monitoring(self.project, None)
        show_report(monitored)
        for finding in monitored.report.findings or ():
            of_change = finding.what == "values" and is_of(finding.column, self.column)
            if finding.alarm and of_change:
                self.line.tells("alarm", f"{finding.column}: {finding.sentence}")
        if (unseen := monitored.report.unseen) is not None and unseen.alarm:
            self.line.tells("alarm", f"{unseen.column}: {unseen.sentence}")
        self.line.tells(
            "monitor",
            f"{monitored.decision.action} ({monitored.decision.trust}):"
            f" {monitored.decision.sentence}",
        )
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
            came_true(
                any(is_of(watched, self.column) for watched in monitored.report.drifted) == moved,
                f"in week {week} {self.column} should {expected}",
            )
        may_follow = {
            BREAK: ("wait",),
            BREAK + 1: ("retrain",),
            BAD_RELEASE + 1: ("wait",),
            WEEKS: ("nothing",),
        }
        usual = ("retrain", "wait") if moved else ("nothing",) if first else ("nothing", "wait")
        came_true(
            action in may_follow.get(week, usual),
            f"in week {week} the decision should not be: {action}",
        )

    def _retrains(self, monitored: "Monitored") -> None:
        """Trains like the trigger in prefect.yaml, and decides like a product manager."""
        self.asked += 1
        new = self.trains("drift-triggered retraining", None)
        if not new.document.decision.is_ready:
            self.reigns(self.released[-1])
            if new.version:
                self.releases.reject(
                    new.version,
                    by=self.manager,
                    because="It was trained on too few rows since the change.",
                )
                self.line.tells(
                    "reject",
                    f"version {new.version} by {self.manager}: trained on too few rows since the"
                    " change",
                )
            return
        won = {r.criterion.versus: r.outcome for r in new.document.verdict.results}
        seen = {
            m.metric: m.value
            for m in new.document.measurements
            if m.metric == "holdout_rows_trained_on"
        }
        came_true(won["champion"] is Outcome.MET, "the challenger should have beaten the champion")
        came_true(
            set(seen.values()) == {0.0},
            f"neither should have seen the rows they are compared on: {seen}",
        )
        self.approves(new, "It beats the champion on rows neither has seen.")

    def _releases_badly(self, week: int) -> None:
        """Releases a model trained on an export in which the change of the column is undone.

        The live data are still changed. The holdout comes from the same export, so the gate cannot
        detect this.
        """
        new = self.trains(
            "reported repair of the source", self.world.leaves_exported_anew(week - 1)
        )
        came_true(
            new.version is not None,
            f"the gate cannot detect this, but the verdict is {new.document.decision}",
        )
        self.approves(new, "The team reports that the source is repaired.")

    def _goes_back(self) -> None:
        """Rolls back with one command, without waiting for the labels of the bad week."""
        entry = self.releases.rollback(
            by=self.engineer,
            because=f"The repair has not reached the live data: {self.column} is still changed.",
        )
        self.line.tells(
            "rollback",
            f"version {entry.version} is the champion again, by {entry.by}: {entry.because}",
        )
        self.reigns(self.released[1])

    def reigns(self, version: str) -> None:
        """Checks that the version is the champion, in the audit log and in MLflow."""
        aliased = self.releases.models.alias("champion")
        now = self.releases.champion()
        came_true(
            now == aliased == version,
            f"the champion should be version {version}, it is {now} and {aliased}",
        )


def is_of(watched: str, column: str | None) -> bool:
    """Whether ``watched``, a name in a monitoring report, is ``column`` or one of its measures.

    A text column is watched by its measures, such as ``message (unknown words)``.
    """
    return watched == column or watched.startswith(f"{column} (")


def came_true(it_did: bool, otherwise: str) -> None:
    """Raises ProductError if a step has another result than expected."""
    if not it_did:
        raise ProductError(f"The demo did not run as expected: {otherwise}.")
