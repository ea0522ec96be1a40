"""Groups, everybody, tags, mixed lists: each gets it once, and the sender not."""
from mesh import check, equal, until


def texts(home, **more):
    return [m["text"] for m in home.inbox("--read", **more)]


def groups(home, name):
    p = home.peer(name)
    return p and [(g["name"], g.get("role", "")) for g in p.get("groups", [])]


def rungs(home, sent):
    """Name and rung of each recipient as of now."""
    r = home.json("message", "status", sent["id"])["recipients"]
    return sorted((x["name"], x["receipt"]) for x in r)


def test_group(w):
    """Roles that change, one who is away and comes back, once each."""
    b, anna, bert, carl = w.mesh("anna", "bert", "carl")
    for h in (anna, bert, carl):
        h.cli("group", "join", "@reviewers")
    until(lambda: groups(anna, "bert") == [("reviewers", "")], 10, "bert in it")
    bert.cli("group", "join", "reviewers", "--role", "lead")
    until(lambda: groups(anna, "bert") == [("reviewers", "lead")], 10, "role")
    bert.cli("group", "join", "reviewers", "--role", "observer")
    until(lambda: groups(anna, "bert") == [("reviewers", "observer")], 10, "role")
    equal(anna.json("group", "list")["groups"][0]["members"], 3, "members")
    equal({p["name"] for p in anna.json("peers", "--group", "@reviewers")
           ["peers"]}, {"anna", "bert", "carl"}, "peers of the group")
    carl.kill9()
    sent = anna.send("@reviewers", "look at this")
    equal({r["name"] for r in sent["recipients"]}, {"bert", "carl"}, "to whom")
    equal({r["via"] for r in sent["recipients"]}, {"@reviewers"}, "via")
    until(lambda: rungs(anna, sent) == [("bert", "delivered"),
                                        ("carl", "stored")], 20, "bert has it")
    m = bert.inbox()[0]
    equal((m["text"], m["target"], m["from"], m["verified"]),
          ("look at this", "@reviewers", "anna", True), "in the inbox")
    # the sender is away when the last receipt comes
    anna.stop()
    carl.start()
    until(lambda: texts(carl, ) == ["look at this"], 20, "carl came back")
    anna.start()
    anna.cli("message", "wait", sent["id"], "delivered", "--timeout", "30")
    equal(rungs(anna, sent), [("bert", "delivered"), ("carl", "delivered")],
          "both")
    carl.restart()
    carl.up()
    # what was joined is still so after the restart
    until(lambda: groups(anna, "carl") == [("reviewers", "")], 10, "again")
    equal(len(carl.inbox("--all")), 1, "once")
    equal(anna.inbox("--all"), [], "not to the sender")
    carl.cli("group", "leave", "reviewers")
    carl.cli("group", "leave", "reviewers", code=3)
    sent = anna.send("@reviewers", "without carl", "--wait", "delivered")
    equal([r["name"] for r in sent["recipients"]], ["bert"], "only bert")


def test_all_and_tags(w):
    b, anna, bert = w.mesh("anna", "bert")
    r = anna.cli("send", "@nobody", "hello?")
    check("nobody" in r.err and r.out == "", r)
    sent = anna.send("@nobody", "hello?")
    equal((sent["recipients"], sent["empty"]), ([], ["@nobody"]), "empty")
    one = bert.json("session", "open", "one", "--tags", "repo=billing")
    two = bert.json("session", "open", "two")
    bert.cli("profile", "set", "--tags", "lang=c,repo=web",
             session=two["session"])
    sent = anna.send("tag:repo=billing", "who?", "--wait", "delivered")
    equal([r["name"] for r in sent["recipients"]], ["one"], "the tag")
    sent = anna.send("tag:repo=web", "you?", "--wait", "delivered")
    equal([r["name"] for r in sent["recipients"]], ["two"], "the other tag")
    sent = anna.send("*", "everybody", "--wait", "delivered")
    equal({r["name"] for r in sent["recipients"]}, {"bert", "one", "two"},
          "everybody but the sender")
    # a sibling is another peer: it hears its sister, and does not hear itself
    sent = bert.send("@all", "from one", "--wait", "delivered",
                     session=one["session"])
    equal({r["name"] for r in sent["recipients"]}, {"anna", "bert", "two"},
          "but one")
    equal(texts(bert, session=one["session"]), ["who?", "everybody"], "one")
    equal(texts(bert, session=two["session"]),
          ["you?", "everybody", "from one"], "two")
    equal(texts(bert), ["everybody", "from one"], "home")
    equal(texts(anna), ["from one"], "anna")


