"""Keys, strict JSON, signed documents and bodies of claudemesh dialect 2.

Written from doc/protocol.md, doc/messages.md and tests/vectors alone.
"""

import base64
import binascii
import datetime
import hashlib
import hmac
import json
import os

import nacl.bindings as sodium
import nacl.exceptions

DOMAIN = b"claudemesh/2/"


class Refused(Exception):
    """Something that must not be believed; code is one of the listed errors."""

    def __init__(self, code, why=""):
        super().__init__(f"{code}: {why}")
        self.code = code


# --- encodings ---------------------------------------------------------------

def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    """Decodes canonical base64 with its padding, and nothing else."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError) as e:
        raise Refused("cannot_open", "no base64") from e
    if b64(data) != text:
        raise Refused("cannot_open", "base64 that is not canonical")
    return data


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64url(text):
    """Decodes canonical base64url without padding."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4),
                                altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError) as e:
        raise Refused("link_spoiled", "no base64url") from e
    if b64url(data) != text:
        raise Refused("link_spoiled", "base64url that is not canonical")
    return data


def b32(data):
    return base64.b32encode(data).decode().lower().rstrip("=")


def is_hex(text, size):
    return (isinstance(text, str) and len(text) == 2 * size
            and all(c in "0123456789abcdef" for c in text))


