"""Keys: who the broker says is who. Alice is told of sessions that are not what
they are called, and mail from them."""
from kit import (DOWN, Stage, answer, check, equal, forge, instead, on, said,
                 sees, until)

HOUR = 3600 * 1000


def stage(world):
    s = Stage(world)
    s.fresh = 0
    return s


def attest(s, member, session, name, begin=0, life=12 * HOUR, mesh=None,
           claim=None):
    return member.doc("attest", mesh=mesh or s.mesh, member=claim or member.hex,
                      session=session.hex, name=name,
                      issuedAt=forge.iso(begin),
                      expiresAt=forge.iso(begin + life))


def peer(session, member, attestation, name, **more):
    p = {"pubkey": session.hex, "memberPubkey": member.hex,
         "displayName": name, "attestation": attestation, "status": "idle",
         "online": True, "visible": True}
    p.update(more)
    return p


def listing(s, *peers, drop=(), change=None):
    """Alice's lists have these peers in addition."""
    def lie(ask, f):
        f["peers"] = [p for p in f["peers"] if p["pubkey"] not in drop]
        for p in f["peers"]:
            if change:
                change(p)
        f["peers"] += peers
    return s.proxy.rule(answer("list_peers", lie, "alice"))


def shown(s, key):
    """What `peers` says of a session key."""
    r = s.cli("alice", "peers", "--json", code=0)
    return [p for p in r.json()["peers"] if p["key"] == key.hex]


def not_shown(s, key, p, name="bob-laptop"):
    """It is in no list, and its name means nobody."""
    with listing(s, p):
        equal(shown(s, key), [], "peers")
        r = s.cli("alice", "send", name, "for bob only")
        equal(r.code, 3, "status of send")
        check(key.hex not in str(s.proxy.passed("alice", "up", "send")),
              "something was sent to it")
        return "nothing; send: " + said(r), r.code


def lie_session_non_member(s):
    """a session of Bob's, vouched for by a key that is no member's"""
    key, nobody = forge.Key(), forge.Key()
    return not_shown(s, key, peer(key, s.member["bob"], attest(
        s, nobody, key, "bob-laptop"), "bob-laptop"))


def lie_session_unsigned(s):
    """a session of Bob's, vouched for in his name by another key"""
    key, nobody = forge.Key(), forge.Key()
    return not_shown(s, key, peer(key, s.member["bob"], attest(
        s, nobody, key, "bob-laptop", claim=s.member["bob"].hex),
        "bob-laptop"))


def lie_session_other_mesh(s):
    """a session that Bob's key vouched for in another mesh"""
    key = forge.Key()
    return not_shown(s, key, peer(key, s.member["bob"], attest(
        s, s.member["bob"], key, "bob-laptop", mesh="b" * 32), "bob-laptop"))


def lie_session_other_key(s):
    """another session key with the attestation of Bob's"""
    key = forge.Key()
    att = s.proxy.passed("bob", "up", "session_hello")[-1]["attestation"]
    return not_shown(s, key, peer(key, s.member["bob"], att, "bob-laptop"))


def lie_session_other_kind(s):
    """a session vouched for by what Bob signed as another kind"""
    key = forge.Key()
    fields = forge.read_doc(attest(s, s.member["bob"], key, "bob-laptop"))
    att = s.member["bob"].doc("hello", **fields)
    return not_shown(s, key, peer(key, s.member["bob"], att, "bob-laptop"))


def lie_bob_exchanged(s):
    """Bob's own session shown with another key"""
    key, nobody = forge.Key(), forge.Key()

    def change(p):
        if p["pubkey"] == s.session["bob"].hex:
            p.update(pubkey=key.hex, attestation=attest(
                s, nobody, key, "bob", claim=s.member["bob"].hex))
    with listing(s, change=change):
        equal(shown(s, key), [], "peers")
        r, doc = s.send("alice", "bob", code=0)
    sent = s.proxy.passed("alice", "up", "send")[-1]
    equal(sent["targetSpec"], s.member["bob"].hex, "target")
    return "Bob is missing; send bob goes to the key in the roll", r.code


