import pytest

pytestmark = pytest.mark.django_db


def test_only_admin_pages_get_the_wider_policy(client):
    admin, chat = (client.get(path)["Content-Security-Policy"] for path in ("/admin/login/", "/"))
    assert "'unsafe-eval'" in admin
    assert "unsafe" not in chat
    for policy in (admin, chat):
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'unsafe-inline'" not in policy
        assert "http" not in policy
