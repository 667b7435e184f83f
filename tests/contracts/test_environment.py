"""The environment variables: documented, checked at start, and told apart from each other's mistakes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from supportsite.env import Environment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-" + "z" * 10,
    "ALLOWED_HOSTS": "support.shop.example",
    "DATABASE_URL": "postgres://user:password@db.example:5432/support",
    "WEBHOOK_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
}


def run_manage(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_env_example_lists_each_variable_and_no_other():
    assert re.findall(r"^#([A-Z_]+)=", EXAMPLE, re.M) == list(Environment.model_fields)


def test_env_example_names_the_defaults():
    for name, field in Environment.model_fields.items():
        if isinstance(field.default, int | float | str):
            described = EXAMPLE.partition(f"#{name}=")[0].rpartition("\n\n")[2]
            assert f"Default: {field.default}" in described, name


def test_env_example_says_the_unit_of_each_time():
    for name in Environment.model_fields:
        if name.endswith("_SECONDS"):
            described = EXAMPLE.partition(f"#{name}=")[0].rpartition("\n\n")[2]
            assert "seconds" in described, name


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("PORT", "http", "integer"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("DEBUG", "maybe", "boolean"),
        ("ALLOWED_ORIGINS", "shop.example", "write https://shop.example"),
        ("ALLOWED_ORIGINS", "https://shop.example/", "write https://shop.example"),
        ("ALLOWED_HOSTS", "shop.example:8000", "without port"),
        ("LLM_TIMEOUT_SECONDS", "0", "greater than 0"),
        ("SESSION_TTL_SECONDS", "half an hour", "integer"),
        ("INTERRUPT_TTL_SECONDS", "-1", "greater than or equal to 1"),
        ("SWEEP_SECONDS", "0.1", "greater than or equal to 0.5"),
        ("DATA_DIR", "/dev/null/data", "cannot be written to"),
        ("WEBHOOK_RETRY_SECONDS", "5,soon", "such as 5,60,600"),
        ("WEBHOOK_RETRY_SECONDS", "1,2,3,4", "one to three waits"),
        ("WEBHOOK_RETRY_SECONDS", "-1", "0 to 3600"),
        ("WEBHOOK_ALLOW_HTTP", "perhaps", "boolean"),
        ("WEBHOOK_ALLOWED_HOSTS", "http://crm.internal", "without port"),
        ("WEBHOOK_ALLOWED_HOSTS", "crm.internal:8080", "without port"),
        ("LOG_FORMAT", "xml", "'json' or 'text'"),
        ("METRICS_PORT", "0", "greater than or equal to 1"),
        ("LANGSMITH_TRACING", "perhaps", "boolean"),
    ],
)
def test_bad_value_stops_the_start_with_name_value_and_advice(name, value, advice):
    done = run_manage("check", **{name: value})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"{name}={value}: " in done.stderr
    assert advice in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("SECRET_KEY", "sesame", "at least 32 characters"),
        ("IDENTITY_SECRET", "sesame", "at least 32 characters"),
        ("WEBHOOK_SECRET_KEY", "sesame", "at least 32 characters"),
        (
            "WEBHOOK_SECRET_KEY",
            "0123456789abcdefghijklmnopqrstuvwxyz,sesame",
            "at least 32 characters",
        ),
        ("DATABASE_URL", "mysql://user:sesame@db/name", "postgres:// and sqlite://"),
        ("DATABASE_URL", "sesame", "write postgres://user:password@host:5432/name"),
        ("REDIS_URL", "http://user:sesame@valkey", "write redis://host:6379/0"),
        ("OPENAI_BASE_URL", "user:sesame@api", "write https://host/v1"),
        ("METRICS_TOKEN", "sesame", "at least 32 characters"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "user:sesame@otel", "write http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://sesame:4318", "requirements-traces.txt"),
    ],
)
def test_bad_secret_stops_the_start_without_being_printed(name, value, advice):
    done = run_manage("check", **{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name}: ")
    assert advice in done.stderr
    assert "sesame" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "WEBHOOK_SECRET_KEY"]
)
def test_production_needs_what_has_no_safe_default(name):
    done = run_manage("check", **{**PRODUCTION, name: ""})
    assert done.returncode == 2
    assert done.stderr == f"DEBUG is off, so {name} must be set (see .env.example)\n"


def test_two_mistakes_are_two_lines():
    done = run_manage("check", PORT="x", SWEEP_SECONDS="y")
    assert done.stderr.count("\n") == 2


def test_deploy_check_is_clean_in_production():
    done = run_manage("check", "--deploy", "--fail-level", "DEBUG", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("value", "debug", "demo"), [("", False, True), ("1", True, True), ("0", False, False)]
)
def test_debug_tells_demo_and_production_apart(value, debug, demo):
    code = "from django.conf import settings as s; print(s.DEBUG, s.DEMO_MODE)"
    done = run_manage("shell", "--no-imports", "-c", code, **{**PRODUCTION, "DEBUG": value})
    assert done.stdout.split() == [str(debug), str(demo)]


def test_env_file_is_read_and_the_environment_wins(tmp_path):
    (tmp_path / "env").write_text("PORT=8123\nSWEEP_SECONDS=7\n")
    code = "from django.conf import settings as s; print(s.ENV.PORT, s.ENV.SWEEP_SECONDS)"
    done = run_manage(
        "shell", "--no-imports", "-c", code, ENV_FILE=str(tmp_path / "env"), PORT="8124"
    )
    assert done.stdout.split() == ["8124", "7.0"]


def test_kept_secrets_are_for_their_owner_only(tmp_path):
    run_manage("check", DATA_DIR=str(tmp_path))
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "secret_key").read_text()) >= 50
