"""cases_fake.py - the other end is ours: what people see of hostile names,
of every error, of receipts, of a daemon that renews itself or says nothing."""
import json
import time

from fake import Fake, error
from kit import Home, check

KEY, KEY2 = "ab" * 32, "cd" * 32
ESC = "\x1b[31mred\x1b]0;title\x07"
BIDI = "a\u202eb\u200bc\u009bd"


def peer(**more):
    return {"name": "Bob", "key": KEY, "member": "bob", "member_key": KEY2,
            "status": "idle", "online": True, "you": False, "mesh": "home",
            **more}


def peers(*list):
    return {"local_peer_list": {"type": "local_peers", "peers": list}}


def sent(*receipts):
    return {"local_send": {
        "type": "local_sent", "id": "m1", "mesh": "home", "recipients": [
            {"name": f"p{i}", "key": KEY, "receipt": r.split(":")[0],
             **({"reason": r.split(":")[1]} if ":" in r else {})}
            for i, r in enumerate(receipts)]}}


def message(**more):
    return {"id": "m1", "from": "Bob", "from_key": KEY, "from_member": KEY2,
            "to": "ann", "mesh": "home", "text": "hello", "priority": "next",
            "encrypted": True, "verified": True, "receipt": "delivered",
            "sent_at": "2026-01-01T00:00:00.000Z",
            "received_at": "2026-01-01T00:00:00.000Z", **more}


def page(*list):
    return {"local_inbox": {"type": "local_inbox_page", "cursor": 7,
                            "messages": list}}


def clean(text):
    return not any(ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160 or
                   c in "\u202e\u200b" for c in text)


def case_exit_codes():
    for code, want in [("no_peer", 3), ("ambiguous", 5), ("forbidden", 4),
                       ("timed_out", 7), ("unreachable", 6), ("bad_field", 2),
                       ("rate_limited", 1), ("unavailable", 6)]:
        with Home() as h, Fake(h, {"local_peer_list": error(
                code, "because " + ESC)}):
            done = h("peers")
            check(done.code == want, f"exit of {code}", done)
            check("because " in done.err and clean(done.err), "said", done)
            done = h("peers", "--json")
            e = json.loads(done.err)["error"]
            check(done.code == want and e["code"] == code, "json", done)


def case_ambiguous_lists_all():
    names = "; ".join(f"Bob ({i:08x}, bob, host{i})" for i in range(14))
    with Home() as h, Fake(h, {"local_send": error("ambiguous", names)}):
        done = h("send", "Bob", "x")
        check(names in done.err and done.code == 5, "candidates", done)


def case_hostile_text():
    with Home() as h, Fake(h, {
            **peers(peer(name=BIDI, summary=ESC, role=ESC, hostname=ESC)),
            **page(message(text=ESC + "\nfrom: me\r\n" + BIDI,
                           **{"from": ESC}))}):
        for words in (["peers"], ["peers", "--json"], ["peer", "show", "x"],
                      ["peers", "--template", "{{#peers}}{{summary}}{{/peers}}"],
                      ["peers", "--output-format", "stream-json"],
                      ["inbox"], ["inbox", "--json"]):
            done = h.ok(*words)
            check(clean(done.out) and clean(done.err), "raw", words, done)
            done = h.tty(*words, NO_COLOR="1")
            check(clean(done.out), "raw on a terminal", words, done)
        check(h("peers", "--json").doc["peers"][0]["name"] == BIDI, "json")
        body = h("inbox").out.split("\n", 1)[1]
        check(all(l.startswith("  ") for l in body.split("\n") if l),
              "text is indented", body)


def case_tables():
    with Home() as h, Fake(h, peers(peer(groups=[
            {"name": "rev", "role": "lead"}]), peer(name="Zo\u00eb"))):
        done = h("peers")
        check(done.out.split("\n")[0].split("\t")[:3] ==
              ["Bob", "yes", "idle"], "tabs in a pipe", done)
        check("rev:lead" in done.out, "groups", done)
        done = h.tty("peers")
        check("NAME" in done.out and "\x1b[1m" in done.out, "table", done)
        done = h.tty("peers", NO_COLOR="1")
        check("NAME" in done.out and "\x1b" not in done.out, "NO_COLOR", done)
        done = h.tty("peers", TERM="dumb")
        check("\x1b" not in done.out, "dumb", done)


