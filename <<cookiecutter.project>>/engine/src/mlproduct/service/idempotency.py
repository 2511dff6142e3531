"""A request that is sent again under the same Idempotency-Key: answered as before, and logged once.

The prediction log is the memory. The name of a block is made of the key, and a block is recorded
once, whichever process comes first; so it holds across processes and restarts, costs no memory
here, and ends when the log expires. Such a request therefore waits for the database, which others
do not.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import Self

import pandas as pd

from ..log.prediction_log import LogBatch
from ..training.predictions import Predictions
from .batching import Batcher, ScoredBatch
from .log_writer import LogWriter
from .request_rows import Cells

__all__ = ["KEY_HEADER", "Once", "StoredAnswer", "UsedBefore"]

KEY_HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,200}")


class UsedBefore(Exception):
    """The key cannot be answered as before; the message says why."""


@dataclass(frozen=True)
class StoredAnswer:
    """What one model predicted for the good rows of one request."""

    version: str
    digest: str
    predictions: Predictions

    @classmethod
    def of(cls, scored_batch: ScoredBatch) -> Self:
        return cls(
            scored_batch.live.version, scored_batch.live.loaded.digest, scored_batch.predictions
        )


@dataclass(frozen=True)
class Once:
    """A key and a body as the log knows them."""

    name: str
    body: str

    @classmethod
    def of(cls, key: str, body: bytes) -> Self:
        """Raises ValueError for a key that is none."""
        if not KEY.fullmatch(key):
            raise ValueError(
                f"{KEY_HEADER} has 1 to 200 visible ASCII characters, not {key[:80]!r}."
            )
        return cls(
            f"service/key-{hashlib.sha256(key.encode()).hexdigest()}",
            hashlib.sha256(body).hexdigest(),
        )

    async def answer(self, cells: Cells, batcher: Batcher, writer: LogWriter) -> StoredAnswer:
        """The answer that is in the log, or the one that is put there now.

        Raises UsedBefore for another body, Busy where too many rows wait, DatabaseUnavailable.
        """
        found = await asyncio.to_thread(writer.find, self.name)
        if found is None:
            scored_batch = await batcher.score(cells, kept=False)
            made = await asyncio.to_thread(
                writer.block_of, [(cells, scored_batch)], self.name, self.body
            )
            recorded = await asyncio.to_thread(writer.record, made)
            found = made if recorded else await asyncio.to_thread(writer.find, self.name)
        return self._from(found, len(cells))

    def _from(self, block: LogBatch | None, rows: int) -> StoredAnswer:
        if block is not None and block.run != self.body:
            raise UsedBefore(
                f"This {KEY_HEADER} was used with another body. Send this one under a key of its"
                " own."
            )
        if block is None or len(block.predictions) != rows:
            raise UsedBefore(
                f"What was predicted under this {KEY_HEADER} was erased since. Send it under"
                " another key."
            )
        return StoredAnswer(block.version, block.digest, _predictions(block.predictions))


def _predictions(rows: pd.DataFrame) -> Predictions:
    names = ("decision", "score", "low", "high")
    columns = (
        rows[name].to_numpy(float) if name in rows and rows[name].notna().any() else None
        for name in names
    )
    return Predictions(*columns)  # type: ignore[arg-type]  # the decision is never None
