"""Admin in Chromium: its pages work under the policy that they are given."""

import pytest


@pytest.fixture
def staff_page(page, site):
    name, password = site.staff
    page.goto(site.url + "/admin/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(site.url + "/admin/")
    return page


def test_each_admin_page_loads_without_a_breach_of_its_policy(staff_page, site):
    staff_page.goto(site.url + "/admin/")
    links = staff_page.eval_on_selector_all("a[href^='/admin/']", "all => all.map(a => a.pathname)")
    pages = sorted({link for link in links if "logout" not in link})
    assert len(pages) > 5
    for path in [*pages, "/admin/auth/user/add/", "/admin/auth/user/1/change/"]:
        answer = staff_page.goto(site.url + path)
        assert answer.ok, path
        assert staff_page.problems == [], path


def test_unfold_s_own_scripts_run(staff_page, site):
    staff_page.goto(site.url + "/admin/")
    assert staff_page.evaluate("typeof window.Alpine") == "object"


def test_inline_script_in_an_admin_page_does_not_run(staff_page, site):
    staff_page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.smuggled = true";
            document.body.append(script);
        }"""
    )
    assert staff_page.evaluate("window.smuggled") is None
    assert "Content Security Policy" in staff_page.problems.pop()
