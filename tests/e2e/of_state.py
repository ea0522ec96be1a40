"""Shared state: signed, watched, raced for, byte for byte."""
import json
import subprocess

import mesh
from mesh import check, equal, until


def test_state(w):
    b, anna, bert = w.mesh("anna", "bert")
    anna.cli("state", "get", "sprint", code=3)
    equal(anna.json("state", "list")["entries"], [], "none")
    equal(anna.json("state", "set", "sprint", "2026-W14")["version"], 1, "set")
    e = bert.json("state", "get", "sprint")
    equal((e["value"], e["updated_by"], e["proof"], e["version"], e["member"]),
          ("2026-W14", "anna", "verified", 1, "anna"), "bert reads")
    # any JSON, byte for byte
    odd = '{"b":1.0,"a":[ 1e3,"\\u00e9é" ],"n":null}'
    bert.cli("state", "set", "odd", odd)
    r = anna.cli("state", "get", "odd")
    equal((r.out, r.code), (odd + "\n", 0), "byte for byte")
    # what looks like JSON is JSON, unless it is said to be text
    anna.cli("state", "set", "t", "true")
    equal(bert.json("state", "get", "t")["value"], True, "JSON")
    anna.cli("state", "set", "t", "true", "--string")
    equal(bert.json("state", "get", "t")["value"], "true", "text")
    equal([x["key"] for x in bert.json("state", "list")["entries"]],
          ["odd", "sprint", "t"], "list")
    equal([x["key"] for x in bert.json("state", "list", "s")["entries"]],
          ["sprint"], "prefix")
    # compare and set
    bert.cli("state", "set", "sprint", "x", "--if-version", "7", code=5)
    bert.cli("state", "set", "sprint", "x", "--if-absent", code=5)
    bert.cli("state", "set", "sprint", "2026-W15", "--if-version", "1")
    bert.cli("state", "set", "fresh", "1", "--if-absent")
    # versions go on over a deletion
    equal(anna.json("state", "delete", "sprint")["version"], 3, "deleted")
    bert.cli("state", "get", "sprint", code=3)
    bert.cli("state", "delete", "sprint", code=3)
    equal(bert.json("state", "set", "sprint", "again", "--if-absent")
          ["version"], 4, "again")
    # what the limits are
    r = anna.cli("state", "set", "k", "x" * 32769, code=2)
    check("32768" in r.err, r)
    anna.cli("state", "set", "k" * 257, "x", code=2)
    anna.cli("state", "set", "two\nlines", "x", code=2)
    anna.cli("state", "set", "", "x", code=2)
    # it stands when those who wrote it are gone, and for who comes later
    b.kill9()
    r = anna.cli("state", "get", "sprint", code=6)
    check(r.out == "", r)
    b.start()
    bert.stop()
    carl = w.home("carl")
    carl.cli("join", anna.invite(), "--name", "carl", "-y")
    carl.up()
    e = carl.json("state", "get", "sprint")
    equal((e["value"], e["updated_by"], e["proof"]),
          ("again", "bert", "verified"), "carl reads")
    bert.start()


def test_race(w):
    """Twelve writers of one key: each wins once, in some order."""
    b, anna, bert = w.mesh("anna", "bert")
    run = []
    for i in range(6):
        for h in (anna, bert):
            run.append(subprocess.Popen(
                [mesh.BIN, "state", "set", "n", str(i)], env=h.env(),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    equal([(p.communicate()[1], p.wait())[1] for p in run], [0] * 12, "all")
    equal(anna.json("state", "get", "n")["version"], 12, "version")


def test_watch(w):
    b, anna, bert = w.mesh("anna", "bert")
    out = w.dir + "/watch"
    with open(out, "wb") as f:
        p = subprocess.Popen([mesh.BIN, "state", "watch", "vote:", "--json",
                              "--count", "3", "--timeout", "60s"],
                             env=bert.env(), stdout=f)
    w.procs.append(p)

    def seen():
        with open(out) as f:
            return [json.loads(x) for x in f]

    anna.cli("state", "set", "other", "1")
    # the watch begins when it begins
    until(lambda: anna.cli("state", "set", "vote:a", "1") and seen(), 20,
          "a change", 0.2)
    bert.cli("state", "set", "vote:b", "2")
    until(lambda: any(r["key"] == "vote:b" for r in seen()), 10, "own change")
    anna.cli("state", "delete", "vote:a")
    equal(p.wait(20), 0, "status")
    rows = seen()
    equal({r["proof"] for r in rows}, {"verified"}, "proofs")
    equal((rows[0]["key"], rows[0]["value"], rows[0]["updated_by"]),
          ("vote:a", 1, "anna"), "first")
