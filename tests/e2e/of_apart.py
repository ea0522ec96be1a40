"""Two machines, TLS between them, and a network that cuts every connection again
and again: whatever was sent is there once, and all see the same roll."""
import os
import signal
import subprocess
import sys
import time

import mesh
from mesh import check, equal, until
from netns import Machines
from of_tls import TlsBroker, pin_of

HERE = os.path.dirname(os.path.abspath(__file__))


def home_on(w, net, i, name):
    h = w.home(name, start=False)
    h.wrap = net.on(i)
    return h.start()


def broker_on(w, net, i):
    """Behind a proxy that is the only way to it. Also the proxy, and the URL."""
    one = w.home("certs", start=False)
    made = one.json("broker", "cert", "--host", net.ip[i])
    equal(made["pin"], pin_of(made["cert"]), "pin")
    b = TlsBroker(w, "broker", ["--tls-cert", made["cert"], "--tls-key",
                                made["key"]])
    w.brokers.append(b)
    b.wrap = net.on(i)
    b.start()
    proxy = subprocess.Popen(
        net.on(i) + [sys.executable, os.path.join(HERE, "cutter.py"),
                     net.ip[i] + ":0", "127.0.0.1:%d" % b.port, "7"],
        stdout=subprocess.PIPE, text=True)
    w.procs.append(proxy)
    port = int(proxy.stdout.readline().split()[1])
    return proxy, "wss://%s:%d" % (net.ip[i], port), made["pin"]


def insist(h, *args):
    """A command that asks the broker, until it comes through."""
    return until(lambda: (r := h.cli(*args, code=None)).code == 0 and r, 60,
                 lambda: h.cli(*args, code=None), 0.1)


def test_cut_again_and_again(w):
    n = 60 if mesh.FULL else 10
    net = Machines(w)
    proxy, url, pin = broker_on(w, net, 0)
    anna = home_on(w, net, 0, "anna")
    insist(anna, "mesh", "create", "team", "--broker", url, "--pin", pin,
           "--name", "anna")
    link = insist(anna, "invite", "create", "--uses", "3").out.split()[0]
    homes = [anna]
    for i, name in (0, "ben"), (1, "cara"), (1, "dan"):
        h = home_on(w, net, i, name)
        insist(h, "join", link, "--name", name, "-y")
        homes.append(h)
    names = [h.name for h in homes]
    for h in homes:
        until(lambda: len(h.json("member", "list")["members"]) == 4, 30,
              "members at " + h.name, 0.1)
        until(lambda: h.peer("dan") and h.peer("ben"), 30, "peers", 0.1)
    proxy.send_signal(signal.SIGUSR1)
    # every one to every other, while connections die
    for k in range(n):
        for h in homes:
            with h.local() as l:
                for to in names:
                    if to == h.name:
                        continue
                    until(lambda: sent(l, to, "%s to %s %d" % (h.name, to, k)),
                          60, "send of %s to %s" % (h.name, to), 0.1)
        if k == n // 2:		# and the roll grows meanwhile, or tries to
            act = anna.popen("mesh", "rename", "other", "--mesh", "team")
        time.sleep(0.15)
    proxy.send_signal(signal.SIGUSR1)
    if act.wait(60) != 0:
        insist(anna, "mesh", "rename", "other", "--mesh", "team")
    for h in homes:
        insist(h, "peer", "list")	# dials at once, not after the back-off
        want = sorted("%s to %s %d" % (x, h.name, k) for x in names
                      if x != h.name for k in range(n))
        got = sorted(m["text"] for m in h.arrived(len(want), 60))
        equal(got, want, "the mail of " + h.name)
    rows = [until(lambda: same_head(h, anna), 30, "roll of " + h.name, 0.1)
            for h in homes]
    equal(len({r["head"] for r in rows}), 1, "heads")
    equal({r["trust"] for r in rows}, {"pin " + pin}, "trust")
    proxy.send_signal(signal.SIGTERM)
    cuts = int(proxy.communicate(timeout=20)[0].split()[-1])
    print("%d messages, %d connections cut%s" % (
        n * 12, cuts, "" if net.apart else " (one machine)"))
    check(cuts >= 4, "the proxy cut only", cuts)


def sent(l, to, text):
    try:
        return l.call("local_send", to=[to], text=text, wait="queued")
    except mesh.Refused as e:
        check(e.code in ("unreachable", "timed_out", "no_peer"), e)
        return None


def same_head(h, other):
    a, b = (x.json("mesh", "list")["meshes"][0] for x in (h, other))
    return a if a["head"] == b["head"] and a["state"] == "up" else None
