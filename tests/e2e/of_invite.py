"""Invites: spoilt, expired, used up, revoked, unknown; twice; the last use."""
import string

from mesh import check, equal, until


def members(h):
    return [m["name"] for m in h.json("member", "list")["members"]]


def test_spoilt(w):
    """Whichever character is changed, nobody gets in."""
    b, a = w.mesh("anna")
    doc = a.json("invite", "create")
    url = doc["url"]
    h = w.home("eve")
    abc = string.ascii_letters + string.digits + "-_"
    at = url.index("/i/") + 3
    with h.local() as l:
        for i in range(at, len(url)):
            other = abc[(abc.find(url[i]) + 7) % len(abc)]
            if url[i] == "#" or other == url[i]:
                other = "x"
            bad = url[:i] + other + url[i + 1:]
            for kind in ("local_mesh_look", "local_mesh_join"):
                l.put(kind, url=bad, name="eve")
                code = l.get().get("code")
                check(code in ("link_spoiled", "invite_unknown", "bad_field"),
                      "character %d of %s: %s" % (i, bad, code))
    for bad in (url[:-1], url + "a", url.split("#")[0], url[at:], "", "ic://x",
                "http://127.0.0.1:1/i/" + url[at:]):
        r = h.cli("join", bad, "--name", "eve", "-y", code=None)
        check(r.code in (2, 3, 6), r)
        check(url[-40:] not in r.err, "the error shows the secret")
    equal(members(a), ["anna"], "members")
    h.json("join", url, "--name", "eve", "-y")		# the right one is good


def test_other_spellings(w):
    b, a = w.mesh("anna")
    for i, form in enumerate(("web", "app", "self")):
        url = a.invite(*(["--self-contained"] if form == "self" else []))
        if form == "app":
            head, secret = url.split("#")
            url = "claudemesh" + head[4:] + "?tls=0#" + secret
        check(url.startswith("ic://") == (form == "self"), url)
        w.home(form).json("join", " %s\n" % url, "--name", form, "-y")
    equal(sorted(members(a)), ["anna", "app", "self", "web"], "members")


def test_expired(w):
    b, a = w.mesh("anna")
    url = a.invite("--expires", "1s")
    h = w.home("late")
    until(lambda: a.json("invite", "list")["invites"][0]["state"] == "expired",
          5, "expiry")
    r = h.cli("join", url, "--name", "late", "-y", code=4)
    check("expired" in r.err, r)
    equal(members(a), ["anna"], "members")


def test_used_up(w):
    b, a = w.mesh("anna")
    url = a.invite("--uses", "2")
    w.home("h1").json("join", url, "--name", "one", "-y")
    w.home("h2").json("join", url, "--name", "two", "-y")
    equal(a.json("invite", "list")["invites"][0]["state"], "used", "state")
    w.home("h3").cli("join", url, "--name", "three", "-y", code=4)
    equal(members(a), ["anna", "one", "two"], "members")


def test_revoked(w):
    b, a, c = w.mesh("anna", "carl")
    doc = a.json("invite", "create")
    c.cli("invite", "revoke", doc["code"], "-y", code=4)	# no admin
    a.cli("invite", "revoke", doc["code"], "-y")
    h = w.home("late")
    r = h.cli("join", doc["url"], "--name", "late", "-y", code=4)
    check("revoked" in r.err, r)
    a.cli("invite", "revoke", doc["code"], "-y", code=5)
    a.cli("invite", "revoke", "aaaaaaaaaaaaaaaa", "-y", code=3)
    equal(members(a), ["anna", "carl"], "members")


def test_unknown_at_the_broker(w):
    """A good link, but of a mesh that this broker has never seen."""
    b, a = w.mesh("anna")
    url = a.invite()
    b.stop()
    other = w.broker("another", start=False)
    other.port = b.port
    other.start()
    r = w.home("lost").cli("join", url, "--name", "lost", "-y", code=3)
    check("invite" in r.err, r)


def test_only_admins_invite(w):
    b, a, c = w.mesh("anna", "carl")
    c.cli("invite", "create", code=4)
    url = a.invite("--role", "admin")
    d = w.home("dora")
    d.json("join", url, "--name", "dora", "-y")
    w.home("emil").json("join", d.invite(), "--name", "emil", "-y")
    d.cli("invite", "create", "--role", "admin", code=4)	# only the owner
    equal(members(a), ["anna", "carl", "dora", "emil"], "members")
    roles = [m["role"] for m in a.json("member", "list")["members"]]
    equal(roles, ["owner", "member", "admin", "member"], "roles")


def test_twice(w):
    b, a = w.mesh("anna")
    url = a.invite()
    h = w.home("carl")
    one = h.json("join", url, "--name", "carl", "-y")
    two = h.json("join", url, "--name", "carl", "-y")
    equal(one, two, "joining twice")
    h.restart()
    equal(h.json("join", url, "--name", "carl", "-y"), one, "after a restart")
    equal(members(a), ["anna", "carl"], "members")


def test_race_for_the_last_use(w):
    b, a = w.mesh("anna")
    homes = [w.home("r%d" % i) for i in range(3)]
    for _ in range(3):
        url = a.invite()
        before = len(members(a))
        ps = [h.popen("join", url, "--name", h.name, "-y") for h in homes]
        codes = []
        for p in ps:
            p.communicate(timeout=60)
            codes.append(p.returncode)
        equal(codes.count(0), 1, "winners of %s" % codes)
        equal(sorted(codes), [0] + [4] * (len(homes) - 1), "statuses")
        until(lambda: len(members(a)) == before + 1, 5, "one more member")
        del homes[codes.index(0)]
        if len(homes) < 2:
            break
    for h in homes:
        equal(h.json("mesh", "list")["meshes"], [], "a loser's meshes")


def test_link_as_the_first_word(w):
    """As the URL handler: it asks even with -y, and never launches."""
    b, a = w.mesh("anna")
    h = w.home("url")
    h.cli(a.invite(), "-y", code=4)
    equal(members(a), ["anna"], "members")
