#!/usr/bin/python3
"""make.py [DIR] - writes the test vectors, from fixed seeds.

An implementation of the protocol's cryptography of its own: PyNaCl's bindings,
hashlib and hmac, and none of our C code. It shares nothing with src/crypto but
the text of the protocol. Running it again gives the same bytes; tests/vectors/run
compares. Each file says in "how" what is computed from what, so that a client
in any language can be checked against it.
"""
import base64
import hashlib
import hmac
import json
import os
import sys

import nacl.bindings as na

# ---- primitives ----


def sha256(b):
    return hashlib.sha256(b).digest()


def b64(b):
    return base64.b64encode(b).decode()


def b64url(b):
    return base64.urlsafe_b64encode(b).decode().rstrip("=")


def b32(b):
    return base64.b32encode(b).decode().lower().rstrip("=")


def hkdf(ikm, info, n=32):
    """RFC 5869, HMAC-SHA-256, empty salt."""
    prk = hmac.new(b"", ikm, "sha256").digest()
    out, t, i = b"", b"", 1
    while len(out) < n:
        t = hmac.new(prk, t + info + bytes([i]), "sha256").digest()
        out, i = out + t, i + 1
    return out[:n]


class Key:
    def __init__(self, seed):
        self.seed = seed
        self.pub, self.sec = na.crypto_sign_seed_keypair(seed)
        self.hex = self.pub.hex()

    def sign(self, kind, data):
        message = b"claudemesh/2/" + kind.encode() + b"\0" + data
        return na.crypto_sign(message, self.sec)[:64]

    def xpub(self):
        return na.crypto_sign_ed25519_pk_to_curve25519(self.pub)

    def xsec(self):
        return na.crypto_sign_ed25519_sk_to_curve25519(self.sec)


def text_of(doc):
    """A document as we write it: no white space, UTF-8, fields in row order."""
    return json.dumps(doc, separators=(",", ":"), ensure_ascii=False).encode()


def signed_text(kind, text, key):
    return b64(key.sign(kind, text) + text)


def signed(kind, doc, key):
    return signed_text(kind, text_of(doc), key)


def act_text(text, *keys):
    raw = bytes([len(keys)]) + b"".join(k.sign("act", text) for k in keys) + text
    return raw


def seal(message, to, ephemeral_seed):
    """crypto_box_seal with a chosen ephemeral key, so that it repeats."""
    epk, esk = na.crypto_box_seed_keypair(ephemeral_seed)
    nonce = hashlib.blake2b(epk + to.xpub(), digest_size=24).digest()
    return epk + na.crypto_box(message, nonce, to.xpub(), esk)


# ---- the cast ----

ACCOUNT = {"alice": b"\x01" * 32, "bob": b"\x02" * 32, "carol": b"\x03" * 32,
           "dave": b"\x04" * 32}
NONCE = sha256(b"claudemesh test vectors: genesis nonce").hex()
EPOCH_KEY = sha256(b"claudemesh test vectors: epoch key 1")
LOG = Key(b"\x4c" * 32)
OWNER = Key(hkdf(ACCOUNT["alice"], b"claudemesh/owner/2|" + NONCE.encode()))
URL = "ws://127.0.0.1:7900/ws"
CHALLENGE = sha256(b"claudemesh test vectors: challenge").hex()

GENESIS = {
    "v": 2, "kind": "genesis", "n": 0, "prev": "", "author": OWNER.hex,
    "at": "2026-11-20T19:13:00.000Z", "nonce": NONCE, "name": "vectors",
    "logKey": LOG.hex, "epoch": 1, "epochHash": sha256(EPOCH_KEY).hex()}
GENESIS_ACT = act_text(text_of(GENESIS), OWNER)
MESH_HASH = sha256(GENESIS_ACT)[:20]
MESH = b32(MESH_HASH)

MEMBER = {who: Key(hkdf(seed, b"claudemesh/member/2|" + MESH.encode()))
          for who, seed in ACCOUNT.items()}
SESSION = {who: Key(bytes([0x50 + i]) * 32)
           for i, who in enumerate(ACCOUNT)}
INVITE = [Key(bytes([0x60 + i]) * 32) for i in range(6)]
RECOVERY = Key(b"\x70" * 32)
STRANGER = Key(b"\x7f" * 32)


def pair(key):
    return {"seed": key.seed.hex(), "public": key.hex}


# ---- derive.json ----


