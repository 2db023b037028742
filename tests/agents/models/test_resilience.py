"""Retries, waits, deadline, limits and breaker, on a clock that only the test moves."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from autogen_core import CancellationToken
from autogen_core.models import CreateResult, LLMMessage, UserMessage
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from agents.models.client import NO_TOKENS, Answer, Request
from agents.models.failures import CallError, read_retry_after, redact
from agents.models.limits import Breaker, Bucket, RequestGuard, shared_guard
from agents.models.resilience import ResilientClient
from agents.models.settings import ModelSettings
from twin.errors import InputError, ModelRequestError, ProviderError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELLO: list[LLMMessage] = [UserMessage(content="Hello.", source="driver")]
SETTINGS = ModelSettings(attempts=6, deadline_s=100, first_wait_s=1, longest_wait_s=20)
Act = Callable[[], Awaitable[Answer]] | Answer | Exception


@dataclass
class Time:
    """Seconds that pass when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@dataclass
class Scripted:
    """A provider that does what it is told, in order; the last act repeats."""

    acts: list[Act]
    name: str = "test:model"
    asked: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        if isinstance(act, Exception):
            raise act
        return act if isinstance(act, Answer) else await act()

    def remember(self, calls: Sequence[str], blocks: Sequence[JsonValue]) -> None:
        pass

    async def close(self) -> None:
        pass


def said(words: str = "Fine.") -> Answer:
    return Answer(finish_reason="stop", content=words, usage=NO_TOKENS, cached=False, stop="end_turn")


def down(retry_after: float | None = None) -> CallError:
    return CallError("overloaded", "overloaded", retry_after=retry_after)


def client(provider: Scripted, time: Time, settings: ModelSettings = SETTINGS, guard: RequestGuard | None = None):
    guard = guard or RequestGuard(settings, clock=time.clock)
    return ResilientClient(provider, guard, settings, clock=time.clock, sleep=time.sleep)


def ask(
    provider: Scripted, time: Time, settings: ModelSettings = SETTINGS, guard: RequestGuard | None = None
) -> CreateResult:
    return asyncio.run(client(provider, time, settings, guard).create(HELLO))


def test_waits_are_drawn_from_zero_to_a_doubling_end_and_are_the_same_for_the_same_seed():
    drawn: list[list[float]] = []
    for seed in (1, 1, 2):
        time = Time()
        with pytest.raises(ProviderError, match="down after 6 requests"):
            ask(Scripted([down()]), time, SETTINGS.model_copy(update={"seed": seed}))
        drawn.append(time.slept)
    assert drawn[0] == drawn[1] != drawn[2]
    assert [0 <= wait <= upper for wait, upper in zip(drawn[0], (1, 2, 4, 8, 16), strict=True)] == [True] * 5


def test_waits_spread_over_their_whole_range():
    first = []
    for seed in range(200):
        time = Time()
        ask(Scripted([down(), said()]), time, SETTINGS.model_copy(update={"seed": seed}))
        first += time.slept
    assert min(first) < 0.05
    assert max(first) > 0.95
    assert 0.4 < sum(first) / len(first) < 0.6


def test_a_provider_is_not_asked_before_it_said_it_could_be():
    time = Time()
    ask(Scripted([down(7.0), said()]), time)
    assert 7.0 <= time.now <= 8.0


def test_a_wait_beyond_the_deadline_is_not_begun():
    time, provider = Time(), Scripted([down(101.0)])
    with pytest.raises(ProviderError, match="test:model is down"):
        ask(provider, time)
    assert time.slept == []
    assert len(provider.asked) == 1


def test_a_wait_that_one_was_told_to_make_is_made_by_all():
    time, once = Time(), SETTINGS.model_copy(update={"attempts": 1})
    guard = RequestGuard(once, clock=time.clock)
    with pytest.raises(ProviderError):
        ask(Scripted([down(7.0)]), time, once, guard)
    ask(Scripted([said()]), time, once, guard)
    assert time.slept == [pytest.approx(7.0)]


def test_what_is_not_accepted_is_not_repeated():
    time, provider = Time(), Scripted([CallError("refused", "bad key", passing=False)])
    with pytest.raises(ModelRequestError, match="bad key"):
        ask(provider, time)
    assert len(provider.asked) == 1


def test_a_silent_provider_meets_the_deadline():
    async def silent() -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    settings = SETTINGS.model_copy(update={"deadline_s": 0.05})
    with pytest.raises(ProviderError, match=r"no answer within 0\.05 s"):
        ask(Scripted([silent]), Time(), settings)


def test_a_cancelled_call_asks_nobody():
    provider, token = Scripted([said()]), CancellationToken()
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(client(provider, Time()).create(HELLO, cancellation_token=token))
    assert provider.asked == []


def test_cancelling_ends_a_call_under_way():
    async def cancelled() -> None:
        token, begun = CancellationToken(), asyncio.Event()

        async def silent() -> Answer:
            begun.set()
            await asyncio.sleep(60)
            raise AssertionError

        call = asyncio.create_task(client(Scripted([silent]), Time()).create(HELLO, cancellation_token=token))
        await begun.wait()
        token.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(call, 2)

    asyncio.run(cancelled())


