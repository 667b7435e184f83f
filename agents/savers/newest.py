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

from agents import fault_points
from agents.errors import StateOvertaken


class NewestOnly(BaseCheckpointSaver[str]):
    """Refuses to save over what its caller has not seen.

    A process that sleeps past its lease and wakes would otherwise roll the conversation back to what it knew (FACTS: 2
    of 11 trials without this, none with it). The database itself refuses a second checkpoint that follows the same one,
    so that there is no moment between looking and saving.

    One that has lost its run, and wakes before the other has saved anything, would be the first, and the rightful one
    would be refused then. So whoever saves for a run asks the run's row, too.
    """

    @abstractmethod
    async def save(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig | None:
        """Save a checkpoint; return None when its parent has another child already."""

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        fault_points.reach("checkpoint.before_put")
        is_held = config["configurable"].get("is_held")
        if is_held is not None and not await is_held():
            raise _overtaken(config)
        saved = await self.save(config, checkpoint, metadata, new_versions)
        if saved is None:
            raise _overtaken(config)
        fault_points.reach("checkpoint.after_put")
        return saved


def _overtaken(config: RunnableConfig) -> StateOvertaken:
    return StateOvertaken(
        f"thread {config['configurable']['thread_id']}: another process has gone on"
    )
