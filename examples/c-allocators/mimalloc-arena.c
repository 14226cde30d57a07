#include "mimalloc-arena.h"

mi_heap_t *heap_over(void *start, size_t size, bool is_zero)
{
    mi_arena_id_t arena;

    /* Pinned (the second true), or mimalloc drops freed pages by madvise and they fault again. Exclusive, or other heaps
     * of the process use it up. -1: any NUMA node. */
    if (!mi_manage_os_memory_ex(start, size, true, true, is_zero, -1, true, &arena))
        return NULL;
    return mi_heap_new_in_arena(arena);
}
