"""WebSocket, server side: two libraries, then frames by hand."""
import asyncio
import os
import socket
import subprocess
import time

import websockets
from wsproto import ConnectionType, WSConnection
from wsproto import events as ev

from harness import PEER, Raw, curl, frame, test

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@test()
def python_websockets(server):
    async def main():
        async with websockets.connect(server.url, subprotocols=["x", "echo.1"],
                                      max_size=2 ** 22) as ws:
            assert ws.subprotocol == "echo.1" and not ws.extensions

            async def reader():
                for i in range(20000):
                    assert await ws.recv() == f"m{i}"
            task = asyncio.create_task(reader())
            for i in range(20000):
                await ws.send(f"m{i}")
            await task
            big = "b" * 900_000
            await ws.send(big)
            assert await ws.recv() == big
            await ws.send(["frag", "men", "", "ts"])
            assert await ws.recv() == "fragments"
            await (await ws.ping(b"hi"))
            await ws.send("")
            assert await ws.recv() == ""
            await ws.send("!close 4001 bye")
            try:
                await ws.recv()
                raise AssertionError("open")
            except websockets.ConnectionClosed:
                assert ws.close_code == 4001 and ws.close_reason == "bye"
        async with websockets.connect(server.url) as ws:
            await ws.send("x" * (1024 * 1024 + 1))
            try:
                await ws.recv()
                raise AssertionError("open")
            except websockets.ConnectionClosed:
                assert ws.close_code == 1009
    asyncio.run(main())
    server.wait_line("closed 4001")
    server.wait_line("closed 1009")


@test()
def node_ws(server):
    out = subprocess.run(("node", PEER, "client", server.url), timeout=60,
                         capture_output=True, text=True).stdout.splitlines()
    assert out == ["protocol echo.1", 'extensions ""', "echoed 20000",
                   "big true", "pong now", "fragments fragment",
                   "closed 4321 ", "binary 1003"], out


@test()
def python_wsproto(server):
    ws = WSConnection(ConnectionType.CLIENT)
    with server.connect() as s:
        s.sendall(ws.send(ev.Request(host="h", target="/ws")))
        got = []

        def pump(until):
            while not any(isinstance(e, until) for e in got):
                ws.receive_data(s.recv(65536) or None)
                for e in ws.events():
                    got.append(e)
            return [e for e in got if isinstance(e, until)]
        pump(ev.AcceptConnection)
        for i, piece in enumerate(("a", "", "ü", "z")):
            s.sendall(ws.send(ev.TextMessage(piece, message_finished=i == 3)))
            s.sendall(ws.send(ev.Ping(b"p%d" % i)))
        while True:
            texts = pump(ev.TextMessage)
            if texts[-1].message_finished:
                break
        assert "".join(e.data for e in texts) == "aüz"
        s.sendall(ws.send(ev.CloseConnection(code=3000, reason="over")))
        assert pump(ev.CloseConnection)[0].code == 3000
        assert len([e for e in got if isinstance(e, ev.Pong)]) == 4
    server.wait_line("closed 3000")


@test()
def glued_to_the_handshake(server):
    ws = Raw(server, glued=frame(TEXT, b"one") + frame(PING, b"two") +
             frame(TEXT, b"three")[:4])
    got = [ws.recv(), ws.recv()]
    assert (TEXT, b"one") in got and (PONG, b"two") in got, got


@test()
def close_codes(server):
    def closed_by(*frames, glued=False):
        ws = Raw(server)
        ws.send(*frames)
        return ws.recv_close()

    def code(n, reason=b""):
        return frame(CLOSE, n.to_bytes(2, "big") + reason)
    for n in 1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999:
        assert closed_by(code(n, b"why")) == n
        server.wait_line(f"closed {n}")
    assert closed_by(frame(CLOSE)) == 1005
    server.wait_line("closed 1005")
    for n in 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000:
        assert closed_by(code(n)) == 1002, n
    assert closed_by(frame(CLOSE, b"\x03")) == 1002
    assert closed_by(code(1000, b"\xff")) == 1007
    assert closed_by(frame(TEXT, b"\xff\xfe")) == 1007
    assert closed_by(frame(TEXT, b"\xc3", fin=False), frame(0, b"x")) == 1007
    assert closed_by(frame(BINARY, b"x")) == 1003
    assert closed_by(frame(TEXT, b"x", masked=False)) == 1002
    assert closed_by(frame(PING, b"x" * 126)) == 1002
    assert closed_by(frame(PING, b"x", fin=False)) == 1002
    assert closed_by(frame(3, b"x")) == 1002
    assert closed_by(frame(0, b"x")) == 1002
    assert closed_by(frame(TEXT, b"x", fin=False), frame(TEXT, b"y")) == 1002
    rsv = bytearray(frame(TEXT, b"x"))
    rsv[0] |= 0x40
    assert closed_by(bytes(rsv)) == 1002
    assert closed_by(frame(TEXT, b"", length=1024 * 1024 + 1)) == 1009
    half = frame(TEXT, b"x" * 600_000, fin=False)
    assert closed_by(half, frame(0, b"x" * 600_000)) == 1009


@test()
def messages_before_a_close_count(server):
    ws = Raw(server)
    ws.send(*(frame(TEXT, b"m%d" % i) for i in range(100)),
            frame(CLOSE, b"\x03\xe8"))
    for i in range(100):
        assert ws.recv() == (TEXT, b"m%d" % i)
    assert ws.recv_close() == 1000
    ws = Raw(server)
    ws.send(frame(TEXT, b"fine"), frame(BINARY, b"not"), frame(TEXT, b"no"))
    assert ws.recv() == (TEXT, b"fine")
    assert ws.recv_close() == 1003


