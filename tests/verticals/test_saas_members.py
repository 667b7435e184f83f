import pytest
from django.utils import timezone

from agents.verticals.saas import demo, tools
from agents.verticals.saas.models import Member, Workspace
from tests.verticals.cloud import acme, call, make_context, prepare, refusal_of


@pytest.fixture(autouse=True)
def _loaded(db):
    demo.load()


def member(email):
    return Member.objects.get(email=email)


def test_members_are_listed_with_what_may_be_done_to_them():
    result = call(tools.list_members)
    rows = {row["email"]: row for row in result["members"]}
    assert (result["seats"], result["seats_taken"], len(rows)) == (12, 9, 9)
    assert rows["ana@acme.example"]["can_remove"] == "no"
    assert rows["tom@acme.example"]["can_remove"] == "yes"
    assert rows["chen@acme.example"]["status"] == "invited"
    resettable = [email for email, row in rows.items() if row["can_reset_mfa"] == "yes"]
    assert len(resettable) == 4
    assert "\n- chen@acme.example: member, invited" in result["summary"]


def test_a_plain_member_sees_colleagues_and_may_reset_only_their_own():
    rows = call(tools.list_members, make_context("priya"))["members"]
    assert [row["email"] for row in rows if row["can_reset_mfa"] == "yes"] == ["priya@acme.example"]
    assert not [row for row in rows if row["can_remove"] == "yes"]


def test_an_invitation_takes_a_seat():
    proposal = prepare(tools.invite_member, email="Sam@Example.com")
    assert proposal.message == (
        "Invite sam@example.com to Acme as a member. Then 10 of 12 seats are taken. The invitation "
        "is valid for 7 days."
    )
    call(tools.invite_member, email="Sam@Example.com")
    row = member("sam@example.com")
    assert (row.workspace, row.role, row.is_invited) == (acme(), "member", True)


def test_inviting_an_admin_says_what_that_means():
    message = prepare(tools.invite_member, email="sam@example.com", role="admin").message
    assert "as an admin, who can manage members, plan and invoices." in message


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("tom@acme.example", "already a member"),
        ("CHEN@acme.example", "already invited on"),
        ("sam@-example-.com", "not a valid email"),
    ],
)
def test_an_invitation_that_makes_no_sense_says_why(email, words):
    for run in (prepare, call):
        assert words in refusal_of(run, tools.invite_member, email=email)


def test_whether_somebody_is_in_another_workspace_is_not_told():
    call(tools.invite_member, email="ben@borealis.example")
    assert Member.objects.filter(email="ben@borealis.example").count() == 2


def test_when_all_seats_are_taken_nobody_is_invited():
    Workspace.objects.update(seats=9)
    for run in (prepare, call):
        reason = refusal_of(run, tools.invite_member, email="sam@example.com")
        assert "All 9 seats of Acme are taken. I can add a seat" in reason


def test_seats_that_are_given_up_are_not_filled():
    call(tools.change_seats, seats=9)
    reason = refusal_of(prepare, tools.invite_member, email="sam@example.com")
    assert "has 9 seats, and all of them are taken" in reason


def test_a_member_who_is_removed_has_no_access():
    assert "Remove Liam Byrne (liam@acme.example) from Acme." in (
        prepare(tools.remove_member, email="liam@acme.example").message
    )
    assert call(tools.remove_member, email="LIAM@acme.example")["seats_taken"] == 8
    assert "cannot find your account" in refusal_of(call, tools.list_members, make_context("liam"))


def test_an_invitation_can_be_withdrawn():
    message = prepare(tools.remove_member, email="chen@acme.example").message
    assert message == "Withdraw the invitation of chen@acme.example to Acme."
    call(tools.remove_member, email="chen@acme.example")
    assert not Member.objects.filter(email="chen@acme.example").exists()


@pytest.mark.parametrize(
    ("who", "email", "words"),
    [
        ("ana", "ana@acme.example", "the only owner of Acme"),
        ("tom", "ana@acme.example", "the only owner of Acme"),
        ("tom", "tom@acme.example", "remove you from your own workspace"),
        ("mia", "tom@acme.example", "Only an owner or admin"),
    ],
)
def test_who_cannot_be_removed_is_told_why(who, email, words):
    for run in (prepare, call):
        assert words in refusal_of(run, tools.remove_member, make_context(who), email=email)


def test_of_two_owners_one_can_be_removed_by_the_other_only():
    Member.objects.filter(email="mia@acme.example").update(role="owner")
    tom = make_context("tom")
    reason = refusal_of(prepare, tools.remove_member, tom, email="mia@acme.example")
    assert "whom only an owner can remove" in reason
    call(tools.remove_member, email="mia@acme.example")


@pytest.mark.parametrize("tool", [tools.remove_member, tools.reset_mfa], ids=lambda tool: tool.name)
def test_a_member_of_another_workspace_reads_as_one_that_does_not_exist(tool):
    for run in (prepare, call):
        foreign = refusal_of(run, tool, email="eva@borealis.example")
        missing = refusal_of(run, tool, email="zoe@borealis.example")
        assert foreign.replace("eva", "zoe") == missing


def test_two_factor_sign_in_is_reset_for_oneself_and_by_admins():
    assert "for your own account (ana@acme.example)" in (
        prepare(tools.reset_mfa, email="ana@acme.example").message
    )
    assert "for Priya Nair (priya@acme.example)" in (
        prepare(tools.reset_mfa, email="priya@acme.example").message
    )
    call(tools.reset_mfa, email="priya@acme.example")
    assert not member("priya@acme.example").has_mfa
    call(tools.reset_mfa, make_context("sofia"), email="sofia@acme.example")
    assert not member("sofia@acme.example").has_mfa


@pytest.mark.parametrize(
    ("who", "email", "words"),
    [
        ("ana", "mia@acme.example", "is not on for mia@acme.example"),
        ("priya", "sofia@acme.example", "not that of sofia@acme.example"),
        ("tom", "ana@acme.example", "not that of ana@acme.example"),
    ],
)
def test_a_reset_that_is_not_possible_says_why(who, email, words):
    for run in (prepare, call):
        assert words in refusal_of(run, tools.reset_mfa, make_context(who), email=email)


@pytest.mark.parametrize("email", ["sam", "sam@", "@example.com", "a b@example.com", "sam@example"])
def test_what_is_no_email_is_not_accepted(email):
    with pytest.raises(ValueError, match="email"):
        tools.invite_member.parse({"email": email})


def test_nobody_has_two_factor_before_joining():
    assert not member("chen@acme.example").has_mfa
    assert member("chen@acme.example").invited_until > timezone.now()
