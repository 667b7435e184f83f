"""The environment variables: their types, defaults and what a bad value is told. `.env.example` lists them."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import dj_database_url
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent

Words = Annotated[list[str], NoDecode]
Waits = Annotated[list[float], NoDecode]


class Environment(BaseSettings):
    """What may be set from outside. Nothing needs to be."""

    model_config = SettingsConfigDict(
        env_file=os.environ.get("ENV_FILE", ROOT / ".env"),
        env_ignore_empty=True,
        extra="ignore",
        case_sensitive=True,
    )

    PORT: int = Field(8000, ge=1, le=65535)
    DATA_DIR: Path = ROOT / "data"
    DEBUG: bool | None = None
    SECRET_KEY: str | None = Field(None, min_length=32)
    ALLOWED_HOSTS: Words = []
    ALLOWED_ORIGINS: Words = []
    DATABASE_URL: str | None = None
    DATABASE_IS_POOLED: bool = False
    REDIS_URL: str | None = None
    LLM_MODEL: str = Field("gpt-4.1-mini", min_length=1)
    LLM_FALLBACK_MODEL: str | None = Field(None, min_length=1)
    OPENAI_API_KEY: str | None = None
    OPENAI_BASE_URL: str | None = None
    LLM_TIMEOUT_SECONDS: float = Field(25, gt=0, le=600)
    SESSION_TTL_SECONDS: int = Field(1800, ge=1)
    INTERRUPT_TTL_SECONDS: int = Field(1800, ge=1)
    RETENTION_DAYS: float | None = Field(None, gt=0, le=36_500)
    SWEEP_SECONDS: float = Field(5, ge=0.5, le=3600)
    STOP_GRACE_SECONDS: float = Field(8, ge=0, le=120)
    IDENTITY_SECRET: str | None = Field(None, min_length=32)
    WEBHOOK_SECRET_KEY: Words = []
    WEBHOOK_RETRY_SECONDS: Waits = [5, 60, 600]
    WEBHOOK_ALLOW_HTTP: bool = False
    WEBHOOK_ALLOWED_HOSTS: Words = []
    LOG_FORMAT: Literal["json", "text"] | None = None
    METRICS_TOKEN: str | None = Field(None, min_length=32)
    METRICS_PORT: int | None = Field(None, ge=1, le=65535)
    OTEL_EXPORTER_OTLP_ENDPOINT: str | None = None
    LANGSMITH_TRACING: bool = False

    @field_validator(
        "ALLOWED_HOSTS",
        "ALLOWED_ORIGINS",
        "WEBHOOK_SECRET_KEY",
        "WEBHOOK_ALLOWED_HOSTS",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [word.strip() for word in value.split(",") if word.strip()]
        return value

    @field_validator("ALLOWED_ORIGINS")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if origin != "*" and not re.fullmatch(r"https?://[^/?#@\s]+", origin):
                raise ValueError(f"{origin!r} is no origin; write https://shop.example")
        return value

    @field_validator("ALLOWED_HOSTS")
    @classmethod
    def _are_hosts(cls, value: list[str]) -> list[str]:
        for host in value:
            if not re.fullmatch(r"\*|\.?[\w.-]+|\[[0-9A-Fa-f:.]+\]", host):
                raise ValueError(f"{host!r} is no host name; write shop.example, without port")
        return value

    @field_validator("WEBHOOK_SECRET_KEY")
    @classmethod
    def _are_keys(cls, value: list[str]) -> list[str]:
        if any(len(key) < 32 for key in value):
            raise ValueError("each key needs at least 32 characters")
        return value

    @field_validator("WEBHOOK_RETRY_SECONDS", mode="before")
    @classmethod
    def _are_waits(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        words = [word.strip() for word in value.split(",")]
        is_good = all(re.fullmatch(r"\d{1,4}(\.\d+)?", word) for word in words)
        if not is_good or len(words) > 3 or any(float(word) > 3600 for word in words):
            raise ValueError("write one to three waits of 0 to 3600 seconds, such as 5,60,600")
        return words

    @field_validator("WEBHOOK_ALLOWED_HOSTS")
    @classmethod
    def _are_plain_hosts(cls, value: list[str]) -> list[str]:
        for host in value:
            if not re.fullmatch(r"[\w.-]+|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?", host):
                raise ValueError(
                    f"{host!r} is no host; write crm.internal or 10.0.0.5, without port"
                )
        return value

    @field_validator("REDIS_URL")
    @classmethod
    def _is_valkey(cls, value: str | None) -> str | None:
        if value and not re.match(r"rediss?://|unix:///", value):
            raise ValueError("not a Valkey address; write redis://host:6379/0 or unix:///path")
        return value

    @field_validator("OPENAI_BASE_URL")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value and not re.match(r"https?://\w", value):
            raise ValueError("not a web address; write https://host/v1")
        return value

    @field_validator("OTEL_EXPORTER_OTLP_ENDPOINT")
    @classmethod
    def _is_collector(cls, value: str | None) -> str | None:
        if value and not re.match(r"https?://\w", value):
            raise ValueError("not a web address; write http://collector:4318")
        if value and not _has_traces():
            raise ValueError("traces need what requirements-traces.txt lists; install that, too")
        return value

    @field_validator("DATA_DIR")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("DATABASE_URL")
    @classmethod
    def _is_known_database(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                engine = dj_database_url.parse(value)["ENGINE"]
            except Exception as error:
                raise ValueError(
                    "not a database URL; write postgres://user:password@host:5432/name"
                ) from error
            if not engine.endswith(("postgresql", "sqlite3")):
                raise ValueError("only postgres:// and sqlite:// are supported")
        return value

    @model_validator(mode="after")
    def _production_is_explicit(self) -> Environment:
        if self.DEBUG is False:
            required = ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "WEBHOOK_SECRET_KEY")
            missing = [name for name in required if not getattr(self, name)]
            if missing:
                raise ValueError(
                    f"DEBUG is off, so {', '.join(missing)} must be set (see .env.example)"
                )
        return self

    @property
    def is_demo(self) -> bool:
        """Whether an anonymous visitor is the vertical's demo customer: on unless DEBUG is off."""
        return self.DEBUG is not False

    @property
    def uses_offline_model(self) -> bool:
        return not (self.OPENAI_API_KEY or self.OPENAI_BASE_URL)


def _has_traces() -> bool:
    # Step by step: a missing parent raises. Others install OpenTelemetry's interface without what sends.
    return find_spec("opentelemetry") is not None and find_spec("opentelemetry.sdk") is not None


SECRETS = ("SECRET", "KEY", "URL", "TOKEN", "ENDPOINT")


def explain(error: ValidationError) -> str:
    """Return one line a bad variable: its name, its value (unless it may be a secret) and what would be right."""
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if not name:
            lines.append(message)
        elif any(word in name for word in SECRETS):
            lines.append(f"{name}: {message}")
        else:
            lines.append(f"{name}={item['input']!s}: {message}")
    return "\n".join(lines)


def read_environment() -> Environment:
    """Read and check the environment, or end the process with exit code 2 and one line a mistake."""
    try:
        return Environment()
    except ValidationError as error:
        print(explain(error), file=sys.stderr)  # noqa: T201 - no logging is set up yet
        raise SystemExit(2) from None


def check_data_dir(path: Path) -> None:
    """Make the data folder, or end the process with exit code 2 and one line when it cannot be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        print(f"DATA_DIR={path}: cannot be written to: {reason}", file=sys.stderr)  # noqa: T201 - as above
        raise SystemExit(2) from None
