"""TLS, both ends: curl, openssl, Python and Node.js against our server, our
client against theirs, certificates good and bad."""
import os
import signal
import socket
import ssl
import subprocess
import threading

from certs import certs, openssl, pin_of
from harness import (BIN, PEER, Raw, Server, curl, frame, read_all, request,
                     test)


class TlsServer(Server):
    def __init__(self, name="good", *args):
        c = certs()
        getattr(c, name, None)
        super().__init__(f"cert={c.path(name + '.pem')}",
                         f"key={c.key(name)}", *args)

    url = property(lambda self: f"wss://127.0.0.1:{self.port}/ws")
    http = property(lambda self: f"https://127.0.0.1:{self.port}")

    def context(self):
        x = ssl.create_default_context(cafile=certs().ca)
        x.set_alpn_protocols(["http/1.1"])
        return x

    def plain(self):
        return super().connect()

    def connect(self, source=None):
        s = self.context().wrap_socket(super().connect(source),
                                       server_hostname="127.0.0.1")
        s.settimeout(10)
        return s


def tls_test(*args):
    """A test of a server with the good certificate."""
    def add(fn):
        def run():
            server = TlsServer("good", *args)
            try:
                fn(server)
            except BaseException:
                server.p.kill()
                print("\n".join(server.lines[-20:] + server.errors[:60]))
                raise
            server.stop()
        run.__name__ = fn.__name__
        return test(None)(run)
    return add


def client(url, *steps, ca=None, pin=None, protocol=""):
    env = dict(os.environ, **{k: v for k, v in (("CA", ca), ("PIN", pin))
                              if v is not None})
    out = subprocess.run((f"{BIN}/ws_client", url, protocol, "2000000") + steps,
                         timeout=60, capture_output=True, text=True, env=env)
    assert out.returncode == 0, out.stderr
    return out.stdout.splitlines()


@tls_test()
def tls_curl_and_openssl(server):
    ca = "--cacert", certs().ca
    assert curl(*ca, server.http + "/health") == '{"ok":true}\n'
    assert curl(*ca, "--tls-max", "1.2", server.http + "/health")
    body = "x" * 900_000
    out = subprocess.run(("curl", "-s", "-m", "20") + ca + (
        "--data-binary", "@-", server.http + "/echo"), input=body,
        capture_output=True, text=True).stdout
    assert out == body
    two = curl(*ca, "-v", server.http + "/health", server.http + "/health",
               "--stderr", "-")
    assert two.count('{"ok":true}') == 2 and "accepted http/1.1" in two, two
    # refused: too old, HTTP/2 only, and another handshake within a connection
    for args, want in (
            (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "alert"),
            (("-alpn", "h2"), "no application protocol"),):
        r = subprocess.run(("openssl", "s_client", "-connect",
                            f"127.0.0.1:{server.port}") + args, input="",
                           capture_output=True, text=True)
        assert r.returncode != 0 and want in r.stderr, (args, r.stderr)
    r = subprocess.run(("openssl", "s_client", "-tls1_2", "-connect",
                        f"127.0.0.1:{server.port}"), input="R\n",
                       capture_output=True, text=True)
    assert "no renegotiation" in r.stderr, r.stderr


@tls_test()
def tls_plain_request(server):
    """Who says http:// to an https port is told so."""
    out = subprocess.run(("curl", "-s", "-m", "10", "-w", "%{http_code}",
                          f"http://127.0.0.1:{server.port}/"),
                         capture_output=True, text=True).stdout
    assert out == ("this port speaks TLS: say https:// or wss:// to it\n"
                   "400"), out
    with server.plain() as s:
        s.sendall(b"\x00\x01garbage" * 100)
        read_all(s)


@tls_test()
def tls_node_ws(server):
    env = dict(os.environ, NODE_EXTRA_CA_CERTS=certs().ca)

    def node(what):
        return subprocess.run(("node", PEER, what, server.url), timeout=60,
                              capture_output=True, text=True,
                              env=env).stdout.splitlines()
    assert node("client") == [
        "protocol echo.1", 'extensions ""', "echoed 20000", "big true",
        "pong now", "fragments fragment", "closed 4321 ", "binary 1003"]
    assert node("told") == ["closed 4321 enough"]


