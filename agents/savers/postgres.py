from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.errors import UniqueViolation
from psycopg_pool import AsyncConnectionPool

from agents.savers.newest import NewestOnly

ONE_CHILD = (
    "CREATE UNIQUE INDEX IF NOT EXISTS checkpoint_has_one_child ON checkpoints"
    " (thread_id, checkpoint_ns, COALESCE(parent_checkpoint_id, ''))"
)


class PostgresSaver(NewestOnly, AsyncPostgresSaver):
    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        super().__init__(pool)
        # Each operation has a connection of its own from the pool; behind the one lock conversations would wait for
        # each other's commits (langgraph#7259).
        self.lock = nullcontext()  # type: ignore[assignment]

    async def setup(self) -> None:
        await super().setup()
        async with self._cursor() as cursor:
            await cursor.execute(ONE_CHILD)

    async def save(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig | None:
        try:
            return await AsyncPostgresSaver.aput(self, config, checkpoint, metadata, new_versions)
        except UniqueViolation:
            return None
