"""kit.py - the stage for lies: three members, one broker, and one in between.

Alice owns the mesh, Bob and Mallory are members; each has a daemon of its own.
A lie is a function lie_* of a module of_*.py. Its docstring names it in the
table, and it answers what the user saw and the exit status that went with it.
After every lie the mesh must go on working: see Stage.honest.
"""
import itertools
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             os.pardir, "e2e"))
from mesh import Failed, Home, World, check, equal, until	# noqa: E402
import forge		# noqa: E402
import mitm		# noqa: E402
from mitm import DOWN, UP, answer, instead, on	# noqa: E402

__all__ = ["Stage", "Failed", "Home", "World", "check", "equal", "until",
           "forge", "mitm", "DOWN", "UP", "answer", "instead", "on",
           "sees", "said", "swallow"]


def swallow(frame):
    """The rule's answer that is nothing."""
    return []


def sees(rows):
    """What an inbox shows, in words."""
    if not rows:
        return "nothing"
    words = []
    for r in rows:
        if r["verified"]:
            words.append("the text, verified, from %s" % r["from"])
        else:
            equal(r["text"], "", "text of what is not verified")
            check(r.get("problem"), "no problem is named", r)
            equal(r["receipt"], "failed", "receipt of what is not verified")
            words.append("no text: " + r["problem"])
    return "; ".join(words)


def said(result):
    """The error of a command, one line."""
    lines = [x for x in result.err.splitlines() if x.startswith("claudemesh: ")]
    return lines[0].split(": ", 1)[1] if lines else "no error"


