"""Databases of released schemas, as that program wrote them: what is in them
survives, a copy is kept, and a schema that is newer than the program is
refused. released/NNNN holds the dumps: a broker's, Alice's (who owns the mesh)
and Bob's, and the keys of the two."""
import glob
import os
import sqlite3
import subprocess
import time

from mesh import BIN, check, environment, equal, until

HERE = os.path.dirname(os.path.abspath(__file__))


def load(path, sql):
    os.makedirs(os.path.dirname(path), mode=0o700)
    with open(sql) as f, sqlite3.connect(path) as db:
        db.executescript(f.read())
    os.chmod(path, 0o600)
    return sqlite3.connect(path)


def newest(path):
    with sqlite3.connect(path) as db:
        return db.execute("SELECT max(no) FROM schema_step").fetchone()[0]


def release(world, folder):
    n = int(os.path.basename(folder))
    b = world.broker("broker", start=False)
    db = load(os.path.join(b.data, "broker.db"), folder + "/broker.sql")
    now = int(time.time() * 1000)
    sent_at = db.execute("SELECT max(created_at) FROM message").fetchone()[0]
    with db:	# as if it were of today
        for table, column in (("message", "created_at"), ("sent", "at"),
                              ("session", "seen_at"), ("queue", "seen_at")):
            db.execute("UPDATE %s SET %s = %d" % (table, column, now))
    db.close()
    b.start()
    check(newest(b.data + "/broker.db") >= n)
    if newest(b.data + "/broker.db") > n:
        check(os.path.exists(b.data + "/broker.db.step-%04d" % n))
        check("schema_copy" in b.read_log(), b.read_log())
    homes = []
    for name in ("Alice", "Bob"):
        h = world.home(name, start=False)
        db = load(os.path.join(h.dir, "daemon.db"), "%s/%s.sql" % (folder, name))
        with db:
            db.execute("UPDATE mesh SET broker = ?", (b.url,))
        db.close()
        with open("%s/%s.key" % (folder, name)) as f, \
                open(os.path.join(h.dir, "account.key"), "w") as g:
            g.write(f.read())
        os.chmod(os.path.join(h.dir, "account.key"), 0o600)
        homes.append(h.start())
    return b, homes[0], homes[1], now - sent_at < 50 * 24 * 3600 * 1000


def test_released(world):
    """Messages, roll and inbox of every released schema."""
    folders = sorted(glob.glob(os.path.join(HERE, "released", "*")))
    check(folders, "no released schema")
    for folder in folders:
        b, alice, bob, young = release(world, folder)
        texts = [m["text"] for m in bob.arrived(3, 60)]
        equal(texts[:2], ["read before", "not yet read"])
        # bodies that are older than 60 days are refused, as they should be
        equal(texts[2], "still at the broker" if young else texts[2])
        equal([m["text"] for m in bob.inbox()][0], "not yet read")
        equal(sorted(m["name"] for m in alice.json("member", "list")["members"]),
              ["Alice", "Bob"])
        alice.up(60)
        alice.send("Bob", "after it", "--wait", "delivered")
        for p in (bob, alice, b):
            p.stop()


def test_newer(world):
    """Refused, with both numbers."""
    b = world.broker("broker")
    h = world.home("h")
    b.stop()
    h.stop()
    for path in (b.data + "/broker.db", h.dir + "/daemon.db"):
        with sqlite3.connect(path) as db:
            db.execute("INSERT INTO schema_step VALUES (999, '0999_later')")
    env = environment(HOME=world.dir, CLAUDEMESH_HOME=h.dir)
    for argv in ([BIN, "broker", "run", "--data", b.data,
                  "--listen", "127.0.0.1:0"], [BIN, "daemon", "run"]):
        p = subprocess.run(argv, env=env, capture_output=True, text=True,
                           timeout=30)
        check(p.returncode != 0 and "schema step 999, this program knows "
              in p.stderr, p.stderr)
    r = h.cli("doctor", code=1)
    check("schema step 999" in r.out, r)
