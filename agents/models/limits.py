"""What all runs of a process share of one provider: places, tokens per minute, and a circuit breaker.

Everything here is safe across threads and event loops: runs may live in loops of their own.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from .settings import ModelSettings

Clock = Callable[[], float]  # seconds that only go forward


class Bucket:
    """A token bucket: `per_minute` flow in, a minute's worth fits in (RFC 2697's committed rate and burst)."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._capacity, self._clock = float(per_minute), clock
        self._level, self._at = self._capacity, clock()

    def take(self, amount: float) -> float:
        """Take an amount, at most a minute's worth, on credit if need be; return the seconds to wait for it."""
        now = self._clock()
        self._level = min(self._capacity, self._level + (now - self._at) * self._capacity / 60)
        self._at = now
        self._level -= min(amount, self._capacity)
        return max(0.0, -self._level * 60 / self._capacity)


class Breaker:
    """A circuit breaker: after failures in a row nobody asks for a while; then one may try (Nygard, *Release It!*)."""

    def __init__(self, trip_after: int, cool_down_s: float, clock: Clock) -> None:
        self._trip_after, self._cool_down, self._clock = trip_after, cool_down_s, clock
        self._failures, self._open_until, self._probing = 0, 0.0, False

    def wait(self) -> float:
        """Return 0 when the caller may ask now, else the seconds for which nobody should."""
        if self._failures < self._trip_after:
            return 0.0
        left = self._open_until - self._clock()
        if left <= 0 and not self._probing:
            self._probing = True
            return 0.0
        return max(left, 1.0)

    def succeeded(self) -> None:
        """Take note that the provider answers."""
        self._failures, self._probing = 0, False

    def failed(self) -> None:
        """Take note that it does not."""
        self._failures, self._probing = self._failures + 1, False
        self._open_until = self._clock() + self._cool_down

    def gave_up(self) -> None:
        """Take note that the caller did not wait for an answer: it tells nothing."""
        self._probing = False


class RequestGuard:
    """One provider's limits, shared by every client of the process that asks it."""

    def __init__(self, settings: ModelSettings, *, clock: Clock = time.monotonic) -> None:
        self._lock, self._clock = threading.Lock(), clock
        self._free = settings.concurrent
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        rates = (settings.requests_per_minute, settings.tokens_per_minute)
        self._requests, self._tokens = (Bucket(rate, clock) if rate else None for rate in rates)
        self._breaker = Breaker(settings.trip_after, settings.cool_down_s, clock)
        self._not_before = 0.0

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Hold one of the places; first come, first served."""
        await self._enter()
        try:
            yield
        finally:
            self._leave()

    def due(self, tokens: int) -> float:
        """Book a request of about so many tokens; return the seconds to wait before it is sent."""
        with self._lock:
            waits = [self._not_before - self._clock()]
            waits += [self._requests.take(1)] if self._requests else []
            waits += [self._tokens.take(tokens)] if self._tokens else []
            return max(0.0, *waits)

    def correct(self, tokens: int) -> None:
        """Book what a request took beyond what was booked for it."""
        with self._lock:
            if self._tokens and tokens > 0:
                self._tokens.take(tokens)

    def hold(self, seconds: float) -> None:
        """Let nobody ask for a while, because the provider said so."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)

    def blocked(self) -> float:
        """Return 0 when the breaker lets the caller ask, else for how many seconds it will not."""
        with self._lock:
            return self._breaker.wait()

    def report(self, *, answered: bool | None) -> None:
        """Tell the breaker how a request ended; None when nobody waited for its end."""
        with self._lock:
            if answered is None:
                self._breaker.gave_up()
            elif answered:
                self._breaker.succeeded()
            else:
                self._breaker.failed()

    async def _enter(self) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            granted: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, granted))
        try:
            await granted
        except asyncio.CancelledError:
            with self._lock:
                waiting = (loop, granted) in self._waiting
                if waiting:
                    self._waiting.remove((loop, granted))
            if not waiting:  # the place was given to the one who just left
                self._leave()
            raise

    def _leave(self) -> None:
        with self._lock:
            while self._waiting:
                loop, granted = self._waiting.popleft()
                if loop.is_closed():
                    continue
                loop.call_soon_threadsafe(_grant, granted)
                return
            self._free += 1


def _grant(granted: "asyncio.Future[None]") -> None:
    if not granted.done():
        granted.set_result(None)


_GUARDS: dict[str, RequestGuard] = {}
_GUARDS_LOCK = threading.Lock()


def shared_guard(provider: str, settings: ModelSettings) -> RequestGuard:
    """Return the process's guard of a provider; the settings of whoever asks first hold."""
    with _GUARDS_LOCK:
        return _GUARDS.setdefault(provider, RequestGuard(settings))
