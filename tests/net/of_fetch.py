"""The outbound client: answers good and bad, redirects, limits, and where it may
go. Our own servers and Python's, byte by byte."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

from certs import certs, pin_of
from harness import BIN, Server, test
from of_tls import TlsServer

PROGRAM = os.environ.get("CLAUDEMESH_BIN") or f"{BIN}/claudemesh"


def fetch(url, *args, code=0, private=True, input=None):
    if private:
        args += ("--allow-private",)
    p = subprocess.run((PROGRAM, "fetch", url) + args, timeout=60,
                       capture_output=True, input=input)
    assert p.returncode == code, (url, args, p)
    return p.stdout.decode(errors="replace") if code in (0, 1) else \
        p.stderr.decode()


class Scripted:
    """Answers each connection with the next of the bytes given, or what a
    function of the request says."""

    def __init__(self, *answers, host="127.0.0.1", slowly=False):
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.asked, self.slowly = [], slowly
        threading.Thread(target=self.serve, args=(list(answers),),
                         daemon=True).start()

    def serve(self, answers):
        for answer in answers:
            s = self.listener.accept()[0]
            with s:
                got = b""
                while b"\r\n\r\n" not in got:
                    piece = s.recv(65536)
                    if not piece:
                        break
                    got += piece
                self.asked.append(got)
                if self.slowly:
                    for b in answer:
                        s.sendall(bytes([b]))
                else:
                    s.sendall(answer)
                s.shutdown(socket.SHUT_WR)
                try:
                    s.recv(65536)
                except OSError:
                    pass

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"


def http(status, body=b"", *headers, length=True):
    lines = [f"HTTP/1.1 {status} X"] + list(headers)
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def to(url, status=302):
    return http(status, b"", "Location: " + url)


@test()
def fetch_plain(server):
    u = server.http
    assert fetch(u + "/health") == '{"ok":true}\n'
    assert fetch(u + "/echo", "--data", "hällo") == "hällo"
    assert fetch(u + "/echo", "--data", "-", input=b"x" * 300_000) == \
        "x" * 300_000
    assert fetch(u + "/health#part") == '{"ok":true}\n'
    assert fetch(u + "/nothing", code=1) == "not found\n"
    doc = json.loads(fetch(u + "/echo", "--json", "--method", "PUT", "--data",
                           "b"))
    assert doc["status"] == 200 and doc["body"] == "b", doc
    assert ["x-kind", "echo"] in doc["headers"], doc
    # this is a private address, and so is every way to write it
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1",
                 "[::1]", "[::ffff:127.0.0.1]", "0"):
        err = fetch(f"http://{host}:{server.port}/health", private=False,
                    code=4)
        assert "not one of the open internet" in err, err
    for bad in ("ftp://h/", "http://u@h/", "http://h:0/", "http://h/ x", "x",
                "ws://h/", "http://" + "h" * 5000):
        fetch(bad, code=2)
    for bad in ("Host: x", "no colon", "A: b\r\nC: d", "Content-Length: 3"):
        fetch(u + "/health", "--header", bad, code=2)


@test(None)
def fetch_answers():
    for answer, want in (
            (http(200, b"hello"), "hello"),
            (http(200, b"to the end", length=False), "to the end"),
            (b"HTTP/1.0 200 OK\r\n\r\nold", "old"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n", "abcde"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nA: b\r\n\r\n" +
             http(200, b"late"), "late"),
            (http(204), "")):
        for slowly in (False, True):
            assert fetch(Scripted(answer, slowly=slowly).url) == want, answer
    assert fetch(Scripted(http(200, length=False)[:-4] +
                          b"\r\nContent-Length: 9\r\n\r\n").url,
                 "--method", "HEAD") == ""
    for answer, code, want in (
            (b"SSH-2.0-x\r\n", 6, "no well-formed"),
            (b"", 6, "cut off"),
            (http(200, b"hello")[:-1], 6, "cut off"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: "
             b"chunked\r\n\r\n0\r\n\r\n", 6, "no well-formed"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 6,
             "no well-formed"),
            (b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 6,
             "changes protocols"),
            (b"HTTP/1.1 100 C\r\n\r\n" * 20, 6, "comes to the point"),
            (http(200, b"", "A: " + "a" * 40_000), 2, "head is too large"),
            (http(200, b"", *["A: b"] * 300), 2, "too many headers"),
            (http(200, b"x" * 2_000_000), 2, "body is too large")):
        err = fetch(Scripted(answer).url, code=code)
        assert want in err, (answer[:60], err)
    assert "too large" in fetch(Scripted(http(200, b"12345")).url,
                                "--max-bytes", "4", code=2)
    assert fetch(Scripted(http(200, b"12345")).url, "--max-bytes",
                 "5") == "12345"
    s = socket.create_server(("127.0.0.1", 0))  # accepts, says nothing
    assert "in time" in fetch(f"http://127.0.0.1:{s.getsockname()[1]}/",
                              "--timeout", "1s", code=7)
    port = s.getsockname()[1]
    s.close()
    assert "refused" in fetch(f"http://127.0.0.1:{port}/", code=6)
    assert "does not resolve" in fetch("http://no.such.invalid/", code=6)


@test(None)
def fetch_redirects():
    end = http(200, b"there")
    for where in ("/b", "b", "?q", "//127.0.0.1:%d/x", "http://127.0.0.1:%d/"):
        if "%d" in where:
            s = Scripted(to(where % Scripted(end).port))
        else:
            s = Scripted(to(where), end)
        assert fetch(s.url + "a/c") == "there", where
        want = {"/b": b"/b", "b": b"/a/b", "?q": b"/a/c?q"}.get(where)
        assert not want or s.asked[1].split()[1] == want, s.asked
    s = Scripted(to("/2", 303), end)
    assert fetch(s.url, "--data", "secret", "--header", "X-Key: k") == "there"
    assert s.asked[1].startswith(b"GET /2 ") and b"secret" not in s.asked[1]
    assert b"X-Key: k" in s.asked[1]  # the same host still
    s = Scripted(to("/2", 308), http(200))
    fetch(s.url, "--data", "again")
    assert s.asked[1].startswith(b"POST /2 ")
    other = Scripted(end)
    s = Scripted(to(other.url))
    assert fetch(s.url, "--header", "Authorization: k") == "there"
    assert b"uthorization" in s.asked[0] and b"uthorization" not in \
        other.asked[0]
    s = Scripted(*[to("/again")] * 6)
    assert "too often" in fetch(s.url, code=4)
    assert fetch(Scripted(to("/x")).url, "--redirects", "0") == ""
    for where in ("ftp://h/", "javascript:x", "http://u@h/", "http:///",
                  "file:///etc/passwd"):
        fetch(Scripted(to(where)).url, code=2)


@test(None)
def fetch_tls():
    c = certs()
    server = TlsServer("good")
    try:
        u = server.http + "/health"
        assert fetch(u, "--ca", c.ca) == '{"ok":true}\n'
        assert fetch(u, "--pin", pin_of(c.good)) == '{"ok":true}\n'
        assert "unknown here" in fetch(u, code=4)
        assert "not the pinned" in fetch(u, "--pin", "0" * 64, code=4)
    finally:
        server.stop()


# Inside a network of its own, with an address of the open internet on it and
# names that mean both kinds of address.
INSIDE = """
import subprocess, sys
sys.argv = ["x", sys.argv[1], "", *sys.argv[2:]]
sys.path.insert(0, {here!r})
for cmd in ("ip link set lo up", "ip addr add 93.184.216.34/32 dev lo",
            "mount --bind {hosts} /etc/hosts"):
    subprocess.run(cmd.split(), check=True)
