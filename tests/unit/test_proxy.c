/*
 * test_proxy.c - proxies by their variables: what is one, who is spared, what is
 * said and what is believed of the answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "net/proxy.h"

static void
test_parse(void **state)
{
	static const char *const bad[] = { "", "https://h:1", "socks5://h",
		"http://", "http://h:0", "http://h:70000", "http://u:%zz@h",
		"http://u:%4@h", "http://@h", "http://h h", "http://[::1" };
	struct proxy p;
	const char *why;

	(void)state;
	assert_int_equal(proxy_parse(&p, "http://proxy.example:3128/", &why),
	    0);
	assert_string_equal(p.host, "proxy.example");
	assert_int_equal(p.port, 3128);
	assert_string_equal(p.auth, "");
	assert_int_equal(proxy_parse(&p, "10.0.0.1:8080", &why), 0);
	assert_string_equal(p.host, "10.0.0.1");
	assert_int_equal(p.port, 8080);
	assert_int_equal(proxy_parse(&p, "http://[fd00::1]", &why), 0);
	assert_string_equal(p.host, "fd00::1");
	assert_int_equal(p.port, 80);
	assert_int_equal(proxy_parse(&p, "http://a:p%40s:s@h:1", &why), 0);
	assert_string_equal(p.auth, "YTpwQHM6cw=="); /* a:p@s:s */
	assert_int_equal(proxy_parse(&p, "http://a@h", &why), 0);
	assert_string_equal(p.auth, "YTo="); /* a: */
	for (size_t i = 0; i < countof(bad); i++) {
		if (proxy_parse(&p, bad[i], &why) == 0)
			fail_msg("%s", bad[i]);
		assert_non_null(why);
	}
}

static void
test_spares(void **state)
{
	static const struct {
		const char *no, *host;
		bool spared;
	} all[] = {
		{ NULL, "h.example", false },
		{ "", "h.example", false },
		{ NULL, "localhost", true },
		{ NULL, "127.0.0.9", true },
		{ NULL, "127.0.0.9.example", false },
		{ NULL, "::1", true },
		{ "*", "h.example", true },
		{ "h.example", "h.example", true },
		{ "H.Example", "h.example", true },
		{ "example", "h.example", true },
		{ ".example", "h.example", true },
		{ "ample", "h.example", false },
		{ "x.h.example", "h.example", false },
		{ "a, b ,h.example", "h.example", true },
		{ "h.example:443", "h.example", true },
		{ "h.example:444", "h.example", false },
		{ "10.0.0.1", "10.0.0.1", true },
		{ "fd00::1", "fd00::1", true },
		{ ",,", "h.example", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++)
		if (proxy_spares(all[i].no, all[i].host, 443) != all[i].spared)
			fail_msg("'%s' and %s", all[i].no ? all[i].no : "-",
			    all[i].host);
}

static void
test_words(void **state)
{
	struct proxy p = { .auth = "YTo=" };
	char scratch[80];
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	proxy_request(&b, &p, "fd00::1", 443);
	assert_string_equal(buf_str(&b),
	    "CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\n"
	    "Proxy-Authorization: Basic YTo=\r\n\r\n");
	buf_fini(&b);
	assert_null(proxy_fault("HTTP/1.1 200 OK", scratch, sizeof(scratch)));
	assert_null(proxy_fault("HTTP/1.0 200", scratch, sizeof(scratch)));
	assert_string_equal(proxy_fault("HTTP/1.1 407 X", scratch,
				sizeof(scratch)),
	    "HTTP status 407, it wants a user name and a password");
	assert_non_null(
	    proxy_fault("HTTP/1.1 302 X", scratch, sizeof(scratch)));
	assert_non_null(proxy_fault("SSH-2.0", scratch, sizeof(scratch)));
	assert_non_null(proxy_fault("HTTP/1.1 ", scratch, sizeof(scratch)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_spares),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
