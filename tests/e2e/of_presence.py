"""Who is here: sessions that live with a process, no ghosts, no false events;
resuming; being left in peace."""
import os
import signal
import time

from mesh import check, equal, until
from of_canary import tapped


def run_session(h, name, *args, child=("sleep", "600")):
    """`session run`; its process and, when it is there, its row."""
    p = h.popen("session", "run", "--name", name, *args, "--", *child)
    row = until(lambda: next((s for s in h.json("session", "list")["sessions"]
                              if s["name"] == name and s["state"] == "open"),
                             None), 10, "session " + name)
    return p, row


def test_session_with_a_child(w):
    b, a, c = w.mesh("anna", "carl")
    p, row = run_session(c, "worker", "--role", "reviewer", "--groups",
                         "core:lead,docs", "--model", "m1")
    c.cli("profile", "summary", "reading", session=row["session"])
    c.cli("profile", "status", "working", session=row["session"])

    def seen():
        x = a.peer("worker")
        return x and x["summary"] == "reading" and x
    x = until(seen, 5, "summary")
    equal((x["key"], x["member"], x["role"], x["online"], x["status"],
           x["model"], x["channel"], x["pid"]),
          (row["key"], "carl", "reviewer", True, "working", "m1", "sleep",
           row["pid"]), "peer")
    equal([(g["name"], g.get("role")) for g in x["groups"]],
          [("core", "lead"), ("docs", "")], "groups")
    equal([q["name"] for q in a.peers("--group", "docs")], ["worker"], "group")
    a.send("worker", "to you", "--wait", "delivered")
    equal(c.inbox(session=row["session"])[0]["text"], "to you", "its inbox")
    # killed: gone at once, and its runner tells how it ended
    os.kill(row["pid"], signal.SIGKILL)
    until(lambda: a.peer("worker") is None, 2, "the peer is gone")
    p.communicate(timeout=10)
    equal(p.returncode, 128 + 9, "status of session run")
    equal([s["name"] for s in c.json("session", "list")["sessions"]], ["carl"],
          "sessions left")


def test_child_and_environment(w):
    b, a = w.mesh("anna")
    r = a.cli("session", "run", "--name", "s1", "--", "sh", "-c",
              "echo $CLAUDEMESH_SESSION $CLAUDEMESH_MESH; exit 42", code=42)
    sid, slug = r.out.split()
    equal(slug, "team", "mesh")
    check(sid in [s["session"] for s in a.json("session", "list", "--all")
                  ["sessions"]], "its id")
    a.cli("session", "run", "--name", "s2", "--", "/no/such/program", code=127)
    a.cli("session", "run", "--name", "s3", code=2)
    until(lambda: len(a.peers()) == 1, 2, "no ghosts")
    # the runner is killed: the child goes on, and the session with it
    p, row = run_session(a, "s4", child=("sleep", "600"))
    p.kill()
    p.wait()
    time.sleep(0.3)
    check(a.peer("s4"), "the session lives as long as its process")
    os.kill(row["pid"], signal.SIGKILL)
    until(lambda: a.peer("s4") is None, 2, "the peer is gone")


def test_process_dead_before_the_daemon_returns(w):
    """It died while its daemon was down: it is not shown as being here."""
    b, a, c = w.mesh("anna", "carl")
    p, row = run_session(c, "worker")
    until(lambda: a.peer("worker"), 5, "worker")
    c.kill9()
    p.kill()
    os.kill(row["pid"], signal.SIGKILL)
    p.wait()
    c.start()
    c.up()
    until(lambda: a.peer("carl")["online"], 5, "carl is here")
    check(not (a.peer("worker") or {"online": False})["online"], "a ghost")
    equal([s["name"] for s in c.json("session", "list")["sessions"]], ["carl"],
          "sessions left")


def test_daemon_killed_is_no_departure(w):
    """Within the grace: listed as offline, silent return, the same keys."""
    tap, b, a, c = tapped(w, "anna", "carl")
    p, row = run_session(c, "worker")
    before = until(lambda: a.peer("worker"), 5, "worker")
    key = a.peer("carl")["key"]
    until(lambda: ("peer_joined", "worker") in tap.events(), 5, "joined")
    n = len(tap.events())
    c.kill9()
    until(lambda: not (a.peer("carl") or {"online": False})["online"], 5,
          "carl offline")
    x = a.peer("worker")
    check(x is not None and not x["online"], "listed, and not online:", x)
    c.start()
    c.up()
    until(lambda: (a.peer("worker") or {}).get("online"), 5, "worker is back")
    equal((a.peer("worker")["key"], a.peer("carl")["key"]),
          (before["key"], key), "keys")
    equal([e for e in tap.events(n) if e[1] in ("carl", "worker")], [],
          "events")
    a.send("worker", "still you?", "--wait", "delivered")
    # an orderly end is a departure, and coming back is a return
    c.stop()
    until(lambda: ("peer_left", "carl") in tap.events(n), 5, "left")
    until(lambda: a.peer("carl") is None, 5, "gone from the list")
    c.start()
    until(lambda: ("peer_returned", "carl") in tap.events(n), 10, "returned")
    equal(a.peer("carl")["key"], key, "key")
    p.terminate()		# passes it on to its child
    p.communicate(timeout=10)
    equal(p.returncode, 128 + 15, "status of session run")


