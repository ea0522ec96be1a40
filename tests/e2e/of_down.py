"""Somebody is down: the broker, the receiver, the sender's own daemon."""
import random
import signal
import time

import mesh
from load import Sender, full, judge, slow
from mesh import check, equal, until


def receipt(h, id):
    return h.json("message", "status", id)["recipients"][0]["receipt"]


def test_broker_down(w):
    b, a, c = w.mesh("anna", "carl")
    b.stop()
    r = a.cli("send", "carl", "while it was down", "--timeout", "1s")
    check("queued" in r.out and "stored" not in r.out, r)
    equal(len(a.json("daemon", "outbox")["messages"]), 1, "outbox")
    b.start()
    equal([m["text"] for m in c.arrived(1)], ["while it was down"], "inbox")
    id = a.json("message", "list")["messages"][0]["id"]
    a.cli("message", "wait", id, "--timeout", "20s")
    equal(a.json("daemon", "outbox")["messages"], [], "outbox")
    equal(len(c.local_all()), 1, "once")


def test_broker_down_from_the_start(w):
    """The daemon restarts while there is no broker; names are still known."""
    b, a, c = w.mesh("anna", "carl")
    b.kill9()
    a.restart()
    r = a.cli("send", "carl", "one", "--timeout", "1s")
    check("queued" in r.out, r)
    a.cli("send", "nobody", "two", code=3)
    a.restart()
    b.start()
    equal([m["text"] for m in c.arrived(1)], ["one"], "inbox")


def test_receiver_down(w):
    b, a, c = w.mesh("anna", "carl")
    c.kill9()
    ids = [a.send("carl", "n%d" % i)["id"] for i in range(3)]
    equal([receipt(a, i) for i in ids], ["stored"] * 3, "receipts")
    b.kill9()			# what was stored stays stored
    b.start()
    c.start()
    equal([m["text"] for m in c.arrived(3)], ["n0", "n1", "n2"], "inbox")
    for i in ids:
        a.cli("message", "wait", i, "--timeout", "20s")
    c.restart()
    c.up()
    time.sleep(0.5)
    equal(len(c.local_all()), 3, "once")


def accept(home, to, text):
    """What is answered is in the outbox."""
    with home.local() as l:
        sent = l.call("local_send", to=[to], text=text, wait="queued",
                      wait_ms=1000)
    equal(sent["recipients"][0]["receipt"], "queued", "receipt")
    return sent["id"]


def test_daemon_killed_before_sending(w):
    b, a, c = w.mesh("anna", "carl")
    b.stop()
    ids = [accept(a, "carl", "m%d" % i) for i in range(3)]
    a.kill9()
    b.start()
    a.start()
    equal([m["text"] for m in c.arrived(3)], ["m0", "m1", "m2"], "inbox")
    for i in ids:
        a.cli("message", "wait", i, "--timeout", "20s")
    equal(len(c.local_all()), 3, "once")


def test_daemon_killed_while_sending(w):
    """The broker has the frame and has not answered: sent again, stored once."""
    b, a, c = w.mesh("anna", "carl")
    a.up()
    for i in range(3):
        b.signal(signal.SIGSTOP)
        id = accept(a, "carl", "m%d" % i)
        time.sleep(0.1)		# the frame is in the broker's socket
        a.kill9()
        b.signal(signal.SIGCONT)
        a.start()
        a.cli("message", "wait", id, "--timeout", "20s")
    equal([m["text"] for m in c.local_all()], ["m0", "m1", "m2"], "inbox")


def test_receiver_killed_while_receiving(w):
    """Committed here, not acknowledged there: comes again, is shown once."""
    b, a, c = w.mesh("anna", "carl")
    c.up()
    for i in range(3):
        id = a.send("carl", "m%d" % i)["id"]
        b.signal(signal.SIGSTOP)
        time.sleep(0.1)
        c.kill9()
        b.signal(signal.SIGCONT)
        c.start()
        a.cli("message", "wait", id, "--timeout", "20s")
    equal([m["text"] for m in c.local_all()], ["m0", "m1", "m2"], "inbox")


def kills(w, times, victims):
    b, a, c = w.mesh("anna", "carl")
    s = Sender(a, ["carl"], "a", pause=0.002)
    s.start()
    rnd = random.Random(7)
    for i in range(times):
        time.sleep(rnd.uniform(0.05, 0.5))
        ({"a": a, "c": c}[victims[i % len(victims)]]).restart()
    time.sleep(0.3)
    n = judge([c], [s])
    check(n > 20 * times, "only", n, "messages were accepted")


@slow(10)
def test_sender_killed_again_and_again(w):
    kills(w, 25 if mesh.FULL else 6, "a")


@slow(10)
def test_receiver_killed_again_and_again(w):
    kills(w, 25 if mesh.FULL else 6, "c")


@full
def test_both_killed_again_and_again(w):
    kills(w, 50, "ac")


def test_account_key_half_made(w):
    """Killed while it made its key: the next start is none the worse."""
    for i in range(12):
        h = w.home("h%d" % i, start=False)
        h.start(wait=False)
        time.sleep(0.004 * i)
        h.kill9()
        h.start()
        key = h.json("account", "show")["account"]
        h.restart()
        equal(h.json("account", "show")["account"], key, "account")


def test_second_daemon_is_refused(w):
    h = w.home("one")
    other = mesh.Home(w, "one")
    other.err += "2"
    p = other.start(wait=False).proc
    until(lambda: p.poll() is not None, 20, "the second daemon ended")
    check(p.returncode != 0, "two daemons in one home")
    check(h.alive(), "the first is well")
