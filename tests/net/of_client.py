"""Our client against other servers, good and bad."""
import asyncio
import base64
import hashlib
import logging
import socket
import subprocess
import threading

import websockets

from harness import BIN, PEER, Process, frame, read_until, test


logging.getLogger("websockets").setLevel(logging.CRITICAL)


def client(url, *steps, protocol="", limit=2_000_000):
    out = subprocess.run((f"{BIN}/ws_client", url, protocol, str(limit)) + steps,
                         timeout=60, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    return out.stdout.splitlines()


@test()
def client_and_our_server(server):
    assert client(server.url, "echo:20000", "big:900000", "say:hi",
                  "say:!close 4001 bye", protocol="echo.1") == [
        "open", "echoed 20000", "big 900000 same", "said hi",
        "close 4001 bye"]
    assert client(f"ws://localhost:{server.port}/ws", "close:4000") == [
        "open", "close 4000 asked to"]
    assert client(server.url, "say:a", "free") == ["open", "said a", "freed"]
    assert client(server.http.replace("http", "ws") + "/x") == [
        "close 0 HTTP status 404"]
    assert client(server.url, protocol="nobody.9") == [
        "close 0 the broker does not speak nobody.9"]
    assert client(server.url, "big:1001", limit=1000) == [
        "open", "close 1009 the message is over the limit"]


@test(None)
def client_and_node_ws():
    peer = Process("node", PEER, "server")
    url = f"ws://127.0.0.1:{peer.port}"
    try:
        assert client(url, "echo:20000", "big:900000", "say:!ping",
                      "say:!fragments", "say:!close", protocol="echo.1") == [
            "open", "echoed 20000", "big 900000 same", "said ponged abc",
            "said ab", "close 4002 go"]
        assert client(url, "say:!binary", protocol="echo.1") == [
            "open", "close 1003 binary messages are not taken"]
        assert client(url, "say:!terminate")[1].startswith("close 1006 ")
        assert client(url, "say:x") == ["open", "said x", "close 1000 done"]
    finally:
        peer.p.kill()


@test(None)
def client_and_python_websockets():
    async def echo(ws, path=None):
        async for m in ws:
            if m == "!ping":
                await (await ws.ping(b"q"))
                await ws.send("ponged")
            elif m == "!fragments":
                await ws.send(["a", "", "b"])
            elif m == "!close":
                await ws.close(4003, "python")
            else:
                await ws.send(m)

    ready, out = threading.Event(), {}

    async def main():
        async with websockets.serve(echo, "127.0.0.1", 0,
                                    subprotocols=["echo.1"]) as server:
            out["port"] = server.sockets[0].getsockname()[1]
            out["loop"] = asyncio.get_running_loop()
            out["stop"] = out["loop"].create_future()
            ready.set()
            await out["stop"]
    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    ready.wait(10)
    try:
        assert client(f"ws://127.0.0.1:{out['port']}/x?y", "echo:20000",
                      "big:900000", "say:!ping", "say:!fragments", "say:!close",
                      protocol="echo.1") == [
            "open", "echoed 20000", "big 900000 same", "said ponged",
            "said ab", "close 4003 python"]
    finally:
        out["loop"].call_soon_threadsafe(out["stop"].set_result, None)
        thread.join(10)


def against(answer, *steps, limit=2_000_000, reset=False):
    """Our client meets a server that answers just these bytes; {accept}."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            s, _ = listener.accept()
            with s:
                s.settimeout(10)
                head = read_until(s, b"\r\n\r\n")
                key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
                digest = hashlib.sha1(
                    key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
                s.sendall(answer.replace(b"{accept}", base64.b64encode(digest)))
                if reset:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
                    return
                try:
                    while s.recv(65536):
                        pass
                except OSError:
                    pass
        thread = threading.Thread(target=serve)
        thread.start()
        out = client(f"ws://127.0.0.1:{listener.getsockname()[1]}/", *steps,
                     limit=limit)
        thread.join(15)
        return out


OK = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      b"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n")


@test(None)
def client_and_bad_servers():
    no = "close 0 the answer is no WebSocket handshake"
    assert against(OK.replace(b"{accept}", b"x" * 28) + b"\r\n") == [no]
    assert against(OK.replace(b"Upgrade: websocket\r\n", b"") + b"\r\n") == [no]
    assert against(OK.replace(b"Connection: Upgrade\r\n", b"") + b"\r\n") == [no]
    assert against(OK + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
                   ) == ["close 0 the broker chose an extension nobody offered"]
    assert against(OK + b"Sec-WebSocket-Protocol: y\r\n\r\n") == [
        "close 0 the broker chose a subprotocol nobody offered"]
    assert against(b"HTTP/1.1 302 Found\r\nLocation: ws://x/\r\n\r\n") == [
        "close 0 HTTP status 302"]
    for bad in (b"SSH-2.0-x\r\n", b"HTTP/1.0 101 x\r\n\r\n",
                b"HTTP/1.1 101 x\nUpgrade: websocket\n\n",
                OK + b"X: " + b"x" * 20000):
        assert against(bad) == ["close 0 the answer is not HTTP/1.1"], bad
    got = against(OK, reset=True)
    assert got[0] in ("close 0 connection lost",
                      "close 0 closed by the other end"), got


@test(None)
def client_and_bad_frames():
    ok = OK + b"\r\n"
    hi = frame(1, b"hi", masked=False)
    # Glued to the handshake: heard after the open, before the close.
    assert against(ok + hi + frame(8, b"\x0f\xa0ciao", masked=False),
                   "wait", "wait") == ["open", "said hi", "close 4000 ciao"]
    assert against(ok + frame(8, masked=False), "wait") == [
        "open", "close 1005 closed by the broker"]
    assert against(ok + frame(1, b"hi"), "wait") == [
        "open", "close 1002 a server's frame is masked"]
    assert against(ok + frame(1, b"\xff", masked=False), "wait") == [
        "open", "close 1007 a text message is not UTF-8"]
    assert against(ok + frame(1, b"x" * 101, masked=False), "wait",
                   limit=100) == [
        "open", "close 1009 the message is over the limit"]
    assert against(ok, "wait", reset=True)[:1] == ["open"]
