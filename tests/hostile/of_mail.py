"""Mail: what is done to a message between its sender and its receiver."""
import base64

from kit import check, equal, forge, sees, until


def once(s, id):
    """It is in Bob's inbox once, as it was."""
    rows = s.inbox("bob", id)
    equal([(r["verified"], r["receipt"]) for r in rows], [(True, "delivered")],
          "rows of the message")
    return "the text once, verified"


def unproven(s, f, problem, who="bob"):
    """It was put to somebody: no text, and this problem."""
    rows = s.arrived(who, f["messageId"])
    equal(len(rows), 1, "rows")
    check(not rows[0]["verified"], "shown as verified:", rows[0])
    check(problem in rows[0]["problem"], "another problem:", rows[0])
    r = s.cli(who, "inbox", "--all", "--limit", "1000", code=0)
    check("believe me" not in r.out, "the text is printed", r)
    return sees(rows), r.code


def nothing(s, f, who="bob"):
    """It was put to somebody: nothing is seen of it."""
    other = "alice" if who != "alice" else "bob"
    s.honest(((other, who),))
    equal(s.inbox(who, f["messageId"]), [], "rows of the message")
    return "nothing", 0


def failed(s, change, problem, told="failed", status=1):
    """A real message is changed on its way."""
    rows, receipt, code = s.tampered(change)
    equal(receipt, [told], "what the sender is told")
    equal(code, status, "exit status of send")
    check(problem in rows[0]["problem"], "another problem:", rows)
    return sees(rows) + "; sender: " + told, code


# ---- replay ----

def lie_replay_same_seq(s):
    """a push, again"""
    f = s.mail()
    s.proxy.push("bob", f)
    s.honest()
    return once(s, f["messageId"]), 0


def lie_replay_no_seq(s):
    """a push, again, without seq"""
    f = s.mail()
    s.proxy.push("bob", dict(f, seq=0))
    s.honest()
    return once(s, f["messageId"]), 0


def lie_replay_new_seq(s):
    """a push, again, as a new message of the same id"""
    f = s.mail()
    for _ in range(3):
        s.put("bob", f)
    s.honest()
    return once(s, f["messageId"]), 0


def lie_replay_new_id(s):
    """a push, again, under a new message id"""
    f = s.put("bob", s.mail(), messageId="another-id-1")
    return unproven(s, f, "names another id than its envelope")


def lie_replay_after_restart(s):
    """a push, again, after the receiver's daemon was killed and started"""
    f = s.mail()
    s.back("bob")
    s.put("bob", f)
    s.honest()
    return once(s, f["messageId"]), 0


def lie_replay_read(s):
    """a push, again, after it was read"""
    f = s.mail()
    s.cli("bob", "inbox", "--read", "--limit", "1000", code=0)
    s.put("bob", f)
    s.honest((("alice", "bob"),))
    rows = [r for r in s.json("bob", "inbox", "--limit", "1000")["messages"]
            if r["id"] == f["messageId"]]
    equal(rows, [], "unread again")
    return once(s, f["messageId"]) + ", still read", 0


def lie_replay_old(s):
    """a message of 61 days ago, whose id nobody remembers"""
    body = s.body(sentAt=forge.iso(-61 * 86400 * 1000))
    f = s.put("bob", s.push_of(body))
    return unproven(s, f, "older than 60 days")


# ---- another place ----

def second_mesh(s):
    """Alice and Bob meet in a second mesh, too."""
    if "bob2" not in s.homes:
        url = s.alice.json("mesh", "create", "other", "--broker", s.proxy.url,
                           "--name", "alice")
        s.other = url["mesh"]["id"]
        link = s.alice.invite("--mesh", "other")
        doc = s.bob.json("join", link, "--name", "bob", "-y")
        s.homes["bob2"] = s.bob
        s.member["bob2"] = forge.member_key(s.bob, s.other)
        s.session["bob2"] = s.session["bob"]	# put() wants one
        s.proxy.members[doc["member"]["id"]] = "bob2"
        until(lambda: s.proxy.passed("bob2", "down", "hello_ack"), 5, "hello")
    return s.other


