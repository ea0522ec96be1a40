"""One person on two machines: account link, and what can go wrong with it."""
import os
import time

from mesh import check, equal, until


def parts(h, *args):
    doc = h.json("account", "link", *args)
    return doc["text"], doc["code"]


def test_two_machines(w):
    """The second machine is the same member; both read the member's mail."""
    b, a, bob = w.mesh("anna", "bob")
    text, code = parts(a)
    second = w.home("second")
    r = second.cli("account", "link", "-", input="%s\n%s\n" % (text, code))
    check("you are anna" in r.out, r)
    me = a.json("account", "show")["account"]
    equal(second.json("account", "show")["account"], me, "account")
    check(os.stat(second.dir + "/account.key").st_mode & 0o777 == 0o600, "mode")
    equal([m["name"] for m in second.json("member", "list")["members"]],
          ["anna", "bob"], "members")
    second.up()
    bob.send("anna", "to both")
    for h in (a, second):
        until(lambda: [m for m in h.local_all(0) if m["text"] == "to both"],
              20, "the mail at " + h.name)
    second.send("bob", "from the second")
    got = until(lambda: [m for m in bob.local_all(0)
                         if m["text"] == "from the second"], 20, "an answer")
    check(got[0]["verified"], got)
    # the owner's key came along: it may invite, and again is harmless
    second.invite()
    second.cli("account", "link", "-", input="%s %s" % (text, code.lower()))


def test_refused(w):
    """Wrong code, spoiled text, expired, an account in use."""
    b, a, bob = w.mesh("anna", "bob")
    text, code = parts(a)
    h = w.home("other")
    mine = h.json("account", "show")["account"]

    def refused(text, code, status, word):
        r = h.cli("account", "link", text, input=code + "\n", code=status)
        check(word in r.err, r)
        check(len(text) < 60 or text[30:60] not in r.err, r)
        check(code not in r.err, r)
        equal(h.json("account", "show")["account"], mine, "account")

    other = "2" if code[0] != "2" else "3"
    refused(text, other + code[1:], 1, "code is not the one")
    refused(text, code[:-1], 2, "12 letters and digits")
    refused(text[:-1], code, 2, "copy it anew")
    refused(text[:50] + ("A" if text[50] != "A" else "B") + text[51:], code, 2,
            "damaged")
    refused("claudemesh://x/i/y#z", code, 2, "does not begin")
    short, late = parts(a, "--expires", "1s")
    time.sleep(1.2)
    refused(short, late, 4, "expired")
    r = bob.cli("account", "link", text, input=code, code=5)
    check("leave them" in r.err, r)
    r = h.cli("mesh", "attach", "a" * 32, b.url, code=None)
    check(r.code in (3, 4), r)


def test_broker_away(w):
    """The account is taken at once; the mesh when its broker is there."""
    b, a = w.mesh("anna")
    text, code = parts(a)
    b.kill9()
    h = w.home("second")
    r = h.cli("account", "link", text, input=code, code=6)
    check("claudemesh mesh attach " in r.err, r)
    equal(h.json("account", "show")["account"],
          a.json("account", "show")["account"], "account")
    b.start()
    h.restart()		# with the account it took, not its first one
    again = r.err.split("claudemesh mesh attach ")[1].split()
    h.cli("mesh", "attach", again[0], again[1])
    h.up()
    a.up()
    equal(len(h.json("mesh", "list")["meshes"]), 1, "meshes")