@test()
def byte_by_byte(server):
    ws = Raw(server)
    ws.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for b in (frame(TEXT, "hé".encode(), fin=False) + frame(PING, b"!") +
              frame(0, b"y") + frame(TEXT, b"z" * 200)):
        ws.s.sendall(bytes([b]))
        time.sleep(0.0005)
    assert ws.recv() == (PONG, b"!")
    assert ws.recv() == (TEXT, "héy".encode())
    assert ws.recv() == (TEXT, b"z" * 200)


@test()
def vanishing(server):
    for reset in False, True:
        ws = Raw(server)
        ws.send(frame(TEXT, b"x" * 100, length=1000))
        if reset:
            ws.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
        ws.s.close()
        server.wait_line("closed 1006", skip=1 if reset else 0)


@test()
def close_is_answered_or_cut(server):
    """We close; the other end never answers: gone within the time."""
    ws = Raw(server)
    ws.send(frame(TEXT, b"!close 4000 x"))
    assert ws.recv() == (CLOSE, (4000).to_bytes(2, "big") + b"x")
    server.wait_line("closed 4000", seconds=1)
    began = time.time()
    ws.s.settimeout(12)
    assert ws.s.recv(10) == b"" and time.time() - began < 8


@test("ping_ms=200", "pong_ms=900")
def pings_and_silence(server):
    mute = Raw(server)
    assert mute.recv() == (PING, b"")
    began = time.time()
    try:
        while True:
            mute.recv()
    except EOFError:
        pass
    assert 0.5 < time.time() - began < 2.5
    server.wait_line("closed 1006")

    async def main():  # a library answers pings, so it lives
        async with websockets.connect(server.url, ping_interval=None) as ws:
            await asyncio.sleep(2)
            await ws.send("alive")
            assert await ws.recv() == "alive"
    asyncio.run(main())


@test("admit_late", "admit_ms=600")
def not_admitted(server):
    silent, fine = Raw(server), Raw(server)
    fine.send(frame(TEXT, b"hello"))
    assert fine.recv() == (TEXT, b"hello")
    silent.send(frame(PING, b"does not help"))
    began = time.time()
    op, data = silent.recv()
    while op != CLOSE:
        op, data = silent.recv()
    assert data[:2] == (1008).to_bytes(2, "big")
    assert time.time() - began < 2
    fine.send(frame(TEXT, b"still here"))
    assert fine.recv() == (TEXT, b"still here")


@test("out_max=4000000", "stall_ms=1000")
def slow_consumer(server):
    ws = Raw(server)
    ws.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ws.send(frame(TEXT, b"!flood"))
    n = int(server.wait_line("flooded").split()[1])
    assert 55 <= n <= 61, n
    server.wait_line("closed 1006", seconds=6)  # no progress: stalled
    reader = Raw(server)
    reader.send(frame(TEXT, b"!flood"))
    n = int(server.wait_line("flooded", skip=1).split()[1])
    for _ in range(n):
        assert reader.recv() == (TEXT, b"f" * 65536)
    reader.send(frame(TEXT, b"ok"))
    assert reader.recv() == (TEXT, b"ok")


@test()
def back_pressure(server):
    """Paused: input stays in the kernel; then all of it is served."""
    held_back(server, b"!pause 1500")


@test()
def nobody_pulls(server):
    """The same when the core just does not pull: reading stops by itself."""
    held_back(server, b"!deaf 1500")


def held_back(server, command):
    ws = Raw(server)
    ws.send(frame(TEXT, command))
    time.sleep(0.2)
    before = server.rss_kib()
    message = frame(TEXT, os.urandom(15000).hex().encode())
    ws.s.settimeout(0.5)
    sent, view = 0, memoryview(message * 1000)
    try:
        while sent < len(view):
            sent += ws.s.send(view[sent:sent + 200_000])
    except socket.timeout:
        pass
    assert sent < len(view), "nothing held us back"
    assert server.rss_kib() - before < 4000
    ws.s.settimeout(10)
    whole = sent // len(message)
    rest = view[sent:(whole + 1) * len(message)]
    ws.s.sendall(rest)
    for _ in range(whole + 1):
        op, data = ws.recv()
        assert op == TEXT and len(data) == 30000


@test()
def more_than_the_backlog(server):
    """More messages than 256 KiB in one go: all come."""
    ws = Raw(server)
    ws.send(*(frame(TEXT, b"%06d" % i + b"x" * 60000) for i in range(50)))
    for i in range(50):
        assert ws.recv()[1].startswith(b"%06d" % i)


@test()
def ping_flood(server):
    """Pings from someone who does not read do not pile up pongs."""
    ws = Raw(server)
    ws.s.settimeout(5)
    before = server.rss_kib()
    flood = frame(PING, b"x" * 125) * 10000
    for _ in range(20):
        ws.s.sendall(flood)
    assert server.rss_kib() - before < 8000
    assert curl(server.http + "/health") == '{"ok":true}\n'


@test("per_ip_new_max=100000")
def idle_memory(server):
    """An idle WebSocket costs a kilobyte or so (more under sanitizers)."""
    first = [Raw(server) for _ in range(50)]
    before = server.rss_kib()
    more = [Raw(server) for _ in range(1000)]
    each = (server.rss_kib() - before) * 1024 // 1000
    print(f"      {each} bytes for each idle connection")
    assert each < 12000
    for ws in first + more:
        ws.s.close()
