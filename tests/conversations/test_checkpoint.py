"""A conversation's checkpoint: what comes from its row, and what goes there."""

import asyncio

import ormsgpack
import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import empty_checkpoint

from agents.saver import KEPT, KeptCheckpoint, RunSaver

METADATA = {"source": "loop", "step": 1, "parents": {}}


def checkpoint(**values):
    return {**empty_checkpoint(), "channel_values": values}


def test_what_is_taken_can_be_read_and_is_taken_once():
    kept = KeptCheckpoint()
    assert kept.read() is None
    assert kept.take() is None
    saved = checkpoint(messages=[HumanMessage("Hello", id="1")])
    kept.save(saved, METADATA)
    content = kept.take()
    assert kept.take() is None
    assert KeptCheckpoint(content).read() == kept.read() == (saved, METADATA, {})


def test_writes_stay_with_their_checkpoint_and_replace_their_like():
    kept = KeptCheckpoint()
    saved = checkpoint()
    kept.save(saved, METADATA)
    kept.save_writes(saved["id"], {("task", 0): ("plan", [1]), ("task", -3): ("pause", "once")})
    again = KeptCheckpoint(kept.take())
    again.save_writes(saved["id"], {("task", -3): ("pause", "twice")})
    _, _, writes = KeptCheckpoint(again.take()).read()
    assert writes == {("task", 0): ("plan", [1]), ("task", -3): ("pause", "twice")}
    again.save(checkpoint(), METADATA)
    assert KeptCheckpoint(again.take()).read()[2] == {}


def test_writes_of_an_unknown_checkpoint_are_refused():
    kept = KeptCheckpoint()
    kept.save_writes("unknown", {("task", 0): ("plan", [])})
    with pytest.raises(ValueError, match="never saved"):
        kept.take()


def test_langgraph_finds_what_it_has_saved():
    async def work():
        saver, kept, saved = RunSaver(), KeptCheckpoint(), checkpoint(step=0)
        config = {"configurable": {"thread_id": "t", "checkpoint_ns": "", KEPT: kept}}
        assert await saver.aget_tuple(config) is None
        at = await saver.aput(config, saved, METADATA, {})
        await saver.aput_writes(at, [("step", 1)], "task")
        kept.take()
        return saved, at, await saver.aget_tuple(config)

    saved, at, found = asyncio.run(work())
    assert (found.config, found.checkpoint, found.metadata) == (at, saved, METADATA)
    assert found.pending_writes == [("task", "step", 1)]


@pytest.mark.parametrize("function", [("os", "system"), ("subprocess", "getoutput")])
def test_a_crafted_row_runs_no_code(tmp_path, function):
    file = tmp_path / "made"
    called_with_one_argument = 0
    call = ormsgpack.packb((*function, f"touch {file}"))
    row = ormsgpack.packb([{"id": "1"}, {}, [ormsgpack.Ext(called_with_one_argument, call)]])
    with pytest.raises(ValueError, match="unpack"):
        KeptCheckpoint(row).read()
    assert not file.exists()