def derive():
    ikm = b"\x0b" * 22
    return {
        "how": [
            "hkdf: RFC 5869 over HMAC-SHA-256 with an empty salt; ikm and out "
            "in hex, info as text, n bytes of output.",
            "key: an Ed25519 pair whose 32-byte seed is "
            "HKDF(account seed, info, 32). info is 'claudemesh/account/2' for "
            "the account key, 'claudemesh/owner/2|' and the genesis nonce in "
            "hex for the owner key, 'claudemesh/member/2|' and the mesh id for "
            "the member key.",
            "mesh_id: base32 (RFC 4648, lower case, no padding) of the first "
            "20 bytes of the SHA-256 of the genesis act's bytes (count of "
            "signatures, signatures, JSON).",
            "target: HKDF(epoch key, 'claudemesh/target/2|' and the target, "
            "32): a crypto_secretbox key.",
            "sha256: of the text's UTF-8.",
            "invalid_keys: 64 characters that must not be taken for a public "
            "key: not canonical hex, no point of the curve, of small order, or "
            "outside of the main subgroup.",
        ],
        "hkdf": [
            {"ikm": i.hex(), "info": s, "n": n,
             "out": hkdf(i, s.encode(), n).hex()}
            for i, s, n in ((ikm, "", 42), (ikm, "claudemesh", 32),
                            (b"\x01" * 32, "claudemesh/account/2", 32),
                            (b"\x01" * 32, "long", 255))],
        "sha256": [{"text": s, "hex": sha256(s.encode()).hex()}
                   for s in ("", "abc", "claudemesh")],
        "keys": [
            {"account_seed": seed.hex(), "nonce": NONCE, "mesh": MESH,
             "account": pair(Key(hkdf(seed, b"claudemesh/account/2"))),
             "owner": pair(Key(hkdf(
                 seed, b"claudemesh/owner/2|" + NONCE.encode()))),
             "member": pair(MEMBER[who])}
            for who, seed in ACCOUNT.items()],
        "mesh_id": {"genesis_act": b64(GENESIS_ACT),
                    "sha256": sha256(GENESIS_ACT).hex(), "mesh": MESH},
        "target": [
            {"epoch_key": EPOCH_KEY.hex(), "target": t,
             "key": hkdf(EPOCH_KEY, b"claudemesh/target/2|" + t.encode()).hex()}
            for t in ("@backend", "*", "tag:repo=claudemesh", "#general")],
        "invalid_keys": invalid_keys(),
    }


def invalid_keys():
    good = MEMBER["alice"].hex
    low = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
    # a point of the main group plus one of order 8: on the curve, yet refused
    mixed = na.crypto_core_ed25519_add(MEMBER["bob"].pub, bytes.fromhex(low))
    p = 2**255 - 19
    off = next(v for v in range(2, 99)
               if not on_curve(v, p)).to_bytes(32, "little")
    return [
        good.upper(), good[:-1], good + "0", " " + good[1:], "g" + good[1:], "",
        "00" * 32, "01" + "00" * 31, low, "ff" * 32, off.hex(), mixed.hex(),
        (p + 3).to_bytes(32, "little").hex()]


