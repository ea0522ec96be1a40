"""The walk: two homes, two daemons, one broker; and what is printed on it."""
import os

from mesh import check, equal, free_port, gone, until


def keys(doc, want, what):
    for k in want.split():
        check(k in doc, what, "has no", k, "but", sorted(doc))


PEER = "name key member status role groups summary type online you"
MESSAGE = ("id from from_key to mesh text priority encrypted verified sent_at "
           "received_at receipt")


def test_create_join_send_reply(w):
    b = w.broker()
    a, c = w.home("anna", start=False), w.home("carl", start=False)
    doc = a.json("mesh", "create", "team", "--broker", b.url, "--name", "anna")
    keys(doc["mesh"], "id slug name broker owner", "mesh create")
    keys(doc["member"], "id name", "mesh create")
    equal((doc["mesh"]["slug"], doc["mesh"]["broker"], doc["member"]["name"]),
          ("team", b.url, "anna"), "mesh create")
    inv = a.json("invite", "create")
    keys(inv, "url code role expires_at uses", "invite create")
    equal((inv["uses"], inv["role"]), (1, "member"), "invite")
    joined = c.json("join", "-", "--name", "carl", "-y", input=inv["url"] + "\n")
    equal(joined["mesh"], doc["mesh"], "the mesh that was joined")
    equal(joined["member"]["name"], "carl", "name")
    peers = until(lambda: len(a.peers()) == 2 and a.peers(), 5, "two peers")
    for p in peers:
        keys(p, PEER, "peer list")
    equal(sorted((p["name"], p["online"], p["you"]) for p in peers),
          [("anna", True, True), ("carl", True, False)], "peers")
    sent = a.send("carl", "hello carl", "--wait", "delivered")
    keys(sent, "id mesh recipients", "send")
    r, = sent["recipients"]
    keys(r, "name key receipt reason", "recipient")
    equal((r["name"], r["receipt"]), ("carl", "delivered"), "receipt")
    got = c.json("inbox")
    keys(got, "messages cursor", "inbox")
    m, = got["messages"]
    keys(m, MESSAGE, "message")
    equal((m["text"], m["from"], m["to"], m["verified"], m["encrypted"],
           m["id"], m["receipt"]), ("hello carl", "anna", "carl", True, True,
                                    sent["id"], "delivered"), "message")
    re = c.send("anna", "hello anna", "--reply-to", m["id"], "--wait",
                "delivered")
    m, = a.inbox("--wait", "5s")
    equal((m["text"], m["reply_to"], m["id"], m["from"]),
          ("hello anna", sent["id"], re["id"], "carl"), "reply")
    keys(a.json("message", "status", sent["id"]), "id mesh recipients",
         "message status")
    # the daemons that the commands started are ours to end
    for h in (a, c):
        pid = h.json("daemon", "status")["pid"]
        h.cli("daemon", "down")
        check(gone(pid), "the daemon is still there")


def test_read_and_cursor(w):
    b, a, c = w.mesh("anna", "carl")
    for i in range(5):
        a.send("carl", "text %d" % i, "--wait", "delivered")
    page = c.json("inbox", "--limit", "2", "--read")
    equal([m["text"] for m in page["messages"]], ["text 0", "text 1"], "first")
    rest = c.json("inbox")
    equal([m["text"] for m in rest["messages"]],
          ["text 2", "text 3", "text 4"], "unread")
    after = c.json("inbox", "--after", str(rest["messages"][0]["n"]))
    equal([m["text"] for m in after["messages"]], ["text 3", "text 4"], "after")
    c.cli("inbox", "--read")
    page = c.json("inbox")
    equal(page["messages"], [], "after reading all")
    again = c.json("inbox", "--after", str(page["cursor"]))
    equal(again["messages"], [], "after the last")
    equal(len(c.inbox("--all")), 5, "all")
    # waiting: nothing comes, then something
    equal(c.inbox("--wait", "1s"), [], "waiting in vain")
    p = c.popen("inbox", "--wait", "20s", "--json", "text")
    a.send("carl", "worth the wait")
    out, _ = p.communicate(timeout=20)
    check("worth the wait" in out, out)


def test_several_targets(w):
    b, a, c, d = w.mesh("anna", "carl", "dora")
    sent = a.json("send", "carl", "dora", "carl", "to both", "--wait",
                  "delivered")
    equal([(r["name"], r["receipt"]) for r in sent["recipients"]],
          [("carl", "delivered"), ("dora", "delivered")], "recipients")
    for h in (c, d):
        m, = h.inbox()
        equal((m["text"], m["id"]), ("to both", sent["id"]), "copy")
    # to oneself, too
    a.send("anna", "note to self", "--wait", "delivered")
    equal(a.inbox()[0]["text"], "note to self", "own inbox")


