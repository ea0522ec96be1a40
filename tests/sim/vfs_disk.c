/*
 * vfs_disk.c - the files of the disk that forgets, and what a crash leaves.
 *
 * A file is two images: `now`, what its readers see, and `disk`, what stands
 * after a power cut, with the log of the operations between the two. A sync
 * plays the log into `disk`; a crash plays a part of it. Not modelled: reordering
 * of a deletion, and wrong bytes where nobody wrote (SQLite is told so:
 * SQLITE_IOCAP_POWERSAFE_OVERWRITE, as on Unix).
 */
#include <string.h>

#include "base/mem.h"
#include "tests/sim/vfs_disk.h"

/* ---- chance (splitmix64) ---- */

uint64_t
disk_chance(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

size_t
disk_below(uint64_t *state, size_t n)
{
	return n == 0 ? 0 : (size_t)(disk_chance(state) % n);
}

/* ---- bytes ---- */

void
disk_size(struct bytes *b, size_t n)
{
	if (n > b->cap) {
		b->cap = n * 2;
		b->p = mem_realloc(b->p, b->cap);
	}
	if (n > b->n)
		memset(b->p + b->n, 0, n - b->n);
	b->n = n;
}

void
disk_write(struct bytes *b, size_t at, const uint8_t *p, size_t n)
{
	if (n == 0)
		return;
	if (at + n > b->n)
		disk_size(b, at + n);
	memcpy(b->p + at, p, n);
}

static void
bytes_copy(struct bytes *to, const struct bytes *from)
{
	to->n = 0;
	disk_write(to, 0, from->p, from->n);
}

/* ---- files ---- */

struct file *
disk_find(struct vfs *v, const char *name)
{
	struct file *f;

	for (f = v->files; f != NULL; f = f->next)
		if (f->name != NULL && strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

struct file *
disk_new(struct vfs *v, const char *name)
{
	struct file *f = mem_zalloc(sizeof(*f));

	f->name = mem_strdup(name);
	f->no = ++v->nfile;
	f->next = v->files;
	v->files = f;
	return f;
}

void
disk_log_clear(struct file *f)
{
	for (size_t i = 0; i < f->log.n; i++)
		mem_free(f->log.v[i].p);
	f->log.n = 0;
}

void
disk_forget(struct file *f)
{
	disk_log_clear(f);
	f->now.n = f->disk.n = 0;
	f->exists = f->synced = false;
}

void
disk_free(struct file *f)
{
	disk_log_clear(f);
	vec_fini(&f->log);
	mem_free(f->now.p);
	mem_free(f->disk.p);
	mem_free(f->name);
	mem_free(f);
}

void
disk_play(struct file *f, const struct op *o)
{
	if (o->p == NULL)
		disk_size(&f->disk, o->at);
	else
		disk_write(&f->disk, o->at, o->p, o->n);
}

void
vfs_copy(struct vfs *to, const struct vfs *from)
{
	const struct file *f;
	struct file *copy;

	for (f = from->files; f != NULL; f = f->next) {
		if (!f->exists || f->name == NULL)
			continue;
		copy = disk_new(to, f->name);
		bytes_copy(&copy->now, &f->now);
		bytes_copy(&copy->disk, &f->now);
		copy->exists = copy->synced = true;
	}
}

/* ---- a crash ---- */

/* What becomes of the writes to one sector. */
struct fate {
	size_t writes, kept, seen;
	bool tear; /* a part of the first that is not kept arrives */
};

static size_t
nsectors(const struct vfs *v, const struct file *f)
{
	size_t end = 0;

	for (size_t i = 0; i < f->log.n; i++)
		if (f->log.v[i].at + f->log.v[i].n > end)
			end = f->log.v[i].at + f->log.v[i].n;
	return end / v->sector + 1;
}

static void
count_writes(const struct vfs *v, const struct file *f, struct fate *fate)
{
	for (size_t i = 0; i < f->log.n; i++) {
		const struct op *o = &f->log.v[i];

		for (size_t s = o->at / v->sector;
		     o->p != NULL && s * v->sector < o->at + o->n; s++)
			fate[s].writes++;
	}
}

/* percent: how many of the sectors are kept whole. Of the rest half are dropped
 * whole; the others are kept up to some write. */
static void
decide(struct fate *fate, size_t n, size_t percent, uint64_t *rng)
{
	for (size_t s = 0; s < n; s++) {
		if (disk_below(rng, 100) < percent) {
			fate[s].kept = fate[s].writes;
		} else if (percent > 0 && disk_below(rng, 2) == 0) {
			fate[s].kept = disk_below(rng, fate[s].writes);
			fate[s].tear = true;
		}
	}
}

static void
play_piece(struct file *f, const struct op *o, size_t from, size_t to,
    struct fate *fate, uint64_t *rng)
{
	size_t cut = from + disk_below(rng, to - from);
	size_t nth = fate->seen++;

	if (nth > fate->kept || (nth == fate->kept && !fate->tear))
		return;
	if (nth == fate->kept && disk_below(rng, 2) == 0)
		from = cut;
	else if (nth == fate->kept)
		to = cut;
	disk_write(&f->disk, from, o->p + (from - o->at), to - from);
}

static void
play_some(struct vfs *v, struct file *f, const struct op *o, struct fate *fate,
    uint64_t *rng)
{
	size_t s = o->at / v->sector, end = o->at + o->n;

	for (; s * v->sector < end; s++) {
		size_t from = s * v->sector, to = from + v->sector;

		play_piece(f, o, from < o->at ? o->at : from,
		    to > end ? end : to, &fate[s], rng);
	}
}

static void
disk_crash(struct vfs *v, struct file *f, size_t percent, uint64_t *rng)
{
	size_t n = nsectors(v, f), i;
	size_t cuts = percent == 100 ? f->log.n : disk_below(rng, f->log.n + 1);
	struct fate *fate = mem_zalloc(n * sizeof(*fate));

	count_writes(v, f, fate);
	decide(fate, n, percent, rng);
	for (i = 0; i < f->log.n; i++) {
		if (f->log.v[i].p != NULL)
			play_some(v, f, &f->log.v[i], fate, rng);
		else if (i < cuts)
			disk_play(f, &f->log.v[i]);
	}
	mem_free(fate);
	disk_log_clear(f);
	bytes_copy(&f->now, &f->disk);
	if (f->name == NULL || (!f->synced && disk_below(rng, 100) >= percent))
		disk_forget(f);
	f->locked_by = NULL;
}

void
vfs_crash(struct vfs *v, uint64_t seed)
{
	static const size_t percents[] = { 0, 10, 50, 90, 100 };
	size_t percent = percents[disk_below(&seed, countof(percents))];
	struct file *f;

	for (f = v->files; f != NULL; f = f->next)
		if (f->exists)
			disk_crash(v, f, percent, &seed);
	v->generation++;
	v->off = v->full = false;
	v->off_at = v->full_at = v->sync_at = v->write_at = 0;
}
