"""cases_launch.py - `claudemesh launch` with a stand-in for Claude Code that
writes down how it was called. (The real one: tests/claude.)"""
import json
import os
import signal
import time

from kit import BIN, Broker, Home, check

STANDIN = """#!/bin/sh
{ for a in "$@"; do printf '%s\\n' "$a"; done; } >"$HOME/argv"
env >"$HOME/env"
cp "$(sed -n '/^--mcp-config$/{n;p;q}' "$HOME/argv")" "$HOME/config"
"$BIN" session list --json >"$HOME/sessions" 2>&1
[ ! -f "$HOME/stay" ] || exec sleep 60
exit 7
"""


def standin(h):
    path = os.path.join(h.top, "claude")
    with open(path, "w") as f:
        f.write(STANDIN)
    os.chmod(path, 0o755)
    return {"CLAUDE_BIN": path, "BIN": BIN}


def read(h, name):
    with open(os.path.join(h.top, name)) as f:
        return f.read()


def argv(h):
    return read(h, "argv").splitlines()


def env_of(h):
    return dict(line.split("=", 1) for line in read(h, "env").splitlines()
                if "=" in line)


def after(words, flag):
    return words[words.index(flag) + 1]


def case_launch():
    with Broker() as broker, Home(broker.url) as h:
        env = standin(h)
        done = h("launch", CLAUDE_BIN="/nonexistent")
        check(done.code == 3 and "Claude Code is not here" in done.err,
              "no claude", done)
        check(h("launch", **env).code != 0, "no mesh")
        h.ok("mesh", "create", "work", "--name", "Ann")
        done = h("launch", "--name", "one", "--role", "lead", "--groups",
                 "dev:boss,ops", "--system-prompt", "be brief", "--", "-p",
                 "hello", "--mcp-config", "x.json",
                 "--dangerously-load-development-channels", "server:y",
                 "--model", "m", **env)
        check(done.code == 7, "claude's exit status", done)
        a = argv(h)
        conf = a.index("--mcp-config")
        check(a[:3] == ["--dangerously-load-development-channels",
                        "server:claudemesh", "server:y"] and
              a[conf + 2] == "x.json" and a[conf + 3] == "--session-id" and
              a.count("--mcp-config") == 1 and
              a[-6:] == ["--system-prompt", "be brief", "-p", "hello",
                         "--model", "m"] and
              "--dangerously-skip-permissions" not in a, "merged", a)
        ident = after(a, "--session-id")
        conf = json.loads(read(h, "config"))
        check(conf["mcpServers"]["claudemesh"] ==
              {"command": BIN, "args": ["mcp"]}, "server", conf)
        e = env_of(h)
        check(e["CLAUDEMESH_MESH"] == "work" and e["MCP_TIMEOUT"] == "30000" and
              e["CLAUDEMESH_MESSAGE_MODE"] == "push" and
              e["CLAUDEMESH_CONVERSATION"] == ident, "environment", e)
        rows = json.loads(read(h, "sessions"))["sessions"]
        mine = [s for s in rows if s["name"] == "one"]
        check(len(mine) == 1 and mine[0]["session"] == e["CLAUDEMESH_SESSION"],
              "a session of its own", rows)
        left = os.listdir(os.path.join(h.dir, "sessions"))
        check(left == [ident], "nothing of the run is left", left)
        resumed(h, env, ident, mine[0])
        usage(h, env)
        crashed(h, env)


def resumed(h, env, ident, was):
    h("launch", "--resume", ident, "-y", "--message-mode", "off", **env)
    a = argv(h)
    now = [s for s in json.loads(read(h, "sessions"))["sessions"]
           if s["name"] == "one"]
    check(after(a, "--resume") == ident and "--session-id" not in a and
          "--dangerously-skip-permissions" in a and
          "--dangerously-load-development-channels" not in a, "resumed", a)
    check(len(now) == 1 and now[0]["key"] == was["key"] and
          now[0]["session"] == was["session"], "the same peer", now, was)
    slug = "".join(c if c.isalnum() else "-" for c in os.getcwd())
    place = os.path.join(h.top, ".claude", "projects", slug)
    os.makedirs(place)
    open(os.path.join(place, ident + ".jsonl"), "w").close()
    h("launch", "--continue", **env)
    check(after(argv(h), "--resume") == ident, "continued", argv(h))


