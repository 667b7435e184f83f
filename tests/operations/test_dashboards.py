"""The dashboard, the alerts, their runbook and the page that lists the metrics, held to what real processes show."""

import json
import re
from pathlib import Path

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