def lie_mallory_as_bob(s):
    """Mallory's session, called bob by Mallory"""
    key = forge.Key()
    p = peer(key, s.member["bob"], attest(s, s.member["mallory"], key, "bob"),
             "bob", home=False)
    with listing(s, p):
        rows = shown(s, key)
        equal([(r["name"], r["member"]) for r in rows], [("bob", "mallory")],
              "peers")
        r = s.cli("alice", "send", "bob", "for bob only")
    equal(r.code, 5, "status of send")
    check(key.hex not in str(s.proxy.passed("alice", "up", "send")), "sent")
    # it is known now; by his key Bob is still reached
    s.send("alice", s.member["bob"].hex, code=0)
    # gone again
    forget(s, key)
    return "bob, of member mallory; send: " + said(r), r.code


def forget(s, key):
    """Alice's daemon shall not remember it for the lies that follow."""
    s.alice.stop()
    db = forge.sqlite3.connect(s.alice.dir + "/daemon.db")
    with db:
        db.execute("DELETE FROM peer WHERE key = ?", (key.hex,))
    db.close()
    s.alice.start()
    s.alice.up()


def lie_mallory_labelled_bob(s):
    """Mallory's real session, labelled as Bob's"""
    def change(p):
        if p["pubkey"] == s.session["mallory"].hex:
            p.update(displayName="bob", memberPubkey=s.member["bob"].hex)
    with listing(s, change=change):
        rows = shown(s, s.session["mallory"])
        equal([(r["name"], r["member"], r["member_key"]) for r in rows],
              [("mallory", "mallory", s.member["mallory"].hex)], "peers")
    return "mallory, of member mallory", 0


def lie_claimed_session(s):
    """Bob's session key, vouched for by Mallory, after Alice knew it"""
    att = attest(s, s.member["mallory"], s.session["bob"], "mallory-2")

    def change(p):
        if p["pubkey"] == s.session["bob"].hex:
            p.update(attestation=att, memberPubkey=s.member["mallory"].hex)
    with listing(s, change=change):
        rows = shown(s, s.session["bob"])
        equal([(r["name"], r["member"]) for r in rows], [("bob", "bob")],
              "peers")
        s.honest()
    return "bob, of member bob", 0


def lie_claimed_session_first(s):
    """Bob's new session key, vouched for by Mallory before Alice knew it, and
    mail from it"""
    real = s.mail("bob", "alice")
    body = forge.open_body(real, s.session["bob"], s.member["alice"].hex)
    equal(body["member"], s.member["bob"].hex, "member in a real body")
    key = forge.Key()
    att = attest(s, s.member["mallory"], key, "mallory-2")
    body = s.body("bob", "alice", **{"from": key.hex})
    body["member"] = s.member["bob"].hex
    f = s.push_of(body, "bob", "alice", signer=key, senderPubkey=key.hex,
                  senderMemberPubkey=s.member["mallory"].hex)
    with s.proxy.rule(vouching(s, key, att)):
        s.put("alice", f)
        rows = s.arrived("alice", body["id"])
    check("another member" in rows[0].get("problem", ""), rows)
    forget(s, key)
    return sees(rows), 0


def lie_session_expired(s):
    """a session of Bob's whose attestation ran out, shown as online"""
    key = forge.Key()
    att = attest(s, s.member["bob"], key, "bob-old", -48 * HOUR)
    with listing(s, peer(key, s.member["bob"], att, "bob-old")):
        rows = shown(s, key)
        check(not any(r["online"] for r in rows), "shown as online:", rows)
    forget(s, key)
    return "a session that is not online", 0


def lie_session_long(s):
    """a session of Bob's, attested for a year"""
    key = forge.Key()
    return not_shown(s, key, peer(key, s.member["bob"], attest(
        s, s.member["bob"], key, "bob-laptop", 0, 365 * 24 * HOUR),
        "bob-laptop"))


