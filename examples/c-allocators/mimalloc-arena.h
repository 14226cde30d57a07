/* A mimalloc heap over memory that is zeroed in advance. */
#ifndef MIMALLOC_ARENA_H
#define MIMALLOC_ARENA_H

#include <mimalloc.h>
#include <stdbool.h>
#include <stddef.h>

/* Creates a heap that allocates only from `size` bytes at `start`, a multiple of 32 MiB. `is_zero` claims that every byte
 * is zero. Returns NULL if mimalloc refuses. The memory is never freed: mimalloc cannot return an arena. */
mi_heap_t *heap_over(void *start, size_t size, bool is_zero);

#endif
