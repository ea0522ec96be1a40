"""Frames that are none: whatever comes, Bob's daemon goes on, over another
connection if need be."""
import asyncio
import json

from kit import (DOWN, UP, Stage, check, equal, forge, instead, on, until)


def stage(world):
    s = Stage(world, ("alice", "bob"))
    s.pid = s.bob.json("daemon", "status")["pid"]
    return s


def raw(s, opcode, data, fin=True):
    """One WebSocket frame as it is."""
    c = s.proxy.conn("bob")
    s.proxy.do(c.ws.write_frame(fin, opcode, data))


def survives(s, dropped=None):
    """The same process, and messages come; dropped: over a new connection."""
    if dropped:
        until(lambda: dropped in reasons(s)[-1:], 10,
              lambda: "the connection given up for %r, but: %s" % (
                  dropped, reasons(s)[-3:]))
    s.honest((("alice", "bob"),))
    equal(s.bob.json("daemon", "status")["pid"], s.pid, "process")
    if dropped:
        return "nothing; a new connection: " + dropped, 0
    return "nothing", 0


def reasons(s):
    """Why connections of Bob's were given up, oldest first."""
    with open(s.bob.log, errors="replace") as f:
        return [line.split('reason=', 1)[1].strip().strip('"')
                for line in f if "event=link_down" in line]


def down(s, *frames, dropped=None):
    for f in frames:
        n = len(reasons(s))
        s.proxy.push("bob", f)
        if dropped:
            until(lambda: len(reasons(s)) > n, 10,
                  "the connection given up")
            s.bob.up()
    if dropped:
        return "nothing; a new connection: " + reasons(s)[-1], 0
    return survives(s)


def lie_garbage(s):
    """text that is no JSON"""
    return down(s, "hello", "{", '{"type":"push"', "\u0001", '{"type":"x"}x',
                "{'type':'push'}", dropped=True)


def lie_empty(s):
    """an empty message, and white space"""
    return down(s, "", "  ", dropped=True)


def lie_not_object(s):
    """JSON that is no object, or has no type"""
    return down(s, "[]", "5", "null", '"push"', "{}", '{"type":5}',
                '{"type":null}', dropped=True)


def lie_deep(s):
    """JSON nested a hundred thousand deep"""
    return down(s, "[" * 100000, '{"type":"push","a":' + "[" * 5000 +
                "]" * 5000 + "}", '{"a":' * 40 + "1" + "}" * 40, dropped=True)


def lie_duplicate_keys(s):
    """a key twice, and NUL in a string"""
    return down(s, '{"type":"push","type":"ack"}',
                '{"type":"push","messageId":"a\\u0000b"}', dropped=True)


def lie_surrogates(s):
    """half a surrogate pair"""
    return down(s, '{"type":"push","messageId":"\\ud800"}', dropped=True)


def lie_invalid_utf8(s):
    """bytes that are no UTF-8"""
    n = len(reasons(s))
    raw(s, 1, b'{"type":"\xff\xfe"}')
    until(lambda: len(reasons(s)) > n, 10, "the connection given up")
    return survives(s)[0] + "; a new connection: " + reasons(s)[n], 0


def lie_binary(s):
    """a binary message"""
    n = len(reasons(s))
    raw(s, 2, b'{"type":"push"}')
    until(lambda: len(reasons(s)) > n, 10, "the connection given up")
    return survives(s)[0] + "; a new connection: " + reasons(s)[n], 0


def lie_bad_opcode(s):
    """a frame with a reserved opcode, and a continuation of nothing"""
    for op in (3, 0, 11):
        n = len(reasons(s))
        # the library refuses to write it: by hand
        c = s.proxy.conn("bob")
        s.proxy.loop.call_soon_threadsafe(
            c.ws.transport.write, bytes([0x80 | op, 2]) + b"{}")
        until(lambda: len(reasons(s)) > n, 10, "the connection given up")
        s.bob.up()
    return survives(s)[0] + "; a new connection: " + reasons(s)[n], 0


