"""kit.py - homes, runs of the program, and the count of what held."""
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import traceback

BIN = os.path.abspath(os.environ.get("CLAUDEMESH_BIN", "build/claudemesh"))
passed = failed = 0


def check(held, what, *more):
    global passed, failed
    if held:
        passed += 1
    else:
        failed += 1
        frame = traceback.extract_stack()[-2]
        print(f"FAIL {os.path.basename(frame.filename)}:{frame.lineno}: {what}",
              *[repr(m)[:600] for m in more], flush=True)
    return held


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code} out {self.out!r} err {self.err!r}"

    @property
    def doc(self):
        return json.loads(self.out)


def free_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return port


class Home:
    """A home in a folder of its own. The broker's port is a free one."""

    def __init__(self, broker=None):
        self.top = tempfile.mkdtemp(prefix="cmcli")
        self.dir = os.path.join(self.top, "h")
        self.broker = broker
        self.procs = []

    def env(self, **more):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("CLAUDEMESH_") or k == "CLAUDEMESH_WIRE_SEEN"}
        env.update(CLAUDEMESH_HOME=self.dir, USER="ann", TERM="xterm",
                   HOME=self.top)
        env.pop("NO_COLOR", None)
        if self.broker:
            env["CLAUDEMESH_BROKER"] = self.broker
        env.update(more)
        return env

    def __call__(self, *args, stdin="", timeout=30, **env):
        p = subprocess.run([BIN, *args], input=stdin.encode(),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=self.env(**env), timeout=timeout)
        return Done(p.returncode, p.stdout.decode("utf-8", "replace"),
                    p.stderr.decode("utf-8", "replace"))

    def ok(self, *args, **kw):
        done = self(*args, **kw)
        check(done.code == 0, "exit 0 of " + " ".join(args), done)
        return done

    def start(self, *args, **env):
        p = subprocess.Popen([BIN, *args], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=self.env(**env))
        self.procs.append(p)
        return p

    def tty(self, *args, type="", answers=(), timeout=20, **env):
        """Run on a terminal, type what is given; all that was shown. answers:
        what to wait for and what to type then, one after the other."""
        answers, seen = list(answers), 0
        pid, fd = pty.fork()
        if pid == 0:
            try:
                os.execve(BIN, [BIN, *args], self.env(**env))
            finally:
                os._exit(127)
        out, typed, end = b"", False, time.time() + timeout
        while time.time() < end:
            ready, _, _ = select.select([fd], [], [], 0.2)
            if ready:
                try:
                    more = os.read(fd, 65536)
                except OSError:
                    break
                if not more:
                    break
                out += more
            if answers and answers[0][0].encode() in out[seen:]:
                seen = len(out)
                os.write(fd, answers.pop(0)[1].encode())
            if type and not typed and b"[y/N]" in out:
                os.write(fd, type.encode())
                typed = True
        else:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        return Done(os.waitstatus_to_exitcode(status),
                    out.decode("utf-8", "replace").replace("\r\n", "\n"), "")

    def pids(self):
        """Processes that carry this home in their environment."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                with open(f"/proc/{name}/environ", "rb") as f:
                    env = f.read()
                with open(f"/proc/{name}/stat") as f:
                    dead = f.read().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                continue
            if f"CLAUDEMESH_HOME={self.dir}\0".encode() in env and not dead:
                found.append(int(name))
        return found

    def close(self):
        for p in self.procs:
            if p.poll() is None:
                p.terminate()
        end = time.time() + 5
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGTERM)
            except OSError:
                pass
        while self.pids() and time.time() < end:
            time.sleep(0.05)
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        for p in self.procs:
            try:
                p.communicate(timeout=5)
            except (subprocess.TimeoutExpired, ValueError):
                p.kill()
        shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Broker:
    """A broker on a free port, its data in a folder of its own."""

    def __init__(self):
        self.home = Home()
        os.mkdir(self.home.dir, 0o700)
        data = os.path.join(self.home.dir, "broker")
        self.home.start("broker", "run", "--listen", "127.0.0.1:0", "--data",
                        data, "--log", os.path.join(self.home.dir, "log"))
        addr = os.path.join(data, "broker.addr")
        end = time.time() + 10
        while not os.path.exists(addr) and time.time() < end:
            time.sleep(0.02)
        with open(addr) as f:
            self.addr = f.read().strip()
        self.url = f"ws://{self.addr}/ws"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.home.close()


def run(only, *modules):
    global failed
    if not os.access(BIN, os.X_OK):
        print(f"there is no program {BIN}\n0 passed, 1 failed")
        return 1
    for module in modules:
        for name, case in list(vars(module).items()):
            if not name.startswith("case_") or (only and name[5:] not in only):
                continue
            try:
                case()
            except Exception:
                failed += 1
                print(f"FAIL {name}:", traceback.format_exc(), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
