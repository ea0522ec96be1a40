"""TLS between machines: whom a daemon believes, and whom it does not."""
import os
import pty
import signal
import subprocess
import sys

import mesh
from mesh import check, equal, until

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "..", "net"))
from certs import Certs, pin_of	 # noqa: E402


class TlsBroker(mesh.Broker):
    url = property(lambda self: "wss://127.0.0.1:%d/ws" % self.port)


def broker(w, cert, key, name="broker"):
    b = TlsBroker(w, name, ["--tls-cert", cert, "--tls-key", key])
    w.brokers.append(b)
    return b.start()


def create(h, b, *args, code=0):
    return h.cli("mesh", "create", "team", "--broker", b.url, "--name", h.name,
                 *args, code=code)


def talk(a, b, text):
    a.send(b.name, text, "--wait", "delivered", "--timeout", "20s")
    equal([m["text"] for m in b.arrived(1)][-1], text, "what came")


def test_ca(w):
    """Two homes over wss, the broker's CA given; without it nobody joins."""
    c = Certs()
    b = broker(w, c.good, c.key("good"))
    anna, ben = w.home("anna"), w.home("ben")
    r = create(anna, b, code=4)
    check("issued by Test CA, who is unknown here" in r.err, r)
    check("holds no certificate" in create(
        anna, b, "--ca", c.key("good"), code=2).err)
    create(anna, b, "--ca", c.ca)
    url = anna.invite()
    equal(len(url.split("#")[1]), 75, "no pin in the link")
    check("unknown here" in ben.cli("join", url, "-y", code=4).err)
    ben.cli("join", url, "--ca", c.ca, "--name", "ben", "-y")
    talk(anna, ben, "over TLS")
    ben.restart()		# it is kept with the mesh
    talk(anna, ben, "and again")
    row = ben.json("mesh", "list")["meshes"][0]
    equal(row["trust"], "ca", "trust")
    # the broker renews its certificate: nobody notices
    c.make("good", "good", "IP:127.0.0.1", issuer="ca")
    b.signal(signal.SIGHUP)
    until(lambda: b.read_log().count("certificate_loaded") == 2, 10, "reload")
    ben.restart()
    ben.up()
    # and one that nobody knows, found by itself; then a broken one is not taken
    c.make("good", "good", "IP:127.0.0.1", issuer="other")
    until(lambda: b.read_log().count("certificate_loaded") == 3, 20, "watch")
    with open(c.good, "w") as f:
        f.write("not yet whole")
    until(lambda: "certificate_refused" in b.read_log(), 20, "refused")
    ben.restart()
    until(lambda: "unknown here" in ben.cli("status", code=None).out, 20,
          lambda: ben.cli("status", code=None))
    ben.cli("mesh", "trust", "--ca", c.other_ca, "-y")
    ben.up()
    talk(anna, ben, "with the other CA")


def test_pin(w):
    """A self-signed broker: refused by name of its key, believed with it, and
    never another in its place."""
    one = w.home("one", start=False)
    made = one.json("broker", "cert", "--host", "127.0.0.1", "--host",
                    "localhost")
    equal(made["pin"], pin_of(made["cert"]), "the pin that openssl computes")
    check(os.stat(made["key"]).st_mode & 0o777 == 0o600, "mode of the key")
    check("--renew" in one.cli("broker", "cert", "--host", "x", code=2).err)
    b = broker(w, made["cert"], made["key"])
    anna = w.home("anna")
    r = create(anna, b, code=4)
    check("--pin " + made["pin"] in r.err, r)
    check("-y" not in r.err and create(anna, b, "-y", code=4), "-y is no pin")
    wrong = made["pin"][::-1]
    check("not the pinned one" in create(anna, b, "--pin", wrong, code=4).err)
    create(anna, b, "--pin", "SHA256:" + made["pin"].upper())
    # the link carries it: no question to who joins
    url = anna.invite()
    equal(len(url.split("#")[1]), 118, "a pin in the link")
    ben = w.home("ben")
    ben.cli("join", url, "--name", "ben", "-y")
    talk(anna, ben, "pinned")
    # renewed with the same key it has the same pin
    again = one.json("broker", "cert", "--host", "127.0.0.1", "--renew")
    equal(again["pin"], made["pin"], "the pin")
    until(lambda: b.read_log().count("certificate_loaded") == 2, 20, "watch")
    ben.restart()
    talk(anna, ben, "renewed")
    # somebody else's key at the same place
    b.stop()
    c = Certs()
    other = broker(w, c.own, c.key("own"), name="other")
    other.stop()
    other.port = b.port
    other.start()
    until(lambda: "not the pinned one" in ben.cli("status", code=None).out, 20,
          lambda: ben.cli("status", code=None))
    sent = ben.send("anna", "into the void")
    equal(sent["recipients"][0]["receipt"], "queued", "sent to a stranger")
    other.stop()
    b.start()
    anna.restart()		# not after the back-off
    ben.restart()
    until(lambda: any(m["text"] == "into the void"
                      for m in anna.arrived(0)), 40, "what was queued")


def test_asked(w):
    """On a terminal one is asked, and the answer is kept; -y does not count."""
    c = Certs()
    b = broker(w, c.own, c.key("own"))
    anna = w.home("anna")
    for answer, code in (("n\n", 4), ("y\n", 0)):
        main, sub = pty.openpty()
        p = subprocess.Popen([mesh.BIN, "mesh", "create", "team", "--broker",
                              b.url, "--name", "anna"], stdin=sub,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=anna.env(), text=True)
        os.write(main, answer.encode())
        out, err = p.communicate(timeout=60)
        equal(p.returncode, code, err)
        check(pin_of(c.own) in err and "Is it the same?" in err, err)
        os.close(main)
        os.close(sub)
    equal(anna.json("mesh", "list")["meshes"][0]["trust"],
          "pin " + pin_of(c.own), "trust")


def test_refused(w):
    """Expired and for another name: neither, with nothing joined."""
    c = Certs()
    anna = w.home("anna")
    b = broker(w, c.wrong_host, c.key("wrong"))
    r = create(anna, b, "--ca", c.ca, code=4)
    check("is for other.example, not for 127.0.0.1" in r.err, r)
    for cert, key, text in ((c.expired, "expired", "expired on 20"),
                            (c.good, "expired", "is not the key of")):
        p = subprocess.run([mesh.BIN, "broker", "run", "--listen",
                            "127.0.0.1:0", "--data", os.path.join(
                                w.dir, "no"), "--tls-cert", cert, "--tls-key",
                            c.key(key)], capture_output=True, text=True,
                           env=mesh.environment(), timeout=60)
        check(p.returncode == 2 and text in p.stderr and
              os.path.basename(cert) in p.stderr, p.stderr)
    equal(anna.json("mesh", "list")["meshes"], [], "meshes")
