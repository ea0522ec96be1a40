/*
 * answer.c - responses by llhttp, which is strict unless told otherwise. What it
 * leaves open is closed here: how much of a head and of a body there may be, how
 * many interim responses, and that nobody changes protocols.
 *
 * Names and values lie one after the other in `head`, each with a NUL; `at` says
 * where the pairs begin. What bytes came in which piece makes no difference.
 */
#include "net/answer.h"

#include <llhttp.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#define INTERIM_MAX 10

struct pair {
	size_t name, value;
};

struct answer {
	llhttp_t ll;
	llhttp_settings_t how;
	struct buf head, body;
	VEC(struct pair) at;
	size_t trailer; /* bytes of fields after the body */
	int status, interim;
	bool is_head, in_body, whole, too_big;
	const char *why; /* bad */
};

static struct answer *
self(llhttp_t *ll)
{
	return ll->data;
}

static int
refuse(struct answer *a, const char *why, bool too_big)
{
	if (a->why == NULL) {
		a->why = why;
		a->too_big = too_big;
	}
	return -1;
}

static int
add(struct answer *a, const char *p, size_t n)
{
	if (a->in_body) { /* trailers are counted, not kept */
		a->trailer += n;
		return a->trailer <= ANSWER_HEAD_MAX
		    ? 0
		    : refuse(a, "its trailer is too large", true);
	}
	return buf_add(&a->head, p, n) == 0
	    ? 0
	    : refuse(a, "its head is too large", true);
}

static int
on_field(llhttp_t *ll, const char *p, size_t n)
{
	struct answer *a = self(ll);
	struct pair pair = { a->head.len, 0 };

	if (!a->in_body && (a->at.n == 0 || a->at.v[a->at.n - 1].value != 0)) {
		if (a->at.n >= ANSWER_HEADERS)
			return refuse(a, "it has too many headers", true);
		vec_add(&a->at, pair);
	}
	return add(a, p, n);
}

/* The name is whole: its NUL, and the value begins. */
static int
on_field_end(llhttp_t *ll)
{
	struct answer *a = self(ll);

	if (add(a, "", 1) != 0)
		return -1;
	if (!a->in_body)
		a->at.v[a->at.n - 1].value = a->head.len;
	return 0;
}

static int
on_value(llhttp_t *ll, const char *p, size_t n)
{
	return add(self(ll), p, n);
}

static int
on_value_end(llhttp_t *ll)
{
	return add(self(ll), "", 1);
}

/* A value as text that may be shown: no controls, and UTF-8 or ASCII. */
static void
tame_value(char *s)
{
	bool text = utf8_valid(s, strlen(s));

	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
		else if (!text && (unsigned char)*s >= 0x80)
			*s = '?';
}

static void
tame(struct answer *a)
{
	char *s;

	for (size_t i = 0; i < a->at.n; i++) {
		for (s = a->head.data + a->at.v[i].name; *s != '\0'; s++)
			if (*s >= 'A' && *s <= 'Z')
				*s |= 0x20;
		tame_value(a->head.data + a->at.v[i].value);
	}
}

static int
on_head(llhttp_t *ll)
{
	struct answer *a = self(ll);

	a->status = llhttp_get_status_code(ll);
	a->in_body = true;
	if (llhttp_get_http_major(ll) != 1)
		return refuse(a, "it is not HTTP/1", false);
	if (a->status < 100 || a->status > 599)
		return refuse(a, "its status is none of HTTP's", false);
	if (a->status == 101 || llhttp_get_upgrade(ll))
		return refuse(a, "it changes protocols, unasked", false);
	tame(a);
	return a->is_head ? 1 : 0;
}

static int
on_body(llhttp_t *ll, const char *p, size_t n)
{
	struct answer *a = self(ll);

	if (buf_add(&a->body, p, n) == 0)
		return 0;
	return refuse(a, "its body is too large", true);
}

static int
on_whole(llhttp_t *ll)
{
	struct answer *a = self(ll);

	if (a->status >= 200) {
		a->whole = true;
		return HPE_PAUSED;
	}
	if (++a->interim > INTERIM_MAX)
		return refuse(a, "it never comes to the point", false);
	buf_clear(&a->head);
	buf_clear(&a->body);
	a->at.n = 0;
	a->in_body = false;
	return 0;
}

struct answer *
answer_new(size_t body_max, bool head)
{
	struct answer *a = mem_zalloc(sizeof(*a));

	a->is_head = head;
	buf_init(&a->head, ANSWER_HEAD_MAX);
	buf_init(&a->body, body_max);
	llhttp_settings_init(&a->how);
	a->how.on_header_field = on_field;
	a->how.on_header_field_complete = on_field_end;
	a->how.on_header_value = on_value;
	a->how.on_header_value_complete = on_value_end;
	a->how.on_headers_complete = on_head;
	a->how.on_body = on_body;
	a->how.on_message_complete = on_whole;
	llhttp_init(&a->ll, HTTP_RESPONSE, &a->how);
	a->ll.data = a;
	return a;
}

void
answer_free(struct answer *a)
{
	if (a == NULL)
		return;
	buf_fini(&a->head);
	buf_fini(&a->body);
	vec_fini(&a->at);
	mem_free(a);
}

static enum answer_state
state(const struct answer *a)
{
	return a->why != NULL ? ANSWER_BAD
	    : a->whole	      ? ANSWER_WHOLE
			      : ANSWER_MORE;
}

enum answer_state
answer_feed(struct answer *a, const char *p, size_t n)
{
	llhttp_errno_t e;

	if (state(a) != ANSWER_MORE || n == 0)
		return state(a);
	e = llhttp_execute(&a->ll, p, n);
	if (e != HPE_OK && !(e == HPE_PAUSED && a->whole))
		refuse(a, "it is no well-formed HTTP answer", false);
	return state(a);
}

enum answer_state
answer_end(struct answer *a)
{
	llhttp_errno_t e;

	if (state(a) != ANSWER_MORE)
		return state(a);
	e = llhttp_finish(&a->ll);
	if (!a->whole || (e != HPE_OK && e != HPE_PAUSED))
		refuse(a, "it was cut off", false);
	return state(a);
}

int
answer_status(const struct answer *a)
{
	return a->status;
}

size_t
answer_headers(const struct answer *a)
{
	return a->at.n;
}

const char *
answer_name(const struct answer *a, size_t i)
{
	return a->head.data + a->at.v[i].name;
}

const char *
answer_value(const struct answer *a, size_t i)
{
	return a->head.data + a->at.v[i].value;
}

const char *
answer_header(const struct answer *a, const char *name)
{
	for (size_t i = 0; i < a->at.n; i++)
		if (strcmp(answer_name(a, i), name) == 0)
			return answer_value(a, i);
	return NULL;
}

const struct buf *
answer_body(const struct answer *a)
{
	return &a->body;
}

const char *
answer_why(const struct answer *a)
{
	return a->why != NULL ? a->why : "";
}

bool
answer_too_big(const struct answer *a)
{
	return a->too_big;
}
