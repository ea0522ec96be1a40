/*
 * server.c - connections: who is let in, how long each may take, when they go.
 *
 * One sweep timer sees to all deadlines, pings and stalls, so ten thousand
 * connections cost no timer each. Ops are called from events of io.h only,
 * never within a call of server.h: what such a call brings about is left to a
 * kick, a timer of zero.
 */
#include "net/server_int.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"

static void arm_sweep(struct server *);

struct conn *
conn_get(struct server *sv, io_id id)
{
	return map_geti(&sv->conns, id);
}

int
conn_write(struct conn *c, const void *p, size_t n)
{
	if (io_write(c->sv->io, c->id, p, n) != 0)
		return -1;
	c->written += n;
	return 0;
}

void
conn_kill(struct conn *c)
{
	c->state = C_GONE;
	io_close(c->sv->io, c->id, false);
}

/*
 * io_close gives what is queued 5 s. A slow reader of much may take longer, as
 * long as it makes progress: its last bytes are closed on, not its first.
 */
void
conn_last(struct conn *c)
{
	c->state = C_LAST;
	c->deadline = 0;
	c->flushing = io_queued(c->sv->io, c->id) > LOW_WATER;
	if (!c->flushing)
		io_close(c->sv->io, c->id, true);
}

void
conn_reading(struct conn *c)
{
	bool stop = c->paused || c->backlog;

	if (stop == c->stopped)
		return;
	c->stopped = stop;
	if (stop)
		io_read_stop(c->sv->io, c->id);
	else {
		c->heard = io_mono(c->sv->io); /* silence was our doing */
		io_read_start(c->sv->io, c->id);
	}
}

void
conn_admitted(struct conn *c)
{
	if (c->fresh && c->ip != NULL)
		c->ip->fresh--;
	c->fresh = false;
}

struct io_peer
conn_peer(const struct conn *c)
{
	struct io_peer peer = { .uid = c->uid, .pid = c->pid };

	if (c->ip != NULL)
		memcpy(peer.ip, c->ip->text, sizeof(peer.ip));
	return peer;
}

/* ---- kicks ---- */

static void
on_kick(void *arg, io_id timer)
{
	struct server *sv = arg;
	size_t n = sv->kicks.n;
	struct conn *c;

	(void)timer;
	sv->kick = 0;
	for (size_t i = 0; i < n; i++) {
		c = conn_get(sv, sv->kicks.v[i]);
		if (c == NULL)
			continue;
		c->kicked = false;
		if (c->state == C_READ)
			http_resume(c);
		else if (c->state == C_WS && c->ended && !ws_waiting(c))
			ws_finish(c);
		else if (c->state >= C_CLOSING)
			ws_tell(c);
	}
	memmove(sv->kicks.v, sv->kicks.v + n,
	    (sv->kicks.n - n) * sizeof(*sv->kicks.v));
	sv->kicks.n -= n;
}

void
conn_kick(struct conn *c)
{
	struct server *sv = c->sv;

	if (c->kicked)
		return;
	c->kicked = true;
	vec_add(&sv->kicks, c->id);
	if (sv->kick == 0)
		sv->kick = io_timer(sv->io, 0, on_kick, sv);
}

/* ---- events of a stream ---- */

static void
conn_free(struct conn *c)
{
	struct server *sv = c->sv;

	conn_admitted(c);
	if (c->ip != NULL && --c->ip->conns == 0) {
		map_dels(&sv->ips, c->ip->text);
		mem_free(c->ip);
	}
	map_deli(&sv->conns, c->id);
	http_in_free(c->http);
	ws_dec_fini(&c->ws);
	buf_fini(&c->in);
	vec_fini(&c->lens);
	mem_free(c);
}

static void
on_open(void *arg, io_id id)
{
	(void)arg;
	(void)id;
}

static void
on_data(void *arg, io_id id, const void *p, size_t n)
{
	struct conn *c = arg;

	(void)id;
	c->heard = io_mono(c->sv->io);
	if (c->state == C_READ || c->state == C_WAIT)
		http_input(c, p, n);
	else if (c->state == C_WS || c->state == C_CLOSING)
		ws_input(c, p, n);
}

