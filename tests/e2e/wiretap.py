"""wiretap.py - a proxy between daemons and a broker that keeps all that passes,
and finds a text in any spelling of it."""
import base64
import json
import os
import random
import socket
import string
import threading


class Tap:
    """Listens at `url`; the broker behind it must be told that URL."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(50)
        self.port = self.sock.getsockname()[1]
        self.url = "ws://127.0.0.1:%d/ws" % self.port
        self.to = None
        self.up, self.down = [], []	# a bytearray for each connection
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                a, _ = self.sock.accept()
            except OSError:
                return
            b = socket.socket()
            try:
                b.connect(("127.0.0.1", self.to.port))
            except OSError:
                a.close()
                continue
            for src, dst, kept in ((a, b, self.up), (b, a, self.down)):
                kept.append(bytearray())
                threading.Thread(target=self.pump, daemon=True,
                                 args=(src, dst, kept[-1])).start()

    @staticmethod
    def pump(src, dst, kept):
        try:
            while True:
                data = src.recv(65536)
                if not data:
                    break
                kept += data
                dst.sendall(data)
        except OSError:
            pass
        for s in (src, dst):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def said(self):
        """All bytes of both directions, the masked frames also in clear."""
        out = b""
        for data in self.up + self.down:
            data = bytes(data)
            out += data + b"\n" + b"\n".join(stream(data)) + b"\n"
        return out

    def pushes(self):
        """What the broker said, as JSON."""
        found = []
        for data in list(self.down):
            for text in stream(bytes(data)):
                try:
                    found.append(json.loads(text))
                except ValueError:
                    pass
        return found

    def events(self, since=0):
        """(event, name) of the system pushes after the first `since`."""
        return [(p["event"], p["eventData"].get("displayName"))
                for p in self.pushes() if p.get("subtype") == "system"][since:]


def stream(data):
    """The texts of one direction of a WebSocket connection."""
    at = data.find(b"\r\n\r\n")
    data = data[at + 4:] if at >= 0 else b""
    return list(frames(data))


def frames(data):
    """The text frames in some bytes, unmasked."""
    while len(data) >= 2:
        n, at = data[1] & 127, 2
        if n == 126:
            n, at = int.from_bytes(data[2:4], "big"), 4
        elif n == 127:
            n, at = int.from_bytes(data[2:10], "big"), 10
        mask = b"\0\0\0\0"
        if data[1] & 128:
            mask, at = data[at:at + 4], at + 4
        body = data[at:at + n]
        if data[0] & 15 == 1:
            yield bytes(c ^ mask[i & 3] for i, c in enumerate(body))
        data = data[at + n:]


def canary():
    """A text that is nowhere by chance."""
    letters = random.SystemRandom().choices(string.ascii_letters, k=30)
    return "canary" + "".join(letters)


def spellings(text):
    raw = text.encode() if isinstance(text, str) else text
    found = {"plain": raw, "reversed": raw[::-1], "hex": raw.hex().encode(),
             "HEX": raw.hex().upper().encode(),
             "hex with spaces": raw.hex(" ").encode(),
             "utf-16le": raw.decode("latin1").encode("utf-16le"),
             "utf-16be": raw.decode("latin1").encode("utf-16be"),
             "escaped": b"".join(b"\\u%04x" % c for c in raw)}
    for shift in range(3):
        for name, enc in (("base64", base64.b64encode),
                          ("base64url", base64.urlsafe_b64encode)):
            coded = enc(b"\0" * shift + raw)
            # without what depends on the neighbours
            found["%s at %d" % (name, shift)] = \
                coded[(0, 4, 4)[shift]:len(coded) // 4 * 4 - 4]
    return found


def find(text, data):
    """The name of a spelling of text that stands in data, or None."""
    for name, form in spellings(text).items():
        if form in data:
            return name
    return None


def files(folder):
    """(path, bytes) of every file below."""
    for d, _, names in os.walk(folder):
        for n in names:
            path = os.path.join(d, n)
            try:
                with open(path, "rb") as f:
                    yield path, f.read()
            except OSError:
                continue		# a socket


def process(pid):
    """What others can see of a process."""
    out = b""
    for name in ("cmdline", "environ", "comm"):
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            out += f.read()
    return out
