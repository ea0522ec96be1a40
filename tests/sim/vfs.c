/*
 * vfs.c - a disk that forgets, as SQLite asks for it. The contract is in vfs.h,
 * the files and the crash are in vfs_disk.c.
 */
#include <string.h>

#include "base/mem.h"
#include "tests/sim/vfs_disk.h"

struct handle {
	sqlite3_file base;
	struct vfs *v;
	struct file *f;
	uint64_t generation;
	bool delete_on_close;
};

/* ---- faults ---- */

static bool
due(int64_t *at)
{
	return *at > 0 && --*at == 0;
}

static bool
alive(const struct handle *h)
{
	return !h->v->off && h->generation == h->v->generation;
}

static bool
lost_power(struct vfs *v)
{
	v->ops++;
	if (due(&v->off_at))
		v->off = true;
	return v->off;
}

static int64_t
total(const struct vfs *v)
{
	int64_t n = 0;

	for (const struct file *f = v->files; f != NULL; f = f->next)
		n += (int64_t)f->now.n;
	return n;
}

static bool
is_full(struct vfs *v, const struct file *f, size_t end)
{
	if (due(&v->full_at))
		return true;
	if (v->full && v->full_at == 0)
		return true;
	return v->room >= 0 && end > f->now.n &&
	    total(v) + (int64_t)(end - f->now.n) > v->room;
}

/* ---- the file's methods ---- */

static int
on_close(sqlite3_file *sf)
{
	struct handle *h = (struct handle *)sf;

	if (h->f->locked_by == h)
		h->f->locked_by = NULL;
	if (h->delete_on_close && h->generation == h->v->generation)
		disk_forget(h->f);
	return SQLITE_OK;
}