@tls_test()
def tls_python_half_close(server):
    """close_notify is said and awaited; what was asked before it is answered."""
    raw, to, fro = server.plain(), ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.context().wrap_bio(fro, to, server_hostname="127.0.0.1")

    def until(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                raw.sendall(to.read())
                piece = raw.recv(65536)
                fro.write(piece) if piece else fro.write_eof()
    until(tls.do_handshake)
    tls.write(request(path="/health", drop=("Upgrade", "Connection")))
    try:
        tls.unwrap()  # our close_notify: nothing more will be asked
    except ssl.SSLWantReadError:
        pass
    assert until(lambda: tls.read(4096)).startswith(b"HTTP/1.1 200 OK")
    try:
        until(lambda: tls.read(4096))
        raise AssertionError("more")
    except ssl.SSLZeroReturnError:
        pass  # their close_notify
    assert raw.recv(10) == b""
    ws = Raw(server)
    ws.send(frame(1, b"!close 4321 enough"))
    assert ws.recv() == (8, (4321).to_bytes(2, "big") + b"enough")
    ws.send(frame(8, (4321).to_bytes(2, "big")))
    assert ws.s.recv(10) == b"" and ws.s.version() == "TLSv1.3"
    ws.s.unwrap()
    # the connection is cut without a word: the server notices
    ws = Raw(server)
    socket.socket.close(ws.s)
    server.wait_line("closed 1006")


@tls_test("header_ms=700", "per_ip_new_max=8")
def tls_handshake_limits(server):
    """A handshake is part of a request's head: deadline and caps hold."""
    slow = [server.plain() for _ in range(8)]
    slow[0].sendall(b"\x16\x03\x01")
    late = server.plain()
    assert read_all(late) == b""  # the ninth of one address
    for s in slow:
        assert read_all(s) == b""
    assert curl("--cacert", certs().ca, server.http + "/health")


@tls_test("out_max=1048576", "frame_max=100000")
def tls_slow_reader_and_limits(server):
    ws = Raw(server)
    ws.send(frame(1, b"!flood"))
    got = int(server.wait_line("flooded").split()[1])
    assert 8 <= got <= 16, got  # 1 MiB is queued, and no more
    for _ in range(got):
        assert len(ws.recv()[1]) == 65536
    ws.send(frame(1, b"x" * 100_001))
    assert ws.recv_close() == 1009


@tls_test("conns_max=3000", "per_ip_new_max=3000", "idle_ms=60000")
def tls_idle_memory(server):
    first = [server.connect() for _ in range(20)]
    before = server.rss_kib()
    more = [server.connect() for _ in range(300)]
    each = (server.rss_kib() - before) / len(more)
    print(f"      {each:.1f} KiB for each idle connection")
    assert each < 80, each  # the sanitizer's padding included
    for s in first + more:
        s.close()


@test(None)
def tls_client_believes():
    c = certs()
    server = TlsServer("good")
    try:
        assert client(server.url, "echo:20000", "big:900000",
                      "say:!close 4001 bye", ca=c.ca, protocol="echo.1") == [
            "open", "echoed 20000", "big 900000 same", "close 4001 bye"]
        named = server.url.replace("127.0.0.1", "localhost")
        assert client(named, "say:a", "free", ca=c.ca) == [
            "open", "said a", "freed"]
        assert client(server.url, "say:a", pin=pin_of(c.good)) == [
            "open", "said a", "close 1000 done"]
        # nobody told us of the CA, or of another
        assert client(server.url) == [
            "close 0 its certificate was issued by Test CA, who is unknown "
            "here; --ca FILE names an issuer"]
        assert "unknown here" in client(server.url, ca=c.other_ca)[0]
        # the very certificate may stand in for its issuer
        assert client(server.url, "free", ca=c.good) == ["open", "freed"]
        assert client(server.url, ca=c.key("good")) == [
            "close 0 there is no certificate (PEM) in what --ca named"]
        # system's store, by its own variable
        os.environ["SSL_CERT_FILE"] = c.ca
        assert client(server.url, "free") == ["open", "freed"]
    finally:
        os.environ.pop("SSL_CERT_FILE", None)
        server.stop()


def served_by_python(name, talk=None):
    """A Python TLS server with certificate NAME; its port."""
    c = certs()
    getattr(c, name, None)
    x = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    x.set_ciphers("ALL:@SECLEVEL=0")
    x.load_cert_chain(c.path(name + ".pem"), c.key(name))
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                s = listener.accept()[0]
            except OSError:
                return
            try:
                with x.wrap_socket(s, server_side=True) as t:
                    if talk:
                        talk(t)
            except OSError:
                pass
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


@test(None)
def tls_client_refuses():
    c = certs()
    for name, want in (
            ("expired", "its certificate expired on 20"),
            ("wrong_host", "its certificate is for other.example, not for "
                           "127.0.0.1"),
            ("unknown", "its certificate was issued by Other CA, who is "
                        "unknown here"),
            ("weak", "its certificate is too weak"),
            ("own", "its certificate is self-signed and unknown here; if "
                    "this is its pin, say --pin " + pin_of(c.own))):
        getattr(c, name)
        file = {"wrong_host": "wrong"}.get(name, name)
        port = served_by_python(file)
        got = client(f"wss://127.0.0.1:{port}/ws", ca=c.ca)
        assert got[0].startswith("close 0 " + want), (name, got)
        if name == "own":
            url = f"wss://127.0.0.1:{port}/ws"
            got = client(url, pin=pin_of(c.good))
            assert got[0].startswith("close 0 its key is not the pinned one")
            assert pin_of(c.own) in got[0]
    # a pin does not make an expired one good
    port = served_by_python("expired")
    got = client(f"wss://127.0.0.1:{port}/ws", pin=pin_of(c.expired))
    assert got[0].startswith("close 0 its certificate expired on "), got


@test(None)
def tls_client_and_no_tls():
    plain = Server()
    try:
        got = client(f"wss://127.0.0.1:{plain.port}/ws")
        assert got == ["close 0 the other end does not speak TLS"], got
    finally:
        plain.stop()
    with socket.create_server(("127.0.0.1", 0)) as s:
        threading.Thread(target=lambda: s.accept()[0].close(),
                         daemon=True).start()
        got = client(f"wss://127.0.0.1:{s.getsockname()[1]}/ws")
        assert "TLS" in got[0] or "lost" in got[0], got
    # an answer cut off in the middle is no orderly end
    port = served_by_python("good", lambda t: (
        t.recv(10), socket.socket.close(t)))
    got = client(f"wss://127.0.0.1:{port}/ws", ca=certs().ca)
    assert got == ["close 0 connection lost"], got


@test(None)
def tls_certificates_of_a_server():
    c = certs()

    def refused(cert, key):
        s = Server(f"cert={cert}", f"key={key}")
        line = s.wait_line("refused")
        with s.connect() as t:
            assert read_all(t) == b""
        s.stop()
        return line
    loose = c.make("loose", "x")
    os.chmod(c.key("loose"), 0o644)
    locked = c.path("locked.key")
    openssl("pkey", "-in", c.key("good"), "-aes256", "-passout", "pass:x",
            "-out", locked)
    os.chmod(locked, 0o600)
    for cert, key, want in (
            (c.good, c.key("own") if c.own else "", "is not the key of"),
            (c.good, c.path("none"), "cannot be read: No such file"),
            (c.key("good"), c.key("good"), "holds no certificate in PEM"),
            (c.good, c.ca, "holds a key and has mode 0644"),
            (loose, c.key("loose"), "mode 0644: others may read"),
            (c.expired, c.key("expired"), "expired on 20"),
            (c.weak, c.key("weak"), "is too weak"),
            (c.good, locked, "locked with a passphrase"),
            (c.good, c.dir, "is no file of a certificate")):
        assert want in refused(cert, key), (cert, key, want)


@test(None)
def tls_reloaded_while_connected():
    c = certs()
    c.make("turn", "turn", "IP:127.0.0.1", issuer="ca")
    server = TlsServer("turn")
    first = pin_of(c.path("turn.pem"))
    assert server.wait_line("loaded").split()[1] == first
    old = Raw(server)
    c.make("turn", "turn", "IP:127.0.0.1", issuer="ca")
    server.p.send_signal(signal.SIGHUP)
    assert server.wait_line("loaded", skip=1).split()[1] == pin_of(
        c.path("turn.pem")) != first
    assert client(server.url, "free", pin=first)[0].startswith(
        "close 0 its key is not the pinned one")
    assert client(server.url, "free", pin=pin_of(c.path("turn.pem"))) == [
        "open", "freed"]
    with open(c.path("turn.pem"), "w") as f:
        f.write("half of a")
    server.p.send_signal(signal.SIGHUP)
    assert "holds no certificate" in server.wait_line("refused")
    assert client(server.url, "free", ca=c.ca) == ["open", "freed"]
    old.send(frame(1, b"still here"))
    assert old.recv() == (1, b"still here")
    server.stop()