def case_json_forms():
    with Home() as h, Fake(h, {**peers(peer(), peer(name="Al")),
                               **sent("stored")}) as fake:
        doc = h("peers", "--json", "name,status").doc
        check(doc == {"schema_version": "1.0", "peers": [
            {"name": "Bob", "status": "idle"},
            {"name": "Al", "status": "idle"}]}, "fields", doc)
        check(h("--json", "peers").doc["peers"][0]["groups"] == [],
              "every field is there")
        lines = h("peers", "--output-format", "stream-json").out.splitlines()
        check([json.loads(x)["name"] for x in lines] == ["Bob", "Al"], "stream")
        check(h("peers", "--jq", ".peers[].name").out == "Bob\nAl\n", "jq")
        check(h("peers", "--template", "{{#peers}}{{name}},{{/peers}}").out
              == "Bob,Al,\n", "template")
        done = h("peers", "--template", "{{#peers}}")
        check(done.code == 2, "a section that is open", done)
        h.ok("send", "--json", "name", "x")
        check(fake.of("local_send")[-1]["to"] == ["name"],
              "a word after --json that is needed as an argument")


def case_send_words():
    with Home() as h, Fake(h, sent("stored")) as fake:
        last = lambda: fake.of("local_send")[-1]
        h.ok("send", "a", "b", "@rev", "text", "--priority", "now",
             "--reply-to", "m0", "--expects", "reply", "--mesh", "w")
        m = last()
        check(m["to"] == ["a", "b", "@rev"] and m["text"] == "text" and
              m["priority"] == "now" and m["reply_to"] == "m0" and
              m["expects"] == "reply" and m["mesh"] == "w", "all", m)
        h.ok("send", "a", "-", stdin="two\nlines\n")
        check(last()["text"] == "two\nlines", "from stdin", last())
        h.ok("send", "a", "--", "-v")
        check(last()["text"] == "-v", "after --", last())
        h.ok("send", "a", "x", CLAUDEMESH_MESH="m2", CLAUDEMESH_SESSION="s9")
        check(last()["mesh"] == "m2" and last()["_session"] == "s9", "env")
        h.ok("send", "a,b", "x")
        check(last()["to"] == ["a,b"], "names are not split")
        h("send", "a", "x", "--wait=delivered", "--timeout", "2m")
        check(last()["wait_ms"] == 120000, "timeout", last())
        check(h("send", "a", "\xff").code == 0, "UTF-8")


def case_receipts():
    for receipts, words, want in [
            (["stored"], [], 0), (["queued:broker unreachable"], [], 0),
            (["refused:no such group"], [], 1), (["stored", "failed"], [], 1),
            (["held:dnd"], [], 0),
            (["stored"], ["--wait", "delivered"], 7),
            (["answered"], ["--wait", "delivered"], 0),
            (["delivered", "queued"], ["--wait", "delivered"], 7),
            (["held:dnd"], ["--wait", "delivered"], 7)]:
        with Home() as h, Fake(h, sent(*receipts)):
            done = h("send", "x", "y", *words)
            check(done.code == want, "exit", receipts, words, done)
            for i, r in enumerate(receipts):
                check(f"p{i}: {r.replace(':', ': ')}\n" in done.out, "shown",
                      receipts, done)


def case_inbox_words():
    with Home() as h, Fake(h, page(message(verified=False, encrypted=False,
                                           priority="now"))) as fake:
        out = h.ok("inbox").out
        check(out.startswith("NOT VERIFIED: Bob -> ann") and
              "not encrypted" in out and "now" in out, "head", out)
        check("read" not in fake.of("local_inbox")[-1], "not marked")
        h.ok("inbox", "--read", "--wait", "5", "--limit", "3", "--all")
        m = fake.of("local_inbox")[-1]
        check(m["read"] is True and m["wait_ms"] == 5000 and m["limit"] == 3 and
              m["all"] is True, "flags", m)
        h.ok("daemon", "inbox")
        m = fake.of("local_inbox")[-1]
        check(m["all"] is True and "read" not in m, "daemon inbox", m)


