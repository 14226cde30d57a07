#define _GNU_SOURCE
#include "arm.h"

#include <clearpage.h>

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void *used_memory(size_t size, size_t alignment)
{
    unsigned char *start = mmap(NULL, size + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (start == MAP_FAILED)
        return NULL;
    start += -(uintptr_t)start & (alignment - 1);
    memset(start, USED, size);
    return start;
}

double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

int wipe_auto(void *bytes, size_t len)
{
    return clearpage_zero(bytes, len, CLEARPAGE_AUTO);
}

int wipe_hot(void *bytes, size_t len)
{
    return clearpage_zero(bytes, len, CLEARPAGE_HOT);
}

int wipe_cold(void *bytes, size_t len)
{
    return clearpage_zero(bytes, len, CLEARPAGE_COLD);
}

int wipe_hot_to_l2(void *bytes, size_t len)
{
    static size_t limit;

    /* Once: some versions of glibc execute CPUID, which takes long in a virtual machine. Not positive: unknown. */
    if (limit == 0) {
        long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);

        limit = l2 > 0 ? (size_t)l2 : 1 << 20;
    }
    return clearpage_zero(bytes, len, len <= limit ? CLEARPAGE_HOT : CLEARPAGE_COLD);
}

int wipe_memset(void *bytes, size_t len)
{
    memset(bytes, 0, len);
    return 0;
}

/* The controls: nothing, and only the start of every 32 MiB, where mimalloc has its metadata. */
int wipe_nothing(void *bytes, size_t len)
{
    (void)bytes, (void)len;
    return 0;
}

int wipe_metadata(void *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 32 << 20)
        memset((char *)bytes + at, 0, len - at < 2 << 20 ? len - at : 2 << 20);
    return 0;
}
