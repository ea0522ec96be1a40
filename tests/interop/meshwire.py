"""The WebSocket connection of a claudemesh client: requests, replies, pushes."""

import asyncio
import itertools
import json

import websockets

from meshdoc import Refused, check_fields, strict_json

CHALLENGE = [("nonce", "hash", 1, 64, 64), ("version", "str", 1, 1, 32),
             ("logKey", "key", 1, 64, 64), ("now", "at", 1, 0, 0)]


class Failed(Exception):
    """The broker answered with an error."""

    def __init__(self, answer):
        super().__init__(f"{answer.get('code')}: {answer.get('message')}")
        self.code = answer.get("code")
        self.answer = answer


class Wire:
    """One connection to a broker.

    on_push is called with every push, in order. tamper, when given, is called
    with every frame from the broker before it is looked at: for tests.
    """

    def __init__(self, url, on_push=None, tamper=None):
        self.url = url
        self.on_push = on_push or (lambda push: None)
        self.tamper = tamper
        self.challenge = None
        self._waiting = {}
        self._ids = itertools.count(1)
        self._first = asyncio.get_event_loop().create_future()

    async def open(self):
        self._socket = await websockets.connect(
            self.url, subprotocols=["claudemesh.2"], compression=None,
            max_size=1 << 20, ping_interval=None, close_timeout=2)
        if self._socket.subprotocol != "claudemesh.2":
            raise Refused("unavailable", "the broker does not speak claudemesh.2")
        self._reader = asyncio.ensure_future(self._read())
        self.challenge = check_fields(await asyncio.wait_for(self._first, 5), CHALLENGE)
        return self

    async def _read(self):
        try:
            async for text in self._socket:
                if not isinstance(text, str):
                    raise Refused("bad_json", "a binary message")
                frame = strict_json(text.encode())
                if self.tamper:
                    frame = self.tamper(frame)
                self._take(frame)
        except (Refused, websockets.ConnectionClosed):
            pass
        finally:
            for answer in [self._first, *self._waiting.values()]:
                if not answer.done():
                    answer.set_exception(ConnectionError("the broker is gone"))
                    answer.exception()

    def _take(self, frame):
        answer = self._waiting.pop(frame.get("_reqId"), None)
        if answer is not None:
            if not answer.done():
                answer.set_result(frame)
        elif frame.get("type") == "challenge":
            if not self._first.done():
                self._first.set_result(frame)
        elif frame.get("type"):
            self.on_push(frame)

    async def request(self, kind, session=None, **fields):
        """Sends a request and returns its reply; an error is raised as Failed."""
        frame = {"type": kind, "_reqId": f"r{next(self._ids)}"}
        if session:
            frame["_session"] = session
        frame.update({k: v for k, v in fields.items() if v is not None})
        answer = asyncio.get_event_loop().create_future()
        self._waiting[frame["_reqId"]] = answer
        await self._socket.send(json.dumps(frame, ensure_ascii=False))
        reply = await asyncio.wait_for(answer, 10)
        if reply["type"] == "error":
            raise Failed(reply)
        return reply

    async def close(self, code=1000):
        """1000 says goodbye; None breaks the connection off, as a crash would."""
        if code is None:
            self._socket.transport.abort()
        else:
            await self._socket.close(code)
        await asyncio.wait([self._reader], timeout=3)
