"""An intent in one line, for whoever has to check that it was understood."""

from collections.abc import Iterator

from .types import Intent, Limits


def intent_words(intent: Intent) -> str:
    """Say what was understood: goal, elements, time and limits."""
    goal = " ".join((intent.verb, *([", ".join(intent.what)] if intent.what else []), *_value(intent)))
    parts = [f"rehearse: {goal}" if intent.only_rehearse else goal]
    if intent.when is not None:
        when = intent.when
        parts.append(f"{when.start:%Y-%m-%d %H:%M} to {when.end:%Y-%m-%d %H:%M} {when.zone}")
    if intent.objective is not None:
        parts.append(f"first by {intent.objective}")
    return "; ".join((*parts, *limit_words(intent.limits)))


def limit_words(limits: Limits) -> Iterator[str]:
    """Say each limit."""
    if limits.max_utilisation is not None:
        yield f"no link above {limits.max_utilisation:.4g} of its capacity"
    if limits.max_failure_utilisation is not None:
        yield f"under a failure none above {limits.max_failure_utilisation:.4g}"
    if limits.max_steps is not None:
        yield f"at most {limits.max_steps} {'step' if limits.max_steps == 1 else 'steps'}"
    if limits.max_delay_stretch is not None:
        yield f"mean delay at most times {limits.max_delay_stretch:.4g}"
    if limits.max_blast_radius is not None:
        yield f"at most {limits.max_blast_radius:.4g} of the traffic moved"
    if limits.protected:
        yield f"hands off {', '.join(limits.protected)}"


def _value(intent: Intent) -> Iterator[str]:
    if intent.value is None:
        return
    match intent.verb:
        case "grow":
            yield f"by the factor {intent.value:g}"
        case "set weight":
            yield f"to {intent.value:g}"
        case _:
            yield f"to {intent.value:g} Mbit/s"
