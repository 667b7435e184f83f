"""LangGraph's checkpointer for rows that belong to others: a checkpoint comes with the run, and goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

KEPT = "kept_checkpoint"
FORMAT = "msgpack"

# What tasks wrote before a pause: (task, place) → (channel, value).
Writes = dict[tuple[str, int], tuple[str, Any]]
_serde = JsonPlusSerializer()


class KeptCheckpoint:
    """Where a conversation's graph stands. Whoever runs the graph reads it from a row, and writes what `take` returns.

    Args:
        content: What the row holds; None where there is none yet.
    """

    def __init__(self, content: bytes | None = None) -> None:
        self._content = content
        self._saved: tuple[Checkpoint, CheckpointMetadata] | None = None
        self._id: str | None = None
        self._writes: Writes = {}
        self._has_news = False

    def read(self) -> tuple[Checkpoint, CheckpointMetadata, Writes] | None:
        """Return what was taken last, or came from the row. Raises for what is no checkpoint."""
        if self._content is None:
            return None
        checkpoint, metadata, writes = _serde.loads_typed((FORMAT, self._content))
        return checkpoint, metadata, {(task, at): (name, value) for task, at, name, value in writes}

    def save(self, checkpoint: Checkpoint, metadata: CheckpointMetadata) -> None:
        self._turn_to(checkpoint["id"])
        self._saved = checkpoint, metadata

    def save_writes(self, checkpoint_id: str, writes: Writes) -> None:
        self._turn_to(checkpoint_id)
        self._writes |= writes

    def _turn_to(self, checkpoint_id: str) -> None:
        if self._id != checkpoint_id:
            self._id, self._saved, self._writes = checkpoint_id, None, {}
        self._has_news = True

    def take(self) -> bytes | None:
        """Return what was saved since the last time; None when nothing was."""
        if not self._has_news:
            return None
        self._has_news = False
        if self._saved is None:  # only writes, of the checkpoint that is known
            known = self.read()
            if known is None or known[0]["id"] != self._id:
                raise ValueError("writes of a checkpoint that was never saved")
            self._saved = known[:2]
            self._writes = {**known[2], **self._writes}
        listed = [(*place, *write) for place, write in self._writes.items()]
        kind, content = _serde.dumps_typed((*self._saved, listed))
        if kind != FORMAT:
            raise TypeError(f"a checkpoint is kept as {FORMAT}, not as {kind}")
        self._content = content
        return content


class RunSaver(BaseCheckpointSaver[int]):
    """Reads and saves what the config holds under `KEPT`; whose it is, the caller knows."""

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        found = _kept(config).read()
        if found is None:
            return None
        checkpoint, metadata, writes = found
        pending = [(task, name, value) for (task, _), (name, value) in writes.items()]
        named = _named(config, checkpoint["id"])
        return CheckpointTuple(named, checkpoint, metadata, pending_writes=pending)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        _kept(config).save(checkpoint, metadata)
        return _named(config, checkpoint["id"])

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        placed = {
            (task_id, WRITES_IDX_MAP.get(name, at)): (name, value)
            for at, (name, value) in enumerate(writes)
        }
        _kept(config).save_writes(config["configurable"]["checkpoint_id"], placed)


def _kept(config: RunnableConfig) -> KeptCheckpoint:
    kept: KeptCheckpoint = config["configurable"][KEPT]
    return kept


def _named(config: RunnableConfig, checkpoint_id: str) -> RunnableConfig:
    return {"configurable": {**config["configurable"], "checkpoint_id": checkpoint_id}}
