"""Mail of a claudemesh client: sending, receiving, receipts."""

import asyncio
import datetime
import secrets

import meshdoc
from meshdoc import Refused, instant
from meshwire import Failed

RUNGS = ("delivered", "surfaced", "in_context", "answered")
OLDEST = datetime.timedelta(days=60)


class Mail:
    """The half of a Client that deals with messages."""

    def __init__(self):
        self.seen = {}                  # "sender id target" -> when, for 60 days
        self.inbox = []                 # mail that was verified, as dictionaries
        self.failed = []                # (push, error code) of mail that was not
        self.sent = {}                  # id -> {"session", "targets": {target: rung}}
        self.bad_receipts = []          # (push, error code)
        self.known_sessions = {}        # public -> Key, also of ended sessions
        self.trouble = []               # error codes of what was done unasked
        self.hold_acks = False
        self.gap = False
        self._tasks, self._queue, self._worker = set(), None, None

    # --- tasks --------------------------------------------------------------

    def spawn(self, coroutine):
        async def quietly():
            try:
                await coroutine
            except (Refused, Failed) as e:
                self.trouble.append(e.code)
            except (ConnectionError, asyncio.TimeoutError):
                pass
        task = asyncio.ensure_future(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start_mail(self):
        self._queue = asyncio.Queue()
        self._worker = asyncio.ensure_future(self._work())

    async def stop_mail(self):
        for task in [self._worker, *self._tasks]:
            if task:
                task.cancel()
        self._worker = None

    # --- sending ------------------------------------------------------------

    async def send(self, targets, text, session=None, priority="next", mid=None, **more):
        """Sends one text to one or many session or member keys; returns id and ack."""
        targets = [targets] if isinstance(targets, str) else list(targets)
        session = session or self.main
        key = self.sessions[session]["key"]
        mid = mid or "m" + secrets.token_hex(10)
        copies = []
        for target in targets:
            body = {"mesh": self.roll.mesh, "from": session, "to": target,
                    "session": more.get("meant") if target in self.roll.members else None,
                    "id": mid, "epoch": self.roll.epoch, "roll": self.roll.point(),
                    "priority": priority, "sentAt": instant(), "text": text,
                    "replyTo": more.get("reply_to"), "expects": more.get("expects")}
            nonce, ciphertext = meshdoc.seal_body(key, target, body)
            copies.append({"targetSpec": target, "nonce": nonce, "ciphertext": ciphertext})
        self.sent[mid] = {"session": session, "targets": {t: "queued" for t in targets}}
        self.save()
        ack = await self.request("send", session, id=mid, priority=priority,
                                 copies=copies[1:] or None, **copies[0])
        if ack["messageId"] != mid:
            raise Refused("conflict", "the ack is for another message")
        for copy in ack["recipients"]:
            await self._believe(mid, copy)
        return mid, ack

    async def _believe(self, mid, copy):
        """Takes a row of recipients for what it proves."""
        targets = self.sent[mid]["targets"]
        target, rung = copy["targetSpec"], copy["receipt"]
        if target not in targets:
            return
        if copy.get("doc"):
            await self._receipt_doc(copy["doc"], mid, target, rung)
        elif rung in ("stored", "refused", "expired"):
            if targets[target] not in RUNGS:
                targets[target] = rung
        elif targets[target] == "queued":
            targets[target] = "stored"

    async def message_status(self, mid):
        """Asks how far a message came; returns the rung proven for each target."""
        reply = await self.request("message_status", self.sent[mid]["session"],
                                   messageId=mid)
        for copy in reply["recipients"]:
            await self._believe(mid, copy)
        return dict(self.sent[mid]["targets"])

    # --- receipts that come --------------------------------------------------

    async def take_receipt(self, push):
        try:
            if push.get("doc"):
                await self._receipt_doc(push["doc"])
            elif push.get("receipt") == "expired" and push.get("messageId") in self.sent:
                await self._believe(push["messageId"], push)
        except Refused as e:
            self.bad_receipts.append((push, e.code))
        self.save()
        self.wake()

    async def _receipt_doc(self, document, mid=None, target=None, rung=None):
        """Believes a receipt when its signer is whom the message was written to."""
        doc = meshdoc.open_document("receipt", document)
        if doc["mesh"] != self.roll.mesh or doc["from"] not in self.known_sessions:
            raise Refused("conflict", "a receipt for somebody else")
        if doc["rung"] not in RUNGS + ("held", "failed"):
            raise Refused("bad_field", "rung")
        if mid and (mid not in doc["ids"] or doc["rung"] != rung):
            raise Refused("conflict", "a receipt for something else")
        signers = {doc["by"]}
        known = set().union(*(self.sent.get(one, {"targets": []})["targets"]
                              for one in doc["ids"]))
        if known - signers:                     # some copy went to a member, perhaps his
            try:
                signers.add((await self.member_of(doc["by"]))["member"])
            except (Refused, Failed):
                pass
        for one in [mid] if mid else doc["ids"]:
            message = self.sent.get(one)
            if message is None or message["session"] != doc["from"]:
                raise Refused("not_found", "a receipt for a message that was not sent")
            targets = message["targets"]
            found = signers & set(targets)
            if not found or target not in found | {None}:
                raise Refused("conflict", "a receipt by somebody else")
            for each in [target] if target else found:
                if targets[each] not in RUNGS or (
                        doc["rung"] in RUNGS
                        and RUNGS.index(doc["rung"]) > RUNGS.index(targets[each])):
                    targets[each] = doc["rung"]

    # --- receiving ----------------------------------------------------------

    def take_mail(self, push):
        self._queue.put_nowait(push)

    async def _work(self):
        """Commits mail in the order it came, then acknowledges it."""
        while True:
            pushes = [await self._queue.get()]
            while not self._queue.empty():
                pushes.append(self._queue.get_nowait())
            while self.cursor is None:          # until hello_ack was looked at
                await asyncio.sleep(0.01)
            receipts, seq = [], 0
            for push in pushes:
                receipt = await self._one(push)
                if receipt:
                    receipts.append(receipt)
                seq = max(seq, push.get("seq") or 0)
            if seq > self.cursor["seq"]:
                self.cursor = {"history": self.cursor["history"], "seq": seq}
            self.save()
            if self.main and not self.hold_acks:
                for i in range(0, max(1, len(receipts)), 64):
                    self.spawn(self.request("client_ack", cursor=self.cursor,
                                            receipts=receipts[i:i + 64] or None))
            self.wake()

    async def _one(self, push):
        """Verifies and keeps one message; returns the receipt to be signed."""
        name = " ".join([push["senderPubkey"], push["messageId"], push["targetSpec"]])
        if name in self.seen:
            return self._receipt(push, self.seen[name]["rung"])
        try:
            fields, attest = await self._open(push)
            rung, reason = "delivered", None
            self.inbox.append({"id": fields["id"], "text": fields["text"],
                               "from": fields["from"], "member": attest["member"],
                               "name": attest["name"], "to": fields["to"],
                               "priority": fields["priority"], "seq": push.get("seq"),
                               "replyTo": fields.get("replyTo")})
        except Refused as e:
            rung, reason = "failed", e.code
            self.failed.append((push, e.code))
        self.seen[name] = {"rung": rung, "at": instant()}
        return self._receipt(push, rung, reason)

    async def _open(self, push):
        if push["meshId"] != self.roll.mesh:
            raise Refused("conflict", "another mesh")
        target = push["targetSpec"]
        if target == self.member.public:
            key = self.member
        elif target in self.known_sessions:
            key = self.known_sessions[target]
        else:
            raise Refused("cannot_open", "not for a session of this client")
        envelope = {"mesh": push["meshId"], "from": push["senderPubkey"], "to": target,
                    "id": push["messageId"], "priority": push["priority"]}
        fields = meshdoc.open_body(key, envelope, push["nonce"], push["ciphertext"])
        sent = meshdoc.parse_instant(fields["sentAt"])
        if datetime.datetime.now(datetime.timezone.utc) - sent > OLDEST:
            raise Refused("expired", "older than 60 days")
        if fields["priority"] not in ("now", "next", "low"):
            raise Refused("bad_field", "priority")
        if fields["roll"]["n"] > self.roll.n:
            await self.sync_roll()
        self.roll_at_least(fields["roll"])
        attest = await self.member_of(fields["from"])
        if sent > meshdoc.parse_instant(attest["expiresAt"]):
            raise Refused("expired", "written after the attestation had run out")
        if push.get("senderMemberPubkey", attest["member"]) != attest["member"]:
            raise Refused("conflict", "another member")
        return fields, attest

    def _receipt(self, push, rung, reason=None):
        key = self.known_sessions.get(push["targetSpec"]) or \
            self.known_sessions.get(self.main)
        if key is None:
            return None                 # no session is left to sign with
        return meshdoc.sign_document("receipt", key, {
            "mesh": self.roll.mesh, "from": push["senderPubkey"], "by": key.public,
            "rung": rung, "reason": reason, "ids": [push["messageId"]], "at": instant()})