def lie_other_mesh(s):
    """a message of one mesh pushed in another"""
    other = second_mesh(s)
    f = s.mail()
    before = len(s.inbox("bob")) + len(s.bob.inbox("--mesh", "other", "--all"))
    s.put("bob2", f)
    s.put("bob2", f, meshId=other)
    s.honest()
    s.alice.json("send", "bob", "in the other mesh", "--mesh", "other",
                 "--wait", "delivered", code=0)
    after = len(s.inbox("bob")) + len(s.bob.inbox("--mesh", "other", "--all"))
    equal(after, before + 2, "messages in all")
    return once(s, f["messageId"]) + ", in its own mesh", 0


def lie_other_mesh_target(s):
    """a message of one mesh pushed in another, to Bob's key there"""
    other = second_mesh(s)
    f = s.mail()
    s.put("bob2", f, meshId=other, targetSpec=s.member["bob2"].hex)
    rows = until(lambda: [r for r in s.bob.inbox("--mesh", "other", "--all")
                          if r["id"] == f["messageId"]], 5, "the row")
    check("does not decrypt" in rows[0]["problem"], rows)
    return sees(rows), 0


def lie_relabelled_mesh(s):
    """a message whose envelope names another mesh"""
    return nothing(s, s.put("bob", s.push_of(s.body()), meshId=second_mesh(s)))


def lie_signed_for_other_mesh(s):
    """a body that Alice signed for another mesh of hers and Bob's"""
    body = s.body(mesh=second_mesh(s))
    return unproven(s, s.put("bob", s.push_of(body)), "another mesh")


def lie_redirect(s):
    """Alice's message to Bob, given to Mallory"""
    return nothing(s, s.put("mallory", s.mail()), "mallory")


def lie_redirect_relabelled(s):
    """Alice's message to Bob, given to Mallory as hers"""
    f = s.put("mallory", s.mail(), targetSpec=s.member["mallory"].hex)
    return unproven(s, f, "does not decrypt", "mallory")


def lie_redirect_session(s):
    """a message to Bob's member key, given to his session"""
    rows, told, code = s.tampered(
        lambda f: f.update(targetSpec=s.session["bob"].hex))
    check("does not decrypt" in rows[0]["problem"], rows)
    check(told != ["delivered"] and code != 0, told, code)
    return sees(rows) + "; sender: " + told[0], code


def lie_redirect_nobody(s):
    """a message whose target is nobody here"""
    rows, told, code = s.tampered(
        lambda f: f.update(targetSpec="ab" * 32), 1)
    equal((rows, told, code), ([], ["stored"], 7), "outcome")
    return "nothing; sender: stored", code


def lie_reflect(s):
    """Alice's message to Bob, given back to Alice"""
    f = s.put("alice", s.mail(), targetSpec=s.member["alice"].hex)
    return unproven(s, f, "does not decrypt", "alice")


def lie_reflect_as_bob(s):
    """Alice's message to Bob, given back to Alice as his"""
    f = s.put("alice", s.mail(), targetSpec=s.member["alice"].hex,
              senderPubkey=s.session["bob"].hex,
              senderMemberPubkey=s.member["bob"].hex, senderName="bob")
    return unproven(s, f, "does not decrypt", "alice")


def lie_reflect_session(s):
    """Alice's message to Bob's session, given back as from that session:
    the same two keys, the same shared secret"""
    body = s.body(to=s.session["bob"].hex)
    f = s.push_of(body, targetSpec=s.session["alice"].hex,
                  senderPubkey=s.session["bob"].hex,
                  senderMemberPubkey=s.member["bob"].hex, senderName="bob")
    return unproven(s, s.put("alice", f), "not signed by the sender", "alice")


def lie_forwarded(s):
    """what Alice signed for Mallory, sealed anew for Bob by Mallory"""
    body = s.body(b="mallory")
    f = s.push_of(body, boxer=s.session["mallory"], b="bob")
    sealed = forge.seal_body(body, s.session["alice"], s.session["mallory"],
                             s.member["bob"].hex)
    f.update(sealed, targetSpec=s.member["bob"].hex)
    one = unproven(s, s.put("bob", f), "does not decrypt")
    body["id"] += "b"
    f.update(messageId=body["id"], senderPubkey=s.session["mallory"].hex,
             senderMemberPubkey=s.member["mallory"].hex,
             senderName="mallory")
    two = unproven(s, s.put("bob", f), "not signed by the sender")
    return one[0] + "; " + two[0], 0


# ---- the envelope ----

def lie_priority(s):
    """the priority raised to now"""
    return failed(s, lambda f: f.update(priority="now"), "another priority")


