"""mitm.py - the hostile broker: a proxy between real daemons and a real broker.

It speaks claudemesh.2 on both sides and passes frames on. What it lies about is
a list of rules: functions of (connection, direction, frame) that answer None,
for "as it is" (the frame may have been changed in place), or the list of what
is sent instead: dicts, or strings and bytes as they are. Direction is UP, from
the client to the broker, or DOWN. Everything that passed is kept.

The event loop runs in a thread of its own; tests call from theirs.
"""
import asyncio
import contextlib
import copy
import json
import threading

import websockets

UP, DOWN = "up", "down"
SUB = "claudemesh.2"


class Conn:
    """One client's connection and the one made for it to the broker."""

    def __init__(self, ws, names):
        self.ws, self.up = ws, None
        self.names, self.member = names, None
        self.open = True
        self.greeted = False	# hello_ack has passed
        self.asked = {}		# _reqId -> request

    def reply(self, frame):
        """From within a rule: says this to the client."""
        asyncio.ensure_future(self.ws.send(json.dumps(frame)))

    @property
    def who(self):
        """A home's name once it said hello and the name is known."""
        return self.names.get(self.member, self.member and "?" or "guest")


class Proxy:
    def __init__(self, upstream=None):
        self.upstream = upstream
        self.rules, self.conns, self.seen = [], [], []
        self.members = {}	# member key -> home's name
        self.broken = []	# faults of this program
        self.dumb = False	# take connections, never answer
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)
        self.thread.start()
        self.port = self.do(self.listen())

    @property
    def url(self):
        return "ws://127.0.0.1:%d/ws" % self.port

    def do(self, coroutine, seconds=10):
        return asyncio.run_coroutine_threadsafe(
            coroutine, self.loop).result(seconds)

    async def listen(self):
        self.server = await websockets.serve(
            self.serve, "127.0.0.1", 0, subprotocols=[SUB], compression=None,
            ping_interval=None, max_size=None, close_timeout=1)
        return self.server.sockets[0].getsockname()[1]

    def close(self):
        async def end():
            self.server.close()
            for c in list(self.conns):
                c.ws.transport.abort()
                if c.up is not None:
                    c.up.transport.abort()
            await asyncio.sleep(0.05)
        self.do(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    # one connection

    async def serve(self, ws, _path):
        c = Conn(ws, self.members)
        self.conns.append(c)
        try:
            if self.dumb:
                await ws.wait_closed()
                return
            c.up = await websockets.connect(
                self.upstream, subprotocols=[SUB], compression=None,
                ping_interval=None, max_size=None, close_timeout=1)
            await self.both(c)
        except (OSError, websockets.WebSocketException):
            pass
        except Exception as e:
            self.broken.append(repr(e))
            raise
        finally:
            c.open = False
            self.conns.remove(c)

    async def both(self, c):
        """Each way until one ends; then the other end hears how."""
        ways = [asyncio.ensure_future(self.pump(c, UP, c.ws, c.up)),
                asyncio.ensure_future(self.pump(c, DOWN, c.up, c.ws))]
        done, rest = await asyncio.wait(
            ways, return_when=asyncio.FIRST_COMPLETED)
        for t in rest:
            t.cancel()
        clean = all(x.closed and x.close_code == 1000 or not x.closed
                    for x in (c.ws, c.up))
        for x in (c.ws, c.up):
            if x.closed:
                continue
            if clean:
                await x.close(1000)
            else:
                x.transport.abort()
        await asyncio.gather(*rest, return_exceptions=True)
        for t in done:
            if t.exception() is not None:
                raise t.exception()

    async def pump(self, c, way, source, sink):
        try:
            async for text in source:
                frame = json.loads(text)
                for f in self.judge(c, way, frame):
                    await sink.send(f if isinstance(f, (str, bytes))
                                    else json.dumps(f))
        except websockets.ConnectionClosed:
            pass

    def judge(self, c, way, frame):
        if way == UP:
            if frame["type"] == "session_hello":
                c.member = frame["memberPubkey"]
            if "_reqId" in frame:
                c.asked[frame["_reqId"]] = frame
        elif frame["type"] == "hello_ack":
            c.greeted = True
        self.seen.append((c, way, copy.deepcopy(frame)))
        frames = [frame]
        for rule in list(self.rules):
            after = []
            for f in frames:
                r = rule(c, way, f) if isinstance(f, dict) else None
                after += [f] if r is None else r
            frames = after
        return frames

    # for the tests

    @contextlib.contextmanager
    def rule(self, *fns):
        self.rules += fns
        try:
            yield
        finally:
            self.rules = [f for f in self.rules if f not in fns]

    def conn(self, who):
        found = [c for c in self.conns if c.who == who and c.open]
        return found[-1] if found else None

    def push(self, who, *frames):
        """Says these to a client as if the broker had."""
        async def say():
            for _ in range(500):	# it may be about to come back
                c = self.conn(who)
                if c is not None and c.ws.open and c.greeted:
                    break
                await asyncio.sleep(0.02)
            for f in frames:
                await c.ws.send(f if isinstance(f, (str, bytes))
                                else json.dumps(f))
        self.do(say())

    def cut(self, who):
        """The connection of this client is lost."""
        c = self.conn(who)
        if c is not None:
            self.loop.call_soon_threadsafe(c.ws.transport.abort)

    def passed(self, who, way, kind):
        return [f for c, d, f in list(self.seen)
                if c.who == who and d == way and f["type"] == kind]


def on(way, kind, change, who=None, count=None):
    """A rule: change(frame) for frames of this way, type and client; with
    count for the first so many only. change answers as a rule does."""
    left = [count]

    def rule(c, d, f):
        if d != way or f.get("type") != kind or (who and c.who != who):
            return None
        if left[0] is not None:
            if left[0] == 0:
                return None
            left[0] -= 1
        return change(f)
    rule.left = left
    return rule


def instead(kind, make, who=None, count=None):
    """A rule: requests of this type never reach the broker; what make(request)
    gives answers them, if anything."""
    left = [count]

    def rule(c, d, f):
        if d != UP or f["type"] != kind or (who and c.who != who) or \
           left[0] == 0:
            return None
        if left[0] is not None:
            left[0] -= 1
        reply = make(f)
        if reply is not None:
            c.reply(dict(reply, _reqId=f["_reqId"]))
        return []
    return rule


def answer(kind, change, who=None):
    """A rule: change(request, reply) for the broker's answers to requests of
    this type."""
    def rule(c, d, f):
        if d != DOWN or "_reqId" not in f or (who and c.who != who):
            return None
        asked = c.asked.get(f["_reqId"])
        if asked is None or asked["type"] != kind:
            return None
        return change(asked, f)
    return rule
