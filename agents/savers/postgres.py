from __future__ import annotations

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

from agents.savers.newest import NewestOnly


class PostgresSaver(NewestOnly, AsyncPostgresSaver):
    async def newest_id(self, thread: str, namespace: str) -> str | None:
        async with self._cursor() as cursor:
            await cursor.execute(
                "SELECT max(checkpoint_id) AS id FROM checkpoints"
                " WHERE thread_id = %s AND checkpoint_ns = %s",
                (thread, namespace),
            )
            row = await cursor.fetchone()
        return row["id"] if row else None
