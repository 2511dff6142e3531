"""The logging of predictions after the response, through a bounded queue and a spool on disk.

One thread collects the predictions into blocks and writes them to the spool. Another thread records
the spooled blocks in the database. An unavailable database therefore costs only disk space. A
killed process loses less than a second of predictions, and the next process records the spool.
"""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
import pandas as pd

from ..clock import today
from ..data.fingerprint import row_identities
from ..errors import DatabaseUnavailable
from ..log.prediction_log import LogBatch, PredictionLog
from ..log.spool import Spool
from ..problems import Predictions
from ..redaction import redacted
from .batching import ScoredBatch
from .request_rows import Cells, Rows

__all__ = ["LogState", "LogWriter"]

Answered = tuple[Cells, ScoredBatch]
logger = logging.getLogger(__name__)
# Short, because a killed process loses the predictions that are not spooled yet.
GATHER_SECONDS = 0.2
GATHER_ROWS = 5_000  # a block of about a megabyte
RETRY_SECONDS = 1.0  # between two attempts while disk or database are unavailable
# The texts for /health, which needs no key: without addresses and paths.
OUTAGES = {
    "database": "database unavailable",
    "delivery": "predictions wait on disk",
    "queue": "rows were lost",
    "refused": "predictions could not be recorded",
}


@dataclass(frozen=True)
class LogState:
    """The state of the log: rows in memory, blocks and megabytes on the spool, rows recorded by
    this process, rows lost permanently, and what is wrong.

    ``outage`` is what is wrong for ``/health``, without addresses and paths.
    """

    queued: int
    blocks: int
    megabytes: float
    recorded: int
    lost: int
    trouble: str | None
    outage: str | None