static void
on_drain(void *arg, io_id id)
{
	struct conn *c = arg;

	if (c->flushing)
		conn_last(c);
	else if (c->state == C_READ)
		http_resume(c);
	else if (c->state == C_WS && c->sv->ops->ws_drain != NULL)
		c->sv->ops->ws_drain(c->sv->arg, id);
}

static void
on_close(void *arg, io_id id, enum io_why why)
{
	struct conn *c = arg;

	(void)id;
	(void)why;
	c->state = C_GONE;
	ws_tell(c);
	conn_free(c);
}

static const struct io_stream_cb stream_cb = { on_open, on_data, on_drain,
	on_close };

/* ---- coming in ---- */

static struct ip *
ip_of(struct server *sv, const char *text)
{
	struct ip *ip;

	if (*text == '\0')
		return NULL;
	ip = map_gets(&sv->ips, text);
	if (ip != NULL)
		return ip;
	ip = mem_zalloc(sizeof(*ip));
	memcpy(ip->text, text, strnlen(text, sizeof(ip->text) - 1));
	map_puts(&sv->ips, ip->text, ip);
	return ip;
}

static bool
is_full(const struct server *sv, const struct io_peer *peer)
{
	const struct ip *ip = map_gets(&sv->ips, peer->ip);

	return sv->conns.n >= sv->conf.conns_max ||
	    (ip != NULL && ip->fresh >= sv->conf.per_ip_new_max);
}

static void
on_accept(void *arg, io_id id, const struct io_peer *peer)
{
	struct server *sv = arg;
	int64_t now = io_mono(sv->io);
	struct conn *c;

	if (is_full(sv, peer)) {
		sv->refused++;
		io_close(sv->io, id, false);
		return;
	}
	c = mem_zalloc(sizeof(*c));
	c->id = id;
	c->sv = sv;
	c->ip = ip_of(sv, peer->ip);
	c->uid = peer->uid;
	c->pid = peer->pid;
	c->fresh = true;
	if (c->ip != NULL) {
		c->ip->conns++;
		c->ip->fresh++;
	}
	c->heard = c->moved = now;
	c->deadline = now + sv->conf.header_ms;
	c->code = WS_VANISHED;
	map_puti(&sv->conns, id, c);
	io_limit(sv->io, id, sv->conf.out_max, LOW_WATER);
	io_bind(sv->io, id, &stream_cb, c);
	arm_sweep(sv);
}

/* ---- the sweep ---- */

static bool
stalled(struct conn *c, int64_t now)
{
	size_t queued = io_queued(c->sv->io, c->id);
	uint64_t sent = c->written - queued;

	if (queued == 0 || sent != c->sent) {
		c->sent = sent;
		c->moved = now;
	}
	return now - c->moved > c->sv->conf.stall_ms;
}

static void
late(struct conn *c)
{
	struct io *io = c->sv->io;

	c->deadline = 0;
	if (c->state == C_READ && c->http == NULL && io_queued(io, c->id) > 0)
		c->deadline = io_mono(io) + c->sv->conf.idle_ms; /* it reads */
	else if (c->state == C_READ)
		http_late(c);
	else if (c->state == C_WS && !c->ended)
		server_close(c->sv, c->id, WS_POLICY, "no hello in time");
	else
		conn_kill(c);
}

static void
sweep_one(struct conn *c, int64_t now)
{
	const struct server_conf *conf = &c->sv->conf;

	if (c->state >= C_LAST && !c->flushing)
		return;
	if (stalled(c, now))
		conn_kill(c);
	else if (c->deadline != 0 && now >= c->deadline)
		late(c);
	else if (c->state == C_WS) {
		if (!c->stopped && now - c->heard > conf->pong_ms)
			conn_kill(c);
		else if (now - c->pinged >= conf->ping_ms) {
			c->pinged = now;
			ws_ping(c);
		}
	}
}

static void
on_sweep(void *arg, io_id timer)
{
	struct server *sv = arg;
	int64_t now = io_mono(sv->io);
	struct conn *c;

	(void)timer;
	sv->sweep = 0;
	for (size_t i = 0; (c = map_next(&sv->conns, &i)) != NULL;)
		sweep_one(c, now);
	if (sv->refused > 0)
		log_event(LOG_WARN, "conns_refused", "n",
		    log_i((int64_t)sv->refused), NULL);
	sv->refused = 0;
	arm_sweep(sv);
}

