"""The broker never has a text: unique ones are sent and looked for, in every
spelling, in its files, its log at debug level, all that passed between the
daemons and it, and what others see of the processes. They are in the receiver's
inbox, and what the broker may know is found by the same search."""
import os

import mesh
from mesh import check, equal, until
from wiretap import Tap, canary, files, find, process, spellings


def tapped(w, *names):
    """A mesh whose members are connected through a tap."""
    tap = Tap()
    b = w.broker("broker", "--url", tap.url)
    tap.to = b
    homes = [w.home(n) for n in names]
    homes[0].json("mesh", "create", "team", "--broker", tap.url, "--name",
                  names[0])
    for h in homes[1:]:
        h.json("join", homes[0].invite(), "--name", h.name, "-y")
    return [tap, b] + homes


def seen_by_broker(w, tap, b):
    """(where, bytes) of all that the broker, or a listener, can have."""
    yield "the wire", tap.said()
    yield from files(b.data)
    with open(b.log, "rb") as f:
        yield "the broker's log", f.read()
    yield "the broker's process", process(b.pid())


def test_no_text_at_the_broker(w):
    tap, b, a, c = tapped(w, "anna", "carl")
    texts = [canary() for _ in range(6)]
    a.send("carl", "-", "--wait", "delivered", input=texts[0])
    with a.local() as l:
        l.call("local_send", to=["carl"], text="a long way " * 400 + texts[1],
               wait="delivered", wait_ms=10000)
    m = c.arrived(2)[0]
    c.send("anna", "-", "--reply-to", m["id"], "--wait", "delivered",
           input=texts[2])
    c.stop()
    a.send("carl", "-", input=texts[3])		# waits in the broker's queue
    s = a.json("session", "open", "worker")
    a.send("carl", "-", input=texts[4], session=s["session"])
    a.send("anna", "-", input=texts[5], session=s["session"])
    known = canary()				# this one it may know
    a.cli("profile", "summary", known)

    for where, data in seen_by_broker(w, tap, b):
        for t in texts:
            check(find(t, data) is None, t, "as", find(t, data), "in", where)
    check(find(known, tap.said()) == "plain", "the tap does not hear")
    with open(b.log, "rb") as f:
        check(b"type=send" in f.read(), "the log is not at debug level")
    for h in (a, c):
        if h is a:
            data = process(h.proc.pid)
            check(not any(find(t, data) for t in texts), "in its process")
        with open(h.log, "rb") as f:
            data = f.read()
        check(not any(find(t, data) for t in texts), "in a daemon's log")

    c.start()
    got = " ".join(m["text"] for m in c.arrived(4))
    for i in (0, 1, 3, 4):
        check(texts[i] in got, "the receiver has not", texts[i])
    until(lambda: len(a.local_all()) == 2, 10, "anna's two")
    hits = [p for p, data in files(c.dir) if find(texts[0], data) == "plain"]
    check(hits, "the same search does not find it in the receiver's files")
    # fetched and acknowledged: still nothing
    for where, data in seen_by_broker(w, tap, b):
        check(not any(find(t, data) for t in texts), "in", where)


def test_search_finds_each_spelling(w):
    t = canary()
    for name, form in spellings(t).items():
        check(len(form) >= 30, name, "is too short:", form)
        check(find(t, b"xx" + form + b"yy"), name, "is not found")
    import base64
    for i in range(4):
        data = base64.b64encode(b"x" * i + t.encode() + b"tail")
        check(find(t, data), "base64 at", i)
    check(find(t, canary().encode()) is None, "finds anything")


def test_no_secret_key_leaves(w):
    """Seeds of accounts, sessions and invites, and the epoch key."""
    tap, b, a, c = tapped(w, "anna", "carl")
    url = a.invite("--uses", "2")
    a.send("carl", "hello", "--wait", "delivered")
    s = c.json("session", "open", "worker")
    a.send("worker", "hello", "--wait", "delivered")
    secrets = {"invite": url.split("#")[1]}
    for h in (a, c):
        with open(os.path.join(h.dir, "account.key")) as f:
            secrets["seed of " + h.name] = bytes.fromhex(f.read())
    import sqlite3
    for h in (a, c):
        db = sqlite3.connect(os.path.join(h.dir, "daemon.db"))
        for i, (x,) in enumerate(db.execute("SELECT secret FROM epoch")):
            secrets["epoch %d of %s" % (i, h.name)] = bytes.fromhex(x)
        for i, (x,) in enumerate(db.execute("SELECT seed FROM session")):
            x = bytes.fromhex(x) if isinstance(x, str) else x
            secrets["session %d of %s" % (i, h.name)] = x
        db.close()
    check(len(secrets) >= 7, sorted(secrets))
    for where, data in seen_by_broker(w, tap, b):
        for name, value in secrets.items():
            check(find(value, data) is None, name, "in", where)
    check(find(s["key"], tap.said()), "the tap does not hear")
