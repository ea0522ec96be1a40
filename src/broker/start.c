/*
 * start.c - a broker is made: its database opened and migrated, its history and
 * log key read or made, its listeners opened. And unmade.
 */
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "broker/broker.h"
#include "broker/compat.h"

/* ---- beginning ---- */

static int64_t
mono_us(void *arg)
{
	return io_mono_us(arg);
}

static int
open_db(struct broker *b, struct why *why)
{
	struct db_conf conf = {
		.path = b->conf.db_path,
		.vfs = b->conf.db_vfs,
		.exclusive = b->conf.db_exclusive,
		.mono_us = mono_us,
		.arg = b->io,
	};
	int r = db_open(&b->db, &conf, why);

	if (r == OK)
		r = db_migrate(b->db, broker_schema, broker_schema_n, why);
	if (r == OK)
		r = db_search_open(b->db, why);
	return r;
}

static const char sql_meta[] =
    "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key)"
    " DO UPDATE SET key = meta.key RETURNING value";

/* The value that stands; this one, if there is none yet. */
static const char *
meta(struct broker *b, const char *key, const char *first, struct why *why)
{
	struct db_rows *r = db_query(b->db, &b->arena, why, sql_meta,
	    DB_VALS(db_s(key), db_s(first)));

	return r == NULL ? NULL : db_text(r, 0, 0);
}

static void
committed(void *arg, int code)
{
	*(int *)arg = code;
}

static int
read_meta(struct broker *b, struct why *why)
{
	char rnd[65], id[33];
	const char *seed, *history, *seq;
	uint8_t bytes[32];
	struct key key;

	io_random(b->io, bytes, sizeof(bytes));
	hex_encode(rnd, bytes, 32);
	io_random(b->io, bytes, 10);
	b32_encode(id, bytes, 10);
	history = meta(b, "history", id, why);
	seed = meta(b, "log_seed", rnd, why);
	seq = meta(b, "seq", "0", why);
	if (history == NULL || seed == NULL || seq == NULL ||
	    meta(b, "probe", "", why) == NULL)
		return E_STORE;
	str_copy(b->history, sizeof(b->history), history);
	/* Numbers go on from the clock: a database set back to an older copy
	 * must not give the same number to another message. */
	b->seq_floor = strtoll(seq, NULL, 10);
	b->seq_last = io_wall(b->io) * 1000;
	if (b->seq_last < b->seq_floor)
		b->seq_last = b->seq_floor;
	b->seq_start = b->seq_last;
	if (hex_decode(bytes, 32, seed, strlen(seed)) != 32)
		return why_set(why, E_STORE, "the broker's log key is damaged");
	key_from_seed(&key, bytes);
	str_copy(b->log_key, sizeof(b->log_key), key.hex);
	key_wipe(&key, sizeof(key));
	key_wipe(bytes, sizeof(bytes));
	key_wipe(rnd, sizeof(rnd));
	return OK;
}

static int
load_meta(struct broker *b, struct why *why)
{
	int r = db_begin(b->db, why), code = OK;

	if (r == OK)
		r = read_meta(b, why);
	arena_reset(&b->arena);
	if (r != OK) {
		db_rollback(b->db);
		return r;
	}
	db_commit(b->db, committed, &code);
	return code == OK ? OK : why_set(why, code, NULL);
}

static int
listen_all(struct broker *b, const char *const *list, struct why *why)
{
	struct io_addr a;
	char text[160];
	size_t i;

	for (i = 0; list != NULL && list[i] != NULL; i++) {
		if (io_addr_parse(&a, list[i]) != 0)
			return why_set(why, E_USAGE,
			    "'%.100s' is not HOST:PORT", list[i]);
		a.cert = b->conf.cert;
		if (server_listen(b->srv, &a, text, sizeof(text)) != 0)
			return why_set(why, E_UNAVAILABLE,
			    "cannot listen on %.80s: %.120s", list[i], text);
		vec_add(&b->addr, a);
		io_addr_print(text, sizeof(text), &a);
		log_event(LOG_INFO, "listening", "addr", text, "tls",
		    a.cert != NULL ? "yes" : "no", NULL);
	}
	return b->addr.n > 0
	    ? OK
	    : why_set(why, E_USAGE, "a broker needs an address to listen on");
}

static bool
all_loopback(const struct broker *b)
{
	size_t i;

	for (i = 0; i < b->addr.n; i++) {
		const char *h = b->addr.v[i].host;

		if (!str_starts(h, "127.") && !str_eq(h, "::1") &&
		    !str_eq(h, "localhost"))
			return false;
	}
	return true;
}

static void
or_default(int64_t *v, int64_t otherwise)
{
	if (*v <= 0)
		*v = otherwise;
}

