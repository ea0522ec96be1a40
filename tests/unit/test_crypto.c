/*
 * test_crypto.c - keys, documents, sealed keys, safety numbers and hellos
 * against the vectors of the independent implementation, and what must fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/enc.h"
#include "base/mem.h"
#include "crypto/box.h"
#include "tests/vectors/vectors.h"

static struct arena A;
static uint8_t counter; /* the random source: counts */

static void
count_up(void *arg, void *p, size_t n)
{
	uint8_t *c = arg, *out = p;

	while (n-- > 0)
		*out++ = (*c)++;
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&A);
	return crypto_setup(count_up, &counter);
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&A);
	vectors_free();
	return 0;
}

static struct key
key_of(const char *seed_hex)
{
	uint8_t seed[32];
	struct key k;

	assert_int_equal(vhex(seed, 32, seed_hex), 32);
	key_from_seed(&k, seed);
	return k;
}

static void
same_pair(const struct key *k, struct json pair)
{
	struct key want = key_of(vs(pair, "seed"));

	assert_string_equal(k->hex, vs(pair, "public"));
	assert_memory_equal(k->seed, want.seed, 32);
	assert_memory_equal(k->sec, want.sec, 64);
}

/* ---- derive.json ---- */

static void
test_hkdf(void **state)
{
	struct json j = vectors_load("derive"), v;
	size_t i;

	(void)state;
	vectors_each(vmember(j, "hkdf"), i, v) {
		uint8_t ikm[64], out[256];
		char hex[513];
		size_t n = (size_t)vi(v, "n"), nikm;

		nikm = vhex(ikm, sizeof(ikm), vs(v, "ikm"));
		hkdf_sha256(out, n, ikm, nikm, vs(v, "info"),
		    strlen(vs(v, "info")));
		hex_encode(hex, out, n);
		assert_string_equal(hex, vs(v, "out"));
	}
	vectors_each(vmember(j, "sha256"), i, v) {
		char hex[65];

		sha256_hex(hex, vs(v, "text"), strlen(vs(v, "text")));
		assert_string_equal(hex, vs(v, "hex"));
	}
}

static void
test_keys(void **state)
{
	struct json j = vectors_load("derive"), v;
	size_t i;

	(void)state;
	vectors_each(vmember(j, "keys"), i, v) {
		uint8_t seed[32], pub[32];
		struct key k;

		vhex(seed, 32, vs(v, "account_seed"));
		key_account(&k, seed);
		same_pair(&k, vmember(v, "account"));
		key_owner(&k, seed, vs(v, "nonce"));
		same_pair(&k, vmember(v, "owner"));
		key_member(&k, seed, vs(v, "mesh"));
		same_pair(&k, vmember(v, "member"));
		assert_true(key_parse(pub, k.hex));
		assert_memory_equal(pub, k.pub, 32);
	}
	vectors_each(vmember(j, "target"), i, v) {
		uint8_t epoch[32], out[32];
		char hex[65];

		vhex(epoch, 32, vs(v, "epoch_key"));
		key_target(out, epoch, vs(v, "target"));
		hex_encode(hex, out, 32);
		assert_string_equal(hex, vs(v, "key"));
	}
}

static void
test_mesh_id(void **state)
{
	struct json j = vectors_load("derive");
	struct json v = vmember(j, "mesh_id");
	const char *act = vs(v, "genesis_act");
	uint8_t raw[4096], hash[32];
	char hex[65], mesh[MESH_ID_LEN + 1];
	ssize_t n = b64_decode(raw, sizeof(raw), act, strlen(act));

	(void)state;
	assert_true(n > 0);
	sha256(hash, raw, (size_t)n);
	hex_encode(hex, hash, 32);
	assert_string_equal(hex, vs(v, "sha256"));
	mesh_id_of(mesh, hash);
	assert_string_equal(mesh, vs(v, "mesh"));
}

static void
test_invalid_keys(void **state)
{
	struct json j = vectors_load("derive"), v;
	uint8_t pub[32];
	size_t i;

	(void)state;
	vectors_each(vmember(j, "invalid_keys"), i, v) {
		if (key_parse(pub, vstr(v)))
			fail_msg("taken for a key: %s", vstr(v));
		assert_null(seal_key(&A, pub, vstr(v)));
	}
	assert_true(i > 10);
}

/* ---- document.json ---- */

static const struct wire_msg *
row_named(const char *name)
{
	const struct wire_msg *m;

	for (size_t i = 0; (m = wire_row(i)) != NULL; i++)
		if (strcmp(m->name, name) == 0)
			return m;
	fail_msg("no row %s", name);
	return NULL;
}

