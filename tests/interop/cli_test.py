"""The Python client together with the real command line and its daemon."""

import asyncio

import meshdoc
import meshlink
from meshclient import Client
from meshdoc import Key, instant
from own_test import got, reached


class Both:
    """Alice at the command line and pia of this client, in one mesh."""

    def __init__(self, place):
        self.place, self.alice, self.pia = place, None, None

    async def alices(self, name):
        """A mesh that the command line made; pia joins by its link."""
        self.alice = self.place.user(name + "-alice")
        self.created = await self.alice.json(
            "mesh", "create", name, "--broker", self.place.url, "--name", "Alice")
        self.link = (await self.alice.json("invite", "create", "--uses", "5"))["url"]
        self.pia = await self.new(name + "-pia", self.link, "Pia")
        return self

    async def pias(self, name):
        """A mesh that pia made; the command line joins by her link."""
        self.pia = await Client(self.place.file(name + "-pia"), self.place.url).connect()
        await self.pia.create_mesh(name, "Pia")
        await self.pia.open_session()
        self.alice = self.place.user(name + "-alice")
        await self.join_alice((await self.pia.invite()).web())
        return self

    async def join_alice(self, link):
        await self.alice.run("join", link, "--name", "Alice", "-y")

    async def new(self, file, link, name):
        client = await Client(self.place.file(file), self.place.url).connect()
        await client.join(meshlink.read_link(link), name)
        await client.open_session()
        return client

    async def peer(self):
        """Alice as pia sees her, verified."""
        for _ in range(50):
            peers, bad = await self.pia.peers()
            assert not bad
            for peer in peers:
                if peer["displayName"] == "Alice":
                    return peer
            await asyncio.sleep(0.1)
        raise AssertionError("alice did not come")

    async def inbox(self, text, seconds=5):
        """The row of alice's inbox with this text, or id."""
        for _ in range(seconds * 10):
            for row in (await self.alice.json("inbox", "--all"))["messages"]:
                if text in (row["text"], row["id"]):
                    return row
            await asyncio.sleep(0.1)
        raise AssertionError(f"{text} did not come")

    async def listed(self, session):
        """Waits until alice's daemon lists this session."""
        for _ in range(50):
            if session in {p["key"] for p in (await self.alice.json("peers"))["peers"]}:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the daemon does not list the session")

    async def info(self, wanted):
        """alice's mesh info, as soon as her roll has pia's head."""
        for _ in range(50):
            row = (await self.alice.json("mesh", "info"))["meshes"][0]
            if row["head"] == wanted:
                return row
            await asyncio.sleep(0.1)
        raise AssertionError("the daemon's roll has another head")

    async def end(self):
        assert not (self.pia.trouble or self.pia.bad_receipts), \
            (self.pia.trouble, self.pia.bad_receipts)
        await self.pia.close()
        await asyncio.to_thread(self.alice.down)


async def talk(both):
    """Messages in both directions, to sessions and members, with receipts."""
    alice, pia = both.alice, both.pia
    sent = await alice.json("send", "Pia", "hello – from the CLI")
    message = await got(pia, "hello – from the CLI")
    peer = await both.peer()
    assert message["name"] == "Alice" and message["member"] == peer["memberPubkey"]
    state = await alice.json("message", "status", sent["id"], "--wait", "delivered",
                             "--timeout", "5s")
    assert state["recipients"][0]["receipt"] == "delivered", state
    sent = await alice.json("send", pia.member.public, "to the member", "--priority", "now",
                            "--wait", "delivered", "--timeout", "5s")
    message = await got(pia, "to the member")
    assert message["priority"] == "now" and message["to"] == pia.member.public
    assert sent["recipients"][0]["receipt"] == "delivered", sent

    mid, _ = await pia.send(peer["pubkey"], "to the session", reply_to=message["id"],
                            expects="reply")
    row = await both.inbox("to the session")
    assert row["verified"] and row["encrypted"] and row["id"] == mid, row
    assert (row["from"], row["from_key"], row["from_member"]) == \
        ("Pia", pia.main, pia.member.public)
    assert (row["reply_to"], row["expects"]) == (message["id"], "reply")
    await reached(pia, mid)
    mid, _ = await pia.send([peer["memberPubkey"], peer["pubkey"]], "two copies",
                            priority="low")
    row = await both.inbox("two copies")
    assert row["verified"] and row["priority"] == "low"
    await reached(pia, mid)
    assert set((await pia.message_status(mid)).values()) == {"delivered"}


