"""`room.toml` in the operator's home: how the room watches, who is called, who may what. Secrets are not in it."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from twin.errors import FormatError
from twin.files import is_absent, read_toml
from twin.formats.text import first_problem
from twin.model import Frozen

FILE = "room.toml"
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2_000)]
Role = Literal["viewer", "planner", "approver", "operator", "admin"]


class Alertmanager(Frozen):
    """An Alertmanager, by its v2 API."""

    kind: Literal["alertmanager"]
    name: str = Field(min_length=1, max_length=60)
    url: Url = Field(description="Without /api/v2/alerts.")
    token_env: Variable | None = Field(default=None, description="Environment variable with a bearer token.")


class PagerDuty(Frozen):
    """PagerDuty, by its Events API v2."""

    kind: Literal["pagerduty"]
    name: str = Field(min_length=1, max_length=60)
    url: Url = "https://events.pagerduty.com/v2/enqueue"
    key_env: Variable = Field(description="Environment variable with the routing key.")


class Webhook(Frozen):
    """Any receiver of JSON; with a secret every body is signed (HMAC-SHA-256)."""

    kind: Literal["webhook"]
    name: str = Field(min_length=1, max_length=60)
    url: Url
    secret_env: Variable | None = Field(default=None, description="Environment variable with the shared secret.")


class Mail(Frozen):
    """Mail by SMTP."""

    kind: Literal["email"]
    name: str = Field(min_length=1, max_length=60)
    host: str = Field(min_length=1, max_length=255)
    port: int = Field(default=25, ge=1, le=65_535)
    sender: str = Field(pattern=r"^[^\s@]+@[^\s@]+$", max_length=254)
    to: tuple[Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$", max_length=254)], ...] = Field(min_length=1)
    starttls: bool = False
    user: str | None = None
    password_env: Variable | None = None


Channel = Annotated[Alertmanager | PagerDuty | Webhook | Mail, Field(discriminator="kind")]


class Grant(Frozen):
    """A role, everywhere or on the elements of some tags of the policy."""

    role: Role
    scope: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), max_length=100, description="Tags of the policy's elements that the role is for; none is all."
    )


class Member(Grant):
    """What somebody may do in the console."""

    name: str = Field(min_length=1, max_length=64)


class Team(Grant):
    """What everybody may do whom the single sign-on names as one of a group."""

    name: str = Field(min_length=1, max_length=300, description="The group, as the provider names it.")


class OpenIdProvider(Frozen):
    """The single sign-on of a team, by OpenID Connect: code flow with PKCE, state and nonce."""

    issuer: Url = Field(description="As it names itself in /.well-known/openid-configuration.")
    client_id: str = Field(min_length=1, max_length=300)
    secret_env: Variable | None = Field(default=None, description="Environment variable with the client's secret.")
    scopes: str = Field(default="openid profile", pattern=r"^openid( [!-~]+)*$", max_length=300)
    name_claim: str = Field(default="preferred_username", min_length=1, max_length=100)
    groups_claim: str = Field(default="groups", min_length=1, max_length=100)

    @field_validator("issuer")
    @classmethod
    def _private(cls, issuer: str) -> str:
        return cls.require_private(issuer)

    @staticmethod
    def require_private(address: str) -> str:
        """Return an address that nobody on the way can answer for. Raises `ValueError` on any other."""
        url = urlsplit(address)
        if url.scheme != "https" and (url.scheme, url.hostname) not in (
            ("http", "localhost"),
            ("http", "127.0.0.1"),
            ("http", "::1"),
        ):
            raise ValueError(f"{url.hostname} is on another machine, and is asked over https")
        return address


class Program(Grant):
    """A program that asks below `/api/v1` and `/mcp` with a bearer token instead of a session."""

    name: str = Field(min_length=1, max_length=64)
    role: Literal["viewer", "planner", "operator"] = "viewer"  # pyright: ignore[reportIncompatibleVariableOverride] - fewer roles, in a frozen model
    token_env: Variable = Field(description="Environment variable with its token, of 20 characters or more.")


class Settings(Frozen):
    """What a room is told."""

    alarms_per_week: float = Field(default=0.5, gt=0, le=1_000, description="False alarms on a healthy network.")
    retention_days: int = Field(default=90, ge=1, le=3_650, description="How long what has ended is kept.")
    samples_days: int = Field(default=30, ge=1, le=3_650, description="How long the samples of links are kept.")
    runs_days: int = Field(default=90, ge=1, le=3_650, description="How long the folders of runs that ended are kept.")
    runs_gb: float = Field(default=20.0, gt=0, le=100_000, description="How much they may hold; the oldest go first.")
    agents: bool = Field(default=True, description="Whether the agents begin to work on a new incident by themselves.")
    model: str = Field(default="runbook", max_length=200)
    vision: bool = Field(default=False, description="Whether the model sees: its roles may look at the map.")
    channels: tuple[Channel, ...] = Field(default=(), max_length=20)
    members: tuple[Member, ...] = Field(default=(), max_length=1_000)
    groups: tuple[Team, ...] = Field(default=(), max_length=1_000)
    programs: tuple[Program, ...] = Field(default=(), max_length=100)
    openid: OpenIdProvider | None = None
    origin: str | None = Field(
        default=None,
        pattern=r"^https?://[A-Za-z0-9.-]{1,253}(:\d{1,5})?$",
        description="Address that browsers ask, where a proxy with TLS stands before the console.",
    )
    proxy_header: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]{1,60}$",
        description="Header in which a trusted proxy in front of the console names the person.",
    )
    syslog: str = Field(default="", max_length=300, description="HOST:PORT or socket that is told what people do.")
    author_may_approve: bool = Field(default=True, description="Whether who asked for a plan may approve it, too.")

    @model_validator(mode="after")
    def _one_way_in(self) -> "Settings":
        if self.openid is not None and self.proxy_header is not None:
            raise ValueError("people come in by openid or by proxy_header, not by both")
        return self

    def grants_of(self, name: str, groups: Collection[str] = ()) -> tuple[Grant, ...]:
        """What somebody is here, by name and by the groups that they are of; nothing for somebody unknown."""
        return (*(x for x in self.members if x.name == name), *(x for x in self.groups if x.name in groups))


def read_settings(home: Path) -> Settings:
    """Read the room's settings; the usual ones where there is no file. Raises `FormatError`, `InputError`."""
    path = home / FILE
    if is_absent(path):
        return Settings()
    try:
        return Settings.model_validate(read_toml(path))
    except ValidationError as error:
        where, expected = first_problem(error)
        raise FormatError(str(path), where.removeprefix("$."), expected) from error
