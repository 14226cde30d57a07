/* One way for an allocator to get zeroed memory. check.c and bench.c run every arm; jemalloc.c and mimalloc.c define them. */
#ifndef ARM_H
#define ARM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroes memory; returns 0 on success. */
typedef int wipe_fn(void *bytes, size_t len);

struct arm {
    const char *name;
    bool system;   /* the allocator's default, over memory of its own; otherwise over used memory */
    bool on_alloc; /* wipe when the allocator takes memory from the pool */
    bool on_free;  /* wipe when memory is freed */
    bool keep;     /* the allocator keeps freed memory */
    wipe_fn *wipe;
    bool poisoned; /* claims zeroed memory that is not: check.c must notice */
};

extern const struct arm arms[];
extern const size_t narms;

/* True if memory is wiped again whenever it is freed or allocated, false if only before its first use. */
extern const bool recycles;

/* Prepares the arm, once in a process. Returns the nanoseconds that wiping a byte in advance took, or -1. */
double arm_open(const struct arm *arm);
void *arm_calloc(size_t size);
void *arm_realloc(void *block, size_t size);
void arm_free(void *block);

enum { POOL_SIZE = 256 << 20, USED = 0xa5 };

/* Maps memory of which every byte is USED; NULL if that fails. */
void *used_memory(size_t size, size_t alignment);
double now_ns(void);

wipe_fn wipe_auto, wipe_hot, wipe_cold, wipe_hot_to_l2, wipe_memset, wipe_nothing, wipe_metadata;

#endif
