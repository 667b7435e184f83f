"""Dockerfile and docker-compose.yml, as far as they can be checked without an engine."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from supportsite.env import Environment

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("migrate", "web", "worker", "beat")


def test_compose_has_each_part_of_the_site():
    assert set(COMPOSE["services"]) == {"postgres", "valkey", *OURS}


@pytest.mark.parametrize("name", OURS)
def test_each_part_waits_for_what_it_needs(name):
    needed = set(COMPOSE["services"][name]["depends_on"])
    assert needed == {"postgres", "valkey"} | (set() if name == "migrate" else {"migrate"})


@pytest.mark.parametrize("name", OURS)
def test_each_part_gets_variables_that_the_site_knows(name):
    variables = set(COMPOSE["services"][name]["environment"])
    assert variables <= set(Environment.model_fields)
    assert variables >= {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"}


def test_compose_has_no_password_of_its_own():
    text = (ROOT / "docker-compose.yml").read_text()
    for line in re.findall(r"^.*(?:PASSWORD|SECRET).*$", text, re.M):
        assert "${" in line or line.lstrip().startswith("#"), line


def test_image_does_not_run_as_root():
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.M) == ["support"]


def test_image_and_compose_start_modules_that_exist():
    commands = [COMPOSE["services"][name].get("command", []) for name in OURS]
    commands.append(yaml.safe_load(re.findall(r"^CMD (.*)$", DOCKERFILE, re.M)[-1]))
    modules = {command[2] for command in commands if command[1:2] == ["-m"]}
    assert modules == {"supportsite.web"}
    for module in modules:
        assert (ROOT / (module.replace(".", "/") + ".py")).exists()


def test_build_takes_the_pinned_requirements_only():
    build = DOCKERFILE.rpartition(
        "\nFROM",
    )[0]
    installs = [line for line in build.splitlines() if " install " in line]
    assert len(installs) == 2
    assert all("--require-hashes" in shlex.split(line.rstrip("\\")) for line in installs)
