import pytest
from django.core.management import CommandError, call_command

from agents.models import TemplateVersion
from tests.templates.conftest import SHOP
from tests.templates.test_registry import TOOLS

PARCELS = SHOP.replace("get_order", "find_parcel")
DEMO = """\
calls = []
def load(): calls.append("load")
def reset(): calls.append("reset")
"""

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_verticals")]


def _load(capsys, *args):
    call_command("load_verticals", *args)
    return capsys.readouterr().out.splitlines()


def _calls(folder):
    module = __import__(f"{folder.name}.demo").demo
    return module.calls


def test_templates_and_demo_data_are_loaded_and_may_be_loaded_again(make_app, capsys, settings):
    settings.DEMO_MODE = True
    folder = make_app(template=PARCELS, tools=TOOLS, demo=DEMO)
    source = f"{folder.name}/template.yaml"
    assert _load(capsys) == [f"Shop v1 (new) from {source}", f"{folder.name}: demo data loaded"]
    assert _load(capsys)[0] == f"Shop v1 (unchanged) from {source}"
    assert TemplateVersion.objects.count() == 1
    assert _calls(folder) == ["load", "load"]


def test_reset_brings_the_demo_data_back(make_app, capsys, settings):
    settings.DEMO_MODE = True
    folder = make_app(template=PARCELS, tools=TOOLS, demo=DEMO)
    assert _load(capsys, "--reset")[-1] == f"{folder.name}: demo data reset"
    assert _calls(folder) == ["reset", "load"]


def test_demo_data_is_left_alone_outside_demo_mode(make_app, capsys, settings):
    settings.DEMO_MODE = False
    folder = make_app(template=PARCELS, tools=TOOLS, demo=DEMO)
    assert len(_load(capsys)) == 1
    assert len(_load(capsys, "--demo")) == 2
    assert _calls(folder) == ["load"]


def test_a_bad_template_ends_with_2_says_why_and_changes_nothing(make_app, capsys):
    good = make_app(template=PARCELS, tools=TOOLS)
    _load(capsys)
    (good / "template.yaml").write_text(PARCELS.replace("Hello!", "Good day!"))
    bad = make_app(template=PARCELS.replace("slug: shop", "slug: two").replace("parcel", "parcl"))
    with pytest.raises(CommandError) as caught:
        call_command("load_verticals")
    assert caught.value.returncode == 2
    assert f"{bad.name}/template.yaml:10:9: agents[0].tools[0].name: unknown tool" in str(
        caught.value
    )
    assert TemplateVersion.objects.count() == 1


def test_two_verticals_of_one_slug_are_refused(make_app):
    first = make_app(template=PARCELS, tools=TOOLS)
    second = make_app(template=PARCELS, tools=TOOLS)
    message = f"{second.name}/template.yaml: slug: 'shop' is already the slug of {first.name}/template.yaml"
    with pytest.raises(CommandError, match=message):
        call_command("load_verticals")
