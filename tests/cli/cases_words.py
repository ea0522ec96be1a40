"""cases_words.py - words, flags, help: what needs no daemon."""
import os
import re
import subprocess

from kit import Home, check, BIN


def nouns(home):
    """Nouns with verbs, and the commands, as the help tells them."""
    text = home("help").out
    part = lambda head: re.findall(r"^  (\S+)", text.split(f"\n{head}:\n")[1]
                                   .split("\n\n")[0], re.M)
    return part("nouns"), part("commands"), part("short for")


def verbs(home, noun):
    text = home(noun, "--help").out
    return re.findall(r"^  (\S+)", text.split("\nverbs:\n")[1]
                      .split("\n\n")[0], re.M)


def case_help_of_everything():
    with Home() as h:
        names, singles, short = nouns(h)
        check(len(names) >= 9 and len(singles) >= 8, "nouns in the help",
              names, singles)
        for noun in names:
            known = verbs(h, noun)
            check(len(known) > 0, "verbs of " + noun)
            for verb in known:
                done = h.ok(noun, verb, "--help")
                check(done.out.startswith(f"usage: claudemesh {noun} {verb}"),
                      "help of", noun, verb)
                check(len(done.out.split("\n\n")[1]) > 8, "doc of", noun, verb)
                check(max(map(len, done.out.split("\n"))) <= 80, "80 columns",
                      noun, verb)
        for single in singles + short:
            done = h.ok(single, "--help")
            check(done.out.startswith("usage: claudemesh "), "help", single)
        check(h("--help").out == h("help").out, "help and --help")
        check(h().code == 0, "no words at all")
        check(not os.path.exists(h.dir), "help makes no home")


def case_usage():
    with Home() as h:
        for words, hint in [
                (["statuss"], "claudemesh status"),
                (["peer", "lsit"], "peer list"),
                (["peers", "--grup", "x"], "--group"),
                (["peers", "--jsno"], "--json"),
                (["send", "bob"], "message send --help"),
                (["send", "bob", "-x"], "after --"),
                (["peers", "extra"], "peer list --help"),
                (["send", "bob", "x", "--timeout", "soon"], "send --help"),
                (["send", "bob", "x", "--wait", "deliverd"], "delivered"),
                (["message"], "message --help"),
                (["inbox", "--limit", "ten"], "inbox --help"),
                (["inbox", "--limit"], "inbox --help"),
                (["peers", "--all=yes"], "peer list --help"),
                (["peers", "--json=nmae"], "peer list --help"),
                (["peers", "--output-format", "xml"], "peer list"),
                (["completions", "tcsh"], "completions"),
                (["broker", "run", "--create", "all"], "broker run --help"),
                (["session", "run"], "session run --help"),
                (["protocol", "--format", "pdf"], "protocol --help")]:
            done = h(*words)
            check(done.code == 2, "exit 2 of " + " ".join(words), done)
            check(done.err.startswith(("claudemesh: ", "{")) and
                  done.out == "", "error on stderr", done)
            check(hint in done.err, "hint " + hint, done)
        done = h("send", "bob", "x" * 70000)
        check(done.code == 2 and "text" in done.err, "too long", done)
        done = h("mesh", "create", "n" * 65)
        check(done.code == 2 and "64" in done.err, "the limit named", done)
        done = h("peers", "--bogus", "--json")
        check(done.code == 2, "usage with --json")
        check(not os.path.exists(h.dir), "usage errors make no home")


def case_json_errors():
    with Home() as h:
        import json
        done = h("--json", "peers", "one", "two")
        e = json.loads(done.err)
        check(e["schema_version"] == "1.0" and e["error"]["code"] == "usage",
              "an error is a document", done)
        check(done.out == "" and done.code == 2, "nothing on stdout", done)


def case_version():
    with Home() as h:
        check(re.fullmatch(r"claudemesh \d+\.\d+\.\d+\n", h("--version").out),
              "--version")
        doc = h("version", "--json").doc
        check(list(doc)[0] == "schema_version" and doc["build"] > 0, "json")
        check("build" not in h("version", "--json", "version").doc, "fields")
        check(h("version", "--template", "v{{version}}").out.startswith("v0."),
              "template")
        check(h("version", "--jq", ".schema_version").out == "1.0\n", "jq")


