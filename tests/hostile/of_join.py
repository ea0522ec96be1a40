"""Entering: where a link leads to, and what a new mesh is made of. Dave tries
to join through a broker that lies, is told why he cannot, and joins when it
does not lie any more."""
from kit import (DOWN, UP, Stage, answer, check, equal, forge, instead, mitm,
                 on, said, until)


def stage(world):
    s = Stage(world, ("alice", "bob"))
    s.alice.json("mesh", "create", "other", "--broker", s.proxy.url,
                 "--name", "alice")
    s.other = s.proxy.passed("guest", UP, "mesh_create")[-1]["acts"]
    s.dave = world.home("dave")
    return s


def fails(s, code, text, *rules):
    """Dave cannot join, and has joined nothing."""
    with s.proxy.rule(*rules):
        r = s.dave.cli("join", s.link, "--name", "dave", "-y", code=None)
    check(text in r.err, "another reason:", r)
    equal(r.code, code, "status of join")
    equal(s.dave.json("mesh", "list")["meshes"], [], "meshes")
    return "join: " + said(r), r.code


def info(s, **change):
    return answer("invite_open", lambda ask, f: f.update(change), "guest")


def pages(s, acts):
    return instead("roll_get", lambda ask: {
        "type": "roll_page", "meshId": ask["meshId"], "from": ask["from"],
        "acts": acts[ask["from"]:], "roll": forge.point(acts)}, "guest")


def lie_info_other_mesh(s):
    """the invite leads to another mesh than the link says"""
    return fails(s, 4, "another mesh than the link names",
                 info(s, meshId=forge.mesh_id(s.other[0])))


def lie_roll_other_mesh(s):
    """the roll of another mesh behind the link's mesh id"""
    return fails(s, 4, "another mesh than the link names", pages(s, s.other))


def lie_roll_other_genesis(s):
    """a mesh of the broker's own making, with the same names"""
    owner = forge.Key()
    old = forge.act_json(s.acts()[0])
    genesis = forge.make_act(0, "", "genesis", owner, nonce=old["nonce"],
                             name=old["name"], logKey=old["logKey"], epoch=1,
                             epochHash=old["epochHash"])
    admin = forge.make_act(1, forge.act_hash(genesis), "admin", owner,
                           member=s.member["alice"].hex, name="alice")
    return fails(s, 4, "another mesh than the link names",
                 pages(s, [genesis, admin]))


def lie_no_roll(s):
    """an empty roll"""
    return fails(s, 4, "", instead("roll_get", lambda ask: {
        "type": "roll_page", "meshId": ask["meshId"], "from": 0, "acts": [],
        "roll": {"n": 1, "head": "ab" * 32}}, "guest"))


def lie_roll_held_back(s):
    """a roll of which the last acts are not shown"""
    acts = s.acts()
    return fails(s, 4, "holds acts back", instead("roll_get", lambda ask: {
        "type": "roll_page", "meshId": ask["meshId"], "from": ask["from"],
        "acts": acts[ask["from"]:3], "roll": forge.point(acts)}, "guest"))


def lie_roll_without_invite(s):
    """a roll that ends before the invite"""
    return fails(s, 3, "no such invite", pages(s, s.acts()[:2]))


def lie_roll_spoiled(s):
    """a roll with one act spoiled"""
    acts = s.acts()
    raw = bytearray(forge.act_bytes(acts[2]))
    raw[9] ^= 1
    acts[2] = forge.b64(bytes(raw))
    return fails(s, 4, "does not verify", pages(s, acts))


def lie_roll_reordered(s):
    """a roll with two acts exchanged"""
    acts = s.acts()
    acts[1], acts[2] = acts[2], acts[1]
    return fails(s, 4, "does not follow", pages(s, acts))


def lie_roll_junk(s):
    """a roll of nonsense"""
    seen = [fails(s, code, "", pages(s, [act] * 3)) for act, code in (
        ("AAAA", 4), ("!!!", 4), (forge.b64(b"\1" + bytes(64) + b"{}"), 4))]
    return "; ".join(x for x, _ in seen), 4


def lie_epoch_key(s):
    """an epoch key of the broker's own, sealed to the invite"""
    act = [a for a in map(forge.act_json, s.acts()) if a["kind"] == "invite"]
    sealed = forge.seal(b"k" * 32, act[0]["invite"])
    return fails(s, 1, "another epoch key than the roll names",
                 info(s, sealed=sealed))