def test_an_answer_that_is_empty_is_asked_for_once_more_and_both_are_counted():
    provider = Scripted([down(), said(" "), said()])
    answer = ask(provider, Time())
    assert isinstance(answer, Answer)
    assert (answer.content, answer.requests, len(provider.asked)) == ("Fine.", 3, 3)
    assert "empty" in str(provider.asked[-1].messages[-1].content)


def test_after_failures_in_a_row_nobody_asks_until_one_has_tried_again():
    time, settings = Time(), SETTINGS.model_copy(update={"attempts": 1, "trip_after": 3, "cool_down_s": 30})
    guard, provider = RequestGuard(settings, clock=time.clock), Scripted([down()])
    for _ in range(5):
        with pytest.raises(ProviderError):
            ask(provider, time, settings, guard)
    assert len(provider.asked) == 3
    time.now += 31
    provider.acts[:] = [said()]
    assert ask(provider, time, settings, guard).content == "Fine."
    assert ask(provider, time, settings, guard).content == "Fine."


def test_while_one_tries_again_the_others_do_not():
    time = Time()
    breaker = Breaker(1, 30, time.clock)
    breaker.failed()
    time.now = 31
    assert breaker.wait() == 0
    assert breaker.wait() > 0
    breaker.gave_up()
    assert breaker.wait() == 0
    breaker.failed()
    assert breaker.wait() == pytest.approx(30)


def test_a_provider_that_limits_its_rate_is_not_taken_for_down():
    time, settings = Time(), SETTINGS.model_copy(update={"attempts": 1, "trip_after": 2})
    guard, provider = RequestGuard(settings, clock=time.clock), Scripted([CallError("busy", "slow down")])
    for _ in range(4):
        with pytest.raises(ProviderError):
            ask(provider, time, settings, guard)
    assert len(provider.asked) == 4


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 200)), min_size=1, max_size=40))
def test_a_bucket_never_lets_through_more_than_its_rate(requests: list[tuple[float, int]]):
    time = Time()
    bucket, sent = Bucket(100, time.clock), list[tuple[float, float]]()
    for gap, amount in requests:
        time.now += gap
        wait = bucket.take(amount)
        time.now += wait
        sent.append((time.now, float(min(amount, 100))))
    for begin, _ in sent:
        window = sum(amount for at, amount in sent if begin < at <= begin + 60)
        assert window <= 200 + 1e-6  # a minute's worth that was saved up, and a minute's worth that flowed in


def test_no_more_requests_run_at_a_time_than_there_are_places_over_all_event_loops():
    settings = SETTINGS.model_copy(update={"concurrent": 3})
    guard, lock = RequestGuard(settings), threading.Lock()
    running, most, done = 0, 0, 0

    async def busy() -> Answer:
        nonlocal running, most, done
        with lock:
            running += 1
            most = max(most, running)
        await asyncio.sleep(0.005)
        with lock:
            running -= 1
            done += 1
        return said()

    async def many() -> None:
        asked = ResilientClient(Scripted([busy]), guard, settings)
        await asyncio.gather(*(asked.create(HELLO) for _ in range(12)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most, done) == (3, 36)


def test_a_place_is_given_back_by_one_who_stopped_waiting():
    async def crowd() -> None:
        guard = RequestGuard(SETTINGS.model_copy(update={"concurrent": 1}))

        async def hold(seconds: float) -> None:
            async with guard.place():
                await asyncio.sleep(seconds)

        first = asyncio.create_task(hold(0.02))
        await asyncio.sleep(0)
        impatient = [asyncio.create_task(hold(0)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in impatient[::2]:
            task.cancel()
        await first
        await asyncio.gather(*impatient, return_exceptions=True)
        await asyncio.wait_for(hold(0), 1)

    asyncio.run(crowd())


def test_all_clients_of_one_address_share_one_guard():
    assert shared_guard("http://one", SETTINGS) is shared_guard("http://one", SETTINGS)
    assert shared_guard("http://one", SETTINGS) is not shared_guard("http://two", SETTINGS)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 0.5 ", 0.5),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(value: str | None, seconds: float | None):
    assert read_retry_after(value, now=NOW) == seconds


@given(st.text())
def test_any_retry_after_can_be_read(value: str):
    found = read_retry_after(value, now=NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    "text",
    [
        "key sk-ant-api03-abcdefgh failed",
        "authorization: Bearer abcdef",
        "{'x-api-key': 'plainsecretkey'}",
        "the secret is plainsecretkey.",
    ],
)
def test_nothing_that_is_or_looks_like_a_key_is_told(text: str):
    found = redact(text, ["plainsecretkey"])
    assert "[redacted]" in found
    assert not [word for word in ("abcdef", "plainsecretkey") if word in found]


@given(st.text())
def test_what_is_told_is_one_short_line(text: str):
    found = redact(text, [])
    assert len(found) <= 300
    assert found.isprintable()


def test_settings_come_from_the_environment():
    env = {"TWINOPS_MODEL_ATTEMPTS": "2", "TWINOPS_MODEL_FALLBACK": "off", "TWINOPS_MODEL_TOKENS_PER_MINUTE": "9000"}
    settings = ModelSettings.from_environment(env)
    assert (settings.attempts, settings.fallback, settings.tokens_per_minute) == (2, False, 9_000)
    with pytest.raises(InputError, match="TWINOPS_MODEL_DEADLINE_S"):
        ModelSettings.from_environment({"TWINOPS_MODEL_DEADLINE_S": "never"})
