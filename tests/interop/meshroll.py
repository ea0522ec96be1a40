"""The roll of a mesh: signed acts, replayed under all their rules."""

import hashlib
import unicodedata

from meshdoc import (Refused, b32, b64, check_fields, compact, instant, is_hex,
                     strict_json, unb64, valid_key, verify)

ACT = [("v", "int", 1, 0, 2**53 - 1), ("kind", "str", 1, 1, 16),
       ("n", "int", 1, 0, 2**53 - 1), ("prev", "str", 1, 0, 64),
       ("author", "str", 1, 64, 64), ("at", "at", 1, 0, 0)]
TURN = [("epoch", "int", 1, 2, 2**53 - 1), ("epochHash", "str", 1, 64, 64),
        ("keys", "int", 1, 0, 100000), ("keysHash", "str", 1, 64, 64)]
SECOND = {"join": "invite", "replace": "member"}    # who signs second
KINDS = {
    "genesis": [("nonce", "str", 1, 64, 64), ("name", "str", 1, 1, 64),
                ("logKey", "str", 1, 64, 64), ("epoch", "int", 1, 1, 1),
                ("epochHash", "str", 1, 64, 64)],
    "admin": [("member", "str", 1, 64, 64), ("name", "str", 1, 1, 64),
              ("recovery", "str", 0, 0, 64)],
    "invite": [("invite", "str", 1, 64, 64), ("role", "str", 1, 1, 8),
               ("uses", "int", 1, 1, 100000), ("expiresAt", "at", 1, 0, 0)],
    "invite_revoke": [("invite", "str", 1, 64, 64)],
    "join": [("invite", "str", 1, 64, 64), ("member", "str", 1, 64, 64),
             ("name", "str", 1, 1, 64), ("recovery", "str", 0, 0, 64)],
    "leave": [],
    "session_revoke": [("member", "str", 1, 64, 64), ("session", "str", 1, 64, 64)],
    "settings": [("name", "str", 0, 0, 64), ("sendRate", "int", 0, 0, 100000),
                 ("sendBurst", "int", 0, 0, 1000000), ("oldClients", "str", 0, 0, 3)],
    "add": [("member", "str", 1, 64, 64), ("name", "str", 1, 1, 64),
            ("oldClient", "bool", 0, 0, 0), ("recovery", "str", 0, 0, 64)],
    "demote": [("member", "str", 1, 64, 64)],
    "remove": [("member", "str", 1, 64, 64)] + TURN,
    "rotate": TURN + [("invite", "str", 0, 0, 64)],
    "unban": [("member", "str", 1, 64, 64)],
    "replace": [("old", "str", 1, 64, 64), ("member", "str", 1, 64, 64),
                ("recovery", "str", 0, 0, 64)],
}
# The documents give no rules for names; these were found by trying.
RESERVED = {"system", "broker", "all", "human"}
INVISIBLE = set("\u115f\u1160\u3164\uffa0\ufffe\uffff")


def sign_act(kind, n, prev, author, fields, second=None):
    """Makes an act's bytes; second is the invite key for a join."""
    act = {"v": 2, "kind": kind, "n": n, "prev": prev, "author": author.public,
           "at": instant()}
    act.update({k: v for k, v in fields.items() if v is not None})
    data = compact(act)
    signers = [author] + ([second] if second else [])
    return bytes([len(signers)]) + b"".join(k.sign("act", data) for k in signers) + data


def check_name(name):
    for c in name:
        if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or c in INVISIBLE:
            raise Refused("roll_refused", "a character that a name may not have")
    if name.lower() in RESERVED or name != name.strip():
        raise Refused("roll_refused", "a name that nobody may have")


