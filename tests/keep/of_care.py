"""What whoever runs a broker does to it: status, reload, backup, restore."""
import os
import signal
import sqlite3
import threading

from mesh import check, equal, until


def care(world, home, b, *args, code=0):
    return home.cli("broker", *args, "--data", b.data, code=code)


def test_status(world):
    b, alice, bob = world.mesh("Alice", "Bob")
    bob.stop()
    alice.send("Bob", "later")
    doc = alice.json("broker", "status", "--data", b.data)
    s = doc["broker"]
    equal(doc["ok"], True)
    equal((s["meshes"], s["queued"], s["pid"]), (1, 1, b.proc.pid))
    equal(s["limits"]["send_rate"], 100)
    check(s["files_max"] >= 1024 and s["db_bytes"] > 0, s)
    out = care(world, alice, b, "status").out
    check("1 of 10000" in out and "1 messages" in out, out)
    equal(os.stat(os.path.join(b.data, "broker.sock")).st_mode & 0o777, 0o600)
    # core dumps are off, and who could read its memory is told no
    with open("/proc/%d/limits" % b.proc.pid) as f:
        core = [line for line in f if line.startswith("Max core file size")]
    equal(core[0].split()[4], "0")
    b.stop()
    check(not os.path.exists(os.path.join(b.data, "broker.sock")))
    r = care(world, alice, b, "status", code=6)
    check("no broker runs" in r.err, r)


def test_reload(world):
    conf = os.path.join(world.dir, "b.conf")
    with open(conf, "w") as f:
        f.write("send-rate = 50\n")
    b = world.broker("broker", "--config", conf)
    h = world.home("h", start=False)
    with open(conf, "w") as f:
        f.write("send-rate = 60\nconnections = 9\n")
    r = care(world, h, b, "reload")
    check("connections" in r.out, r)
    s = h.json("broker", "status", "--data", b.data)["broker"]
    equal(s["limits"]["send_rate"], 60)
    with open(conf, "a") as f:
        f.write("send-rate = 0\n")
    r = care(world, h, b, "reload", code=2)
    check("b.conf:3: send-rate" in r.err, r)
    s = h.json("broker", "status", "--data", b.data)["broker"]
    equal(s["limits"]["send_rate"], 60)


def test_backup_restore(world):
    """A copy while it is written to is whole; what is put back is another
    history, and its clients are told of a gap."""
    b, alice, bob = world.mesh("Alice", "Bob")
    copy = os.path.join(world.dir, "copy.db")
    stop, sent = threading.Event(), []

    def write():
        while not stop.is_set():
            sent.append(alice.send("Bob", "x" * 20000))
    t = threading.Thread(target=write)
    bob.up(60)	# only who knew a history sees that it is another
    bob.stop()
    t.start()
    try:
        until(lambda: len(sent) >= 3, 60, "some mail")
        care(world, alice, b, "backup", copy)
    finally:
        stop.set()
        t.join()
    equal(os.stat(copy).st_mode & 0o777, 0o600)
    with sqlite3.connect(copy) as db:
        equal(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        n = db.execute("SELECT COUNT(*) FROM message").fetchone()[0]
    check(n > 0)
    r = care(world, alice, b, "backup", copy, code=5)
    check("overwrites nothing" in r.err, r)
    equal([f for f in os.listdir(world.dir) if ".part" in f], [])
    r = care(world, alice, b, "restore", copy, "-y", code=5)
    check("already holds" in r.err, r)

    alice.send("Bob", "after the copy")
    b.stop()
    other = os.path.join(world.dir, "torn.db")
    with open(copy, "rb") as f, open(other, "wb") as g:
        g.write(f.read(30000))
    r = care(world, alice, b, "restore", other, "-y", code=None)
    check(r.code != 0, r)
    r = care(world, alice, b, "restore",
             os.path.join(bob.dir, "daemon.db"), "-y", code=5)
    check("daemon.db is a database of another kind" in r.err, r)
    care(world, alice, b, "restore", copy, "-y")
    check(any("broker.db.before-" in f for f in os.listdir(b.data)))
    b.start()
    bob.start()
    bob.up(60)
    bob.arrived(n, 60)	# and what Alice sends again, since it was lost
    with bob.local() as l:
        check(l.call("local_inbox", all=True).get("gap"), "no gap is told")
    alice.up(60)
    alice.send("Bob", "again", "--wait", "delivered")


def test_keeper(world):
    """A broker that crashes is started again; one that crashes over and over
    is given up, and says so; one that is told to end stays ended."""
    b = world.broker("broker", "--keep")
    alice = world.home("alice")
    alice.json("mesh", "create", "team", "--broker", b.url, "--name", "Alice")
    pidfile = os.path.join(b.data, "broker.pid")

    def crash(no):
        was = b.pid()
        os.kill(was, no)

        def other():
            try:
                return b.proc.poll() is not None or b.pid() != was
            except (OSError, ValueError):
                return False
        until(other, 30, "another broker, or none")
    crash(signal.SIGKILL)
    with open(b.err) as f:
        check("broker_crashed" in f.read())
    for no in (signal.SIGABRT, signal.SIGKILL, signal.SIGABRT, signal.SIGKILL):
        crash(no)
    until(lambda: b.proc.poll() is not None, 20, "given up")
    equal(b.proc.poll(), 1)
    with open(os.path.join(b.data, "broker.crashed")) as f:
        check("5 crashes" in f.read())
    check(not os.path.exists(pidfile))
    check(not os.path.exists(os.path.join(b.data, "broker.keeper")))
    b.start()
    check(not os.path.exists(os.path.join(b.data, "broker.crashed")))
    os.kill(b.pid(), signal.SIGTERM)	# the broker itself
    equal(b.proc.wait(20), 0)
