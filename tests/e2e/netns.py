"""netns - two machines on one: network namespaces joined by a cable, as root or,
where the kernel lets users have namespaces, as anybody. Where it lets nobody,
two loopback addresses have to do, and the test says so."""
import os
import subprocess

from mesh import Failed, check


def can(*cmd):
    try:
        return subprocess.run(cmd, capture_output=True).returncode == 0
    except OSError:
        return False


class Machines:
    """ip: address of each; on(i): how to start a program there."""

    def __init__(self, w):
        self.ip, self.holders = ["127.77.0.1", "127.77.0.2"], []
        self.apart = False
        flags = "-n" if os.geteuid() == 0 and can("unshare", "-n", "true") \
            else "-rn"
        if not can("unshare", flags, "true"):
            print("note: no network namespaces here; one loopback instead")
            return
        self.user = ["-U", "--preserve-credentials"] if flags == "-rn" else []
        self.hold(w, ["unshare", flags])
        self.hold(w, self.on(0) + ["unshare", "-n"])
        self.ip = ["10.77.0.1", "10.77.0.2"]
        self.apart = True
        self.run(0, "ip", "link", "add", "cable0", "type", "veth", "peer",
                 "name", "cable1", "netns", str(self.holders[1].pid))
        for i in (0, 1):
            self.run(i, "ip", "addr", "add", self.ip[i] + "/24", "dev",
                     "cable%d" % i)
            self.run(i, "ip", "link", "set", "lo", "up")
            self.run(i, "ip", "link", "set", "cable%d" % i, "up")

    def hold(self, w, cmd):
        """A process whose network is the machine, until the world ends."""
        p = subprocess.Popen(cmd + ["sh", "-c", "echo up; exec sleep 600"],
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        w.procs.append(p)
        check(p.stdout.readline() == b"up\n", "no namespace: ", cmd)
        self.holders.append(p)

    def on(self, i):
        if not self.holders:
            return []
        return ["nsenter", "-t", str(self.holders[i].pid)] + self.user + \
            ["-n", "--"]

    def run(self, i, *cmd):
        p = subprocess.run(self.on(i) + list(cmd), capture_output=True,
                           text=True)
        if p.returncode != 0:
            raise Failed("%s: %s" % (" ".join(cmd), p.stderr))
