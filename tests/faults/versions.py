"""A template is published, edited and deleted in the middle of a conversation, which ends on its own version."""

import copy as copying
import signal

from tests.faults import forks, invariants, living
from tests.faults.groups import Result
from tests.faults.kills import SECONDS, stop_at, undisturbed
from tests.faults.scenarios import BY_NAME

MOMENTS = (
    ("message.after_commit", 1),
    ("claim.after_commit", 1),
    ("agent.before_model", 1),
    ("pause.after_commit", 1),
    ("decide.after_commit", 1),
    ("agent.before_model", 3),
)


def trial_version(plan, databases):
    """Each change at each moment of a conversation."""
    result = Result()
    scenario = BY_NAME["approve"]
    _, expected, _ = undisturbed(databases, scenario)
    moments = plan.pick(MOMENTS[3:4], MOMENTS)
    trials = [(moment, change) for moment in moments for change in CHANGES]
    works = [
        (_try, databases, scenario, *moment, CHANGES[change], expected) for moment, change in trials
    ]
    for at, ended in forks.run_all(works, at_once=plan.at_once, seconds=3 * SECONDS):
        (point, hit), change = trials[at]
        result.note(
            f"{change} at {point} #{hit}", ended.value if not ended.error else [ended.error]
        )
    return result


def _try(databases, scenario, point, hit, change, expected):
    copy = databases.make()
    try:
        talker = forks.Fork(_live_and_stop, copy, scenario, point, hit, log=copy.log)
        if not talker.wait_until_stopped(SECONDS):
            return [f"did not stop there: {talker.wait(1)}"]
        before = copy.value("SELECT version_id FROM conversations_conversation")
        complaints = forks.run(_change, copy, change, log=copy.log)
        talker.signal(signal.SIGCONT)
        ended = talker.wait(SECONDS)
        if ended.error or ended.signal:
            complaints.append(str(ended))
        if copy.value("SELECT version_id FROM conversations_conversation") != before:
            complaints.append("the conversation has another version now")
        end = living.describe_end(copy)
        if end != expected:
            complaints.append(f"ended otherwise: {end}")
        return complaints + invariants.check(copy)
    finally:
        copy.drop()


def _live_and_stop(copy, scenario, point, hit):
    stop_at(point, hit, signal.SIGSTOP)
    living.live(copy, scenario)


def _change(copy, change):
    copy.use()
    return change()


def _publish():
    """Publish a version whose agents have no tools at all and other names."""
    from agents.models import AgentTemplate
    from tests import factories

    spec = copying.deepcopy(factories.SHOP)
    spec["agents"] = [{**spec["agents"][0], "name": "everything", "tools": []}]
    version = factories.make_version(factories.make_spec(**spec))
    current = AgentTemplate.objects.get(slug="shop").current_version
    return [] if current == version and version.number > 1 else ["it was not published"]


def _edit():
    """Try to change the frozen version itself."""
    from agents.models import TemplateVersion

    version = TemplateVersion.objects.get()
    version.spec = {**version.spec, "name": "Another Shop"}
    return _refused(version.save)


def _delete():
    """Try to delete the template and the version."""
    from agents.models import AgentTemplate, TemplateVersion

    return (
        _refused(AgentTemplate.objects.get().delete)
        + _refused(TemplateVersion.objects.get().delete)
        + _refused(TemplateVersion.objects.all().delete)
    )


def _refused(do):
    from django.db.models import ProtectedError

    try:
        do()
    except (TypeError, ProtectedError):
        return []
    return [f"{do} was not refused"]


CHANGES = {"published": _publish, "edited": _edit, "deleted": _delete}
