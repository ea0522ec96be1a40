"""The roll: acts that are hidden, exchanged, reordered or forged. Bob is lied
to, Alice is not."""
from kit import (DOWN, Stage, answer, check, equal, forge, instead, on, said,
                 swallow, until)


def stage(world):
    s = Stage(world)
    s.turn = 0
    return s


def grow(s, quiet=False):
    """Alice writes one more act; quiet: Bob is not told."""
    s.turn += 1
    rules = [on(DOWN, "roll_changed", swallow, "bob")] if quiet else []
    with s.proxy.rule(*rules):
        s.json("alice", "mesh", "settings", "--send-rate", str(1000 + s.turn))
    return s.acts()


def acts_at(s, who):
    doc = s.homes[who].json("mesh", "list")["meshes"]
    return [m for m in doc if m["slug"] == "team"][0]


def shows(s, acts):
    """To Bob the roll is this one."""
    p = forge.point(acts)

    def page(ask):
        return {"type": "roll_page", "meshId": s.mesh, "from": ask["from"],
                "acts": acts[ask["from"]:], "roll": p}

    def ack(ask, f):
        f["roll"] = p
    return s.proxy.rule(instead("roll_get", page, "bob"),
                        answer("session_hello", ack, "bob"),
                        on(DOWN, "roll_changed", swallow, "bob"))


def refused(s, text, n=None, whole=False):
    """Bob's link is refused for that reason; what he can do and cannot; then
    the broker repents and his daemon is started again."""
    until(lambda: s.state("bob")[0] == "refused", 10,
          lambda: "refused: %s" % (s.state("bob"),))
    reason = s.state("bob")[1]
    check(text in reason, "another reason:", reason)
    if n is not None:
        equal(acts_at(s, "bob")["acts"], n, "acts known to Bob")
    check(acts_at(s, "bob")["warning"], "no warning in mesh list")
    r = s.bob.cli("status", code=1)
    check(text in r.out, "status:", r)
    r = s.cli("bob", "peers", code=6)
    s.cli("bob", "inbox", "--all", code=0)
    seen, codes = "peers: " + said(r), "6"
    if whole:
        r = s.cli("bob", "send", "alice", "while it is refused", code=0)
        check(r.out.startswith("alice: queued"), r)
        seen, codes = seen + "; send: queued", "6; send: 0"
        # restarted, it looks again, and is refused again
        s.bob.restart()
        until(lambda: s.state("bob")[0] == "refused", 10, "refused again")
    s.repent()
    s.back("bob")
    if whole:
        until(lambda: [m for m in s.inbox("alice")
                       if m["text"] == "while it is refused"], 10, "mail")
    return seen, codes


def twin(s, acts, n):
    """The same roll up to act n, and then another act n that its owner did
    sign: the second history of one mesh."""
    owner = forge.owner_key(s.alice, forge.act_json(acts[0])["nonce"])
    other = forge.make_act(n, forge.act_hash(acts[n - 1]), "settings", owner,
                           sendRate=7)
    return acts[:n] + [other]


def lie_shorter(s):
    """the last act hidden from one who knows it"""
    acts = grow(s)
    until(lambda: acts_at(s, "bob")["acts"] == len(acts), 5, "the act")
    with shows(s, acts[:-1]):
        s.proxy.cut("bob")
        return refused(s, "shorter roll", len(acts), True)


def lie_shorter_same_length(s):
    """the last act exchanged for another one that the owner signed"""
    acts = grow(s)
    until(lambda: acts_at(s, "bob")["acts"] == len(acts), 5, "the act")
    with shows(s, twin(s, acts, len(acts) - 1)):
        s.proxy.cut("bob")
        return refused(s, "hash differs", len(acts))


def lie_forked_longer(s):
    """an act exchanged for another, and the roll grown beyond"""
    acts = grow(s)
    until(lambda: acts_at(s, "bob")["acts"] == len(acts), 5, "the act")
    other = twin(s, acts, len(acts) - 1)
    other = twin(s, other, len(other))
    with shows(s, other):
        s.proxy.push("bob", {"type": "roll_changed", "meshId": s.mesh,
                             "roll": forge.point(other)})
        return refused(s, "roll_forked", len(acts))


def lie_reordered(s):
    """two new acts in another order"""
    grow(s, True)
    acts = grow(s, True)
    with shows(s, acts[:-2] + [acts[-1], acts[-2]]):
        s.proxy.cut("bob")
        return refused(s, "roll_forked", len(acts) - 2)


def lie_left_out(s):
    """one of two new acts left out"""
    grow(s, True)
    acts = grow(s, True)
    with shows(s, acts[:-2] + [acts[-1]]):
        s.proxy.cut("bob")
        return refused(s, "roll_forked", len(acts) - 2)


