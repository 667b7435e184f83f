import json
from urllib.request import Request, urlopen


def test_a_site_says_that_it_is_ready(site):
    with urlopen(site.url + "/health/ready") as answer:
        assert (
            json.load(answer).items()
            >= {"status": "ok", "database": "ok", "valkey": "ok", "model": "ok"}.items()
        )


def test_a_site_without_its_valkey_says_so_and_goes_on(make_site):
    site = make_site()
    site.valkey.stop()
    with urlopen(site.url + "/health/ready") as answer:
        assert answer.status == 200  # customers are answered all the same (docs/adr/0017)
        state = json.load(answer)
    assert (state["status"], state["database"], state["valkey"]) == ("ok", "ok", "down")
    with urlopen(site.url + "/health/live") as answer:
        assert answer.status == 200


def test_balancers_may_ask_by_any_address(site):
    with urlopen(Request(site.url + "/health/live", headers={"Host": "10.1.2.3"})) as answer:
        assert answer.status == 200
