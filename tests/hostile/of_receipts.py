"""Receipts: what a sender is told of messages that Bob never got."""
from kit import (DOWN, UP, Stage, answer, check, equal, forge, instead, on,
                 swallow, until)


class Kept:
    """A message that the broker keeps for itself. It says it is stored."""

    def __init__(self, s, lie=None):
        self.s, self.lie = s, lie

    def keep(self, f):
        self.target = f["targetSpec"]
        ack = {"type": "ack", "id": f["id"], "messageId": f["id"],
               "queued": True, "recipients": [
                   {"targetSpec": self.target, "receipt": "stored"}]}
        if self.lie:
            self.lie(ack, f)
        return ack

    def __enter__(self):
        with self.s.proxy.rule(instead("send", self.keep, "alice", 1)):
            self.result, doc = self.s.send("alice", "bob", wait="stored",
                                           seconds=1)
        self.id = doc["id"]
        return self

    def __exit__(self, *exc):
        pass

    def told(self):
        """After all that was pushed was taken in."""
        self.s.honest((("alice", "bob"),))
        return self.s.receipt("alice", self.id)[0]

    def doc(self, key, **change):
        fields = {"mesh": self.s.mesh, "from": self.s.session["alice"].hex,
                  "by": key.hex, "rung": "delivered", "ids": [self.id],
                  "at": forge.iso()}
        fields.update(change)
        return key.doc("receipt", **fields)

    def receipt(self, doc):
        self.s.proxy.push("alice", {
            "type": "receipt", "doc": doc,
            "_session": self.s.session["alice"].hex})


def stage(world):
    """That what is forged below would be believed if Bob had signed it."""
    s = Stage(world)
    with Kept(s) as k:
        k.receipt(k.doc(s.session["bob"]))
        equal(k.told(), "delivered", "a receipt that is forged well")
    return s


def stays(s, make, rung="stored", wait=False):
    """A receipt is forged by make(kept): the sender is told no more."""
    with Kept(s) as k:
        make(k)
        equal(k.told(), rung, "what the sender is told")
        if not wait:
            return "sender: " + rung, k.result.code
        r = s.cli("alice", "message", "wait", k.id, "delivered",
                  "--timeout", "1s")
        equal(r.code, 1 if rung in ("expired", "refused") else 7, "status")
        return "sender: " + rung, r.code


def lie_ack_not_stored(s):
    """an ack for a message that was thrown away"""
    return stays(s, lambda k: None, wait=True)


def lie_ack_delivered(s):
    """an ack that says delivered, without evidence"""
    def lie(ack, f):
        ack["recipients"][0].update(receipt="delivered", at=forge.iso())
    with Kept(s, lie) as k:
        equal(k.told(), "stored", "what the sender is told")
    return "sender: stored", k.result.code


def lie_ack_answered(s):
    """an ack that says answered, as a duplicate, with an empty doc"""
    def lie(ack, f):
        ack["duplicate"] = True
        ack["recipients"][0].update(receipt="answered", doc="")
    with Kept(s, lie) as k:
        equal(k.told(), "stored", "what the sender is told")
    return "sender: stored", k.result.code


def lie_ack_others(s):
    """an ack that speaks of other targets and of none"""
    def lie(ack, f):
        ack["recipients"] = [{"targetSpec": s.member["mallory"].hex,
                              "receipt": "delivered"}]
    with Kept(s, lie) as k:
        told = k.told()
        equal(told, "queued", "what the sender is told")
    s.again("alice")		# it is sent again, by itself
    until(lambda: s.receipt("alice", k.id) == ["delivered"], 10,
          "the message sent again")
    return "sender: queued; sent again at the next connection", 0


def lie_ack_wrong_id(s):
    """an ack that names another message"""
    with Kept(s) as other:
        def lie(ack, f):
            ack["id"] = ack["messageId"] = other.id
            ack["recipients"][0]["receipt"] = "answered"
        with Kept(s, lie) as k:
            equal((k.told(), other.told()), ("stored", "stored"), "told")
    return "sender: stored", 0


