"""What is told is on the disk first: the system calls of broker and daemon are
recorded, and nothing that promises something leaves before the database's log
has been synchronised."""
import os
import re

import mesh
from load import slow
from mesh import check, equal, until
from wiretap import frames

CALLS = ("read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,"
         "fsync,fdatasync")
LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$")
HEX = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


def traced(thing, world, name):
    out = os.path.join(world.dir, name + ".strace")
    thing.wrap = ["strace", "-f", "-yy", "-xx", "-s", "400000", "-o", out,
                  "-e", "trace=" + CALLS, "-e", "signal=none"]
    asan = os.environ.get("ASAN_OPTIONS", "")
    getattr(thing, "extra", thing.env)["ASAN_OPTIONS"] = \
        (asan + ":" if asan else "") + "detect_leaks=0"
    return out


def plain(path):
    """strace -xx writes file names in hex, too."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), path)


def events(path):
    """(what, file, bytes) in order: dirty when a write to it begins, clean when
    a sync has ended, out when a write elsewhere begins, in when a read ends."""
    begun = {}
    for line in open(path, errors="replace"):
        m = LINE.match(line)
        if not m:
            continue
        pid, call, rest = m.groups()
        resumed = "resumed>" in line[:60]
        unfinished = rest.rstrip().endswith("unfinished ...>")
        if resumed:
            name, data = begun.pop((pid, call), ("", b""))
        else:
            fd = re.match(r"\d+<(.*?)>(, |\)| <)", rest)
            name, data = plain(fd[1]) if fd else "", b""
            rest = rest[fd.end() if fd else 0:]
        data += b"".join(bytes.fromhex(h.replace("\\x", ""))
                         for h, cut in HEX.findall(rest))
        if unfinished:
            begun[(pid, call)] = (name, data)
        if call.startswith(("pwrite", "write", "send")):
            if not resumed:
                yield ("dirty" if ".db" in name else "out", name, data)
        elif unfinished:
            continue
        elif call.endswith("sync"):
            if rest.rstrip().endswith("= 0"):
                yield "clean", name, b""
        elif not re.search(r"= -1 ", rest):
            yield "in", name, data


def judge(path, wal, texts):
    """How many promises were seen. texts(name, data): what of a write promises
    something."""
    seen = synced = 0
    dirty = False
    for what, name, data in events(path):
        if name.endswith(wal):
            if what == "dirty":
                dirty = True
            elif what == "clean":
                synced += dirty
                dirty = False
        elif what == "out":
            for text in texts(name, data):
                check(not dirty, "told before it was on the disk:", text[:200])
                check(synced > 0, "told, and nothing was written:", text[:200])
                seen += 1
                synced = 0
    return seen


def promises(*words):
    def texts(name, data):
        if "TCP" in name:
            found = list(frames(data))
        elif "UNIX" in name or "STREAM" in name:
            found = data.split(b"\n")
        else:
            found = []
        hits = [t for t in found if any(w in t for w in words)]
        return hits[:1]		# of those that leave together one stands for all
    return texts


@slow(15)
def test_broker(w):
    b = w.broker(start=False)
    out = traced(b, w, "broker")
    b.start()
    a, c = w.home("anna"), w.home("carl")
    a.json("mesh", "create", "team", "--broker", b.url, "--name", "anna")
    c.json("join", a.invite(), "--name", "carl", "-y")
    n = 10
    with a.local() as l:
        for i in range(n):
            s = l.call("local_send", to=["carl"], text="t%d" % i,
                       wait="stored", wait_ms=20000)
            equal(s["recipients"][0]["receipt"] in ("stored", "delivered"),
                  True, "receipt")
    c.arrived(n)
    b.stop()
    check(judge(out, "broker.db-wal", promises(b'"type":"ack"')) >= n,
          "no acknowledgement was seen")
    # joining, too
    check(judge(out, "broker.db-wal", promises(b'"type":"roll_appended"',
                                               b'"type":"mesh_created"')) >= 2,
          "no act was seen")


@slow(15)
def test_daemon(w):
    """What the sender is told is in its outbox; what the broker is told is in
    the receiver's inbox."""
    b = w.broker()
    a, c = w.home("anna", start=False), w.home("carl", start=False)
    outs = [traced(h, w, h.name) for h in (a, c)]
    a.start()
    c.start()
    a.json("mesh", "create", "team", "--broker", b.url, "--name", "anna")
    c.json("join", a.invite(), "--name", "carl", "-y")
    n = 10
    with a.local() as l:
        for i in range(n):
            l.call("local_send", to=["carl"], text="t%d" % i, wait="queued")
            until(lambda: len(c.local_all()) > i, 20, "arrival")
    with a.local() as l:
        until(lambda: all(m["receipt"] == "delivered" for m in l.call(
            "local_message_list")["messages"]), 20, "delivered")
    a.stop()
    c.stop()
    check(judge(outs[0], "daemon.db-wal", promises(b'"type":"local_sent"'))
          >= n, "no local_sent was seen")
    check(judge(outs[1], "daemon.db-wal", promises(b'"type":"client_ack"'))
          >= n // 2, "no client_ack was seen")


def test_the_judge(w):
    """These tests can fail: a record of a hasty broker is found out."""
    path = os.path.join(w.dir, "x")
    wal, tcp = "5</x/broker.db-wal>", "7<TCP:[127.0.0.1:1->127.0.0.1:2]>"
    text = b'\x81\x0e{"type":"ack"}'
    ack = 'write(%s, "%s", 16) = 16' % (tcp, "".join("\\x%02x" % c
                                                     for c in text))
    write, sync = 'pwrite64(%s, "", 9, 0) = 9' % wal, "fdatasync(%s) = 0" % wal
    for lines, good in (((write, sync, ack), True), ((write, ack, sync), False),
                        ((sync, write, ack), False), ((ack,), False),
                        ((write, sync, ack, ack), False),
                        ((write, "fdatasync(%s <unfinished ...>" % wal, ack,
                          "<... fdatasync resumed>) = 0"), False),
                        ((write, "fdatasync(%s <unfinished ...>" % wal,
                          "<... fdatasync resumed>) = 0", ack), True)):
        with open(path, "w") as f:
            f.writelines("12 %s\n" % line for line in lines)
        try:
            equal(judge(path, "broker.db-wal", promises(b'"type":"ack"')), 1)
            said = True
        except mesh.Failed:
            said = False
        equal(said, good, lines)
