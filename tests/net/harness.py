"""What the net tests share: tests by decorator, servers as processes, raw
sockets, frames made by hand."""
import base64
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

BIN, PEER = sys.argv[1], sys.argv[2]
TESTS = []
# Freed memory goes back: some tests look at how much there is.
os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=1:" + os.environ.get(
    "ASAN_OPTIONS", "")


def test(*args):
    """A test is a function of a server started with args; None: no server."""
    def add(fn):
        TESTS.append((fn, args))
        return fn
    return add


class Process:
    """A program whose output lines are collected as they come."""

    def __init__(self, *cmd):
        self.p = subprocess.Popen(cmd, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        self.lines, self.errors = [], []
        for pipe, to in (self.p.stdout, self.lines), (self.p.stderr, self.errors):
            threading.Thread(target=self.collect, args=(pipe, to),
                             daemon=True).start()
        self.port = int(self.wait_line("port").split()[1])

    @staticmethod
    def collect(pipe, to):
        for line in pipe:
            to.append(line.rstrip("\n"))

    def wait_line(self, start, seconds=10, skip=0):
        end = time.time() + seconds
        while time.time() < end:
            found = [x for x in self.lines if x.startswith(start)]
            if len(found) > skip:
                return found[skip]
            time.sleep(0.01)
        raise AssertionError(f"no line {start!r} in {self.lines} {self.errors}")

    def rss_kib(self):
        with open(f"/proc/{self.p.pid}/status") as f:
            for line in f:
                if line.startswith("VmRSS"):
                    return int(line.split()[1])

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        code = self.p.wait(20)
        bad = [x for x in self.errors if "ERROR" in x or "runtime error" in x
               or "Assertion" in x]
        assert code == 0 and not bad, f"exit {code}: {self.errors[:40]}"


class Server(Process):
    def __init__(self, *args):
        super().__init__(f"{BIN}/echo_server", *args)

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def http(self):
        return f"http://127.0.0.1:{self.port}"

    def connect(self, source=None):
        s = socket.create_connection(("127.0.0.1", self.port), 10, source)
        s.settimeout(10)
        return s


def curl(*args):
    return subprocess.run(("curl", "-s", "-m", "20") + args, check=True,
                          capture_output=True).stdout.decode()


def read_all(s, seconds=10):
    """All bytes until the other end closes."""
    s.settimeout(seconds)
    out = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return out
            out += piece
    except ConnectionResetError:
        return out


def read_until(s, mark):
    out = b""
    while mark not in out:
        piece = s.recv(1)
        assert piece, f"closed after {out!r}"
        out += piece
    return out


def ask(server, text, seconds=10):
    """One connection, these bytes; everything that comes back."""
    with server.connect() as s:
        s.sendall(text)
        return read_all(s, seconds)


def request(method="GET", path="/ws", version="HTTP/1.1", drop=(), **other):
    lines = {"Host": "h", "Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}
    for k, v in other.items():
        lines[k.replace("_", "-")] = v
    text = "".join(f"{k}: {v}\r\n" for k, v in lines.items() if k not in drop)
    return f"{method} {path} {version}\r\n{text}\r\n".encode()


def frame(op, data=b"", fin=True, masked=True, length=None):
    """One frame; length: what it claims."""
    n = len(data) if length is None else length
    out = bytes([(0x80 if fin else 0) | op])
    bit = 0x80 if masked else 0
    if n < 126:
        out += bytes([bit | n])
    elif n < 65536:
        out += bytes([bit | 126]) + struct.pack(">H", n)
    else:
        out += bytes([bit | 127]) + struct.pack(">Q", n)
    if masked:
        mask = os.urandom(4)
        long = mask * (len(data) // 4 + 1)
        x = int.from_bytes(data, "big") ^ int.from_bytes(long[:len(data)], "big")
        return out + mask + x.to_bytes(len(data), "big")
    return out + data


class Raw:
    """A WebSocket of which every byte is ours."""

    def __init__(self, server, glued=b"", source=None, **other):
        self.s = server.connect(source)
        self.s.sendall(request(**other) + glued)
        self.head = read_until(self.s, b"\r\n\r\n")
        assert b" 101 " in self.head, self.head

    def exactly(self, n):
        out = b""
        while len(out) < n:
            piece = self.s.recv(n - len(out))
            if not piece:
                raise EOFError(out)
            out += piece
        return out

    def recv(self):
        """(opcode, payload) of the next frame."""
        a, b = self.exactly(2)
        assert a & 0x80 and not b & 0x80, (a, b)
        n = b
        if b == 126:
            n = struct.unpack(">H", self.exactly(2))[0]
        elif b == 127:
            n = struct.unpack(">Q", self.exactly(8))[0]
        return a & 0x0f, self.exactly(n)

    def recv_close(self):
        """The code of the close frame, after which they close."""
        op, data = self.recv()
        while op != 8:
            op, data = self.recv()
        self.s.settimeout(7)
        try:
            rest = self.s.recv(100)
        except ConnectionResetError:
            rest = b""
        assert rest == b"", rest
        return struct.unpack(">H", data[:2])[0] if data else 1005

    def send(self, *frames):
        self.s.sendall(b"".join(frames))


def run_all(only):
    passed = failed = 0
    for fn, args in TESTS:
        if only and not any(x in fn.__name__ for x in only):
            continue
        server = None
        began = time.time()
        try:
            if args == (None,):
                fn()
            else:
                server = Server(*args)
                fn(server)
                server.stop()
            passed += 1
            print(f"ok    {fn.__name__} {time.time() - began:.1f} s")
        except Exception:
            failed += 1
            print(f"FAIL  {fn.__name__}")
            traceback.print_exc(file=sys.stdout)
            if server is not None:
                server.p.kill()
                time.sleep(0.1)
                print("\n".join(server.errors[:60]))
        sys.stdout.flush()
    print(f"{passed} passed, {failed} failed")
    return failed == 0