def lie_epoch_key_junk(s):
    """an epoch key that does not open"""
    return fails(s, 1, "cannot be opened", info(s, sealed="AAAA"))


def lie_invite_error(s):
    """an error with terminal escapes"""
    out = fails(s, 4, "gone", instead("invite_open", lambda ask: {
        "type": "error", "code": "invite_revoked",
        "message": "\x1b[2J\x1b]0;x\x07gone\u202e"}, "guest"))
    check("\x1b" not in out[0] and "\u202e" not in out[0], out)
    return out


def lie_invite_malformed(s):
    """answers to invite_open that are none"""
    seen = [fails(s, 1, "", instead("invite_open", lambda ask, j=j: j,
                                    "guest"))
            for j in ({"type": "invite_info"}, {"type": "hello_ack"},
                      {"type": "invite_info", "meshId": 5})]
    return "; ".join(x for x, _ in seen), 1


def lie_joined_elsewhere(s):
    """the join act acknowledged under another hash"""
    n = len(s.acts())
    return fails(s, 4, "another roll than the one that was joined",
                 instead("mesh_join", lambda ask: {
                     "type": "roll_appended",
                     "roll": {"n": n + 1, "head": "ab" * 32}}, "guest"))


def lie_joined_later(s):
    """the join act acknowledged at a place where it is not, again and again"""
    n = len(s.acts())
    out = fails(s, 4, "another roll than the one that was joined",
                instead("mesh_join", lambda ask: {
                    "type": "roll_appended",
                    "roll": {"n": n + 5, "head": "ab" * 32}}, "guest"))
    tries = len(s.proxy.passed("guest", UP, "mesh_join"))
    check(tries < 30, "it was tried", tries, "times")
    return out


def lie_created_other(s):
    """another mesh made than the one that was asked for"""
    with s.proxy.rule(answer("mesh_create", lambda ask, f: f.update(
            meshId="b" * 32), "guest")):
        r = s.dave.cli("mesh", "create", "mine", "--broker", s.proxy.url,
                       code=None)
    equal(r.code, 1, "status of create")
    equal(s.dave.json("mesh", "list")["meshes"], [], "meshes")
    return "create: " + said(r), r.code


def lie_challenge_no_key(s):
    """a log key that is no key, to somebody who makes a mesh"""
    with s.proxy.rule(on(DOWN, "challenge",
                         lambda f: f.update(logKey="zz" * 32))):
        r = s.dave.cli("mesh", "create", "mine", "--broker", s.proxy.url,
                       code=None)
        check(r.code != 0, r)
    return "create: " + said(r), r.code


def lie_relayed(s):
    """one more broker in between, which hands all on to the real one: the
    proof names the URL that was dialled"""
    middle = mitm.Proxy(s.broker.url)
    try:
        url = s.link.replace(":%d/" % s.proxy.port, ":%d/" % middle.port)
        r = s.dave.cli("join", url, "--name", "dave", "-y", code=None)
        equal(r.code, 2, "status of join by a link that was changed")
        seen = "the link's address changed: " + said(r)
        r = s.dave.cli("mesh", "create", "mine", "--broker", middle.url,
                       code=None)
        if r.code == 0:
            until(lambda: [m for m in s.dave.json("mesh", "list")["meshes"]
                           if m["state"] == "refused"], 10, "refused")
            m = s.dave.json("mesh", "list")["meshes"][0]
            seen += "; a mesh made by way of it: " + m["warning"]
            s.dave.cli("mesh", "leave", "--forget", "-y", code=0)
        hellos = middle.passed("?", UP, "session_hello")
        check(hellos, "no hello was relayed")
        answers = [f for c, d, f in middle.seen if d == DOWN and
                   f.get("type") == "error" and f["code"] == "wrong_url"]
        check(answers, "the real broker took a relayed hello")
    finally:
        middle.close()
    return seen, "2, %d" % r.code


def lie_none(s):
    """none: Dave joins at last"""
    s.homes["dave"] = s.dave
    doc = s.dave.json("join", s.link, "--name", "dave", "-y")
    s.know("dave", doc)
    s.dave.up()
    s.honest((("alice", "dave"), ("dave", "bob")))
    return "joined", 0
