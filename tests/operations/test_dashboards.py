"""The dashboard, the alerts, their runbook and the page that lists the metrics, held to what real processes show."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbook"
DASHBOARD = json.loads((ROOT / "deploy/grafana/smart-support.json").read_text())
GROUPS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"]]
SCRAPED = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
]
# Prometheus' own labels, and its own metric of each scrape.
OF_PROMETHEUS = {"job", "instance"}


def page_of(alert):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower() + ".md"


@pytest.mark.database
def test_all_that_is_drawn_and_watched_is_there(conversation, scrape_web, scrape_worker):
    labels = scrape_worker().labels | scrape_web().labels
    found = 0
    for expression in EXPRESSIONS:
        names = re.findall(r"\b((?:smart_support|process)_\w+)(?:\{([^}]*)\})?", expression)
        for name, matchers in names:
            found += 1
            assert name in labels, f"{expression}: no {name}"
            asked = set(re.findall(r"(\w+)(?:=~?|!=|!~)\"", matchers)) - OF_PROMETHEUS
            assert asked <= labels[name], f"{expression}: {name} has {labels[name]}"
        for by in re.findall(r"\bby \(([^)]*)\)", expression):
            known = set().union(*(labels[name] for name, _ in names)) | OF_PROMETHEUS
            assert set(by.split(", ")) <= known, expression
    assert found > 40


@pytest.mark.database
def test_each_metric_is_documented_and_no_other(conversation, scrape_web, scrape_worker):
    shown = set()
    for text in (scrape_web().text, scrape_worker().text):
        shown |= set(re.findall(r"^# TYPE (smart_support_\w+)", text, re.MULTILINE))
    page = (ROOT / "docs/how-to/operate.md").read_text()
    assert set(re.findall(r"^\| `(smart_support_\w+)`", page, re.MULTILINE)) == shown


def test_each_alert_has_a_page_and_each_page_an_alert():
    pages = {path.name for path in RUNBOOK.glob("*.md")} - {"README.md"}
    assert {page_of(rule["alert"]) for rule in ALERTS} == pages
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/runbook/{page_of(rule['alert'])}"
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_each_page_of_the_runbook_says_what_one_needs_at_night():
    for rule in ALERTS:
        text = (RUNBOOK / page_of(rule["alert"])).read_text()
        assert text.startswith(f"# {rule['alert']}\n")
        heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert heads == ["What it means", "What customers see", "Look at", "Do"]


def test_jobs_that_alerts_name_are_scraped():
    jobs = {job["job_name"] for job in SCRAPED["scrape_configs"]}
    named = {name for text in EXPRESSIONS for name in re.findall(r'job="([^"]+)"', text)}
    assert named
    assert named <= jobs
