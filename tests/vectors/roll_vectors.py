"""roll_vectors.py - the roll of the test vectors: a mesh's first acts, and
after each what must be refused. See make.py."""
import json

from cast import *

class Roll:
    def __init__(self):
        self.n, self.head, self.acts, self.refused = 0, "", [], []

    def text(self, kind, author, at=None, **fields):
        doc = {"v": 2, "kind": kind, "n": self.n, "prev": self.head,
               "author": author.hex,
               "at": at or "2026-11-20T19:%02d:00.000Z" % (13 + self.n)}
        doc.update(fields)
        return text_of(doc)

    def add(self, what, raw):
        self.head = sha256(raw).hex()
        self.acts.append({"what": what, "n": self.n, "act": b64(raw),
                          "hash": self.head})
        self.n += 1

    def act(self, what, kind, author, second=None, **fields):
        keys = (author,) + ((second,) if second else ())
        self.add(what, act_text(self.text(kind, author, **fields), *keys))

    def refuse(self, why, error, raw):
        self.refused.append({"why": why, "after": self.n, "act": b64(raw),
                             "error": error})

    def no(self, why, error, kind, author, second=None, **fields):
        keys = (author,) + ((second,) if second else ())
        self.refuse(why, error,
                    act_text(self.text(kind, author, **fields), *keys))


def invite(key, role="member", uses=1):
    return {"invite": key.hex, "role": role, "uses": uses,
            "expires_at": "2026-11-27T19:13:00.000Z"}


def named(fields):
    return {"expiresAt" if k == "expires_at" else k: v
            for k, v in fields.items()}


def join(key, who, name=None, **more):
    f = {"invite": key.hex, "member": MEMBER[who].hex, "name": name or who}
    f.update(more)
    return f


def roll_genesis(r):
    alice = MEMBER["alice"]
    r.no("the first act is not genesis", "roll_refused", "admin", OWNER,
         member=alice.hex, name="alice")
    bad = dict(GENESIS, prev="00" * 32)
    r.refuse("genesis with a predecessor", "roll_conflict",
             act_text(text_of(bad), OWNER))
    bad = dict(GENESIS, logKey="00" * 32)
    r.refuse("log key that is no key", "roll_refused",
             act_text(text_of(bad), OWNER))
    r.refuse("genesis not signed by its author", "bad_signature",
             act_text(text_of(GENESIS), alice))
    r.refuse("version 3", "roll_refused",
             act_text(text_of(dict(GENESIS, v=3)), OWNER))
    r.add("genesis", GENESIS_ACT)
    r.refuse("genesis again", "roll_conflict", GENESIS_ACT)
    g = {k: GENESIS[k] for k in ("nonce", "name", "logKey", "epoch",
                                 "epochHash")}
    r.no("a second genesis that follows", "roll_refused", "genesis", OWNER, **g)


def roll_first(r):
    alice, bob = MEMBER["alice"], MEMBER["bob"]
    r.no("admin by a stranger", "roll_refused", "admin", bob,
         member=bob.hex, name="bob")
    r.no("reserved name", "roll_refused", "admin", OWNER,
         member=alice.hex, name="System")
    r.no("name with a control character", "roll_refused", "admin", OWNER,
         member=alice.hex, name="ali\u202ece")
    r.no("member key of small order", "roll_refused", "admin", OWNER,
         member="01" + "00" * 31, name="alice")
    r.no("unknown kind", "roll_refused", "promote", OWNER, member=alice.hex)
    r.act("the owner makes alice admin and member", "admin", OWNER,
          member=alice.hex, name="alice", recovery=RECOVERY.hex)
    r.no("admin already", "conflict", "admin", OWNER,
         member=alice.hex, name="alice")


