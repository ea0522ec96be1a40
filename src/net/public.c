/*
 * public.c - the registries of special addresses (RFC 6890 and what came after),
 * as tables. IPv6 is the other way round: only what is handed out to the public
 * (2000::/3) counts, and of that not what stands for other addresses.
 */
#include "net/public.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

struct net {
	uint8_t a[4];
	unsigned bits;
};

static const struct net not4[] = {
	{ { 0, 0, 0, 0 }, 8 },	     /* this network */
	{ { 10, 0, 0, 0 }, 8 },	     /* private */
	{ { 100, 64, 0, 0 }, 10 },   /* carriers' NAT */
	{ { 127, 0, 0, 0 }, 8 },     /* loopback */
	{ { 169, 254, 0, 0 }, 16 },  /* link-local, metadata */
	{ { 172, 16, 0, 0 }, 12 },   /* private */
	{ { 192, 0, 0, 0 }, 24 },    /* protocol assignments */
	{ { 192, 0, 2, 0 }, 24 },    /* examples */
	{ { 192, 88, 99, 0 }, 24 },  /* 6to4 relays */
	{ { 192, 168, 0, 0 }, 16 },  /* private */
	{ { 198, 18, 0, 0 }, 15 },   /* benchmarks */
	{ { 198, 51, 100, 0 }, 24 }, /* examples */
	{ { 203, 0, 113, 0 }, 24 },  /* examples */
	{ { 224, 0, 0, 0 }, 3 },     /* multicast, reserved, broadcast */
};

static const struct net not6[] = {
	/* their first 32 bits */
	{ { 0x20, 0x01, 0x00, 0x00 }, 23 }, /* Teredo and other protocols */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* examples */
	{ { 0x20, 0x02, 0x00, 0x00 }, 16 }, /* 6to4: any IPv4 */
	{ { 0x3f, 0xff, 0x00, 0x00 }, 20 }, /* examples */
};

static bool
within(const uint8_t a[4], const struct net *n)
{
	uint32_t x = 0, y = 0;

	for (int i = 0; i < 4; i++) {
		x = x << 8 | a[i];
		y = y << 8 | n->a[i];
	}
	return (x ^ y) >> (32 - n->bits) == 0;
}

static bool
listed(const uint8_t a[4], const struct net *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (within(a, &list[i]))
			return true;
	return false;
}

bool
public_ip4(const uint8_t a[4])
{
	return !listed(a, not4, countof(not4));
}

bool
public_ip6(const uint8_t a[16])
{
	return (a[0] & 0xe0) == 0x20 && !listed(a, not6, countof(not6));
}
