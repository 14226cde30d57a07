#include "arm.h"
#include "mimalloc-arena.h"

const struct arm arms[] = {
    { .name = "mimalloc's default: fresh pages", .system = true },
    { .name = "own arena, mimalloc's memset" },
    { .name = "arena zeroed by memset", .on_alloc = true, .wipe = wipe_memset },
    { .name = "arena zeroed: Auto", .on_alloc = true, .wipe = wipe_auto },
    { .name = "arena zeroed: Hot", .on_alloc = true, .wipe = wipe_hot },
    { .name = "arena zeroed: Cold", .on_alloc = true, .wipe = wipe_cold },
    { .name = "control: nothing zeroed", .on_alloc = true, .wipe = wipe_nothing, .poisoned = true },
    { .name = "control: only metadata zeroed", .on_alloc = true, .wipe = wipe_metadata, .poisoned = true },
};
const size_t narms = sizeof arms / sizeof *arms;
const bool recycles = false;

static mi_heap_t *heap;

double arm_open(const struct arm *arm)
{
    double start, wiped = 0;
    void *memory;

    if (arm->system) {
        heap = mi_heap_new();
        return heap == NULL ? -1 : 0;
    }
    memory = used_memory(POOL_SIZE, 32 << 20);
    if (memory == NULL)
        return -1;
    if (arm->on_alloc) {
        start = now_ns();
        if (arm->wipe(memory, POOL_SIZE) != 0)
            return -1;
        wiped = (now_ns() - start) / POOL_SIZE;
    }
    heap = heap_over(memory, POOL_SIZE, arm->on_alloc);
    return heap == NULL ? -1 : wiped;
}

void *arm_calloc(size_t size)
{
    return mi_heap_zalloc(heap, size);
}

void *arm_realloc(void *block, size_t size)
{
    return mi_heap_realloc(heap, block, size);
}

void arm_free(void *block)
{
    mi_free(block);
}