static void
set_limits(struct broker_limits *l)
{
	or_default(&l->queue_count, 10000);
	or_default(&l->queue_bytes, 64 * 1024 * 1024);
	or_default(&l->sender_count, 10000);
	or_default(&l->mesh_count, 1000000);
	or_default(&l->mesh_bytes, 256 * 1024 * 1024);
	or_default(&l->send_rate, 100);
	or_default(&l->send_burst, 1000);
	or_default(&l->member_here, 4096);
	or_default(&l->member_known, 10000);
	or_default(&l->member_conns, 4096);
	or_default(&l->member_daemons, 1000);
	or_default(&l->memory_count, 1000000);
	or_default(&l->memory_bytes, 512 * 1024 * 1024);
	or_default(&l->state_keys, 100000);
	or_default(&l->state_bytes, 64 * 1024 * 1024);
	or_default(&l->act_burst, 200);
	or_default(&l->meshes, 10000);
	or_default(&l->members, 10000);
	or_default(&l->acts, 100000);
	or_default(&l->lease_ms, 90000);
	or_default(&l->keep_ms, 30 * DAY_MS);
}

/* What may change while it runs. Old texts stay until the end. */
static void
adopt(struct broker *b, const struct broker_conf *conf)
{
	const char **url;
	size_t n = 0, i;

	while (conf->url != NULL && conf->url[n] != NULL)
		n++;
	url = arena_zalloc(&b->texts, (n + 1) * sizeof(*url));
	for (i = 0; i < n; i++)
		url[i] = arena_strdup(&b->texts, conf->url[i]);
	b->conf.url = url;
	b->conf.token =
	    arena_strdup(&b->texts, conf->token == NULL ? "" : conf->token);
	b->conf.limits = conf->limits;
	set_limits(&b->conf.limits);
	b->conf.create = conf->create;
	if (conf->create == CREATE_AUTO)
		b->conf.create = all_loopback(b) ? CREATE_OPEN : CREATE_NONE;
}

struct broker *
broker_new(struct io *io, const struct broker_conf *conf, struct why *why)
{
	struct broker *b = mem_zalloc(sizeof(*b));
	size_t ncodes = E_LAST_ - E_FIRST_;
	int r;

	dispatch_check_rows();
	b->io = io;
	b->conf = *conf;
	b->conf.version = arena_strdup(&b->texts, conf->version);
	b->conf.listen = NULL;
	buf_init(&b->json, WIRE_FRAME_MAX);
	buf_init(&b->wire, WIRE_FRAME_MAX + 16);
	b->stat.count = mem_zalloc((M_COUNT_ + 1) * ncodes * sizeof(uint64_t));
	b->stat.us = mem_zalloc((M_COUNT_ + 1) * sizeof(uint64_t));
	b->started_at = io_wall(io);
	r = open_db(b, why);
	if (r == OK)
		r = load_meta(b, why);
	if (r == OK) {
		core_open(b, &conf->server);
		r = listen_all(b, conf->listen, why);
	}
	if (r != OK) {
		broker_free(b);
		return NULL;
	}
	adopt(b, conf);
	core_begin(b);
	return b;
}

/* ---- ending ---- */

void
broker_free(struct broker *b)
{
	struct bconn *c;
	struct mesh *m;
	size_t i;

	if (b == NULL)
		return;
	if (b->turn != NULL)
		io_on_turn(b->io, NULL, NULL);
	if (b->timer != 0)
		io_timer_stop(b->io, b->timer);
	for (i = 0; (m = map_next(&b->meshes, &i)) != NULL;)
		mesh_free(b, m);
	for (i = 0; (c = map_next(&b->conns, &i)) != NULL;)
		conn_free(b, c);
	server_free(b->srv);
	turn_free(b->turn);
	db_close(b->db);
	compat_fini(b);
	map_fini(&b->conns);
	map_fini(&b->meshes);
	map_fini(&b->by_id);
	vec_fini(&b->addr);
	vec_fini(&b->runnable);
	vec_fini(&b->gone);
	vec_fini(&b->closing);
	vec_fini(&b->drained_conns);
	vec_fini(&b->dirty);
	vec_fini(&b->parted);
	vec_fini(&b->heard);
	vec_fini(&b->grace);
	vec_fini(&b->filling);
	vec_fini(&b->behind);
	buf_fini(&b->json);
	buf_fini(&b->wire);
	mem_free(b->stat.count);
	mem_free(b->stat.us);
	arena_fini(&b->arena);
	arena_fini(&b->texts);
	mem_free(b);
}

void
broker_reload(struct broker *b, const struct broker_conf *conf)
{
	adopt(b, conf);
	log_event(LOG_INFO, "reloaded", NULL);
}

const struct io_addr *
broker_addr(const struct broker *b, size_t i)
{
	return i < b->addr.n ? &b->addr.v[i] : NULL;
}
