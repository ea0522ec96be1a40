"""HTTP: curl for what is in order, raw sockets for what is not."""
import re
import socket
import time

from harness import ask, curl, read_all, read_until, request, test

H = b"Host: h\r\n"


def statuses(answer):
    return [int(x) for x in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


@test()
def health_by_curl(server):
    out = curl("-i", server.http + "/health")
    assert out.startswith("HTTP/1.1 200 OK\r\n") and '{"ok":true}' in out, out
    assert re.search(r"\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n", out)
    out = curl("-i", "-0", server.http + "/health")
    assert "Connection: close" in out and '{"ok":true}' in out, out
    out = curl("-i", server.http + "/nowhere")
    assert out.startswith("HTTP/1.1 404 "), out
    out = curl("-i", server.http + "/ws")
    assert out.startswith("HTTP/1.1 426 "), out


@test()
def head_has_no_body(server):
    answer = ask(server, b"HEAD /health HTTP/1.1\r\n" + H + b"\r\n"
                 b"GET /health HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n")
    first, rest = answer.split(b"\r\n\r\n", 1)
    assert b"Content-Length: 12" in first, first
    assert rest.startswith(b"HTTP/1.1 200"), rest


@test()
def bodies_by_curl(server):
    assert curl("-d", "hello", server.http + "/echo") == "hello"
    out = curl("-v", "-d", "x" * 5000, "-H", "Expect: 100-continue",
               "--stderr", "-", server.http + "/echo")
    assert "< HTTP/1.1 100 Continue" in out and "x" * 5000 in out, out
    out = curl("-T", "-", "-H", "Transfer-Encoding: chunked", "-X", "POST",
               server.http + "/echo")
    assert out == "", out


@test("body_max=100000")
def body_limits(server):
    post = b"POST /echo HTTP/1.1\r\n" + H
    assert statuses(ask(server, post + b"Content-Length: 100001\r\n\r\n")) == [413]
    assert statuses(ask(server, post + b"Expect: 100-continue\r\n"
                        b"Content-Length: 100001\r\n\r\n")) == [413]
    assert statuses(ask(server, post + b"Transfer-Encoding: chunked\r\n\r\n"
                        b"186a1\r\n")) == [413]
    # The answer arrives although the body keeps coming.
    assert statuses(ask(server, post + b"Content-Length: 400000\r\n\r\n" +
                        b"x" * 400000)) == [413]
    body = b"y" * 100000
    answer = ask(server, post + b"Connection: close\r\nTransfer-Encoding: "
                 b"chunked\r\n\r\n" + b"".join(
                     b"3e8\r\n" + body[i:i + 1000] + b"\r\n"
                     for i in range(0, 100000, 1000)) + b"0\r\n\r\n")
    assert statuses(answer) == [200] and answer.endswith(body)


@test()
def header_limits(server):
    assert statuses(ask(server, b"GET / HTTP/1.1\r\n" + H + b"X: " +
                        b"x" * 70000 + b"\r\n\r\n")) == [431]
    assert statuses(ask(server, b"GET / HTTP/1.1\r\n" + H + b"x:\r\n" * 101 +
                        b"\r\n")) == [431]
    assert statuses(ask(server, b"GET /" + b"a" * 70000)) == [431]


@test()
def pipelining_in_order(server):
    def get(path, more=b""):
        return b"GET " + path + b" HTTP/1.1\r\n" + H + more + b"\r\n"
    text = (get(b"/health") + get(b"/later") + get(b"/nowhere") + get(b"/later")
            + b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc"
            + get(b"/health", b"Connection: close\r\n") + get(b"/never"))
    want = [200, 200, 404, 200, 200, 200]
    answer = ask(server, text)
    assert statuses(answer) == want, answer
    assert answer.count(b"later\n") == 2 and b"\r\n\r\nabc" in answer
    with server.connect() as s:  # the same, byte by byte
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(text)):
            try:
                s.send(text[i:i + 1])
            except OSError:
                break
            time.sleep(0.0005)
        assert statuses(read_all(s)) == want


@test()
def pipelining_is_bounded(server):
    """A million requests behind one that waits are not all kept."""
    with server.connect() as s:
        s.settimeout(0.5)
        s.sendall(b"GET /later HTTP/1.1\r\n" + H + b"\r\n")
        more = (b"GET /health HTTP/1.1\r\n" + H + b"\r\n") * 2000
        before = server.rss_kib()
        sent = 0
        try:
            while sent < 40_000_000:
                sent += s.send(more)
        except (socket.timeout, OSError):
            pass
        assert server.rss_kib() - before < 40000
    assert curl(server.http + "/health") == '{"ok":true}\n'


SMUGGLING = {
    "CL and TE": b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "two CL": b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n"
              b"Content-Length: 5\r\n\r\n12345G",
    "CL list": b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 6\r\n\r\n",
    "CL +5": b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n12345",
    "unknown TE": b"POST /echo HTTP/1.1\r\nHost: h\r\n"
                  b"Transfer-Encoding: xchunked\r\n\r\n",
    "TE twice": b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
                b"\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "TE on 1.0": b"POST /echo HTTP/1.0\r\nHost: h\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Host space": b"GET /health HTTP/1.1\r\nHost : h\r\n\r\n",
    "no Host": b"GET /health HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "bare LF": b"GET /health HTTP/1.1\nHost: h\n\n",
    "bare LF within": b"GET /health HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
    "bare CR": b"GET /health HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\n\r\n",
    "NUL": b"GET /health HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
    "obs-fold": b"GET /health HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    "obs-fold tab": b"GET /health HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n",
    "space first": b"GET /health HTTP/1.1\r\n Host: h\r\n\r\n",
    "chunk LF": b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
                b"\r\n\r\n1\nx\r\n0\r\n\r\n",
    "chunk size sign": b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                       b"chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n",
    "chunk overrun": b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                     b"chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    "absolute target": b"GET http://other/health HTTP/1.1\r\nHost: h\r\n\r\n",
}