def lie_ack_bob_forged(s):
    """an ack with a receipt that the broker signed itself"""
    def lie(ack, f):
        key = forge.Key()
        doc = {"mesh": s.mesh, "from": s.session["alice"].hex,
               "by": s.session["bob"].hex, "rung": "answered",
               "ids": [f["id"]], "at": forge.iso()}
        ack["recipients"][0].update(receipt="answered",
                                    doc=key.doc("receipt", **doc))
    with Kept(s, lie) as k:
        equal(k.told(), "stored", "what the sender is told")
    return "sender: stored", k.result.code


def lie_receipt_no_doc(s):
    """a receipt that says delivered, without doc"""
    return stays(s, lambda k: s.proxy.push("alice", {
        "type": "receipt", "messageId": k.id, "targetSpec": k.target,
        "receipt": "delivered"}))


def lie_receipt_other_key(s):
    """a receipt by Bob's session, signed by another key"""
    return stays(s, lambda k: k.receipt(
        k.doc(forge.Key(), by=s.session["bob"].hex)))


def lie_receipt_unknown_key(s):
    """a receipt by a session that nobody vouches for"""
    return stays(s, lambda k: k.receipt(k.doc(forge.Key())))


def lie_receipt_vouched(s):
    """a receipt by a session for which the broker vouches as Bob's"""
    key, liar = forge.Key(), forge.Key()

    def vouch(ask, f):
        if ask["pubkey"] != key.hex:
            return None
        att = liar.doc("attest", mesh=s.mesh, member=s.member["bob"].hex,
                       session=key.hex, name="bob", issuedAt=forge.iso(),
                       expiresAt=forge.iso(3600 * 1000))
        return [{"type": "session_info", "_reqId": f["_reqId"],
                 "pubkey": key.hex, "memberPubkey": s.member["bob"].hex,
                 "attestation": att, "online": True,
                 "lastSeenAt": forge.iso()}]
    with s.proxy.rule(answer("session_show", vouch, "alice")):
        return stays(s, lambda k: k.receipt(k.doc(key)))


def lie_receipt_mallory(s):
    """a receipt by Mallory's session for a message to Bob"""
    return stays(s, lambda k: k.receipt(k.doc(s.session["mallory"])), wait=True)


def lie_receipt_mallory_member(s):
    """a receipt signed by Mallory's member key"""
    return stays(s, lambda k: k.receipt(k.doc(s.member["mallory"])))


def lie_receipt_alice(s):
    """a receipt by Alice's own session for a message to Bob"""
    return stays(s, lambda k: k.receipt(k.doc(s.session["alice"])))


def lie_receipt_other_sender(s):
    """Bob's receipt for another sender's message of that id"""
    return stays(s, lambda k: k.receipt(k.doc(
        s.session["bob"], **{"from": s.session["mallory"].hex})))


def lie_receipt_other_mesh(s):
    """Bob's receipt in another mesh"""
    return stays(s, lambda k: k.receipt(k.doc(s.session["bob"],
                                              mesh="a" * 32)))


def lie_receipt_other_kind(s):
    """what Bob signed as a document of another kind"""
    def make(k):
        fields = forge.read_doc(k.doc(s.session["bob"]))
        k.receipt(s.session["bob"].doc("body", **fields))
    return stays(s, make)


def lie_receipt_other_id(s):
    """Bob's receipt for another message, with this one's id in the JSON"""
    def make(k):
        doc = k.doc(s.session["bob"], ids=["another-id-1"])
        raw = forge.base64.b64decode(doc)
        k.receipt(forge.b64(raw.replace(b"another-id-1", k.id.encode())))
    return stays(s, make)


def lie_receipt_nonsense(s):
    """receipts that are no documents, or of no known rung"""
    def make(k):
        bob = s.session["bob"]
        for doc in ("AAAA", "!", forge.b64(b"x" * 70), forge.b64(bytes(66)),
                    k.doc(bob, rung="stored"), k.doc(bob, rung="read"),
                    k.doc(bob, ids=[]), k.doc(bob, ids="x"),
                    k.doc(bob, at=5)):
            k.receipt(doc)
    return stays(s, make)


