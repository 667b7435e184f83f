"""What the how-to pages tell people to write really loads, and does what they say."""

import importlib
import sys
import types
from datetime import timedelta

import pytest
import yaml
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from agents import registry
from agents.loading import read_template
from agents.models import AgentTemplate
from agents.selectors import get_current_version, get_spec
from agents.services import load_all
from agents.tools import Refusal, SupportTool, ToolContext
from agents.verticals.ecommerce import demo
from agents.verticals.ecommerce.models import Customer
from conversations.identity import read_identity
from tests.contracts.docs_pages import DOCS, ROOT, example, fences

SHOP = ROOT / "agents" / "verticals" / "ecommerce" / "template.yaml"


def context(customer="ana"):
    return ToolContext(customer_id=customer, thread_id="t", run_id="r", now=timezone.now())


def prepare(tool, /, **args):
    return async_to_sync(tool.prepare)(context(), **tool.parse(args))


def perform(tool, /, **args):
    with transaction.atomic():
        return async_to_sync(tool.function)(context(), **tool.parse(args))


def run_module(text, name):
    module = types.ModuleType(name)
    sys.modules[name] = module  # `get_type_hints` looks there
    exec(compile(text, name, "exec"), vars(module))
    return module


@pytest.fixture
def new_tool():
    name = "docs_example_tool"
    yield run_module(
        example("how-to/add-a-tool.md", "agents/verticals/ecommerce/tools/names.py"), name
    ).update_name
    del sys.modules[name]


def test_the_new_tool_fits_into_the_shops_template(new_tool):
    shop = yaml.safe_load(SHOP.read_text())
    [account] = [agent for agent in shop["agents"] if agent["name"] == "account"]
    account["tools"] += yaml.safe_load(example("how-to/add-a-tool.md", "tool"))
    account["intents"] += yaml.safe_load(example("how-to/add-a-tool.md", "intent"))

    spec = read_template(
        yaml.safe_dump(shop),
        source="docs",
        tools={**registry.get_tools("ecommerce"), new_tool.name: new_tool},
    )

    assert new_tool.is_write
    assert spec.agent("account").tools[-1].approver == "customer"


@pytest.mark.django_db
def test_the_new_tool_does_what_its_page_says(new_tool):
    demo.load()
    proposal = prepare(new_tool, new_name="Ana Maria Keller")
    assert proposal.message == "Change your name from Ana Keller to Ana Maria Keller."
    assert Customer.objects.get(ref="ana").name == "Ana Keller"

    perform(new_tool, new_name="Ana Maria Keller")

    assert Customer.objects.get(ref="ana").name == "Ana Maria Keller"
    with pytest.raises(Refusal):
        prepare(new_tool, new_name="Ana Maria Keller")


def test_the_new_agent_is_routed_to():
    shop = yaml.safe_load(SHOP.read_text())
    shop["agents"] += yaml.safe_load(example("how-to/add-an-agent.md", "agent"))

    spec = read_template(yaml.safe_dump(shop), source="docs", tools=registry.get_tools("ecommerce"))

    assert "gifts: Helps to choose a present" in registry.router_prompt(spec)


@pytest.fixture
def library(tmp_path, monkeypatch):
    """The page's app, installed; its migration is made as the page says."""
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for fence in fences(DOCS / "how-to/add-a-vertical.md"):
        if fence.title.startswith("library/"):
            (tmp_path / fence.title).write_text(fence.text)
    monkeypatch.syspath_prepend(str(tmp_path))
    from django.conf import settings

    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "library"]):
        registry.forget()
        call_command("makemigrations", "library", verbosity=0)
        call_command("migrate", "library", verbosity=0)
        yield importlib.import_module("library.models")
        call_command("migrate", "library", "zero", verbosity=0)
    _forget_library()


def _forget_library():
    from django.apps import apps

    for model in list(admin.site._registry):
        if model._meta.app_label == "library":
            admin.site.unregister(model)
    registry.forget()
    apps.all_models.pop("library", None)
    for name in [name for name in sys.modules if name.partition(".")[0] == "library"]:
        del sys.modules[name]


@pytest.mark.django_db(transaction=True)
def test_the_new_vertical_loads_and_works(library):
    importlib.import_module("library.admin")

    load_all(with_demo=True)

    spec = get_spec(get_current_version("library"))
    tools = {use.name: registry.get_tool(use.name, "library") for use in spec.agent("loans").tools}
    assert all(isinstance(tool, SupportTool) for tool in tools.values())
    listed = perform(tools["list_loans"])
    assert {loan["title"] for loan in listed["loans"]} == {"Moby Dick", "Middlemarch"}
    due = library.Loan.objects.get(title="Moby Dick").due_on

    proposal = prepare(tools["renew_loan"], title="moby dick")
    assert proposal.args == {"title": "Moby Dick"}
    perform(tools["renew_loan"], **proposal.args)

    assert library.Loan.objects.get(title="Moby Dick").due_on == due + timedelta(weeks=3)
    perform(tools["renew_loan"], title="Moby Dick")
    with pytest.raises(Refusal, match="renewed 2 times"):
        prepare(tools["renew_loan"], title="Moby Dick")
    load_all(reset=True, with_demo=True)
    assert library.Loan.objects.get(title="Moby Dick").renewals == 0
    assert AgentTemplate.objects.get(slug="library").versions.count() == 1
    assert "library_loan" in connection.introspection.table_names()


def test_the_identity_that_a_site_makes_is_read(settings):
    settings.IDENTITY_SECRET = "a secret of at least thirty-two characters"
    name = "docs_example_identity"
    module = run_module(example("embed/identify-customers.md", "your server"), name)
    del sys.modules[name]

    token = module.make_identity(settings.IDENTITY_SECRET, "ana", name="Ana", email="ana@x.example")

    identity = read_identity(token)
    assert (identity.customer_id, identity.name, identity.email) == ("ana", "Ana", "ana@x.example")


def test_the_template_keys_for_a_model_are_known():
    shop = yaml.safe_load(SHOP.read_text())
    [models] = [f for f in fences(DOCS / "how-to/use-your-model.md") if f.language == "yaml"]

    spec = read_template(yaml.safe_dump({**shop, **yaml.safe_load(models.text)}), source="docs")

    assert spec.router_model == "gpt-4.1-nano"
