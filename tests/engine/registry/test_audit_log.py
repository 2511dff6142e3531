"""The audit log: each sequence number is used once, and the order of entries decides the
champion.
"""

import multiprocessing
from datetime import UTC, date, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from mlproduct.errors import ConfigError, ProductError, Refused
from mlproduct.registry.audit_log import Action, AuditLog, AuditTrail, Entry

from ..databases import recorded


def entry(action: Action, version: str, previous: str | None, at: datetime | None = None) -> Entry:
    at = at or datetime(2026, 11, 24, tzinfo=UTC)
    return Entry(action, version, previous, "Ada", "It pays.", "ready", "d" * 64, "m" * 64, at=at)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'var' / 'product.db'}"


@pytest.fixture
def audit_log(url: str) -> AuditLog:
    return AuditLog(url)


def filled(audit_log: AuditLog, *decisions: tuple[Action, str]) -> AuditLog:
    for action, version in decisions:
        recorded(audit_log, entry(action, version, audit_log.read().champion))
    return audit_log


def test_an_appended_entry_is_read_back_unchanged(audit_log: AuditLog) -> None:
    outcomes = entry("approve", "1", None, datetime(2026, 11, 24, 23, 59, 1, 5, tzinfo=UTC))
    found = recorded(audit_log, outcomes)
    assert found.sequence == 1
    assert audit_log.read().entries == (found,)


def test_append_refuses_a_sequence_number_that_is_in_use(audit_log: AuditLog) -> None:
    filled(audit_log, ("approve", "1"))
    with pytest.raises(Refused, match="at the same time as approve of version 2"):
        audit_log.append(AuditTrail(()).followed_by(entry("approve", "2", None)))
    assert audit_log.read().champion == "1"


def decide(url: str, version: str, ready: Barrier, outcomes: "Queue[str]") -> None:
    audit_log = AuditLog(url)
    trail = audit_log.read()
    ready.wait()
    try:
        audit_log.append(trail.followed_by(entry("approve", version, None)))
        outcomes.put("recorded")
    except Refused:
        outcomes.put("refused")


def test_one_of_two_concurrent_decisions_is_refused(url: str) -> None:
    fresh = multiprocessing.get_context("spawn")
    ready, outcomes = fresh.Barrier(2), fresh.Queue()
    both = [
        fresh.Process(target=decide, args=(url, version, ready, outcomes)) for version in ("1", "2")
    ]
    for process in both:
        process.start()
    results = sorted(outcomes.get(timeout=60) for _ in both)
    for process in both:
        process.join()
    assert results == ["recorded", "refused"]
    assert len(AuditLog(url).read().entries) == 1


def test_champion_on_returns_the_champion_at_the_end_of_a_day(audit_log: AuditLog) -> None:
    recorded(audit_log, entry("approve", "1", None, datetime(2026, 3, 1, 9, tzinfo=UTC)))
    recorded(audit_log, entry("reject", "2", "1", datetime(2026, 4, 1, 9, tzinfo=UTC)))
    recorded(audit_log, entry("approve", "3", "1", datetime(2026, 5, 1, 23, 59, tzinfo=UTC)))
    days = (
        date(2026, 2, 28),
        date(2026, 3, 1),
        date(2026, 4, 30),
        date(2026, 5, 1),
        date(2026, 5, 2),
    )
    found = [audit_log.champion_on(day) for day in days]
    assert [each and each.version for each in found] == [None, "1", "1", "3", "3"]
    assert found[1] is not None
    assert (found[1].by, found[1].because) == ("Ada", "It pays.")


def test_the_sequence_decides_the_champion_when_the_clock_jumps(audit_log: AuditLog) -> None:
    recorded(audit_log, entry("approve", "1", None, datetime(2026, 5, 2, 9, tzinfo=UTC)))
    recorded(audit_log, entry("approve", "2", "1", datetime(2026, 5, 1, 9, tzinfo=UTC)))
    recorded(audit_log, entry("approve", "3", "2", datetime(2099, 1, 1, tzinfo=UTC)))
    recorded(audit_log, entry("rollback", "2", "3", datetime(2026, 5, 3, 9, tzinfo=UTC)))
    trail = audit_log.read()
    assert (trail.champion, trail.succession, trail.last) == ("2", ("1", "2"), 4)
    found = [
        audit_log.champion_on(day)
        for day in (date(2026, 4, 30), date(2026, 5, 2), date(2026, 5, 3), date(2099, 1, 1))
    ]
    assert [each and each.version for each in found] == [None, "2", "2", "2"]


def test_a_rollback_updates_the_succession_of_champions(audit_log: AuditLog) -> None:
    trail = filled(
        audit_log, ("approve", "1"), ("approve", "2"), ("reject", "4"), ("approve", "3")
    ).read()
    assert trail.succession == ("1", "2", "3")
    recorded(audit_log, entry("rollback", "2", "3"))
    assert audit_log.read().succession == ("1", "2")
    recorded(audit_log, entry("rollback", "3", "2"))
    assert audit_log.read().succession == ("1", "2", "3")
    assert (trail.champion, set(trail.champions), set(trail.rejected)) == (
        "3",
        {"1", "2", "3"},
        {"4"},
    )


def test_the_database_refuses_to_change_or_delete_an_entry(audit_log: AuditLog) -> None:
    import sqlalchemy as sa

    filled(audit_log, ("approve", "1"))
    for change in ("UPDATE champion_history SET version = '2'", "DELETE FROM champion_history"):
        with (
            pytest.raises(sa.exc.IntegrityError, match="never changed"),
            audit_log.database.engine.begin() as connection,
        ):
            connection.execute(sa.text(change))


def test_a_file_that_is_not_a_database_is_a_product_error(tmp_path: Path) -> None:
    (tmp_path / "product.db").write_text("not a database " * 100)
    with pytest.raises(ProductError, match="PRODUCT_DATABASE_URL"):
        AuditLog(f"sqlite:///{tmp_path / 'product.db'}")


@pytest.mark.parametrize("address", ["nonsense", "nosuch://host/database"])
def test_an_invalid_database_url_is_a_config_error(address: str) -> None:
    with pytest.raises(ConfigError, match="PRODUCT_DATABASE_URL"):
        AuditLog(address)