async def compare(both):
    """Both sides see the same members, roll and safety number."""
    alice, pia = both.alice, both.pia
    await pia.sync_roll()
    row = await both.info(pia.roll.head)
    assert (row["id"], row["acts"], row["owner"]) == (pia.roll.mesh, pia.roll.n, pia.roll.owner)
    members = (await alice.json("member", "list"))["members"]
    assert {(m["id"], m["name"], m["state"]) for m in members} == \
        {(m["key"], m["name"], m["state"]) for m in pia.roll.members.values()}
    names = {p["name"] for p in (await alice.json("peers"))["peers"]}
    assert names == {"Alice", "Pia"} == {p["displayName"] for p in (await pia.peers())[0]}
    verify = await alice.json("peer", "verify", "Pia")
    assert verify["member"] == pia.member.public
    assert verify["safety_number"] == pia.safety_number(verify["you"])


async def test_cli_makes_mesh_client_joins(place):
    both = await Both(place).alices("cli-makes")
    assert both.pia.roll.mesh == both.created["mesh"]["id"]
    await talk(both)
    await compare(both)
    await both.end()


async def test_client_makes_mesh_cli_joins(place):
    both = await Both(place).pias("py-makes")
    await talk(both)
    await compare(both)
    await both.end()


async def test_links_of_both(place):
    """Every spelling of the CLI's link is read here, and of ours there."""
    both = await Both(place).alices("links-cli")
    first = meshlink.read_link(both.link)
    assert first.web() == both.link
    app = await both.new("links-app", first.app(), "App")
    await app.close()
    made = await both.alice.json("invite", "create", "--self-contained")
    link = meshlink.read_link(made["url"])
    assert (link.code, link.name, link.inviter, link.expires) == \
        (made["code"], "links-cli", "Alice", made["expires_at"])
    assert link.self_contained() == made["url"]
    own = await both.new("links-self", made["url"], "Self")
    await own.close()
    await both.end()
    for way in ("app", "self_contained"):
        pia = await Client(place.file("links-own-" + way), place.url).connect()
        await pia.create_mesh("links-" + way.replace("_", "-"), "Pia")
        await pia.open_session()
        home = place.user("links-home-" + way)
        text = getattr(await pia.invite(), way)()
        spoiled = await home.run("join", text[:-3] + "xxx", "--name", "Bob", "-y", check=False)
        assert spoiled.returncode == 2, spoiled
        await home.run("join", text, "--name", "Bob", "-y")
        await pia.until(lambda pia=pia: len(pia.roll.members) == 2)
        await pia.close()
        await asyncio.to_thread(home.down)


async def test_roll_acts_of_the_client(place):
    """invite, invite_revoke, settings, session_revoke, leave: the daemon takes them."""
    both = await Both(place).pias("py-acts")
    pia, alice = both.pia, both.alice
    await pia.append("settings", {"name": "renamed by pia", "sendRate": 33, "sendBurst": 66})
    row = await both.info(pia.roll.head)
    assert (row["name"], row["send_rate"], row["send_burst"]) == ("renamed by pia", 33, 66)
    link = await pia.invite()
    await pia.append("invite_revoke", {"invite": link.key.public})
    bob = place.user("py-acts-bob")
    late = await bob.run("join", link.web(), "--name", "Bob", "-y", check=False)
    assert late.returncode == 4 and "revoked" in late.stderr, late
    cara = await both.new("py-acts-cara", (await pia.invite("admin", author=pia.owner())).web(),
                          "Cara")
    await pia.sync_roll()
    assert pia.roll.is_admin(cara.member.public)
    await cara.append("leave", {})
    await pia.sync_roll()
    await both.info(pia.roll.head)
    members = (await alice.json("member", "list"))["members"]
    assert next(m for m in members if m["name"] == "Cara")["state"] == "left"
    await cara.close()
    peer = await both.peer()
    opened = await alice.json("session", "open", "helper")
    await pia.append("session_revoke", {"member": peer["memberPubkey"],
                                        "session": opened["key"]})
    await both.info(pia.roll.head)
    _, ack = await pia.send(opened["key"], "nobody reads this")
    assert ack["recipients"][0]["receipt"] == "refused"
    await pia.send(peer["pubkey"], "somebody reads this")
    assert (await both.inbox("somebody reads this"))["verified"]
    await both.end()
    await asyncio.to_thread(bob.down)


