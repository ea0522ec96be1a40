"""Memory: remembered by one, found by another, forgotten by anybody."""
from mesh import check, equal


def test_memory(w):
    b, anna, bert = w.mesh("anna", "bert")
    text = "Payments API rate-limits at 100 req/s since the März incident"
    id = anna.json("remember", text, "--tags", "payments,incident")["id"]
    anna.cli("remember", "Deploys are frozen on Fridays")
    m = bert.json("recall", "payment incidents")["memories"]
    equal([(x["id"], x["content"], x["tags"], x["by"], x["proof"])
           for x in m],
          [(id, text, ["payments", "incident"], "anna", "verified")], "found")
    equal([x["id"] for x in bert.json("memory", "list")["memories"]][1], id,
          "newest first")
    bert.cli("recall", "(", code=2)
    bert.cli("recall", "x" * 10240, code=2)
    # it stands when the writer is gone and the broker was killed
    anna.stop()
    b.kill9()
    b.start()
    bert.up()
    equal(len(bert.json("recall", "rate*")["memories"]), 1, "still")
    r = bert.cli("recall", "rate*")
    check(text in r.out and "anna" in r.out, r)
    bert.cli("forget", id)
    bert.cli("forget", id, code=3)
    equal(bert.json("recall", "payment")["memories"], [], "forgotten")
    anna.start()
