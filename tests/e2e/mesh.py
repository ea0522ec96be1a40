"""mesh.py - brokers, homes and daemons for the end-to-end tests.

A World is one temporary folder and every process that was started in it. Only
the program itself is used (the command line, or lines on the daemon's socket);
what a test looks at besides are its files, its logs and /proc. When a world
ends, its processes must end as they should, and nothing in their logs may be
a sanitizer's word.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BIN = os.environ.get("CLAUDEMESH_BIN", "")
FULL = False		# set by run --full
SICK = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Assertion "
                  r"|UndefinedBehavior|not_reached|stack smashing")


class Failed(Exception):
    """What was expected is not so."""


def check(cond, *what):
    if not cond:
        raise Failed(" ".join(str(w) for w in what) or "not so")


def equal(have, want, what=""):
    if have != want:
        raise Failed("%s: %r, expected %r" % (what, have, want))


def until(cond, seconds=10, what="", pause=0.02):
    """Wait until cond() is true; its value."""
    end = time.monotonic() + seconds
    while True:
        value = cond()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("not within %s s: %s" % (
                seconds, what() if callable(what) else what))
        time.sleep(pause)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def gone(pid):
    """No such process, or one that nobody has buried yet."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def environment(**more):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("CLAUDEMESH_") or k == "CLAUDEMESH_WIRE_SEEN"}
    env["NO_COLOR"] = "1"
    env.update((k, v) for k, v in more.items() if v is not None)
    return env


class Result:
    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    def __str__(self):
        return "%s: status %s\n%s%s" % (" ".join(self.argv[1:]), self.code,
                                        self.out, self.err)

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise Failed("no JSON: %s" % self) from None


class World:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="e2e.")
        self.procs = []
        self.brokers, self.homes = [], []

    def broker(self, name="broker", *args, start=True):
        b = Broker(self, name, args)
        self.brokers.append(b)
        if start:
            b.start()
        return b

    def home(self, name, start=True):
        h = Home(self, name)
        self.homes.append(h)
        if start:
            h.start()
        return h

    def popen(self, argv, env, err, **more):
        with open(err, "ab") as f:
            p = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL,
                                 stdout=f, stderr=f, **more)
        self.procs.append(p)
        return p

    def mesh(self, *names, uses=None, **kw):
        """A broker and a mesh of these members, each with a daemon of its
        own; the first is the owner."""
        b = self.broker(**kw)
        owner = self.home(names[0])
        owner.mesh_id = owner.json("mesh", "create", "team", "--broker",
                                   b.url, "--name", names[0])["mesh"]["id"]
        homes = [owner]
        if len(names) > 1:
            url = owner.invite("--uses", str(uses or len(names) - 1))
        for name in names[1:]:
            h = self.home(name)
            h.json("join", url, "--name", name, "-y")
            homes.append(h)
        return [b] + homes

    def strays(self):
        """Processes of this world by their environment."""
        mine = self.dir.encode()
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) == os.getpid():
                continue
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    env = f.read()
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    cmd = f.read()
            except OSError:
                continue
            if cmd and (mine in env or mine in cmd):
                found.append(int(pid))
        return found

    def close(self, orderly):
        """Ends everything. orderly: it must end by itself, as it should."""
        wrong = []
        if orderly:
            try:
                for h in self.homes:
                    h.stop()
                for b in self.brokers:
                    b.stop()
            except (Failed, OSError) as e:
                wrong.append(str(e))
        for p in self.procs:
            if p.poll() is None:
                p.kill()
            p.wait()
        for pid in self.strays():
            wrong.append("process %d was still there" % pid)
            os.kill(pid, signal.SIGKILL)
        for path in self.logs():
            with open(path, errors="replace") as f:
                text = f.read()
            hit = SICK.search(text)
            if hit:
                wrong.append("%s: %s" % (path, text[hit.start():][:3000]))
        return wrong

    def logs(self):
        return [os.path.join(d, f) for d, _, files in os.walk(self.dir)
                for f in files if f.endswith((".log", ".err"))]

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def ended(p, what, seconds=15):
    """A process that was asked to end: its status must be 0."""
    try:
        code = p.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Failed("%s does not end" % what) from None
    check(code == 0, what, "ended with status", code)


def inner(p, wrap):
    """The process that a wrapper such as strace runs."""
    if not wrap:
        return p.pid
    with open("/proc/%d/task/%d/children" % (p.pid, p.pid)) as f:
        child = f.read().split()
    return int(child[0]) if child else p.pid	# it executed it in its place


def end(p, wrap, what):
    """Ask a process to end; it must do so in order."""
    if p is None or p.poll() is not None:
        return
    pid = inner(p, wrap)
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGTERM)
    ended(p, what)


class Broker:
    def __init__(self, world, name, args=()):
        self.world, self.args = world, list(args)
        self.data = os.path.join(world.dir, name)
        self.log = self.data + ".log"
        self.err = self.data + ".err"
        self.port = 0
        self.proc = None
        self.wrap = []		# strace and the like
        self.env = {}

    @property
    def url(self):
        return "ws://127.0.0.1:%d/ws" % self.port

    def argv(self):
        return self.wrap + [BIN, "broker", "run", "--listen",
                            "127.0.0.1:%d" % self.port, "--data", self.data,
                            "--log", self.log, "-v"] + self.args

    def start(self, wait=True):
        addr = os.path.join(self.data, "broker.addr")
        if os.path.exists(addr):
            os.unlink(addr)
        self.proc = self.world.popen(self.argv(), environment(
            HOME=self.world.dir, **self.env), self.err)
        if wait:
            self.wait_up()
        return self

    def wait_up(self):
        addr = os.path.join(self.data, "broker.addr")

        def there():
            check(self.proc.poll() is None, "the broker ended:",
                  open(self.err, errors="replace").read())
            return os.path.exists(addr)
        until(there, 20, "broker.addr")
        with open(addr) as f:
            self.port = int(f.read().rsplit(":", 1)[1])

    def pid(self):
        with open(os.path.join(self.data, "broker.pid")) as f:
            return int(f.read())

    def kill9(self):
        self.proc.kill()
        self.proc.wait()

    def signal(self, no):
        self.proc.send_signal(no)

    def stop(self):
        end(self.proc, self.wrap, "the broker")

    def read_log(self):
        with open(self.log, errors="replace") as f:
            return f.read()


