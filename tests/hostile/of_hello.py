"""Hellos and cursors: who may speak on a connection, and what is missing."""
import asyncio
import copy
import json
import time

import websockets

from kit import (DOWN, UP, Stage, answer, check, equal, forge, mitm, on,
                 until)

HOUR = 3600 * 1000


def stage(world):
    s = Stage(world, ("alice", "bob"))
    s.link_home = s.bob
    return s


def ask(url, make):
    """A connection of ours; make(challenge) is said, and the answer."""
    async def go():
        async with websockets.connect(url, subprotocols=[mitm.SUB],
                                      compression=None) as ws:
            challenge = json.loads(await ws.recv())
            for f in make(challenge):
                await ws.send(json.dumps(f))
                reply = json.loads(await asyncio.wait_for(ws.recv(), 5))
            return reply
    return asyncio.run(go())


def denied(reply, code, text):
    equal((reply["type"], reply.get("code")), ("error", code),
          "the broker's answer")
    check(text in reply["message"], reply)
    return "the real broker: %s: %s" % (reply["code"], reply["message"]), "-"


def hello_of(s, who):
    f = copy.deepcopy(s.proxy.passed(who, UP, "session_hello")[-1])
    f["_reqId"] = "1"
    return f


def lie_replayed_hello(s):
    """a recorded hello, said again on another connection"""
    return denied(ask(s.broker.url, lambda c: [hello_of(s, "bob")]),
                  "bad_signature", "challenge")


def lie_hello_by_attestation(s):
    """a recorded attestation, with a proof by the broker's own key"""
    def make(c):
        f = hello_of(s, "bob")
        f["proof"] = forge.Key().doc(
            "hello", url=s.proxy.url, mesh=s.mesh, member=f["memberPubkey"],
            session=f["sessionPubkey"], challenge=c["nonce"])
        return [f]
    return denied(ask(s.broker.url, make), "bad_signature", "signature")


def lie_hello_other_member(s):
    """Bob's session key, attested by another member, as that one's"""
    def make(c):
        alice = s.member["alice"]
        f = hello_of(s, "bob")
        f["memberPubkey"] = alice.hex
        f["attestation"] = alice.doc(
            "attest", mesh=s.mesh, member=alice.hex, session=f["sessionPubkey"],
            name="x", issuedAt=forge.iso(), expiresAt=forge.iso(10 ** 6))
        return [f]
    return denied(ask(s.broker.url, make), "bad_signature", "")


def lie_replayed_challenge(s):
    """an old challenge given to Bob, so that he signs it again, and his proof
    used where that challenge was real"""
    got = {}

    async def go():
        async with websockets.connect(s.broker.url, subprotocols=[mitm.SUB],
                                      compression=None) as ws:
            old = json.loads(await ws.recv())
            got["nonce"] = old["nonce"]
            s.proxy.rules.append(on(DOWN, "challenge", lambda f: f.update(
                nonce=old["nonce"]), None, 1))
            n = len(s.proxy.passed("bob", UP, "session_hello"))
            s.proxy.cut("bob")
            end = time.monotonic() + 10
            while len(s.proxy.passed("bob", UP, "session_hello")) == n:
                if time.monotonic() > end:
                    raise TimeoutError
                await asyncio.sleep(0.02)
            f = hello_of(s, "bob")
            await ws.send(json.dumps(f))
            return json.loads(await ws.recv())
    reply = asyncio.run(go())
    # a broker that is in between can always do that: it is the broker. The
    # session is open there, and Bob's own hello on his connection is refused.
    equal(reply["type"], "hello_ack", "the answer")
    s.repent()
    s.back("bob")
    return ("nothing: who stands between Bob and his broker is his broker; "
            "no text can be read or made by it"), "-"


def lie_second_challenge(s):
    """a second challenge on a connection"""
    s.proxy.push("bob", {"type": "challenge", "nonce": "ab" * 32,
                         "version": "1", "logKey": "cd" * 32,
                         "now": forge.iso(), "create": True})
    s.honest()
    equal(s.state("bob")[0], "up", "Bob's link")
    return "nothing: it is ignored", 0


