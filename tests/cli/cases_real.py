"""cases_real.py - with the real daemon and a real broker: starting, one
instance, up, two people, sessions, down, and that nothing is left behind."""
import os
import shutil
import socket
import subprocess
import time

from kit import BIN, Broker, Home, check, free_port


def members(broker):
    """Ann with a mesh, Bob who joined it."""
    ann, bob = Home(broker.url), Home(broker.url)
    ann.ok("mesh", "create", "work", "--name", "Ann")
    url = ann.ok("invite", "create", "-q").out.strip()
    bob.ok("join", "-", "--name", "Bob", "-y", stdin=url)
    return ann, bob


def case_two_people():
    with Broker() as broker:
        ann, bob = members(broker)
        with ann, bob:
            doc = ann.ok("mesh", "list", "--json").doc
            check([m["slug"] for m in doc["meshes"]] == ["work"], "list", doc)
            doc = ann.ok("member", "list", "--json", "name,role").doc
            check(sorted(m["name"] for m in doc["members"]) == ["Ann", "Bob"],
                  "members", doc)
            done = ann.ok("send", "Bob", "hi \x1b[31m there", "--wait",
                          "delivered", "--timeout", "10s")
            check(done.out == "Bob: delivered\n", "delivered", done)
            done = bob.ok("inbox", "--wait", "10")
            check("hi <U+001B>[31m there" in done.out, "neutralised", done)
            framed = [bob.ok("inbox", "--framed").out,
                      bob.ok("inbox", CLAUDECODE="1").out]
            check(all(f.startswith("[mesh message ") and "\nfrom: Ann\nsender: "
                      "verified" in f and "| hi <U+001B>[31m there\n[end of"
                      in f for f in framed) and framed[0] != framed[1],
                  "framed, with a fresh tag", framed)
            doc = bob.ok("inbox", "--json").doc
            m = doc["messages"][0]
            check(m["from"] == "Ann" and m["verified"] and m["encrypted"] and
                  m["text"] == "hi \x1b[31m there", "inbox", doc)
            check(set(m) >= {"id", "from", "from_key", "to", "mesh", "text",
                             "priority", "sent_at", "received_at", "receipt"},
                  "shape", m)
            bob.ok("inbox", "--read")
            check(bob.ok("inbox", "--json").doc["messages"] == [], "read")
            doc = ann.ok("peers", "--json").doc
            check({p["name"] for p in doc["peers"]} == {"Ann", "Bob"}, "peers",
                  doc)
            doc = ann.ok("message", "status", m["id"], "--json").doc
            check(doc["recipients"][0]["receipt"] in ("delivered", "surfaced"),
                  "status", doc)
            check(ann("send", "Nobody", "x").code in (1, 3), "no such peer")
            both = [h.ok("verify", who).out for h, who in
                    ((ann, "Bob"), (bob, "Ann"))]
            check(both[0] == both[1] and len(both[0]) == 36, "digits", both)
            documents(ann)
            library(ann, bob)
            fast_send(ann)
            sessions(ann, bob)


def documents(h):
    for words in (["account"], ["mesh", "info"], ["mesh", "settings"],
                  ["invite", "list"], ["member"], ["message", "list"],
                  ["profile"], ["session"], ["daemon", "status"],
                  ["daemon", "outbox"], ["daemon", "inbox"], ["status"],
                  ["whoami"], ["broker", "status"], ["daemon", "up"],
                  ["profile", "status", "working"], ["doctor"],
                  ["profile", "summary", "at it"], ["peer", "show", "Ann"]):
        done = h.ok(*words, "--json")
        if done.code == 0:
            check(list(done.doc)[0] == "schema_version", "document", words)
        h.ok(*words)
    check(h("profile", "--json").doc["summary"] == "at it", "summary")


