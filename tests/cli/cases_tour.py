"""cases_tour.py - what annoyed on a newcomer's tour: answers that were empty
too early, errors that did not name what helps, questions that did not say what
they were about."""
import os
import shutil
import signal
import subprocess
import time

from kit import BIN, Broker, Home, check
from cases_real import members, up_home


def case_zero_is_said():
    with Home() as h:
        for words in (["invite", "create", "--expires", "0"],
                      ["invite", "create", "--uses", "0"],
                      ["share", "--expires", "0d"],
                      ["inbox", "--limit", "0"],
                      ["profile", "set"],
                      ["send", "Bob", ""]):
            done = h(*words)
            check(done.code == 2 and "hint: " in done.err, words, done)
        done = h("send", "Bob", "-", stdin="")
        check(done.code == 2 and "empty" in done.err, "empty text", done)


def case_output_lost():
    """What was not written is no success, and it is said why."""
    with Home() as h, open("/dev/full", "w") as full:
        p = subprocess.run([BIN, "version"], env=h.env(), stdout=full,
                           stderr=subprocess.PIPE)
        check(p.returncode == 1 and b"standard output: No space" in p.stderr,
              "full", p)


def case_first_minutes():
    """An inbox that starts the daemon shows what the broker has; and one whose
    broker is away says so. What is queued says why."""
    with up_home() as ann, Home() as bob:
        ann.ok("up")
        done = ann.tty("leave", type="n\n")
        check("Leave mesh home and" in done.out, "it is named", done)
        done = ann.tty("share")
        check("expires in 7 d;" in done.out, "seven days", done)
        url = ann.ok("invite", "create", "-q").out.strip()
        bob.ok("join", url, "--name", "Bob", "-y")
        done = bob.ok("join", url, "-y")
        check("you are already Bob in home" in done.out, "already", done)
        with Home() as eve:
            done = eve("join", url, "-y")
            check(done.code == 4 and "another link" in done.err, "used up",
                  done)
        done = bob.ok("up")
        check("claudemesh peers" in done.out and "share" not in done.out,
              "only admins invite", done)
        done = ann("send", "@crew", "x")
        check(done.code == 0 and "nobody else is in @crew" in done.err,
              "an empty group", done)
        ann.ok("send", "Bob", "one", "--wait", "delivered")
        bob.ok("daemon", "down")
        for text in ("two", "three"):
            ann.ok("send", "Bob", text)
        done = bob.ok("inbox")
        check([t for t in ("one", "two", "three") if f"  {t}\n" in done.out]
              == ["one", "two", "three"], "all at once", done)
        check(done.err == "", "no word about links", done)
        ann.ok("down")
        done = ann.ok("send", "Bob", "four")
        check(done.out == "Bob: queued\n" and "queued because" in done.err and
              "refused" in done.err, "why", done)
        done = bob.ok("inbox", "--read")
        check("cannot reach its broker" in done.err, "maybe not all", done)
        done = bob("doctor")
        check("start that broker, where it runs" in done.out and
              "try: claudemesh up" not in done.out, "not ours", done)
        done = ann("doctor")
        check("try: claudemesh up" in done.out, "ours", done)


def case_waiting_goes_on():
    """A newer program takes the daemon over; `down` ends the waiting."""
    with Broker() as broker:
        ann, bob = members(broker)
        with ann, bob:
            newer = os.path.join(bob.top, "claudemesh")
            shutil.copy(BIN, newer)
            later = time.time() + 3600
            os.utime(newer, (later, later))
            p = bob.start("inbox", "--wait", "20")
            time.sleep(0.3)
            subprocess.run([newer, "whoami"], env=bob.env(), check=True,
                           stdout=subprocess.DEVNULL)
            time.sleep(0.3)
            check(p.poll() is None, "it waits", p)
            ann.ok("send", "Bob", "over the renewal")
            out, err = p.communicate(timeout=20)
            check(p.returncode == 0 and b"over the renewal" in out, "came",
                  out, err)
            bob.ok("inbox", "--read", "-q")
            p = bob.start("inbox", "--wait", "20")
            time.sleep(0.3)
            bob.ok("daemon", "down")
            out, err = p.communicate(timeout=10)
            check(p.returncode == 6 and b"the daemon ended" in err and
                  b"claudemesh daemon up" in err, "ended", out, err)
            check(bob.pids() == [], "and nobody started another")


