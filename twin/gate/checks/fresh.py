"""*fresh*: the snapshot is young enough, measured well enough, and the twin has been right lately."""

from twin.printed import written

from .finding import Check, Counterexample, Violation, failed
from .rehearsal import Rehearsal


def fresh(rehearsal: Rehearsal) -> Check:
    """Judge the evidence that was given; without any, pass and say so, unless the policy requires evidence."""
    evidence, limits, plan = rehearsal.context.evidence, rehearsal.policy, rehearsal.plan
    element = f"snapshot/{plan.base}"
    if evidence is None:
        if limits.require_evidence:
            found = Counterexample(element=element, step=0, measured=0, limit=1)
            return failed("fresh", Violation("nobody vouches for the snapshot, which the policy requires", found))
        return Check(name="fresh", passed=True, detail="not judged: age, data quality and fidelity were not given")
    figures = (
        ("age in seconds", evidence.age_s, limits.max_age_s, True),
        ("data quality", evidence.quality, limits.min_quality, False),
        ("fidelity of the twin", evidence.fidelity, limits.min_fidelity, False),
    )
    for what, measured, limit, at_most in figures:
        if measured is not None and (measured > limit if at_most else measured < limit):
            bound = f"{'at most' if at_most else 'at least'} {written(limit, 4)}"
            detail = f"{what} is {written(measured, 4)}, {bound} asked for"
            unit = "s" if at_most else "share"
            found = Counterexample(element=element, step=0, measured=measured, limit=limit, unit=unit)
            return failed("fresh", Violation(detail, found))
    told = [f"{what} {written(measured, 4)}" for what, measured, *_ in figures if measured is not None]
    return Check(
        name="fresh",
        passed=True,
        measured=evidence.age_s,
        limit=limits.max_age_s,
        unit="s",
        detail=", ".join(told) or "no figures",
    )
