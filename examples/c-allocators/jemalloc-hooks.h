/* A jemalloc arena over a pool of used memory that clearpage zeroes. */
#ifndef JEMALLOC_HOOKS_H
#define JEMALLOC_HOOKS_H

#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct hole;

struct pool {
    extent_hooks_t hooks; /* first: jemalloc passes its address to every hook */
    int (*wipe)(void *bytes, size_t len); /* returns 0 on success; must not allocate */
    bool on_alloc; /* zero extents that jemalloc takes from the pool */
    bool on_free;  /* zero extents that jemalloc frees; implies keep */
    bool keep;     /* leave freed extents to jemalloc, which reuses the same ones sooner than the pool would */
    pthread_mutex_t lock;
    struct hole *holes; /* by address */
};

/* Creates an arena over `size` bytes from `start`, multiples of jemalloc's page. `pool` and the memory must outlive the
 * arena. Returns 0 and the arena's number, or an errno. */
int pool_arena(struct pool *pool, void *start, size_t size, unsigned *arena);

#endif
