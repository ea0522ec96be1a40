"""A claudemesh client of dialect 2, made from the documents alone.

One Client is one user at one mesh with one broker: it makes the mesh or joins
it, keeps the roll, opens sessions, sends, receives and signs receipts. What it
must not forget lies in a JSON file. See run for how it is used.
"""

import asyncio
import datetime
import hashlib
import json
import os
import secrets

import meshdoc
import meshmail
from meshdoc import Key, Refused, instant
from meshlink import Link
from meshroll import Roll, sign_act
from meshwire import Failed, Wire

DAY = datetime.timedelta(hours=24)


class Client(meshmail.Mail):
    """A user's client at one mesh."""

    def __init__(self, file, url, tamper=None):
        super().__init__()
        self.file, self.url, self.tamper = file, url, tamper
        self.wire = self.seed = self.member = self.epoch_key = None
        self.roll = Roll()
        self.sessions = {}              # public -> {"key", "name"}
        self.main = None                # public key of the first session
        self.daemon = secrets.token_hex(16)
        self.cursor = None
        self.name = ""
        self.attests = {}               # session -> its verified attestation
        self.events, self.ended, self.gaps = [], [], []
        self._roll_lock = asyncio.Lock()
        self._changed = asyncio.Event()
        if os.path.exists(file):
            self._load()
        else:
            self.seed = os.urandom(32)

    # --- the file -----------------------------------------------------------

    def save(self):
        state = {"seed": self.seed.hex(), "daemon": self.daemon, "cursor": self.cursor,
                 "name": self.name, "mesh": self.roll.mesh, "roll": self.roll.wire(),
                 "epoch_key": self.epoch_key.hex() if self.epoch_key else "",
                 "sessions": [[s["key"].seed.hex(), s["name"]]
                              for s in self.sessions.values()],
                 "seen": self.seen, "inbox": self.inbox, "sent": self.sent}
        with open(self.file + ".new", "w", encoding="utf-8") as f:
            json.dump(state, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(self.file + ".new", self.file)

    def _load(self):
        with open(self.file, encoding="utf-8") as f:
            state = json.load(f)
        self.seed = bytes.fromhex(state["seed"])
        self.daemon, self.cursor, self.name = state["daemon"], state["cursor"], state["name"]
        self.seen, self.inbox, self.sent = state["seen"], state["inbox"], state["sent"]
        self.epoch_key = bytes.fromhex(state["epoch_key"])
        if state["mesh"]:
            self.roll = Roll(state["mesh"])
            for act in state["roll"]:
                self.roll.apply(act)
            self.member = meshdoc.member_key(self.seed, self.roll.mesh)
        for seed, name in state["sessions"]:
            self._keep_session(Key(bytes.fromhex(seed)), name)

    def _keep_session(self, key, name):
        self.sessions[key.public] = {"key": key, "name": name}
        self.main = self.main or key.public

    def _forget_session(self, public):
        self.sessions.pop(public, None)
        if self.main == public:
            self.main = next(iter(self.sessions), None)

    # --- the connection -----------------------------------------------------

    async def connect(self):
        """Connects, and opens again every session that is known."""
        self.wire = Wire(self.url, self._push, self.tamper)
        await self.wire.open()
        self.start_mail()
        for public in list(self.sessions):
            await self._hello(public)
        return self

    async def close(self, code=1000):
        await self.stop_mail()
        if self.wire:
            await self.wire.close(code)
            self.wire = None

    async def request(self, kind, session=None, **fields):
        return await self.wire.request(kind, session or self.main, **fields)

    def _push(self, push):
        kind = push["type"]
        if kind == "roll_changed" and push.get("meshId") == self.roll.mesh:
            self.spawn(self.sync_roll())
        elif kind == "push" and push.get("subtype") == "system":
            self.events.append(push)
        elif kind == "push":
            self.take_mail(push)
        elif kind == "receipt":
            self.spawn(self.take_receipt(push))
        elif kind == "session_ended":
            self.ended.append(push)
            self._forget_session(push["pubkey"])
        elif kind == "gap":
            self.gaps.append(push)
        self.wake()

    def wake(self):
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, what, seconds=5):
        """Waits until what() is true and returns it."""
        end = asyncio.get_event_loop().time() + seconds
        while not (found := what()):
            left = end - asyncio.get_event_loop().time()
            if left <= 0:
                raise TimeoutError("waited in vain")
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.5))
            except asyncio.TimeoutError:
                pass
        return found

    # --- meshes -------------------------------------------------------------

    async def create_mesh(self, mesh_name, my_name):
        if not self.wire.challenge.get("create"):
            raise Refused("not_allowed", "this broker makes no meshes")
        nonce = secrets.token_hex(32)
        self.epoch_key, self.name = os.urandom(32), my_name
        owner = meshdoc.owner_key(self.seed, nonce)
        genesis = sign_act("genesis", 0, "", owner, {
            "nonce": nonce, "name": mesh_name, "logKey": self.wire.challenge["logKey"],
            "epoch": 1, "epochHash": hashlib.sha256(self.epoch_key).hexdigest()})
        roll = Roll()
        roll.apply(meshdoc.b64(genesis))
        self.member = meshdoc.member_key(self.seed, roll.mesh)
        admin = sign_act("admin", 1, roll.head, owner,
                         {"member": self.member.public, "name": my_name})
        roll.apply(meshdoc.b64(admin))
        reply = await self.wire.request(
            "mesh_create", acts=roll.wire(),
            sealed=meshdoc.seal_key(self.epoch_key, self.member.public))
        if reply["meshId"] != roll.mesh or reply["roll"] != roll.point():
            raise Refused("roll_forked", "the broker made another mesh")
        self.roll = roll
        self.save()
        return roll.mesh

    def owner(self):
        return meshdoc.owner_key(self.seed, self.roll.nonce)

    async def invite(self, role="member", uses=1, days=7, author=None):
        """Appends an invite and returns its Link."""
        key = Key()
        until = instant(datetime.datetime.now(datetime.timezone.utc) + days * DAY)
        await self.append("invite", {"invite": key.public, "role": role, "uses": uses,
                                     "expiresAt": until}, author=author,
                          sealed=[{"key": key.public, "sealed":
                                   meshdoc.seal_key(self.epoch_key, key.public)}])
        return Link(self.url, self.roll.mesh, key.seed, self.roll.name, self.name, until)

    async def join(self, link, my_name):
        """Joins by a Link over a connection that has said nothing yet."""
        if link.broker != self.url:
            raise Refused("wrong_url", "the link is for another broker")
        proof = {"url": self.url, "invite": link.key.public,
                 "challenge": self.wire.challenge["nonce"]}
        info = await self.wire.request(
            "invite_open", proof=meshdoc.sign_document("invite", link.key, proof))
        if info["meshId"] != link.mesh:
            raise Refused("link_spoiled", "the invite leads to another mesh")
        if not self.roll.mesh:
            self.roll = Roll(link.mesh)
        elif self.roll.mesh != link.mesh:
            raise Refused("usage", "this client is in another mesh")
        await self.sync_roll()
        if link.key.public not in self.roll.invites:
            raise Refused("invite_unknown", "the roll does not know the invite")
        self.epoch_key = meshdoc.open_sealed(info["sealed"], link.key, self.roll.epoch_hash)
        self.member, self.name = meshdoc.member_key(self.seed, link.mesh), my_name
        fields = {"invite": link.key.public, "member": self.member.public, "name": my_name}
        sealed = meshdoc.seal_key(self.epoch_key, self.member.public)
        await self._append("mesh_join", "join", fields, self.member, link.key,
                           meshId=link.mesh, sealed=sealed)
        self.save()

    # --- the roll -----------------------------------------------------------

    async def sync_roll(self):
        """Reads what is new and replays it; refuses what breaks the rules."""
        async with self._roll_lock:
            while True:
                page = await self.wire.request("roll_get", meshId=self.roll.wanted,
                                               **{"from": self.roll.n})
                self.roll.check_point(page["roll"])
                if page["acts"] and page["from"] != self.roll.n:
                    raise Refused("roll_forked", "not the acts that were asked for")
                for act in page["acts"]:
                    self.roll.apply(act)
                self.roll.check_point(page["roll"])
                if page["roll"]["n"] == self.roll.n:
                    break
                if not page["acts"]:
                    raise Refused("roll_forked", "acts are kept back")
            self.save()
        self.wake()

    async def append(self, kind, fields, author=None, sealed=None):
        await self._append("roll_append", kind, fields, author or self.member, sealed=sealed)

    async def _append(self, request, kind, fields, author, second=None, **more):
        for _ in range(5):
            act = meshdoc.b64(sign_act(kind, self.roll.n, self.roll.head, author,
                                       fields, second))
            try:
                reply = await self.wire.request(request, self.main, act=act, **more)
            except Failed as e:
                if e.code != "roll_conflict":
                    raise
                await self.sync_roll()
                continue
            await self.sync_roll()
            if self.roll.n < reply["roll"]["n"]:
                raise Refused("roll_forked", "the act does not stand")
            return
        raise Refused("roll_conflict", "too busy")

    # --- sessions -----------------------------------------------------------

    def _attestation(self, session, name, hours=24, capabilities=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        return meshdoc.sign_document("attest", self.member, {
            "mesh": self.roll.mesh, "member": self.member.public, "session": session,
            "name": name, "capabilities": capabilities, "issuedAt": instant(now),
            "expiresAt": instant(now + hours * DAY / 24)})

    async def open_session(self, name=None, key=None, **about):
        """Opens a session under a new key and returns its public key."""
        key = key or Key()
        await self._hello(key.public, key, name or self.name, **about)
        self._keep_session(key, name or self.name)
        self.save()
        return key.public

    async def _hello(self, public, key=None, name=None, url=None, **about):
        key = key or self.sessions[public]["key"]
        name = name or self.sessions[public]["name"]
        proof = {"url": url or self.url, "mesh": self.roll.mesh,
                 "member": self.member.public, "session": public,
                 "challenge": self.wire.challenge["nonce"]}
        self.known_sessions[public] = key
        ack = await self.wire.request(
            "session_hello", meshId=self.roll.mesh, memberPubkey=self.member.public,
            sessionPubkey=public, attestation=self._attestation(public, name),
            proof=meshdoc.sign_document("hello", key, proof), daemonId=self.daemon,
            cursor=self.cursor, **about)
        if ack["sessionPubkey"] != public:
            raise Refused("conflict", "the answer is for another session")
        self.gap = bool(ack.get("gap"))
        if self.gap or self.cursor is None or self.cursor["history"] != ack["cursor"]["history"]:
            self.cursor = ack["cursor"]
        await self.sync_roll()
        self.roll_at_least(ack["roll"])
        return ack

    def roll_at_least(self, point):
        """The roll known must contain the point that somebody else saw."""
        n, head = point["n"], point["head"]
        if n > self.roll.n or (n and self.roll.hashes[n - 1] != head):
            raise Refused("roll_forked", "a roll that this one does not contain")

    async def attest(self, session=None, name=None, capabilities=None, hours=24):
        session = session or self.main
        name = name or self.sessions[session]["name"]
        await self.request("attest", session, attestation=self._attestation(
            session, name, hours, capabilities))
        self.sessions[session]["name"] = name

    async def end_session(self, session):
        await self.request("session_end", session)
        self._forget_session(session)

    # --- others -------------------------------------------------------------

    def check_attestation(self, document, session=None, fresh=False):
        """Returns the attestation if it stands by the roll."""
        fields = meshdoc.open_document("attest", document)
        if fields["mesh"] != self.roll.mesh:
            raise Refused("bad_attestation", "another mesh")
        if session and fields["session"] != session:
            raise Refused("bad_attestation", "another session")
        issued = meshdoc.parse_instant(fields["issuedAt"])
        expires = meshdoc.parse_instant(fields["expiresAt"])
        if not issued < expires <= issued + DAY:
            raise Refused("bad_attestation", "more than a day")
        if fresh and expires < datetime.datetime.now(datetime.timezone.utc):
            raise Refused("expired", "attestation")
        if not self.roll.active(fields["member"]):
            raise Refused("not_member", "")
        if not self.roll.session_ok(fields["member"], fields["session"]):
            raise Refused("revoked", "session")
        self.attests[fields["session"]] = fields
        return fields

    async def peers(self):
        """Returns the peers whose attestation stands, and how many do not."""
        reply = await self.request("list_peers")
        await self.sync_roll()
        good, bad = [], 0
        for peer in reply["peers"]:
            try:
                fields = self.check_attestation(peer["attestation"], peer["pubkey"], True)
                if fields["member"] != peer["memberPubkey"]:
                    raise Refused("bad_attestation", "another member")
                good.append(dict(peer, displayName=fields["name"]))
            except Refused:
                bad += 1
        return good, bad

    async def member_of(self, session):
        """The attestation of a session, asked for and verified."""
        reply = await self.request("session_show", pubkey=session)
        try:
            return self.check_attestation(reply["attestation"], session)
        except Refused:
            await self.sync_roll()
            return self.check_attestation(reply["attestation"], session)

    def safety_number(self, member):
        return meshdoc.safety_number(self.roll.mesh, self.member.public, member)