def roll_invites(r):
    alice, bob = MEMBER["alice"], MEMBER["bob"]
    r.no("an admin invites an admin", "roll_refused", "invite", alice,
         **named(invite(INVITE[0], "admin")))
    r.no("an admin invite of two uses", "roll_refused", "invite", OWNER,
         **named(invite(INVITE[0], "admin", 2)))
    r.no("unknown role", "roll_refused", "invite", OWNER,
         **named(invite(INVITE[0], "guest")))
    r.no("no use at all", "out_of_range", "invite", OWNER,
         **named(invite(INVITE[0], "member", 0)))
    r.act("alice invites two members", "invite", alice,
          **named(invite(INVITE[0], "member", 2)))
    r.no("an invite key appears once", "conflict", "invite", OWNER,
         **named(invite(INVITE[0])))
    r.no("join without the invite key's signature", "roll_refused", "join",
         bob, **join(INVITE[0], "bob"))
    r.no("join signed by another invite key", "bad_signature", "join", bob,
         INVITE[1], **join(INVITE[0], "bob"))
    r.no("author is not the member", "roll_refused", "join", STRANGER,
         INVITE[0], **join(INVITE[0], "bob"))
    r.no("unknown invite", "invite_unknown", "join", bob, INVITE[1],
         **join(INVITE[1], "bob"))
    text = r.text("join", bob, **join(INVITE[0], "bob"))
    r.refuse("three signatures", "roll_refused",
             act_text(text, bob, INVITE[0], OWNER))
    raw = act_text(text, bob, INVITE[0])
    r.refuse("a byte after the JSON", "roll_refused",
             act_text(text + b"\n", bob, INVITE[0]))
    r.refuse("a byte after the JSON that is not signed", "roll_refused",
             raw + b" ")
    r.add("bob joins", raw)
    r.no("a member joins again", "conflict", "join", bob, INVITE[0],
         **join(INVITE[0], "bob"))


def roll_admin_join(r):
    carol, bob = MEMBER["carol"], MEMBER["bob"]
    r.no("a plain member invites", "roll_refused", "invite", bob,
         **named(invite(INVITE[1])))
    r.act("the owner invites an admin", "invite", OWNER,
          **named(invite(INVITE[1], "admin")))
    r.act("carol joins as admin", "join", carol, INVITE[1],
          **join(INVITE[1], "carol"))
    r.no("used up", "invite_used_up", "join", MEMBER["dave"], INVITE[1],
         **join(INVITE[1], "dave"))
    r.no("settings by a plain member", "roll_refused", "settings", bob,
         name="bob's")
    r.act("carol renames the mesh and sets a rate", "settings", carol,
          name="Vektoren für alle", sendRate=50)
    r.act("dave joins, under bob's name", "join", MEMBER["dave"], INVITE[0],
          **join(INVITE[0], "dave", "bob"))


def roll_leave(r):
    bob, dave, carol = MEMBER["bob"], MEMBER["dave"], MEMBER["carol"]
    r.no("dave revokes a session of bob", "roll_refused", "session_revoke",
         dave, member=bob.hex, session=SESSION["bob"].hex)
    r.act("bob revokes his session", "session_revoke", bob, member=bob.hex,
          session=SESSION["bob"].hex)
    r.no("revoked already", "conflict", "session_revoke", carol,
         member=bob.hex, session=SESSION["bob"].hex)
    r.act("dave leaves", "leave", dave)
    r.no("who left can do nothing", "revoked", "leave", dave)
    r.act("carol invites", "invite", carol, **named(invite(INVITE[2])))
    r.no("a plain member revokes", "roll_refused", "invite_revoke", bob,
         invite=INVITE[2].hex)
    r.act("alice revokes carol's invite", "invite_revoke", MEMBER["alice"],
          invite=INVITE[2].hex)
    r.no("the invite is revoked", "invite_revoked", "join", dave, INVITE[2],
         **join(INVITE[2], "dave"))
    r.act("the owner invites dave again", "invite", OWNER,
          **named(invite(INVITE[3])))
    r.act("dave joins again", "join", dave, INVITE[3],
          **join(INVITE[3], "dave"))


def roll_end(r):
    carol = MEMBER["carol"]
    r.act("carol invites once more", "invite", carol,
          **named(invite(INVITE[4])))
    r.act("carol leaves, and her invites with her", "leave", carol)
    r.no("an invite of who left", "invite_revoked", "join", STRANGER,
         INVITE[4], invite=INVITE[4].hex, member=STRANGER.hex, name="eve")
    r.no("the last admin leaves", "roll_refused", "leave", MEMBER["alice"])
    text = json.dumps({
        "sendBurst": 500, "at": "2026-11-20T20:00:00.000Z",
        "author": OWNER.hex, "prev": r.head, "n": r.n, "kind": "settings",
        "v": 2, "unknown": {"a": [None, 1.5]}}, indent=1)
    text = text.replace('"settings"', '"\\u0073ettings"').encode()
    r.add("settings, written in another hand", act_text(text, OWNER))


