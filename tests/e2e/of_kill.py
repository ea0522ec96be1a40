"""The broker is killed under load, again and again: nothing that was accepted
is lost, nothing comes twice, each sender's order holds."""
import os
import random
import shutil
import threading
import time

import mesh
from load import Sender, judge, slow
from mesh import check, equal, until

TIMES = (5, 20)


class Clerk(threading.Thread):
    """Sends by the command line."""

    def __init__(self, home, to):
        super().__init__(daemon=True)
        self.home, self.to, self.n, self.sent = home, to, 0, []
        self.halt, self.wrong = False, None

    def run(self):
        while not self.halt:
            self.n += 1
            text = "cli %s %d" % (self.home.name, self.n)
            r = self.home.cli("send", self.to, text, "--timeout", "1s",
                              code=None)
            if r.code != 0:
                self.wrong = r
                return
            self.sent.append(text)
            time.sleep(0.05)

    def done(self):
        self.halt = True
        self.join(60)
        check(self.wrong is None, "the command line failed:", self.wrong)
        return self.sent


@slow(30)
def test_under_load(w):
    b, a, c, d = w.mesh("anna", "carl", "dora")
    a.cli("mesh", "settings", "--send-rate", "20000", "--send-burst", "20000")
    work = [c.json("session", "open", "w%d" % i) for i in range(2)]
    senders = [Sender(a, ["dora"], "a", pause=0.004),
               Sender(c, ["dora"], "c", pause=0.004),
               Sender(c, ["dora"], "w0", work[0]["session"], pause=0.01),
               Sender(c, ["dora"], "w1", work[1]["session"], pause=0.01)]
    back = Sender(d, ["anna"], "back", pause=0.01)
    clerk = Clerk(a, "dora")
    for t in senders + [back, clerk]:
        t.start()
    rnd = random.Random(4)
    for _ in range(TIMES[mesh.FULL]):
        time.sleep(rnd.uniform(0.1, 1.0))
        b.kill9()
        time.sleep(rnd.uniform(0, 0.2))
        b.start()
        for h in (a, c, d):		# so that every life of it has load
            h.up(40)
    time.sleep(0.3)
    texts = clerk.done()
    judge([a], [back])
    n = judge([d], senders, texts)
    check(n > 50 * TIMES[mesh.FULL], "only", n, "messages were accepted")
    # and the senders know: every message is told to be delivered
    for h in (a, c, d):
        until(lambda: not pending(h), 30, "all settled at " + h.name, 0.1)


def test_rate_limit_keeps_order(w):
    """What is refused for now is sent later, and nothing overtakes it."""
    b, a, c = w.mesh("anna", "carl")
    a.cli("mesh", "settings", "--send-rate", "60", "--send-burst", "3")
    s = Sender(a, ["carl"], "a", window=32, pause=0.001)
    began = time.monotonic()
    s.start()
    until(lambda: len(s.accepted) > 150, 20, "150 accepted")
    n = judge([c], [s])
    check(time.monotonic() - began > (n - 4) / 60 - 0.5, "no limit was seen")
    check("rate_limited" in b.read_log(), "nothing was refused")


@slow(10)
def test_broker_set_back(w):
    """Its files are replaced by an older copy, as from a backup: what came is
    not shown again, what is sent afterwards comes, and a gap is told."""
    b, a, c = w.mesh("anna", "carl")
    a.send("carl", "old", "--wait", "delivered")
    c.stop()
    a.send("carl", "in the copy")
    b.stop()
    shutil.copytree(b.data, b.data + ".copy")
    b.start()
    c.start()
    a.up()
    for i in range(4):
        a.send("carl", "after the copy %d" % i, "--wait", "delivered")
    b.kill9()
    shutil.rmtree(b.data)
    os.rename(b.data + ".copy", b.data)
    b.start()
    for h in (a, c):
        h.up(40)
    for i in range(3):
        a.send("carl", "new %d" % i, "--wait", "delivered", "--timeout", "20s")
    want = ["old", "in the copy"] + ["after the copy %d" % i for i in range(4)] \
        + ["new %d" % i for i in range(3)]
    equal([m["text"] for m in c.local_all()], want, "inbox")
    check(c.json("inbox")["gap"], "no gap was told")
    c.restart()
    c.up(40)
    equal([m["text"] for m in c.local_all()], want, "inbox after a restart")
    check(c.json("inbox", "--read")["gap"], "the gap was forgotten")
    check(not c.json("inbox", "--read").get("gap"), "told once it was read")


def pending(h):
    with h.local() as l:
        return l.call("local_message_list", pending=True)["messages"]


@slow(12)
def test_members_join_while_it_is_killed(w):
    """The roll, too: who was told to be in is in."""
    b, a = w.mesh("anna")
    url = a.invite("--uses", "50")
    homes = [w.home("h%d" % i) for i in range(6 if mesh.FULL else 3)]
    for i, h in enumerate(homes):
        p = h.popen("join", url, "--name", h.name, "-y")
        time.sleep(0.03 * i)
        b.kill9()
        b.start()
        p.communicate(timeout=60)
        if p.returncode != 0:		# told that it failed: it may be tried
            h.json("join", url, "--name", h.name, "-y")
        a.up(40)
        h.up(40)
        a.send(h.name, "welcome", "--wait", "delivered")
        equal([m["text"] for m in h.local_all()], ["welcome"], "inbox")
    equal(len(a.json("member", "list")["members"]), len(homes) + 1, "members")
    heads = {h.json("mesh", "list")["meshes"][0]["head"] for h in homes + [a]}
    until(lambda: len({h.json("mesh", "list")["meshes"][0]["head"]
                       for h in homes + [a]}) == 1, 10, "one roll")
    check(heads, "heads")
