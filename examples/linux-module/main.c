// SPDX-License-Identifier: MIT OR Apache-2.0
/* Checks each primitive of the library inside Linux, then prints PASS and how long each took for 2 MiB. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "checks.h"
#include "clearpage.h"

char *mutant = "";
module_param(mutant, charp, 0444);
MODULE_PARM_DESC(mutant, "a fault that a check must notice: short, long, stop, skip, head or tail");

static unsigned long count;
module_param(count, ulong, 0444);
MODULE_PARM_DESC(count, "clear that many pages of an area of 8, and nothing else: more of them are an oops");

static bool unchecked;
module_param(unchecked, bool, 0444);
MODULE_PARM_DESC(unchecked, "go on if this CPU lacks the primitive that the library was built for: an oops");

static int clear_area(unsigned long npages)
{
    void *area = vmalloc(8 * PAGE_SIZE);
    int code;

    if (!area)
        return -ENOMEM;
    /* Behind the area is a page that is not mapped. */
    code = clearpage_clear_pages(area, npages, CLEARPAGE_AUTO);
    pr_info("%lu of 8 pages: %s\n", npages, clearpage_strerror(code));
    vfree(area);
    return 0;
}

static int check_all(void)
{
    /* The plan, and all primitives that need no vector register. */
    static const char *const primitives[] = { NULL, "stosb", "stosq", "movnti", "clzero", "generic" };
    char passed[160] = "";
    size_t i, len = 0;
    int error = 0;

    for (i = 0; i < ARRAY_SIZE(primitives) && !error; i++) {
        int code = clearpage_force(primitives[i]);
        const char *name = primitives[i] ?: clearpage_plan_name(CLEARPAGE_AUTO, 2 << 20);

        if (code == CLEARPAGE_E_UNAVAILABLE) {
            len += scnprintf(passed + len, sizeof(passed) - len, " no %s,", name);
            continue;
        }
        if (code != CLEARPAGE_OK) {
            pr_err("%s: %s\n", name, clearpage_strerror(code));
            return -EINVAL;
        }
        error = checks_run(name);
        len += scnprintf(passed + len, sizeof(passed) - len, " %s%s %llu us,", primitives[i] ? "" : "plan ", name,
                         div_u64(time_library(), 1000));
    }
    if (!error)
        pr_info("PASS:%s clear_highpage %llu us\n", passed, div_u64(time_kernel(), 1000));
    return error;
}

static int __init check_init(void)
{
    int error = clearpage_init();

    if (error != CLEARPAGE_OK && !unchecked) {
        pr_err("clearpage_init: %s\n", clearpage_strerror(error));
        return -ENODEV;
    }
    if (count)
        return clear_area(count);
    error = checks_open();
    if (!error) {
        error = check_all();
        checks_close();
    }
    return error;
}

static void __exit check_exit(void)
{
}

module_init(check_init);
module_exit(check_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_AUTHOR("The clearpage developers");
MODULE_DESCRIPTION("Checks that clearpage zeroes pages as clear_highpage does");
