"""Faults of certificates, keys and of what the operator's home knows: what lets somebody act who may not."""

from .mutant import Mutant

_SIGNED = ("tests/twin/gate/test_certificate_signing.py",)
_BY_PASSKEY = ("tests/twin/gate/test_passkey.py",)
_HOME = ("tests/agents/record/test_authority.py",)
_FORCE = ("tests/agents/record/test_policy_in_force.py",)
_LIMITS = ("tests/twin/test_policy_file.py::test_of_every_key_it_is_known_which_value_is_the_looser_one",)
_CERTIFICATE, _SIGNING, _CHARTER = "twin/gate/certificate.py", "twin/gate/signing.py", "agents/record/charter.py"
_PASSKEY = "twin/gate/passkey.py"

_CERTIFIED = (
    Mutant(
        "the issuer is anybody",
        _CERTIFICATE,
        "if certificate.issuer != public_key.fingerprint:",
        "if not certificate.issuer:",
        _SIGNED,
    ),
    Mutant(
        "a signature is not looked at",
        _CERTIFICATE,
        "if not public_key.signed(certificate.payload, certificate.signature):",
        "if not certificate.payload:",
        _SIGNED,
    ),
    Mutant(
        "a certificate covers any plan",
        _CERTIFICATE,
        "(certificate.plan, plan.hash,",
        "(certificate.plan, certificate.plan,",
        _SIGNED,
    ),
    Mutant(
        "a certificate covers any state",
        _CERTIFICATE,
        "(certificate.snapshot, network.id,",
        "(certificate.snapshot, certificate.snapshot,",
        _SIGNED,
    ),
    Mutant(
        "a certificate covers any policy",
        _CERTIFICATE,
        "(certificate.policy, policy.hash,",
        "(certificate.policy, certificate.policy,",
        _SIGNED,
    ),
    Mutant(
        "a certificate holds for ever",
        _CERTIFICATE,
        "if now >= certificate.expires:",
        "if now >= certificate.expires + timedelta(days=9):",
        _SIGNED,
    ),
    Mutant(
        "a certificate holds before its window",
        _CERTIFICATE,
        "begins = max(certificate.issued, certificate.not_before)",
        "begins = certificate.issued",
        _SIGNED,
    ),
    Mutant(
        "failed checks are signed off",
        _CERTIFICATE,
        "if failed or not certificate.checks:",
        "if not certificate.checks:",
        _SIGNED,
    ),
    Mutant(
        "the people in a certificate are not asked for again",
        _CERTIFICATE,
        "    _require_approval(certificate.approvals, certificate.tier, policy, authority)\n    return certificate",
        "    return certificate",
        _SIGNED,
    ),
    Mutant(
        "an approval of another state counts",
        _CERTIFICATE,
        "if (x.plan, x.snapshot) == (plan.hash, plan.base))",
        "if x.plan == plan.hash)",
        _SIGNED,
    ),
    Mutant(
        "a rejection is passed over",
        _CERTIFICATE,
        'if x.decision == "reject"]',
        'if x.decision == "reject" and x.key]',
        _SIGNED,
    ),
    Mutant(
        "one person under two names is two",
        _CERTIFICATE,
        "min(len({x.who for x in people}), len({x.key for x in people}))",
        "len({x.who for x in people})",
        _SIGNED,
    ),
    Mutant(
        "a person's key may be another's",
        _CERTIFICATE,
        "if person.key is None or approval.key != person.key.hex:",
        "if person.key is None or not approval.key:",
        _SIGNED,
    ),
    Mutant(
        "a decision on another run counts",
        _CERTIFICATE,
        "if approval.run != authority.run:",
        "if False:",
        _SIGNED,
    ),
    Mutant(
        "a decision under another policy counts",
        _CERTIFICATE,
        "if approval.policy != policy.hash:",
        "if not policy.hash:",
        _SIGNED,
    ),
    Mutant(
        "everybody answers for every risk",
        _CERTIFICATE,
        "TIERS.index(tier) > TIERS.index(person.up_to)",
        "TIERS.index(tier) > len(TIERS)",
        _SIGNED,
    ),
    Mutant(
        "the policy in force is nobody's business",
        _CERTIFICATE,
        "if in_force is not None and in_force.hash != policy.hash:",
        "if in_force is None and not policy.hash:",
        _SIGNED,
    ),
    Mutant(
        "a verdict under another policy is enough",
        _CERTIFICATE,
        '        (verdict.policy, policy.hash, "policy"),\n',
        "",
        _SIGNED,
    ),
)

