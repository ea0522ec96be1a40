"""The broker's configuration file, its reload, and its log."""
import json
import os
import signal
import subprocess

from mesh import BIN, Failed, check, environment, equal, until


def config(world, *args, code=0):
    p = subprocess.run([BIN, "broker", "config", "--json", *args],
                       env=environment(HOME=world.dir,
                                       CLAUDEMESH_HOME=world.dir + "/h"),
                       capture_output=True, text=True, timeout=30)
    if p.returncode != code:
        raise Failed("status %d: %s%s" % (p.returncode, p.stdout, p.stderr))
    return p


def settings(world, *args):
    doc = json.loads(config(world, *args).stdout)
    return {s["name"]: s for s in doc["settings"]}


def write(world, text, name="broker.conf"):
    path = os.path.join(world.dir, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def test_order(world):
    """Flag before file before what is usual; each says where it is from."""
    path = write(world, "# ours\nsend-rate = 7\nsend-burst=9  # few\n"
                 "url = wss://a.example/ws\nurl = wss://b.example/ws\n"
                 "mesh-bytes = 2G\n")
    s = settings(world, "--config", path, "--send-burst", "11")
    equal(s["send-rate"]["value"], 7)
    equal(s["send-rate"]["from"], path + ":2")
    equal((s["send-burst"]["value"], s["send-burst"]["from"]), (11, "flag"))
    equal(s["url"]["value"], ["wss://a.example/ws", "wss://b.example/ws"])
    equal(s["mesh-bytes"]["value"], 2 << 30)
    equal((s["retention-days"]["value"], s["retention-days"]["from"]),
          (30, "default"))


def test_refusals(world):
    """File, line, name and limit; exit status 2; for a flag its name."""
    for text, *want in (
            ("\nsnd-rate = 1\n", ":2: ", "'snd-rate' is no setting"),
            ("send-rate = 0\n", ":1: ", "send-rate", "from 1 to 1000000"),
            ("send-rate = 5x\n", ":1: ", "send-rate"),
            ("log-size = 2000M\n", ":1: ", "log-size", "to 1073741824"),
            ("create = maybe\n", ":1: ", "open|token|none"),
            ("behind-proxy = 1\n", ":1: ", "yes or no"),
            ("create = open\ncreate = none\n", ":2: ", "given twice"),
            ("listen 127.0.0.1:1\n", ":1: ", "name = value"),
            ("url = a\x07\n", ":1: ", "control character"),
            ("".join("url = %d\n" % i for i in range(17)), ":17: ", "16")):
        path = write(world, text)
        err = config(world, "--config", path, code=2).stderr
        for part in want:
            check(part in err, text, "gives", err)
    err = config(world, "--members", "none", code=2).stderr
    check("--members is a number from 1 to 100000" in err, err)
    err = config(world, "--config", world.dir + "/nowhere", code=2).stderr
    check("nowhere" in err, err)


def test_reload(world):
    """SIGHUP applies what may change, names what may not, and a file that
    does not stand changes nothing."""
    path = write(world, "create = none\n")
    b = world.broker("broker", "--config", path)
    alice = world.home("alice")
    make = ["mesh", "create", "team", "--broker", b.url, "--name", "Alice"]
    r = alice.cli(*make, code=4)
    check("lets nobody make meshes" in r.err, r)

    def hup(text, sign):
        write(world, text)
        n = b.read_log().count(sign)
        b.signal(signal.SIGHUP)
        until(lambda: b.read_log().count(sign) > n, what=sign)

    hup("create = perhaps\n", "not_reloaded")
    check("broker.conf:1: create is one of" in b.read_log(), b.read_log())
    alice.cli(*make, code=4)
    hup("create = open\nconnections = 5\nmeshes = 1\n", "restart_needed")
    check("for=connections" in b.read_log(), b.read_log())
    alice.cli(*make)
    r = alice.cli(*make[:2], "more", *make[3:], code=None)
    check(r.code != 0 and "at most 1 meshes" in r.err, r)


def test_members(world):
    path = write(world, "members = 2\n")
    b = world.broker("broker", "--config", path)
    alice, bob, eve = (world.home(n) for n in ("alice", "bob", "eve"))
    alice.json("mesh", "create", "team", "--broker", b.url, "--name", "Alice")
    url = alice.invite("--uses", "5")
    bob.json("join", url, "--name", "Bob", "-y")
    r = eve.cli("join", url, "--name", "Eve", "-y", code=None)
    check(r.code != 0 and "2 members" in r.err, r)


def test_log(world):
    """A full log is set aside, so many are kept; one moved away is begun
    anew on SIGHUP."""
    b = world.broker("broker", "--log-size", "2000", "--log-keep", "2")
    alice = world.home("alice")
    alice.json("mesh", "create", "team", "--broker", b.url, "--name", "Alice")

    def aside():
        alice.cli("peers")
        return os.path.exists(b.log + ".2")
    until(aside, 60, "two logs set aside")
    check(not os.path.exists(b.log + ".3"))
    for name in (b.log, b.log + ".1", b.log + ".2"):
        equal(os.stat(name).st_mode & 0o777, 0o600, name)
        check(os.stat(name).st_size < 2000 + 8192)
    os.rename(b.log, b.log + ".old")
    b.signal(signal.SIGHUP)
    until(lambda: os.path.exists(b.log) and "reloaded" in b.read_log(),
          what="a new log")
    os.rename(alice.log, alice.log + ".old")
    os.kill(alice.proc.pid, signal.SIGHUP)
    until(lambda: os.path.exists(alice.log), what="the daemon's new log")
