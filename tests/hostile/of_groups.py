"""Groups: what a broker does to what is said to many, and says of whom."""
from kit import (Stage, answer, check, equal, forge, instead, sees, until)


def stage(world):
    """Alice, Bob and Mallory are in @crew, Bob alone is not in @staff."""
    s = Stage(world)
    s.epoch = forge.epoch_key(s.alice, s.mesh)
    for who in s.homes:
        s.cli(who, "group", "join", "crew", code=0)
    for who in ("alice", "mallory"):
        s.cli(who, "group", "join", "staff", code=0)
    until(lambda: members(s, "crew") == 3 and members(s, "staff") == 2, 10,
          "everybody in their groups")
    # what is forged below would be believed if it were well made
    f = put(s, said(s, "@crew"))
    rows = s.arrived("bob", f["messageId"])
    equal([(r["verified"], r["text"], r["target"]) for r in rows],
          [(True, "believe me", "@crew")], "one that is forged well")
    return s


def members(s, group):
    return {g["name"]: g["members"]
            for g in s.json("alice", "group", "list")["groups"]}.get(group)


def said(s, label, signer=None, key_of=None, epoch=None, body=(), **change):
    """A push of what Alice might have said to a label."""
    doc = s.body(to=label, **dict(body))
    f = {"type": "push", "messageId": doc["id"], "meshId": s.mesh,
         "senderPubkey": s.session["alice"].hex,
         "senderMemberPubkey": s.member["alice"].hex, "senderName": "alice",
         "targetSpec": label, "priority": doc["priority"],
         "createdAt": forge.iso(), "epoch": 1}
    f.update(forge.seal_group(doc, signer or s.session["alice"],
                              epoch or s.epoch, key_of))
    f.update(change)
    return f


def put(s, frame, **change):
    """To Bob, as the next message: for his home session, if not said else."""
    return s.put("bob", dict(frame), **dict(
        {"_session": None, "sessions": [s.session["bob"].hex]}, **change))


def real(s, label="@crew"):
    """What Alice really says to a label; its push to Bob or to Mallory."""
    _, doc = s.send("alice", label, code=0, seconds=15)
    return s.caught("bob" if label == "@crew" else "mallory", doc["id"])


def unproven(s, f, problem):
    rows = s.arrived("bob", f["messageId"])
    equal(len(rows), 1, "rows")
    check(not rows[0]["verified"] and rows[0]["text"] == "", "shown:", rows)
    check(problem in rows[0]["problem"], "another problem:", rows)
    return sees(rows), 0


def once(s, f):
    s.honest()
    rows = s.inbox("bob", f["messageId"])
    equal([(r["verified"], r["receipt"]) for r in rows], [(True, "delivered")],
          "rows")
    return "the text once, verified", 0


# ---- to whom ----

def lie_to_somebody_outside(s):
    """a message to a group, put to a member who is not in it"""
    f = real(s, "@staff")
    put(s, f)
    rows = s.arrived("bob", f["messageId"])
    equal([(r["verified"], r["target"]) for r in rows], [(True, "@staff")],
          "shown for what it is")
    return "a message to @staff, said so", 0


def lie_for_nobody(s):
    """a message to a group, for no session or for somebody else's"""
    f = put(s, said(s, "@crew"), sessions=[])
    g = put(s, said(s, "@crew"), sessions=[s.session["alice"].hex, "0" * 64])
    s.honest()
    equal(s.inbox("bob", f["messageId"]) + s.inbox("bob", g["messageId"]), [],
          "rows")
    return "nothing", 0


def lie_another_label(s):
    """a message to a group, as one to another group"""
    f = put(s, real(s, "@staff"), targetSpec="@crew")
    return unproven(s, f, "does not decrypt")


def lie_another_label_inside(s):
    """a member seals what was said to one group for another"""
    f = put(s, said(s, "@staff", key_of="@crew", targetSpec="@crew"))
    return unproven(s, f, "names another to than its envelope")


def lie_to_a_group_as_to_one(s):
    """a message to a group, as direct mail"""
    f = real(s, "@staff")
    f = s.put("bob", f, targetSpec=s.session["bob"].hex, sessions=[], epoch=0)
    return unproven(s, f, "does not decrypt")


# ---- by whom, and how often ----

def lie_no_signature(s):
    """a member says to a group what nobody signed"""
    class Nobody:
        def sign(self, kind, raw):
            return bytes(64)
    f = put(s, said(s, "@crew", signer=Nobody()))
    return unproven(s, f, "not signed by the sender")


def lie_signed_by_another(s):
    """a member says to a group something in another's name"""
    f = put(s, said(s, "@crew", signer=s.session["mallory"]))
    return unproven(s, f, "not signed by the sender")


def lie_another_sender(s):
    """a message to a group, with another sender on its envelope"""
    f = put(s, real(s, "@staff"), senderPubkey=s.session["mallory"].hex,
            senderMemberPubkey=s.member["mallory"].hex)
    return unproven(s, f, "not signed by the sender")


def lie_raised_priority(s):
    """a message to a group, made urgent"""
    f = put(s, real(s, "@staff"), priority="now")
    return unproven(s, f, "names another priority than its envelope")