def lie_huge_length(s):
    """a frame said to be 2^62 bytes long"""
    n = len(reasons(s))
    c = s.proxy.conn("bob")
    s.proxy.loop.call_soon_threadsafe(
        c.ws.transport.write, b"\x81\x7f" + (2 ** 62).to_bytes(8, "big"))
    until(lambda: len(reasons(s)) > n, 10, "the connection given up")
    return survives(s)[0] + "; a new connection: " + reasons(s)[n], 0


def lie_huge(s):
    """a message of 8 MiB"""
    n = len(reasons(s))
    try:
        s.proxy.push("bob", '{"type":"push","x":"' + "x" * (8 << 20) + '"}')
    except Exception:
        pass		# it hangs up before it has all of it
    until(lambda: len(reasons(s)) > n, 10, "the connection given up")
    return survives(s)[0] + "; a new connection: " + reasons(s)[n], 0


def lie_fragments(s):
    """a message in a million pieces that does not end"""
    n = len(reasons(s))
    c = s.proxy.conn("bob")
    piece = b"\x00\x01x" * 50000
    s.proxy.loop.call_soon_threadsafe(c.ws.transport.write,
                                      b"\x01\x01{" + piece)
    s.honest(())
    s.proxy.loop.call_soon_threadsafe(c.ws.transport.write, piece * 24)
    until(lambda: len(reasons(s)) > n, 15, "the connection given up")
    return survives(s)[0] + "; a new connection: " + reasons(s)[n], 0


def lie_unknown(s):
    """pushes of unknown types, with replies and requests among them"""
    return down(s, *[{"type": t, "x": [1, {"y": 2}]} for t in (
        "news", "ack", "hello_ack", "roll_page", "send", "session_hello",
        "local_send", "local_inbox_page", "local_stop", "x" * 200, "")
        if t])


def lie_wrong_types(s):
    """known pushes with fields of wrong types, missing or out of range"""
    good = {"type": "push", "messageId": "m-12345678", "meshId": s.mesh,
            "senderPubkey": s.session["alice"].hex, "priority": "next",
            "targetSpec": s.member["bob"].hex, "createdAt": forge.iso(),
            "nonce": "A" * 32, "ciphertext": "AAAA", "seq": 1}
    frames = []
    for key in good:
        if key != "type":
            frames += [{k: v for k, v in good.items() if k != key}]
        for bad in (None, [], {}, True, -1, 2 ** 53, 1.5, 1e300, "x" * 300000):
            if key != "type":
                frames.append(dict(good, **{key: bad}))
    for kind in ("receipt", "gap", "roll_changed", "session_ended",
                 "challenge"):
        for junk in ({}, {"doc": 5}, {"dropped": "x"}, {"roll": []},
                     {"pubkey": {}}, {"roll": {"n": -1, "head": ""}},
                     {"meshId": s.mesh, "roll": {"n": 2 ** 53, "head": "x"}}):
            frames.append(dict(junk, type=kind))
    before = len(s.inbox("bob"))
    for f in frames:
        s.proxy.push("bob", f)
    s.honest((("alice", "bob"),))
    rows = s.inbox("bob")
    check(not any(r["verified"] for r in rows[before:-1]), "shown as verified")
    check(all(r["text"] == "" for r in rows[before:-1]), "a text is shown")
    survives(s)
    return "%d messages that cannot be shown" % (len(rows) - before - 1), 0


def lie_foreign_replies(s):
    """replies to requests nobody made"""
    return down(s, *[{"type": t, "_reqId": r} for t in (
        "ok", "ack", "error", "hello_ack", "peers_list", "roll_page")
        for r in ("999999", "-1", "0", "x", "1 ", "18446744073709551617",
                  "1" * 64)])


def lie_unsolicited_acks(s):
    """acks for what was never sent, under every number to come"""
    ack = {"type": "ack", "id": "x-12345678", "messageId": "x-12345678",
           "queued": True, "recipients": []}
    return down(s, *[dict(ack, _reqId=str(n)) for n in range(1, 400, 7)])


def lie_reqid_types(s):
    """replies whose _reqId is no string, or too short, or too long"""
    return down(s, *[{"type": "ok", "_reqId": r}
                     for r in (5, {}, [], "", "1" * 65)],
                dropped=True)


