"""What the Python client must not believe, though the broker says it."""

import asyncio
import os

import meshdoc
import meshlink
from meshclient import Client
from meshdoc import Key, Refused, instant
from own_test import fails, got, pair, reached


def flip(text, at=-20):
    """Changes one character of base64, still base64 of the same length."""
    at %= len(text)
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


async def test_refuse_tampered_mail(place):
    """Mail whose envelope or body was changed on the way is failed, not shown."""
    anna, ben = await pair(place, "mail")
    changes = {
        "priority": lambda p: p.update(priority="now"),
        "id": lambda p: p.update(messageId="another-id-1"),
        "sender": lambda p: p.update(senderPubkey=Key().public),
        "mesh": lambda p: p.update(meshId="a" * 32),
        "target": lambda p: p.update(targetSpec=ben.member.public),
        "member": lambda p: p.update(senderMemberPubkey=ben.member.public),
        "ciphertext": lambda p: p.update(ciphertext=flip(p["ciphertext"])),
        "nonce": lambda p: p.update(nonce=flip(p["nonce"], 3)),
    }
    for count, (what, change) in enumerate(changes.items(), 1):
        def tamper(frame, change=change):
            if frame["type"] == "push" and frame.get("subtype") != "system":
                change(frame)
            return frame
        ben.wire.tamper = tamper
        await anna.send(ben.main, what)
        await ben.until(lambda: len(ben.failed) >= count)
        assert not ben.inbox, what
    ben.wire.tamper = None
    await anna.send(ben.main, "honest")
    await got(ben, "honest")
    await anna.close()
    await ben.close()


async def test_refuse_forged_bodies(place):
    """Bodies that ben's own key wrote wrongly; anna fails them by a signed receipt."""
    anna, ben = await pair(place, "body")
    key, target = ben.sessions[ben.main]["key"], anna.main

    async def forge(mid, kind="body", signer=None, **change):
        body = {"mesh": ben.roll.mesh, "from": ben.main, "to": target, "id": mid,
                "epoch": 1, "roll": ben.roll.point(), "priority": "next",
                "sentAt": instant(), "text": "forged"}
        data = meshdoc.compact({**body, **change})
        nonce, sealed = meshdoc.seal_signed(key, target,
                                            (signer or key).sign(kind, data) + data)
        ben.sent[mid] = {"session": ben.main, "targets": {target: "queued"}}
        await ben.request("send", id=mid, targetSpec=target, priority="next",
                          nonce=nonce, ciphertext=sealed)
        await reached(ben, mid, "failed")

    await forge("other-kind", kind="attest")
    await forge("other-signer", signer=Key())
    await forge("other-mesh", mesh="a" * 32)
    await forge("other-target", to=anna.member.public)
    await forge("other-sender", **{"from": anna.main})
    await forge("other-message", id="something-else")
    await forge("other-priority", priority="now")
    await forge("other-roll", roll={"n": 1, "head": "0" * 64})
    await forge("much-too-old", sentAt="2020-01-01T00:00:00.000Z")
    await forge("from-the-future", sentAt="2099-01-01T00:00:00.000Z")
    assert not anna.inbox and len(anna.failed) == 10
    await anna.close()
    await ben.close()


async def test_refuse_attestations(place):
    """Peers whose attestation does not stand are not shown, whatever the broker says."""
    anna, ben = await pair(place, "peers")
    real = (await anna.peers())[0][1]
    other, _ = await pair(place, "peers2")
    stranger = Key()
    fields = meshdoc.open_document("attest", real["attestation"])
    forgeries = [
        flip(real["attestation"]),
        meshdoc.sign_document("attest", stranger, fields),
        meshdoc.sign_document("attest", stranger, {**fields, "member": stranger.public}),
        meshdoc.sign_document("attest", ben.member, {**fields, "mesh": "a" * 32}),
        meshdoc.sign_document("attest", ben.member, {**fields, "session": stranger.public}),
        meshdoc.sign_document("attest", ben.member,
                              {**fields, "expiresAt": "2099-01-01T00:00:00.000Z"}),
        meshdoc.sign_document("hello", ben.member, fields),
        (await other.peers())[0][0]["attestation"],
    ]
    for document in forgeries:
        def tamper(frame, document=document):
            if frame["type"] == "peers_list":
                frame["peers"][1]["attestation"] = document
            return frame
        anna.wire.tamper = tamper
        peers, bad = await anna.peers()
        assert [p["displayName"] for p in peers] == ["anna"] and bad == 1
    anna.wire.tamper = None
    assert len((await anna.peers())[0]) == 2
    for client in (anna, ben, other, _):
        await client.close()


