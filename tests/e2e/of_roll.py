"""Sessions revoked, members that left, a mesh renamed and deleted."""
import os
import shutil
import sqlite3

import mesh
from load import slow
from mesh import Refused, check, equal, until


def state(h, name):
    return [m["state"] for m in h.json("member", "list")["members"]
            if m["name"] == name]


def test_session_revoked(w):
    b, a, c = w.mesh("anna", "carl")
    s = c.json("session", "open", "worker")
    until(lambda: a.peer("worker"), 5, "worker")
    c.cli("session", "revoke", s["session"], code=4)		# asks
    c.cli("session", "revoke", s["session"], "-y")
    until(lambda: a.peer("worker") is None, 3, "gone at once")
    c.cli("send", "anna", "from the grave", session=s["session"], code=4)
    c.cli("session", "open", "worker", "--resume", s["session"], code=4)
    c.restart()
    c.up()
    c.cli("send", "anna", "from the grave", session=s["session"], code=4)
    a.cli("send", s["key"], "hello?", code=3)
    check(a.peer("worker") is None, "not after a restart either")
    c.cli("session", "revoke", s["key"], "-y", code=5)		# twice
    c.send("anna", "I am well", "--wait", "delivered")
    equal([m["text"] for m in a.local_all()], ["I am well"], "inbox")


def test_admin_revokes_members_do_not(w):
    b, a, c, d = w.mesh("anna", "carl", "dora")
    s = c.json("session", "open", "worker")
    until(lambda: d.peer("worker"), 5, "worker")
    d.cli("session", "revoke", s["key"], "-y", code=4)
    check(d.peer("worker"), "worker is still here")
    until(lambda: a.peer("worker"), 5, "worker")
    a.cli("session", "revoke", "worker", "-y")
    until(lambda: d.peer("worker") is None, 3, "gone at once")
    until(lambda: c.json("session", "show", s["session"])["state"] == "refused",
          5, "its daemon knows")
    c.cli("send", "anna", "hello", session=s["session"], code=4)


def test_home_revoked_by_another(w):
    """The key is gone for good; the member is not: its home gets another key,
    also when its daemon was away meanwhile and its roll is behind."""
    b, a, c = w.mesh("anna", "carl")
    for away in (False, True):
        key = until(lambda: a.peer("carl"), what="carl is listed")["key"]
        if away:
            c.kill9()
        a.cli("session", "revoke", key, "-y")
        if away:
            c.start()
        until(lambda: c.cli("send", "anna", "after %s" % away, "--wait",
                            "delivered", "--timeout", "2s",
                            code=None).code == 0, 20, "carl sends again")
        check(a.peer("carl")["key"] != key, "the revoked key is still used")
    texts = [m["text"] for m in a.arrived(2)]
    equal(sorted(set(texts)), ["after False", "after True"], "inbox")


def test_kick_is_no_ban(w):
    b, a, c = w.mesh("anna", "carl")
    s = c.json("session", "open", "worker")
    until(lambda: a.peer("worker"), 5, "worker")
    c.cli("kick", "anna", "-y", code=4)			# no admin
    a.cli("kick", "worker", "-y")
    until(lambda: a.peer("worker") is None, 3, "gone")
    again = c.json("session", "open", "worker", "--resume", s["session"])
    equal(again["key"], s["key"], "it may come back")
    until(lambda: a.peer("worker"), 5, "back")


def test_leave(w):
    b, a, c, d = w.mesh("anna", "carl", "dora")
    c.send("anna", "before", "--wait", "delivered")
    key = c.json("whoami")["meshes"][0]["member"]
    skey = a.peer("carl")["key"]
    c.json("session", "open", "worker")
    until(lambda: a.peer("worker"), 5, "worker")
    c.cli("leave", "-y")
    for h in (a, d):
        until(lambda: state(h, "carl") == ["left"], 5, "left")
        until(lambda: {p["name"] for p in h.peers()} == {"anna", "dora"}, 5,
              "its sessions are gone")
    c.cli("send", "anna", "after", code=3)
    equal(c.json("mesh", "list")["meshes"], [], "its meshes")
    for name in ("carl", key, skey, "worker"):
        a.cli("send", name, "hello?", code=3)
    c.restart()
    equal(c.json("mesh", "list")["meshes"], [], "after a restart")
    equal([m["text"] for m in a.local_all()], ["before"], "anna's inbox")
    equal([m["verified"] for m in a.local_all()], [True], "still verified")
    # with a new invite it is a member again
    c.json("join", a.invite(), "--name", "carl", "-y")
    until(lambda: a.peer("carl"), 5, "carl is back")
    c.send("anna", "again", "--wait", "delivered")
    a.cli("leave", "-y", code=4)				# the last admin


