/*
 * test_link.c - invite links: the vectors in all three spellings, and that one
 * character changed, lost, added or swapped anywhere is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/link.h"
#include "tests/vectors/vectors.h"

static const char *const spelling[] = { "web", "app", "self" };

static void
zeros(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

static int
setup(void **state)
{
	(void)state;
	return crypto_setup(zeros, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	vectors_free();
	return 0;
}

static struct invite_link
link_of(struct json v)
{
	struct invite_link l = { 0 };
	uint8_t seed[32];

	vhex(seed, 32, vs(v, "seed"));
	key_from_seed(&l.key, seed);
	assert_true(str_copy(l.broker, sizeof(l.broker), vs(v, "broker")));
	assert_true(str_copy(l.mesh, sizeof(l.mesh), vs(v, "mesh")));
	assert_true(str_copy(l.pin, sizeof(l.pin), vs(v, "pin")));
	assert_true(str_copy(l.name, sizeof(l.name), vs(v, "name")));
	assert_true(str_copy(l.inviter, sizeof(l.inviter), vs(v, "inviter")));
	assert_int_equal(clock_parse(vs(v, "expires"), &l.expires_at), 0);
	return l;
}

static void
test_print(void **state)
{
	struct json v;
	size_t i;

	(void)state;
	vectors_each(vmember(vectors_load("link"), "good"), i, v) {
		struct invite_link l = link_of(v);
		char s[INVITE_LINK_MAX];

		assert_int_equal(link_print(s, sizeof(s), &l), OK);
		assert_string_equal(s, vs(v, "web"));
		assert_int_equal(link_print(s, strlen(s), &l), E_TOO_LONG);
		assert_int_equal(link_print_app(s, sizeof(s), &l), OK);
		assert_string_equal(s, vs(v, "app"));
		assert_int_equal(link_print_app(s, strlen(s), &l), E_TOO_LONG);
		assert_int_equal(link_print_self(s, sizeof(s), &l), OK);
		assert_string_equal(s, vs(v, "self"));
		assert_int_equal(link_print_self(s, strlen(s), &l), E_TOO_LONG);
	}
	assert_int_equal(i, 8);
}

static void
same_link(const struct invite_link *l, struct json v, bool self)
{
	char iso[CLOCK_ISO_LEN + 1];

	assert_string_equal(l->broker, vs(v, "broker"));
	assert_string_equal(l->mesh, vs(v, "mesh"));
	assert_string_equal(l->code, vs(v, "code"));
	assert_string_equal(l->key.hex, vs(v, "key"));
	assert_string_equal(l->pin, vs(v, "pin"));
	assert_string_equal(l->name, self ? vs(v, "name") : "");
	assert_string_equal(l->inviter, self ? vs(v, "inviter") : "");
	clock_iso(iso, l->expires_at);
	if (self)
		assert_string_equal(iso, vs(v, "expires"));
	else
		assert_int_equal(l->expires_at, 0);
}

static void
test_parse(void **state)
{
	struct json v;
	size_t i;

	(void)state;
	vectors_each(vmember(vectors_load("link"), "good"), i, v)
		for (size_t k = 0; k < countof(spelling); k++) {
			struct invite_link l;
			struct why w = { 0 };
			char padded[INVITE_LINK_MAX];

			if (link_parse(&l, vs(v, spelling[k]), &w) != OK)
				fail_msg("%s: %s", vs(v, spelling[k]), w.text);
			same_link(&l, v, k == 2);
			snprintf(padded, sizeof(padded), "\r\n\t %s \n",
			    vs(v, spelling[k]));
			assert_int_equal(link_parse(&l, padded, &w), OK);
			same_link(&l, v, k == 2);
		}
}

/* Refused, with a sentence, with nothing left of it, the secret not told. */
static void
must_be_spoiled(const char *text, const char *secret)
{
	struct invite_link l, none = { 0 };
	struct why w = { 0 };

	if (link_parse(&l, text, &w) != E_LINK_SPOILED)
		fail_msg("accepted: %s", text);
	assert_true(strlen(w.text) > 20);
	assert_memory_equal(&l, &none, sizeof(l));
	if (secret != NULL)
		assert_null(strstr(w.text, secret));
}

static void
test_spoiled(void **state)
{
	char big[INVITE_LINK_MAX + 100];
	struct json v;
	size_t i;

	(void)state;
	vectors_each(vmember(vectors_load("link"), "spoiled"), i, v)
		must_be_spoiled(vstr(v), NULL);
	assert_true(i > 20);
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	must_be_spoiled(big, NULL); /* longer than any link */
	memcpy(big, "ic://join/", 10);
	must_be_spoiled(big, NULL);
	big[400] = '\0';
	memcpy(big, "https://", 8);
	memcpy(big + 396, "/i/a#a", 7);
	must_be_spoiled(big, NULL);
}