def lie_attestation_older(s):
    """the newest attestation of a session replaced by an older one, with a
    name it no longer has"""
    key = forge.Key()
    new = attest(s, s.member["bob"], key, "bob-new")
    old = attest(s, s.member["bob"], key, "bob-old", -6 * HOUR)
    with listing(s, peer(key, s.member["bob"], new, "bob-new")):
        equal([r["name"] for r in shown(s, key)], ["bob-new"], "peers")
    with listing(s, peer(key, s.member["bob"], old, "bob-old")):
        equal([r["name"] for r in shown(s, key)], ["bob-new"], "peers")
        r = s.cli("alice", "send", "bob-old", "x")
        equal(r.code, 3, "status of send")
    forget(s, key)
    return "the newer name; send: " + said(r), r.code


# ---- mail from such keys ----

def vouching(s, key, att):
    """session_show of this key answers so; att None: there is none."""
    def make(ask):
        if att is None:
            return {"type": "error", "code": "no_peer", "message": "none"}
        return {"type": "session_info", "pubkey": ask["pubkey"],
                "memberPubkey": s.member["bob"].hex, "attestation": att,
                "online": True, "lastSeenAt": forge.iso()}
    return instead("session_show", make, "alice")


def mail_from(s, key, att, problem, **change):
    body = s.body("bob", "alice", **{"from": key.hex})
    body.update(change)
    f = s.push_of(body, "bob", "alice", signer=key, senderPubkey=key.hex)
    with s.proxy.rule(vouching(s, key, att)):
        s.put("alice", f)
        rows = s.arrived("alice", body["id"])
    check(not rows[0]["verified"], rows)
    check(problem in rows[0]["problem"], rows)
    return sees(rows), 0


def lie_mail_unvouched(s):
    """mail from a key nobody vouches for, as Bob's"""
    return mail_from(s, forge.Key(), None, "no member vouches")


def lie_mail_non_member(s):
    """mail from a key for which a stranger vouches, as Bob's"""
    key = forge.Key()
    return mail_from(s, key, attest(s, forge.Key(), key, "bob"),
                     "no member vouches")


def lie_mail_unsigned(s):
    """mail from a key with an attestation in Bob's name that he did not
    sign"""
    key = forge.Key()
    return mail_from(s, key, attest(s, forge.Key(), key, "bob",
                                    claim=s.member["bob"].hex),
                     "no member vouches")


def lie_mail_other_mesh(s):
    """mail from a key that Bob vouched for in another mesh"""
    key = forge.Key()
    return mail_from(s, key, attest(s, s.member["bob"], key, "bob",
                                    mesh="b" * 32), "no member vouches")


def lie_mail_other_session(s):
    """mail from a key, with the attestation of another session"""
    att = s.proxy.passed("bob", "up", "session_hello")[-1]["attestation"]
    return mail_from(s, forge.Key(), att, "no member vouches")


def lie_mail_expired(s):
    """mail written after its session's attestation had run out"""
    key = forge.Key()
    out = mail_from(s, key, attest(s, s.member["bob"], key, "bob-old",
                                   -48 * HOUR), "had run out")
    forget(s, key)
    return out


def lie_mail_other_answer(s):
    """another session in the answer than the one asked for"""
    key, other = forge.Key(), forge.Key()
    body = s.body("bob", "alice", **{"from": key.hex})
    f = s.push_of(body, "bob", "alice", signer=key, senderPubkey=key.hex)
    info = {"type": "session_info", "pubkey": other.hex,
            "memberPubkey": s.member["bob"].hex, "attestation": attest(
                s, s.member["bob"], other, "bob-x"), "online": True,
            "lastSeenAt": forge.iso()}
    with s.proxy.rule(instead("session_show", lambda ask: info, "alice")):
        s.put("alice", f)
        rows = s.arrived("alice", body["id"])
    check("no member vouches" in rows[0]["problem"], rows)
    forget(s, other)
    return sees(rows), 0


