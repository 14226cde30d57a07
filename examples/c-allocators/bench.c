/* Times calloc (with a store to every cache line) and free in every arm. Each round runs every arm in a process of its own. */
#define _GNU_SOURCE
#include "arm.h"

#include <clearpage.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARMS = 16, MAX_ROUNDS = 99, BATCH = 64 << 20, MAX_BLOCKS = BATCH / (64 << 10) };

static const size_t sizes[] = { 64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20 };

enum { ALLOC, FREE, BOTH, KINDS };

/* Nanoseconds. */
struct figures {
    double mean[KINDS], median[KINDS];
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* `live` blocks are allocated, then all are freed; that is one pass. Returns 0, or -1 if memory ran out. */
static int measure(const struct arm *arm, size_t size, size_t live, size_t passes, struct figures *figures)
{
    static double samples[KINDS][16 * MAX_BLOCKS];
    static char *blocks[MAX_BLOCKS];
    size_t n = 0;
    double ahead;

    if (clearpage_init() != CLEARPAGE_OK)
        return -1;
    ahead = arm_open(arm);
    if (ahead < 0)
        return -1;
    for (size_t pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i < live; i++) {
            double start = now_ns();

            blocks[i] = arm_calloc(size);
            if (blocks[i] == NULL)
                return -1;
            for (size_t at = 0; at < size; at += 64)
                *(volatile char *)(blocks[i] + at) = 1;
            samples[ALLOC][n + i] = now_ns() - start;
        }
        for (size_t i = 0; i < live; i++) {
            double start = now_ns();

            arm_free(blocks[i]);
            samples[FREE][n + i] = now_ns() - start;
            samples[BOTH][n + i] = samples[ALLOC][n + i] + samples[FREE][n + i] + ahead * size;
        }
        /* The first pass of a recycling arm has memory of the pool: it warms up. */
        if (pass > 0 || !recycles)
            n += live;
    }
    for (int kind = 0; kind < KINDS; kind++) {
        double sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += samples[kind][i];
        figures->mean[kind] = sum / n;
        figures->median[kind] = median(samples[kind], n);
    }
    return 0;
}

static int in_child(const struct arm *arm, size_t size, size_t live, size_t passes, struct figures *figures)
{
    int ends[2], status;
    pid_t child;
    ssize_t got;

    if (pipe(ends) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        struct figures own;
        int code = measure(arm, size, live, passes, &own);

        _exit(code != 0 || write(ends[1], &own, sizeof own) != sizeof own);
    }
    close(ends[1]);
    got = read(ends[0], figures, sizeof *figures);
    close(ends[0]);
    return child < 0 || waitpid(child, &status, 0) != child || status != 0 || got != sizeof *figures ? -1 : 0;
}

static double over_rounds(const double *values, size_t rounds)
{
    double sorted[MAX_ROUNDS];

    for (size_t i = 0; i < rounds; i++)
        sorted[i] = values[i];
    return median(sorted, rounds);
}

static int table(size_t size, size_t live, size_t passes, size_t rounds)
{
    static double mean[KINDS][MAX_ARMS][MAX_ROUNDS], middle[KINDS][MAX_ARMS][MAX_ROUNDS];
    static double by_mean[MAX_ARMS][MAX_ROUNDS], by_middle[MAX_ARMS][MAX_ROUNDS];

    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < narms; i++) {
            /* Each round starts with another arm. */
            size_t arm = (i + round) % narms;
            struct figures figures;

            if (arms[arm].poisoned)
                continue;
            if (in_child(&arms[arm], size, live, passes, &figures) != 0) {
                fprintf(stderr, "%s: no result for blocks of %zu KiB\n", arms[arm].name, size >> 10);
                return -1;
            }
            for (int kind = 0; kind < KINDS; kind++) {
                mean[kind][arm][round] = figures.mean[kind];
                middle[kind][arm][round] = figures.median[kind];
            }
        }
        /* Arm 1 is the allocator's own memset. */
        for (size_t arm = 0; arm < narms; arm++) {
            by_mean[arm][round] = mean[BOTH][1][round] / mean[BOTH][arm][round];
            by_middle[arm][round] = middle[BOTH][1][round] / middle[BOTH][arm][round];
        }
    }

    printf("\n%zu KiB, %s (Auto %s, Hot %s, Cold %s)\n", size >> 10,
           live == 1 ? "one block at a time" : "64 MiB of blocks, then all freed", clearpage_plan_name(CLEARPAGE_AUTO, size),
           clearpage_plan_name(CLEARPAGE_HOT, size), clearpage_plan_name(CLEARPAGE_COLD, size));
    for (size_t arm = 0; arm < narms; arm++) {
        if (arms[arm].poisoned)
            continue;
        printf("%-34s", arms[arm].name);
        for (int kind = 0; kind < KINDS; kind++)
            printf(" %8.2f %8.2f |", over_rounds(mean[kind][arm], rounds) / 1e3, over_rounds(middle[kind][arm], rounds) / 1e3);
        printf(" %5.2f %5.2f\n", over_rounds(by_mean[arm], rounds), over_rounds(by_middle[arm], rounds));
    }
    return 0;
}

int main(int argc, char **argv)
{
    char *end = "";
    unsigned long rounds = argc > 1 ? strtoul(argv[1], &end, 10) : 9;

    if (argc > 2 || *end != 0 || rounds == 0 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: %s [ROUNDS], 1 to %d; default: 9\n", argv[0], MAX_ROUNDS);
        return 2;
    }
    printf("microseconds a block, mean and median of: calloc and a store to every line | free | both%s\n"
           "last columns: times as fast as the second line, by mean and median of both; all figures are medians over %lu rounds.\n"
           "A median leaves out what is paid once for several blocks; a mean includes interruptions.\n",
           recycles ? "" : ", and zeroing in advance", rounds);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t live = BATCH / sizes[i];

        /* Memory reused at once, and memory that has left the caches in between. */
        if (recycles && table(sizes[i], 1, 4 * live, rounds) != 0)
            return 1;
        if (table(sizes[i], live, recycles ? 5 : 1, rounds) != 0)
            return 1;
    }
    return 0;
}