def library(ann, bob):
    """A program that knows only <claudemesh.h>."""
    api = os.path.join(os.environ.get("BUILD_DIR", os.path.dirname(BIN)), "api")
    if not check(os.path.exists(api), "the program " + api):
        return
    env = ann.env(PATH=os.path.dirname(BIN) + ":" + os.environ["PATH"])
    p = subprocess.run([api, ann.dir, "Bob", "by the library"], env=env,
                       capture_output=True, text=True, timeout=30)
    check(p.returncode == 0 and '"receipt"' in p.stdout, "cm_send", p)
    ann.ok("daemon", "down")
    bob.ok("send", "Ann", "back")
    p = subprocess.run([api, ann.dir], env=env, capture_output=True, text=True,
                       timeout=30)
    check(p.returncode == 0 and '"back"' in p.stdout,
          "cm_inbox starts the daemon and waits", p)
    p = subprocess.run([api, ann.dir, "Nobody", "x"], env=env,
                       capture_output=True, text=True, timeout=30)
    check(p.returncode == 3 and p.stdout.startswith("error 3 no_peer: "),
          "cm_error", p)
    check(ann("inbox", "--json").doc["messages"] == [], "it was marked read")


def fast_send(h):
    times = []
    for i in range(15):
        at = time.perf_counter()
        h.ok("send", "Bob", f"n {i}")
        times.append(time.perf_counter() - at)
    # The machine of a test run is busy; the aim itself is 10 ms.
    check(sorted(times)[7] < 0.25, "send takes", sorted(times)[7])


def sessions(ann, bob):
    done = ann.ok("session", "run", "--name", "build", "--groups", "ci:lead",
                  "--", "sh", "-c", f"{BIN} peers --json name,groups; {BIN} "
                  "profile --json name; echo $CLAUDEMESH_MESH")
    check('"build"' in done.out and "ci" in done.out and
          done.out.endswith("work\n"), "inside a session", done)
    done = ann("session", "run", "--name", "fails", "--", "sh", "-c", "exit 42")
    check(done.code == 42, "its exit status", done)
    done = ann("session", "run", "--name", "dies", "--", "sh", "-c",
               "kill -9 $$")
    check(done.code == 137, "a signal", done)
    done = ann("session", "run", "--name", "none", "--", "/no/such")
    check(done.code == 127, "no such program", done)
    check("build" not in bob("peers", "--json").out, "it ended")


def case_session_needs_a_mesh():
    with Home() as h:
        h.ok("daemon", "up")
        done = h("session", "run", "--", "touch", os.path.join(h.top, "ran"))
        check(done.code != 0 and not os.path.exists(h.top + "/ran"),
              "the command did not run", done)
        check(h("peers").code == 3, "no mesh")


def case_one_daemon():
    with Home() as h:
        procs = [h.start("mesh", "list") for _ in range(10)]
        codes = [p.wait(timeout=30) for p in procs]
        check(codes == [0] * 10, "ten at once", codes,
              [p.stderr.read() for p in procs])
        time.sleep(0.2)
        check(len(h.pids()) == 1, "one daemon", h.pids())
        st = os.stat(h.dir)
        check(st.st_mode & 0o777 == 0o700, "0700")
        for name in os.listdir(h.dir):
            mode = os.stat(os.path.join(h.dir, name)).st_mode & 0o777
            check(mode & 0o077 == 0, "modes", name, oct(mode))
        h.ok("daemon", "down")
        check(h.pids() == [], "gone when down returns")
        check(h("daemon", "status").code == 6, "not running")


def case_newer_program():
    """A daemon older than its client runs the client's program instead."""
    with Home() as h:
        h.ok("daemon", "up")
        was = h.pids()
        newer = os.path.join(h.top, "claudemesh")
        shutil.copy(BIN, newer)
        os.utime(newer, (time.time() + 60, time.time() + 60))
        p = subprocess.run([newer, "mesh", "list"], env=h.env(),
                           capture_output=True, timeout=20)
        check(p.returncode == 0, "answered by the new one", p)
        end = time.time() + 10  # what started it may take its time to end
        while len(now := h.pids()) != 1 and time.time() < end:
            time.sleep(0.05)
        check(len(now) == 1 and os.readlink(f"/proc/{now[0]}/exe") == newer,
              "renewed", was, now)
        h.ok("mesh", "list")
        check(os.readlink(f"/proc/{h.pids()[0]}/exe") == newer,
              "and not back again")


