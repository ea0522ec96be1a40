#!/usr/bin/python3
"""make.py [DIR] - writes the test vectors, from fixed seeds.

An implementation of the protocol's cryptography of its own: PyNaCl's bindings,
hashlib and hmac, and none of our C code. It shares nothing with src/crypto but
the text of the protocol. Running it again gives the same bytes; tests/vectors/run
compares. Each file says in "how" what is computed from what, so that a client
in any language can be checked against it.
"""
import hashlib
import json
import os
import sys

import nacl.bindings as na

sys.dont_write_bytecode = True  # nothing is left in the tree

from cast import *  # noqa: E402
from roll_vectors import roll  # noqa: E402

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


def record_of(who, key, value, version, **more):
    doc = {"mesh": MESH, "by": SESSION[who].hex, "member": MEMBER[who].hex,
           "key": key}
    if value is not None:
        doc["hash"] = hashlib.sha256(value.encode()).hexdigest()
    doc.update({"version": version, "at": "2026-11-20T19:15:00.000Z",
                "roll": {"n": 3, "head": "5" * 64}})
    doc.update(more)
    return doc


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
        ("record_doc", "state",
         record_of("alice", "pr \"queue\"", '[ "#142",1.0,"\\u00e9é" ]', 7),
         SESSION["alice"]),
        ("record_doc", "state",
         record_of("bob", "deploy_frozen", None, 8, gone=True),
         SESSION["bob"]),
        ("record_doc", "memory",
         record_of("alice", "m0000001", "Payments: 100 req/s — since März.", 1,
                   tags=["payments", "post mortem"]), SESSION["alice"]),
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


# ---- group.json ----


