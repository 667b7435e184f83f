import sys
import threading

import pytest
from django.core.exceptions import ImproperlyConfigured

from agents import registry
from agents.errors import ToolUnknown
from agents.loading import read_template
from tests.templates.conftest import SHOP

TOOLS = """\
from agents.tools import support_tool, ToolContext

@support_tool(effect="read")
async def find_parcel(ctx: ToolContext, number: str) -> dict:
    "Look up a parcel."
    return {}
"""


def test_a_tool_of_an_installed_app_is_found(make_app):
    folder = make_app(tools=TOOLS)
    tool = registry.get_tool("find_parcel")
    assert (tool.name, tool.effect, tool.app) == ("find_parcel", "read", folder.name)


def test_unknown_tool_names_the_nearest(make_app):
    make_app(tools=TOOLS)
    with pytest.raises(
        ToolUnknown, match=r"unknown tool 'find_parcl'; did you mean 'find_parcel'\?"
    ):
        registry.get_tool("find_parcl")


def test_two_tools_of_one_name_are_an_error_that_names_both(make_app):
    first, second = make_app(tools=TOOLS), make_app(tools=TOOLS)
    with pytest.raises(ImproperlyConfigured) as caught:
        registry.get_tools()
    assert f"{first.name}.tools" in str(caught.value)
    assert f"{second.name}.tools" in str(caught.value)


def test_a_tool_that_another_app_imports_is_the_same_tool(make_app):
    first = make_app(tools=TOOLS)
    make_app(tools=f"from {first.name}.tools import find_parcel\n")
    assert registry.get_tool("find_parcel").app == first.name


def test_tools_are_found_once_by_many_threads(make_app):
    folder = make_app(tools=TOOLS + "\nimport time; time.sleep(0.05)\n")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(registry.get_tools())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(tools) for tools in found}) == 1
    assert f"{folder.name}.tools" in sys.modules


def test_tools_cannot_be_changed():
    with pytest.raises(TypeError):
        registry.get_tools()["x"] = None


def test_template_files_are_found_and_named_without_the_machine(make_app):
    folder = make_app(template=SHOP)
    file = registry.list_template_files()[-1]
    assert (file.app, file.path, file.source) == (
        folder.name,
        folder / "template.yaml",
        f"{folder.name}/template.yaml",
    )


def test_a_demo_is_asked_for_only_beside_a_template(make_app):
    make_app(demo="raise RuntimeError('not a vertical')")
    verbs = "def load(): pass\ndef reset(): pass\n"
    folder = make_app(template=SHOP, demo=verbs)
    assert registry.list_demo_modules()[-1][0] == folder.name


def test_a_demo_needs_both_verbs(make_app):
    make_app(template=SHOP, demo="def load(): pass\n")
    with pytest.raises(ImproperlyConfigured, match=r"demo has no reset\(\)"):
        registry.list_demo_modules()


def test_the_router_prompt_knows_every_agent_and_a_person():
    spec = read_template(SHOP, source="x.yaml")
    prompt = registry.router_prompt(spec)
    assert "orders: The state of orders." in prompt
    assert 'where is it: "where is my order"' in prompt
    assert f"human: {spec.human.description}" in prompt


def test_a_new_agent_is_in_the_router_prompt_without_another_edit():
    text = SHOP + "  - {name: gifts, label: Gifts, description: Gift cards., prompt: Be kind.}\n"
    prompt = registry.router_prompt(read_template(text, source="x.yaml"))
    assert "gifts: Gift cards." in prompt
    assert "Be kind." not in prompt


def test_the_router_prompt_shows_few_examples_of_an_intent():
    text = SHOP.replace("[where is my order]", "[one, two, three]")
    prompt = registry.router_prompt(read_template(text, source="x.yaml"))
    assert '"one" / "two"' in prompt
    assert "three" not in prompt


def test_two_verticals_may_each_have_a_tool_of_one_name(make_app):
    first, second = make_app(tools=TOOLS, template=SHOP), make_app(tools=TOOLS, template=SHOP)
    labels = [app.name.rpartition(".")[2] for app in (first, second)]
    tools = [registry.get_tool("find_parcel", label) for label in labels]
    assert tools[0] is not tools[1]
    assert "find_parcel" not in registry.get_tools()
