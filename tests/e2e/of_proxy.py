"""HTTPS_PROXY and HTTP_PROXY: the daemon's way out, where a proxy is the only one.
The broker's name is one that only the proxy knows."""
import base64
import socket
import threading

from mesh import check, equal, until
from of_tls import broker, talk
from certs import Certs

HOST = "broker.test"


class Connect:
    """A proxy for CONNECT to HOST, which is 127.0.0.1; with a password."""

    def __init__(self, user="user:p@ss"):
        self.want = "Proxy-Authorization: Basic " + base64.b64encode(
            user.encode()).decode()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked, self.say = [], b"HTTP/1.1 200 Connected\r\nX: y\r\n\r\n"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            s = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = s.recv(4096)
            if not piece:
                return
            head += piece
        lines = head.decode().split("\r\n")
        self.asked.append(lines[0])
        method, to, _ = lines[0].split()
        host, port = to.rsplit(":", 1)
        if method != "CONNECT" or host != HOST:
            s.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        elif self.want not in lines:
            s.sendall(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\r\n")
        elif not self.say.startswith(b"HTTP/1.1 200 C"):
            s.sendall(self.say)
        else:
            there = socket.create_connection(("127.0.0.1", int(port)))
            for b in self.say:
                s.sendall(bytes([b]))
            threading.Thread(target=self.pump, args=(there, s),
                             daemon=True).start()
            self.pump(s, there)
            return
        s.close()

    @staticmethod
    def pump(a, b):
        try:
            while piece := a.recv(65536):
                b.sendall(piece)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def home(w, name, proxy, user="user:p%40ss@", **more):
    h = w.home(name, start=False)
    url = "http://%s127.0.0.1:%d" % (user, proxy.port)
    h.extra = {"HTTPS_PROXY": url, "HTTP_PROXY": url, "https_proxy": None,
               "http_proxy": None, "no_proxy": None, "NO_PROXY": None, **more}
    return h.start()


def test_the_only_way(w):
    c = Certs()
    c.make("test", "test", "DNS:" + HOST, issuer="ca")
    b = broker(w, c.path("test.pem"), c.key("test"))
    proxy = Connect()
    url = "wss://%s:%d" % (HOST, b.port)
    anna = home(w, "anna", proxy)
    anna.cli("mesh", "create", "team", "--broker", url, "--ca", c.ca, "--name",
             "anna")
    ben = home(w, "ben", proxy)
    ben.cli("join", anna.invite(), "--ca", c.ca, "--name", "ben", "-y")
    talk(anna, ben, "by proxy")
    equal(set(proxy.asked), {"CONNECT %s:%d HTTP/1.1" % (HOST, b.port)},
          "asked of the proxy")
    # what the user is told when it does not work, and never the password
    def refused(h, text, *more):
        r = h.cli("mesh", "create", "x", "--broker", url, "--ca", c.ca,
                  *more, code=6)
        check(text in r.err, r)
    eve = home(w, "eve", proxy, user="eve:secret4711@")
    refused(eve, "HTTP status 407, it wants a user name")
    spared = home(w, "spared", proxy, NO_PROXY="a.example,.test")
    refused(spared, "does not resolve")
    proxy.say = b"HTTP/1.1 502 No\r\n\r\n"
    refused(anna, "through the proxy 127.0.0.1:%d: HTTP status 502" %
            proxy.port)
    proxy.say = b"220 ready\r\n\r\n"
    refused(anna, "does not answer as a proxy")
    proxy.say = b"HTTP/1.1 200 Yes\r\n\r\nHTTP/1.1 101 and more"
    refused(anna, "says more than it was asked")
    proxy.listener.close()
    odd = w.home("odd", start=False)
    odd.extra = {"HTTPS_PROXY": "socks5://u:secret4711@h"}
    odd.start()
    refused(odd, "HTTPS_PROXY names no proxy")
    for path in w.logs():
        with open(path, errors="replace") as f:
            text = f.read()
        check("secret4711" not in text and "p%40ss" not in text and
              base64.b64encode(b"user:p@ss").decode() not in text, path)


def test_plain_by_proxy(w):
    """ws:// beyond loopback goes by HTTP_PROXY, and the user is warned."""
    b = w.broker("broker", "--url", "ws://%s:7900/ws" % HOST, start=False)
    b.start()
    b.stop()
    b.args = ["--url", "ws://%s:%d/ws" % (HOST, b.port)]
    b.start()
    proxy = Connect()
    anna = home(w, "anna", proxy)
    r = anna.cli("mesh", "create", "team", "--broker",
                 "ws://%s:%d" % (HOST, b.port), "--name", "anna")
    check("has no TLS" in r.out + r.err, r)
    until(lambda: anna.json("mesh", "list")["meshes"][0]["state"] == "up", 20,
          "up")