@test()
def smuggling_shapes(server):
    behind = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
    for name, text in SMUGGLING.items():
        answer = ask(server, text + behind)
        assert statuses(answer) == [400], (name, answer)
    assert statuses(ask(server, b"GET / HTTP/3.7\r\n" + H + b"\r\n")) == [505]
    assert statuses(ask(server, b"CONNECT h:1 HTTP/1.1\r\n" + H +
                        b"\r\n")) == [405]


@test("header_ms=1000", "body_ms=1000", "idle_ms=800")
def deadlines(server):
    def drip(text, piece):
        began = time.time()
        with server.connect() as s:
            s.sendall(text)
            try:
                while time.time() - began < 6:
                    s.sendall(piece)
                    s.settimeout(0.2)
                    try:
                        got = s.recv(1000)
                        return got, time.time() - began
                    except socket.timeout:
                        pass
            except OSError:
                pass
        return None, time.time() - began
    got, took = drip(b"GET / HTTP/1.1\r\nX: ", b"x")
    assert got and statuses(got) == [408] and 0.9 < took < 2.5, (got, took)
    got, took = drip(b"POST /echo HTTP/1.1\r\nHost: h\r\n"
                     b"Content-Length: 1000\r\n\r\n", b"x")
    assert got and statuses(got) == [408] and 0.9 < took < 2.5, (got, took)
    with server.connect() as s:  # says nothing at all
        began = time.time()
        assert read_all(s) == b"" and time.time() - began < 2.5
    with server.connect() as s:  # is served, then idles
        s.sendall(b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
        began = time.time()
        assert statuses(read_all(s)) == [200]
        assert 0.7 < time.time() - began < 2.5
    with server.connect() as s:  # a second request has its own deadline
        s.sendall(b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
        time.sleep(0.4)
        s.sendall(b"GET /he")
        assert statuses(read_all(s)) == [200, 408]


@test("per_ip_new_max=5")
def per_ip_cap(server):
    """New connections count until they are admitted; others are not."""
    mine = [server.connect() for _ in range(5)]
    time.sleep(0.1)
    with server.connect() as s:
        assert read_all(s) == b""
    with server.connect(("127.0.0.2", 0)) as s:
        s.sendall(b"GET /health HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n")
        assert statuses(read_all(s)) == [200]
    for s in mine:  # the server admits WebSockets at once
        s.sendall(request())
        assert b" 101 " in read_until(s, b"\r\n\r\n")
    with server.connect() as s:
        s.sendall(b"GET /health HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n")
        assert statuses(read_all(s)) == [200]
    for s in mine:
        s.close()


@test("conns_max=3")
def total_cap(server):
    mine = [server.connect(("127.0.0.%d" % i, 0)) for i in (2, 3, 4)]
    time.sleep(0.1)
    with server.connect(("127.0.0.5", 0)) as s:
        assert read_all(s) == b""
    mine.pop().close()
    time.sleep(0.1)
    with server.connect(("127.0.0.5", 0)) as s:
        s.sendall(b"GET /health HTTP/1.1\r\nConnection: close\r\n" + H + b"\r\n")
        assert statuses(read_all(s)) == [200]
    for s in mine:
        s.close()


@test("per_ip_new_max=1000")
def announced_is_not_allocated(server):
    curl(server.http + "/health")
    before = server.rss_kib()
    text = (b"POST /echo HTTP/1.1\r\n" + H + b"Content-Length: 1000000\r\n\r\n"
            + b"x" * 10)
    mine = [server.connect() for _ in range(300)]
    for s in mine:
        s.sendall(text)
    curl(server.http + "/health")
    grown = server.rss_kib() - before
    assert grown < 300 * 40, grown
    for s in mine:
        s.close()


@test()
def half_closed_is_answered(server):
    with server.connect() as s:
        s.sendall(b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
        s.shutdown(socket.SHUT_WR)
        assert statuses(read_all(s)) == [200]


@test()
def upgrades_refused(server):
    def of(**other):
        return statuses(ask(server, request(**other)))[0]
    assert of(version="HTTP/1.0") == 400
    assert of(method="POST") == 405
    assert of(drop=("Connection",)) == 400
    assert of(Connection="keep-alive") == 400
    assert of(drop=("Sec-WebSocket-Version",)) == 426
    assert of(Sec_WebSocket_Version="8") == 426
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in ask(
        server, request(Sec_WebSocket_Version="8"))
    assert of(drop=("Sec-WebSocket-Key",)) == 400
    assert of(Sec_WebSocket_Key="short") == 400
    assert of(Sec_WebSocket_Key="A" * 24) == 400
    assert of(path="/elsewhere") == 404
    assert of(Content_Length="5") == 400


@test()
def origins(server):
    def of(host, origin):
        with server.connect() as s:
            s.sendall(request(Host=host, Origin=origin))
            return statuses(read_until(s, b"\r\n\r\n"))[0]
    assert of("mesh.example", "https://mesh.example") == 101
    assert of("mesh.example:443", "https://MESH.example") == 101
    assert of("127.0.0.1:7900", "http://127.0.0.1:7900") == 101
    assert of("mesh.example", "https://friend.example") == 101
    for bad in ("https://evil.example", "null", "mesh.example", "",
                "https://mesh.example.evil.example", "https://mesh.example:81",
                "file://mesh.example", "https://friend.example.evil"):
        assert of("mesh.example", bad) == 403, bad