from of_fetch import Scripted, fetch, http, to
end = http(200, b"there")
inner = Scripted(end, end, end)
def public(*answers):
    s = Scripted(*answers, host="93.184.216.34")
    return "http://93.184.216.34:%d/" % s.port, s
u, s = public(end)
assert fetch(u, private=False) == "there"
u, s = public(to(inner.url))
assert "open internet" in fetch(u, private=False, code=4)
u, s = public(to("http://inner.example:%d/" % inner.port))
assert "open internet" in fetch(u, private=False, code=4)
# of a name's addresses only those are dialled that may be
u, s = public(end)
assert fetch("http://both.example:%d/" % s.port, private=False) == "there"
assert "refused" in fetch("http://both.example:%d/" % inner.port,
                          private=False, code=6)
assert not inner.asked, inner.asked
print("kept out")
"""


@test(None)
def fetch_stays_outside():
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts:
        hosts.write("127.0.0.1 localhost inner.example both.example\n"
                    "93.184.216.34 both.example\n")
        hosts.flush()
        os.chmod(hosts.name, 0o644)
        inside = INSIDE.format(here=here, hosts=hosts.name)
        for flags in ("-nm", "-rnm"):
            may = subprocess.run(("unshare", flags, "true"),
                                 capture_output=True).returncode == 0
            if may:
                break
        if not may:
            print("note: no namespaces here; only loopback was tried")
            return
        p = subprocess.run(("unshare", flags, sys.executable, "-c", inside,
                            BIN), capture_output=True, text=True, timeout=60,
                           env=dict(os.environ, CLAUDEMESH_BIN=PROGRAM))
        assert "kept out" in p.stdout, p.stdout + p.stderr