def case_lost_key():
    """Without its key a home is nobody: no other key is put in its place."""
    with Broker() as broker:
        ann, bob = members(broker)
        with ann, bob:
            ann.ok("daemon", "down")
            key = os.path.join(ann.dir, "account.key")
            os.rename(key, key + ".kept")
            done = ann("peers")
            check(done.code != 0 and "account.key is gone" in done.err,
                  "said so", done)
            check(not os.path.exists(key), "no other one", os.listdir(ann.dir))
            done = ann("doctor")
            check("put it back" in done.out, "doctor", done)
            os.rename(key + ".kept", key)
            ann.ok("peers")
            ann.ok("daemon", "down")
            with open(key, "w"):
                pass
            done = ann("peers")
            check("is not an account key" in done.err, "the log's words", done)


def case_kicked():
    with Broker() as broker:
        ann, bob = members(broker)
        with ann, bob:
            doc = bob.ok("session", "open", "worker", "--json").doc
            end = time.time() + 10
            while "worker" not in ann.ok("peers").out and time.time() < end:
                time.sleep(0.05)
            ann.ok("kick", "worker", "-y")
            mine = {"CLAUDEMESH_SESSION": doc["session"]}
            end = time.time() + 10
            while (done := bob("send", "Ann", "x", **mine)).code == 0 and \
                    time.time() < end:
                time.sleep(0.05)
            check(done.code == 4 and "kicked by Ann" in done.err and
                  "--resume" in done.err, "who, and how to come back", done)
            bob.ok("session", "open", "worker", "--resume", doc["session"])
            done = bob.ok("send", "Ann", "again", **mine)
            check(done.out == "Ann: stored\n", "it is back", done)


def case_leave_what_is_gone():
    with Broker() as broker:
        ann, bob = members(broker)
        with ann, bob:
            bob.ok("peers")
            ann.ok("mesh", "delete", "-y")
            end = time.time() + 10
            while "deleted" not in bob.ok("list").out and time.time() < end:
                time.sleep(0.05)
            done = bob("doctor")
            check("mesh leave --forget" in done.out, "what helps", done)
            done = bob.ok("leave", "-y")
            check(bob.ok("list").out == "", "left", done)
        ann, bob = members(broker)
        with ann, bob:
            bob.ok("daemon", "down")
            ann.ok("mesh", "delete", "-y")
            done = bob("leave", "-y")
            check(done.code == 6 and "--forget" in done.err, "nobody to tell",
                  done)
            bob.ok("leave", "--forget", "-y")


def case_died_while_away():
    """Its process ended while its daemon was down: the others see it go when
    the daemon is back, not when the lease is over."""
    def there(h):
        return [p["name"] for p in h.ok("peers", "--json", "name").doc["peers"]]
    with Broker() as broker:
        ann, bob = members(broker)
        with ann, bob:
            bob.start("session", "run", "--name", "worker", "--", "sleep",
                      "300")
            end = time.time() + 10
            while "worker" not in there(ann) and time.time() < end:
                time.sleep(0.05)
            row = [s for s in bob.ok("session", "list", "--json")
                   .doc["sessions"] if s["name"] == "worker"][0]
            daemon = bob.ok("daemon", "status", "--json").doc["pid"]
            os.kill(daemon, signal.SIGKILL)
            bob.procs[-1].kill()
            os.kill(row["pid"], signal.SIGKILL)
            bob.procs[-1].wait()
            bob.ok("peers")
            end = time.time() + 10
            while "worker" in there(ann) and time.time() < end:
                time.sleep(0.05)
            check("worker" not in there(ann), "gone", there(ann))