class Stage:
    def __init__(self, world, names=("alice", "bob", "mallory")):
        self.w = world
        self.count = itertools.count(1)
        self.shift = {}		# name -> by how much its seqs are raised
        self.proxy = mitm.Proxy()
        self.broker = world.broker("broker", "--url", self.proxy.url)
        self.proxy.upstream = self.broker.url
        self.proxy.rules.append(self.renumber)
        self.homes = {}
        self.member, self.session = {}, {}
        for i, name in enumerate(names):
            h = self.homes[name] = world.home(name)
            setattr(self, name, h)
            if i == 0:
                doc = h.json("mesh", "create", "team", "--broker",
                             self.proxy.url, "--name", name)
                self.mesh = doc["mesh"]["id"]
                self.link = h.invite("--uses", "50")
            else:
                doc = h.json("join", self.link, "--name", name, "-y")
            self.know(name, doc)
        for h in self.homes.values():
            h.up()
        self.honest()

    def know(self, name, doc):
        """The keys of a member, public and secret."""
        h = self.homes[name]
        self.member[name] = forge.member_key(h, doc["mesh"]["id"])
        equal(self.member[name].hex, doc["member"]["id"], "member key")
        self.session[name] = forge.session_key(h)
        self.proxy.members[doc["member"]["id"]] = name

    def close(self):
        self.proxy.close()
        if self.proxy.broken:
            raise Failed("the proxy failed: " + self.proxy.broken[0])

    # ordinary life

    def cli(self, who, *args, code=None, **more):
        return self.homes[who].cli(*args, "--mesh", "team", code=code, **more)

    def json(self, who, *args, **more):
        return self.homes[who].json(*args, "--mesh", "team", **more)

    def send(self, who, to, *args, text=None, wait="delivered", seconds=5,
             code=None):
        """(result, document) of a send."""
        r = self.homes[who].cli(
            "send", to, text or "text %d" % next(self.count), "--mesh", "team",
            "--wait", wait, "--timeout", "%ds" % seconds, "--json", *args,
            code=code)
        return r, r.json() if r.out else None

    def receipt(self, who, id):
        """How far its sender is told a message came."""
        doc = self.json(who, "message", "status", id)
        return [r["receipt"] for r in doc["recipients"]]

    def inbox(self, who, id=None):
        rows = self.json(who, "inbox", "--all", "--limit", "1000")["messages"]
        return [r for r in rows if id is None or r["id"] == id]

    def honest(self, pairs=(("alice", "bob"), ("bob", "alice"))):
        """One message each way: it comes, verified, once."""
        for a, b in pairs:
            if a not in self.homes or b not in self.homes:
                continue
            text = "honest %d" % next(self.count)
            _, doc = self.send(a, b, text=text, seconds=15, code=0)
            equal([r["receipt"] for r in doc["recipients"]], ["delivered"],
                  "an honest message from %s to %s" % (a, b))
            got = self.inbox(b, doc["id"])
            equal([(r["text"], r["verified"]) for r in got], [(text, True)],
                  "an honest message at %s" % b)

    def state(self, who):
        """(state, reason) of the link, as `status` says."""
        with self.homes[who].local() as l:
            for m in l.call("local_status")["meshes"]:
                if m["mesh"] == "team":
                    return m["state"], m.get("reason", "")
        raise Failed("no mesh team")

    def back(self, *names):
        """These daemons start again, and everything is as it was."""
        for name in names:
            self.homes[name].restart()
        for name in names:
            self.homes[name].up()

    def again(self, who):
        """Its connection is lost and made again."""
        old = self.proxy.conn(who)
        self.proxy.cut(who)
        until(lambda: self.proxy.conn(who) not in (None, old), 15,
              "another connection of " + who)

    # what the broker has in its hands

    def renumber(self, c, way, f):
        """Mail that was put in has raised the seqs of what follows."""
        n = self.shift.get(c.who, 0)
        if n == 0:
            return None
        if way == DOWN and f["type"] == "push" and f.get("seq"):
            if not f.pop("_put", False):
                f["seq"] += n
        elif way == DOWN and f["type"] == "hello_ack":
            f["cursor"]["seq"] += n
        elif way == UP and f["type"] in ("client_ack", "session_hello"):
            if f.get("cursor") and f["cursor"]["seq"] > 0:
                f["cursor"]["seq"] = max(0, f["cursor"]["seq"] - n)
        return None

    def caught(self, to, id):
        """The push of a message, as it passed."""
        found = [f for f in self.proxy.passed(to, DOWN, "push")
                 if f["messageId"] == id]
        check(found, "no push of", id, "to", to)
        return dict(found[0])

    def mail(self, a="alice", b="bob", **more):
        """A message that came; its push."""
        _, doc = self.send(a, b, code=0, **more)
        return self.caught(b, doc["id"])

    def put(self, to, frame, **change):
        """Pushes this to somebody, as the next message."""
        seqs = [f["seq"] for f in self.proxy.passed(to, DOWN, "push")
                if f.get("seq")]
        f = dict(frame, seq=max(seqs, default=0) + self.shift.get(to, 0) + 1)
        f["_session"] = self.session[to].hex
        f.update(change)
        self.shift[to] = self.shift.get(to, 0) + 1
        self.proxy.push(to, f)
        return f

    def arrived(self, who, id, n=1, seconds=5):
        """Its rows in the inbox, once there are that many."""
        return until(lambda: len(self.inbox(who, id)) >= n and
                     self.inbox(who, id), seconds, "row %s at %s" % (id, who),
                     0.05)

    def tampered(self, change, seconds=5):
        """A message from Alice to Bob of which `change` makes another:
        (what Bob sees, what Alice is told, the exit status of her send)."""
        rule = on(DOWN, "push", lambda f: f.get("subtype") and None or
                  change(f), "bob", 1)
        with self.proxy.rule(rule):
            r, doc = self.send("alice", "bob", seconds=seconds)
        self.honest()
        return (self.inbox("bob", doc["id"]),
                self.receipt("alice", doc["id"]), r.code)

    def body(self, a="alice", b="bob", **change):
        """What a's daemon would say to b's member."""
        acts = self.acts()
        doc = {"mesh": self.mesh, "from": self.session[a].hex,
               "to": self.member[b].hex, "id": "forged-%d" % next(self.count),
               "epoch": 1, "roll": forge.point(acts), "priority": "next",
               "sentAt": forge.iso(), "text": "believe me"}
        doc.update(change)
        return doc

    def push_of(self, body, a="alice", b="bob", signer=None, boxer=None,
                **change):
        """Its push; signed and boxed by a, or by whom is given."""
        signer = signer or self.session[a]
        f = {"type": "push", "messageId": body["id"], "meshId": self.mesh,
             "senderPubkey": self.session[a].hex,
             "senderMemberPubkey": self.member[a].hex, "senderName": a,
             "targetSpec": body["to"], "priority": body["priority"],
             "createdAt": forge.iso()}
        f.update(forge.seal_body(body, signer, boxer or signer, body["to"]))
        f.update(change)
        return f

    def acts(self):
        """The roll as the real broker has it."""
        db = forge.sqlite3.connect("file:%s/broker.db?mode=ro" %
                                   self.broker.data, uri=True)
        try:
            return [row[0] for row in db.execute(
                "SELECT bytes FROM act WHERE mesh = (SELECT no FROM mesh"
                " WHERE id = ?) ORDER BY n", (self.mesh,))]
        finally:
            db.close()

    def repent(self):
        """The broker tells no lies any more."""
        self.proxy.rules = self.proxy.rules[:1]
