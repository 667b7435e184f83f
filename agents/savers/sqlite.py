from __future__ import annotations

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agents.savers.newest import NewestOnly


class SqliteSaver(NewestOnly, AsyncSqliteSaver):
    async def newest_id(self, thread: str, namespace: str) -> str | None:
        async with self.conn.execute(
            "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ?",
            (thread, namespace),
        ) as cursor:
            row = await cursor.fetchone()
        return row[0] if row else None
