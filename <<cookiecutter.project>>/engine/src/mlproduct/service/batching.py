"""Batches: all waiting rows are scored together, because scoring a hundred rows takes little more
time than scoring one.

No request is delayed to fill a batch. Requests that arrive while a batch is scored form the next
batch. Scoring runs on the event loop: with Python's global lock, a thread would only add latency.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..problems import Predictions
from .accelerate import ArrayRows
from .follower import LiveModel
from .request_rows import Cells, Rows

__all__ = ["Batcher", "Busy", "ScoredBatch"]

# A batch occupies the event loop: larger ones would delay every other request.
ROWS_AT_ONCE = 2_000
# Turns of the event loop before a batch begins. In these turns, requests that have arrived are read
# and checked, so that they join the batch.
TURNS = 4


class Busy(Exception):
    """Raised when too many rows are waiting already."""


@dataclass(frozen=True)
class ScoredBatch:
    """The predictions of one model for the rows of a request or of a batch."""

    live: LiveModel
    predictions: Predictions


@dataclass
class _Waiting:
    cells: Cells
    answer: "asyncio.Future[ScoredBatch]"
    kept: bool


class Batcher:
    """Scores rows in batches, each with the model that ``live`` returns when the batch begins.

    ``scored`` is called with the number of rows of a batch, ``keep`` with the rows to log. At most
    ``rows_at_most`` rows wait.
    """

    def __init__(
        self,
        live: Callable[[], LiveModel | None],
        rules: Rows,
        scored: Callable[[int], None],
        keep: Callable[[Cells, ScoredBatch], None],
        rows_at_most: int,
    ) -> None:
        self._live, self._rules = live, rules
        self._features = list(rules.validator.columns.inputs)
        self._scored, self._keep, self._at_most = scored, keep, rows_at_most
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts scoring; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Waits until no rows are waiting, then stops scoring."""
        # A batch is scored and answered in one turn of the event loop, so an empty queue means that
        # every request has its result.
        while self._waiting:
            await asyncio.sleep(0.01)
        if self._task is not None:
            self._task.cancel()

    async def score(self, cells: Cells, *, kept: bool = True) -> ScoredBatch:
        """The predictions of the live model for the rows, which are logged if ``kept``.

        Raises Busy if too many rows are waiting, or the error of the model.
        """
        if self._rows + len(cells) > self._at_most:
            raise Busy
        answer: asyncio.Future[ScoredBatch] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(cells, answer, kept))
        self._rows += len(cells)
        self._wake.set()
        return await answer

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                batch = self._next()
                for waiting, result in zip(batch, self._results(batch), strict=True):
                    if waiting.answer.done():  # the client has closed the connection
                        continue
                    if isinstance(result, Exception):
                        waiting.answer.set_exception(result)
                    else:
                        waiting.answer.set_result(result)

    def _next(self) -> list[_Waiting]:
        # A request is never split: one response comes from one model. The last one may exceed the
        # limit.
        batch: list[_Waiting] = []
        rows = 0
        while self._waiting and rows < ROWS_AT_ONCE:
            batch.append(self._waiting.popleft())
            rows += len(batch[-1].cells)
        self._rows -= rows
        return batch

    def _results(self, batch: list[_Waiting]) -> list[ScoredBatch | Exception]:
        """A result for each request. If the model fails on a batch, each request is scored alone,
        so that only the request that causes the error fails.
        """
        live = self._live()  # once, because another thread may replace it during the batch
        if live is None:
            return [RuntimeError("no model is loaded") for _ in batch]
        try:
            cells = [line for waiting in batch for line in waiting.cells]
            scored_batch = ScoredBatch(live, self._predictions(live, cells))
        except Exception as error:  # a model may raise any exception
            return (
                [error]
                if len(batch) == 1
                else [each for one in batch for each in self._results([one])]
            )
        self._scored(len(cells))
        if together := all(waiting.kept for waiting in batch):
            self._keep(cells, scored_batch)
        found: list[ScoredBatch | Exception] = []
        start = 0
        for waiting in batch:
            rows = slice(start, start + len(waiting.cells))
            mine = ScoredBatch(live, scored_batch.predictions.take(rows))
            if waiting.kept and not together:
                self._keep(waiting.cells, mine)
            found.append(mine)
            start += len(waiting.cells)
        return found

    def _predictions(self, live: LiveModel, cells: Cells) -> Predictions:
        if live.fast is not None:
            arrays = ArrayRows(self._rules.arrays(cells, self._features), len(cells))
            return live.problem.predict(live.fast, arrays)
        table = self._rules.table(cells, self._features)
        return live.problem.predict(live.loaded.model, table)
