"""Names that fit nobody, more than one, or somebody else than before."""
from mesh import check, equal, until


def test_unknown(w):
    b, a = w.mesh("anna")
    r = a.cli("send", "zoe", "hello", code=3)
    check("zoe" in r.err, r)
    a.cli("send", "0" * 64, "hello", code=3)
    a.cli("send", "anna", "zoe", "hello", code=3)
    equal(a.json("message", "list")["messages"], [], "nothing was sent")
    a.cli("send", "anna", "hello", "--mesh", "elsewhere", code=3)


def test_ambiguous(w):
    """Two members of one name: an error that lists them; keys work."""
    b, a, c = w.mesh("anna", "carl")
    url = a.invite()
    d = w.home("other")
    d.json("join", url, "--name", "carl", "-y")
    until(lambda: len(a.peers()) == 3, 5, "three peers")
    r = a.cli("send", "carl", "which?", code=5)
    found = {p["member_key"] for p in a.json("peers")["peers"]
             if p["name"] == "carl"}
    equal(len(found), 2, "member keys")
    for key in found:
        check(key[:8] in r.err, "no candidate", key[:8], r)
    for h in (c, d):
        mine = h.json("whoami")["meshes"][0]["member"]
        sent = a.send(mine, "for " + mine[:8], "--wait", "delivered")
        equal(h.inbox()[0]["text"], "for " + mine[:8], "by key")
        equal(sent["recipients"][0]["key"], mine, "key")
    equal((len(c.inbox("--all")), len(d.inbox("--all"))), (1, 1), "one each")


def test_pinned(w):
    """A name keeps meaning the member it meant; another one is not guessed."""
    b, a, c = w.mesh("anna", "carl")
    a.send("carl", "first", "--wait", "delivered")
    c.cli("mesh", "leave", "-y")
    until(lambda: a.json("member", "list")["members"][1]["state"] == "left",
          5, "carl left")
    a.cli("send", "carl", "gone", code=3)
    d = w.home("other")
    d.json("join", a.invite(), "--name", "carl", "-y")
    until(lambda: a.peer("carl"), 5, "the other carl")
    a.cli("send", "carl", "which?", code=5)
    key = d.json("whoami")["meshes"][0]["member"]
    a.send(key, "the other", "--wait", "delivered")
    equal([m["text"] for m in d.inbox()], ["the other"], "inbox")


def test_sessions_of_one_name(w):
    b, a, c = w.mesh("anna", "carl")
    one = c.json("session", "open", "worker")
    two = c.json("session", "open", "worker")
    check(one["key"] != two["key"], "two keys")
    until(lambda: len([p for p in a.peers() if p["name"] == "worker"]) == 2,
          5, "two workers")
    r = a.cli("send", "worker", "which?", code=5)
    check(one["key"][:8] in r.err and two["key"][:8] in r.err, r)
    a.send(two["key"], "you", "--wait", "delivered")
    equal(c.inbox(session=one["session"]), [], "the first's inbox")
    equal(c.inbox(session=two["session"])[0]["text"], "you", "the second's")


def test_reserved_and_bad(w):
    b, a = w.mesh("anna")
    url = a.invite("--uses", "9")
    h = w.home("bad")
    for name in ("system", "broker", "all", "human", "a\nb", "x" * 65,
                 "a\u202eb", "a\u200bb"):
        h.cli("join", url, "--name", name, "-y", code=2)
        a.cli("session", "open", name, code=2)
    equal(len(a.json("member", "list")["members"]), 1, "members")