_PASSKEYS = (
    Mutant(
        "what the objection to a passkey says is lost",
        _CERTIFICATE,
        'return f"{who}\'s approval does not hold: {against}" if against else None',
        "return None",
        _BY_PASSKEY,
    ),
    Mutant(
        "a passkey that nobody enrolled is taken for the first one that is",
        _CERTIFICATE,
        "next((x for x in person.passkeys if x.key == approval.key), None)",
        "next((x._replace(credential=approval.assertion.credential) for x in person.passkeys), None)",
        _BY_PASSKEY,
    ),
    Mutant(
        "a passkey may have signed something else",
        _PASSKEY,
        "!= challenge(approval):",
        "== challenge(approval)[:1]:",
        _BY_PASSKEY,
    ),
    Mutant(
        "a passkey may be used on any page",
        _PASSKEY,
        "or origin not in passkey.origins or foreign:",
        "or foreign:",
        _BY_PASSKEY,
    ),
    Mutant(
        "nobody need be present and verified",
        _PASSKEY,
        "!= _PRESENT_AND_VERIFIED:",
        "== 0xFF:",
        _BY_PASSKEY,
    ),
    Mutant(
        "a passkey's signature is not looked at",
        _PASSKEY,
        "return None if _signed(passkey, made.signature, authenticator, client) else",
        "return None if authenticator else",
        _BY_PASSKEY,
    ),
)

_KEYS = (
    Mutant(
        "a key is loaded from among the runs",
        _SIGNING,
        "_require_outside(path, runs)\n        try:\n            mode",
        "try:\n            mode",
        _SIGNED,
    ),
    Mutant(
        "a key is made among the runs",
        _SIGNING,
        "_require_outside(path, runs)\n        key",
        "key",
        _SIGNED,
    ),
    Mutant(
        "others may read a key",
        _SIGNING,
        "if mode & (stat.S_IRWXG | stat.S_IRWXO):",
        "if mode & stat.S_IWOTH:",
        _SIGNED,
    ),
    Mutant(
        "an approval need not be signed by the key it names",
        _SIGNING,
        "return bool(self.key) and self.assertion is None and PublicKey(self.key).signed(self.payload, self.signature)",
        "return bool(self.key) and self.assertion is None",
        _SIGNED,
    ),
    Mutant(
        "a key is written over",
        _SIGNING,
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600",
        "os.O_WRONLY | os.O_CREAT, 0o600",
        _SIGNED,
    ),
    Mutant(
        "a key is written for everybody",
        _SIGNING,
        "os.O_EXCL, 0o600",
        "os.O_EXCL, 0o644",
        _SIGNED,
    ),
)

_AT_HOME = (
    Mutant(
        "a run works under the policy that its record names",
        _CHARTER,
        "if charter.started != past.started:",
        "if charter.started.run != past.started.run:",
        _HOME,
    ),
    Mutant("the head kept at home is not compared", _CHARTER, "if there != charter.head:", "if not there:", _HOME),
    Mutant(
        "decisions after the head kept at home count",
        _CHARTER,
        "and because is None and (claim := beyond(past, charter)) is not None:",
        "and because == '' and (claim := beyond(past, charter)) is not None:",
        _HOME,
    ),
    Mutant(
        "a run is taken over under any policy",
        _CHARTER,
        "if given != past.started.policy:",
        "if given.max_steps != past.started.policy.max_steps:",
        _HOME,
    ),
    Mutant(
        "a record may lose what people decided",
        _CHARTER,
        "len(records) < charter.records and not charter.waited and",
        "len(records) < charter.records and",
        _HOME,
    ),
)

_IN_FORCE = (
    Mutant(
        "a run goes on under what was in force when it began",
        _CHARTER,
        "        if charter is not None:\n            self._require_in_force(charter)\n",
        "",
        _FORCE,
    ),
    Mutant(
        "what is in force at execution is nobody's business",
        _CHARTER,
        "        self._require_in_force(charter)\n        return charter.started.policy\n",
        "        return charter.started.policy\n",
        _FORCE,
    ),
    Mutant(
        "a run begins under a looser policy than the one in force",
        "agents/run/run.py",
        'require_in_force(home, request.policy, "the policy of this run")\n',
        "pass\n",
        _FORCE,
    ),
    Mutant(
        "a policy that cannot be looked at is none",
        "twin/files.py",
        "        path.lstat()\n",
        "        path.stat()\n",
        _FORCE,
    ),
    Mutant(
        "fewer people are as strict as more",
        "twin/policy.py",
        '"person_from": people.index(policy.person_from),',
        '"person_from": -people.index(policy.person_from),',
        _LIMITS,
    ),
    Mutant(
        "a run may protect less than what is in force",
        "twin/policy.py",
        'looser |= {"protected"} if set(other.protected) - set(self.protected) else set()',
        "looser |= set()",
        _LIMITS,
    ),
)

AUTHORITY: tuple[Mutant, ...] = (*_CERTIFIED, *_PASSKEYS, *_KEYS, *_AT_HOME, *_IN_FORCE)
