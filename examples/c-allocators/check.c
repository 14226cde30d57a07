/* Runs random calloc, realloc and free in every arm over used memory and looks at every byte. A process per arm: the controls
 * may crash the allocator, which counts as noticed. */
#define _GNU_SOURCE
#include "arm.h"

#include <clearpage.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPERATIONS = 100000, BLOCKS = 512, LOG_MAX = 22 };
enum { PASSED, WRONG, FAILED };

static uint64_t state;

static uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* 1 byte to 4 MiB, mostly short: two draws of the logarithm, and the smaller one counts. */
static size_t random_size(void)
{
    unsigned a = random64() % LOG_MAX, b = random64() % LOG_MAX, log = a < b ? a : b;

    return ((size_t)1 << log) + random64() % ((size_t)1 << log);
}

static bool all(const unsigned char *bytes, size_t len, unsigned char value)
{
    return len == 0 || (bytes[0] == value && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static int run(const struct arm *arm)
{
    static struct { unsigned char *bytes, ink; size_t size; } blocks[BLOCKS];

    if (clearpage_init() != CLEARPAGE_OK || arm_open(arm) < 0)
        return FAILED;
    for (int i = 0; i < OPERATIONS; i++) {
        size_t at = random64() % BLOCKS, size = random_size();
        unsigned char *bytes = blocks[at].bytes;

        if (bytes == NULL) {
            bytes = arm_calloc(size);
            if (bytes == NULL)
                return FAILED;
            if (!all(bytes, size, 0))
                return WRONG;
        } else {
            if (!all(bytes, blocks[at].size, blocks[at].ink))
                return WRONG;
            if (random64() % 4 != 0) {
                arm_free(bytes);
                blocks[at].bytes = NULL;
                continue;
            }
            bytes = arm_realloc(bytes, size);
            if (bytes == NULL)
                return FAILED;
            if (!all(bytes, size < blocks[at].size ? size : blocks[at].size, blocks[at].ink))
                return WRONG;
        }
        blocks[at].bytes = bytes;
        blocks[at].size = size;
        blocks[at].ink = 1 + random64() % 255;
        memset(bytes, blocks[at].ink, size);
    }
    return PASSED;
}

int main(int argc, char **argv)
{
    char *end = "";
    uint64_t seed = argc > 1 ? strtoull(argv[1], &end, 0) : 1;
    int failures = 0;

    if (argc > 2 || *end != 0 || seed == 0) {
        fprintf(stderr, "usage: %s [SEED], a number that is not 0\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < narms; i++) {
        const struct arm *arm = &arms[i];
        int status;
        bool expected;
        pid_t child;

        /* Memory of the system is zero without clearpage. */
        if (arm->system)
            continue;
        child = fork();
        if (child == 0) {
            state = seed;
            _exit(run(arm));
        }
        if (child < 0 || waitpid(child, &status, 0) != child) {
            perror(arm->name);
            return 2;
        }
        if (arm->poisoned)
            expected = WIFSIGNALED(status) || WEXITSTATUS(status) == WRONG;
        else
            expected = WIFEXITED(status) && WEXITSTATUS(status) == PASSED;
        printf("%s: %s: %s\n", arm->name,
               WIFSIGNALED(status) ? "crashed"
               : WEXITSTATUS(status) == PASSED ? "every byte is right"
               : WEXITSTATUS(status) == WRONG ? "a byte is wrong"
                                              : "an allocation failed",
               !expected ? "FAILED" : arm->poisoned ? "noticed, as it must be" : "passed");
        failures += !expected;
    }
    return failures != 0;
}
