/*
 * box.c - encryption to Ed25519 keys: their X25519 forms, the cache of shared
 * keys, and the epoch key sealed to one key.
 *
 * The cache is a ring: what is longest in it goes first, whether it was used
 * or not, because a lost entry costs 50 microseconds and nothing else.
 */
#include "crypto/box.h"

#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "base/map.h"
#include "base/mem.h"

struct pair {
	uint8_t id[64]; /* my public key, theirs */
	uint8_t shared[32];
};

struct box_cache {
	struct map by_id;
	struct pair **ring;
	size_t max, next;
};

int
key_x_pub(uint8_t out[32], const uint8_t pub[32])
{
	return crypto_sign_ed25519_pk_to_curve25519(out, pub);
}

void
key_x_sec(uint8_t out[32], const struct key *k)
{
	crypto_sign_ed25519_sk_to_curve25519(out, k->sec);
}

struct box_cache *
box_cache_new(size_t max)
{
	struct box_cache *c = mem_zalloc(sizeof(*c));

	map_init(&c->by_id);
	c->max = max;
	c->ring = mem_zalloc(max * sizeof(struct pair *));
	return c;
}

static void
pair_free(struct pair *p)
{
	if (p == NULL)
		return;
	sodium_memzero(p, sizeof(*p));
	mem_free(p);
}

void
box_cache_free(struct box_cache *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->max; i++)
		pair_free(c->ring[i]);
	map_fini(&c->by_id);
	mem_free(c->ring);
	mem_free(c);
}

static void
cache_put(struct box_cache *c, const struct pair *p)
{
	struct pair **slot, *mine;

	if (c == NULL || c->max == 0)
		return;
	slot = &c->ring[c->next];
	c->next = (c->next + 1) % c->max;
	if (*slot != NULL)
		map_del(&c->by_id, (*slot)->id, sizeof((*slot)->id));
	pair_free(*slot);
	*slot = mine = mem_dup(p, sizeof(*p));
	map_put(&c->by_id, mine->id, sizeof(mine->id), mine);
}

static int
compute(struct pair *p, const struct key *mine, const uint8_t theirs[32])
{
	uint8_t xpub[32], xsec[32];
	int bad;

	if (key_x_pub(xpub, theirs) != 0)
		return -1;
	key_x_sec(xsec, mine);
	bad = crypto_box_beforenm(p->shared, xpub, xsec);
	sodium_memzero(xsec, sizeof(xsec));
	return bad;
}

int
box_shared(uint8_t shared[32], struct box_cache *c, const struct key *mine,
    const char *their_hex)
{
	struct pair p = { 0 }, *known = NULL;

	if (!hex_is(their_hex, 32))
		return -1;
	memcpy(p.id, mine->pub, 32);
	hex_decode(p.id + 32, 32, their_hex, 64);
	if (c != NULL)
		known = map_get(&c->by_id, p.id, sizeof(p.id));
	if (known != NULL) {
		memcpy(shared, known->shared, 32);
		return 0;
	}
	if (compute(&p, mine, p.id + 32) != 0)
		return -1;
	cache_put(c, &p);
	memcpy(shared, p.shared, 32);
	sodium_memzero(&p, sizeof(p));
	return 0;
}

char *
seal_key(struct arena *a, const uint8_t key[32], const char *to_hex)
{
	uint8_t pub[32], xpub[32], out[32 + crypto_box_SEALBYTES];
	char *s;

	if (!key_parse(pub, to_hex) || key_x_pub(xpub, pub) != 0 ||
	    crypto_box_seal(out, key, 32, xpub) != 0)
		return NULL;
	s = arena_alloc(a, B64_LEN(sizeof(out)) + 1);
	b64_encode(s, out, sizeof(out));
	return s;
}

int
unseal_key(uint8_t key[32], const char *b64, const struct key *mine)
{
	uint8_t in[32 + crypto_box_SEALBYTES], xpub[32], xsec[32];
	int bad;

	if (strlen(b64) != B64_LEN(sizeof(in)) ||
	    b64_decode(in, sizeof(in), b64, strlen(b64)) != sizeof(in) ||
	    key_x_pub(xpub, mine->pub) != 0)
		return E_CANNOT_OPEN;
	key_x_sec(xsec, mine);
	bad = crypto_box_seal_open(key, in, sizeof(in), xpub, xsec);
	sodium_memzero(xsec, sizeof(xsec));
	return bad == 0 ? OK : E_CANNOT_OPEN;
}