static int
on_read(sqlite3_file *sf, void *p, int n, sqlite3_int64 at)
{
	struct handle *h = (struct handle *)sf;
	const struct bytes *b = &h->f->now;
	size_t have;

	if (!alive(h))
		return SQLITE_IOERR_READ;
	have = (size_t)at >= b->n ? 0 : b->n - (size_t)at;
	if (have > (size_t)n)
		have = (size_t)n;
	if (have > 0)
		memcpy(p, b->p + at, have);
	memset((uint8_t *)p + have, 0, (size_t)n - have);
	return have == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static void
add_write(struct file *f, size_t at, const void *p, size_t n)
{
	struct op o = { .at = at, .n = n };

	if (n == 0)
		return;
	o.p = mem_dup(p, n);
	disk_write(&f->now, at, p, n);
	vec_add(&f->log, o);
}

static int
on_write(sqlite3_file *sf, const void *p, int n, sqlite3_int64 at)
{
	struct handle *h = (struct handle *)sf;
	struct vfs *v = h->v;

	if (!alive(h) || lost_power(v))
		return SQLITE_IOERR_WRITE;
	if (due(&v->write_at))
		return SQLITE_IOERR_WRITE;
	if (is_full(v, h->f, (size_t)at + (size_t)n)) {
		if (v->room < 0) /* as a real disk: a part still fits */
			add_write(h->f, (size_t)at, p,
			    disk_below(&v->rng, (size_t)n));
		return SQLITE_FULL;
	}
	add_write(h->f, (size_t)at, p, (size_t)n);
	return SQLITE_OK;
}

static int
on_truncate(sqlite3_file *sf, sqlite3_int64 size)
{
	struct handle *h = (struct handle *)sf;
	struct op o = { .at = (size_t)size };

	if (!alive(h) || lost_power(h->v))
		return SQLITE_IOERR_TRUNCATE;
	disk_size(&h->f->now, (size_t)size);
	vec_add(&h->f->log, o);
	return SQLITE_OK;
}

static int
on_sync(sqlite3_file *sf, int flags)
{
	struct handle *h = (struct handle *)sf;
	struct vfs *v = h->v;
	bool fails;

	(void)flags;
	if (!alive(h) || lost_power(v))
		return SQLITE_IOERR_FSYNC;
	v->syncs++;
	if (v->nofsync)
		return SQLITE_OK;
	fails = due(&v->sync_at);
	for (size_t i = 0; i < h->f->log.n; i++)
		if (!fails || disk_below(&v->rng, 2) == 0)
			disk_play(h->f, &h->f->log.v[i]);
	disk_log_clear(h->f);
	if (fails)
		return SQLITE_IOERR_FSYNC;
	h->f->synced = true;
	return SQLITE_OK;
}

static int
on_size(sqlite3_file *sf, sqlite3_int64 *size)
{
	struct handle *h = (struct handle *)sf;

	if (!alive(h))
		return SQLITE_IOERR_FSTAT;
	*size = (sqlite3_int64)h->f->now.n;
	return SQLITE_OK;
}

static int
on_lock(sqlite3_file *sf, int level)
{
	struct handle *h = (struct handle *)sf;

	(void)level;
	if (!alive(h))
		return SQLITE_IOERR_LOCK;
	if (h->f->locked_by != NULL && h->f->locked_by != h)
		return SQLITE_BUSY;
	h->f->locked_by = h;
	return SQLITE_OK;
}

static int
on_unlock(sqlite3_file *sf, int level)
{
	struct handle *h = (struct handle *)sf;

	if (level == SQLITE_LOCK_NONE && h->f->locked_by == h)
		h->f->locked_by = NULL;
	return SQLITE_OK;
}

static int
on_reserved(sqlite3_file *sf, int *out)
{
	struct handle *h = (struct handle *)sf;

	*out = h->f->locked_by != NULL && h->f->locked_by != h;
	return SQLITE_OK;
}

static int
on_control(sqlite3_file *sf, int op, void *arg)
{
	(void)sf;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int
on_sector(sqlite3_file *sf)
{
	return (int)((struct handle *)sf)->v->sector;
}

static int
on_traits(sqlite3_file *sf)
{
	(void)sf;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1, /* no shared memory */
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_reserved,
	.xFileControl = on_control,
	.xSectorSize = on_sector,
	.xDeviceCharacteristics = on_traits,
};

/* ---- the disk's methods ---- */

static int
on_open(sqlite3_vfs *sv, const char *name, sqlite3_file *sf, int flags,
    int *out_flags)
{
	struct vfs *v = sv->pAppData;
	struct handle *h = (struct handle *)sf;
	struct file *f = name == NULL ? NULL : disk_find(v, name);

	h->base.pMethods = NULL;
	if (v->off)
		return SQLITE_IOERR;
	if ((f == NULL || !f->exists) && (flags & SQLITE_OPEN_CREATE) == 0)
		return SQLITE_CANTOPEN;
	if (f == NULL)
		f = disk_new(v, name);
	f->exists = true;
	h->v = v;
	h->f = f;
	h->generation = v->generation;
	h->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
	h->base.pMethods = &methods;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
on_delete(sqlite3_vfs *sv, const char *name, int sync_dir)
{
	struct vfs *v = sv->pAppData;
	struct file *f = disk_find(v, name);

	(void)sync_dir;
	if (v->off || lost_power(v))
		return SQLITE_IOERR_DELETE;
	if (f == NULL || !f->exists)
		return SQLITE_IOERR_DELETE_NOENT;
	disk_forget(f);
	return SQLITE_OK;
}

static int
on_access(sqlite3_vfs *sv, const char *name, int flags, int *out)
{
	const struct file *f = disk_find(sv->pAppData, name);

	*out = f != NULL && f->exists &&
	    (flags != SQLITE_ACCESS_EXISTS || f->now.n > 0);
	return SQLITE_OK;
}

static int
on_full_name(sqlite3_vfs *sv, const char *name, int n, char *out)
{
	(void)sv;
	sqlite3_snprintf(n, out, "%s", name);
	return SQLITE_OK;
}

static int
on_random(sqlite3_vfs *sv, int n, char *out)
{
	struct vfs *v = sv->pAppData;

	for (int i = 0; i < n; i++)
		out[i] = (char)disk_chance(&v->rng);
	return n;
}

static int
on_sleep(sqlite3_vfs *sv, int us)
{
	((struct vfs *)sv->pAppData)->slept_us += us;
	return us;
}

static int
on_time64(sqlite3_vfs *sv, sqlite3_int64 *out)
{
	struct vfs *v = sv->pAppData;
	int64_t ms = v->wall_ms == NULL ? 0 : v->wall_ms(v->arg);

	*out = ms + v->slept_us / 1000 + INT64_C(210866760000000);
	return SQLITE_OK;
}

static int
on_time(sqlite3_vfs *sv, double *out)
{
	sqlite3_int64 ms;

	on_time64(sv, &ms);
	*out = (double)ms / 86400000.0;
	return SQLITE_OK;
}

static int
on_last_error(sqlite3_vfs *sv, int n, char *out)
{
	(void)sv;
	if (n > 0)
		out[0] = '\0';
	return 0;
}

/* SQLite has one generator for the process and seeds it from the default VFS:
 * be that for a moment. */
static void
reseed(struct vfs *v)
{
	sqlite3_vfs *was = sqlite3_vfs_find(NULL);
	char one;

	sqlite3_vfs_register(&v->base, 1);
	sqlite3_randomness(0, NULL);
	sqlite3_randomness(1, &one);
	sqlite3_vfs_register(was, 1);
}

struct vfs *
vfs_new(const char *name, uint64_t seed, size_t sector)
{
	struct vfs *v = mem_zalloc(sizeof(*v));

	v->base = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = sizeof(struct handle),
		.mxPathname = 512,
		.zName = mem_strdup(name),
		.pAppData = v,
		.xOpen = on_open,
		.xDelete = on_delete,
		.xAccess = on_access,
		.xFullPathname = on_full_name,
		.xRandomness = on_random,
		.xSleep = on_sleep,
		.xCurrentTime = on_time,
		.xGetLastError = on_last_error,
		.xCurrentTimeInt64 = on_time64,
	};
	v->sector = sector;
	v->rng = seed;
	v->room = -1;
	sqlite3_initialize();
	reseed(v);
	return v;
}

void
vfs_free(struct vfs *v)
{
	struct file *f, *next;

	if (v == NULL)
		return;
	sqlite3_vfs_unregister(&v->base);
	for (f = v->files; f != NULL; f = next) {
		next = f->next;
		disk_free(f);
	}
	mem_free((char *)v->base.zName);
	mem_free(v);
}

/* ---- what tests ask for ---- */

void
vfs_power_off_at(struct vfs *v, int64_t nth)
{
	v->off_at = nth;
}

bool
vfs_is_off(const struct vfs *v)
{
	return v->off;
}

void
vfs_full_at(struct vfs *v, int64_t nth, bool on)
{
	v->full_at = nth;
	v->full = on;
}

void
vfs_room(struct vfs *v, int64_t bytes)
{
	v->room = bytes;
}

void
vfs_fail_sync_at(struct vfs *v, int64_t nth)
{
	v->sync_at = nth;
}

void
vfs_fail_write_at(struct vfs *v, int64_t nth)
{
	v->write_at = nth;
}

void
vfs_nofsync(struct vfs *v, bool on)
{
	v->nofsync = on;
}

void
vfs_clock(struct vfs *v, int64_t (*wall_ms)(void *), void *arg)
{
	v->wall_ms = wall_ms;
	v->arg = arg;
}

bool
vfs_flip(struct vfs *v, const char *path, size_t at)
{
	struct file *f = disk_find(v, path);

	if (f == NULL || !f->exists || at >= f->now.n)
		return false;
	f->now.p[at] ^= 0x55;
	if (at < f->disk.n)
		f->disk.p[at] ^= 0x55;
	return true;
}

int64_t
vfs_size(struct vfs *v, const char *path)
{
	const struct file *f = disk_find(v, path);

	return f == NULL || !f->exists ? -1 : (int64_t)f->now.n;
}

uint64_t
vfs_ops(const struct vfs *v)
{
	return v->ops;
}

uint64_t
vfs_syncs(const struct vfs *v)
{
	return v->syncs;
}
