"""What was learned is kept on disk, and a broken file does no harm."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from agents.offline import cache
from agents.offline.model import warm_up
from tests.offline.library import make_template


@pytest.fixture
def learned(monkeypatch):
    """Count the trainings, in a process that has no brain yet."""
    times = []
    learn = cache.learn
    monkeypatch.setattr(cache, "_brains", type(cache._brains)())
    monkeypatch.setattr(cache, "learn", lambda *args: times.append(1) or learn(*args))
    return times


def forget():
    cache._brains.clear()


def test_it_is_learned_once_and_then_read_from_disk(tmp_path, learned):
    template = make_template()
    warm_up(template, tmp_path)
    warm_up(template, tmp_path)
    forget()
    warm_up(template, tmp_path)
    assert len(learned) == 1
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_a_template_with_other_texts_uses_the_same_file_and_other_examples_do_not(
    tmp_path, learned
):
    warm_up(make_template(), tmp_path)
    warm_up(make_template(greeting="Good day!"), tmp_path)
    assert len(learned) == 1
    human = {"intents": [{"name": "person", "examples": ["let me speak to a librarian"]}]}
    warm_up(make_template(human=human), tmp_path)
    assert len(learned) == 2


def test_a_broken_file_is_learned_anew(tmp_path, learned, caplog):
    warm_up(make_template(), tmp_path)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:5000])
    forget()
    with caplog.at_level(logging.WARNING):
        warm_up(make_template(), tmp_path)
    assert len(learned) == 2
    assert "is broken" in caplog.text
    forget()
    warm_up(make_template(), tmp_path)
    assert len(learned) == 2


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path, learned, caplog):
    (tmp_path / "file").write_text("not a folder")
    warm_up(make_template(), tmp_path / "file" / "cache")
    assert "cannot keep what it learned" in caplog.text


def test_threads_that_ask_at_once_share_one_training(tmp_path, learned):
    template = make_template()
    with ThreadPoolExecutor(8) as pool:
        brains = list(pool.map(lambda _: cache.get_brain(template, tmp_path), range(8)))
    assert len(learned) == 1
    assert len(set(map(id, brains))) == 1
