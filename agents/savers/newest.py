"""What both checkpointers have in common."""

from __future__ import annotations

from abc import abstractmethod

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
)

from agents.errors import StateOvertaken


class NewestOnly(BaseCheckpointSaver[str]):
    """Refuses to save over what its caller has not seen.

    A process that sleeps past its lease and wakes would otherwise roll the conversation back to what it knew (FACTS: 2
    of 11 trials without this, none with it).
    """

    @abstractmethod
    async def newest_id(self, thread: str, namespace: str) -> str | None:
        """Return the id of the thread's newest checkpoint, without reading the checkpoint."""

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        where = config["configurable"]
        newest = await self.newest_id(where["thread_id"], where["checkpoint_ns"])
        if newest != where.get("checkpoint_id"):
            raise StateOvertaken(f"thread {where['thread_id']}: another process has gone on")
        return await super().aput(config, checkpoint, metadata, new_versions)