static void
arm_sweep(struct server *sv)
{
	if (sv->sweep == 0 && sv->conns.n > 0)
		sv->sweep = io_timer(sv->io, sv->sweep_ms, on_sweep, sv);
}

/* ---- the server ---- */

static void
least(int64_t *v, int64_t other)
{
	if (other < *v)
		*v = other;
}

static int64_t
or_ms(int64_t v, int64_t otherwise)
{
	return v > 0 ? v : otherwise;
}

static size_t
or_size(size_t v, size_t otherwise)
{
	return v > 0 ? v : otherwise;
}

struct server *
server_new(struct io *io, const struct server_conf *conf,
    const struct server_ops *ops, void *arg)
{
	struct server *sv = mem_zalloc(sizeof(*sv));
	struct server_conf *c = &sv->conf;

	*c = *conf;
	c->header_ms = or_ms(c->header_ms, 10000);
	c->body_ms = or_ms(c->body_ms, 30000);
	c->idle_ms = or_ms(c->idle_ms, 60000);
	c->ping_ms = or_ms(c->ping_ms, 30000);
	c->pong_ms = or_ms(c->pong_ms, 75000);
	c->stall_ms = or_ms(c->stall_ms, 60000);
	c->admit_ms = or_ms(c->admit_ms, 15000);
	c->header_max = or_size(c->header_max, 16 * 1024);
	c->body_max = or_size(c->body_max, 1024 * 1024);
	c->frame_max = or_size(c->frame_max, 1024 * 1024);
	c->conns_max = or_size(c->conns_max, 16384);
	c->per_ip_new_max = or_size(c->per_ip_new_max, 64);
	c->out_max = or_size(c->out_max, 8 * 1024 * 1024);
	sv->sweep_ms = 4000; /* a quarter of the shortest, 50 ms to 1 s */
	least(&sv->sweep_ms, c->header_ms);
	least(&sv->sweep_ms, c->ping_ms);
	least(&sv->sweep_ms, c->admit_ms);
	least(&sv->sweep_ms, c->pong_ms);
	least(&sv->sweep_ms, c->stall_ms);
	sv->sweep_ms = sv->sweep_ms / 4 < 50 ? 50 : sv->sweep_ms / 4;
	sv->io = io;
	sv->ops = ops;
	sv->arg = arg;
	return sv;
}

void
server_free(struct server *sv)
{
	struct conn *c;

	if (sv == NULL)
		return;
	server_unlisten(sv);
	io_timer_stop(sv->io, sv->sweep);
	io_timer_stop(sv->io, sv->kick);
	for (size_t i = 0; (c = map_next(&sv->conns, &i)) != NULL;) {
		if (c->state == C_WS)
			server_close(sv, c->id, WS_GOING_AWAY, "going away");
		io_timer_stop(sv->io, sv->kick);
		io_bind(sv->io, c->id, &io_nobody, NULL);
		io_close(sv->io, c->id, true);
		conn_free(c);
	}
	vec_fini(&sv->listeners);
	vec_fini(&sv->kicks);
	map_fini(&sv->conns);
	map_fini(&sv->ips);
	mem_free(sv);
}

int
server_listen(struct server *sv, struct io_addr *addr, char *why,
    size_t why_cap)
{
	io_id id = io_listen(sv->io, addr, on_accept, sv, why, why_cap);

	if (id == 0)
		return -1;
	vec_add(&sv->listeners, id);
	return 0;
}

void
server_unlisten(struct server *sv)
{
	for (size_t i = 0; i < sv->listeners.n; i++)
		io_unlisten(sv->io, sv->listeners.v[i]);
	sv->listeners.n = 0;
}

size_t
server_conns(const struct server *sv)
{
	return sv->conns.n;
}

void
server_admit(struct server *sv, io_id id)
{
	struct conn *c = conn_get(sv, id);

	if (c == NULL || c->state != C_WS)
		return;
	conn_admitted(c);
	if (!c->ended)
		c->deadline = 0;
}

size_t
server_queued(struct server *sv, io_id id)
{
	return io_queued(sv->io, id);
}

void
server_pause(struct server *sv, io_id id, bool paused)
{
	struct conn *c = conn_get(sv, id);

	if (c == NULL || c->state != C_WS)
		return;
	c->paused = paused;
	conn_reading(c);
}
