"""The Python client alone, several of it, at the real broker."""

import asyncio
import os

import meshdoc
import meshlink
from meshclient import Client
from meshdoc import Key, Refused
from meshroll import sign_act
from meshwire import Failed


async def fails(coroutine, *codes):
    """The coroutine must fail with one of these codes."""
    try:
        await coroutine
    except (Failed, Refused) as e:
        assert e.code in codes, f"{e} instead of {codes}"
        return
    raise AssertionError(f"did not fail; should with {codes}")


async def pair(place, name):
    """Two connected clients of a new mesh: anna, who made it, and ben, who joined."""
    anna = await Client(place.file(name + "-anna"), place.url).connect()
    await anna.create_mesh(name, "anna")
    await anna.open_session()
    link = await anna.invite(uses=5)
    ben = await Client(place.file(name + "-ben"), place.url).connect()
    await ben.join(meshlink.read_link(link.web()), "ben")
    await ben.open_session()
    return anna, ben


async def got(client, text, seconds=5):
    return await client.until(lambda: next((m for m in client.inbox
                                            if m["text"] == text), None), seconds)


async def reached(client, mid, rung="delivered"):
    return await client.until(lambda: set(client.sent[mid]["targets"].values()) == {rung})


async def test_alone_create_join_talk(place):
    anna, ben = await pair(place, "talk")
    await anna.sync_roll()
    assert anna.roll.point() == ben.roll.point()
    assert [m["name"] for m in ben.roll.members.values()] == ["anna", "ben"]
    for one in (anna, ben):
        peers, bad = await one.peers()
        assert [p["displayName"] for p in peers] == ["anna", "ben"] and not bad
    mid, ack = await anna.send(ben.main, "grüße\n\"ben\" 😀")
    assert ack["recipients"][0]["receipt"] == "stored"
    message = await got(ben, "grüße\n\"ben\" 😀")
    assert message["name"] == "anna" and message["member"] == anna.member.public
    await reached(anna, mid)
    back, _ = await ben.send(anna.member.public, "to all your machines", reply_to=mid)
    assert (await got(anna, "to all your machines"))["replyTo"] == mid
    await reached(ben, back)
    assert (await ben.message_status(back)) == {anna.member.public: "delivered"}
    assert anna.safety_number(ben.member.public) == ben.safety_number(anna.member.public)
    assert not (anna.trouble or ben.trouble or anna.bad_receipts or ben.bad_receipts)
    await anna.close()
    await ben.close()


async def test_alone_every_spelling_joins(place):
    anna, ben = await pair(place, "spell")
    for i, way in enumerate(("web", "app", "self_contained")):
        text = getattr(await anna.invite(), way)()
        new = await Client(place.file(f"spell-{i}"), place.url).connect()
        await new.join(meshlink.read_link(text), f"new{i}")
        await new.open_session()
        await new.close()
        other = await Client(place.file(f"spell-no-{i}"), place.url).connect()
        await fails(other.join(meshlink.read_link(text), "late"), "invite_used_up")
        await other.close()
    await anna.sync_roll()
    assert len(anna.roll.members) == 5
    await anna.close()
    await ben.close()


async def test_alone_copies_and_sessions(place):
    """Several sessions on one connection; one message to several targets."""
    anna, ben = await pair(place, "copies")
    second = await ben.open_session("ben-two", role="tester", summary="waits")
    peers, _ = await anna.peers()
    assert [p["displayName"] for p in peers] == ["anna", "ben", "ben-two"]
    assert peers[2]["summary"] == "waits"
    stranger = Key().public
    mid, ack = await anna.send([ben.main, second, ben.member.public, stranger], "three ways")
    assert [r["receipt"] for r in ack["recipients"]] == ["stored"] * 3 + ["refused"]
    await ben.until(lambda: len([m for m in ben.inbox if m["text"] == "three ways"]) == 3)
    await anna.until(lambda: anna.sent[mid]["targets"] == {
        ben.main: "delivered", second: "delivered", ben.member.public: "delivered",
        stranger: "refused"})
    reply, _ = await ben.send(anna.main, "from the second", session=second)
    assert (await got(anna, "from the second"))["name"] == "ben-two"
    await reached(ben, reply)
    await ben.end_session(second)
    await anna.until(lambda: any(e["event"] == "peer_left" for e in anna.events))
    assert len((await anna.peers())[0]) == 2
    await anna.close()
    await ben.close()


async def test_alone_same_send_again(place):
    anna, ben = await pair(place, "again")
    mid, _ = await anna.send(ben.main, "once")
    await reached(anna, mid)
    _, ack = await anna.send(ben.main, "once", mid=mid)
    assert ack["duplicate"] and anna.sent[mid]["targets"] == {ben.main: "delivered"}
    last, _ = await anna.send(ben.main, "last")
    await reached(anna, last)
    assert [m["text"] for m in ben.inbox] == ["once", "last"]
    await anna.close()
    await ben.close()


async def test_alone_reconnect_with_cursor(place):
    """A connection that breaks off, a restart from the file; nothing lost or twice."""
    anna, ben = await pair(place, "cursor")
    session, file = ben.main, ben.file
    mid, _ = await anna.send(session, "before")
    await reached(anna, mid)
    ben.hold_acks = True
    await anna.send(session, "committed, not acked")
    await got(ben, "committed, not acked")
    await ben.close(code=None)
    texts = [f"while away {i}" for i in range(20)]
    for text in texts:
        last, _ = await anna.send(session, text)
    ben = await Client(file, place.url).connect()
    assert ben.main == session and not ben.gap
    await reached(anna, last)
    assert [m["text"] for m in ben.inbox] == ["before", "committed, not acked"] + texts
    seqs = [m["seq"] for m in ben.inbox]
    assert seqs == sorted(set(seqs))
    ben.cursor = {"history": "another", "seq": 3}
    await ben._hello(session)
    assert ben.gap and ben.cursor["history"] != "another"
    await anna.close()
    await ben.close()


