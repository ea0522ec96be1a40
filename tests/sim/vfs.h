/*
 * vfs.h - a disk that forgets what was not synced: a SQLite VFS of memory files
 * for the simulator and the tests of the store. Time and randomness come from
 * the seed, so a failing seed replays exactly.
 *
 * There is no shared memory: open with db_conf.exclusive, and name the VFS in
 * db_conf.vfs. One connection at a time. (The simulator's side is the one place
 * outside src/store that includes sqlite3.h.)
 *
 * A crash: every write since the file's last sync is, sector by sector, dropped,
 * kept, kept up to some earlier one, or torn inside the sector. A file that was
 * never synced may be gone. A deleted file stays deleted.
 */
#ifndef SIM_VFS_H
#define SIM_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfs;

/* sector: 512 or 4096. The name must be unique while it lives. SQLite's own
 * generator, of which the process has one, starts anew from this seed. */
struct vfs *vfs_new(const char *name, uint64_t seed, size_t sector);
void vfs_free(struct vfs *); /* every db on it is closed */
/* The files as readers of `from` see them now, all synced. `to` is new. */
void vfs_copy(struct vfs *to, const struct vfs *from);

/*
 * The power goes. Whatever is open fails from now on (and is to be closed);
 * what is opened next finds what was left.
 */
void vfs_crash(struct vfs *, uint64_t seed);
/* Power off at the nth write, sync, truncation or deletion from now (1: the
 * next; 0: never): it and all that follow fail, until vfs_crash. */
void vfs_power_off_at(struct vfs *, int64_t nth);
bool vfs_is_off(const struct vfs *);

/* The nth write from now finds the disk full (1: the next; 0: never), and so
 * do all after it when `on` is set. */
void vfs_full_at(struct vfs *, int64_t nth, bool on);
/* Bytes all files may have together; -1: no limit. */
void vfs_room(struct vfs *, int64_t bytes);
/* The nth sync from now fails (0: never). As on Linux what it was about may be
 * lost while a later sync succeeds. */
void vfs_fail_sync_at(struct vfs *, int64_t nth);
/* The nth write from now fails with an I/O error (0: never). */
void vfs_fail_write_at(struct vfs *, int64_t nth);
/* Syncs do nothing: the fault the simulator has to find. */
void vfs_nofsync(struct vfs *, bool);

void vfs_clock(struct vfs *, int64_t (*wall_ms)(void *), void *arg);
bool vfs_flip(struct vfs *, const char *path, size_t at); /* one byte spoiled */
int64_t vfs_size(struct vfs *, const char *path);	  /* -1: no such file */
uint64_t vfs_ops(
    const struct vfs *); /* writes, syncs, truncations, deletions */
uint64_t vfs_syncs(const struct vfs *);

#endif