def turned(epoch, **more):
    """The fields of a turn: what was staged is vectors of its own (seal.json)."""
    f = {"epoch": epoch, "epochHash": sha256(b"epoch key %d" % epoch).hex(),
         "keys": 2, "keysHash": sha256(b"keys %d" % epoch).hex()}
    f.update(more)
    return f


def roll_added(r):
    alice, bob = MEMBER["alice"], MEMBER["bob"]
    olga = {"member": OLGA.hex, "name": "olga", "oldClient": True}
    r.no("a plain member adds one", "roll_refused", "add", bob, **olga)
    r.no("a member is added", "conflict", "add", alice, member=bob.hex,
         name="bob")
    r.no("the owner key is added", "roll_refused", "add", alice,
         member=OWNER.hex, name="olga")
    r.act("alice adds an old client by its key", "add", alice, **olga)
    r.no("oldClients is neither on nor off", "roll_refused", "settings",
         OWNER, oldClients="yes")
    r.no("an admin lets old clients in", "roll_refused", "settings", alice,
         oldClients="on")
    r.act("the owner lets old clients in", "settings", OWNER, oldClients="on")
    r.no("an admin demotes", "roll_refused", "demote", alice,
         member=alice.hex)
    r.no("the last admin is demoted", "roll_refused", "demote", OWNER,
         member=alice.hex)
    r.no("no admin is demoted", "conflict", "demote", OWNER, member=bob.hex)
    r.act("the owner makes dave admin", "admin", OWNER,
          member=MEMBER["dave"].hex, name="dave")
    r.act("dave invites", "invite", MEMBER["dave"],
          **named(invite(INVITE[5], uses=3)))


def roll_removed(r):
    alice, bob, dave = MEMBER["alice"], MEMBER["bob"], MEMBER["dave"]
    r.no("a plain member removes", "roll_refused", "remove", bob,
         member=OLGA.hex, **turned(2))
    r.no("an admin removes an admin", "roll_refused", "remove", alice,
         member=dave.hex, **turned(2))
    r.no("an admin removes itself", "roll_refused", "remove", alice,
         member=alice.hex, **turned(2))
    r.no("an epoch is left out", "roll_refused", "remove", alice,
         member=bob.hex, **turned(3))
    r.no("the key stays the same", "roll_refused", "remove", alice,
         member=bob.hex, **turned(2, epochHash=sha256(EPOCH_KEY).hex()))
    r.no("a hash that is none", "roll_refused", "remove", alice,
         member=bob.hex, **turned(2, keysHash="x" * 64))
    r.act("alice removes bob, and the epoch turns", "remove", alice,
          member=bob.hex, **turned(2))
    r.no("who was removed can do nothing", "revoked", "leave", bob)
    r.no("who was removed joins by another invite", "revoked", "join", bob,
         INVITE[5], **join(INVITE[5], "bob"))
    r.no("removed already", "conflict", "remove", alice, member=bob.hex,
         **turned(3))
    r.no("who was removed is made admin", "revoked", "admin", OWNER,
         member=bob.hex, name="bob")
    r.no("a plain member turns the epoch", "roll_refused", "rotate", OLGA,
         **turned(3))
    r.no("an unknown invite leaked", "invite_unknown", "rotate", alice,
         **turned(3, invite=INVITE[6].hex))
    r.act("dave's invite leaked: it goes, and the epoch with it", "rotate",
          alice, **turned(3, invite=INVITE[5].hex))
    r.no("the leaked invite is used", "invite_revoked", "join", STRANGER,
         INVITE[5], invite=INVITE[5].hex, member=STRANGER.hex, name="eve")
    r.no("who was not removed is unbanned", "conflict", "unban", alice,
         member=dave.hex)
    r.act("alice lets bob join again", "unban", alice, member=bob.hex)
    r.no("who was let in is no member yet", "revoked", "leave", bob)
    r.act("alice invites", "invite", alice, **named(invite(INVITE[6])))
    r.act("bob joins again", "join", bob, INVITE[6], **join(INVITE[6], "bob"))