async def test_refuse_other_rolls(place):
    """A roll that is shorter, different, or not by the rules."""
    anna, ben = await pair(place, "rolls")
    await anna.append("settings", {"name": "rolls 2"})
    await ben.until(lambda: ben.roll.name == "rolls 2")
    old, head = ben.roll.point(), ben.roll.hashes[-2]

    async def with_page(change, code):
        def tamper(frame):
            if frame["type"] == "roll_page":
                change(frame)
            return frame
        ben.wire.tamper = tamper
        await fails(ben.sync_roll(), code)
        assert ben.roll.point() == old
        ben.wire.tamper = None

    await with_page(lambda p: p.update(roll={"n": old["n"] - 1, "head": head}), "roll_forked")
    await with_page(lambda p: p.update(roll={"n": old["n"], "head": "0" * 64}), "roll_forked")
    await with_page(lambda p: p.update(roll={"n": old["n"] + 1, "head": "0" * 64}),
                    "roll_forked")
    await with_page(lambda p: p.update(acts=anna.roll.wire()[-1:], roll={
        "n": old["n"] + 1, "head": "0" * 64}), "roll_conflict")
    text = (await anna.invite()).web()

    async def join_with(change, code):
        def tamper(frame):
            change(frame)
            return frame
        file = place.file("rolls-new")
        if os.path.exists(file):
            os.unlink(file)
        new = await Client(file, place.url, tamper).connect()
        await fails(new.join(meshlink.read_link(text), "new"), code)
        await new.close()

    def page(change):
        return lambda f: change(f) if f["type"] == "roll_page" else None

    def info(**fields):
        return lambda f: f.update(fields) if f["type"] == "invite_info" else None

    def flip_act(n, at):
        return page(lambda f: f["acts"].__setitem__(n, flip(f["acts"][n], at)))

    other, _ = await pair(place, "rolls-other")
    await join_with(info(meshId=other.roll.mesh), "link_spoiled")
    await join_with(info(sealed=meshdoc.seal_key(b"x" * 32, Key().public)), "cannot_open")
    key = meshlink.read_link(text).key.public
    await join_with(info(sealed=meshdoc.seal_key(b"x" * 32, key)), "cannot_open")
    await join_with(page(lambda f: f.update(acts=other.roll.wire())), "roll_forked")
    await join_with(flip_act(0, 20), "bad_signature")
    await join_with(flip_act(1, 20), "bad_signature")
    await join_with(page(lambda f: f["acts"].pop(1)), "roll_conflict")
    await join_with(page(lambda f: f.update(
        acts=f["acts"][:-1], roll={"n": anna.roll.n - 1, "head": anna.roll.hashes[-2]})),
        "invite_unknown")
    for client in (anna, ben, other, _):
        await client.close()


async def test_refuse_receipts(place):
    """No rung above stored without the receiver's own signature."""
    anna, ben = await pair(place, "receipts")
    cara = await Client(place.file("receipts-cara"), place.url).connect()
    await cara.join(await anna.invite(), "cara")
    await cara.open_session()
    ben.hold_acks = True
    mid, _ = await anna.send(ben.main, "not yet acked")
    targets = anna.sent[mid]["targets"]
    await got(ben, "not yet acked")
    right = {"mesh": anna.roll.mesh, "from": anna.main, "by": ben.main,
             "rung": "delivered", "ids": [mid], "at": instant()}
    key = ben.sessions[ben.main]["key"]
    good = meshdoc.sign_document("receipt", key, right)
    forgeries = [
        flip(good), meshdoc.sign_document("receipt", Key(), right),
        meshdoc.sign_document("attest", key, right),
        meshdoc.sign_document("receipt", key, {**right, "from": cara.main}),
        meshdoc.sign_document("receipt", key, {**right, "mesh": "a" * 32}),
        meshdoc.sign_document("receipt", key, {**right, "ids": ["something-else"]}),
        meshdoc.sign_document("receipt", cara.sessions[cara.main]["key"],
                              {**right, "by": cara.main}),
    ]
    for count, document in enumerate(forgeries, 1):
        await anna.take_receipt({"type": "receipt", "doc": document})
        assert len(anna.bad_receipts) == count and targets[ben.main] == "stored"

    def tamper(frame):
        if frame["type"] == "message_status_result":
            frame["delivered"] = True
            frame["recipients"][0].update(receipt="answered")
        return frame
    anna.wire.tamper = tamper
    assert await anna.message_status(mid) == {ben.main: "stored"}
    anna.wire.tamper = None
    await fails(cara.request("client_ack", receipts=[good]), "forbidden")
    await ben.request("client_ack", receipts=[good])
    await reached(anna, mid)
    for client in (anna, ben, cara):
        await client.close()


async def test_refuse_bad_links(place):
    anna, ben = await pair(place, "links")
    link = await anna.invite()
    for text in (link.web(), link.app(), link.self_contained()):
        for at in (0, 9, 20, len(text) // 2, len(text) - 2):
            try:
                meshlink.read_link(text[:at] + "x" + text[at + 1:])
            except Refused as e:
                assert e.code == "link_spoiled"
            else:
                assert text[at] == "x", (text, at)
    await asyncio.gather(anna.close(), ben.close())


TESTS = [f for n, f in list(globals().items()) if n.startswith("test_")]
