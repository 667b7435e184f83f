import pytest

from agents.loading import read_template
from agents.offline.cache import get_brain
from agents.registry import list_template_files
from agents.spec import TemplateSpec
from tests.talk import open_talk

__all__ = ["open_talk"]


@pytest.fixture(scope="session")
def learned_template(request):
    """Return a vertical's template as shipped, once the offline model has learned it.

    What was learned is kept for the next session; its files' names tell from which templates.
    """
    kept = request.config.cache.mkdir("offline-model")
    specs = {}

    def learned_template(vertical):
        if vertical not in specs:
            [file] = [file for file in list_template_files() if file.label == vertical]
            spec = read_template(file.path, source=file.source)
            specs[vertical] = TemplateSpec.model_validate(
                spec.model_dump() | {"vertical": vertical}
            )
        get_brain(specs[vertical], kept)
        return specs[vertical]

    return learned_template
