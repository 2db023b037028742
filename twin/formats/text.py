"""What a validation error says of a document, in the words of our errors."""

from pydantic import ValidationError


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Place in the document (`$.steps[0].weight`) and what was expected there, of the first validation error."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    context = first.get("ctx", {})
    match first["type"]:
        case "json_invalid":
            return "the whole file", f"valid JSON; {context.get('error', 'it is not')}"
        case "missing":
            return place, "this field, which is missing"
        case "extra_forbidden":
            return place, "no such field"
        case "union_tag_invalid":
            return place, f"{context['discriminator']} to be one of {context['expected_tags']}, not {context['tag']!r}"
        case _:
            message = first["msg"].removeprefix("Input should be ")
            return place, f"a value {message}" if message.startswith(("greater", "less")) else message
