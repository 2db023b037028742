"""The operator's home, and the policy that is in force for everything that is run from here."""

import os
from pathlib import Path

from platformdirs import user_config_path

from twin.errors import AuthorityError
from twin.files import is_absent
from twin.policy import Policy
from twin.policy_file import load_policy
from twin.untrusted import clean

POLICY = "policy.toml"


def home_folder() -> Path:
    """Return the folder of keys, people, the policy in force and each run's.

    It is `TWINOPS_HOME`, or where the platform keeps settings: `~/.config/twinops` (or below XDG_CONFIG_HOME), on macOS
    `~/Library/Application Support/twinops`.
    """
    named = os.environ.get("TWINOPS_HOME")
    return Path(named) if named else user_config_path("twinops")


def policy_in_force(home: Path) -> Policy | None:
    """Return the policy that holds for every run of this home now, None when it has none.

    Raises `PolicyError` when there is one that cannot be read: then nothing may be done.
    """
    path = home / POLICY
    return None if is_absent(path) else load_policy(path)


def policy_of(home: Path, file: Path | None = None) -> Policy:
    """Return the limits of a command: those of the file, and of the policy in force where it leaves a key out.

    Raises `PolicyError`.
    """
    base = policy_in_force(home) or Policy()
    return load_policy(file, base=base) if file else base


def require_in_force(home: Path, policy: Policy, whose: str) -> None:
    """Make sure that a policy allows nothing which the policy in force forbids; it may always forbid more.

    Raises `AuthorityError` that names both values of the first key, and `PolicyError` as `policy_in_force` does.
    """
    in_force = policy_in_force(home)
    for key in policy.looser_than(in_force) if in_force else ():
        mine, theirs = getattr(policy, key), getattr(in_force, key)
        raise AuthorityError(
            f"policy.{key} is {clean(repr(mine))} in {whose}, and {clean(repr(theirs))} in force ({home / POLICY})",
            fix=f"run it again, with a {key} that the policy in force allows",
        )
