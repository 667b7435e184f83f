from __future__ import annotations

from sqlite3 import IntegrityError

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agents.savers.newest import NewestOnly

# Not a unique index: the saver's INSERT OR REPLACE would take the row out of its way.
ONE_CHILD = """
CREATE TRIGGER IF NOT EXISTS checkpoint_has_one_child BEFORE INSERT ON checkpoints
WHEN EXISTS (
    SELECT 1 FROM checkpoints
    WHERE thread_id = NEW.thread_id AND checkpoint_ns = NEW.checkpoint_ns
    AND parent_checkpoint_id IS NEW.parent_checkpoint_id AND checkpoint_id <> NEW.checkpoint_id
)
BEGIN SELECT RAISE(ABORT, 'another checkpoint follows this one already'); END
"""


class SqliteSaver(NewestOnly, AsyncSqliteSaver):
    async def setup(self) -> None:
        if not self.is_setup:
            await super().setup()
            await self.conn.execute(ONE_CHILD)
            await self.conn.commit()

    async def save(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig | None:
        try:
            return await AsyncSqliteSaver.aput(self, config, checkpoint, metadata, new_versions)
        except IntegrityError:
            async with self.lock:
                await self.conn.rollback()
            return None