def on_curve(y, p):
    d = -121665 * pow(121666, p - 2, p) % p
    x2 = (y * y - 1) * pow(d * y * y + 1, p - 2, p) % p
    return x2 == 0 or pow(x2, (p - 1) // 2, p) == 1


# ---- document.json ----


def attestation_of(who, **more):
    doc = {"mesh": MESH, "member": MEMBER[who].hex,
           "session": SESSION[who].hex, "name": who}
    doc.update(more)
    doc.update({"issuedAt": "2026-11-20T19:13:00.000Z",
                "expiresAt": "2026-11-21T19:13:00.000Z"})
    return doc


def hello_of(who):
    return {"url": URL, "mesh": MESH, "member": MEMBER[who].hex,
            "session": SESSION[who].hex, "challenge": CHALLENGE}


def receipt_of():
    return {"mesh": MESH, "from": SESSION["alice"].hex,
            "by": SESSION["bob"].hex, "rung": "surfaced", "reason": "channel",
            "ids": ["m0000001", "m0000002"], "at": "2026-11-20T19:14:00.123Z"}


def documents():
    rows = [
        ("attestation", "attest", attestation_of("alice"), MEMBER["alice"]),
        ("attestation", "attest",
         attestation_of("bob", name="Bjørn \"B\" \\ 明",
                        capabilities=["read", "send"]), MEMBER["bob"]),
        ("hello_proof", "hello", hello_of("alice"), SESSION["alice"]),
        ("invite_proof", "invite",
         {"url": URL, "invite": INVITE[0].hex, "challenge": CHALLENGE},
         INVITE[0]),
        ("delete_proof", "delete",
         {"url": URL, "mesh": MESH, "challenge": CHALLENGE}, OWNER),
        ("receipt_doc", "receipt", receipt_of(), SESSION["bob"]),
    ]
    out = [{"row": row, "kind": kind, "seed": key.seed.hex(), "signer": key.hex,
            "json": text_of(doc).decode(), "canonical": True,
            "document": signed(kind, doc, key)} for row, kind, doc, key in rows]
    # the same statement in another hand: verified as sent, not as we'd write it
    doc = attestation_of("carol", note=[1, {"x": None}])
    text = json.dumps(doc, indent=1, sort_keys=True).replace(
        "carol", "\\u0063arol").encode()
    out.append({"row": "attestation", "kind": "attest",
                "seed": MEMBER["carol"].seed.hex(),
                "signer": MEMBER["carol"].hex, "json": text.decode(),
                "canonical": False,
                "document": signed_text("attest", text, MEMBER["carol"])})
    return out


def bad_documents():
    alice, text = MEMBER["alice"], text_of(attestation_of("alice"))
    good = alice.sign("attest", text)

    def row(why, error, data, kind="attest"):
        return {"why": why, "row": "attestation", "kind": kind,
                "signer": alice.hex, "document": data, "error": error}
    flipped = bytearray(good)
    flipped[5] ^= 1
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(good[32:], "little") + order
    return [
        row("a bit of the signature", "bad_signature", b64(flipped + text)),
        row("a bit of the text", "bad_signature",
            b64(good + text.replace(b'"alice"', b'"alicf"'))),
        row("white space added to the text", "bad_signature",
            b64(good + text.replace(b",", b", ", 1))),
        row("signed by somebody else", "bad_signature",
            signed("attest", attestation_of("alice"), MEMBER["bob"])),
        row("signed under another kind", "bad_signature",
            signed("hello", attestation_of("alice"), alice)),
        row("signed without a domain", "bad_signature",
            b64(na.crypto_sign(text, alice.sec)[:64] + text)),
        row("the signature's S plus the group's order", "bad_signature",
            b64(good[:32] + s.to_bytes(32, "little") + text)),
        row("no base64", "cannot_open", "!" + b64(good + text)[1:]),
        row("base64 without its padding", "cannot_open",
            b64(good + text + b" ").rstrip("=") + "\n"),
        row("shorter than a signature", "cannot_open", b64(good[:63])),
        row("only a signature", "cannot_open", b64(good)),
    ]


def document():
    return {
        "how": [
            "signed document: base64(signature 64 bytes | JSON).",
            "signature: Ed25519 by seed over 'claudemesh/2/' kind NUL and then "
            "exactly the bytes of the JSON that are sent. Nothing is written "
            "anew to be verified.",
            "canonical true: our own clients write this JSON byte for byte: no "
            "white space, fields in the order of the row, UTF-8 not escaped, "
            "absent fields left out. false: written by somebody else, and just "
            "as valid; fields that the row does not know are ignored.",
            "bad: must not open, with this error.",
        ],
        "good": documents(),
        "bad": bad_documents(),
    }


# ---- roll.json ----


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


def member(who, name, state, admin, by, joined, recovery=""):
    return {"key": MEMBER[who].hex, "name": name, "state": state,
            "admin": admin, "invite": by.hex if by else "", "joined": joined,
            "recovery": recovery}


def roll():
    r = Roll()
    for part in (roll_genesis, roll_first, roll_invites, roll_admin_join,
                 roll_leave, roll_end):
        part(r)
    return {
        "how": [
            "act: base64(number of signatures, 1 byte | signatures, 64 bytes "
            "each | JSON). Each signature is Ed25519 over 'claudemesh/2/act' "
            "NUL and exactly the JSON's bytes. The author signs first; a join "
            "is signed second by the invite key.",
            "hash: SHA-256 of the act's bytes (count, signatures and JSON), "
            "hex. prev is the hash of the act before it, n its number.",
            "acts: to be applied in order; each must be accepted and give "
            "this hash.",
            "refused: to be tried when `after` acts are applied; must be "
            "refused with this error and change nothing.",
            "state: what the roll says at the end. An invite is revoked by an "
            "act, or because its author left.",
        ],
        "acts": r.acts,
        "refused": r.refused,
        "state": {
            "mesh": MESH, "n": r.n, "head": r.head, "owner": OWNER.hex,
            "name": "Vektoren für alle", "log_key": LOG.hex, "nonce": NONCE,
            "epoch": 1, "epoch_hash": sha256(EPOCH_KEY).hex(),
            "send_rate": 50, "send_burst": 500,
            "members": [
                member("alice", "alice", "active", True, None, 1, RECOVERY.hex),
                member("bob", "bob", "active", False, INVITE[0], 3),
                member("carol", "carol", "left", False, INVITE[1], 5),
                member("dave", "dave", "active", False, INVITE[3], 13)],
            "invites": [
                {"key": INVITE[i].hex, "author": a.hex, "admin": adm,
                 "uses": uses, "used": used, "revoked": rev, "n": n}
                for i, (a, adm, uses, used, rev, n) in enumerate((
                    (MEMBER["alice"], False, 2, 2, False, 2),
                    (OWNER, True, 1, 1, False, 4),
                    (MEMBER["carol"], False, 1, 0, True, 10),
                    (OWNER, False, 1, 1, False, 12),
                    (MEMBER["carol"], False, 1, 0, True, 14)))],
            "revoked_sessions": [{"member": MEMBER["bob"].hex,
                                  "session": SESSION["bob"].hex}],
        },
    }


# ---- body.json ----


def body_of(to, **more):
    doc = {"mesh": MESH, "from": SESSION["alice"].hex, "to": to.hex}
    if "session" in more:
        doc["session"] = more.pop("session")
    doc.update({"id": "m0000001", "epoch": 1,
                "roll": {"n": 2, "head": sha256(GENESIS_ACT).hex()},
                "priority": "next", "sentAt": "2026-11-20T19:14:00.000Z",
                "text": "ship it – jetzt \"now\"\nline two"})
    doc.update(more)
    return doc


def boxed(doc, signer, frm, to, nonce, kind="body"):
    text = text_of(doc)
    return b64(na.crypto_box(signer.sign(kind, text) + text, nonce, to.xpub(),
                             frm.xsec()))


def body():
    frm, bob, mem = SESSION["alice"], SESSION["bob"], MEMBER["bob"]
    nonce = bytes(range(24))

    def good(what, to, doc):
        return {"what": what, "from_seed": frm.seed.hex(), "from": frm.hex,
                "to_seed": to.seed.hex(), "to": to.hex, "nonce": b64(nonce),
                "json": text_of(doc).decode(),
                "ciphertext": boxed(doc, frm, frm, to, nonce)}

    def bad(why, error, doc, to=bob, signer=frm, box=frm, kind="body",
            env=()):
        e = {"mesh": MESH, "from": frm.hex, "to": to.hex, "id": "m0000001",
             "priority": "next"}
        e.update(env)
        return {"why": why, "error": error, "to_seed": to.seed.hex(),
                "envelope": e, "nonce": b64(nonce),
                "ciphertext": boxed(doc, signer, box, to, nonce, kind)}
    d = body_of(bob)
    other = MEMBER["dave"].hex
    return {
        "how": [
            "ciphertext: base64 of crypto_box(signature 64 bytes | JSON), MAC "
            "first, under nonce, from the sender's session key to the target's "
            "key, both Ed25519 keys converted to X25519.",
            "signature: Ed25519 by the sender's session key over "
            "'claudemesh/2/body' NUL and the JSON's bytes.",
            "bad: must not open, with this error, under this envelope (what "
            "the broker says of the message).",
        ],
        "good": [
            good("to a session key", bob, d),
            good("to a member key, meaning a session", mem,
                 body_of(mem, session=bob.hex, replyTo="m0000000",
                         thread="m0000000", mentions=["bob"], expects="reply",
                         chain=["m0000000"]))],
        "bad": [
            bad("encrypted by somebody else", "cannot_open", d, box=STRANGER),
            bad("signed by somebody else", "bad_signature", d, signer=STRANGER),
            bad("signed under another kind", "bad_signature", d, kind="act"),
            bad("written for another target", "conflict", body_of(mem)),
            bad("another sender inside", "conflict",
                dict(d, **{"from": STRANGER.hex})),
            bad("envelope of another mesh", "conflict", d, env={"mesh": "a" * 32}),
            bad("envelope of another id", "conflict", d, env={"id": "m0000009"}),
            bad("raised priority", "conflict", d, env={"priority": "now"}),
            bad("envelope to another target", "conflict", d,
                env={"to": other}),
            bad("envelope from another session", "cannot_open", d,
                env={"from": SESSION["dave"].hex}),
        ],
    }


# ---- seal.json ----


def sealed():
    return {
        "how": [
            "sealed: base64 of crypto_box_seal of a 32-byte key to an Ed25519 "
            "public key converted to X25519. It is random: these samples must "
            "open to `key` with the pair of `seed`; here the ephemeral pair "
            "was made by crypto_box_seed_keypair(ephemeral_seed), the nonce is "
            "BLAKE2b-192(ephemeral public | recipient's X25519 public).",
            "sha256: of the key, as the roll names it (epochHash).",
        ],
        "good": [
            {"to": k.hex, "seed": k.seed.hex(), "key": EPOCH_KEY.hex(),
             "sha256": sha256(EPOCH_KEY).hex(),
             "ephemeral_seed": (bytes([0x90 + i]) * 32).hex(),
             "sealed": b64(seal(EPOCH_KEY, k, bytes([0x90 + i]) * 32))}
            for i, k in enumerate((MEMBER["alice"], INVITE[0]))],
        "bad": [
            {"why": "sealed to another key", "seed": MEMBER["bob"].seed.hex(),
             "sealed": b64(seal(EPOCH_KEY, MEMBER["alice"], b"\x90" * 32))},
            {"why": "31 bytes", "seed": MEMBER["alice"].seed.hex(),
             "sealed": b64(seal(EPOCH_KEY[:31], MEMBER["alice"],
                                b"\x90" * 32))}],
    }


# ---- link.json ----

DOMAIN = b"claudemesh/link/2\0"


def links(broker, key, name, inviter, expires):
    scheme, rest = broker.split("://")
    host = rest[:-len("/ws")]
    secret = key.seed + MESH_HASH
    check = sha256(DOMAIN + broker.encode() + b"\0" + secret)[:4]
    code = b32(sha256(key.pub)[:10])
    frag = b64url(secret + check)
    doc = {"v": 2, "broker": broker, "mesh": MESH, "seed": b64url(key.seed),
           "name": name, "inviter": inviter, "expires": expires}
    text = text_of(doc)[:-1]
    text += b',"check":"%s"}' % sha256(DOMAIN + text)[:4].hex().encode()
    name_part = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    local = name_part in ("localhost", "[::1]") or name_part.startswith("127.")
    tls = scheme == "wss"
    ask = "" if tls != local else "?tls=%d" % tls
    return {
        "broker": broker, "mesh": MESH, "code": code, "seed": key.seed.hex(),
        "key": key.hex, "name": name, "inviter": inviter, "expires": expires,
        "web": "%s://%s/i/%s#%s" % ("https" if tls else "http", host, code,
                                    frag),
        "app": "claudemesh://%s/i/%s%s#%s" % (host, code, ask, frag),
        "self": "ic://join/" + b64url(text),
    }


def link():
    expires = "2026-11-27T19:13:00.000Z"
    good = [links(b, INVITE[i], n, who, expires) for i, (b, n, who) in
            enumerate((("ws://127.0.0.1:7900/ws", "vectors", "alice"),
                       ("wss://mesh.example.org/ws", "Ana & \"Ø\"", "bob"),
                       ("wss://mesh.example.org:8443/ws", "x", "y"),
                       ("ws://[::1]:7900/ws", "x", "y"),
                       ("ws://mesh.internal/ws", "x", "y"),
                       ("wss://localhost:7900/ws", "x", "y")))]
    one = good[0]
    bad = one["web"]
    return {
        "how": [
            "Three spellings of one invite; roll.h says how they are made. "
            "broker: ws or wss URL, always with the path /ws.",
            "web: http for ws, https for wss, '://' host '/i/' code '#' "
            "secret. app: claudemesh://host/i/code#secret; ?tls=0 (ws) or "
            "?tls=1 (wss) before the # where the default is wrong, which is ws "
            "for localhost, 127.* and [::1], and wss for the others.",
            "code: base32, lower case, of the first 10 bytes of SHA-256(invite "
            "public key). secret: base64url without padding of (seed 32 bytes "
            "| first 20 bytes of the genesis act's SHA-256 | check 4 bytes); "
            "check: first 4 bytes of SHA-256('claudemesh/link/2' NUL broker "
            "NUL seed | hash).",
            "self: ic://join/ and base64url of a JSON text whose last member "
            "is check: first 4 bytes, in hex, of SHA-256('claudemesh/link/2' "
            "NUL and all of the text before ',\"check\":').",
            "spoiled: must be refused, as must every good link with one "
            "character changed, lost or added.",
        ],
        "good": good,
        "spoiled": [
            bad.split("#")[0], bad.split("#")[0] + "#", bad[:-1], bad + "A",
            bad.replace("http:", "https:"), bad.replace("7900", "7901"),
            bad.replace("7900", "07900"), bad.replace("/i/", "/j/"),
            bad.replace("#", "?#"), bad.replace("127.0.0.1", "127.0.0.2"),
            bad[:40] + "\n" + bad[40:], bad.replace("http", "ftp"),
            one["app"] + "&", one["app"].replace("#", "?tls=1#"),
            one["app"].replace("#", "?tls=2#"), one["self"][:-2],
            one["self"] + "==", "ic://join/", "ic://join/e30", "", "hello",
            one["self"].replace("ic:", "id:")],
    }


# ---- safety.json ----


def safety_number(mesh, a, b):
    lo, hi = sorted((a, b))
    d = hashlib.sha512(b"claudemesh/safety/2\0" + mesh.encode() + lo + hi)
    for _ in range(2**18):
        d = hashlib.sha512(d.digest() + lo + hi)
    bits = int.from_bytes(d.digest()[:15], "big")
    return " ".join("%05d" % ((bits >> (100 - 20 * i)) % 2**20 % 100000)
                    for i in range(6))


def safety():
    return {
        "how": [
            "lo, hi: both member public keys, raw, the smaller first (compared "
            "byte by byte). d = SHA-512('claudemesh/safety/2' NUL | mesh id as "
            "ASCII | lo | hi); then 2^18 times d = SHA-512(d | lo | hi).",
            "number: the first 15 bytes of the last d as six 20-bit "
            "big-endian numbers, each modulo 100000, five digits, joined by "
            "spaces. The order of the two keys does not matter.",
        ],
        "numbers": [
            {"mesh": MESH, "a": MEMBER[a].hex, "b": MEMBER[b].hex,
             "number": safety_number(MESH, MEMBER[a].pub, MEMBER[b].pub)}
            for a, b in (("alice", "bob"), ("carol", "alice"))],
    }


# ---- hello.json ----


def hello():
    who = "alice"
    frame = {
        "type": "session_hello", "_reqId": "r1", "meshId": MESH,
        "memberPubkey": MEMBER[who].hex, "sessionPubkey": SESSION[who].hex,
        "attestation": signed("attest", attestation_of(who), MEMBER[who]),
        "proof": signed("hello", hello_of(who), SESSION[who]),
        "daemonId": "d000000000000001", "hostname": "vector-host",
        "status": "idle"}
    challenge = {
        "type": "challenge", "nonce": CHALLENGE, "version": "0.1.0",
        "logKey": LOG.hex, "now": "2026-11-20T19:13:30.000Z", "create": True}
    return {
        "how": [
            "challenge: the first frame from the broker. frame: the client's "
            "session_hello in answer to it, dialled as url.",
            "attestation: signed document (see document.json), kind attest, by "
            "the member key. proof: kind hello, by the session key; it covers "
            "url, mesh, both keys and the challenge's nonce.",
        ],
        "url": URL, "member_seed": MEMBER[who].seed.hex(),
        "session_seed": SESSION[who].seed.hex(),
        "challenge": text_of(challenge).decode(),
        "frame": text_of(frame).decode(),
        "attestation_json": text_of(attestation_of(who)).decode(),
        "proof_json": text_of(hello_of(who)).decode(),
    }


FILES = {"derive": derive, "document": document, "roll": roll, "body": body,
         "seal": sealed, "link": link, "safety": safety, "hello": hello}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else here
    for name, make in FILES.items():
        with open(os.path.join(out, name + ".json"), "w",
                  encoding="utf-8") as f:
            json.dump(make(), f, indent=1, ensure_ascii=False)
            f.write("\n")


if __name__ == "__main__":
    main()