static void
one_document(struct json v)
{
	const struct wire_msg *row = row_named(vs(v, "row"));
	void *out = arena_zalloc(&A, row->size);
	void *peek = arena_zalloc(&A, row->size);
	struct key k = key_of(vs(v, "seed"));
	struct why w = { 0 };

	assert_string_equal(k.hex, vs(v, "signer"));
	assert_int_equal(doc_peek(&A, vs(v, "document"), row, peek, &w), OK);
	if (doc_open(&A, vs(v, "document"), vs(v, "kind"), row, out, k.hex,
		&w) != OK)
		fail_msg("%s: %s", vs(v, "row"), w.text);
	if (vb(v, "canonical"))
		assert_string_equal(doc_sign(&A, vs(v, "kind"), row, out, &k),
		    vs(v, "document"));
}

static void
test_documents(void **state)
{
	struct json j = vectors_load("document"), v;
	struct attestation at;
	struct why w;
	size_t i;

	(void)state;
	vectors_each(vmember(j, "good"), i, v)
		one_document(v);
	assert_true(i >= 7);
	v = vat(vmember(j, "good"), i - 1);
	assert_false(vb(v, "canonical")); /* another hand, same content */
	assert_int_equal(doc_open(&A, vs(v, "document"), "attest",
			     &wire_attestation, &at, vs(v, "signer"), &w),
	    OK);
	assert_string_equal(at.name, "carol");
	assert_true(at.expires_at - at.issued_at == 86400000);
}

static void
test_bad_documents(void **state)
{
	struct json j = vectors_load("document"), v;
	size_t i;

	(void)state;
	vectors_each(vmember(j, "bad"), i, v) {
		const struct wire_msg *row = row_named(vs(v, "row"));
		void *out = arena_zalloc(&A, row->size);
		struct why w = { 0 };
		int e = doc_open(&A, vs(v, "document"), vs(v, "kind"), row, out,
		    vs(v, "signer"), &w);

		if (e == OK || strcmp(err_info(e)->wire, vs(v, "error")) != 0)
			fail_msg("%s: %s", vs(v, "why"), err_info(e)->wire);
		assert_int_equal(w.code, e);
	}
	assert_true(i > 8);
}

static void
test_long_document(void **state)
{
	size_t n = B64_LEN(WIRE_FRAME_MAX) + 4;
	char *s = arena_alloc(&A, n + 1);
	struct attestation at;

	(void)state;
	memset(s, 'A', n);
	s[n] = '\0';
	assert_int_equal(doc_peek(&A, s, &wire_attestation, &at,
			     &(struct why){ 0 }),
	    E_CANNOT_OPEN);
	assert_int_equal(doc_peek(&A, "A", &wire_attestation, &at, NULL),
	    E_CANNOT_OPEN);
}

static void
test_document_flips(void **state)
{
	struct json j = vectors_load("document");
	struct json v = vat(vmember(j, "good"), 2);
	const char *b64 = vs(v, "document");
	uint8_t raw[4096];
	char again[8192];
	struct hello_proof p;
	ssize_t n = b64_decode(raw, sizeof(raw), b64, strlen(b64));

	(void)state;
	assert_true(n > 64);
	for (ssize_t i = 0; i < n; i++) {
		raw[i] ^= 1 << (i % 8);
		b64_encode(again, raw, (size_t)n);
		assert_int_equal(doc_open(&A, again, "hello", &wire_hello_proof,
				     &p, vs(v, "signer"), NULL),
		    E_BAD_SIGNATURE);
		raw[i] ^= 1 << (i % 8);
	}
}

/* ---- seal.json ---- */

static void
test_seal(void **state)
{
	struct json j = vectors_load("seal"), v;
	uint8_t key[32], hash[32];
	char hex[65];
	size_t i;

	(void)state;
	vectors_each(vmember(j, "good"), i, v) {
		struct key k = key_of(vs(v, "seed"));
		char *ours;

		assert_int_equal(unseal_key(key, vs(v, "sealed"), &k), OK);
		hex_encode(hex, key, 32);
		assert_string_equal(hex, vs(v, "key"));
		sha256(hash, key, 32);
		hex_encode(hex, hash, 32);
		assert_string_equal(hex, vs(v, "sha256"));
		ours = seal_key(&A, key, k.hex);
		assert_string_not_equal(ours, vs(v, "sealed"));
		assert_int_equal(unseal_key(hash, ours, &k), OK);
		assert_memory_equal(hash, key, 32);
	}
	vectors_each(vmember(j, "bad"), i, v) {
		struct key k = key_of(vs(v, "seed"));

		assert_int_equal(unseal_key(key, vs(v, "sealed"), &k),
		    E_CANNOT_OPEN);
	}
}