def instant(when=None):
    when = when or datetime.datetime.now(datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def parse_instant(text):
    try:
        when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    except (TypeError, ValueError) as e:
        raise Refused("bad_field", "no instant") from e
    when = when.replace(tzinfo=datetime.timezone.utc)
    if instant(when) != text:
        raise Refused("bad_field", "no instant")
    return when


# --- strict JSON -------------------------------------------------------------

def _pairs(pairs):
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError("duplicate key")
    if len(pairs) > 4096:
        raise ValueError("too many members")
    return dict(pairs)


def _constant(name):
    raise ValueError(name)


def _check(value, depth):
    if isinstance(value, str):
        value.encode("utf-8")                   # refuses lone surrogates
        if "\0" in value:
            raise ValueError("U+0000")
        return
    if isinstance(value, (dict, list)):
        if depth >= 32:
            raise ValueError("too deep")
        for item in value.items() if isinstance(value, dict) else value:
            for part in item if isinstance(item, tuple) else (item,):
                _check(part, depth + 1)


def strict_json(data):
    """Parses one JSON object of UTF-8 bytes as strictly as the protocol asks."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_pairs,
                           parse_constant=_constant)
        _check(value, 0)
    except (ValueError, RecursionError) as e:
        raise Refused("bad_json", str(e)) from e
    if not isinstance(value, dict):
        raise Refused("bad_json", "no object")
    return value


def compact(fields):
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


# Fields of the documents: name, type, required, smallest, largest (bytes for
# strings, entries for lists). "key" is 64 hex digits that are a valid key,
# "hash" any 64 hex digits.
POINT = [("n", "int", 1, 0, 2**53 - 1), ("head", "hash", 1, 64, 64)]
RECORD = [("mesh", "str", 1, 32, 32), ("by", "key", 1, 64, 64),
          ("member", "key", 1, 64, 64), ("key", "str", 1, 1, 256),
          ("hash", "str", 0, 0, 64), ("version", "int", 1, 1, 2**53 - 1),
          ("at", "at", 1, 0, 0), ("roll", POINT, 1, 0, 0),
          ("tags", "list", 0, 0, 16), ("gone", "bool", 0, 0, 0)]
ROWS = {
    "attest": [("mesh", "str", 1, 32, 32), ("member", "key", 1, 64, 64),
               ("session", "key", 1, 64, 64), ("name", "str", 1, 1, 64),
               ("capabilities", "list", 0, 0, 16),
               ("issuedAt", "at", 1, 0, 0), ("expiresAt", "at", 1, 0, 0)],
    "hello": [("url", "str", 1, 1, 512), ("mesh", "str", 1, 32, 32),
              ("member", "key", 1, 64, 64), ("session", "key", 1, 64, 64),
              ("challenge", "hash", 1, 64, 64)],
    "invite": [("url", "str", 1, 1, 512), ("invite", "key", 1, 64, 64),
               ("challenge", "hash", 1, 64, 64)],
    "delete": [("url", "str", 1, 1, 512), ("mesh", "str", 1, 32, 32),
               ("challenge", "hash", 1, 64, 64)],
    "receipt": [("mesh", "str", 1, 32, 32), ("from", "key", 1, 64, 64),
                ("by", "key", 1, 64, 64), ("rung", "str", 1, 1, 16),
                ("reason", "str", 0, 0, 256), ("ids", "list", 1, 0, 100),
                ("at", "at", 1, 0, 0)],
    "state": RECORD, "memory": RECORD,
    "body": [("mesh", "str", 1, 32, 32), ("from", "key", 1, 64, 64),
             ("to", "str", 1, 1, 128), ("session", "str", 0, 0, 64),
             ("id", "str", 1, 8, 64), ("epoch", "int", 1, 0, 2**53 - 1),
             ("roll", POINT, 1, 0, 0), ("priority", "str", 1, 1, 8),
             ("sentAt", "at", 1, 0, 0), ("text", "str", 1, 1, 65536),
             ("replyTo", "str", 0, 0, 64), ("thread", "str", 0, 0, 64),
             ("mentions", "list", 0, 0, 16), ("expects", "str", 0, 0, 8),
             ("chain", "list", 0, 0, 64), ("authority", "str", 0, 0, 16)],
}


def check_fields(fields, row):
    """Checks an object against a row; fields the row does not know are let be."""
    for name, kind, required, low, high in row:
        value = fields.get(name)
        if value is None:
            if required:
                raise Refused("missing_field", name)
            continue
        if isinstance(kind, list):
            if not isinstance(value, dict):
                raise Refused("bad_field", name)
            check_fields(value, kind)
        elif kind == "bool":
            if not isinstance(value, bool):
                raise Refused("bad_field", name)
        elif kind == "int":
            if not isinstance(value, int) or isinstance(value, bool):
                raise Refused("bad_field", name)
            if not low <= value <= high:
                raise Refused("out_of_range", name)
        elif kind == "list":
            if not isinstance(value, list):
                raise Refused("bad_field", name)
            if len(value) > high:
                raise Refused("too_long", name)
            for item in value:
                if not isinstance(item, str) or not 1 <= len(item.encode()) <= 256:
                    raise Refused("bad_field", name)
        elif not isinstance(value, str):
            raise Refused("bad_field", name)
        elif kind == "at":
            parse_instant(value)
        elif len(value.encode()) < low:
            raise Refused("too_short", name)
        elif len(value.encode()) > high:
            raise Refused("too_long", name)
        elif kind == "key" and not valid_key(value):
            raise Refused("bad_field", name + " is no key")
        elif kind == "hash" and not is_hex(value, 32):
            raise Refused("bad_field", name + " is no hash")
    return fields


# --- keys --------------------------------------------------------------------

def hkdf(secret, info, size=32):
    pseudo = hmac.new(b"\0" * 32, secret, hashlib.sha256).digest()
    out, block = b"", b""
    while len(out) < size:
        block = hmac.new(pseudo, block + info.encode() + bytes([len(out) // 32 + 1]),
                         hashlib.sha256).digest()
        out += block
    return out[:size]


def valid_key(text):
    """Canonical hex of a point in the main subgroup, not of small order."""
    if not is_hex(text, 32):
        return False
    return bool(sodium.crypto_core_ed25519_is_valid_point(bytes.fromhex(text)))


class Key:
    """An Ed25519 pair made from its 32-byte seed."""

    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        self.raw, self.secret = sodium.crypto_sign_seed_keypair(self.seed)
        self.public = self.raw.hex()

    def sign(self, kind, data):
        signed = sodium.crypto_sign(DOMAIN + kind.encode() + b"\0" + data, self.secret)
        return signed[:64]

    def curve_secret(self):
        return sodium.crypto_sign_ed25519_sk_to_curve25519(self.secret)


def account_key(seed):
    return Key(hkdf(seed, "claudemesh/account/2"))


def owner_key(seed, nonce):
    return Key(hkdf(seed, "claudemesh/owner/2|" + nonce))


def member_key(seed, mesh):
    return Key(hkdf(seed, "claudemesh/member/2|" + mesh))


def target_key(epoch_key, target):
    return hkdf(epoch_key, "claudemesh/target/2|" + target)


def curve_public(public):
    if not valid_key(public):
        raise Refused("bad_field", "no key")
    return sodium.crypto_sign_ed25519_pk_to_curve25519(bytes.fromhex(public))


def verify(kind, public, signature, data):
    try:
        if not valid_key(public):
            raise Refused("bad_signature", "no key")
        sodium.crypto_sign_open(signature + DOMAIN + kind.encode() + b"\0" + data,
                                bytes.fromhex(public))
    except nacl.exceptions.CryptoError as e:
        raise Refused("bad_signature", kind) from e


# --- sealed keys -------------------------------------------------------------

def seal_key(secret, public):
    return b64(sodium.crypto_box_seal(secret, curve_public(public)))


def open_sealed(sealed, key, wanted_hash=None):
    """Opens a sealed epoch key and compares its hash with the roll's."""
    try:
        secret = sodium.crypto_box_seal_open(
            unb64(sealed), curve_public(key.public), key.curve_secret())
    except (nacl.exceptions.CryptoError, TypeError, ValueError) as e:
        raise Refused("cannot_open", "sealed key") from e
    if len(secret) != 32:
        raise Refused("cannot_open", "not 32 bytes")
    if wanted_hash is not None and hashlib.sha256(secret).hexdigest() != wanted_hash:
        raise Refused("cannot_open", "another epoch key than the roll names")
    return secret


# --- documents ---------------------------------------------------------------

def sign_document(kind, key, fields):
    data = compact({k: v for k, v in fields.items() if v is not None})
    return b64(key.sign(kind, data) + data)


def open_document(kind, document, signer=None):
    """Verifies a document. Without signer, whom its own field names signs it."""
    raw = unb64(document)
    if len(raw) <= 64:
        raise Refused("cannot_open", "too short")
    signature, data = raw[:64], raw[64:]
    if signer is not None:
        verify(kind, signer, signature, data)
    fields = check_fields(strict_json(data), ROWS[kind])
    if signer is None:
        field = {"attest": "member", "hello": "session", "invite": "invite",
                 "receipt": "by"}[kind]
        verify(kind, fields[field], signature, data)
    return fields


# --- bodies ------------------------------------------------------------------

def seal_body(key, target, fields, nonce=None):
    """Returns nonce and ciphertext, both base64."""
    data = compact({k: v for k, v in fields.items() if v is not None})
    return seal_signed(key, target, key.sign("body", data) + data, nonce)


def seal_signed(key, target, plain, nonce=None):
    nonce = nonce or os.urandom(24)
    sealed = sodium.crypto_box(plain, nonce, curve_public(target), key.curve_secret())
    return b64(nonce), b64(sealed)


def open_body(key, envelope, nonce, ciphertext):
    """Opens a body with the target's key. envelope: mesh, from, to, id, priority."""
    try:
        plain = sodium.crypto_box_open(unb64(ciphertext), unb64(nonce),
                                       curve_public(envelope["from"]), key.curve_secret())
    except (nacl.exceptions.CryptoError, TypeError, ValueError) as e:
        raise Refused("cannot_open", "body") from e
    return read_body(envelope, plain)


def read_body(envelope, plain):
    if len(plain) <= 64:
        raise Refused("cannot_open", "too short")
    verify("body", envelope["from"], plain[:64], plain[64:])
    fields = check_fields(strict_json(plain[64:]), ROWS["body"])
    for name in ("mesh", "from", "to", "id", "priority", "epoch"):
        if name in envelope and fields[name] != envelope[name]:
            raise Refused("conflict", name + " is not the envelope's")
    return fields


def target_key(epoch_key, label):
    return hkdf(epoch_key, "claudemesh/target/2|" + label)


def seal_group(key, epoch_key, fields, nonce=None):
    """A body to @name, * or tag:k=v, under the epoch's key. Nonce and ciphertext."""
    data = compact({k: v for k, v in fields.items() if v is not None})
    nonce = nonce or os.urandom(24)
    return b64(nonce), b64(sodium.crypto_secretbox(
        key.sign("body", data) + data, nonce, target_key(epoch_key, fields["to"])))


def open_group(epoch_key, envelope, nonce, ciphertext):
    """envelope: mesh, from, to, id, priority, epoch."""
    try:
        plain = sodium.crypto_secretbox_open(unb64(ciphertext), unb64(nonce),
                                             target_key(epoch_key, envelope["to"]))
    except (nacl.exceptions.CryptoError, TypeError, ValueError) as e:
        raise Refused("cannot_open", "body") from e
    return read_body(envelope, plain)


# --- safety numbers ----------------------------------------------------------

def safety_number(mesh, one, other):
    pair = b"".join(sorted([bytes.fromhex(one), bytes.fromhex(other)]))
    digest = hashlib.sha512(b"claudemesh/safety/2\0" + mesh.encode() + pair).digest()
    for _ in range(1 << 18):
        digest = hashlib.sha512(digest + pair).digest()
    number = int.from_bytes(digest[:15], "big")
    return " ".join(f"{(number >> (100 - 20 * i) & 0xFFFFF) % 100000:05d}"
                    for i in range(6))
