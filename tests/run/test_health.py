import json
from urllib.request import urlopen


def test_a_site_says_that_it_is_ready(site):
    with urlopen(site.url + "/health/ready") as answer:
        assert json.load(answer) == {"status": "ok", "database": "ok", "valkey": "ok"}
