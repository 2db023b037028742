"""What is asked of a running lab, over a socket inside it: one line of JSON there, one back."""

import json
import socket
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field, JsonValue, TypeAdapter

from twin.errors import ExecutionError
from twin.faults import Fault
from twin.model import Frozen

SOCKET = "control.sock"
_MOST = 64 << 20


class AskStatus(Frozen):
    """How the lab is."""

    ask: Literal["status"] = "status"


class AskRoutes(Frozen):
    """What every kernel does with packets."""

    ask: Literal["routes"] = "routes"


class AskProbe(Frozen):
    """Send probes now."""

    ask: Literal["probe"] = "probe"
    source: str
    target: str


class AskBeside(Frozen):
    """What a router is configured to do beside its routing protocol: static routes and filters."""

    ask: Literal["beside"] = "beside"
    router: str


class AskFault(Frozen):
    """Let a fault strike."""

    ask: Literal["fault"] = "fault"
    fault: Fault
    variant: str = Field(default="", max_length=40, description="How it is done, where there are several ways.")


class AskHeal(Frozen):
    """Take every fault back."""

    ask: Literal["heal"] = "heal"


class AskOffer(Frozen):
    """Send this share of the traffic matrix; 1 is what the lab was made with."""

    ask: Literal["offer"] = "offer"
    factor: float = Field(ge=0, le=20)


class AskTraffic(Frozen):
    """What was sent and what arrived of every demand since the start: the truth, for scoring."""

    ask: Literal["traffic"] = "traffic"


class AskDown(Frozen):
    """End the lab."""

    ask: Literal["down"] = "down"


Ask = AskStatus | AskRoutes | AskProbe | AskBeside | AskFault | AskHeal | AskOffer | AskTraffic | AskDown
_ASK: TypeAdapter[Ask] = TypeAdapter(Annotated[Ask, Field(discriminator="ask")])


def read_ask(line: bytes) -> Ask:
    """Read a question. Raises pydantic's `ValidationError`."""
    return _ASK.validate_json(line)


def ask(path: Path, question: Ask, *, timeout_s: float = 30.0) -> JsonValue:
    """Ask a lab. Raises `ExecutionError` with its own words when it cannot, or does not answer."""
    received = bytearray()
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(timeout_s)
            one.connect(str(path))
            one.sendall(question.model_dump_json().encode() + b"\n")
            while not received.endswith(b"\n"):
                part = one.recv(1 << 16)
                if not part or len(received) > _MOST:
                    break
                received += part
    except OSError as error:
        raise ExecutionError(f"the lab does not answer: {error.strerror or error}", fix="twinops lab status") from error
    try:
        told = cast("dict[str, JsonValue]", json.loads(received))
    except ValueError as error:
        raise ExecutionError("the lab hung up in the middle of an answer", fix="twinops lab status") from error
    if "error" in told:
        raise ExecutionError(str(told["error"]), fix=str(told.get("fix", "")))
    return told.get("answer")
