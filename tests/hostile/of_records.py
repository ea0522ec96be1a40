"""Shared state and memory: what a broker shows of them to Bob."""
from kit import Stage, answer, check, equal, forge, said


def stage(world):
    """Alice has set a key three times and remembered a text; Bob saw it."""
    s = Stage(world)
    s.old = {}
    with s.proxy.rule(answer("get_state", lambda q, f: keep(s, f), "bob")):
        for v in "one", "two", "three":
            s.cli("alice", "state", "set", "k", v, code=0)
            equal(s.json("bob", "state", "get", "k")["value"], v, "honest")
    s.cli("alice", "state", "set", "other", "else", code=0)
    equal(s.json("bob", "state", "get", "other")["value"], "else", "honest")
    s.memory = s.json("alice", "remember", "the sky is blue", "--tags", "sky")
    equal(len(s.json("bob", "recall", "sky")["memories"]), 1, "honest")
    return s


def keep(s, f):
    s.old[f["version"]] = dict(f)
    return None


def got(s, change, code, kind="get_state"):
    """Bob asks for k while each answer is changed."""
    with s.proxy.rule(answer(kind, change, "bob")):
        r = s.cli("bob", "state", "get", "k", code=code)
    check("one" not in r.out and "forged" not in r.out or code == 1,
          "the lie was printed", r)
    return (r.err.strip().splitlines()[0].split(": ", 1)[1], r.code)


def put(**fields):
    def change(q, f):
        f.update(fields)
        return [f]
    return change


def lie_older_version(s):
    """an older version of a key, with its good signature"""
    old = {k: v for k, v in s.old[1].items() if k not in ("type", "_reqId")}
    return got(s, put(**old), 4)


def lie_never_there(s):
    """a key that was seen was never there"""
    def change(q, f):
        return [{"type": f["type"], "_reqId": f["_reqId"], "key": f["key"],
                 "value": None, "updatedBy": "", "version": 0}]
    return got(s, change, 4)


def lie_other_value(s):
    """another value under a good signature"""
    return got(s, put(value="forged"), 4)


def lie_other_key(s):
    """another key's record, whole, under this key"""
    def change(q, f):
        g = next(x for x in s.proxy.passed("bob", "down", "state_result")
                 if x["key"] == "other")
        f.update({k: v for k, v in g.items()
                  if k not in ("type", "_reqId", "key")})
        f["version"] = 3
        return [f]
    return got(s, change, 4)


def lie_higher_version(s):
    """a higher number on an old signature"""
    return got(s, put(version=99), 4)


def lie_unsigned(s):
    """a newer version without a signature: shown as unsigned"""
    def change(q, f):
        for k in "doc", "attestation":
            f.pop(k, None)
        f.update(version=4, value="forged", updatedBy="alice")
        return [f]
    return got(s, change, 1)


def lie_unsigned_same(s):
    """the signature taken away from what was seen signed"""
    def change(q, f):
        for k in "doc", "attestation":
            f.pop(k, None)
        f["value"] = "forged"
        return [f]
    return got(s, change, 4)


def lie_forged_writer(s):
    """a value signed by Mallory's session in Alice's name"""
    def change(q, f):
        doc = forge.read_doc(f["doc"])
        doc.update(version=4, hash=forge.hashlib.sha256(b'"forged"')
                   .hexdigest())
        f.update(version=4, value="forged",
                 doc=s.session["mallory"].doc("state", **doc))
        return [f]
    return got(s, change, 4)


def lie_own_attestation(s):
    """a session of the broker's own, vouched for by a key of its own"""
    def change(q, f):
        me, mine = forge.Key(), forge.Key()
        doc = forge.read_doc(f["doc"])
        doc.update(version=4, by=me.hex, member=mine.hex,
                   hash=forge.hashlib.sha256(b'"forged"').hexdigest())
        f.update(version=4, value="forged", doc=me.doc("state", **doc),
                 attestation=mine.doc(
                     "attest", mesh=s.mesh, member=mine.hex, session=me.hex,
                     name="alice", issuedAt=forge.iso(),
                     expiresAt=forge.iso(3600000)))
        return [f]
    return got(s, change, 4)


def lie_hidden_in_list(s):
    """a key left out of the list, as if it were deleted"""
    def change(q, f):
        f["entries"] = [e for e in f["entries"] if e["key"] != "k"]
        return [f]
    with s.proxy.rule(answer("list_state", change, "bob")):
        r = s.cli("bob", "state", "list", "--json", code=4)
    row = [e for e in r.json()["entries"] if e["key"] == "k"][0]
    equal(row["proof"], "refused", "proof")
    return row["problem"], r.code


def lie_deleted(s):
    """a deletion that nobody signed"""
    def change(q, f):
        for k in "doc", "attestation":
            f.pop(k, None)
        f.update(version=4, value=None, deleted=True)
        return [f]
    with s.proxy.rule(answer("get_state", change, "bob")):
        r = s.cli("bob", "state", "get", "k", code=3)
    check("nobody signed" in r.err, r)
    return said(r), r.code


def memory(s, change, code=4):
    with s.proxy.rule(answer("recall", change, "bob")):
        r = s.cli("bob", "recall", "sky", "--json", code=code)
    m = r.json()["memories"][0]
    equal((m["proof"], m["content"]), ("refused", ""), "what is shown")
    return m["problem"], r.code


def lie_memory_altered(s):
    """a memory with another text"""
    def change(q, f):
        f["memories"][0]["content"] = "the sky is green"
        return [f]
    return memory(s, change)


def lie_memory_tags(s):
    """a memory with other tags"""
    def change(q, f):
        f["memories"][0]["tags"] = ["sky", "approved"]
        return [f]
    return memory(s, change)


def lie_memory_again(s):
    """a memory that Bob forgot, served again"""
    id = s.json("alice", "remember", "grass below the sky")["id"]
    with s.proxy.rule(answer("recall", lambda q, f: s.old.update(
            m=[m for m in f["memories"] if m["id"] == id]), "bob")):
        s.json("bob", "recall", "sky")
    s.cli("bob", "forget", id, code=0)

    def change(q, f):
        f["memories"] = s.old["m"]
        return [f]
    return memory(s, change)
