"""forge.py - claudemesh's cryptography a second time, by doc/protocol.md alone.

What a broker, alone or with a member on its side, can make: signed documents,
acts and bodies, with whatever keys it has.
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import sqlite3
import time

import nacl.bindings
import nacl.public
import nacl.secret
import nacl.signing


def b64(raw):
    return base64.b64encode(raw).decode()


def b32(raw):
    return base64.b32encode(raw).decode().lower().rstrip("=")


def iso(ms=None):
    """An instant; negative: so long ago."""
    now = int(time.time() * 1000)
    ms = now if ms is None else now + ms
    t = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return t.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)


def hkdf(secret, info):
    prk = hmac.new(b"\0" * 32, secret, hashlib.sha256).digest()
    return hmac.new(prk, info.encode() + b"\1", hashlib.sha256).digest()


class Key:
    def __init__(self, seed=None):
        self.sign_key = nacl.signing.SigningKey(seed or os.urandom(32))
        self.hex = self.sign_key.verify_key.encode().hex()

    def sign(self, kind, raw):
        return self.sign_key.sign(b"claudemesh/2/" + kind.encode() + b"\0"
                                  + raw).signature

    def doc(self, kind, **fields):
        raw = json.dumps(fields).encode()
        return b64(self.sign(kind, raw) + raw)


def read_doc(text):
    """What a signed document says; nobody asks whether it is true."""
    return json.loads(base64.b64decode(text)[64:])


def account(home):
    with open(os.path.join(home.dir, "account.key")) as f:
        return bytes.fromhex(f.read().strip())


def member_key(home, mesh):
    return Key(hkdf(account(home), "claudemesh/member/2|" + mesh))


def owner_key(home, nonce):
    return Key(hkdf(account(home), "claudemesh/owner/2|" + nonce))


def session_key(home):
    """The home session's, as its daemon keeps it."""
    db = sqlite3.connect("file:%s/daemon.db?mode=ro" % home.dir, uri=True)
    try:
        row = db.execute("SELECT seed, key FROM session"
                         " WHERE home = 1 LIMIT 1").fetchone()
    finally:
        db.close()
    key = Key(bytes.fromhex(row[0]))
    assert key.hex == row[1]
    return key


# acts

def act_bytes(act):
    return base64.b64decode(act)


def act_hash(act):
    return hashlib.sha256(act_bytes(act)).hexdigest()


def act_json(act):
    raw = act_bytes(act)
    return json.loads(raw[1 + 64 * raw[0]:])


def make_act(n, prev, kind, *signers, **fields):
    raw = json.dumps(dict(v=2, kind=kind, n=n, prev=prev,
                          author=signers[0].hex, at=iso(), **fields)).encode()
    sigs = b"".join(k.sign("act", raw) for k in signers)
    return b64(bytes([len(signers)]) + sigs + raw)


def mesh_id(genesis):
    return b32(hashlib.sha256(act_bytes(genesis)).digest()[:20])


def point(acts):
    return {"n": len(acts), "head": act_hash(acts[-1])}


# boxes

def curve(hexkey):
    return nacl.public.PublicKey(nacl.bindings.crypto_sign_ed25519_pk_to_curve25519(
        bytes.fromhex(hexkey)))


def seal(secret, hexkey):
    return b64(nacl.public.SealedBox(curve(hexkey)).encrypt(secret))


def seal_body(doc, signer, box_from, to):
    """Nonce and ciphertext of a body: signed by one key, boxed by another."""
    raw = json.dumps(doc).encode()
    plain = signer.sign("body", raw) + raw
    box = nacl.public.Box(box_from.sign_key.to_curve25519_private_key(), curve(to))
    sealed = box.encrypt(plain)
    return {"nonce": b64(sealed.nonce), "ciphertext": b64(sealed.ciphertext)}


def epoch_key(home, mesh):
    """The first epoch's, as its daemon keeps it."""
    db = sqlite3.connect("file:%s/daemon.db?mode=ro" % home.dir, uri=True)
    try:
        return bytes.fromhex(db.execute(
            "SELECT secret FROM epoch WHERE n = 1 AND mesh ="
            " (SELECT no FROM mesh WHERE id = ?)", (mesh,)).fetchone()[0])
    finally:
        db.close()


def seal_group(doc, signer, epoch, label=None):
    """Nonce and ciphertext of a body to a label, under that label's key."""
    raw = json.dumps(doc).encode()
    key = hkdf(epoch, "claudemesh/target/2|" + (label or doc["to"]))
    sealed = nacl.secret.SecretBox(key).encrypt(signer.sign("body", raw) + raw)
    return {"nonce": b64(sealed.nonce), "ciphertext": b64(sealed.ciphertext)}


def open_body(frame, mine, other):
    """What a push or send says, for one of the two keys."""
    box = nacl.public.Box(mine.sign_key.to_curve25519_private_key(),
                          curve(other))
    return json.loads(box.decrypt(base64.b64decode(frame["ciphertext"]),
                                  base64.b64decode(frame["nonce"]))[64:])