def case_renewing():
    with Home() as h, Fake(h, peers(), welcome=lambda n: {
            "renewing": n == 1}) as fake:
        h.ok("peers")
        check(fake.hellos == 2, "connected again", fake.hellos)
        hi = fake.of("local_hello")[0]
        check(hi["build"] > 0 and hi["exe"].startswith("/"), "hello", hi)


def case_daemon_vanishes():
    with Home() as h, Fake(h, {"local_peer_list": lambda m: None}):
        done = h("peers")
        check(done.code == 6 and "closed the connection" in done.err, "gone",
              done)


def case_asks():
    with Home() as h, Fake(h, {"local_mesh_delete": {"type": "ok"}}) as fake:
        done = h.tty("mesh", "delete", "work", type="n\n")
        check(done.code == 4 and fake.of("local_mesh_delete") == [], "no", done)
        check("Erase mesh work" in done.out, "the question", done)
        done = h.tty("mesh", "delete", "work", type="y\n")
        check(done.code == 0 and fake.of("local_mesh_delete")[0]["mesh"] ==
              "work", "yes", done)
        h.ok("mesh", "delete", "-y", "other")
        check(fake.of("local_mesh_delete")[1]["mesh"] == "other", "-y")
        check(h("mesh", "delete", "x", "-y", "--json").doc["ok"] is True, "doc")


URL = "https://example.test/i/abc#secret"
VIEW = {"local_mesh_look": {
    "type": "local_mesh_view", "id": "m" * 32, "name": "work",
    "broker": "wss://example.test/ws", "inviter": "Ann" + ESC, "role": "member",
    "members": 3, "expires_at": "2030-01-01T00:00:00.000Z"},
    "local_mesh_join": {
        "type": "local_mesh", "mesh": {
            "id": "m" * 32, "slug": "work", "name": "work",
            "broker": "wss://example.test/ws", "owner": KEY},
        "member": {"id": KEY, "name": "ann"}}}


def case_join():
    with Home() as h, Fake(h, VIEW) as fake:
        done = h("join", URL)
        check(done.code == 4 and fake.of("local_mesh_join") == [], "asks", done)
        check("invited by Ann" in done.err and clean(done.err), "view", done)
        h.ok("join", URL, "-y", "--name", "Annie")
        check(fake.of("local_mesh_join")[-1]["name"] == "Annie", "name")
        h.ok("join", "-", "-y", stdin=f"  {URL}\n")
        check(fake.of("local_mesh_join")[-1]["url"] == URL, "stdin")
        n = len(fake.of("local_mesh_join"))
        for url in URL, "ic://join/abc", "claudemesh://h/i/c#s":
            done = h(url, "-y")
            check(done.code == 4, "the URL handler always asks", done)
        check(len(fake.of("local_mesh_join")) == n, "and does not join")
        done = h.tty(URL, "-y", type="y\n", CLAUDE_BIN="/nowhere")
        check("you are ann in work" in done.out, "joins on a terminal", done)
        check(done.code == 3 and "Claude Code is not here" in done.out,
              "and says that there is nothing to launch", done)


def case_share():
    with Home() as h, Fake(h, {"local_invite_create": {
            "type": "local_invite", "url": URL, "code": "abc",
            "role": "member", "expires_at": "2030-01-01T00:00:00.000Z",
            "uses": 2}}) as fake:
        done = h.ok("share", "--expires", "7d", "--uses", "2")
        check(done.out == URL + "\n", "only the link in a pipe", done)
        m = fake.of("local_invite_create")[-1]
        check(m["expires_ms"] == 7 * 86400000 and m["uses"] == 2, "words", m)
        check("\u2588" in h("share", "--qr").out, "--qr")
        check("\u2588" in h.tty("share").out, "on a terminal")
        check("\u2588" not in h.tty("invite").out, "invite has no code")
        check(h("invite", "create", "--json", "url").doc["url"] == URL, "json")


def case_slow_start_is_bounded():
    with Home() as h, Fake(h, {"local_message_status": lambda m: {
            **sent("delivered")["local_send"], "sleep": 0.3}}):
        at = time.time()
        done = h.ok("message", "wait", "m1111")
        check(time.time() - at < 5, "waits for the answer only", done)