def lie_other_reply(s):
    """every reply exchanged for one of another type"""
    def make(f):
        return {"type": "mesh_created", "meshId": s.mesh,
                "roll": {"n": 1, "head": "ab" * 32}}
    with s.proxy.rule(instead("send", make, "bob", 1),
                      instead("list_peers", make, "bob"),
                      instead("client_ack", make, "bob", 1)):
        r = s.cli("bob", "peers")
        q = s.cli("bob", "send", "alice", "sent anyway")
    equal(r.code, 1, "status of peers")
    check(q.out.startswith("alice: queued"), q)
    until(lambda: [m for m in s.inbox("alice") if m["text"] == "sent anyway"],
          10, "what was queued")
    return "send: queued, and sent again; peers: " + r.err.splitlines()[0] \
        .split(": ", 1)[1], "0, 1"


def lie_reply_twice(s):
    """every reply said twice, in the name of every session"""
    def twice(c, way, f):
        if way == DOWN and c.who == "bob" and "_reqId" in f:
            return [f, dict(f), dict(f, _session="zz")]
        return None
    with s.proxy.rule(twice):
        s.again("bob")
        s.bob.up()
        s.honest()
    return survives(s)


def lie_flood(s):
    """ten thousand events, receipts and gaps"""
    event = {"type": "push", "messageId": "ev", "meshId": s.mesh,
             "senderPubkey": "system", "priority": "low",
             "createdAt": forge.iso(), "subtype": "system",
             "event": "peer_joined", "eventData": {"pubkey": "ab" * 32}}
    frames = [event, {"type": "gap", "dropped": 1},
              {"type": "receipt", "doc": "AAAA"},
              {"type": "roll_changed", "meshId": s.mesh,
               "roll": forge.point(s.acts())}] * 2500
    s.proxy.push("bob", *frames)
    asked = len(s.proxy.passed("bob", UP, "list_peers"))
    survives(s)
    more = len(s.proxy.passed("bob", UP, "list_peers")) - asked
    check(more < 50, "asked", more, "times for the list")
    return "nothing", 0


def lie_many_mails(s):
    """five hundred messages of junk"""
    frames = []
    for i in range(500):
        frames.append(s.push_of(s.body(), ciphertext="AAAA",
                                messageId="junk-%08d" % i))
    s.proxy.push("bob", *frames)
    out = survives(s)
    rows = [r for r in s.inbox("bob") if r["id"].startswith("junk-")]
    equal(len(rows), 500, "rows")
    check(not any(r["verified"] or r["text"] for r in rows), rows[0])
    return "five hundred times: no text: " + rows[0]["problem"], out[1]


def lie_closes(s):
    """the connection closed in every way"""
    codes = (1000, 1001, 1008, 1011, 3000, 4999)
    for code in codes:
        n = len(reasons(s))
        c = s.proxy.conn("bob")
        s.proxy.do(c.ws.close(code, "\x1b[2Jgo away" if code > 3000 else ""))
        until(lambda: len(reasons(s)) > n, 10, "another connection")
        s.bob.up()
    return survives(s)[0] + "; a new connection: " + reasons(s)[-1], 0


def lie_junk_after_hello(s):
    """a connection that is closed after every hello, again and again"""
    n = len(s.proxy.passed("bob", UP, "session_hello"))

    def rule(c, way, f):
        if way == DOWN and c.who == "bob" and f["type"] == "hello_ack":
            asyncio.ensure_future(c.ws.close(1011))
            return []
        return None
    with s.proxy.rule(rule):
        s.proxy.cut("bob")
        until(lambda: len(s.proxy.passed("bob", UP, "session_hello")) > n + 2,
              15, "tries")
        r = s.cli("bob", "send", "alice", "in the end")
        check(r.out.startswith("alice: queued"), r)
    s.bob.up()
    until(lambda: [m for m in s.inbox("alice") if m["text"] == "in the end"],
          15, "what was queued")
    return "send: queued; sent when it is over", r.code


def lie_extra_fields(s):
    """fields that nobody knows, everywhere"""
    def more(c, way, f):
        if way == DOWN and c.who == "bob":
            f.update(future={"a": [1, 2]}, _x=None)
        return None
    with s.proxy.rule(more):
        s.again("bob")
        s.bob.up()
        s.honest()
    return "nothing: everything works", 0
