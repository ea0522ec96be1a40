"""Secrets stay with their user: modes, processes, logs, errors, the socket."""
import os
import shutil
import stat
import subprocess
import threading

import mesh
from mesh import check, equal, until
from wiretap import canary, find, process

NOBODY = 65534


def mode(path):
    return "%04o" % stat.S_IMODE(os.lstat(path).st_mode)


def test_modes(w):
    os.umask(0)
    h = w.home("anna", start=False)
    b = w.broker()
    h.start()
    h.json("mesh", "create", "team", "--broker", b.url, "--name", "anna")
    h.send("anna", "hello", "--wait", "delivered")
    for folder in (h.dir, b.data):
        equal(mode(folder), "0700", folder)
        for d, dirs, files in os.walk(folder):
            for name in dirs:
                equal(mode(os.path.join(d, name)), "0700", name)
            for name in files:
                check(mode(os.path.join(d, name)) in ("0600", "0700"
                      if name.endswith(".sock") else "0600"), name,
                      mode(os.path.join(d, name)))
    equal(mode(b.log), "0600", "the broker's log")
    equal(mode(h.log), "0600", "the daemon's log")


def test_wrong_modes_are_refused(w):
    b, a = w.mesh("anna")
    a.stop()
    for path, good in ((a.dir, 0o700), (a.dir + "/account.key", 0o600),
                       (a.dir + "/daemon.db", 0o600)):
        os.chmod(path, good | 0o044)
        r = a.cli("peers", code=4)
        check("chmod %o %s" % (good, path) in r.err, r)
        p = mesh.Home(w, "anna").start(wait=False).proc
        until(lambda: p.poll() is not None, 20, "the daemon ended")
        check(p.returncode != 0, "the daemon takes it")
        os.chmod(path, good)
    a.start()
    a.cli("peers")
    b.stop()
    os.chmod(b.data, 0o755)
    p = b.start(wait=False).proc
    until(lambda: p.poll() is not None, 20, "the broker ended")
    check(p.returncode != 0, "the broker takes it")


def test_seed_and_links_are_not_shown(w):
    b, a = w.mesh("anna")
    with open(a.dir + "/account.key") as f:
        seed = bytes.fromhex(f.read().strip())
    url = a.invite()
    secret = url.split("#")[1]
    c = w.home("carl")
    seen = []
    # what others see while it joins, several times, with errors too
    halt = threading.Event()

    def look():
        while not halt.is_set():
            for pid in w.strays():
                try:
                    seen.append(process(pid))
                except OSError:
                    pass
    t = threading.Thread(target=look)
    t.start()
    said = ""
    for args, code in ((("join", "-", "--name", "x" * 65, "-y"), 2),
                       (("join", "-", "--name", "carl"), 4),
                       (("join", "-", "--name", "carl", "-y"), 0),
                       (("join", "-", "--name", "carl", "-y"), 0),
                       (("-v", "peers"), 0), (("doctor",), 0),
                       (("account", "show", "--json"), 0),
                       (("whoami", "--json"), 0), (("status", "--json"), 0),
                       (("invite", "list", "--json"), 4)):
        r = c.cli(*args, input=url + "\n", code=None)
        said += r.out + r.err
    for args in (("account", "show"), ("whoami",), ("invite", "list"),
                 ("mesh", "info"), ("doctor",)):
        r = a.cli(*args, "--json", code=None)
        said += r.out + r.err
    halt.set()
    t.join()
    seen.append(said.encode())
    for path in w.logs():
        with open(path, "rb") as f:
            seen.append(f.read())
    check(len(seen) > 10 and len(said) > 500, "nothing was looked at")
    for data in seen:
        check(find(secret, data) is None, "the invite's secret")
        check(find(seed, data) is None, "the account's seed")
    check(any(b"carl" in data for data in seen), "the search sees nothing")


def test_text_by_stdin_is_in_no_process(w):
    b, a, c = w.mesh("anna", "carl")
    c.stop()
    text = canary()
    p = a.popen("send", "carl", "-", "--wait", "delivered", "--timeout", "20s",
                stdin=subprocess.PIPE)
    p.stdin.write(text)
    p.stdin.close()
    p.stdin = None
    until(lambda: a.json("message", "list")["messages"], 10, "accepted")
    for pid in w.strays():
        check(find(text, process(pid)) is None, "in process", pid)
    c.start()
    p.communicate(timeout=30)
    equal(p.returncode, 0, "status")
    equal([m["text"] for m in c.local_all()], [text], "inbox")


def test_another_user_is_not_answered(w):
    if os.geteuid() != 0:
        # without root there is no other user to be; the modes must do
        check(mode(w.home("anna").dir) == "0700", "mode")
        return
    b, a = w.mesh("anna")
    a.send("anna", canary(), "--wait", "delivered")
    sock = a.dir + "/daemon.sock"
    script = ("import socket,sys\ns = socket.socket(socket.AF_UNIX)\n"
              "s.settimeout(10)\ns.connect(sys.argv[1])\n"
              "s.sendall(b'{\"type\":\"local_inbox\",\"all\":true}\\n')\n"
              "sys.stdout.buffer.write(s.recv(65536))\n")

    def ask(uid):
        return subprocess.run(
            ["setpriv", "--reuid", str(uid), "--regid", str(uid),
             "--clear-groups", "/usr/bin/python3", "-c", script, sock],
            capture_output=True, timeout=30, cwd="/")
    equal(b"local_inbox_page" in ask(0).stdout, True, "the same user")
    equal(ask(NOBODY).stdout, b"", "another user, by the modes")
    # even with the modes wide open, which the daemon itself never makes
    path = sock
    old = []
    while path != "/":
        old.append((path, stat.S_IMODE(os.stat(path).st_mode)))
        os.chmod(path, old[-1][1] | 0o777 if path.startswith(w.dir)
                 else old[-1][1] | 0o011)
        path = os.path.dirname(path)
    try:
        r = ask(NOBODY)
    finally:
        for path, m in old:
            os.chmod(path, m)
    equal(r.stdout, b"", "another user, by who it is")
    check(b"PermissionError" not in r.stderr, "it did not even connect:", r)
    with open(a.log) as f:
        check("client_refused uid=%d" % NOBODY in f.read().replace(
            "event=", ""), "the log says so")
    a.cli("peers")


def test_home_of_another_user(w):
    if os.geteuid() != 0:
        return
    b, a = w.mesh("anna")
    a.stop()
    os.chown(a.dir, NOBODY, NOBODY)
    r = a.cli("peers", code=4)
    check("another user" in r.err, r)
    os.chown(a.dir, 0, 0)
    shutil.rmtree(a.dir)