def lie_mail_mallory_as_bob(s):
    """mail from Mallory's session, labelled as from Bob"""
    def change(f):
        f.update(senderName="bob", senderMemberPubkey=s.member["bob"].hex)
    rule = on(DOWN, "push", lambda f: None if f.get("subtype") else change(f),
              "alice", 1)
    with s.proxy.rule(rule):
        r, doc = s.send("mallory", "alice", text="I am bob")
    rows = s.arrived("alice", doc["id"])
    check(not rows[0]["verified"] and rows[0]["text"] == "", rows)
    return sees(rows) + "; sender: failed", r.code


# ---- the rest is the peer's word, and is printed ----

def lie_escapes(s):
    """terminal escapes in what peers say of themselves"""
    bad = "\x1b]0;owned\x07\x1b[2J\u202e\u0085"

    def change(p):
        p.update(role=bad, summary=bad, hostname=bad, model=bad, channel=bad,
                 cwd=bad, groups=[{"name": bad, "role": bad}],
                 profile={"title": bad})
    with listing(s, change=change):
        for args in (["peers"], ["peer", "show", "bob"],
                     ["peers", "--template", "{{#peers}}{{summary}}{{/peers}}"]):
            r = s.cli("alice", *args)
            for c in ("\x1b", "\x07", "\u202e", "\u0085"):
                check(c not in r.out + r.err, "printed: %r by %s" % (c, r))
        equal(s.cli("alice", "peers").code, 0, "status")
    return "the words without escapes", 0


def lie_too_many(s):
    """the same peer a thousand times"""
    att = s.proxy.passed("bob", "up", "session_hello")[-1]["attestation"]
    p = peer(s.session["bob"], s.member["bob"], att, "bob")
    with listing(s, *[p] * 990):
        r = s.cli("alice", "peers", "--json", code=0)
        equal(len([1 for x in r.json()["peers"]
                   if x["key"] == s.session["bob"].hex]), 1, "lines of Bob")
    return "Bob once", r.code


def lie_malformed_list(s):
    """lists of peers that are not what they should be"""
    seen = set()
    for junk in ({"peers": "x"}, {"peers": [5]}, {"peers": [{}]},
                 {"peers": [{"pubkey": "zz"}]}, {}):
        with s.proxy.rule(instead("list_peers", lambda ask: dict(
                junk, type="peers_list"), "alice")):
            r = s.cli("alice", "peers")
        seen.add((said(r).split(": ", 1)[-1], r.code))
        check(r.code != 0, r)
    return ("; ".join(sorted(e for e, _ in seen)),
            ", ".join(sorted({str(c) for _, c in seen})))


def lie_nobody(s):
    """nobody is here: an empty list"""
    with s.proxy.rule(instead("list_peers", lambda ask: {
            "type": "peers_list", "peers": []}, "alice")):
        r = s.cli("alice", "peers", "--json", code=0)
        equal(r.json()["peers"], [], "peers")
        s.honest()
    return "nobody; send bob goes to the key in the roll", 0


def lie_presence(s):
    """events about Bob that are not so"""
    for event in ("peer_left", "peer_joined", "peer_hidden", "nonsense"):
        for data in ({"pubkey": s.session["bob"].hex, "name": "bob"}, {}, [],
                     "x", 5, None, {"pubkey": 5}, {"pubkey": ""},
                     {"pubkey": "x" * 70}):
            f = {"type": "push", "messageId": "ev-1", "meshId": s.mesh,
                 "senderPubkey": "system", "priority": "low",
                 "createdAt": forge.iso(), "subtype": "system",
                 "event": event, "eventData": data}
            if data is None:
                del f["eventData"]
            s.proxy.push("alice", f)
    s.honest()
    until(lambda: [p for p in s.json("alice", "peers")["peers"]
                   if p["name"] == "bob" and p["online"]], 5, "bob")
    return "nothing in the inbox; bob is listed when he is", 0