async def test_roll_acts_of_the_cli(place):
    """settings, rename, invite and its revocation, session_revoke, leave: taken here."""
    both = await Both(place).alices("cli-acts")
    alice, pia = both.alice, both.pia
    await alice.run("mesh", "settings", "--name", "by the CLI", "--send-rate", "44",
                    "--send-burst", "88")
    await pia.until(lambda: pia.roll.send_rate == 44)
    assert (pia.roll.name, pia.roll.send_burst) == ("by the CLI", 88)
    made = await alice.json("invite", "create", "--role", "admin")
    await alice.run("invite", "revoke", made["code"], "-y")
    key = meshlink.read_link(made["url"]).key.public
    await pia.until(lambda: pia.roll.invites.get(key, {}).get("revoked"))
    assert pia.roll.invites[key]["admin"]
    session = pia.main
    await both.listed(session)
    await alice.run("session", "revoke", session, "-y")
    await pia.until(lambda: pia.ended)
    assert pia.ended[0]["reason"] == "revoked"
    await pia.open_session()
    await pia.sync_roll()
    assert not pia.roll.session_ok(pia.member.public, session)
    bob = place.user("cli-acts-bob")
    await bob.run("join", both.link, "--name", "Bob", "-y")
    await pia.until(lambda: len(pia.roll.members) == 3)
    await bob.run("mesh", "leave", "-y")
    await pia.until(lambda: [m["state"] for m in pia.roll.members.values()]
                    == ["active", "active", "left"])
    await asyncio.to_thread(bob.down)
    await compare(both)
    await both.end()


async def test_daemon_fails_forged_mail(place):
    """What pia forges is not verified at the CLI, and told by a signed receipt."""
    both = await Both(place).alices("forged")
    alice, pia = both.alice, both.pia
    target = (await both.peer())["pubkey"]
    key = pia.sessions[pia.main]["key"]

    async def forge(mid, signer=None, **change):
        data = meshdoc.compact({
            "mesh": pia.roll.mesh, "from": pia.main, "to": target, "id": mid, "epoch": 1,
            "roll": pia.roll.point(), "priority": "next", "sentAt": instant(),
            "text": "forged", **change})
        nonce, sealed = meshdoc.seal_signed(key, target,
                                            (signer or key).sign("body", data) + data)
        pia.sent[mid] = {"session": pia.main, "targets": {target: "queued"}}
        await pia.request("send", id=mid, targetSpec=target, priority="next",
                          nonce=nonce, ciphertext=sealed)
        await reached(pia, mid, "failed")

    names = ["other-signer", "other-target", "other-sender", "other-priority",
             "other-message", "other-mesh", "much-too-old", "no-such-roll-key"]
    await forge(names[0], signer=Key())
    await forge(names[1], to=pia.member.public)
    await forge(names[2], **{"from": target})
    await forge(names[3], priority="now")
    await forge(names[4], id="something-else")
    await forge(names[5], mesh="a" * 32)
    await forge(names[6], sentAt="2020-01-01T00:00:00.000Z")
    await forge(names[7], roll=None)
    rows = (await alice.json("inbox", "--all"))["messages"]
    assert {r["id"] for r in rows} == set(names), rows
    for row in rows:
        assert not row["verified"] and row["receipt"] == "failed" and not row["text"], row
    await both.end()


async def test_cli_mail_while_client_is_away(place):
    """The CLI's mail waits for the client, which comes back with its cursor."""
    both = await Both(place).alices("away")
    alice, pia = both.alice, both.pia
    await alice.run("send", "Pia", "while there")
    await got(pia, "while there")
    session = pia.main
    await pia.close(code=None)
    ids = [(await alice.json("send", key, f"while away {i}"))["id"]
           for i, key in enumerate((session, pia.member.public, session))]
    both.pia = pia = await Client(pia.file, place.url).connect()
    assert not pia.gap and pia.main == session
    await got(pia, "while away 2")
    assert [m["text"] for m in pia.inbox] == ["while there"] + [
        f"while away {i}" for i in range(3)]
    for mid in ids:
        state = await alice.json("message", "status", mid, "--wait", "delivered",
                                 "--timeout", "5s")
        assert state["recipients"][0]["receipt"] == "delivered", state
    await both.end()


async def test_client_mail_while_daemon_is_away(place):
    """The client's mail waits at the broker until the CLI's daemon runs again."""
    both = await Both(place).pias("asleep")
    alice, pia = both.alice, both.pia
    peer = await both.peer()
    await alice.run("daemon", "down")
    sent = [(await pia.send(to, f"asleep {i}"))[0]
            for i, to in enumerate((peer["pubkey"], peer["memberPubkey"]))]
    assert all(set(pia.sent[m]["targets"].values()) == {"stored"} for m in sent)
    await alice.run("daemon", "up")
    for i, mid in enumerate(sent):
        row = await both.inbox(f"asleep {i}")
        assert row["verified"] and row["id"] == mid
        await reached(pia, mid)
    await both.end()


TESTS = [f for n, f in list(globals().items()) if n.startswith("test_")]