def spoiled(act, at):
    raw = bytearray(forge.act_bytes(act))
    raw[at] ^= 1
    return forge.b64(bytes(raw))


def lie_bad_signature(s):
    """a new act with one bit of its signature changed"""
    acts = grow(s, True)
    with shows(s, acts[:-1] + [spoiled(acts[-1], 5)]):
        s.proxy.cut("bob")
        return refused(s, "does not verify", len(acts) - 1)


def lie_changed_text(s):
    """a new act with one letter changed"""
    acts = grow(s, True)
    with shows(s, acts[:-1] + [spoiled(acts[-1], -3)]):
        s.proxy.cut("bob")
        return refused(s, "roll_forked", len(acts) - 1)


def forged_act(s, kind, *signers, **fields):
    acts = s.acts()
    until(lambda: acts_at(s, "bob")["acts"] == len(acts), 5, "the acts")
    return acts + [forge.make_act(len(acts), forge.act_hash(acts[-1]), kind,
                                  *signers, **fields)]


def lie_broker_admin(s):
    """an act by the broker's own key that makes Mallory an admin"""
    with shows(s, forged_act(s, "admin", forge.Key(), name="mallory",
                             member=s.member["mallory"].hex)):
        s.proxy.cut("bob")
        return refused(s, "roll_forked")


def lie_mallory_admin(s):
    """an act by Mallory that makes herself an admin"""
    with shows(s, forged_act(s, "admin", s.member["mallory"], name="mallory",
                             member=s.member["mallory"].hex)):
        s.proxy.cut("bob")
        return refused(s, "may not sign a admin act")


def lie_member_added(s):
    """a member of the broker's, with an invite by Mallory"""
    invite = forge.Key()
    with shows(s, forged_act(s, "invite", s.member["mallory"], uses=9,
                             invite=invite.hex, role="member",
                             expiresAt=forge.iso(10 ** 8))):
        s.proxy.cut("bob")
        return refused(s, "may not sign a invite act")


def lie_join_without_invite(s):
    """a member of the broker's, joined by an invite that is in no act"""
    key, invite = forge.Key(), forge.Key()
    with shows(s, forged_act(s, "join", key, invite, invite=invite.hex,
                             member=key.hex, name="eve")):
        s.proxy.cut("bob")
        return refused(s, "roll_forked")


def lie_alice_out(s):
    """an act that Alice leaves, signed by Mallory"""
    acts = s.acts()
    raw = forge.make_act(len(acts), forge.act_hash(acts[-1]), "leave",
                         s.member["mallory"])
    doc = dict(forge.act_json(raw), author=s.member["alice"].hex)
    text = forge.json.dumps(doc).encode()
    act = forge.b64(b"\1" + s.member["mallory"].sign("act", text) + text)
    with shows(s, acts + [act]):
        s.proxy.cut("bob")
        return refused(s, "does not verify")


def lie_unknown_kind(s):
    """an act of a kind that this version does not know"""
    owner = forge.owner_key(s.alice, forge.act_json(s.acts()[0])["nonce"])
    with shows(s, forged_act(s, "abolish", owner)):
        s.proxy.cut("bob")
        return refused(s, "roll_forked")


def lie_other_mesh_roll(s):
    """another mesh's roll, under this one's id"""
    if not hasattr(s, "other"):
        s.alice.json("mesh", "create", "other", "--broker", s.proxy.url,
                     "--name", "alice")
        s.other = s.proxy.passed("guest", "up", "mesh_create")[-1]["acts"]
    with shows(s, s.other):
        s.proxy.cut("bob")
        return refused(s, "shorter roll")


def lie_held_back(s):
    """a longer roll announced, and no more acts shown"""
    acts = s.acts()
    p = {"n": len(acts) + 3, "head": "ab" * 32}
    with s.proxy.rule(instead("roll_get", lambda ask: {
            "type": "roll_page", "meshId": s.mesh, "from": ask["from"],
            "acts": acts[ask["from"]:], "roll": p}, "bob")):
        s.proxy.push("bob", {"type": "roll_changed", "meshId": s.mesh,
                             "roll": p})
        return refused(s, "holds acts back", len(acts))


def lie_page_of_other_mesh(s):
    """a page of another mesh in answer"""
    acts = s.acts()
    with s.proxy.rule(instead("roll_get", lambda ask: {
            "type": "roll_page", "meshId": "b" * 32, "from": ask["from"],
            "acts": [], "roll": forge.point(acts)}, "bob")):
        s.proxy.push("bob", {"type": "roll_changed", "meshId": s.mesh,
                             "roll": {"n": len(acts) + 1, "head": "ab" * 32}})
        return refused(s, "another mesh's")