class Roll:
    """The state that the acts make. Believes nothing that was not applied."""

    def __init__(self, mesh=None):
        self.wanted = mesh              # the id it must have, when known
        self.acts = []                  # bytes of each
        self.hashes = []
        self.mesh = self.owner = self.name = self.log_key = self.nonce = ""
        self.epoch, self.epoch_hash = 0, ""
        self.send_rate = self.send_burst = 0
        self.old_clients = self.turn_due = False
        self.members, self.invites = {}, {}
        self.revoked = set()            # (member, session)
        self.replaced = set()

    @property
    def n(self):
        return len(self.acts)

    @property
    def head(self):
        return self.hashes[-1] if self.hashes else ""

    def point(self):
        return {"n": self.n, "head": self.head}

    def active(self, member):
        return self.members.get(member, {}).get("state") == "active"

    def is_admin(self, member):
        return self.active(member) and self.members[member]["admin"]

    def session_ok(self, member, session):
        return self.active(member) and (member, session) not in self.revoked

    # --- applying -----------------------------------------------------------

    def apply(self, text):
        """Applies one act as it travels; refuses it and changes nothing, or takes it."""
        try:
            raw = unb64(text)
        except Refused as e:
            raise Refused("roll_refused", "no base64") from e
        count = raw[0] if raw else 0
        data = raw[1 + 64 * count:]
        if not 1 <= count <= 2 or data[:1] != b"{" or data[-1:] != b"}":
            raise Refused("roll_refused", "number of signatures, or not just an object")
        try:
            act = strict_json(data)
        except Refused as e:
            raise Refused("roll_refused", "JSON") from e
        check_fields(act, ACT)
        kind = act["kind"]
        if act["v"] != 2 or kind not in KINDS:
            raise Refused("roll_refused", "version or kind")
        check_fields(act, KINDS[kind])
        if count != (2 if kind in SECOND else 1):
            raise Refused("roll_refused", "number of signatures")
        if act["n"] != self.n or act["prev"] != self.head:
            raise Refused("roll_conflict", "does not follow the head")
        for field in ("author", "member", "invite", "session", "logKey"):
            if act.get(field) and field in [r[0] for r in ACT + KINDS[kind]]:
                if not valid_key(act[field]):
                    raise Refused("roll_refused", field + " is no key")
        for name in ("nonce", "epochHash", "keysHash"):
            if name in act and name in [r[0] for r in KINDS[kind]] and not is_hex(act[name], 32):
                raise Refused("roll_refused", name)
        if "name" in [r[0] for r in KINDS[kind]] and act.get("name"):
            check_name(act["name"])
        verify("act", act["author"], raw[1:65], data)
        if kind in SECOND:
            verify("act", act[SECOND[kind]], raw[65:129], data)
        digest = hashlib.sha256(raw).hexdigest()
        if (kind == "genesis") != (self.n == 0):
            raise Refused("roll_refused", "genesis is the first act and no other")
        if kind not in ("genesis", "join", "replace") and act["author"] != self.owner:
            state = self.members.get(act["author"], {}).get("state")
            if state is None:
                raise Refused("roll_refused", "a stranger")
            if state != "active":
                raise Refused("revoked", "no member any more")
        getattr(self, "_" + kind)(act, digest)
        self.acts.append(raw)
        self.hashes.append(digest)
        return act

    def _need_admin(self, author):
        if author != self.owner and not self.is_admin(author):
            raise Refused("roll_refused", "not an admin")

    def _genesis(self, act, digest):
        mesh = b32(bytes.fromhex(digest)[:20])
        if self.wanted and mesh != self.wanted:
            raise Refused("roll_forked", "another mesh")
        self.mesh = self.wanted = mesh
        self.owner, self.name, self.nonce = act["author"], act["name"], act["nonce"]
        self.log_key, self.epoch = act["logKey"], act["epoch"]
        self.epoch_hash = act["epochHash"]

    def _admin(self, act, _):
        if act["author"] != self.owner:
            raise Refused("roll_refused", "only the owner makes admins")
        if self.is_admin(act["member"]):
            raise Refused("conflict", "admin already")
        self._enter(act, True, "")

    def _enter(self, act, admin, invite):
        old = self.members.get(act["member"])
        if old is not None and old["state"] == "removed":
            raise Refused("revoked", "a removed key does not come back")
        if act["member"] == self.owner or act["member"] in self.invites:
            raise Refused("roll_refused", "the key has another use")
        if old is not None and old["state"] == "active":
            self.members[act["member"]]["admin"] = admin or old["admin"]
            self.members[act["member"]]["name"] = act["name"]
            return
        self.members[act["member"]] = {
            "key": act["member"], "name": act["name"], "state": "active",
            "admin": admin, "invite": invite, "joined": act["n"],
            "recovery": act.get("recovery") or ""}

    def _invite(self, act, _):
        self._need_admin(act["author"])
        if act["role"] not in ("member", "admin"):
            raise Refused("roll_refused", "role")
        if act["role"] == "admin" and (act["author"] != self.owner or act["uses"] != 1):
            raise Refused("roll_refused", "an admin is invited once, by the owner")
        if act["invite"] in self.invites:
            raise Refused("conflict", "the invite is there already")
        self.invites[act["invite"]] = {
            "key": act["invite"], "author": act["author"],
            "admin": act["role"] == "admin", "uses": act["uses"], "used": 0,
            "revoked": False, "n": act["n"]}

    def _invite_revoke(self, act, _):
        invite = self.invites.get(act["invite"])
        if invite is None:
            raise Refused("invite_unknown", "")
        if act["author"] != invite["author"]:
            self._need_admin(act["author"])
        if invite["revoked"]:
            raise Refused("conflict", "revoked already")
        invite["revoked"] = True

    def _join(self, act, _):
        if act["author"] != act["member"]:
            raise Refused("roll_refused", "the author is not the member")
        invite = self.invites.get(act["invite"])
        if invite is None:
            raise Refused("invite_unknown", "")
        if invite["revoked"]:
            raise Refused("invite_revoked", "")
        if self.active(act["member"]):
            raise Refused("conflict", "a member already")
        if invite["used"] >= invite["uses"]:
            raise Refused("invite_used_up", "")
        self._enter(act, invite["admin"], act["invite"])
        invite["used"] += 1

    def _leave(self, act, _):
        member = self.members.get(act["author"])
        if member is None:
            raise Refused("roll_refused", "no member")
        admins = [m for m in self.members.values() if m["state"] == "active" and m["admin"]]
        if admins == [member]:
            raise Refused("roll_refused", "the last admin stays")
        admin = member["admin"]
        member["state"], member["admin"] = "left", False
        self.turn_due = self.turn_due or not member.get("old_client")
        if admin:
            self._end_invites(act["author"])

    def _end_invites(self, author):
        for invite in self.invites.values():
            if invite["author"] == author:
                invite["revoked"] = True

    def _add(self, act, _):
        self._need_admin(act["author"])
        if self.active(act["member"]):
            raise Refused("conflict", "a member already")
        self._enter(act, False, "")
        if act.get("oldClient"):
            self.members[act["member"]]["old_client"] = True

    def _admins(self):
        return [m["key"] for m in self.members.values() if m["state"] == "active" and m["admin"]]

    def _demote(self, act, _):
        if act["author"] != self.owner:
            raise Refused("roll_refused", "only the owner demotes")
        if not self.active(act["member"]):
            raise Refused("roll_refused", "no member")
        if not self.is_admin(act["member"]):
            raise Refused("conflict", "no admin")
        if len(self._admins()) == 1:
            raise Refused("roll_refused", "the last admin stays")
        self.members[act["member"]]["admin"] = False
        self._end_invites(act["member"])

    def _turn(self, act):
        if act["epoch"] != self.epoch + 1 or act["epochHash"] == self.epoch_hash:
            raise Refused("roll_refused", "no new epoch")

    def _turned(self, act):
        self.epoch, self.epoch_hash = act["epoch"], act["epochHash"]
        self.turn_due = False

    def _remove(self, act, _):
        self._need_admin(act["author"])
        member = self.members.get(act["member"])
        if member is None or act["member"] == act["author"]:
            raise Refused("roll_refused", "no member, or itself")
        if member["state"] == "removed":
            raise Refused("conflict", "removed already")
        if member["admin"] and (act["author"] != self.owner or len(self._admins()) == 1):
            raise Refused("roll_refused", "an admin")
        self._turn(act)
        self._end_invites(act["member"])
        if member["invite"] in self.invites:
            self.invites[member["invite"]]["revoked"] = True
        member["state"], member["admin"] = "removed", False
        self._turned(act)

    def _rotate(self, act, _):
        self._need_admin(act["author"])
        leaked = act.get("invite")
        if leaked and leaked not in self.invites:
            raise Refused("invite_unknown", "")
        self._turn(act)
        if leaked:
            self.invites[leaked]["revoked"] = True
        self._turned(act)

    def _unban(self, act, _):
        self._need_admin(act["author"])
        member = self.members.get(act["member"])
        if member is None or member["state"] != "removed":
            raise Refused("conflict", "not removed")
        if act["member"] in self.replaced:
            raise Refused("roll_refused", "replaced for ever")
        member["state"] = "left"

    def _replace(self, act, _):
        old = self.members.get(act["old"])
        if not self.active(act["old"]):
            raise Refused("roll_refused", "no member")
        if act["author"] not in (self.owner, old["recovery"]) and not (
                self.is_admin(act["author"]) and not old["admin"]):
            raise Refused("roll_refused", "may not replace it")
        if act["member"] in self.members:
            raise Refused("conflict", "the new key is known")
        fields = {"member": act["member"], "name": old["name"], "n": act["n"],
                  "recovery": act.get("recovery") or old["recovery"]}
        self._enter(fields, old["admin"], "")
        self._end_invites(act["old"])
        old["state"], old["admin"] = "removed", False
        self.replaced.add(act["old"])
        self.turn_due = True

    def _session_revoke(self, act, _):
        if act["author"] != act["member"]:
            self._need_admin(act["author"])
        if act["member"] not in self.members:
            raise Refused("roll_refused", "no such member")
        if (act["member"], act["session"]) in self.revoked:
            raise Refused("conflict", "revoked already")
        self.revoked.add((act["member"], act["session"]))

    def _settings(self, act, _):
        self._need_admin(act["author"])
        if act.get("oldClients") and act["author"] != self.owner:
            raise Refused("roll_refused", "only the owner lets old clients in")
        if act.get("oldClients", "on") not in ("on", "off", ""):
            raise Refused("roll_refused", "oldClients")
        self.name = act.get("name") or self.name
        self.send_rate = act.get("sendRate") or self.send_rate
        self.send_burst = act.get("sendBurst") or self.send_burst
        if act.get("oldClients"):
            self.old_clients = act["oldClients"] == "on"

    # --- what the broker shows ----------------------------------------------

    def check_point(self, point):
        """Refuses a roll that is shorter than, or different from, the one known."""
        n, head = point["n"], point["head"]
        if n < self.n or (n and n == self.n and head != self.head):
            raise Refused("roll_forked", "shorter or different")

    def wire(self):
        return [b64(a) for a in self.acts]
