"""A policy as people write it: a TOML file."""

from pathlib import Path

from pydantic import ValidationError

from .closest import closest
from .errors import InputError, PolicyError
from .files import read_toml
from .policy import Policy


def load_policy(path: Path, *, base: Policy = Policy()) -> Policy:
    """Read a policy from a TOML file; keys left out keep the values of `base`.

    Raises `PolicyError`, naming file and key, when the file cannot be read, is not TOML, has an unknown key, a value
    out of range, or limits that contradict each other.
    """
    try:
        content = read_toml(path)
    except InputError as error:
        raise PolicyError(str(error), fix="name a TOML file with one `key = value` a line") from error
    try:
        policy = Policy.model_validate({**base.model_dump(), **content})
    except ValidationError as error:
        raise _explained(path, error) from error
    _require_consistent(path, policy)
    return policy


def _explained(path: Path, error: ValidationError) -> PolicyError:
    """Turn the first complaint of pydantic into one line that names file and key."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = closest(key, Policy.model_fields, most=1, least=0.4)
        return PolicyError(f"{path}: {key}: no such key", fix=f"did you mean {near[0]}?" if near else "leave it out")
    field = Policy.model_fields.get(str(first["loc"][0]) if first["loc"] else "")
    meaning = field.description if field and field.description else "a limit"
    return PolicyError(f"{path}: {key}: {first['msg']}, got {first['input']!r:.80}", fix=meaning)


def _require_consistent(path: Path, policy: Policy) -> None:
    if policy.max_failure_utilisation < policy.max_utilisation:
        raise PolicyError(
            f"{path}: max_failure_utilisation: {policy.max_failure_utilisation} is below max_utilisation "
            f"{policy.max_utilisation}, which would forbid under a failure what is allowed without",
            fix="raise it to max_utilisation or more",
        )
    for element in policy.protected:
        if element.partition("/")[0] not in {"node", "interface", "link", "tunnel"}:
            raise PolicyError(
                f"{path}: protected: {element!r} is not an element id",
                fix="write node/NAME, interface/NODE/IF, link/A:IF--B:IF or tunnel/NAME",
            )