def lie_rung_raised(s):
    """Bob's real receipt, delivered made answered in its JSON"""
    held = []

    def keep(f):
        held.append(dict(f))
        raw = forge.base64.b64decode(f["doc"])
        f["doc"] = forge.b64(raw.replace(b'"delivered"', b'"answered"'))
    rule = on(DOWN, "receipt", keep, "alice", 1)
    with s.proxy.rule(rule):
        r, doc = s.send("alice", "bob", seconds=1)
    equal(r.code, 7, "status of send")
    equal(s.receipt("alice", doc["id"]), ["stored"], "told")
    s.proxy.push("alice", held[0])	# the truth, late
    until(lambda: s.receipt("alice", doc["id"]) == ["delivered"], 5, "truth")
    return "sender: stored; delivered when the real one comes", r.code


def lie_receipt_withheld(s):
    """Bob's receipt held back"""
    with s.proxy.rule(on(DOWN, "receipt", swallow, "alice", 1)):
        r, doc = s.send("alice", "bob", seconds=1)
    equal((r.code, s.receipt("alice", doc["id"])), (7, ["stored"]), "told")
    s.again("alice")		# asks message_status by itself
    until(lambda: s.receipt("alice", doc["id"]) == ["delivered"], 5, "status")
    return "sender: stored; delivered after the next connection", r.code


def lie_status_without_evidence(s):
    """message_status that says delivered, without evidence"""
    def lie(ask, f):
        return [{"type": "message_status_result", "_reqId": f["_reqId"],
                 "messageId": ask["messageId"], "delivered": True,
                 "deliveredAt": forge.iso(), "recipients": [
                     {"targetSpec": s.member["bob"].hex,
                      "receipt": "in_context", "at": forge.iso()}]}]
    with Kept(s) as k, s.proxy.rule(answer("message_status", lie, "alice")):
        s.again("alice")
        until(lambda: s.proxy.passed("alice", UP, "message_status"), 5,
              "message_status")
        equal(k.told(), "stored", "what the sender is told")
    return "sender: stored", 0


def lie_receipt_lowered(s):
    """an older or lower word on what was delivered"""
    f = s.mail()
    for word in ("expired", "refused", "stored", "queued"):
        s.proxy.push("alice", {"type": "receipt", "messageId": f["messageId"],
                               "targetSpec": f["targetSpec"],
                               "receipt": word})
    s.honest()
    equal(s.receipt("alice", f["messageId"]), ["delivered"], "told")
    return "sender: delivered, with Bob's signature", 0


def lie_expired(s):
    """a message called expired that was not even kept: its own word, which
    is all the evidence there is for it"""
    return stays(s, lambda k: s.proxy.push("alice", {
        "type": "receipt", "messageId": k.id, "targetSpec": k.target,
        "receipt": "expired"}), "expired", wait=True)


def lie_refused(s):
    """a message refused, with escapes in the reason"""
    def lie(ack, f):
        ack.update(queued=False, error="no")
        ack["recipients"][0].update(receipt="refused",
                                    reason="\x1b[2Jno\u202e")
    with Kept(s, lie) as k:
        equal(k.told(), "refused", "told")
        r = s.cli("alice", "message", "wait", k.id, "--timeout", "1s")
    equal(r.code, 1, "status")
    check("\x1b" not in r.out + r.err and "\u202e" not in r.out, r)
    return "sender: refused, the reason without escapes", r.code


def lie_error(s):
    """an error in place of an ack, with escapes"""
    def lie(f):
        return {"type": "error", "code": "forbidden", "id": f["id"],
                "message": "\x1b]0;x\x07no"}
    with s.proxy.rule(instead("send", lie, "alice", 1)):
        r = s.cli("alice", "send", "bob", "x")
    check("\x1b" not in r.out + r.err, r)
    equal(r.code, 1, "status")
    return "sender: " + r.out.strip().split(": ", 1)[1], r.code