def lie_page_elsewhere(s):
    """a page that begins elsewhere than asked for"""
    acts = grow(s, True)
    with s.proxy.rule(instead("roll_get", lambda ask: {
            "type": "roll_page", "meshId": s.mesh, "from": len(acts) + 7,
            "acts": acts[-1:], "roll": forge.point(acts)}, "bob")):
        s.proxy.push("bob", {"type": "roll_changed", "meshId": s.mesh,
                             "roll": forge.point(acts)})
        # the act is the right one all the same: it follows, it is signed
        until(lambda: acts_at(s, "bob")["acts"] == len(acts), 5, "the act")
    return "nothing: the act that came follows and is signed", 0


# ---- lies that do no harm ----

def lie_changed_shorter(s):
    """news of a shorter roll, and of another mesh's"""
    acts = grow(s)
    until(lambda: acts_at(s, "bob")["acts"] == len(acts), 5, "the act")
    s.proxy.push("bob", {"type": "roll_changed", "meshId": s.mesh,
                         "roll": forge.point(acts[:2])})
    s.proxy.push("bob", {"type": "roll_changed", "meshId": "b" * 32,
                         "roll": {"n": 99, "head": "ab" * 32}})
    s.honest()
    equal((s.state("bob")[0], acts_at(s, "bob")["acts"]), ("up", len(acts)),
          "Bob's roll")
    return "nothing: the acts known stay known", 0


def lie_append_not_stored(s):
    """an act of Alice's acknowledged and thrown away"""
    acts = s.acts()

    def lie(ask):
        return {"type": "roll_appended", "roll": {
            "n": len(acts) + 1, "head": forge.act_hash(ask["act"])}}
    with s.proxy.rule(instead("roll_append", lie, "alice", 1)):
        r = s.cli("alice", "mesh", "settings", "--send-burst", "9")
    equal(r.code, 0, "status of settings")
    # from now on the broker has a shorter roll than she knows
    s.proxy.cut("alice")
    until(lambda: s.state("alice")[0] == "refused", 10, "refused")
    reason = s.state("alice")[1]
    check("shorter roll" in reason, reason)
    q = s.cli("alice", "mesh", "settings", "--send-burst", "10")
    equal(q.code, 6, "status of settings")
    undo(s, "alice", len(acts))
    return "settings: done; then mesh list: " + reason, "%d, then %d" % (
        r.code, q.code)


def undo(s, who, n):
    """Its daemon forgets acts from n: the broker will never show them."""
    h = s.homes[who]
    h.stop()
    db = forge.sqlite3.connect(h.dir + "/daemon.db")
    with db:
        db.execute("DELETE FROM act WHERE n >= ? AND mesh ="
                   " (SELECT no FROM mesh WHERE slug = 'team')", (n,))
        db.execute("UPDATE mesh SET warning = ''")
    db.close()
    h.start()
    h.up()


def lie_append_other_head(s):
    """an act of Alice's acknowledged under another hash"""
    acts = s.acts()
    with s.proxy.rule(instead("roll_append", lambda ask: {
            "type": "roll_appended",
            "roll": {"n": len(acts) + 1, "head": "ab" * 32}}, "alice", 1)):
        r = s.cli("alice", "mesh", "settings", "--send-burst", "11")
    equal(r.code, 4, "status of settings: %s" % r)
    check("another roll" in r.err, r)
    undo(s, "alice", len(acts))
    return "settings: " + said(r), r.code


# ---- two members, two rolls: what the mail tells ----

def lie_hidden_from_one(s):
    """the newest act kept from Bob, until Alice writes to him"""
    grow(s)
    acts = grow(s, True)
    with shows(s, acts[:-1]):
        s.again("bob")
        s.bob.up()
        check(not acts_at(s, "bob")["warning"], "warned already")
        s.honest((("alice", "bob"),))
        warning = until(lambda: acts_at(s, "bob")["warning"], 5, "a warning")
    check("different rolls" in warning, warning)
    d = s.bob.cli("status", code=1)
    check("different rolls" in d.out, "status:", d)
    s.repent()
    undo(s, "bob", len(acts) - 1)
    return "the text, verified; status: " + warning, d.code


def lie_two_histories(s):
    """an act for Alice, another one for Bob, both signed by the owner"""
    acts = grow(s, True)
    with shows(s, twin(s, acts, len(acts) - 1)):
        s.again("bob")
        s.bob.up()
        check(not acts_at(s, "bob")["warning"], "warned already")
        s.honest((("alice", "bob"),))
        warning = until(lambda: acts_at(s, "bob")["warning"], 5, "a warning")
    check("different rolls" in warning, warning)
    s.repent()
    undo(s, "bob", len(acts) - 1)
    return "the text, verified; status: " + warning, 1
