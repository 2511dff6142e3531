"""The audit log as a hash chain: a change of the database or of MLflow's tag is found and refused,
and the champion stays.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from mlproduct.errors import ProductError, Refused
from mlproduct.registry.audit_log import TRAIL, AuditLog, AuditTrail, Entry, _digest
from mlproduct.registry.audit_mirror import ANNOUNCED, HEAD

from ..databases import recorded
from .trial_releases import Trial

TEXTS = ("action", "version", "previous_version", "by", "role", "because", "despite")
DIGESTS = ("decision", "decision_digest", "model_digest", "entry_digest")


@pytest.fixture
def decided(trial: Trial) -> Trial:
    """A trial with three entries: version 1 approved, version 2 approved, version 1 again."""
    trial.approve(trial.trained())
    trial.approve(trial.trained())
    trial.releases.rollback(by="Ada", because="Complaints.")
    return trial


def changed(audit_log: AuditLog, *statements: str) -> None:
    """Runs the statements, as someone who can change the database and its triggers."""
    with audit_log.database.engine.begin() as connection:
        for change in ("update", "delete"):
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS champion_history_no_{change}"))
        for statement in statements:
            connection.execute(sa.text(statement))


def is_refused(trial: Trial, reason: str) -> None:
    """Checks that each decision is refused for the reason, that ``verify`` finds it and that
    nothing changes.
    """
    models = trial.releases.models
    before = trial.trail, models.alias("champion"), models.alias("challenger"), models.model_tags()
    decisions: list[Callable[[], object]] = [
        lambda: trial.approve("2"),
        lambda: trial.releases.promote_automatically("2"),
        lambda: trial.releases.reject("2", by="Ada", because="Unfair."),
        lambda: trial.releases.rollback(by="Ada", because="Complaints."),
        trial.releases.reconcile,
    ]
    for decide in decisions:
        with pytest.raises(Refused, match=reason) as refusal:
            decide()
        assert "\n" not in str(refusal.value)
    sentence, unchanged = trial.releases.verify_audit_log()
    assert (sentence, unchanged) == (str(refusal.value), False)
    after = trial.trail, models.alias("champion"), models.alias("challenger"), models.model_tags()
    assert after == before


def entry(at: datetime) -> Entry:
    return Entry("approve", "1", None, "Ada", "Zürich \U0001f600", "ready", "d", "m", at=at)


# --- the digest -----------------------------------------------------------------------------


@pytest.mark.parametrize("microsecond", [0, 5, 123_000, 999_999])
def test_the_digest_is_the_same_after_the_entry_was_stored(
    database_url: str, microsecond: int
) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    audit_log = AuditLog(database_url)
    found = recorded(audit_log, entry(datetime(2026, 11, 24, 1, 2, 3, microsecond, tzinfo=zone)))
    trail = audit_log.read()
    assert (trail.head, trail.broken) == (found.entry_digest, None)


def test_the_digest_of_an_entry_does_not_change_with_a_release() -> None:
    trail = AuditTrail(())
    for minute in (1, 2):
        following = trail.followed_by(entry(datetime(2026, 11, 24, 1, minute, tzinfo=UTC)))
        trail = AuditTrail((*trail.entries, following))
    assert [each.entry_digest for each in trail.entries] == [
        "86489120dee551e2cc939e8870e844ea4e852a365d7b067fd0ea498923933096",
        "a43d517f998c35459bdc562d51319ad313f76995569ac2d8178107ced6d65aae",
    ]


# --- a changed database ---------------------------------------------------------------------


@pytest.mark.parametrize("column", [column.name for column in TRAIL.c])
def test_an_entry_with_a_changed_column_is_found(database_url: str, column: str) -> None:
    audit_log = AuditLog(database_url)
    for day in (1, 2, 3):
        recorded(audit_log, entry(datetime(2026, 11, day, 9, tzinfo=UTC)))
    values: dict[str, Any] = {"sequence": 9, "at": datetime(2026, 11, 2, 9, 0, 0, 1)}
    with audit_log.database.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(sa.text("DROP TRIGGER champion_history_no_update"))
        change = sa.update(TRAIL).where(TRAIL.c.sequence == 2)
        connection.execute(change.values({column: values.get(column, "9")}))
    expected = "has no entry 2 before entry 3" if column == "sequence" else "entry 2 .* not match"
    with pytest.raises(AssertionError, match=expected):
        assert audit_log.read().broken is None


@pytest.mark.parametrize("value", ["NULL", "X'31'", "'2026'"])
def test_a_value_of_another_type_is_found(decided: Trial, value: str) -> None:
    column = "at" if value == "'2026'" else "previous_version"
    changed(
        decided.releases.audit_log,
        f"UPDATE champion_history SET {column} = {value} WHERE sequence = 2",
    )
    with pytest.raises(Refused, match=r"entry 2 of the audit log|an invalid time"):
        decided.approve("2")
    assert decided.releases.verify_audit_log()[1] is False


LAST = "sequence = (SELECT max(sequence) FROM champion_history)"


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (["UPDATE champion_history SET \"by\" = 'Eve' WHERE sequence = 1"], "entry 1 .* not match"),
        (["DELETE FROM champion_history WHERE sequence = 1"], "no entry 1 before entry 2"),
        ([f"DELETE FROM champion_history WHERE {LAST}"], "which is the digest of no entry"),
        (
            [
                "UPDATE champion_history SET sequence = 9 WHERE sequence = 1",
                "UPDATE champion_history SET sequence = 1 WHERE sequence = 2",
                "UPDATE champion_history SET sequence = 2 WHERE sequence = 9",
            ],
            "entry 1 .* not match",
        ),
        (
            [
                "UPDATE champion_history SET sequence = 4 WHERE sequence = 3",
                'INSERT INTO champion_history SELECT 3, action, version, previous_version, "by",'
                " role, because, despite, decision, decision_digest, model_digest, at,"
                " entry_digest FROM champion_history WHERE sequence = 2",
            ],
            "entry 3 .* not match",
        ),
    ],
)
def test_a_rewritten_deleted_inserted_or_moved_entry_is_refused(
    decided: Trial, statements: list[str], reason: str
) -> None:
    changed(decided.releases.audit_log, *statements)
    is_refused(decided, reason)


def test_a_chain_that_was_computed_again_is_refused(decided: Trial) -> None:
    forged = AuditTrail(())
    for number, each in enumerate(decided.trail.entries):
        by = "Eve" if number == 0 else each.by
        following = forged.followed_by(Entry(**{**vars(each), "by": by}))
        forged = AuditTrail((*forged.entries, following))
    changed(decided.releases.audit_log, "DELETE FROM champion_history")
    for each in forged.entries:
        decided.releases.audit_log.append(each)
    assert decided.trail.broken is None
    is_refused(decided, f"MLflow's tag {HEAD} is .* the digest of no entry of the audit log")


def test_an_entry_that_only_the_database_has_is_refused(decided: Trial) -> None:
    forged = Entry("approve", "2", "1", "Eve", "Mine.", "ready", "d", "m")
    recorded(decided.releases.audit_log, forged)
    is_refused(decided, r"entry 4 .*approve of version 2 by Eve\) is not known to MLflow")


def test_a_champion_of_a_changed_audit_log_is_not_loaded(decided: Trial) -> None:
    changed(decided.releases.audit_log, "UPDATE champion_history SET role = 'x' WHERE sequence = 1")
    with pytest.raises(
        Refused, match=r"entry 1 of the audit log .* restore the product's database"
    ):
        decided.releases.load_champion()


# --- a changed tag in MLflow ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ("edited", f"MLflow's tag {HEAD} is edited, which is the digest of no entry"),
        (None, r"entry 1 .* not known to MLflow, whose tag audit_log is missing"),
        (0, r"entry 2 .* not known to MLflow, whose tag audit_log is at entry 1"),
        (1, r"entry 3 .* not known to MLflow, whose tag audit_log is at entry 2"),
    ],
)
def test_an_edited_deleted_or_set_back_digest_is_refused(
    decided: Trial, found: int | str | None, reason: str
) -> None:
    value = decided.trail.entries[found].entry_digest if isinstance(found, int) else found
    decided.releases.models.tag_model(HEAD, value)
    is_refused(decided, reason)
    loaded = decided.releases.load_champion()  # the service does not depend on the tag
    assert loaded is not None
    assert loaded.version == "1"


def test_a_lost_audit_log_without_a_champion_is_refused(trial: Trial) -> None:
    trial.releases.reject(trial.trained(), by="Ada", because="Unfair.")
    changed(trial.releases.audit_log, "DELETE FROM champion_history")
    with pytest.raises(Refused, match=rf"is empty, but MLflow's tag {HEAD} is .* remove alias"):
        trial.approve("1")
    assert trial.releases.verify_audit_log()[1] is False


# --- a kill, an update ----------------------------------------------------------------------


def test_an_entry_that_did_not_reach_mlflow_is_added_by_the_next_command(
    decided: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise ConnectionError("gone")

    with monkeypatch.context() as outage:
        outage.setattr(type(decided.releases.mirror), "follow", gone)
        with pytest.raises(ProductError, match="is recorded, but MLflow does not show it yet"):
            decided.approve("2")
    models = decided.releases.models
    assert models.model_tags()[HEAD] == decided.trail.entries[2].entry_digest
    sentence, unchanged = decided.releases.verify_audit_log()
    assert ("entry 4 is recorded" in sentence, unchanged) == (True, False)
    decided.releases.reconcile()
    assert models.model_tags() == {HEAD: decided.trail.head}
    assert decided.champion == "2"
    assert decided.releases.verify_audit_log() == ("4 entries, none was changed", True)


def test_a_refused_decision_leaves_no_announcement(decided: Trial) -> None:
    stale = AuditTrail(decided.trail.entries[:2])
    with pytest.raises(Refused, match="at the same time"):
        decided.releases._decide(entry(datetime(2026, 11, 24, tzinfo=UTC)), stale)
    assert not [tag for tag in decided.releases.models.model_tags() if tag.startswith(ANNOUNCED)]


def test_a_product_of_an_earlier_release_gets_its_digest_from_the_first_command(
    decided: Trial,
) -> None:
    audit_log = decided.releases.audit_log
    changed(
        audit_log,
        "ALTER TABLE champion_history DROP COLUMN entry_digest",
        "UPDATE product_version SET version_num = '0004'",
    )
    decided.releases.models.tag_model(HEAD, None)
    decided.__post_init__()  # opens the database, which migrates it
    trail = decided.trail
    assert (trail.migrated, trail.broken) == (3, None)
    sentence, unchanged = decided.releases.verify_audit_log()
    assert ("stores the last digest in MLflow" in sentence, unchanged) == (True, True)
    decided.approve("2")
    assert decided.releases.models.model_tags() == {HEAD: decided.trail.head}
    decided.releases.models.tag_model(HEAD, None)
    with pytest.raises(Refused, match=r"entry 4 .* whose tag audit_log is missing"):
        decided.releases.rollback(by="Ada", because="Complaints.")


def test_an_entry_that_looks_like_one_of_an_earlier_release_is_refused(trial: Trial) -> None:
    """Before the first decision, MLflow has no digest that would contradict it."""
    trial.trained()
    forged = asdict(replace(entry(datetime(2026, 11, 24)), sequence=1))
    forged["entry_digest"] = _digest(forged, None, migrated=True)
    with trial.releases.audit_log.database.engine.begin() as connection:
        connection.execute(TRAIL.insert(), forged)
    assert (trial.trail.migrated, trial.trail.broken) == (1, None)
    with pytest.raises(Refused, match=r"entry 1 .* alias champion is on version none – expected"):
        trial.releases.reconcile()
    assert trial.releases.verify_audit_log()[1] is False
    assert trial.releases.models.alias("champion") is None
