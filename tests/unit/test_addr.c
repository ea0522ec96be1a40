/*
 * test_addr.c - addresses and URLs as people write them: what is taken, what is
 * refused, what goes out again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/io.h"
#include "net/wsclient.h"

static void
addresses(void **state)
{
	static const char *const good[] = { "127.0.0.1:7900", "[::1]:0",
		"unix:/run/x.sock", "localhost:65535", "a-b.example:1" };
	static const char *const bad[] = { "", ":1", "a", "a:", "a:65536",
		"a:1x", "[::1]", "[::1", "[x]:1", "unix:", "a b:1", "::1:1" };
	struct io_addr a;
	char text[320];

	(void)state;
	for (size_t i = 0; i < countof(good); i++) {
		assert_int_equal(io_addr_parse(&a, good[i]), 0);
		io_addr_print(text, sizeof(text), &a);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < countof(bad); i++)
		assert_int_equal(io_addr_parse(&a, bad[i]), -1);
}

static void
urls(void **state)
{
	static const char *const bad[] = { "", "ws:", "ws://", "ftp://a",
		"ws://a:0", "ws://a:65536", "ws://a:", "ws://a:x", "ws://a b",
		"ws://u@a", "ws://a#f", "ws://[::1", "ws://[x]", "ws://a\\b",
		"ws://[::1]x", "ws:///x", "ws://a:1:2" };
	const char *why;
	struct url u;

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		why = NULL;
		assert_int_equal(url_parse(&u, bad[i], &why), -1);
		assert_non_null(why);
	}
	assert_int_equal(url_parse(&u, "WS://Host.Example", &why), 0);
	assert_string_equal(u.scheme, "ws");
	assert_string_equal(u.host, "host.example");
	assert_int_equal(u.port, 80);
	assert_string_equal(u.path, "/");
	assert_int_equal(url_parse(&u, "https://[::1]:7900/a/b?c", &why), 0);
	assert_string_equal(u.host, "::1");
	assert_int_equal(u.port, 7900);
	assert_string_equal(u.path, "/a/b?c");
	assert_int_equal(url_parse(&u, "wss://a?q", &why), 0);
	assert_int_equal(u.port, 443);
	assert_string_equal(u.path, "/?q");
}

static void
url_kin(void **state)
{
	static const char *const all[][3] = {
		/* given, ws, http */
		{ "http://h:1", "ws://h:1/ws", "http://h:1" },
		{ "http://h:1/", "ws://h:1/ws", "http://h:1" },
		{ "https://h", "wss://h/ws", "https://h" },
		{ "https://h:443/x/", "wss://h/x/ws", "https://h/x" },
		{ "ws://h:80/ws", "ws://h/ws", "http://h" },
		{ "ws://h:1", "ws://h:1/ws", "http://h:1" },
		{ "ws://h:1/mesh", "ws://h:1/mesh", "http://h:1/mesh" },
		{ "wss://[::1]:7/x/ws", "wss://[::1]:7/x/ws",
		    "https://[::1]:7/x" },
		{ "http://h/ws", "ws://h/ws", "http://h" },
	};
	char out[128];
	const char *why;

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		assert_int_equal(url_to_ws(out, sizeof(out), all[i][0], &why),
		    0);
		assert_string_equal(out, all[i][1]);
		assert_int_equal(url_to_http(out, sizeof(out), all[i][0], &why),
		    0);
		assert_string_equal(out, all[i][2]);
	}
	assert_int_equal(url_to_ws(out, 8, "http://h:1", &why), -1);
	assert_int_equal(url_to_http(out, sizeof(out), "http://h?q", &why), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(urls),
		cmocka_unit_test(url_kin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
