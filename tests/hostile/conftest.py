import asyncio
import logging
from functools import cache

import pytest

from agents.loading import read_template
from agents.registry import list_template_files
from agents.spec import TemplateSpec
from conversations import runs
from tests.hostile.canaries import make_canaries
from tests.hostile.play import play
from tests.hostile.verdict import find_breaches
from tests.talk import in_database

LOGGERS = ("agents", "conversations", "escalation", "supportsite")


@cache
def shipped(vertical):
    """Return a vertical's template as shipped."""
    [file] = [file for file in list_template_files() if file.label == vertical]
    spec = read_template(file.path, source=file.source)
    return TemplateSpec.model_validate(spec.model_dump() | {"vertical": vertical})


@pytest.fixture
def canaries(settings):
    canaries = make_canaries()
    settings.SECRET_KEY = canaries["secret"]
    settings.OPENAI_API_KEY = canaries["key"]
    return canaries


@pytest.fixture
async def breaches_of(transactional_db, settings, monkeypatch, caplog, client, canaries):
    """Play a script and return what it broke: `await breaches_of(script)`."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, logger=name)

    async def breaches_of(script):
        spec = shipped(script.vertical)
        played = await play(script, spec, canaries, monkeypatch)
        pages = await in_database(read_pages, client, spec.slug)
        return await find_breaches(played, caplog.text, pages)

    yield breaches_of
    for drive in list(runs._drives.values()):
        drive.task.cancel()
        await asyncio.wait({drive.task})


def read_pages(client, slug):
    answers = [client.get(path) for path in ("/", f"/chat/{slug}/")]
    assert [answer.status_code for answer in answers] == [200, 200]
    return "\n".join(answer.content.decode() for answer in answers)
