#define _GNU_SOURCE
#include "arm.h"
#include "jemalloc-hooks.h"

const struct arm arms[] = {
    { .name = "jemalloc's default: DONTNEED", .system = true },
    { .name = "memset, extents kept", .keep = true },
    { .name = "memset, extents to the pool" },
    { .name = "alloc hook: Auto", .on_alloc = true, .wipe = wipe_auto },
    { .name = "alloc hook: Hot", .on_alloc = true, .wipe = wipe_hot },
    { .name = "alloc hook: Cold", .on_alloc = true, .wipe = wipe_cold },
    { .name = "purge_forced: memset", .on_alloc = true, .on_free = true, .wipe = wipe_memset },
    { .name = "purge_forced: Auto", .on_alloc = true, .on_free = true, .wipe = wipe_auto },
    { .name = "purge_forced: Hot", .on_alloc = true, .on_free = true, .wipe = wipe_hot },
    { .name = "purge_forced: Cold", .on_alloc = true, .on_free = true, .wipe = wipe_cold },
    { .name = "purge_forced: Hot to L2, then Cold", .on_alloc = true, .on_free = true, .wipe = wipe_hot_to_l2 },
    { .name = "control: alloc hook", .on_alloc = true, .wipe = wipe_nothing, .poisoned = true },
    { .name = "control: purge_forced", .on_free = true, .wipe = wipe_nothing, .poisoned = true },
};
const size_t narms = sizeof arms / sizeof *arms;
const bool recycles = true;

static struct pool pool;
static int flags;

double arm_open(const struct arm *arm)
{
    unsigned arena;
    size_t len = sizeof arena;
    void *start;

    if (arm->system) {
        if (mallctl("arenas.create", &arena, &len, NULL, 0) != 0)
            return -1;
    } else {
        start = used_memory(POOL_SIZE, 2 << 20);
        pool.wipe = arm->wipe;
        pool.on_alloc = arm->on_alloc;
        pool.on_free = arm->on_free;
        pool.keep = arm->keep;
        if (start == NULL || pool_arena(&pool, start, POOL_SIZE, &arena) != 0)
            return -1;
    }
    flags = MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE;
    return 0;
}

void *arm_calloc(size_t size)
{
    return mallocx(size, flags | MALLOCX_ZERO);
}

void *arm_realloc(void *block, size_t size)
{
    return rallocx(block, size, flags);
}

void arm_free(void *block)
{
    dallocx(block, flags);
}
