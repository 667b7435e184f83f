import pytest

from tests.browser.chat import Chat
from tests.browser.desk import Desk
from tests.site import run_manage

STAFF_PASSWORD = "browser-tests-only"
# Sam may decide what waits for staff, and take over, and so may Kim; Olga may look.
MAKE_STAFF = f"""
from django.contrib.auth.models import Permission, User
apps = ["conversations", "escalation", "agents", "ecommerce"]
seen = Permission.objects.filter(content_type__app_label__in=apps, codename__startswith="view_")
granted = Permission.objects.filter(codename__in=["decide_interrupt", "take_over"])
for name in ("sam", "kim", "olga"):
    person = User.objects.create_user(
        name, password={STAFF_PASSWORD!r}, is_staff=True, first_name=name.title()
    )
    person.user_permissions.set(seen)
    if name != "olga":
        person.user_permissions.add(*granted)
"""


LEARN = """
from django.conf import settings
from agents.offline.model import warm_up
from agents.selectors import get_spec, list_templates
for template in list_templates():
    warm_up(get_spec(template.current_version), settings.DATA_DIR / "offline")
"""


def pytest_collection_modifyitems(items):
    # The first test's time holds what all share: learning three templates takes 40 s of a processor.
    for item in items:
        if "/tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session", autouse=True)
def learned(seed):
    """Let the offline model learn in what sites are copied from, once, so that no first answer has to wait for it."""
    run_manage("shell", "--no-imports", "-c", LEARN, env=seed.seed_env)


@pytest.fixture(scope="session")
def shop(seed, learned):
    """One site for all tests here, with its worker and staff: a site of its own would cost each module seconds."""
    shop = seed.make(worker=True)
    shop.shell(MAKE_STAFF)
    yield shop
    seed.remove(shop)


@pytest.fixture(scope="module")
def site(shop):
    """The site, with the demo data as it is first loaded."""
    shop.manage("load_verticals", "--reset")
    return shop


@pytest.fixture(autouse=True)
def nothing_went_wrong(request):
    """Whatever a test does: no error, nothing refused by the policy, no foreign host, in any page that it opened."""
    opened = request.getfixturevalue("open_page") if "open_page" in request.fixturenames else None
    yield
    if opened:
        problems = [problem for page in opened.pages for problem in page.problems]
        assert problems == []


@pytest.fixture
def chat(page, site):
    return Chat(page, site).open()


@pytest.fixture(scope="session")
def logins():
    """Cookies by site and person: hashing a password takes long, on purpose."""
    return {}


@pytest.fixture
def open_desk(open_page, site, logins):
    """Open admin as a member of staff: `open_desk("sam")`."""

    def open_one(name="admin", **options):
        key = (site.url, name)
        if key in logins:
            return Desk(open_page(storage_state=logins[key], **options), site)
        desk = Desk(open_page(**options), site)
        desk.log_in(*(site.staff if name == "admin" else (name, STAFF_PASSWORD)))
        logins[key] = desk.page.context.storage_state()
        return desk

    return open_one
