import json

import pytest

from agents.verticals.saas import demo, tools
from agents.verticals.saas.models import ApiKey, Component, Incident, Plan, Ticket, Workspace
from tests.verticals.cloud import call, make_context, prepare, refusal_of

PROBLEM = "Cards vanish when I drag them to another board."


@pytest.fixture(autouse=True)
def _loaded(db):
    demo.load()


def key(name="Production"):
    return ApiKey.objects.get(name=name)


def test_keys_are_listed_without_their_secrets():
    result = call(tools.list_api_keys)
    assert [row["key_name"] for row in result["keys"]] == ["Production", "Staging", "Zapier"]
    assert "**Production**, ending in 8f3a" in result["summary"]
    assert result["max_keys"] == 5


def test_a_rotated_key_is_shown_elsewhere_and_the_old_one_works_for_a_day():
    proposal = prepare(tools.rotate_api_key, key_name="production")
    assert proposal.message == (
        "Rotate the API key Production (ending in 8f3a) of Acme. The old one goes on working for 24 "
        "hours. The new one is shown once, under Settings > API keys, and not in this chat."
    )
    result = call(tools.rotate_api_key, **proposal.args)
    assert key().hint != "8f3a"
    assert "where it is shown once" in result["summary"]
    # The last four characters are all that is known here.
    assert json.dumps(result).count(key().hint) == 2
    assert call(tools.list_api_keys)["keys"][0]["last_used"] == "never"


def test_a_key_that_has_leaked_stops_at_once():
    message = prepare(tools.rotate_api_key, key_name="Zapier", grace_hours=0).message
    assert "The old one stops working at once." in message
    result = call(tools.rotate_api_key, key_name="Zapier", grace_hours=0)
    assert "does not work any more" in result["summary"]


def test_a_second_rotation_waits_for_the_first_unless_the_key_has_leaked():
    call(tools.rotate_api_key, key_name="Production")
    for run in (prepare, call):
        reason = refusal_of(run, tools.rotate_api_key, key_name="Production")
        assert "can be rotated again after that" in reason
        assert "0 hours" in reason
    call(tools.rotate_api_key, key_name="Production", grace_hours=0)
    call(tools.rotate_api_key, make_context(days_later=2), key_name="Production")


def test_a_rotation_that_was_approved_twice_is_done_once():
    proposal = prepare(tools.rotate_api_key, key_name="Staging", grace_hours=0)
    call(tools.rotate_api_key, **proposal.args)
    assert "in the meantime" in refusal_of(call, tools.rotate_api_key, **proposal.args)


def test_a_key_may_be_named_in_part_but_not_in_doubt():
    assert prepare(tools.rotate_api_key, key_name="zap").args["key_name"] == "Zapier"
    ApiKey.objects.filter(name="Zapier").update(name="Staging Zapier")
    assert prepare(tools.rotate_api_key, key_name="staging").args["key_name"] == "Staging"
    reason = refusal_of(prepare, tools.rotate_api_key, key_name="stag")
    assert reason == "Which key do you mean: Staging, Staging Zapier?"


def test_a_key_of_another_workspace_reads_as_one_that_does_not_exist():
    for run in (prepare, call):
        foreign = refusal_of(run, tools.rotate_api_key, key_name="Website")
        missing = refusal_of(run, tools.rotate_api_key, key_name="Nothing")
        assert foreign.replace("Website", "Nothing") == missing
        assert "Production, Staging, Zapier" in foreign


@pytest.mark.parametrize("who", ["mia", None])
def test_keys_are_for_admins(who):
    for run in (prepare, call):
        refusal_of(run, tools.rotate_api_key, make_context(who), key_name="Production")
    refusal_of(call, tools.list_api_keys, make_context(who))


def test_a_ticket_quotes_the_customer_and_promises_the_plans_time():
    proposal = prepare(tools.open_ticket, problem=PROBLEM)
    assert proposal.message == (
        f'Open a ticket with our engineers: "{PROBLEM}" They answer within 8 working hours.'
    )
    result = call(tools.open_ticket, make_context("mia"), problem=PROBLEM)
    ticket = Ticket.objects.get(problem=PROBLEM)
    assert (ticket.number, str(ticket.opened_by)) == (result["ticket_number"], "Mia Lang")
    assert "by email to mia@acme.example" in result["summary"]


def test_one_problem_is_one_ticket():
    number = call(tools.open_ticket, problem=PROBLEM)["ticket_number"]
    for run in (prepare, call):
        assert number in refusal_of(run, tools.open_ticket, problem=PROBLEM.upper())
    Ticket.objects.update(status="solved")
    call(tools.open_ticket, problem=PROBLEM)


def test_urgent_tickets_and_tickets_at_all_depend_on_the_plan():
    for run in (prepare, call):
        reason = refusal_of(run, tools.open_ticket, problem=PROBLEM, priority="urgent")
        assert "I can open a normal one" in reason
    call(tools.change_plan, plan="Business")
    message = prepare(tools.open_ticket, problem=PROBLEM, priority="urgent").message
    assert message.startswith("Open an urgent ticket")
    Workspace.objects.update(plan=Plan.objects.get(name="Free"))
    assert "has no tickets" in refusal_of(prepare, tools.open_ticket, problem=PROBLEM)


def test_tickets_are_ones_own_workspaces():
    result = call(tools.list_tickets)
    assert [row["status"] for row in result["tickets"]] == ["open", "solved"]
    assert "the fix comes with the next release" in result["summary"]
    assert call(tools.list_tickets, make_context("ben"))["tickets"] == []


def test_the_status_is_for_everybody_and_names_the_last_incident():
    result = call(tools.service_status, make_context(None))
    assert result["is_all_well"]
    assert "Everything works at the moment: Web app" in result["summary"]
    assert "Changes arrived late on other devices (resolved after 47 minutes)" in result["summary"]
    assert len(result["incidents"]) == 1


def test_an_outage_is_admitted():
    Component.objects.filter(name="API").update(status="down")
    Incident.objects.update(resolved_at=None)
    result = call(tools.service_status)
    assert not result["is_all_well"]
    assert "**API**: down" in result["summary"]
    assert "we are working on it" in result["summary"]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("how do I export my data", "Exporting your data"),
        ("what is the rate limit of the API", "The API"),
        ("lost my authenticator phone", "Two-factor sign-in"),
        ("connect Slack", "Integrations"),
        ("how do I set up a webhook", "Webhooks"),
        ("okta saml", "Single sign-on"),
        ("junk mail filter", "Spam in the shared inbox"),
    ],
)
def test_help_finds_the_article_that_is_meant(query, title):
    result = call(tools.search_help, make_context(None), query=query)
    assert result["articles"][0]["title"] == title


def test_help_says_when_it_finds_nothing():
    result = call(tools.search_help, query="quantum chromodynamics")
    assert result["articles"] == []
    assert "found nothing" in result["summary"]
