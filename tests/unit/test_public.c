/*
 * test_public.c - which addresses are of the open internet: the first and the
 * last of each range, and their neighbours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "base/mem.h"
#include "net/public.h"

static bool
is_public(const char *s)
{
	uint8_t a[16];

	if (inet_pton(AF_INET, s, a) == 1)
		return public_ip4(a);
	assert_int_equal(inet_pton(AF_INET6, s, a), 1);
	return public_ip6(a);
}

static void
test_not_public(void **state)
{
	static const char *const all[] = { "0.0.0.0", "0.255.255.255",
		"10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
		"127.0.0.1", "127.255.255.255", "169.254.0.0",
		"169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1",
		"192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255",
		"198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7",
		"224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255",
		"::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8",
		"64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "fe80::1",
		"febf::1", "fec0::1", "fc00::1", "fdff::1", "ff02::1",
		"2001::1", "2001:1ff::1", "2001:db8::1",
		"2002:7f00:1::", "3fff::1", "3fff:fff::1", "4000::1",
		"1fff::1" };

	(void)state;
	for (size_t i = 0; i < countof(all); i++)
		if (is_public(all[i]))
			fail_msg("%s", all[i]);
}

static void
test_public(void **state)
{
	static const char *const all[] = { "1.0.0.0", "8.8.8.8",
		"9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
		"192.0.3.0", "192.88.98.1", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "203.0.112.1", "203.0.114.1",
		"223.255.255.255", "2001:200::1", "2001:4860:4860::8888",
		"2001:db7::1", "2001:db9::1", "2003::1", "2606:4700::1",
		"3fff:1000::1", "3ffe::1", "2000::1" };

	(void)state;
	for (size_t i = 0; i < countof(all); i++)
		if (!is_public(all[i]))
			fail_msg("%s", all[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_public),
		cmocka_unit_test(test_public),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
