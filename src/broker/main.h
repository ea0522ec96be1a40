/*
 * main.h - the broker from outside. broker_new makes the core, which does no
 * I/O of its own except through io.h and db.h, so the simulator runs it, too;
 * broker_run is the real process around it.
 */
#ifndef BROKER_MAIN_H
#define BROKER_MAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "net/io.h"
#include "net/server.h"
#include "net/tls.h"
#include "wire/wire.h"

enum create_policy { CREATE_AUTO, CREATE_OPEN, CREATE_TOKEN, CREATE_NONE };

struct broker_limits {	      /* zero means the default in brackets */
	int64_t queue_count;  /* messages waiting per recipient queue [10000] */
	int64_t queue_bytes;  /* their ciphertext [64 MiB] */
	int64_t sender_count; /* undelivered per sending session [10000] */
	int64_t mesh_count;   /* messages waiting per mesh [1000000] */
	int64_t mesh_bytes;   /* ciphertext per mesh [256 MiB] */
	int64_t send_rate;    /* messages a second per member [100] */
	int64_t send_burst;   /* at once [1000] */
	int64_t member_here;  /* sessions of a member that are here [4096] */
	int64_t member_known; /* and that are remembered [10000] */
	int64_t member_conns; /* its connections [4096] */
	int64_t member_daemons; /* its queues [1000] */
	int64_t act_burst; /* acts by a member at once; then 1 a second [200] */
	int64_t meshes;	   /* that exist here [10000] */
	int64_t members;   /* of a mesh [10000] */
	int64_t acts; /* of a mesh: every client replays them all [100000] */
	int64_t state_keys;   /* of a mesh, deleted ones too [100000] */
	int64_t memory_count; /* of a mesh, forgotten ones too [1000000] */
	int64_t memory_bytes; /* [512 MiB] */
	int64_t state_bytes;  /* of its keys and values [64 MiB] */
	int64_t lease_ms;     /* grace of a lost connection [90 s] */
	int64_t keep_ms;      /* undelivered messages [30 days] */
};

struct broker_conf {		   /* borrowed during broker_new only */
	const char *const *listen; /* NULL-ended: "127.0.0.1:7900" */
	const char *const *url;	   /* NULL-ended, or NULL: loopback only */
	struct tls_server *cert;   /* TLS with it; borrowed until freed */
	enum create_policy create; /* AUTO: open when all listen on loopback */
	const char *token;	   /* what CREATE_TOKEN asks for */
	const char *version;
	const char *db_path, *db_vfs;
	bool db_exclusive;
	struct broker_limits limits;
	struct server_conf server; /* its origins are not copied */
	/* The disk failed or memory cannot be trusted: end the process. */
	void (*fatal)(void *arg);
	/* After broker_drain: everybody was told, nobody is connected. */
	void (*drained)(void *arg);
	void *arg;
};

struct broker;
struct config;

/* NULL with why. Takes the io's turn function. */
struct broker *broker_new(struct io *, const struct broker_conf *,
    struct why *);
void broker_free(struct broker *); /* NULL is fine */
/* Accept nobody new, finish the turn, say close 1001 to all, then drained(). */
void broker_drain(struct broker *);
/* Takes url, create, token and limits of another conf; the rest stays. */
void broker_reload(struct broker *, const struct broker_conf *);
/* The address of listener i with the port that was picked; NULL past the last. */
const struct io_addr *broker_addr(const struct broker *, size_t i);

/* ---- the process (run.c) ---- */

struct broker_options {
	const struct config *config; /* as read; `data` is set */
	const char *create_token;    /* from the environment, or NULL */
	enum log_level log_level;
	const char *version;
};

/*
 * Runs until SIGTERM or SIGINT. Exit status for the shell: 0, or what the error
 * says; the reason goes to standard error. While it listens, data/broker.addr
 * holds "host:port\n" of the first listener and data/broker.pid its process id.
 */
int broker_run(const struct broker_options *);
/* The same in a child, which is started again when it crashes (keeper.c). While
 * it runs data/broker.keeper holds our process id; data/broker.crashed says why
 * it was given up. */
int broker_keep(const struct broker_options *);

/* ---- a copy takes its place (restore.c) ---- */

/*
 * The broker of that folder must not run (E_CONFLICT). aside: where what was
 * there went, "" when there was nothing. An error changes nothing.
 */
int broker_restore(const char *data, const char *file, char *aside, size_t cap,
    struct why *);

#endif