def test_leaver_with_an_old_copy(w):
    """Whoever kept the keys from before is refused by the broker."""
    b, a, c = w.mesh("anna", "carl")
    c.send("anna", "before", "--wait", "delivered")
    c.stop()
    shutil.copytree(c.dir, c.dir + ".old", ignore=shutil.ignore_patterns(
        "*.sock", "*.lock"))
    c.start()
    c.cli("leave", "-y")
    c.stop()
    shutil.rmtree(c.dir)
    os.rename(c.dir + ".old", c.dir)
    c.start()
    until(lambda: c.json("mesh", "list")["meshes"][0]["state"] == "refused",
          10, "refused")
    r = c.cli("send", "anna", "after", "--timeout", "1s", code=None)
    check("stored" not in r.out and "delivered" not in r.out, r)
    check(a.peer("carl") is None, "not to be seen")
    equal([m["text"] for m in a.local_all()], ["before"], "anna's inbox")


def test_rename(w):
    b, a, c = w.mesh("anna", "carl")
    c.cli("mesh", "rename", "mutiny", code=4)
    a.cli("mesh", "rename", "The New Name")
    for h in (a, c):
        until(lambda: h.json("mesh", "list")["meshes"][0]["name"] ==
              "The New Name", 5, "the name")
        equal(h.json("mesh", "list")["meshes"][0]["slug"], "team", "slug")
    d = w.home("dora")
    doc = d.json("join", a.invite(), "--name", "dora", "-y")
    equal(doc["mesh"]["name"], "The New Name", "what newcomers see")
    a.cli("mesh", "rename", "two\nlines", code=2)
    heads = {h.json("mesh", "list")["meshes"][0]["head"] for h in (a, d)}
    equal(len(heads), 1, "one roll for all")


@slow(20)
def test_delete(w):
    b, a, c = w.mesh("anna", "carl")
    d = w.home("dora")
    d.json("join", a.invite("--role", "admin"), "--name", "dora", "-y")
    a.send("carl", "hello", "--wait", "delivered")
    url = a.invite()
    for h in (c, d):				# an admin, too, may not
        h.cli("mesh", "delete", "team", "-y", code=4)
    a.send("carl", "still here", "--wait", "delivered")
    a.cli("mesh", "delete", "team", "-y")
    equal(a.json("mesh", "list")["meshes"], [], "the owner's meshes")
    until(lambda: c.json("mesh", "list")["meshes"][0]["state"] == "refused", 5,
          "the others hear of it")
    check("deleted" in c.json("mesh", "list")["meshes"][0]["warning"], "why")
    c.cli("peers", code=6)
    w.home("late").cli("join", url, "--name", "late", "-y", code=3)
    c.restart()
    until(lambda: c.json("mesh", "list")["meshes"][0]["state"] == "refused",
          10, "after a restart")
    c.cli("leave", "--forget", "-y")	# what is left here goes, too
    equal(c.json("mesh", "list")["meshes"], [], "carl's meshes")
    def left():
        db = sqlite3.connect("file:%s/broker.db?mode=ro" % b.data, uri=True)
        n = {t: db.execute("SELECT COUNT(*) FROM %s" % t).fetchone()[0]
             for t in ("message", "act", "session", "mesh", "sent", "invite",
                       "epoch_key", "queue")}
        db.close()
        return {t: k for t, k in n.items() if k}
    until(lambda: not left(), 80, lambda: "erased: %s" % left(), 0.5)


def test_create_policies(w):
    b = w.broker("closed", "--create", "none")
    h = w.home("anna")
    r = h.cli("mesh", "create", "m", "--broker", b.url, "--name", "a", code=4)
    check("create" in r.err, r)
    t = w.broker("token", "--create", "token", start=False)
    t.env["CLAUDEMESH_CREATE_TOKEN"] = "correct-horse"
    t.start()
    for extra in ((), ("--token", "wrong-horse")):
        h.cli("mesh", "create", "m", "--broker", t.url, "--name", "a", *extra,
              code=4)
    h.cli("mesh", "create", "m", "--broker", t.url, "--name", "a", "--token",
          "correct-horse")


def test_local_lines_that_are_wrong(w):
    """The daemon answers nonsense with errors and lives."""
    b, a = w.mesh("anna")
    with a.local() as l:
        for line in (b"nonsense", b"{}", b"[]", b'{"type":1}',
                     b'{"type":"send"}', b'{"type":"local_send","_reqId":"1"}',
                     b'{"type":"local_send","to":["x"],"text":"\\u0000"}',
                     b'{"type":"local_status","type":"x"}', b"\xff\xfe",
                     b'{"type":"local_send","to":"x","text":"y"}',
                     b"[" * 5000, b'{"type":"local_inbox","limit":1e400}'):
            l.sock.sendall(line + b"\n")
            equal(l.get()["type"], "error", line[:60])
        for bad in (dict(to=[], text="x"), dict(to=["a"] * 101, text="x"),
                    dict(to=["anna"], text="x", priority="urgent"),
                    dict(to=["anna"], text="x", mesh="no"),
                    dict(to=["anna"], text="x", wait="heaven")):
            try:
                l.call("local_send", **bad)
                raise mesh.Failed("taken: %s" % bad)
            except Refused:
                pass
        l.call("local_status")
        l.sock.sendall(b"x" * (1024 * 1024 + 4096))
        equal(l.get()["code"], "too_large", "a line too long")
    a.send("anna", "alive", "--wait", "delivered")