def test_broker_killed_is_no_departure(w):
    tap, b, a, c = tapped(w, "anna", "carl")
    c.json("session", "open", "worker")
    until(lambda: a.peer("worker"), 5, "worker")
    keys = {p["name"]: p["key"] for p in a.peers()}
    b.kill9()
    b.start()
    a.up()
    c.up()
    until(lambda: len([p for p in a.peers() if p["online"]]) == 3, 10,
          "all are back")
    equal({p["name"]: p["key"] for p in a.peers()}, keys, "keys")


def test_many_sessions_of_one_member(w):
    """On one connection, each with a mailbox of its own."""
    b, a, c = w.mesh("anna", "carl")
    n = 6
    ss = [a.json("session", "open", "s%d" % i) for i in range(n)]
    for i, s in enumerate(ss):
        with a.local(s["session"]) as l:
            to = ["s%d" % j for j in range(n) if j != i]
            sent = l.call("local_send", to=to, text="from s%d" % i,
                          wait="delivered", wait_ms=10000)
            equal({r["receipt"] for r in sent["recipients"]}, {"delivered"},
                  "receipts")
    for i, s in enumerate(ss):
        got = a.inbox(session=s["session"])
        equal(sorted((m["text"], m["from"], m["to"]) for m in got),
              sorted(("from s%d" % j, "s%d" % j, "s%d" % i)
                     for j in range(n) if j != i), "inbox of s%d" % i)
    equal(a.inbox(), [], "the home inbox")
    log = b.read_log()
    peers = {p["key"] for p in a.peers() if p["member"] == "anna"}
    equal(len(peers), n + 1, "peers of one member")
    conns = {line.split(" conn=")[1].split()[0] for line in log.splitlines()
             if "type=send " in line}
    equal(len(conns), 1, "connections that were spoken on")


def test_resume(w):
    """The same key and name; mail that came meanwhile is there."""
    b, a, c = w.mesh("anna", "carl")
    s = c.json("session", "open", "worker")
    sid = s["session"]
    a.send("worker", "first", "--wait", "delivered")
    c.cli("session", "end", sid)
    until(lambda: a.peer("worker") is None, 2, "gone")
    a.send("worker", "while away", "--wait", "delivered")
    again = c.json("session", "open", "worker", "--resume", sid)
    equal((again["key"], again["session"], again["name"]),
          (s["key"], sid, "worker"), "resumed")
    equal([m["text"] for m in c.inbox(session=sid)], ["first", "while away"],
          "inbox")
    c.cli("session", "open", "x", "--resume", "nonsense", code=4)
    c.restart()
    c.up()
    equal(until(lambda: a.peer("worker"), 5, "worker")["key"], s["key"],
          "after a restart")
    c.cli("session", "end", sid)
    c.restart()
    third = c.json("session", "open", "worker", "--resume", sid)
    equal(third["key"], s["key"], "ended, restarted, resumed")
    # one that a living process has is not given away
    p, row = run_session(c, "busy")
    c.cli("session", "open", "busy", "--resume", row["session"], code=5)
    p.terminate()
    p.communicate(timeout=10)


def test_hidden(w):
    b, a, c = w.mesh("anna", "carl")
    until(lambda: a.peer("carl"), 5, "carl")
    c.cli("profile", "visible", "false")
    until(lambda: a.peer("carl") is None, 5, "hidden")
    check(c.peer("carl"), "carl sees himself")
    a.send("carl", "by name", "--wait", "delivered")
    c.restart()
    c.up()
    check(a.peer("carl") is None, "hidden after a restart, too")
    c.cli("profile", "visible", "true")
    until(lambda: a.peer("carl"), 5, "shown again")


def receipts(h, id):
    return [(r["receipt"], r["reason"]) for r in
            h.json("message", "status", id)["recipients"]]


def test_do_not_disturb(w):
    b, a, c = w.mesh("anna", "carl")
    c.cli("profile", "status", "dnd")
    until(lambda: a.peer("carl")["status"] == "dnd", 5, "dnd is seen")
    held = a.send("carl", "for later")["id"]
    until(lambda: receipts(a, held)[0][0] == "held", 5, "held")
    equal(receipts(a, held), [("held", "dnd")], "receipt and reason")
    equal(c.inbox(), [], "the inbox")
    now = a.send("carl", "fire", "--priority", "now", "--wait", "delivered")
    equal([m["text"] for m in c.inbox("--read")], ["fire"], "now passes")
    equal(now["recipients"][0]["receipt"], "delivered", "now")
    equal([m["receipt"] for m in c.inbox("--all")], ["held", "delivered"], "all")
    c.restart()			# neither mood nor mail is forgotten
    c.up()
    equal(a.peer("carl")["status"], "dnd", "after a restart")
    equal(c.inbox(), [], "the inbox after a restart")
    c.cli("profile", "status", "idle")
    equal([m["text"] for m in c.inbox()], ["for later"], "released")
    a.cli("message", "wait", held, "--timeout", "10s")
    equal(receipts(a, held)[0][0], "delivered", "in the end")
