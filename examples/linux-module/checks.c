// SPDX-License-Identifier: MIT OR Apache-2.0
/* Two blocks hold the same bytes. The library clears parts of one and clear_highpage the same parts of the other; then the
 * blocks must be equal, byte by byte, including the pages around what was cleared. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "checks.h"
#include "clearpage.h"

#define ORDER 9
#define NPAGES (1ul << ORDER)
#define SIZE (NPAGES << PAGE_SHIFT)
#define DIRTY 0xa5

static struct page *our_pages, *their_pages;
static u8 *ours, *theirs;

static bool has(const char *fault)
{
    return strcmp(mutant, fault) == 0;
}

/* clear_highpage for `npages` pages of the other block. */
static void expect_clear(size_t first, size_t npages)
{
    size_t at;

    for (at = first; at < first + npages; at++)
        clear_highpage(their_pages + at);
}

/* Fails unless the library succeeded and both blocks are equal. Makes them dirty again. */
static int compare(const char *what, int code)
{
    size_t at = 0;

    if (code != CLEARPAGE_OK) {
        pr_err("%s: %s\n", what, clearpage_strerror(code));
        return -EINVAL;
    }
    if (memcmp(ours, theirs, SIZE) != 0) {
        while (ours[at] == theirs[at])
            at++;
        pr_err("%s: byte %zu of page %zu is %#x, expected %#x\n", what, at % PAGE_SIZE, at / PAGE_SIZE, ours[at], theirs[at]);
        return -EIO;
    }
    memset(ours, DIRTY, SIZE);
    memset(theirs, DIRTY, SIZE);
    return 0;
}

static int inner(u32 intent)
{
    return clearpage_clear_pages(ours + PAGE_SIZE, NPAGES - 2 - has("short") + has("long"), intent);
}

static int check_block(void)
{
    u32 intent;
    int error = 0;

    for (intent = CLEARPAGE_AUTO; intent <= CLEARPAGE_COLD && !error; intent++) {
        expect_clear(1, NPAGES - 2);
        error = compare("a block without its first and last page", inner(intent));
    }
    return error;
}

static void clear_in_interrupt(void *code)
{
    *(int *)code = in_hardirq() ? inner(CLEARPAGE_AUTO) : CLEARPAGE_E_UNAVAILABLE;
}

/* On another CPU, which this one interrupts: no vector register may be needed. */
static int check_interrupt(void)
{
    unsigned int other;
    int code, error;

    other = cpumask_any_but(cpu_online_mask, get_cpu());
    error = other < nr_cpu_ids ? smp_call_function_single(other, clear_in_interrupt, &code, 1) : -ENXIO;
    put_cpu();
    if (error) {
        pr_err("the check in an interrupt needs two CPUs\n");
        return error;
    }
    expect_clear(1, NPAGES - 2);
    return compare("a block, in an interrupt", code);
}

static int yield_cpu(size_t done, void *calls)
{
    ++*(size_t *)calls;
    cond_resched();
    return has("stop") && done >= NPAGES / 2;
}

static int check_chunks(void)
{
    size_t calls = 0, cleared = 0;
    int code = clearpage_clear_pages_chunked(ours, NPAGES - 1, 8, CLEARPAGE_COLD, yield_cpu, &calls, &cleared);
    int error;

    expect_clear(0, NPAGES - 1);
    error = compare("a block in chunks of 8 pages", code);
    if (!error && (calls != NPAGES / 8 - 1 || cleared != NPAGES - 1)) {
        pr_err("chunks: %zu calls, %zu pages cleared\n", calls, cleared);
        error = -EIO;
    }
    return error;
}

static int check_around(void)
{
    static const size_t hot[] = { 0, 100, NPAGES - 3 };
    size_t i;
    int error = 0;

    for (i = 0; i < ARRAY_SIZE(hot) && !error; i++) {
        expect_clear(1, NPAGES - 2);
        error = compare("a block around a page", clearpage_clear_pages_around(ours + PAGE_SIZE, NPAGES - 2, hot[i]));
    }
    return error;
}

/* Every third page, last one first. */
static int check_scattered(void)
{
    static void *list[NPAGES / 3];
    size_t i;

    for (i = 0; i < ARRAY_SIZE(list); i++) {
        size_t at = NPAGES - 2 - 3 * i;

        list[i] = ours + at * PAGE_SIZE;
        expect_clear(at, 1);
    }
    return compare("scattered pages", clearpage_clear_scattered(list, ARRAY_SIZE(list) - has("skip"), CLEARPAGE_AUTO));
}

static int check_bytes(void)
{
    static const size_t offsets[] = { 1, 63, 64, 100, PAGE_SIZE - 1, PAGE_SIZE + 8 };
    static const size_t lengths[] = { 0, 1, 15, 63, 65, 255, PAGE_SIZE - 1, PAGE_SIZE, 3 * PAGE_SIZE + 5, 100001 };
    size_t i, j;
    int error = 0;

    for (i = 0; i < ARRAY_SIZE(offsets) && !error; i++) {
        for (j = 0; j < ARRAY_SIZE(lengths) && !error; j++) {
            size_t start = offsets[i] - has("head"), end = offsets[i] + lengths[j] - (has("tail") && lengths[j]);

            memset(theirs + offsets[i], 0, lengths[j]);
            error = compare("bytes", clearpage_zero(ours + start, end - start, CLEARPAGE_AUTO));
        }
    }
    return error;
}

/* A count that no memory has, and an address inside a page, are errors and write nothing. */
static int check_refused(void)
{
    int count = clearpage_clear_pages(ours, ~0ul, CLEARPAGE_AUTO);
    int address = clearpage_clear_pages(ours + 8, 1, CLEARPAGE_AUTO);

    if (count != CLEARPAGE_E_LENGTH || address != CLEARPAGE_E_ALIGN) {
        pr_err("wrong arguments: %d and %d\n", count, address);
        return -EIO;
    }
    return compare("wrong arguments", CLEARPAGE_OK);
}

int checks_run(const char *primitive)
{
    static int (*const checks[])(void) = {
        check_refused, check_block, check_interrupt, check_chunks, check_around, check_scattered, check_bytes,
    };
    size_t i;
    int error = 0;

    memset(ours, DIRTY, SIZE);
    memset(theirs, DIRTY, SIZE);
    for (i = 0; i < ARRAY_SIZE(checks) && !error; i++)
        error = checks[i]();
    if (error)
        pr_err("%s failed\n", primitive);
    return error;
}

u64 time_library(void)
{
    u64 start = ktime_get_ns();

    clearpage_clear_pages(ours, NPAGES, CLEARPAGE_AUTO);
    return ktime_get_ns() - start;
}

u64 time_kernel(void)
{
    u64 start = ktime_get_ns();

    expect_clear(0, NPAGES);
    return ktime_get_ns() - start;
}

int checks_open(void)
{
    our_pages = alloc_pages(GFP_KERNEL, ORDER);
    their_pages = alloc_pages(GFP_KERNEL, ORDER);
    if (!our_pages || !their_pages) {
        checks_close();
        return -ENOMEM;
    }
    ours = page_address(our_pages);
    theirs = page_address(their_pages);
    return 0;
}

void checks_close(void)
{
    if (our_pages)
        __free_pages(our_pages, ORDER);
    if (their_pages)
        __free_pages(their_pages, ORDER);
}