def test_texts_come_as_they_went(w):
    b, a, c = w.mesh("anna", "carl")
    texts = ["x" * 65536, "\u00e4\u20ac\U0001f600 \u202e\u0007 \"\\ \t", "-",
             "a\nb\r\nc", "{\"type\":\"error\"}", " "]
    for t in texts:
        with a.local() as l:
            l.call("local_send", to=["carl"], text=t, wait="delivered",
                   wait_ms=20000)
    equal([m["text"] for m in c.local_all()], texts, "texts")
    a.cli("send", "carl", "--", "--flag-like", input="")
    a.cli("send", "carl", "-", input="from stdin\n")
    got = [m["text"].rstrip("\n") for m in c.arrived(len(texts) + 2)]
    equal(got[-2:], ["--flag-like", "from stdin"], "by the command line")
    a.cli("send", "carl", "-", input="y" * 65537, code=2)
    a.cli("send", "carl", "", code=2)
    # for people: no control character of a peer reaches the terminal
    out = c.cli("inbox", "--all").out
    check("\u202e" not in out and "\x07" not in out, "raw control characters")


def test_receipts_climb(w):
    b, a, c = w.mesh("anna", "carl")
    c.stop()
    b.kill9()
    sent = a.send("carl", "step by step", "--timeout", "1s")
    equal(sent["recipients"][0]["receipt"], "queued", "with no broker")
    b.start()
    a.cli("message", "wait", sent["id"], "stored", "--timeout", "20s")

    def rung():
        st = a.json("message", "status", sent["id"])
        return st["recipients"][0]["receipt"]
    equal(rung(), "stored", "with no receiver")
    c.start()
    a.cli("message", "wait", sent["id"], "--timeout", "20s")
    equal(rung(), "delivered", "with all")
    a.cli("message", "wait", sent["id"], "answered", "--timeout", "1s",
          code=7)


def test_exit_statuses(w):
    a = w.home("anna")
    a.cli("send", "x", "y", code=3)			# no mesh
    a.cli("peers", code=3)
    a.cli("nonsense", code=2)
    a.cli("mesh", "nonsense", code=2)
    a.cli("peers", "--nonsense", code=2)
    a.cli("send", code=2)
    r = a.cli("mesh", "create", "m", "--broker", "ws://127.0.0.1:1/ws",
              "--name", "anna", code=6)
    check("127.0.0.1:1" in r.err, r)
    a.cli("broker", "status", "--broker", "ws://127.0.0.1:1/ws", code=6)
    b = w.broker()
    a.cli("broker", "status", "--broker", b.url)
    a.cli("mesh", "create", "one", "--broker", b.url, "--name", "anna")
    a.cli("mesh", "create", "two", "--broker", b.url, "--name", "anna")
    r = a.cli("peers", code=2)				# which mesh?
    check("one" in r.err and "two" in r.err, r)
    a.cli("peers", "--mesh", "one")
    a.cli("peers", "--mesh", "three", code=3)
    a.cli("message", "status", "0000000000", code=3)
    a.cli("peer", "show", "nobody", "--mesh", "one", code=3)
    a.cli("mesh", "delete", "one", code=4)		# asks; nobody is there
    a.cli("session", "end", "nonsense", code=4)


def test_documents(w):
    b, a = w.mesh("anna")
    doc = a.json("status")
    keys(doc, "ok checks", "status")
    equal(doc["ok"], True, "status")
    for c in doc["checks"]:
        keys(c, "name ok detail", "check")
    a.cli("doctor", "--json")
    doc = a.cli("peers", "--json", "name,status").json()
    equal(sorted(doc["peers"][0]), ["name", "status"], "fields")
    lines = a.cli("mesh", "list", "--output-format", "stream-json").out
    check("team" in lines.splitlines()[0], lines)
    for words in (("mesh", "list"), ("member", "list"), ("invite", "list"),
                  ("session", "list"), ("message", "list"), ("whoami",),
                  ("account", "show"), ("profile", "show"), ("version",)):
        a.json(*words)
        check(a.cli(*words).out != "" or words[1:] == ("list",), words)
    b.stop()
    doc = a.cli("status", "--json", code=1).json()
    equal(doc["ok"], False, "status without a broker")


def test_verify_shows_one_number(w):
    b, a, c = w.mesh("anna", "carl")
    x = a.json("verify", "carl")
    y = c.json("verify", "anna")
    equal(x["safety_number"], y["safety_number"], "safety number")
    equal((x["member"], x["you"]), (y["you"], y["member"]), "keys")


def test_up_and_down(w):
    """All with no question asked, twice; then every trace is gone."""
    h = w.home("solo", start=False)
    doc = h.json("up")
    if not doc["broker"]["started"]:	# somebody else's was there before
        h.cli("down", "--purge", "-y")
        os.makedirs(h.dir + "/broker", 0o700)
        os.chmod(h.dir, 0o700)
        with open(h.dir + "/broker/listen", "w") as f:
            f.write("127.0.0.1:%d\n" % free_port())
        doc = h.json("up")
    check(doc["broker"]["started"] and doc["made"], doc)
    again = h.json("up")
    check(not again["broker"]["started"] and not again["made"], again)
    equal(len(again["meshes"]), 1, "meshes")
    until(lambda: h.cli("status", code=None).code == 0, 5, "status")
    h.cli("send", "nobody", "x", code=3)
    h.cli("down", "--purge", code=4)			# asks
    h.cli("down", "--purge", "-y")
    check(not os.path.exists(h.dir), "the home is still there")
    equal(w.strays(), [], "processes")