def lie_twice(s):
    """a message to a group, three times"""
    f = real(s)
    for _ in range(3):
        put(s, f)
    return once(s, f)


def lie_twice_named(s):
    """one push that names the same session twice"""
    me = s.session["bob"].hex
    f = put(s, said(s, "@crew"), sessions=[me, me])
    return once(s, f)


def lie_both_ways(s):
    """the same message by a group and by everybody: it is there once"""
    f = put(s, said(s, "@crew"))
    doc = s.body(to="*", id=f["messageId"])
    put(s, dict(f, targetSpec="*", **forge.seal_group(
        doc, s.session["alice"], s.epoch)))
    return once(s, f)


# ---- epochs ----

def lie_epoch_to_come(s):
    """a message to a group, under an epoch that the roll does not have"""
    f = put(s, real(s, "@staff"), epoch=7)
    return unproven(s, f, "the key of epoch 7 is not here")


def lie_no_epoch(s):
    """a message to a group that names no epoch"""
    f = put(s, real(s, "@staff"), epoch=0)
    return unproven(s, f, "the key of epoch 0 is not here")


def lie_another_epoch_inside(s):
    """a member seals under one epoch what says another"""
    f = put(s, said(s, "@crew", body={"epoch": 2}))
    return unproven(s, f, "names another epoch than its envelope")


def lie_key_of_nobody(s):
    """a message to a group under a key of the broker's own"""
    f = put(s, said(s, "@crew", epoch=bytes(32)))
    return unproven(s, f, "does not decrypt")


def lie_always_stale(s):
    """the epoch is said to be over, whatever it is"""
    def stale(f):
        return {"type": "error", "code": "epoch_stale", "message": "no",
                "field": "epoch", "id": f["id"]}
    with s.proxy.rule(instead("send", stale, "alice")):
        r, doc = s.send("alice", "@crew", wait="stored", seconds=1)
        told = [x["receipt"] for x in doc["recipients"]]
    equal(told, ["queued"], "what the sender is told")
    until(lambda: s.inbox("bob", doc["id"]), 20, "it goes out all the same")
    return "sender: queued", r.code


# ---- what is told to the sender ----

def told_of(s, change):
    """What Alice is told of a message to @crew, of whose ack the broker makes
    another."""
    def lie(asked, ack):
        if asked["targetSpec"] != "@crew":
            return None
        change(ack["recipients"][0], ack)
        return [ack]
    with s.proxy.rule(answer("send", lie, "alice")):
        r, doc = s.send("alice", "@crew", wait="stored", code=None)
    s.honest()
    return r, s.json("alice", "message", "status", doc["id"])


def lie_receipt_without_evidence(s):
    """all of a group are said to have it, without a signature"""
    with s.proxy.rule(answer("send", lambda a, f: [dict(f, recipients=[
            dict(x, receipt="delivered") for x in f["recipients"]])],
            "alice"), instead("client_ack", lambda f: None, "bob", 1),
            instead("client_ack", lambda f: None, "mallory", 1)):
        r, doc = s.send("alice", "@crew", wait="stored")
    equal({x["receipt"] for x in doc["recipients"]}, {"stored"}, "told")
    s.back("bob", "mallory")
    return "sender: stored", r.code


def lie_invented_member(s):
    """a session that nobody attested is said to be in the group, and signs"""
    ghost = forge.Key()

    def change(to, ack):
        to["sessions"].append(ghost.hex)
    r, doc = told_of(s, change)
    s.proxy.push("alice", {
        "type": "receipt", "_session": s.session["alice"].hex,
        "doc": ghost.doc("receipt", **{
            "mesh": s.mesh, "from": s.session["alice"].hex, "by": ghost.hex,
            "rung": "delivered", "ids": [doc["id"]], "at": forge.iso()})})
    s.honest()
    doc = s.json("alice", "message", "status", doc["id"])
    equal([(x["name"], x["receipt"]) for x in doc["recipients"]
           if x["key"] == ghost.hex], [(ghost.hex[:8], "stored")], "the ghost")
    return "sender: stored, a bare key", r.code


def lie_one_left_out(s):
    """Bob is said not to be in the group; he signs that he got it"""
    def change(to, ack):
        to["sessions"].remove(s.session["bob"].hex)
    r, doc = told_of(s, change)
    until(lambda: {"bob", "mallory"} <= {x["name"] for x in s.json(
        "alice", "message", "status", doc["id"])["recipients"]}, 15,
        "Bob is seen by his receipt")
    return "sender: delivered to Bob, by his signature", r.code


def lie_empty(s):
    """the group is said to be empty"""
    with s.proxy.rule(instead("send", lambda f: {
            "type": "ack", "id": f["id"], "messageId": f["id"],
            "queued": False, "recipients": [
                {"targetSpec": "@crew", "receipt": "empty"}]}, "alice", 1)):
        r, doc = s.send("alice", "@crew", wait="stored", code=0)
    equal((doc["recipients"], doc["empty"]), ([], ["@crew"]), "told")
    return "sender: nobody else is in @crew", r.code
