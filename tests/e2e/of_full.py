"""A full disk under the running processes: nothing is lost, nothing is claimed,
and all goes on when there is room again. Needs leave to mount (root)."""
import os
import subprocess
import urllib.error
import urllib.request

import mesh
from mesh import check, equal, until

TEXT = "full " * 6000		# 30 KB


class Disk:
    """A small disk on a folder."""

    def __init__(self, path, size):
        self.path = path
        os.makedirs(path, 0o700, exist_ok=True)
        self.mount("size=" + size)

    def mount(self, options):
        r = subprocess.run(["mount", "-t", "tmpfs", "-o", options + ",mode=0700",
                            "none", self.path], capture_output=True, text=True)
        check(r.returncode == 0, "a tmpfs cannot be mounted here:", r.stderr)

    def grow(self, size):
        self.mount("remount,size=" + size)

    def end(self):
        subprocess.run(["umount", "-l", self.path], check=False)


def ready(b):
    url = b.url.replace("ws://", "http://").replace("/ws", "/ready")
    try:
        with urllib.request.urlopen(url, timeout=5) as r:
            return r.status
    except urllib.error.HTTPError as e:
        return e.code


def alive(b):
    url = b.url.replace("ws://", "http://").replace("/ws", "/health")
    with urllib.request.urlopen(url, timeout=5) as r:
        return r.status == 200


def judge(c, texts):
    got = c.arrived(len(texts), 60)
    equal([m["text"][:24].split("|")[0] for m in got], texts, "inbox")
    check(all(m["verified"] for m in got), "not verified")


def fill(a, want):
    """Send until one does not come further than the outbox."""
    texts = []
    while len(texts) < 200:
        texts.append("n%d" % len(texts))
        r = a.cli("send", "carl", texts[-1] + "|" + TEXT, "--timeout", "1s",
                  code=None)
        if want in r.out + r.err:
            return texts
    raise mesh.Failed("the disk was never full")


def test_broker(w):
    disk = Disk(os.path.join(w.dir, "broker"), "3m")
    try:
        b, a, c = w.mesh("anna", "carl")
        c.kill9()
        texts = fill(a, "queued")
        until(lambda: ready(b) == 503, 10, "/ready says it cannot write")
        check(alive(b), "/health must not depend on the disk")
        check(a.peers() is not None, "reading goes on")
        # it refuses to store; it does not forget what it has
        disk.grow("64m")
        until(lambda: ready(b) == 200, 20, "/ready again")
        c.start()
        judge(c, texts)
        a.cli("message", "wait", a.json("message", "list")["messages"][0]["id"],
              "--timeout", "30s")
        b.stop()
    finally:
        disk.end()


def test_daemon(w):
    """The sender's own disk: what cannot be kept is not accepted."""
    disk = Disk(os.path.join(w.dir, "anna"), "2m")
    try:
        b, a, c = w.mesh("anna", "carl")
        accepted, n = [], 0
        refused = None
        while refused is None and n < 200:
            r = a.cli("send", "carl", "n%d|%s" % (n, TEXT), code=None)
            if r.code == 0:
                accepted.append("n%d" % n)
            else:
                refused = r
            n += 1
        check(refused is not None, "the disk was never full")
        check("disk" in refused.err or "full" in refused.err, refused)
        disk.grow("64m")
        until(lambda: a.cli("send", "carl", "after|", code=None).code == 0, 20,
              "sending again")
        got = [m["text"].split("|")[0] for m in c.arrived(len(accepted) + 1, 60)]
        equal([t for t in got if t != "after"], accepted, "what was accepted")
        check(a.proc.poll() is None, "the daemon ended")
        a.stop()
    finally:
        disk.end()