class LogWriter:
    """Logs predictions. ``put`` never waits and never raises.

    ``rows`` limits the queue in memory, and ``megabytes`` (of 10^6 bytes) the spool on disk.
    """

    def __init__(
        self,
        log: Callable[[], PredictionLog],
        spool: Spool,
        rules: Rows,
        *,
        rows: int,
        megabytes: float,
    ) -> None:
        self._log, self.spool, self._rules = log, spool, rules
        self._rows_at_most, self._megabytes = rows, megabytes
        # Without a limit on its entries, which are batches of any size: put() limits the rows.
        self._queue: queue.SimpleQueue[Answered] = queue.SimpleQueue()
        # For the counters, which the event loop and both threads change.
        self._lock = threading.Lock()
        self._queued = self._recorded = self._lost = 0
        self._trouble: dict[str, str] = {}
        self._disk = ""
        self._stopping = threading.Event()
        self._opened: PredictionLog | None = None
        # Daemons, because stop() waits for them only for a limited time.
        self._threads = [
            threading.Thread(target=self._gather, name="log-gather", daemon=True),
            threading.Thread(target=self._deliver, name="log-deliver", daemon=True),
        ]

    def start(self) -> None:
        """Starts both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 10) -> None:
        """Spools all predictions and records as many as possible in ``seconds`` per thread. The
        rest stays on disk.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join(seconds)

    def put(self, cells: Cells, scored_batch: ScoredBatch) -> None:
        """Queues the rows. If the queue is full, they are lost and counted."""
        with self._lock:
            if self._queued + len(cells) > self._rows_at_most:
                self._lost += len(cells)
                self._trouble["queue"] = "the queue of the prediction log is full: rows were lost"
                return
            self._queued += len(cells)
        self._queue.put((cells, scored_batch))

    def record(self, block: LogBatch) -> bool:
        """Records the block without the spool; False if it is in the log already. Raises
        DatabaseUnavailable.
        """
        recorded = self._database().record(block)
        with self._lock:
            self._recorded += len(block.predictions) * recorded
        return recorded

    def find(self, name: str) -> LogBatch | None:
        """The block of that name in the database, or None. Raises DatabaseUnavailable."""
        return self._database().find(name)

    def block_of(self, batches: list[Answered], name: str, run: str = "service") -> LogBatch:
        """The batches as one block of the log; all of them have to be from the same model."""
        loaded = batches[0][1].live.loaded
        cells = [line for some, _ in batches for line in some]
        predictions = Predictions.joined([each.predictions for _, each in batches])
        return LogBatch(
            name=name,
            stream="service",
            day=today(),
            version=loaded.version,
            digest=loaded.digest,
            run=run,
            predictions=_logged(cells, predictions, self._rules),
        )

    @property
    def state(self) -> LogState:
        """The state of the log now."""
        troubles = dict(self._trouble)  # a copy, because both threads change it meanwhile
        trouble = "; ".join(troubles.values()) or None
        outage = (
            "; ".join(self._disk if about == "spool" else OUTAGES[about] for about in troubles)
            or None
        )
        blocks, megabytes = len(self.spool.files()), self.spool.megabytes
        return LogState(
            self._queued, blocks, megabytes, self._recorded, self._lost, trouble, outage
        )

    def _gather(self) -> None:
        while True:
            batches = self._taken()
            for same in _by_model(batches):
                # The time has a fixed number of digits, so that names sort by time.
                name = f"service/{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
                try:
                    block = self.block_of(same, name)
                except Exception as broken:  # if the thread ended, all later rows would be lost
                    self._lose(sum(len(cells) for cells, _ in same), broken)
                else:
                    self._spool(block)
            if self._stopping.is_set() and self._queue.empty():
                return

    def _lose(self, rows: int, error: Exception) -> None:
        self._say("queue", f"{rows:,} predictions are lost: {error}")
        with self._lock:
            self._lost += rows
            self._queued -= rows

    def _taken(self) -> list[Answered]:
        """The batches of the next GATHER_SECONDS, or until there are GATHER_ROWS rows."""
        found: list[Answered] = []
        rows, until = 0, time.monotonic() + GATHER_SECONDS
        while rows < GATHER_ROWS and (left := until - time.monotonic()) > 0:
            try:
                found.append(self._queue.get(timeout=left))
            except queue.Empty:
                break
            rows += len(found[-1][0])
        return found

    def _spool(self, block: LogBatch) -> None:
        """Writes the block to disk. If the disk is full, records it in the database. If both fail,
        waits and tries again.
        """
        rows = len(block.predictions)
        while True:
            try:
                if self.spool.megabytes >= self._megabytes:
                    raise OSError(f"the spool is full, its limit is {self._megabytes:g} MB")
                self.spool.put(block)
                self._trouble.pop("spool", None)
                break
            except OSError as full:
                # Only strerror: the text of an OSError contains the path, and /health needs no key.
                self._disk = (
                    f"predictions cannot be spooled: {full.strerror or 'the spool is full'}"
                )
                self._say("spool", f"predictions cannot be spooled: {full}")
            try:
                self.record(block)
                break
            except Exception as away:  # after any error the rows stay in memory for another attempt
                self._say("database", f"predictions cannot be recorded: {away}")
            if self._stopping.wait(RETRY_SECONDS):
                with self._lock:
                    self._lost += rows
                logger.error("%s predictions are lost: disk and database both failed", rows)
                break
        with self._lock:
            self._queued -= rows

    def _deliver(self) -> None:
        while True:
            # Before the delivery: a block that is spooled during it needs another delivery.
            gathering = self._threads[0].is_alive()
            try:
                done = self._delivered()
                self._trouble.pop("delivery", None)
            except Exception as broke:  # if the thread ended, all later blocks would stay on disk
                self._say("delivery", f"predictions wait on disk: {broke}")
                done = False
            if not gathering and (done or self._stopping.is_set()):
                return
            time.sleep(GATHER_SECONDS if done else RETRY_SECONDS)

    def _delivered(self) -> bool:
        """Records the spooled blocks; False if the database is unavailable."""
        for path in self.spool.files():
            try:
                block = self.spool.read(path)
                self.record(block)
            except FileNotFoundError:  # another process has recorded it in the meantime
                continue
            except DatabaseUnavailable as away:
                self._say("database", f"predictions wait on disk: {away}")
                return False
            except Exception as refused:
                # The block would fail at every attempt, and the other blocks must not wait for it.
                self._say(
                    "refused",
                    f"{path.name} cannot be recorded and is moved to the folder refused: {refused}",
                )
                self.spool.set_aside(path)
                continue
            # After the record: after a kill in between, the block is recorded again without effect.
            path.unlink(missing_ok=True)
            self._trouble.pop("database", None)
        return True

    def _database(self) -> PredictionLog:
        if self._opened is None:
            self._opened = self._log()
        return self._opened

    def _say(self, about: str, trouble: str) -> None:
        trouble = redacted(trouble)
        if self._trouble.get(about) != trouble:
            logger.warning("%s", trouble)
        self._trouble[about] = trouble


def _by_model(batches: list[Answered]) -> list[list[Answered]]:
    """The batches grouped by model, because all rows of a block have the same model."""
    found: dict[str, list[Answered]] = {}
    for batch in batches:
        found.setdefault(batch[1].live.version, []).append(batch)
    return list(found.values())


def _logged(cells: Cells, predictions: Predictions, rules: Rows) -> pd.DataFrame:
    """The rows in the format of the prediction log, with their features as JSON."""
    columns = rules.validator.columns
    own = [name for name in (columns.key, columns.time) if name]
    table = rules.table(cells, own)
    return pd.DataFrame(
        {
            "identity": row_identities(table, columns),
            "key": table[columns.key],
            "as_of": table[columns.time]
            if columns.time
            else pd.Series(pd.NaT, table.index, "datetime64[us]"),
            **predictions.logged,
            "features": pd.Series(_features(cells, rules, own), index=table.index, dtype=object),
        }
    )


def _features(cells: Cells, rules: Rows, but: Sequence[str]) -> list[str]:
    """The features of each row as JSON, without the columns in ``but``, which the log stores in
    separate columns.

    The JSON is made from the cells: splitting a table would take longer than scoring it.
    """
    names = [name for name in rules.places if name not in but]
    places = [rules.places[name] for name in names]
    dates = [place for place in places if rules.columns[place].kind == "date"]
    found = []
    for line in cells:
        plain = list(line)
        for place in dates:
            plain[place] = line[place] and line[place].isoformat(timespec="microseconds")
        found.append(
            orjson.dumps(dict(zip(names, [plain[place] for place in places], strict=True))).decode()
        )
    return found
