"""Predictions on their way to the log: behind the answer, through a bounded queue and a spool on
disk.

One thread gathers what was answered into blocks and puts them on the spool; another takes them from
there to the database. So a database that is away costs nothing but disk, a process that is killed
loses less than a second of the log, and what was spooled is recorded by the next process.
"""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pandas as pd

from ..clock import today
from ..data.fingerprint import row_identities
from ..errors import DatabaseUnavailable
from ..log.prediction_log import LogBatch, PredictionLog
from ..log.spool import Spool
from ..redaction import redacted
from ..training.predictions import Predictions
from .batching import ScoredBatch
from .request_rows import Cells, Rows

__all__ = ["LogState", "LogWriter"]

Answered = tuple[Cells, ScoredBatch]
logger = logging.getLogger(__name__)
GATHER_SECONDS = 0.2
GATHER_ROWS = 5_000
RETRY_SECONDS = 1.0
OUTAGES = {
    "database": "database unavailable",
    "delivery": "predictions wait on disk",
    "queue": "rows were lost",
    "refused": "predictions were set aside",
}


@dataclass(frozen=True)
class LogState:
    """How the log fares: rows in memory, blocks and megabytes on the spool, rows lost for good,
    what is wrong.

    ``outage`` says what is wrong to anybody who asks for the health: no address, no path.
    """

    queued: int
    blocks: int
    megabytes: float
    recorded: int
    lost: int
    trouble: str | None
    outage: str | None


class LogWriter:
    """Takes batches with ``put``, which never waits and never raises."""

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
        self._queue: queue.SimpleQueue[Answered] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._queued = self._recorded = self._lost = 0
        self._trouble: dict[str, str] = {}
        self._disk = ""
        self._stopping = threading.Event()
        self._opened: PredictionLog | None = None
        self._threads = [
            threading.Thread(target=self._gather, name="log-gather", daemon=True),
            threading.Thread(target=self._deliver, name="log-deliver", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 10) -> None:
        """Spools everything that was put, and records what can be recorded in that time; the rest
        waits on disk.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join(seconds)

    def put(self, cells: Cells, scored_batch: ScoredBatch) -> None:
        with self._lock:
            if self._queued + len(cells) > self._rows_at_most:
                self._lost += len(cells)
                self._trouble["queue"] = "more predictions than the log takes: rows were lost"
                return
            self._queued += len(cells)
        self._queue.put((cells, scored_batch))

    def record(self, block: LogBatch) -> bool:
        """Whether the block was recorded now, past the spool. Raises DatabaseUnavailable."""
        recorded = self._database().record(block)
        with self._lock:
            self._recorded += len(block.predictions) * recorded
        return recorded

    def find(self, name: str) -> LogBatch | None:
        """The block of that name in the database. Raises DatabaseUnavailable."""
        return self._database().find(name)

    def block_of(self, batches: list[Answered], name: str, run: str = "service") -> LogBatch:
        """The batches of one model as a block of the log."""
        loaded = batches[0][1].live.loaded
        cells = [line for some, _ in batches for line in some]
        predictions = _joined([each.predictions for _, each in batches])
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
        troubles = dict(self._trouble)
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
                name = f"service/{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
                self._spool(self.block_of(same, name))
            if self._stopping.is_set() and self._queue.empty():
                return

    def _taken(self) -> list[Answered]:
        """What was put within a moment, up to a block's worth."""
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
        """To disk; where that is full, straight to the database; where that is away as well,
        wait.
        """
        rows = len(block.predictions)
        while True:
            try:
                if self.spool.megabytes >= self._megabytes:
                    raise OSError(f"the spool holds {self._megabytes:g} MB, which is all it may")
                self.spool.put(block)
                self._trouble.pop("spool", None)
                break
            except OSError as full:
                # Never the path.
                self._disk = (
                    f"predictions cannot be spooled: {full.strerror or 'the spool is full'}"
                )
                self._say("spool", f"predictions cannot be spooled: {full}")
            try:
                self._recorded += rows * self._database().record(block)
                break
            except Exception as away:  # whatever it is, the rows are kept in memory and tried again
                self._say("database", f"predictions cannot be recorded: {away}")
            if self._stopping.wait(RETRY_SECONDS):
                with self._lock:
                    self._lost += rows
                logger.error("%s predictions are lost: neither disk nor database took them", rows)
                break
        with self._lock:
            self._queued -= rows

    def _deliver(self) -> None:
        while True:
            gathering = self._threads[0].is_alive()
            try:
                done = self._delivered()
                self._trouble.pop("delivery", None)
            except Exception as broke:  # a thread that ends would leave all that follows on disk
                self._say("delivery", f"predictions wait on disk: {broke}")
                done = False
            if not gathering and (done or self._stopping.is_set()):
                return
            time.sleep(GATHER_SECONDS if done else RETRY_SECONDS)

    def _delivered(self) -> bool:
        """Whether everything that was on the spool is in the database now."""
        for path in self.spool.files():
            try:
                block = self.spool.read(path)
                self._recorded += len(block.predictions) * self._database().record(block)
            except FileNotFoundError:  # another process has recorded it in this moment
                continue
            except DatabaseUnavailable as away:
                self._say("database", f"predictions wait on disk: {away}")
                return False
            except (
                Exception
            ) as refused:  # no database will ever take it: the others must not wait behind it
                self._say("refused", f"{path.name} is set aside: {refused}")
                self.spool.set_aside(path)
                continue
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
    """The batches by the model that scored them: a block has one."""
    found: dict[str, list[Answered]] = {}
    for batch in batches:
        found.setdefault(batch[1].live.version, []).append(batch)
    return list(found.values())


def _joined(parts_of: list[Predictions]) -> Predictions:
    columns = zip(*((one.decision, one.score, one.low, one.high) for one in parts_of), strict=True)
    parts = (
        None if any(part is None for part in column) else np.concatenate(column)
        for column in columns
    )
    return Predictions(*parts)  # type: ignore[arg-type]  # the decision is never None


def _logged(cells: Cells, predictions: Predictions, rules: Rows) -> pd.DataFrame:
    """The rows as the prediction log takes them, features and all."""
    columns = rules.validator.columns
    own = [name for name in (columns.key, columns.time) if name]
    table = rules.table(cells, own)
    named = ("decision", "score", "low", "high")
    values = {name: getattr(predictions, name) for name in named}
    return pd.DataFrame(
        {
            "identity": row_identities(table, columns),
            "key": table[columns.key],
            "as_of": table[columns.time]
            if columns.time
            else pd.Series(pd.NaT, table.index, "datetime64[us]"),
            **{name: value for name, value in values.items() if value is not None},
            "features": pd.Series(_features(cells, rules, own), index=table.index, dtype=object),
        }
    )


def _features(cells: Cells, rules: Rows, but: Sequence[str]) -> list[str]:
    """What was read of each row as JSON, ``but`` for what the log has columns of its own for.

    Made from the cells: a table would cost more to take apart than a model takes to score it.
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
