"""cast.py - the primitives of the protocol's cryptography, and the people and
keys of the test vectors. See make.py."""
import base64
import hashlib
import hmac
import json

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
INVITE = [Key(bytes([0x60 + i]) * 32) for i in range(8)]
RECOVERY = Key(b"\x70" * 32)
OLGA = Key(b"\x71" * 32)		# an old client
NEW_ALICE = Key(b"\x72" * 32)
STRANGER = Key(b"\x7f" * 32)


def pair(key):
    return {"seed": key.seed.hex(), "public": key.hex}
