from functools import cache

import pytest

from agents.loading import read_template
from agents.offline.cache import get_brain
from agents.registry import list_template_files
from agents.spec import TemplateSpec
from tests.talk import open_talk

__all__ = ["open_talk"]


@pytest.fixture(scope="session")
def shipped_template():
    """Return a vertical's template as shipped."""

    @cache
    def shipped_template(vertical):
        [file] = [file for file in list_template_files() if file.label == vertical]
        spec = read_template(file.path, source=file.source)
        return TemplateSpec.model_validate(spec.model_dump() | {"vertical": vertical})

    return shipped_template


@pytest.fixture(scope="session")
def learn(request):
    """Let the offline model learn a template, which takes seconds.

    What was learned is kept for the next session; its files' names tell from which templates.
    """
    kept = request.config.cache.mkdir("offline-model")
    return lambda spec: get_brain(spec, kept)
