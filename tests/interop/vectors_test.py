"""Checks every file of tests/vectors against the Python client's derivations."""

import hashlib
import json
import os

import meshdoc as doc
import meshlink
import meshroll

HERE = os.path.dirname(os.path.abspath(__file__))
WHERE = os.environ.get("CLAUDEMESH_VECTORS", os.path.join(HERE, "..", "vectors"))


def load(name):
    with open(os.path.join(WHERE, name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def refuses(action, code=None):
    """The action must be refused, with this code when one is given."""
    try:
        action()
    except doc.Refused as e:
        assert code is None or e.code == code, f"{e} instead of {code}"
        return
    raise AssertionError(f"not refused; should be {code}")


def test_vector_files_are_those_known():
    names = sorted(n for n in os.listdir(WHERE) if n.endswith(".json"))
    known = {"body", "derive", "document", "group", "hello", "link", "roll", "safety", "seal"}
    assert known <= {n[:-5] for n in names}, names


def test_vectors_derive():
    v = load("derive")
    for c in v["hkdf"]:
        assert doc.hkdf(bytes.fromhex(c["ikm"]), c["info"], c["n"]).hex() == c["out"]
    for c in v["sha256"]:
        assert hashlib.sha256(c["text"].encode()).hexdigest() == c["hex"]
    for c in v["keys"]:
        seed = bytes.fromhex(c["account_seed"])
        for what, key in (("account", doc.account_key(seed)),
                          ("owner", doc.owner_key(seed, c["nonce"])),
                          ("member", doc.member_key(seed, c["mesh"]))):
            assert key.seed.hex() == c[what]["seed"], what
            assert key.public == c[what]["public"], what
    raw = doc.unb64(v["mesh_id"]["genesis_act"])
    digest = hashlib.sha256(raw).digest()
    assert digest.hex() == v["mesh_id"]["sha256"]
    assert doc.b32(digest[:20]) == v["mesh_id"]["mesh"]
    for c in v["target"]:
        assert doc.target_key(bytes.fromhex(c["epoch_key"]), c["target"]).hex() == c["key"]
    for text in v["invalid_keys"]:
        assert not doc.valid_key(text), text


def test_vectors_document():
    v = load("document")
    for c in v["good"]:
        key = doc.Key(bytes.fromhex(c["seed"]))
        data = c["json"].encode()
        assert key.public == c["signer"]
        assert doc.b64(key.sign(c["kind"], data) + data) == c["document"]
        fields = doc.open_document(c["kind"], c["document"], c["signer"])
        if c["canonical"]:
            assert doc.sign_document(c["kind"], key, fields) == c["document"]
    for c in v["bad"]:
        refuses(lambda: doc.open_document(c["kind"], c["document"], c["signer"]), c["error"])


def test_vectors_hello():
    v = load("hello")
    challenge, frame = json.loads(v["challenge"]), json.loads(v["frame"])
    member = doc.Key(bytes.fromhex(v["member_seed"]))
    session = doc.Key(bytes.fromhex(v["session_seed"]))
    proof = {"url": v["url"], "mesh": frame["meshId"], "member": member.public,
             "session": session.public, "challenge": challenge["nonce"]}
    assert doc.compact(proof).decode() == v["proof_json"]
    assert doc.sign_document("hello", session, proof) == frame["proof"]
    att = json.loads(v["attestation_json"])
    assert doc.sign_document("attest", member, att) == frame["attestation"]
    assert doc.open_document("attest", frame["attestation"]) == att
    assert frame["memberPubkey"] == member.public
    assert frame["sessionPubkey"] == session.public


def test_vectors_seal():
    v = load("seal")
    for c in v["good"]:
        key = doc.Key(bytes.fromhex(c["seed"]))
        assert key.public == c["to"]
        assert doc.open_sealed(c["sealed"], key, c["sha256"]).hex() == c["key"]
        refuses(lambda: doc.open_sealed(c["sealed"], key, "0" * 64), "cannot_open")
        mine = doc.seal_key(bytes.fromhex(c["key"]), c["to"])
        assert doc.open_sealed(mine, key).hex() == c["key"]
    for c in v["bad"]:
        refuses(lambda: doc.open_sealed(c["sealed"], doc.Key(bytes.fromhex(c["seed"]))))


def test_vectors_body():
    v = load("body")
    for c in v["good"]:
        sender = doc.Key(bytes.fromhex(c["from_seed"]))
        target = doc.Key(bytes.fromhex(c["to_seed"]))
        assert (sender.public, target.public) == (c["from"], c["to"])
        fields = json.loads(c["json"])
        nonce, sealed = doc.seal_body(sender, c["to"], fields, doc.unb64(c["nonce"]))
        assert (nonce, sealed) == (c["nonce"], c["ciphertext"])
        envelope = {k: fields[k] for k in ("mesh", "from", "to", "id", "priority")}
        assert doc.open_body(target, envelope, nonce, sealed) == fields
    for c in v["bad"]:
        key = doc.Key(bytes.fromhex(c["to_seed"]))
        refuses(lambda: doc.open_body(key, c["envelope"], c["nonce"], c["ciphertext"]),
                c["error"])


def test_vectors_group():
    v = load("group")
    for c in v["good"]:
        sender, epoch = doc.Key(bytes.fromhex(c["from_seed"])), bytes.fromhex(c["epoch_key"])
        fields = json.loads(c["json"])
        nonce, sealed = doc.seal_group(sender, epoch, fields, doc.unb64(c["nonce"]))
        assert (nonce, sealed) == (c["nonce"], c["ciphertext"])
        envelope = {k: fields[k] for k in ("mesh", "from", "to", "id", "priority", "epoch")}
        assert doc.open_group(epoch, envelope, nonce, sealed) == fields
    for c in v["bad"]:
        epoch = bytes.fromhex(c["epoch_key"])
        refuses(lambda: doc.open_group(epoch, c["envelope"], c["nonce"], c["ciphertext"]),
                c["error"])


def test_vectors_roll():
    v = load("roll")
    refused = 0
    roll = meshroll.Roll()
    for i in range(len(v["acts"]) + 1):
        for c in v["refused"]:
            if c["after"] == i:
                before = json.dumps([roll.members, roll.invites, roll.n, roll.head])
                try:
                    refuses(lambda: roll.apply(c["act"]), c["error"])
                except AssertionError as e:
                    raise AssertionError(f"{c['why']}: {e}") from e
                assert json.dumps([roll.members, roll.invites, roll.n, roll.head]) == before
                refused += 1
        if i < len(v["acts"]):
            roll.apply(v["acts"][i]["act"])
            assert roll.head == v["acts"][i]["hash"], i
    assert refused == len(v["refused"])
    s = v["state"]
    for name in ("mesh", "n", "head", "owner", "name", "log_key", "nonce", "epoch",
                 "epoch_hash", "send_rate", "send_burst"):
        assert getattr(roll, name) == s[name], name
    assert list(roll.members.values()) == s["members"]
    assert list(roll.invites.values()) == s["invites"]
    assert [{"member": m, "session": k} for m, k in roll.revoked] == s["revoked_sessions"]
    refuses(lambda: roll.check_point({"n": roll.n - 1, "head": roll.hashes[-2]}), "roll_forked")
    refuses(lambda: roll.check_point({"n": roll.n, "head": "0" * 64}), "roll_forked")
    refuses(lambda: meshroll.Roll("a" * 32).apply(v["acts"][0]["act"]), "roll_forked")


def test_vectors_link():
    v = load("link")
    alphabet = "aA0-_#/:?=.z9"
    for c in v["good"]:
        link = meshlink.Link(c["broker"], c["mesh"], bytes.fromhex(c["seed"]),
                             c["name"], c["inviter"], c["expires"], c["pin"])
        assert (link.key.public, link.code) == (c["key"], c["code"])
        assert link.web() == c["web"]
        assert link.app() == c["app"]
        assert link.self_contained() == c["self"]
        for spelling in ("web", "app", "self"):
            text = c[spelling]
            read = meshlink.read_link(text)
            assert (read.broker, read.mesh, read.seed.hex(), read.pin) == \
                (c["broker"], c["mesh"], c["seed"], c["pin"])
            for i in range(len(text)):
                other = alphabet[i % len(alphabet)]
                if other == text[i]:
                    other = "b"
                refuses(lambda: meshlink.read_link(text[:i] + text[i + 1:]), "link_spoiled")
                refuses(lambda: meshlink.read_link(text[:i] + other + text[i + 1:]),
                        "link_spoiled")
                refuses(lambda: meshlink.read_link(text[:i] + other + text[i:]),
                        "link_spoiled")
    for text in v["spoiled"]:
        refuses(lambda: meshlink.read_link(text), "link_spoiled")


def test_vectors_safety():
    for c in load("safety")["numbers"]:
        assert doc.safety_number(c["mesh"], c["a"], c["b"]) == c["number"]
        assert doc.safety_number(c["mesh"], c["b"], c["a"]) == c["number"]


TESTS = [f for n, f in list(globals().items()) if n.startswith("test_")]
