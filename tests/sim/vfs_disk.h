/*
 * vfs_disk.h - what vfs.c and vfs_disk.c share.
 */
#ifndef SIM_VFS_DISK_H
#define SIM_VFS_DISK_H

#include <sqlite3.h>

#include "base/vec.h"
#include "tests/sim/vfs.h"

struct bytes {
	uint8_t *p;
	size_t n, cap;
};

struct op {
	size_t at, n;
	uint8_t *p; /* NULL: truncated to `at` */
};

struct handle;
struct file {
	struct file *next;
	char *name; /* NULL: a temporary one */
	struct bytes now, disk;
	VEC(struct op) log;
	bool exists, synced; /* synced: its name stands, too */
	uint64_t no;
	struct handle *locked_by;
};

struct vfs {
	sqlite3_vfs base;
	size_t sector;
	uint64_t rng, generation, nfile, ops, syncs;
	struct file *files;
	bool off, nofsync, full;
	int64_t off_at, full_at, sync_at, write_at; /* 0: never */
	int64_t room;
	int64_t (*wall_ms)(void *);
	void *arg;
	int64_t slept_us;
};

uint64_t disk_chance(uint64_t *state); /* splitmix64 */
size_t disk_below(uint64_t *state, size_t n);
void disk_size(struct bytes *, size_t n);
void disk_write(struct bytes *, size_t at, const uint8_t *p, size_t n);
struct file *disk_find(struct vfs *, const char *name); /* deleted ones, too */
struct file *disk_new(struct vfs *, const char *name);
void disk_log_clear(struct file *);
void disk_forget(struct file *); /* deleted */
void disk_free(struct file *);
void disk_play(struct file *, const struct op *); /* into the disk's image */

#endif