def case_jq_missing():
    with Home() as h:
        done = h("version", "--jq", ".", PATH="/nonexistent")
        check(done.code == 2 and "not installed" in done.err, "no jq", done)
        done = h("version", "--jq", ".[")
        check(done.code == 2, "a bad filter", done)


def case_protocol():
    with Home() as h:
        rows = h("protocol", "--rows").out.split()
        check("local_send" in rows and len(rows) > 80, "rows")
        check("local_send" in h("protocol").out, "markdown")
        import json
        check(isinstance(json.loads(
            h("protocol", "--format", "json-schema").out), dict), "schema")
        check("interface" in h("protocol", "--format", "typescript").out
              or "type" in h("protocol", "--format", "typescript").out, "ts")


def case_completions():
    with Home() as h:
        for shell in "bash", "zsh", "fish":
            out = h.ok("completions", shell).out
            check("profile" in out and "reply-to" in out, shell)
        script = h("completions", "bash").out + (
            'COMP_WORDS=(claudemesh peer "li"); COMP_CWORD=2; _claudemesh;'
            'echo "${COMPREPLY[@]}";'
            'COMP_WORDS=(claudemesh send "--pri"); COMP_CWORD=2; _claudemesh;'
            'echo "${COMPREPLY[@]}";'
            'COMP_WORDS=(claudemesh "statu"); COMP_CWORD=1; _claudemesh;'
            'echo "${COMPREPLY[@]}"')
        p = subprocess.run(["bash", "-c", script], capture_output=True,
                           text=True)
        check(p.stdout == "list\n--priority\nstatus\n", "bash", p)


def case_refused_without_terminal():
    with Home() as h:
        for words in (["mesh", "delete", "x"], ["leave", "x"],
                      ["invite", "revoke", "x"], ["session", "revoke", "x"],
                      ["down", "--purge"]):
            done = h(*words)
            check(done.code == 4 and "-y" in done.err, "refused", words, done)
        check(not os.path.exists(h.dir), "nothing was started")


def case_modes():
    with Home() as h:
        os.mkdir(h.dir, 0o755)
        for words in ["peers"], ["up"], ["daemon", "run"], ["daemon", "up"]:
            done = h(*words)
            check(done.code == 4 and f"chmod 700 {h.dir}" in done.err,
                  "wrong mode of the home", words, done)
        done = h("doctor")
        check(done.code == 1 and "chmod 700" in done.out, "doctor", done)
        os.chmod(h.dir, 0o700)
        key = os.path.join(h.dir, "account.key")
        with open(key, "w") as f:
            f.write("00" * 32 + "\n")
        os.chmod(key, 0o644)
        done = h("peers")
        check(done.code == 4 and f"chmod 600 {key}" in done.err,
              "wrong mode of the key", done)
        check(h.pids() == [], "nothing was started")


def case_doctor_of_nothing():
    with Home() as h:
        doc = h("doctor", "--json").doc
        check(doc["ok"] is False and doc["checks"][0]["fix"] == "claudemesh up",
              "doctor", doc)
        check(set(doc["checks"][0]) == {"name", "ok", "detail", "fix"}, "shape")
        check(h("status").code == 1, "status")
        check(h("daemon", "status").code == 6, "daemon status")
        check(h("down").code == 0, "down of nothing")
        check(not os.path.exists(h.dir), "looking makes nothing")


def case_header():
    """The public header in C99 and in C++."""
    include = os.path.join(os.path.dirname(__file__), "..", "..", "include")
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
             "-I", include, "-"]
    for language in ["-std=c99", "-xc"], ["-std=c++11", "-xc++"]:
        p = subprocess.run(["clang", *language, *flags], text=True,
                           input="#include <claudemesh.h>\nint main(void)"
                           "{ return cm_version() == 0; }\n",
                           capture_output=True)
        check(p.returncode == 0, language, p.stderr)


def case_starts_fast():
    import time
    with Home() as h:
        times = []
        for _ in range(20):
            at = time.perf_counter()
            subprocess.run([BIN, "--version"], stdout=subprocess.DEVNULL,
                           env=h.env())
            times.append(time.perf_counter() - at)
        check(sorted(times)[10] < 0.1, "--version takes", sorted(times)[10])