static bool
blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void
spoil_at(const char *good, size_t i)
{
	static const char chars[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO"
	    "PQRSTUVWXYZ0123456789-_=+/:.?#&%[]@ \n\t\r\x01\x7f\xc3";
	size_t n = strlen(good);
	char s[INVITE_LINK_MAX];

	memcpy(s, good, i);
	memcpy(s + i, good + i + 1, n - i);
	must_be_spoiled(s, good + n - 20); /* lost */
	for (const char *c = chars; *c != '\0'; c++) {
		memcpy(s, good, n + 1);
		s[i] = *c;
		if (*c != good[i])
			must_be_spoiled(s, NULL); /* changed */
		memcpy(s + i + 1, good + i, n + 1 - i);
		if (!(blank(*c) && (i == 0 || i == n)))
			must_be_spoiled(s, NULL); /* added */
	}
	if (i + 1 < n && good[i] != good[i + 1]) {
		memcpy(s, good, n + 1);
		s[i] = good[i + 1];
		s[i + 1] = good[i];
		must_be_spoiled(s, NULL); /* swapped */
	}
}

static void
test_every_character(void **state)
{
	struct json v;
	size_t i;

	(void)state;
	vectors_each(vmember(vectors_load("link"), "good"), i, v)
		for (size_t k = 0; k < countof(spelling); k++) {
			const char *s = vs(v, spelling[k]);

			for (size_t at = 0; at < strlen(s); at++)
				spoil_at(s, at);
			for (size_t n = 0; n < strlen(s); n++) {
				char cut[INVITE_LINK_MAX];

				memcpy(cut, s, n);
				cut[n] = '\0';
				must_be_spoiled(cut, NULL);
			}
		}
}

static void
test_broker_forms(void **state)
{
	static const char *const bad[] = { "", "ws://", "ws:///ws",
		"http://h/ws", "ws://h", "ws://h/", "ws://h/ws/", "ws://h:0/ws",
		"ws://h:/ws", "ws://h:70000/ws", "ws://h:7900x/ws",
		"ws://a b/ws", "ws://[]/ws", "ws://[::1/ws", "ws://u@h/ws",
		"ws://h/i/ws", "ws://h?/ws", "ws://h#/ws", "ws://h:1:2/ws",
		"ws://\xc3\xa4/ws", "wss://[::g]/ws" };
	struct json good = vmember(vectors_load("link"), "good");
	struct invite_link l = link_of(vat(good, 0)), back;
	char s[INVITE_LINK_MAX];

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		str_copy(l.broker, sizeof(l.broker), bad[i]);
		assert_int_equal(link_print(s, sizeof(s), &l), E_BAD_FIELD);
		assert_int_equal(link_print_app(s, sizeof(s), &l), E_BAD_FIELD);
		assert_int_equal(link_print_self(s, sizeof(s), &l),
		    E_BAD_FIELD);
	}
	str_copy(l.broker, sizeof(l.broker), "WSS://Mesh.Example.ORG:8443/ws");
	assert_int_equal(link_print(s, sizeof(s), &l), OK);
	assert_int_equal(link_parse(&back, s, NULL), OK);
	assert_string_equal(back.broker, "wss://mesh.example.org:8443/ws");
	assert_int_equal(link_print_self(s, sizeof(s), &l), OK);
	assert_int_equal(link_parse(&back, s, NULL), OK);
	assert_string_equal(back.broker, "wss://mesh.example.org:8443/ws");
	memset(l.pin, 'a', 64);
	assert_int_equal(link_print(s, sizeof(s), &l), OK);
	assert_int_equal(link_parse(&back, s, NULL), OK);
	assert_string_equal(back.pin, l.pin);
	l.pin[63] = 'g';
	assert_int_equal(link_print(s, sizeof(s), &l), E_BAD_FIELD);
	assert_int_equal(link_print_self(s, sizeof(s), &l), E_BAD_FIELD);
	l.pin[63] = 'a';
	str_copy(l.broker, sizeof(l.broker), "ws://mesh.example.org/ws");
	assert_int_equal(link_print(s, sizeof(s), &l), E_BAD_FIELD);
	assert_int_equal(link_print_self(s, sizeof(s), &l), E_BAD_FIELD);
	str_copy(l.broker, sizeof(l.broker), "wss://mesh.example.org/ws");
	l.pin[0] = '\0';
	str_copy(l.mesh, sizeof(l.mesh), "short");
	assert_int_equal(link_print(s, sizeof(s), &l), E_BAD_FIELD);
	assert_int_equal(link_print_self(s, sizeof(s), &l), E_BAD_FIELD);
}

static void
test_names(void **state)
{
	struct json good = vmember(vectors_load("link"), "good");
	struct invite_link l = link_of(vat(good, 0)), back;
	char s[INVITE_LINK_MAX];

	(void)state;
	memset(l.name, '"', 64); /* the most that escaping makes of it */
	memset(l.inviter, '\\', 64);
	memset(l.broker + 5, 'h', 200);
	strcpy(l.broker + 205, "/ws");
	assert_int_equal(link_print_self(s, sizeof(s), &l), OK);
	assert_int_equal(link_parse(&back, s, NULL), OK);
	assert_string_equal(back.name, l.name);
	assert_string_equal(back.inviter, l.inviter);
	strcpy(l.name, "");
	strcpy(l.inviter, "x\x1b[2J"); /* never shown to a terminal */
	assert_int_equal(link_print_self(s, sizeof(s), &l), OK);
	must_be_spoiled(s, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_broker_forms),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
