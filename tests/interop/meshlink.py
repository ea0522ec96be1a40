"""Invite links of claudemesh: three spellings, made and read."""

import base64
import hashlib
import re

from meshdoc import Key, Refused, b32, b64url, compact, strict_json, unb64url

HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[1-9][0-9]{0,4})?\Z")
BROKER = re.compile(r"(wss?)://(.+)/ws\Z")


def _spoiled(why):
    return Refused("link_spoiled", why)


def _check(text):
    return hashlib.sha256(b"claudemesh/link/2\0" + text).digest()[:4]


def _mesh_bytes(mesh):
    try:
        raw = base64.b32decode(mesh.upper().encode("ascii"))
    except ValueError as e:
        raise _spoiled("no mesh id") from e
    if len(raw) != 20 or b32(raw) != mesh:
        raise _spoiled("no mesh id")
    return raw


def _is_local(host):
    name = host if host.startswith("[") else host.split(":")[0]
    return name == "localhost" or name.startswith("127.") or re.match(r"\[::1\]", name)


def _split_broker(broker):
    found = BROKER.match(broker)
    if not found or not HOST.match(found[2]):
        raise _spoiled("no broker URL")
    return found[1], found[2]


class Link:
    """What an invite link says."""

    def __init__(self, broker, mesh, seed, name="", inviter="", expires="",
                 pin=""):
        self.broker, self.mesh, self.seed = broker, mesh, seed
        self.name, self.inviter, self.expires = name, inviter, expires
        self.pin = pin
        self.key = Key(seed)
        self.scheme, self.host = _split_broker(broker)
        self.code = b32(hashlib.sha256(self.key.raw).digest()[:10])

    def secret(self):
        known = self.seed + _mesh_bytes(self.mesh) + bytes.fromhex(self.pin)
        return b64url(known + _check(self.broker.encode() + b"\0" + known))

    def web(self):
        scheme = "http" if self.scheme == "ws" else "https"
        return f"{scheme}://{self.host}/i/{self.code}#{self.secret()}"

    def app(self):
        usual = "ws" if _is_local(self.host) else "wss"
        tls = "" if usual == self.scheme else f"?tls={int(self.scheme == 'wss')}"
        return f"claudemesh://{self.host}/i/{self.code}{tls}#{self.secret()}"

    def self_contained(self):
        fields = {"v": 2, "broker": self.broker, "mesh": self.mesh,
                  "seed": b64url(self.seed), "name": self.name,
                  "inviter": self.inviter, "expires": self.expires}
        if self.pin:
            fields["pin"] = self.pin
        text = compact(fields)[:-1]
        text += b',"check":"' + _check(text).hex().encode() + b'"}'
        return "ic://join/" + b64url(text)


def _read_self(text):
    raw = unb64url(text)
    at = raw.rfind(b',"check":')
    if at < 0 or raw[at:] != b',"check":"' + _check(raw[:at]).hex().encode() + b'"}':
        raise _spoiled("check")
    try:
        fields = strict_json(raw)
    except Refused as e:
        raise _spoiled("JSON") from e
    for name in ("broker", "mesh", "seed", "name", "inviter", "expires"):
        if not isinstance(fields.get(name), str):
            raise _spoiled(name)
    seed = unb64url(fields["seed"])
    if fields.get("v") != 2 or len(seed) != 32:
        raise _spoiled("version or seed")
    _mesh_bytes(fields["mesh"])
    pin = fields.get("pin", "")
    if not isinstance(pin, str) or not re.match(r"([0-9a-f]{64})?\Z", pin):
        raise _spoiled("pin")
    return Link(fields["broker"], fields["mesh"], seed, fields["name"],
                fields["inviter"], fields["expires"], pin)


def read_link(text):
    """Reads a link in any spelling; refuses every spoiled one."""
    if text.startswith("ic://join/"):
        return _read_self(text[len("ic://join/"):])
    found = re.match(r"(https?|claudemesh)://([^/?#]+)/i/([a-z2-7]{16})"
                     r"(?:\?tls=([01]))?#([A-Za-z0-9_-]{75}|[A-Za-z0-9_-]{118})\Z", text)
    if not found or not HOST.match(found[2]):
        raise _spoiled("form")
    scheme, host, code, tls, secret = found.groups()
    if scheme == "claudemesh":
        ws = {"0": "ws", "1": "wss", None: "ws" if _is_local(host) else "wss"}[tls]
    elif tls is not None:
        raise _spoiled("tls in a web link")
    else:
        ws = "ws" if scheme == "http" else "wss"
    raw = unb64url(secret)
    link = Link(f"{ws}://{host}/ws", b32(raw[32:52]), raw[:32],
                pin=raw[52:-4].hex())
    if raw[-4:] != _check(link.broker.encode() + b"\0" + raw[:-4]):
        raise _spoiled("check")
    if link.code != code:
        raise _spoiled("code")
    return link