async def test_alone_redelivery_is_seen(place):
    """Without an ack the same mail comes again, and is kept once."""
    anna, ben = await pair(place, "redo")
    ben.hold_acks = True
    mid, _ = await anna.send(ben.main, "twice on the wire")
    await got(ben, "twice on the wire")
    await ben.close(code=None)
    ben.cursor["seq"], ben.hold_acks = 0, False
    await ben.connect()
    await reached(anna, mid)
    assert [m["text"] for m in ben.inbox] == ["twice on the wire"]
    await anna.close()
    await ben.close()


async def test_alone_roll_acts(place):
    """Conflicts, settings, revocations, leaving and coming back."""
    anna, ben = await pair(place, "acts")
    await fails(ben.invite(), "roll_refused")
    await anna.append("admin", {"member": ben.member.public, "name": "ben"}, anna.owner())
    await ben.sync_roll()
    await asyncio.gather(anna.append("settings", {"name": "acts two"}),
                         ben.append("settings", {"sendRate": 40, "sendBurst": 80}))
    await anna.sync_roll()
    assert (anna.roll.name, anna.roll.send_rate, anna.roll.send_burst) == ("acts two", 40, 80)
    link = await ben.invite()
    await anna.sync_roll()
    await anna.append("invite_revoke", {"invite": link.key.public})
    late = await Client(place.file("acts-late"), place.url).connect()
    await fails(late.join(link, "late"), "invite_revoked")
    await late.close()
    await fails(anna.append("admin", {"member": ben.member.public, "name": "ben"},
                            anna.owner()), "conflict")
    session = ben.main
    await anna.append("session_revoke", {"member": ben.member.public, "session": session})
    await ben.until(lambda: ben.ended)
    assert ben.ended[0]["reason"] == "revoked"
    await fails(ben._hello(session, ben.known_sessions[session], "ben"), "revoked")
    await ben.open_session()
    await ben.append("leave", {})
    await ben.until(lambda: len(ben.ended) == 2)
    await anna.until(lambda: not anna.roll.active(ben.member.public))
    await fails(anna.append("leave", {}), "roll_refused")
    link = await anna.invite()
    await ben.close()
    await ben.connect()
    await ben.join(link, "ben again")
    await ben.open_session()
    await anna.until(lambda: anna.roll.active(ben.member.public))
    assert anna.roll.members[ben.member.public]["admin"] is False
    assert anna.roll.point() == ben.roll.point()
    await anna.close()
    await ben.close()


async def test_alone_attest(place):
    """Renewal under another name, capabilities, and attestations that must not stand."""
    anna, ben = await pair(place, "attest")
    await ben.attest(name="benjamin", capabilities=["read"])
    assert "benjamin" in [p["displayName"] for p in (await anna.peers())[0]]
    await fails(ben.send(anna.main, "may not"), "forbidden")
    await ben.attest(hours=24)
    await ben.send(anna.main, "may again")
    await got(anna, "may again")
    await fails(ben.attest(hours=25), "bad_attestation")
    await fails(ben.attest(hours=-1), "expired", "bad_attestation")
    forged = meshdoc.sign_document("attest", Key(), {
        **anna.check_attestation((await ben.peers())[0][0]["attestation"])})
    await fails(ben.request("attest", attestation=forged), "bad_signature", "bad_attestation")
    await anna.close()
    await ben.close()


async def test_alone_proofs_are_bound(place):
    """Proofs for another URL or another connection open nothing."""
    anna, ben = await pair(place, "proof")
    key = Key()
    await fails(anna._hello(key.public, key, "x", url="ws://192.0.2.1:1/ws"), "wrong_url")
    nonce = anna.wire.challenge["nonce"]
    anna.wire.challenge["nonce"] = ben.wire.challenge["nonce"]
    await fails(anna._hello(key.public, key, "x"), "bad_signature")
    anna.wire.challenge["nonce"] = nonce
    await fails(ben.wire.request("list_peers", Key().public), "no_session")
    await fails(ben.request("roll_append", act=meshdoc.b64(sign_act(
        "settings", ben.roll.n, ben.roll.head, ben.member, {"name": "mine"}))),
        "roll_refused")
    epoch = await ben.request("epoch_get", epoch=1)
    assert meshdoc.open_sealed(epoch["sealed"], ben.member, ben.roll.epoch_hash) \
        == anna.epoch_key
    await anna.close()
    await ben.close()


async def test_alone_mesh_delete(place):
    anna, ben = await pair(place, "gone")
    proof = {"url": anna.url, "mesh": anna.roll.mesh,
             "challenge": anna.wire.challenge["nonce"]}
    await fails(ben.request("mesh_delete", proof=meshdoc.sign_document(
        "delete", ben.member, proof)), "forbidden", "bad_signature")
    await anna.request("mesh_delete",
                       proof=meshdoc.sign_document("delete", anna.owner(), proof))
    await ben.until(lambda: ben.ended)
    assert ben.ended[0]["reason"] == "mesh_deleted"
    assert os.path.exists(anna.file)
    await anna.close()
    await ben.close()


TESTS = [f for n, f in list(globals().items()) if n.startswith("test_")]
