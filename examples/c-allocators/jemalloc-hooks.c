#define _GNU_SOURCE
#include "jemalloc-hooks.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The free memory of the pool is a list inside that memory, which is not zero anyway. */
struct hole {
    size_t size;
    struct hole *next;
};

static void give(struct pool *pool, void *start, size_t size)
{
    struct hole *hole = start, **at = &pool->holes, *before = NULL;

    pthread_mutex_lock(&pool->lock);
    while (*at != NULL && *at < hole) {
        before = *at;
        at = &before->next;
    }
    hole->size = size;
    hole->next = *at;
    *at = hole;
    if (hole->next == (void *)((char *)hole + hole->size)) {
        hole->size += hole->next->size;
        hole->next = hole->next->next;
    }
    if (before != NULL && hole == (void *)((char *)before + before->size)) {
        before->size += hole->size;
        before->next = hole->next;
    }
    pthread_mutex_unlock(&pool->lock);
}

static void *take(struct pool *pool, size_t size, size_t alignment)
{
    char *found = NULL;

    pthread_mutex_lock(&pool->lock);
    for (struct hole **at = &pool->holes; *at != NULL; at = &(*at)->next) {
        struct hole *hole = *at;
        size_t skip = -(uintptr_t)hole & (alignment - 1);
        size_t rest;

        if (hole->size < skip || hole->size - skip < size)
            continue;
        found = (char *)hole + skip;
        rest = hole->size - skip - size;
        if (rest != 0) {
            struct hole *after = (struct hole *)(found + size);

            after->size = rest;
            after->next = hole->next;
            hole->next = after;
        }
        if (skip != 0)
            hole->size = skip;
        else
            *at = hole->next;
        break;
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

static void *hook_alloc(extent_hooks_t *hooks, void *address, size_t size, size_t alignment, bool *zero, bool *commit,
                        unsigned arena)
{
    struct pool *pool = (struct pool *)hooks;
    void *extent;

    (void)arena;
    /* To grow a block in place. Without it jemalloc moves the block. */
    if (address != NULL)
        return NULL;
    extent = take(pool, size, alignment);
    if (extent == NULL)
        return NULL;
    if (*zero && !pool->on_alloc) {
        /* jemalloc's metadata. On entry *zero is a demand. */
        memset(extent, 0, size);
    } else if (pool->on_alloc) {
        /* With opt.retain jemalloc asks for more than one block, without *zero. A true *zero spares it a memset of
         * each block that it cuts from the extent. */
        if (pool->wipe(extent, size) != 0) {
            give(pool, extent, size);
            return NULL;
        }
        *zero = true;
    }
    *commit = true;
    return extent;
}

/* Returns true to refuse: jemalloc then calls hook_purge_forced and keeps the extent, as zeroed if that returns false. */
static bool hook_dalloc(extent_hooks_t *hooks, void *extent, size_t size, bool committed, unsigned arena)
{
    struct pool *pool = (struct pool *)hooks;

    (void)committed, (void)arena;
    if (pool->keep || pool->on_free)
        return true;
    give(pool, extent, size);
    return false;
}

/* jemalloc takes false for a promise that the bytes read as zero. */
static bool hook_purge_forced(extent_hooks_t *hooks, void *extent, size_t size, size_t offset, size_t length, unsigned arena)
{
    struct pool *pool = (struct pool *)hooks;

    (void)size, (void)arena;
    return !pool->on_free || pool->wipe((char *)extent + offset, length) != 0;
}

/* Without these two jemalloc cannot cut extents, and reuses almost none. */
static bool hook_split(extent_hooks_t *hooks, void *extent, size_t size, size_t first, size_t second, bool committed,
                       unsigned arena)
{
    (void)hooks, (void)extent, (void)size, (void)first, (void)second, (void)committed, (void)arena;
    return false;
}

static bool hook_merge(extent_hooks_t *hooks, void *first, size_t first_size, void *second, size_t second_size, bool committed,
                       unsigned arena)
{
    (void)hooks, (void)first, (void)first_size, (void)second, (void)second_size, (void)committed, (void)arena;
    return false;
}

/* Extents are purged, or returned to the pool, when they are freed. */
static int decay_at_once(unsigned arena, const char *which)
{
    char name[64];
    ssize_t at_once = 0;

    snprintf(name, sizeof name, "arena.%u.%s_decay_ms", arena, which);
    return mallctl(name, NULL, NULL, &at_once, sizeof at_once);
}

int pool_arena(struct pool *pool, void *start, size_t size, unsigned *arena)
{
    extent_hooks_t *hooks = &pool->hooks;
    size_t len = sizeof *arena;
    int error = pthread_mutex_init(&pool->lock, NULL);

    if (error != 0)
        return error;
    *hooks = (extent_hooks_t) {
        .alloc = hook_alloc, .dalloc = hook_dalloc, .purge_forced = hook_purge_forced,
        .split = hook_split, .merge = hook_merge,
    };
    pool->holes = NULL;
    give(pool, start, size);
    error = mallctl("arenas.create", arena, &len, &hooks, sizeof hooks);
    if (error == 0)
        error = decay_at_once(*arena, "dirty");
    if (error == 0)
        error = decay_at_once(*arena, "muzzy");
    return error;
}