def roll_replaced(r):
    alice, dave = MEMBER["alice"], MEMBER["dave"]
    new = {"old": alice.hex, "member": NEW_ALICE.hex}
    r.no("an admin replaces an admin's key", "roll_refused", "replace", dave,
         NEW_ALICE, **new)
    r.no("a stranger replaces a key", "roll_refused", "replace", STRANGER,
         NEW_ALICE, **new)
    r.no("the new key did not sign", "bad_signature", "replace", RECOVERY,
         STRANGER, **new)
    r.no("the new key is a member's", "conflict", "replace", RECOVERY, dave,
         old=alice.hex, member=dave.hex)
    r.act("alice's recovery key puts a new key in her place", "replace",
          RECOVERY, NEW_ALICE, **new)
    r.no("the old key acts", "revoked", "invite", alice,
         **named(invite(INVITE[7])))
    r.no("the old key comes back", "roll_refused", "unban", dave,
         member=alice.hex)
    r.act("the owner demotes dave", "demote", OWNER, member=dave.hex)


def member(who, name, state, admin, by, joined, recovery="", key=None, **more):
    return {"key": (key or MEMBER[who]).hex, "name": name, "state": state,
            "admin": admin, "invite": by.hex if by else "", "joined": joined,
            "recovery": recovery, **more}


def roll():
    r = Roll()
    for part in (roll_genesis, roll_first, roll_invites, roll_admin_join,
                 roll_leave, roll_end, roll_added, roll_removed,
                 roll_replaced):
        part(r)
    return {
        "how": [
            "act: base64(number of signatures, 1 byte | signatures, 64 bytes "
            "each | JSON). Each signature is Ed25519 over 'claudemesh/2/act' "
            "NUL and exactly the JSON's bytes. The author signs first; a join "
            "is signed second by the invite key, a replace by the new key.",
            "hash: SHA-256 of the act's bytes (count, signatures and JSON), "
            "hex. prev is the hash of the act before it, n its number.",
            "acts: to be applied in order; each must be accepted and give "
            "this hash.",
            "refused: to be tried when `after` acts are applied; must be "
            "refused with this error and change nothing.",
            "state: what the roll says at the end. An invite is revoked by an "
            "act, or because its author left or was removed. turn_due: "
            "somebody who knows the epoch key is no member any more.",
        ],
        "acts": r.acts,
        "refused": r.refused,
        "state": {
            "mesh": MESH, "n": r.n, "head": r.head, "owner": OWNER.hex,
            "name": "Vektoren für alle", "log_key": LOG.hex, "nonce": NONCE,
            "epoch": 3, "epoch_hash": turned(3)["epochHash"],
            "old_clients": True, "turn_due": True,
            "send_rate": 50, "send_burst": 500,
            "members": [
                member("alice", "alice", "removed", False, None, 1,
                       RECOVERY.hex),
                member("bob", "bob", "active", False, INVITE[6], 25),
                member("carol", "carol", "left", False, INVITE[1], 5),
                member("dave", "dave", "active", False, INVITE[3], 13),
                member("olga", "olga", "active", False, None, 17, key=OLGA,
                       old_client=True),
                member("alice", "alice", "active", True, None, 26,
                       RECOVERY.hex, key=NEW_ALICE)],
            "invites": [
                {"key": INVITE[i].hex, "author": a.hex, "admin": adm,
                 "uses": uses, "used": used, "revoked": rev, "n": n}
                for i, (a, adm, uses, used, rev, n) in enumerate((
                    (MEMBER["alice"], False, 2, 2, True, 2),
                    (OWNER, True, 1, 1, False, 4),
                    (MEMBER["carol"], False, 1, 0, True, 10),
                    (OWNER, False, 1, 1, False, 12),
                    (MEMBER["carol"], False, 1, 0, True, 14),
                    (MEMBER["dave"], False, 3, 0, True, 20),
                    (MEMBER["alice"], False, 1, 1, True, 24)))],
            "revoked_sessions": [{"member": MEMBER["bob"].hex,
                                  "session": SESSION["bob"].hex}],
        },
    }