def up_home():
    """A home whose broker has a port of its own, remembered as by `up`."""
    h = Home()
    os.makedirs(os.path.join(h.dir, "broker"), mode=0o700)
    os.chmod(h.dir, 0o700)
    with open(os.path.join(h.dir, "broker", "listen"), "w") as f:
        f.write(f"127.0.0.1:{free_port()}\n")
    return h


def case_up_and_down():
    with up_home() as h:
        done = h.ok("up")
        check("broker  started" in done.out and "mesh    home made" in done.out
              and "claudemesh share" in done.out, "up", done)
        check(len(h.pids()) == 3, "broker, its keeper, daemon", h.pids())
        at = time.perf_counter()
        doc = h.ok("up", "--json").doc
        check(time.perf_counter() - at < 1, "a second time is fast")
        check(doc["broker"]["started"] is False and doc["made"] is False and
              len(doc["meshes"]) == 1, "and changes nothing", doc)
        check(doc["meshes"][0]["me"] == "ann", "named after the user", doc)
        check(h("status").code == 0, "status", h("status"))
        doc = h("doctor", "--json").doc
        check(doc["ok"], "doctor", doc)
        check(any(k["name"].startswith("clock") for k in doc["checks"]),
              "clocks", doc)
        done = h.ok("down")
        check(h.pids() == [], "down", done)
        h.ok("up", "-q")
        check(h("status").code == 0, "up again")
        with open(os.path.join(h.dir, "broker", "broker.keeper")) as f:
            keeper = int(f.read())
        others = [p for p in h.pids() if p != keeper]
        os.kill(others[0], 9)
        done = h.ok("up")
        check(keeper in h.pids(), "the keeper goes on", done)
        end = time.time() + 10
        while len(h.pids()) != 3 and time.time() < end:
            time.sleep(0.02)
        check(len(h.pids()) == 3, "up or the keeper mends", done)
        done = h("down", "--purge")
        check(done.code == 4 and len(h.pids()) == 3, "asks", done)
        done = h.ok("down", "--purge", "-y")
        check(not os.path.exists(h.dir) and "account.key" in done.out,
              "nothing is left", done)


def case_up_at_once():
    with up_home() as h:
        procs = [h.start("up") for _ in range(4)]
        codes = [p.wait(timeout=40) for p in procs]
        check(codes == [0] * 4, "four at once", codes,
              [p.stderr.read() for p in procs])
        check(len(h.ok("mesh", "list", "--json").doc["meshes"]) == 1,
              "one mesh")
        check(len(h.pids()) == 3, "broker, its keeper, daemon", h.pids())


def case_port_taken():
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(("127.0.0.1", 7900))
        taken.listen(5)
    except OSError:
        return  # somebody has it: then there is nothing to be seen here
    with taken, Home() as h:
        done = h.ok("up")
        check("7900 is taken" in done.out, "said so", done)
        with open(os.path.join(h.dir, "broker", "listen")) as f:
            addr = f.read().strip()
        check(not addr.endswith(":7900"), "another port", addr)
        check(addr in h("mesh", "list", "--json").out, "the mesh is there")
        h.ok("down")
        h.ok("up")
        check(addr in h("broker", "status").out, "remembered")
        h.ok("down")
        port = int(addr.rsplit(":", 1)[1])
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen(5)
            done = h("up")
            check(done.code != 0 and "taken" in done.err, "not moved again",
                  done)


def case_unreachable_broker():
    with Home(f"ws://127.0.0.1:{free_port()}/ws") as h:
        done = h("mesh", "create", "x", timeout=60)
        check(done.code in (6, 7), "exit", done)


def case_purge_keeps_the_rest():
    with Home() as h:
        h.ok("daemon", "up")
        other = os.path.join(h.dir, "mine.txt")
        with open(other, "w") as f:
            f.write("x")
        done = h.ok("down", "--purge", "-y")
        check(os.listdir(h.dir) == ["mine.txt"] and "left" in done.out,
              "others' files stay", done, os.listdir(h.dir))


def case_output_is_not_held():
    """A pipe to us is not kept open by the daemon that was started."""
    with Home() as h:
        p = subprocess.run(["sh", "-c", f"{BIN} mesh list | cat"],
                           env=h.env(), capture_output=True, timeout=10)
        check(p.returncode == 0, "ended", p)
