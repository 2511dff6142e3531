"""Repeated requests: a request with the same Idempotency-Key gets the same response and is logged
once.

The response is stored in the prediction log. The name of a block is derived from the key, and a
block is recorded once, by whichever process is first. This works across processes and restarts,
needs no memory in the service, and ends when the log expires. In exchange, a request with a key
waits for the database. Other requests do not.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import Any, Self

from ..log.prediction_log import LogBatch
from .batching import Batcher, ScoredBatch
from .follower import Follower
from .log_writer import LogWriter
from .request_rows import Cells

__all__ = ["KEY_HEADER", "Once", "StoredAnswer", "UsedBefore"]

KEY_HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,200}")


class UsedBefore(Exception):
    """Raised when the key was used before and its response cannot be repeated; the message states
    why.
    """


@dataclass(frozen=True)
class StoredAnswer:
    """The predictions of one model for the valid rows of one request, as fields by name."""

    version: str
    digest: str
    fields: dict[str, list[Any]]

    @classmethod
    def of(cls, scored_batch: ScoredBatch) -> Self:
        """The predictions of ``scored_batch`` with version and digest of its model."""
        live = scored_batch.live
        fields = live.problem.response(scored_batch.predictions)
        return cls(live.version, live.loaded.digest, fields)


@dataclass(frozen=True)
class Once:
    """A key as the name of its block in the log, and the sha256 of the body."""

    name: str
    body: str

    @classmethod
    def of(cls, key: str, body: bytes) -> Self:
        """The name and the digest for a key and a body. Raises ValueError for an invalid key."""
        if not KEY.fullmatch(key):
            raise ValueError(
                f"Expected {KEY_HEADER} with 1 to 200 visible ASCII characters, not {key[:80]!r}."
            )
        return cls(
            f"service/key-{hashlib.sha256(key.encode()).hexdigest()}",
            hashlib.sha256(body).hexdigest(),
        )

    async def answer(
        self, cells: Cells, batcher: Batcher, writer: LogWriter, follower: Follower
    ) -> StoredAnswer:
        """The predictions in the log for this key, or new ones, which are recorded first.

        Raises UsedBefore for another body or erased predictions, Busy if too many rows are waiting,
        and DatabaseUnavailable.
        """
        # Calls of the database block, so they run in threads and not on the event loop.
        found = await asyncio.to_thread(writer.find, self.name)
        if found is None:
            # Not kept by the batcher: the block is recorded below, and would be logged twice.
            scored_batch = await batcher.score(cells, kept=False)
            made = await asyncio.to_thread(
                writer.block_of, [(cells, scored_batch)], self.name, self.body
            )
            recorded = await asyncio.to_thread(writer.record, made)
            # If another request has recorded the key in the meantime, its predictions count.
            found = made if recorded else await asyncio.to_thread(writer.find, self.name)
        block = self._checked(found, len(cells))
        fields = await asyncio.to_thread(follower.response, block.version, block.predictions)
        return StoredAnswer(block.version, block.digest, fields)

    def _checked(self, block: LogBatch | None, rows: int) -> LogBatch:
        # The field run of such a block is the digest of its body.
        if block is not None and block.run != self.body:
            raise UsedBefore(
                f"This {KEY_HEADER} was used with another body. Send this body with another key."
            )
        if block is None or len(block.predictions) != rows:
            raise UsedBefore(
                f"The predictions of this {KEY_HEADER} were erased. Send the request with another"
                " key."
            )
        return block