def test_mixed(w):
    """A list of names and labels: who is meant twice gets it once."""
    b, anna, bert, carl = w.mesh("anna", "bert", "carl")
    for h in (bert, carl):
        h.cli("group", "join", "g", "--role", "x")
        h.cli("group", "join", "h")
    until(lambda: groups(anna, "carl"), 10, "carl in g")
    r = anna.cli("send", "@g", "bert", "@h", "*", "to all of you", "--wait",
                 "delivered", "--json").json()
    equal(sorted((x["name"], x.get("via", "")) for x in r["recipients"]),
          [("bert", ""), ("carl", "@g")], "one way each")
    until(lambda: texts(bert) == ["to all of you"], 10, "bert")
    equal(texts(carl), ["to all of you"], "carl")
    for h in (bert, carl):
        equal(len(h.inbox("--all")), 1, "once")
    reply = bert.send("anna", "yes", "--reply-to", r["id"])
    check(reply["id"], "an answer")
    until(lambda: ("bert", "answered") in rungs(anna, r), 20, "answered")


def test_broker_killed(w):
    """Group mail that the broker had is there when it is back."""
    b, anna, bert = w.mesh("anna", "bert")
    bert.cli("group", "join", "g")
    until(lambda: groups(anna, "bert"), 10, "bert in g")
    bert.stop()
    ids = [anna.send("@g", "n%d" % i)["id"] for i in range(20)]
    b.kill9()
    b.start()
    bert.start()
    bert.up()
    until(lambda: len(bert.inbox("--all")) == 20, 30, "all of them")
    equal([m["text"] for m in bert.inbox("--all")],
          ["n%d" % i for i in range(20)], "in order, once")
    anna.cli("message", "wait", ids[-1], "delivered", "--timeout", "30")


def test_search(w):
    """Who fits best comes first; who does not fit is not there."""
    b, anna, bert = w.mesh("anna", "bert")
    one = bert.json("session", "open", "builder", "--role", "dev",
                    "--groups", "backend:lead", "--tags", "repo=billing")
    bert.json("session", "open", "writer", "--groups", "docs")
    bert.cli("profile", "set", "--capabilities", "database migrations",
             "--summary", "moving Billing tables", session=one["session"])

    def found(*query):
        return [p["name"] for p in anna.json("peer", "search", *query)["peers"]]
    until(lambda: found("billing migrations") == ["builder"], 10, "by profile")
    equal(found("DOCS"), ["writer"], "by group")
    equal(found("zebra"), [], "nobody")
    equal(found("builder docs")[0], "builder", "the better first")
    equal(found("dev", "--group", "docs"), [], "in another group")
    r = anna.cli("peer", "search", "billing")
    check("builder" in r.out and "repo=billing" in r.out, r)


def events(home, *args):
    return [e["text"] for e in home.json("events", *args)["events"]]


def test_events(w):
    """What happens is told, proven or as the broker's word; a return too."""
    b, anna, bert = w.mesh("anna", "bert")
    bert.cli("group", "join", "ops", "--role", "lead")
    bert.cli("group", "join", "ops", "--role", "observer")
    until(lambda: "bert is observer in @ops now" in events(anna), 10, "a role")
    bert.stop()
    until(lambda: "bert left" in events(anna), 10, "bert left")
    follow = anna.popen("events", "--follow", "--json")
    bert.start()
    bert.up()
    until(lambda: any(t.startswith("bert is back. Last seen just now, in "
                                   "@ops:observer") for t in events(anna)),
          10, lambda: events(anna))
    until(lambda: "Welcome back, bert! Last seen just now. Restored: "
          "@ops:observer" in events(bert), 10, lambda: events(bert))
    all = anna.json("events")["events"]
    joined = [e for e in all if e["event"] == "member_joined"]
    equal([(e["text"], e["proven"]) for e in joined],
          [("bert joined the mesh by an invite", True)], "by the roll")
    equal([e["proven"] for e in all if e["event"].startswith("peer_")].count(
        True), 0, "the broker's word")
    anna.cli("mesh", "settings", "--name", "crew")
    until(lambda: "anna renamed the mesh to crew" in events(bert), 10, "renamed")
    r = bert.cli("events", "--limit", "3")
    check("renamed the mesh" in r.out and "(the broker says)" in r.out, r)
    equal(len(bert.json("events", "--limit", "3")["events"]), 3, "limit")
    bert.cli("group", "leave", "ops")
    until(lambda: "bert left @ops" in events(anna), 10, "left the group")
    follow.terminate()
    out, _ = follow.communicate(timeout=10)
    check('"bert left @ops"' in out, "followed:", out)