def lie_other_log_key(s):
    """another log key than the one in the genesis act"""
    with s.proxy.rule(on(DOWN, "challenge",
                         lambda f: f.update(logKey=forge.Key().hex))):
        s.again("bob")
        s.bob.up()
        s.honest()
    return "nothing: nothing is believed because of it", 0


def attested(s):
    """When Bob's newest attestation begins and ends, by the true clock."""
    doc = forge.read_doc(hello_of(s, "bob")["attestation"])
    return doc["issuedAt"], doc["expiresAt"]


def clock_line(s):
    r = s.bob.cli("status", code=1)
    return " ".join([x for x in r.out.splitlines()
                     if "clock" in x][0].split()[1:])


def lie_clock_hours(s):
    """a clock that is wrong by three hours"""
    with s.proxy.rule(on(DOWN, "challenge",
                         lambda f: f.update(now=forge.iso(-3 * HOUR)))):
        s.again("bob")
        s.bob.up()
        s.honest()
        line = clock_line(s)
    s.again("bob")
    s.bob.up()
    return "status: " + line, 1


def lie_clock_years(s):
    """a clock that is wrong by years, so that Bob attests for years to come"""
    with s.proxy.rule(on(DOWN, "challenge", lambda f: f.update(
            now="2199-01-01T00:00:00.000Z"))):
        n = len(s.proxy.passed("bob", UP, "session_hello"))
        s.proxy.cut("bob")
        until(lambda: len(s.proxy.passed("bob", UP, "session_hello")) > n, 10,
              "a hello")
        begin, end = attested(s)
        check(end < forge.iso(37 * HOUR), "attested until", end)
        line = clock_line(s)
    s.cli("bob", "peers")	# the user asks: it tries at once
    s.bob.up()
    return "status: " + line, 1


# ---- cursors ----

def gap(s):
    return s.json("bob", "inbox", "--all", "--limit", "1")["gap"]


def seen_gap(s):
    check(gap(s), "no gap is shown")
    r = s.cli("bob", "inbox", "--read", "--limit", "1000", code=0)
    check("mail may be missing" in r.err, r)
    check(not gap(s), "the gap is shown for ever")
    return "inbox: " + [x for x in r.err.splitlines() if "missing" in x][0], 0


def hello_with(s, change):
    """Bob connects again and is greeted so."""
    with s.proxy.rule(answer("session_hello", lambda ask, f: change(f),
                             "bob")):
        s.again("bob")
        s.bob.up()


def lie_cursor_lower(s):
    """a lower cursor of the same history, and all mail once more"""
    old = [f for f in s.proxy.passed("bob", DOWN, "push") if f.get("seq")]
    before = [r["id"] for r in s.inbox("bob")]
    hello_with(s, lambda f: f["cursor"].update(seq=0))
    for f in old:
        s.proxy.push("bob", f)
    s.honest()
    equal([r["id"] for r in s.inbox("bob")][:len(before)], before, "mail")
    equal(len(s.inbox("bob")), len(before) + 1, "messages")
    check(not gap(s), "a gap is shown")
    return "every message once", 0


def lie_cursor_higher(s):
    """a higher cursor of the same history"""
    hello_with(s, lambda f: f["cursor"].update(
        seq=f["cursor"]["seq"] + 10 ** 6))
    s.honest()
    check(not gap(s), "a gap is shown")
    return "nothing: what comes is shown", 0


def lie_other_history(s):
    """another history, and no word of a gap"""
    hello_with(s, lambda f: f["cursor"].update(history="other-history", seq=0))
    out = seen_gap(s)
    s.again("bob")		# back in the old one: a gap, too
    s.bob.up()
    s.honest()
    seen_gap(s)
    return out


def lie_other_history_far(s):
    """another history, far ahead; later the real one again"""
    hello_with(s, lambda f: f["cursor"].update(history="far-history",
                                               seq=2 ** 53 - 1))
    s.again("bob")
    s.bob.up()
    s.honest()
    return seen_gap(s)