def lie_sender_key(s):
    """another sender's session key"""
    rows, told, code = s.tampered(
        lambda f: f.update(senderPubkey=s.session["mallory"].hex), 1)
    check("does not decrypt" in rows[0]["problem"], rows)
    equal((told, code), (["stored"], 7), "sender")
    return sees(rows) + "; sender: stored", code


def lie_sender_garbage(s):
    """a sender's key that is no key"""
    rows, told, code = s.tampered(
        lambda f: f.update(senderPubkey="zz"), 1)
    check("no key" in rows[0]["problem"], rows)
    equal((told, code), (["stored"], 7), "sender")
    return sees(rows) + "; sender: stored", code


def lie_sender_member(s):
    """another sender's member key"""
    return failed(s, lambda f: f.update(
        senderMemberPubkey=s.member["mallory"].hex), "names another member")


def lie_sender_name(s):
    """another sender's name"""
    rows, told, code = s.tampered(lambda f: f.update(senderName="mallory"))
    equal(([r["from"] for r in rows], told, code),
          (["alice"], ["delivered"], 0), "outcome")
    return sees(rows) + "; sender: delivered", code


def lie_created_at(s):
    """another time of storing"""
    rows, told, code = s.tampered(
        lambda f: f.update(createdAt="2001-01-01T00:00:00.000Z"))
    equal((told, code), (["delivered"], 0), "sender")
    check(rows[0]["sent_at"] > "2020", rows)
    return sees(rows) + ", its own sentAt; sender: delivered", code


def lie_system(s):
    """a message declared an event"""
    rows, told, code = s.tampered(
        lambda f: f.update(subtype="system", event="peer_left"), 1)
    equal((rows, told, code), ([], ["stored"], 7), "outcome")
    return "nothing; sender: stored", code


def lie_from_mallory_as_alice(s):
    """a body that Mallory signed, saying from Alice, as Alice's"""
    body = s.body()
    f = s.put("bob", s.push_of(body, signer=s.session["mallory"]))
    return unproven(s, f, "does not decrypt")


def lie_from_alice_as_mallory(s):
    """a body that Mallory signed, saying from Alice, as Mallory's"""
    f = s.put("bob", s.push_of(s.body(), a="mallory"))
    return unproven(s, f, "another from")


# ---- the ciphertext ----

def changed(f, fn):
    raw = bytearray(base64.b64decode(f["ciphertext"]))
    f["ciphertext"] = forge.b64(bytes(fn(raw)))


def flip(raw):
    raw[len(raw) // 2] ^= 1
    return raw


def lie_bit(s):
    """one bit of the ciphertext flipped"""
    return failed(s, lambda f: changed(f, flip), "does not decrypt")


def lie_truncated(s):
    """the ciphertext cut short"""
    return failed(s, lambda f: changed(f, lambda r: r[:-1]),
                  "does not decrypt")


def lie_empty(s):
    """no ciphertext at all"""
    return failed(s, lambda f: f.update(ciphertext="", nonce=""),
                  "does not decrypt")


def lie_not_base64(s):
    """a ciphertext that is no base64"""
    return failed(s, lambda f: f.update(ciphertext="\u00e4" * 99),
                  "does not decrypt")


def lie_nonce(s):
    """another nonce"""
    return failed(s, lambda f: f.update(nonce=forge.b64(bytes(24))),
                  "does not decrypt")


def lie_first(s):
    """junk under the id of a message that is held back until after it"""
    held = []
    rule_row = s.body()
    held.append(s.push_of(rule_row))
    s.put("bob", dict(held[0], ciphertext="AAAA"))
    s.put("bob", held[0])
    s.honest()
    return unproven(s, held[0], "does not decrypt")


# ---- what is shown ----

def lie_escapes(s):
    """terminal escapes in the sender's name of a spoiled message"""
    f = s.put("bob", s.push_of(s.body()), ciphertext="AAAA",
              senderName="\x1b]0;owned\x07\x1b[2Jalice\u202e\u0085")
    out = unproven(s, f, "does not decrypt")
    r = s.cli("bob", "inbox", "--all", "--limit", "1000", code=0)
    for bad in ("\x1b", "\x07", "\u202e", "\u0085"):
        check(bad not in r.out + r.err, "printed: %r" % bad)
    check("NOT VERIFIED" in r.out, r)
    return out[0] + "; printed without escapes, NOT VERIFIED", r.code