def usage(h, env):
    for words in (("--resume", "x"), ("--resume", "x", "--continue"),
                  ("--message-mode", "loud"), ("--name", "a\nb"),
                  ("--groups", ":"), ("--", "--resume", "x"), ("--", "-c"),
                  ("--system-prompt", "a", "--", "--system-prompt", "b")):
        done = h("launch", *words, **env)
        check(done.code == 2, "usage: " + " ".join(words), done)
    h.ok("mesh", "create", "other", "--name", "Ann")
    done = h("launch", **env)
    check(done.code == 2 and "say which by --mesh" in done.err,
          "no guess without a terminal", done)


def crashed(h, env):
    """kill -9 of both: the folder goes at the next launch, the peer comes back."""
    open(os.path.join(h.top, "stay"), "w").close()
    for _ in range(2):  # a second one of that name beside it: name-2
        os.path.exists(os.path.join(h.top, "sessions")) and os.unlink(
            os.path.join(h.top, "sessions"))
        p = h.start("launch", "--mesh", "work", **env)
        for _ in range(400):
            try:
                rows = json.loads(read(h, "sessions"))["sessions"]
                break
            except (OSError, ValueError):
                time.sleep(0.05)
    open_now = [s for s in rows if not s["home"] and s["state"] != "ended"]
    names = sorted(s["name"] for s in open_now)
    check(len(names) == 2 and names[1] == names[0] + "-2", "unique", rows)
    for s in open_now:
        os.kill(s["pid"], signal.SIGKILL)
    for p in h.procs:
        p.kill()
        p.wait()
    top = os.path.join(h.dir, "sessions")
    # Those who let claude go removed their folders or were killed before it.
    os.unlink(os.path.join(h.top, "stay"))
    os.makedirs(os.path.join(top, "run-abcdef"), exist_ok=True)
    h("launch", "--mesh", "work", "--name", "last", **env)
    check(not [n for n in os.listdir(top) if n.startswith("run-")],
          "swept", os.listdir(top))


def case_launch_asks():
    with Broker() as broker, Home(broker.url) as h:
        env = standin(h)
        h.ok("mesh", "create", "work", "--name", "Ann")
        env["TYPED"] = ""
        done = h.tty("launch", "--name", "x", "--role", "r", "--groups", "g",
                     "--message-mode", "push", answers=[("no]: ", "yes\n")], **env)
        check("Autonomous mode" in done.out and "Name [" not in done.out and
              "--dangerously-skip-permissions" in argv(h), "consent", done)
        done = h.tty("launch", answers=[
            ("Name [", "asked\n"), ("Role [", "\n"), ("Groups", "ops:chief\n"),
            ("Messages (", "inbox\n"), ("no]: ", "\n")], **env)
        check("--dangerously-skip-permissions" not in argv(h) and
              env_of(h)["CLAUDEMESH_MESSAGE_MODE"] == "inbox", "asked", done)
        check('"name":"asked"' in read(h, "sessions").replace(" ", ""),
              "its name", read(h, "sessions"))


def case_url_launches():
    with Broker() as broker, Home(broker.url) as ann, Home(broker.url) as bob:
        env = standin(bob)
        ann.ok("mesh", "create", "work", "--name", "Ann")
        url = ann.ok("invite", "create", "-q").out.strip()
        done = bob.tty(url, "--name", "Bob", "-y", answers=[
            ("[y/N]", "y\n"), ("Name [", "\n"), ("Role [", "\n"),
            ("Groups", "\n"), ("Messages (", "\n"), ("no]: ", "\n")], **env)
        check(done.code == 7 and "you are Bob in work" in done.out and
              env_of(bob)["CLAUDEMESH_MESH"] == "work" and
              "--dangerously-skip-permissions" not in argv(bob),
              "joined and launched; the link's words give no consent", done)
