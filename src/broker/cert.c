/*
 * cert.c - the broker's certificate, kept fresh. Whoever renews it (certbot, a
 * person) writes two files, one after the other: a change is acted on when both
 * have been still for a moment, and a pair that does not stand is refused with
 * an error in the log while the old one goes on.
 */
#include "broker/cert.h"

#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define LOOK_MS 1000
#define SOON_MS (14 * 24 * 3600 * 1000LL)

struct seen { /* of the two files: enough to tell a change */
	int64_t mtime_ns[2], size[2];
	uint64_t ino[2];
};

struct cert_watch {
	struct io *io;
	struct tls_server *server;
	char *file[2]; /* certificate, key */
	struct seen loaded, last;
	io_id timer;
	int64_t warned_at; /* that it expires soon */
};

static struct seen
look(const struct cert_watch *w)
{
	struct seen s;
	struct stat st;

	memset(&s, 0, sizeof(s)); /* it is compared whole */
	for (int i = 0; i < 2; i++) {
		if (stat(w->file[i], &st) != 0)
			continue;
		s.mtime_ns[i] = (int64_t)st.st_mtim.tv_sec * 1000000000 +
		    st.st_mtim.tv_nsec;
		s.size[i] = st.st_size;
		s.ino[i] = st.st_ino;
	}
	return s;
}

static bool
same(const struct seen *a, const struct seen *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void
tell_expiry(struct cert_watch *w)
{
	int64_t at = tls_server_expires(w->server), now = io_wall(w->io);
	char iso[CLOCK_ISO_LEN + 1];

	if (at - now > SOON_MS || now - w->warned_at < SOON_MS / 14)
		return;
	w->warned_at = now;
	clock_iso(iso, at);
	log_event(at < now ? LOG_ERROR : LOG_WARN, "certificate_expires",
	    "file", w->file[0], "at", iso, NULL);
}

static int
load(struct cert_watch *w, struct why *why)
{
	char text[TLS_WHY], iso[CLOCK_ISO_LEN + 1];

	w->loaded = w->last = look(w);
	if (tls_server_load(w->server, w->file[0], w->file[1], text) != 0)
		return why_set(why, E_USAGE, "%s", text);
	clock_iso(iso, tls_server_expires(w->server));
	log_event(LOG_INFO, "certificate_loaded", "file", w->file[0], "pin",
	    tls_server_pin(w->server), "expires", iso, NULL);
	w->warned_at = 0;
	tell_expiry(w);
	return OK;
}

void
cert_reload(struct cert_watch *w)
{
	struct why why = { 0 };

	if (w != NULL && load(w, &why) != OK)
		log_event(LOG_ERROR, "certificate_refused", "why", why.text,
		    "now", "the old one stays", NULL);
}

static void
on_look(void *arg, io_id timer)
{
	struct cert_watch *w = arg;
	struct seen now = look(w);

	(void)timer;
	if (!same(&now, &w->loaded) && same(&now, &w->last))
		cert_reload(w);
	w->last = now;
	tell_expiry(w);
	w->timer = io_timer(w->io, LOOK_MS, on_look, w);
}

struct cert_watch *
cert_watch_new(struct io *io, const char *cert, const char *key,
    struct why *why)
{
	struct cert_watch *w = mem_zalloc(sizeof(*w));

	w->io = io;
	w->server = tls_server_new();
	w->file[0] = mem_strdup(cert);
	w->file[1] = mem_strdup(key);
	if (load(w, why) != OK) {
		cert_watch_free(w);
		return NULL;
	}
	w->timer = io_timer(io, LOOK_MS, on_look, w);
	return w;
}

void
cert_watch_free(struct cert_watch *w)
{
	if (w == NULL)
		return;
	tls_server_free(w->server);
	mem_free(w->file[0]);
	mem_free(w->file[1]);
	mem_free(w);
}

struct tls_server *
cert_server(struct cert_watch *w)
{
	return w != NULL ? w->server : NULL;
}