def group():
    frm, nonce = SESSION["alice"], bytes(range(24))

    def key_of(label, epoch_key=EPOCH_KEY):
        return hkdf(epoch_key, b"claudemesh/target/2|" + label.encode())

    def boxed_for(doc, label, signer=frm, epoch_key=EPOCH_KEY):
        text = text_of(doc)
        return b64(na.crypto_secretbox(signer.sign("body", text) + text, nonce,
                                       key_of(label, epoch_key)))

    def doc_to(label, **more):
        return dict(body_of(frm, **more), to=label)

    def good(label, **more):
        doc = doc_to(label, **more)
        return {"what": "to " + label, "from_seed": frm.seed.hex(),
                "from": frm.hex, "to": label, "epoch_key": EPOCH_KEY.hex(),
                "nonce": b64(nonce), "json": text_of(doc).decode(),
                "ciphertext": boxed_for(doc, label)}

    def bad(why, error, doc, label="@backend", env=(), **how):
        e = {"mesh": MESH, "from": frm.hex, "to": label, "id": "m0000001",
             "priority": "next", "epoch": 1}
        e.update(env)
        return {"why": why, "error": error, "epoch_key": EPOCH_KEY.hex(),
                "envelope": e, "nonce": b64(nonce),
                "ciphertext": boxed_for(doc, label, **how)}
    d = doc_to("@backend")
    return {
        "how": [
            "ciphertext: base64 of crypto_secretbox(signature 64 bytes | JSON) "
            "under nonce and the target's key: HKDF(epoch key, "
            "'claudemesh/target/2|' and the target, 32).",
            "signature: as of a direct body. The target inside must be the one "
            "whose key opens it, and the epoch inside the envelope's.",
            "bad: must not open, with this error, under this envelope.",
        ],
        "good": [good("@backend"), good("*", expects="none"),
                 good("tag:repo=claudemesh", replyTo="m0000000")],
        "bad": [
            bad("of another epoch key", "cannot_open", d, epoch_key=bytes(32)),
            bad("under another label", "cannot_open", d,
                env={"to": "@frontend"}),
            bad("written for another label", "conflict", doc_to("@frontend")),
            bad("signed by another member", "bad_signature", d,
                signer=STRANGER),
            bad("another sender inside", "conflict",
                dict(d, **{"from": STRANGER.hex})),
            bad("envelope from another session", "bad_signature", d,
                env={"from": SESSION["dave"].hex}),
            bad("raised priority", "conflict", d, env={"priority": "now"}),
            bad("envelope of another id", "conflict", d,
                env={"id": "m0000009"}),
            bad("envelope of another mesh", "conflict", d,
                env={"mesh": "a" * 32}),
            bad("envelope of another epoch", "conflict", d, env={"epoch": 2}),
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


# ---- account.json ----

CODE = "7K3M9QX2ABCD"


def account_text(doc, code, salt, nonce, version=2):
    key = na.crypto_pwhash_alg(32, code.encode(), salt, 3, 64 << 20,
                               na.crypto_pwhash_ALG_ARGON2ID13)
    raw = bytes([version]) + salt + nonce + na.crypto_secretbox(
        doc, nonce, key)
    check = sha256(b"claudemesh/account-link/2\0" + raw)[:4]
    return "claudemesh-account:" + b64url(raw + check)


def account():
    seed = ACCOUNT["alice"]
    places = [{"mesh": MESH, "broker": "ws://127.0.0.1:7900/ws"}]

    def doc(**more):
        d = {"v": 2, "seed": b64url(seed), "expiresAt":
             "2026-11-20T19:13:00.000Z", "meshes": places}
        d.update(more)
        return text_of({k: v for k, v in d.items() if v is not None})

    salt, nonce = bytes(range(16)), bytes(range(100, 124))
    good = account_text(doc(), CODE, salt, nonce)
    return {
        "how": [
            "text: 'claudemesh-account:' and base64url of 2 (one byte), salt "
            "(16), nonce (24), crypto_secretbox of the document (its nonce "
            "that, its key argon2id of the code's 12 characters and salt, 3 "
            "passes, 64 MiB, one lane), and a check: the first 4 bytes of "
            "SHA-256 over 'claudemesh/account-link/2', a NUL byte and all "
            "bytes before.",
            "shown: ways to write the same code. before, after: instants at "
            "which it opens, and at which it has expired.",
        ],
        "good": [{"text": good, "code": CODE,
                  "shown": ["7K3M-9QX2-ABCD", "7k3m 9qx2 abcd",
                            " 7K3M9QX2AB-CD "],
                  "seed": seed.hex(), "places": places,
                  "before": "2026-11-20T19:12:59.999Z",
                  "after": "2026-11-20T19:13:00.000Z"}],
        "bad": [
            {"why": "another code", "code": "7K3M-9QX2-ABCE", "text": good,
             "error": "cannot_open"},
            {"why": "no code", "code": "7K3M-9QX2-ABC", "text": good,
             "error": "bad_field"},
            {"why": "U is no digit", "code": "7K3M-9QX2-ABCU", "text": good,
             "error": "bad_field"},
            {"why": "cut", "code": CODE, "text": good[:-1],
             "error": "link_spoiled"},
            {"why": "one character changed", "code": CODE,
             "text": good[:60] + ("A" if good[60] != "A" else "B") +
             good[61:], "error": "link_spoiled"},
            {"why": "something else", "code": CODE, "text": "hello",
             "error": "link_spoiled"},
            {"why": "another version", "code": CODE,
             "text": account_text(doc(), CODE, salt, nonce, 3),
             "error": "link_spoiled"},
            {"why": "no seed", "code": CODE, "error": "missing_field",
             "text": account_text(doc(seed=None), CODE, salt, nonce)},
            {"why": "a seed that is not base64url", "code": CODE,
             "error": "bad_field",
             "text": account_text(doc(seed="!" * 43), CODE, salt, nonce)},
            {"why": "space around the document", "code": CODE,
             "error": "link_spoiled",
             "text": account_text(doc() + b" ", CODE, salt, nonce)},
        ],
    }


# ---- link.json ----

DOMAIN = b"claudemesh/link/2\0"


PIN = sha256(b"a broker's public key").hex()


def links(broker, key, name, inviter, expires, pin=""):
    scheme, rest = broker.split("://")
    host = rest[:-len("/ws")]
    secret = key.seed + MESH_HASH + bytes.fromhex(pin)
    check = sha256(DOMAIN + broker.encode() + b"\0" + secret)[:4]
    code = b32(sha256(key.pub)[:10])
    frag = b64url(secret + check)
    doc = {"v": 2, "broker": broker, "mesh": MESH, "seed": b64url(key.seed),
           "name": name, "inviter": inviter, "expires": expires}
    if pin:
        doc["pin"] = pin
    text = text_of(doc)[:-1]
    text += b',"check":"%s"}' % sha256(DOMAIN + text)[:4].hex().encode()
    name_part = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    local = name_part in ("localhost", "[::1]") or name_part.startswith("127.")
    tls = scheme == "wss"
    ask = "" if tls != local else "?tls=%d" % tls
    return {
        "broker": broker, "mesh": MESH, "code": code, "seed": key.seed.hex(),
        "key": key.hex, "name": name, "inviter": inviter, "expires": expires,
        "pin": pin,
        "web": "%s://%s/i/%s#%s" % ("https" if tls else "http", host, code,
                                    frag),
        "app": "claudemesh://%s/i/%s%s#%s" % (host, code, ask, frag),
        "self": "ic://join/" + b64url(text),
    }


def link():
    expires = "2026-11-27T19:13:00.000Z"
    good = [links(b, INVITE[i % 6], n, who, expires, *pin)
            for i, (b, n, who, *pin) in
            enumerate((("ws://127.0.0.1:7900/ws", "vectors", "alice"),
                       ("wss://mesh.example.org/ws", "Ana & \"Ø\"", "bob"),
                       ("wss://mesh.example.org:8443/ws", "x", "y"),
                       ("ws://[::1]:7900/ws", "x", "y"),
                       ("ws://mesh.internal/ws", "x", "y"),
                       ("wss://localhost:7900/ws", "x", "y"),
                       ("wss://mesh.example.org:7900/ws", "x", "y", PIN),
                       ("wss://127.0.0.1:7900/ws", "Ana", "bob", PIN)))]
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
            "NUL seed | hash). With a pin (SHA-256 of the public key of a "
            "wss broker's certificate) its 32 bytes stand before the check and "
            "are covered by it.",
            "self: ic://join/ and base64url of a JSON text whose last member "
            "is check: first 4 bytes, in hex, of SHA-256('claudemesh/link/2' "
            "NUL and all of the text before ',\"check\":'). A pin is its "
            "member pin, in hex.",
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
         "group": group, "seal": sealed, "link": link, "account": account,
         "safety": safety, "hello": hello}


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