class Home:
    def __init__(self, world, name):
        self.world, self.name = world, name
        self.dir = os.path.join(world.dir, name)
        self.log = os.path.join(self.dir, "daemon.log")
        self.err = self.dir + ".err"
        self.proc = None
        self.wrap = []
        self.session = None	# which one speaks
        self.extra = {}

    def env(self, session=None):
        return environment(CLAUDEMESH_HOME=self.dir, HOME=self.world.dir,
                           CLAUDEMESH_SESSION=session or self.session,
                           **self.extra)

    # the daemon

    def start(self, wait=True):
        self.proc = self.world.popen(self.wrap + [BIN, "daemon", "run", "-v"],
                                     self.env(), self.err)
        if wait:
            until(self.alive, 20, "the daemon's socket")
        return self

    def alive(self):
        check(self.proc is None or self.proc.poll() is None,
              "the daemon ended:", self.read_err())
        try:
            Local(self).close()
            return True
        except OSError:
            return False

    def read_err(self):
        text = ""
        for path in (self.err, self.log):
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    text += f.read()
        return text

    def kill9(self):
        self.proc.kill()
        self.proc.wait()

    def restart(self):
        self.kill9()
        return self.start()

    def stop(self):
        end(self.proc, self.wrap, "the daemon of " + self.name)

    # the command line

    def popen(self, *args, session=None, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        p = subprocess.Popen([BIN] + list(args), env=self.env(session),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, errors="replace", **more)
        self.world.procs.append(p)
        return p

    def cli(self, *args, code=0, input=None, session=None, timeout=60):
        """Runs a command; its status must be `code` (None: any)."""
        argv = [BIN] + list(args)
        p = subprocess.run(argv, env=self.env(session), text=True,
                           errors="replace", capture_output=True,
                           timeout=timeout, input=input or "")
        r = Result(argv, p.returncode, p.stdout, p.stderr)
        check(not SICK.search(r.err), r)
        if code is not None and r.code != code:
            raise Failed("status %d was expected of %s" % (code, r))
        return r

    def json(self, *args, **more):
        doc = self.cli(*args, "--json", **more).json()
        equal(doc.get("schema_version"), "1.0", "schema_version")
        return doc

    def invite(self, *args):
        return self.json("invite", "create", *args)["url"]

    def send(self, to, text, *args, **more):
        return self.json("send", to, text, *args, **more)

    def inbox(self, *args, **more):
        return self.json("inbox", *args, **more)["messages"]

    def peers(self, *args, **more):
        return self.json("peer", "list", *args, **more)["peers"]

    def peer(self, name, **more):
        found = [p for p in self.peers(**more) if p["name"] == name]
        return found[0] if found else None

    def local(self, session=None):
        return Local(self, session or self.session)

    def arrived(self, n, seconds=30, **fields):
        """All mail of this daemon, when there are at least n."""
        return until(lambda: self.local_all(n, **fields), seconds,
                     "%d messages at %s" % (n, self.name), 0.05)

    def local_all(self, n=0, **fields):
        got, after = [], 0
        with self.local() as l:
            while True:
                page = l.call("local_inbox", all=True, limit=1000,
                              after=after, **fields)
                if not page["messages"]:
                    return got if len(got) >= n else None
                got += page["messages"]
                after = page["cursor"]

    def up(self, seconds=20):
        """Wait until every link of the daemon is up."""
        def all_up():
            try:
                with self.local() as l:
                    state = l.call("local_status")
            except OSError:
                return False
            return all(m["state"] == "up" for m in state["meshes"])
        until(all_up, seconds, "link of %s up" % self.name)


class Refused(Exception):
    """The daemon answered with an error."""

    def __init__(self, frame):
        super().__init__("%s: %s" % (frame.get("code"), frame.get("message")))
        self.code = frame.get("code")


class Local:
    """Lines on the daemon's socket."""

    def __init__(self, home, session=None):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.session, self.n, self.buf = session, 0, b""
        try:
            self.sock.connect(os.path.join(home.dir, "daemon.sock"))
        except OSError:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def put(self, kind, **fields):
        self.n += 1
        frame = {"type": kind, "_reqId": str(self.n)}
        if self.session:
            frame["_session"] = self.session
        frame.update(fields)
        self.sock.sendall(json.dumps(frame).encode() + b"\n")
        return str(self.n)

    def get(self):
        while b"\n" not in self.buf:
            more = self.sock.recv(1 << 20)
            if not more:
                raise ConnectionError("the daemon closed the connection")
            self.buf += more
        line, self.buf = self.buf.split(b"\n", 1)
        return json.loads(line)

    def call(self, kind, **fields):
        want = self.put(kind, **fields)
        while True:
            frame = self.get()
            if frame.get("_reqId") == want:
                break
        if frame["type"] == "error":
            raise Refused(frame)
        return frame
