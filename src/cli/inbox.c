/*
 * inbox.c - messages for people to read. A message's own lines are indented and
 * its head is not, so no text can pass for the head of another message; what
 * was not proven is said before the name.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/inbox.h"

static void
indented(struct cli *c, const char *text)
{
	struct buf b;
	const char *s;
	size_t n;

	buf_init(&b, 1 << 20);
	safe_add(&b, text, true);
	for (s = buf_str(&b);; s += n + 1) {
		n = strcspn(s, "\n");
		printf("  %.*s\n", (int)n, s);
		if (s[n] == '\0')
			break;
	}
	buf_fini(&b);
	(void)c;
}

static void
head(struct cli *c, const struct inbox_row *m)
{
	const char *bold = c->color ? "\033[1m" : "";
	const char *plain = c->color ? "\033[0m" : "";
	bool tty = c->tty_out;
	const char *age;

	c->tty_out = true;
	age = show_age(c, m->sent_at != 0 ? m->sent_at : m->received_at);
	c->tty_out = tty;
	printf("%s%s%s%s -> %s  %s  %s  %s%s%s%s\n", bold,
	    m->verified ? "" : "NOT VERIFIED: ",
	    *m->from == '\0' ? "(unknown)" : safe(c, m->from), plain,
	    *m->to == '\0' ? "you" : safe(c, m->to), safe(c, m->mesh), age,
	    m->verified ? "verified" : "not verified",
	    m->encrypted ? "" : ", not encrypted",
	    strcmp(m->priority, "next") == 0 ? "" : ", ",
	    strcmp(m->priority, "next") == 0 ? "" : safe(c, m->priority));
}

static void
details(struct cli *c, const struct inbox_row *m)
{
	printf("  id %s", safe(c, m->id));
	if (*m->reply_to != '\0')
		printf(", answers %s", safe(c, m->reply_to));
	if (strcmp(m->expects, "reply") == 0)
		printf(", expects an answer");
	if (strcmp(m->receipt, "delivered") != 0)
		printf(", %s", safe(c, m->receipt));
	putchar('\n');
}

void
inbox_show(struct cli *c, const void *reply)
{
	const struct local_inbox_page *r = reply;
	const struct inbox_row *m;
	size_t i;

	if (r->gap)
		fprintf(stderr,
		    "mail may be missing before these: a broker says "
		    "so\n");
	if (r->messages.n == 0 && !c->quiet)
		fprintf(stderr, "nothing unread (cursor %lld)\n",
		    (long long)r->cursor);
	for (i = 0; i < r->messages.n; i++) {
		m = &r->messages.v[i];
		head(c, m);
		details(c, m);
		if (*m->problem != '\0')
			printf("  [cannot be shown: %s]\n",
			    safe(c, m->problem));
		else
			indented(c, m->text);
		if (i + 1 < r->messages.n)
			putchar('\n');
	}
}