def lie_seq_far(s):
    """a message with the highest seq there is: what comes after it is taken
    for old, until the next connection"""
    f = s.push_of(s.body())
    f["seq"] = 2 ** 53 - 1
    f["_session"] = s.session["bob"].hex
    s.proxy.push("bob", f)
    s.arrived("bob", f["messageId"])
    r, doc = s.send("alice", "bob", seconds=1)
    equal(r.code, 7, "status of send")
    equal(s.receipt("alice", doc["id"]), ["stored"], "told")
    s.again("bob")
    s.bob.up()
    s.honest()
    seen = seen_gap(s)[0]
    return "sender: stored; after the next connection " + seen, r.code


def lie_gap(s):
    """a gap where there is none"""
    hello_with(s, lambda f: f.update(gap=True))
    s.honest()
    return seen_gap(s)


def lie_dropped(s):
    """one message dropped, the next delivered"""
    rule = on(DOWN, "push", lambda f: None if f.get("subtype") else [], "bob",
              1)
    with s.proxy.rule(rule):
        r, doc = s.send("alice", "bob", seconds=1)
    equal((r.code, s.receipt("alice", doc["id"])), (7, ["stored"]), "told")
    s.honest()
    equal(s.inbox("bob", doc["id"]), [], "rows")
    equal(s.receipt("alice", doc["id"]), ["stored"], "told")
    return "nothing; sender: stored, for ever", r.code


def lie_session_ended(s):
    """Bob's session ended for reasons that are none"""
    for reason in ("kicked", "replaced", "nonsense", "revoked"):
        s.proxy.push("bob", {"type": "session_ended", "reason": reason,
                             "pubkey": s.session["bob"].hex,
                             "by": "\x1b[2Jmallory"})
        r = until(lambda: s.bob.cli("status", code=None).code == 1 and
                  s.bob.cli("status", code=1), 5, "status")
        check(reason in r.out and "\x1b" not in r.out, r)
        # the user acts, and it is back
        s.send("bob", "alice", code=0)
    # a revoked key is not used again, be it true or not: home has a new one
    homes = [x for x in s.bob.json("session", "list")["sessions"] if x["home"]]
    check([x["key"] for x in homes] != [s.session["bob"].hex], homes)
    line = [x for x in r.out.splitlines() if "BAD" in x][0]
    return "status: " + " ".join(line.split()[1:]), 1


def lie_session_ended_expired(s):
    """Bob's session said to have expired, ten times"""
    for _ in range(10):
        s.proxy.push("bob", {"type": "session_ended", "reason": "expired",
                             "pubkey": s.session["bob"].hex})
    s.honest()
    return "nothing: it says hello again", 0


def lie_hello_malformed(s):
    """hello_acks that are none"""
    for junk in ({"type": "hello_ack"}, {"type": "ok"},
                 {"type": "hello_ack", "presenceId": 5}):
        with s.proxy.rule(answer("session_hello", lambda ask, f: [dict(
                junk, _reqId=f["_reqId"])], "bob")):
            n = len(s.proxy.passed("bob", UP, "session_hello"))
            s.proxy.cut("bob")
            until(lambda: len(s.proxy.passed("bob", UP, "session_hello"))
                  >= n + 2, 10, "another try")
            reason = s.state("bob")[1]
        s.bob.up()
    return "status: " + reason, 1


def lie_hello_refused(s):
    """a hello refused for a passing reason"""
    def lie(ask, f):
        return [{"type": "error", "_reqId": f["_reqId"], "code": "unavailable",
                 "message": "not now"}]
    with s.proxy.rule(answer("session_hello", lie, "bob")):
        s.proxy.cut("bob")
        until(lambda: "not now" in s.state("bob")[1], 10, "the reason")
        r = s.cli("bob", "send", "alice", "later")
        check(r.out.startswith("alice: queued"), r)
    s.bob.up()
    until(lambda: [m for m in s.inbox("alice") if m["text"] == "later"], 15,
          "what was queued")
    return "send: queued; delivered when it is over", r.code