/* ---- safety.json ---- */

static void
test_safety(void **state)
{
	struct json j = vectors_load("safety"), v;
	size_t i;

	(void)state;
	vectors_each(vmember(j, "numbers"), i, v) {
		char n[36];

		safety_number(n, vs(v, "mesh"), vs(v, "a"), vs(v, "b"));
		assert_string_equal(n, vs(v, "number"));
		safety_number(n, vs(v, "mesh"), vs(v, "b"), vs(v, "a"));
		assert_string_equal(n, vs(v, "number"));
	}
}

/* ---- hello.json ---- */

static void
same_frame(struct json j, const struct wire_msg *row, const void *in,
    const char *reqid, const char *name)
{
	struct buf b;

	buf_init(&b, WIRE_FRAME_MAX);
	wire_encode(&b, row, in, reqid, NULL);
	assert_string_equal(buf_str(&b), vs(j, name));
	buf_fini(&b);
}

static void
test_hello(void **state)
{
	struct json j = vectors_load("hello");
	struct key member = key_of(vs(j, "member_seed"));
	struct key session = key_of(vs(j, "session_seed"));
	struct frame f;
	struct challenge ch;
	struct attestation at;
	struct hello_proof proof = { 0 };
	struct session_hello hello = { 0 }, got;

	(void)state;
	assert_int_equal(frame_open(&f, &A, vs(j, "challenge"),
			     strlen(vs(j, "challenge")), NULL),
	    OK);
	assert_int_equal(wire_decode(f.msg, f.object, &ch, &A, NULL), OK);
	same_frame(j, &wire_challenge, &ch, NULL, "challenge");

	assert_int_equal(wire_decode_text(&wire_attestation,
			     vs(j, "attestation_json"),
			     strlen(vs(j, "attestation_json")), &at, &A, NULL),
	    OK);
	proof = (struct hello_proof){ .url = vs(j, "url"),
		.mesh = at.mesh,
		.member = member.hex,
		.session = session.hex,
		.challenge = ch.nonce };
	hello = (struct session_hello){ .mesh_id = at.mesh,
		.member_pubkey = member.hex,
		.session_pubkey = session.hex,
		.attestation =
		    doc_sign(&A, "attest", &wire_attestation, &at, &member),
		.proof =
		    doc_sign(&A, "hello", &wire_hello_proof, &proof, &session),
		.daemon_id = "d000000000000001",
		.hostname = "vector-host",
		.status = "idle" };
	same_frame(j, &wire_session_hello, &hello, "r1", "frame");

	assert_int_equal(frame_open(&f, &A, vs(j, "frame"),
			     strlen(vs(j, "frame")), NULL),
	    OK);
	assert_int_equal(wire_decode(f.msg, f.object, &got, &A, NULL), OK);
	assert_int_equal(doc_open(&A, got.proof, "hello", &wire_hello_proof,
			     &proof, got.session_pubkey, NULL),
	    OK);
	assert_string_equal(proof.challenge, ch.nonce);
}

/* ---- randomness ---- */

static void
test_random(void **state)
{
	uint8_t a[32], b[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct key k, l;
	char *once;

	(void)state;
	counter = 0;
	crypto_random(a, sizeof(a));
	assert_memory_equal(a, b, sizeof(b));
	counter = 0;
	key_random(&k);
	counter = 0;
	key_random(&l);
	assert_string_equal(k.hex, l.hex);
	assert_int_equal(k.seed[31], 31);
	counter = 7; /* libsodium's own randomness, too */
	once = seal_key(&A, a, k.hex);
	counter = 7;
	assert_string_equal(once, seal_key(&A, a, k.hex));
	assert_string_equal(randombytes_implementation_name(), "claudemesh");
	counter = 1;
	assert_memory_equal((&(uint32_t){ randombytes_random() }), &b[1], 4);
	key_wipe(&k, sizeof(k));
	for (size_t i = 0; i < sizeof(k); i++)
		assert_int_equal(((uint8_t *)&k)[i], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_mesh_id),
		cmocka_unit_test(test_invalid_keys),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_long_document),
		cmocka_unit_test(test_document_flips),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_safety),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
