"""What clients of different SDKs have in common: connections of one event loop, and errors in one form."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from pydantic import JsonValue

from twin.errors import TwinError

from .client import Answer, Request
from .failures import CallError, from_error
from .settings import ModelSettings


class Sdk(Protocol):
    """A client of a provider's SDK."""

    async def close(self) -> None:
        """Close its connections."""
        ...


SdkClient = TypeVar("SdkClient", bound=Sdk)


class HttpProvider(ABC, Generic[SdkClient]):
    """One model at one address. `key` is what must never be seen in an error."""

    def __init__(self, name: str, address: str, key: str, settings: ModelSettings) -> None:
        self.name, self.address = name, address
        self._key, self._settings = key, settings
        self._client: SdkClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking = 0

    @abstractmethod
    def open(self) -> SdkClient:
        """Make a client of the SDK with its own retries off."""

    @abstractmethod
    async def send(self, client: SdkClient, request: Request) -> Answer:
        """Send one request and read its stream to the end."""

    async def ask(self, request: Request) -> Answer:
        """Send one request and return the whole answer. Raises `CallError`."""
        self._asking += 1
        try:
            return await self.send(self._connected(), request)
        except (CallError, TwinError):
            raise
        except Exception as error:
            raise from_error(error, now=datetime.now(UTC), secrets=(self._key,)) from None
        finally:
            self._asking -= 1

    def remember(self, calls: Sequence[str], blocks: Sequence[JsonValue]) -> None:
        """Keep what an answer with these calls must be sent back with: here, nothing."""

    async def close(self) -> None:
        """Close the connections, unless another run is asking over them: then it will close them at its own end."""
        if self._asking:
            return
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.close()

    def _connected(self) -> SdkClient:
        """Return the client of this event loop: connections cannot be shared with another."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._loop, self._client = loop, self.open()
        return self._client
