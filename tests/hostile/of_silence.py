"""Silence: brokers that take a connection, or a request, and never answer. What
waits for them is begun in stage(), so that they are waited for together."""
import socket
import threading
import time

from kit import UP, Stage, check, equal, mitm, until

SLOW = 1


class Mute:
    """A port that answers nothing, or a byte now and then."""

    def __init__(self, drip=None):
        self.drip, self.open = drip, True
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(16)
        self.url = "ws://127.0.0.1:%d/ws" % self.sock.getsockname()[1]
        self.conns = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while self.open:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            self.conns.append(c)
            if self.drip:
                threading.Thread(target=self.drop, args=(c,),
                                 daemon=True).start()

    def drop(self, c):
        try:
            for b in self.drip:
                c.sendall(bytes([b]))
                time.sleep(0.5)
        except OSError:
            pass

    def close(self):
        self.open = False
        for c in self.conns:
            c.close()
        self.sock.close()


class Waiting:
    """A command that takes its time, and how long it took."""

    def __init__(self, home, *args):
        self.home, self.began = home, time.monotonic()
        self.proc = home.popen(*args)
        self.thread = threading.Thread(target=self.wait, daemon=True)
        self.thread.start()

    def wait(self):
        self.out, self.err = self.proc.communicate()
        self.took = time.monotonic() - self.began

    def end(self, seconds=40):
        self.thread.join(seconds)
        check(not self.thread.is_alive(), "it does not end")
        return self


def begin(s, name, *args):
    return Waiting(s.w.home(name), *args)


def stage(world):
    s = Stage(world, ("alice", "bob", "carol"))
    s.mute, s.drip = Mute(), Mute(b"HTTP/1.1 101 Switching Protocols\r\n" * 9)
    s.dumb = mitm.Proxy()
    s.dumb.dumb = True
    s.deaf = mitm.Proxy(s.broker.url)
    s.deaf.rules.append(lambda c, way, f: [] if way == UP else None)
    create = ("mesh", "create", "x", "--broker")
    s.waiting = {
        "mute": begin(s, "mu", *create, s.mute.url),
        "drip": begin(s, "dr", *create, s.drip.url),
        "dumb": begin(s, "du", *create, s.dumb.url),
        "deaf": begin(s, "de", *create, s.deaf.url),
    }
    # Carol's broker falls silent altogether: her daemon's connection stays
    s.quiet = lambda c, way, f: [] if c.who == "carol" and way == UP else None
    s.proxy.rules.append(s.quiet)
    s.carol_send = Waiting(s.carol, "send", "bob", "carol was here", "--mesh",
                           "team")
    s.carol_peers = Waiting(s.carol, "peers", "--mesh", "team")
    close = s.close

    def end():
        s.mute.close()
        s.drip.close()
        s.dumb.close()
        s.deaf.close()
        close()
    s.close = end
    # lies are ended by taking this rule away, and not by the first of them
    s.repent = lambda: None
    return s


def ends(s, name, within, code):
    """What became of it."""
    w = s.waiting[name].end()
    equal(w.proc.returncode, code, "status: " + w.err)
    check(w.took < within + 4, "it took", w.took)
    equal(w.home.json("mesh", "list")["meshes"], [], "meshes")
    line = [x for x in w.err.splitlines() if x.startswith("claudemesh: ")][0]
    url = {"mute": s.mute, "drip": s.drip, "dumb": s.dumb,
           "deaf": s.deaf}[name].url
    return "create, after %d s: " % within + \
        line.split(": ", 1)[1].replace(url, "URL"), code


def lie_send_unanswered(s):
    """a broker that answers nothing any more: send"""
    w = s.carol_send.end()
    equal(w.proc.returncode, 0, "status of send")
    check(w.out.startswith("bob: queued"), w.out, w.err)
    check(w.took < 6, "it took", w.took)
    r = s.cli("carol", "send", "bob", "and again", "--wait", "stored",
              "--timeout", "1s")
    equal(r.code, 7, "status of send --wait stored")
    check(s.cli("carol", "message", "list", "--pending").out.count("queued")
          >= 2, "message list --pending")
    return "send, after 2 s: queued", "0; with --wait stored: 7"


def lie_peers_unanswered(s):
    """a broker that answers nothing any more: peers"""
    w = s.carol_peers.end()
    check(w.proc.returncode in (6, 7), w.proc.returncode, w.err)
    check(w.took < 14, "it took", w.took)
    return "peers, after 10 s: " + w.err.splitlines()[0].split(": ", 1)[1], \
        w.proc.returncode


def lie_status_while_silent(s):
    """a broker that answers nothing: what status says of it"""
    def down():
        state, reason = s.state("carol")
        return state != "up" and reason
    until(down, 25, "the link given up")
    r = s.carol.cli("status", code=1)
    line = [x for x in r.out.splitlines() if "mesh team" in x][0]
    check("BAD" in line, r)
    return "status: mesh team is not up", r.code


def lie_no_challenge(s):
    """a broker that takes the WebSocket and says no challenge"""
    return ends(s, "dumb", 10, 6)


def lie_no_reply(s):
    """a broker that says its challenge and answers no request"""
    return ends(s, "deaf", 10, 7)


def lie_no_handshake(s):
    """a port that takes the connection and says nothing"""
    return ends(s, "mute", 15, 6)


def lie_drip(s):
    """a port that says a byte every half second"""
    return ends(s, "drip", 15, 6)


def lie_silence_over(s):
    """the silence is over"""
    s.proxy.rules.remove(s.quiet)
    s.cli("carol", "peers")	# the user asks: it tries at once
    s.carol.up()
    for text in ("carol was here", "and again"):
        rows = until(lambda: [m for m in s.inbox("bob") if m["text"] == text],
                     15, text)
        equal(len(rows), 1, "rows")
    return "what was queued arrives, once, in order", 0
