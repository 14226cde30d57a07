/* Every function of clearpage.h: what it clears, and the code for each argument that is not allowed. */
#include <clearpage.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition) \
    ((condition) ? (void)0 : (void)(failures++, fprintf(stderr, "line %d: %s\n", __LINE__, #condition)))

enum { NPAGES = 40, DIRTY = 0xa5 };

static size_t page;
/* NPAGES pages with one more on either side, which must not change. */
static unsigned char *before, *pages;

static void dirty(void)
{
    memset(before, DIRTY, (NPAGES + 2) * page);
}

/* Whether exactly the bytes from start to end are zero. */
static int only(const unsigned char *start, const unsigned char *end)
{
    for (const unsigned char *p = before; p < before + (NPAGES + 2) * page; p++)
        if (*p != (p >= start && p < end ? 0 : DIRTY))
            return 0;
    return 1;
}

static int untouched(void)
{
    return only(pages, pages);
}

static int stop_at(size_t done, void *limit)
{
    return done >= *(size_t *)limit;
}

static void clears(void)
{
    static const uint32_t intents[] = { CLEARPAGE_AUTO, CLEARPAGE_HOT, CLEARPAGE_COLD };

    dirty();
    CHECK(clearpage_clear_page(pages + page) == CLEARPAGE_OK);
    CHECK(only(pages + page, pages + 2 * page));
    for (size_t i = 0; i < 3; i++) {
        void *list[] = { pages + 9 * page, pages + 8 * page, pages + 10 * page };
        dirty();
        CHECK(clearpage_clear_pages(pages, NPAGES, intents[i]) == CLEARPAGE_OK);
        CHECK(only(pages, pages + NPAGES * page));
        dirty();
        CHECK(clearpage_zero(pages + 3, 5 * page + 4, intents[i]) == CLEARPAGE_OK);
        CHECK(only(pages + 3, pages + 5 * page + 7));
        dirty();
        CHECK(clearpage_clear_scattered(list, 3, intents[i]) == CLEARPAGE_OK);
        CHECK(only(pages + 8 * page, pages + 11 * page));
        CHECK(clearpage_plan_name(intents[i], page) != NULL);
    }
    dirty();
    CHECK(clearpage_clear_pages_around(pages, NPAGES, 39) == CLEARPAGE_OK);
    CHECK(only(pages, pages + NPAGES * page));
}

static void chunks(void)
{
    size_t limit = 14, cleared = 77;

    dirty();
    CHECK(clearpage_clear_pages_chunked(pages, NPAGES, 7, CLEARPAGE_COLD, stop_at, &limit, &cleared) == CLEARPAGE_OK);
    CHECK(cleared == 14);
    CHECK(only(pages, pages + 14 * page));
    dirty();
    CHECK(clearpage_clear_pages_chunked(pages, NPAGES, 7, CLEARPAGE_COLD, NULL, NULL, NULL) == CLEARPAGE_OK);
    CHECK(only(pages, pages + NPAGES * page));
    CHECK(clearpage_clear_pages_chunked(NULL, 0, 7, CLEARPAGE_COLD, NULL, NULL, &cleared) == CLEARPAGE_OK);
    CHECK(cleared == 0);
}

static void nothing_to_clear(void)
{
    dirty();
    CHECK(clearpage_clear_pages(NULL, 0, CLEARPAGE_AUTO) == CLEARPAGE_OK);
    CHECK(clearpage_clear_pages(pages + 1, 0, CLEARPAGE_AUTO) == CLEARPAGE_OK);
    CHECK(clearpage_clear_scattered(NULL, 0, CLEARPAGE_AUTO) == CLEARPAGE_OK);
    CHECK(clearpage_zero(NULL, 0, CLEARPAGE_AUTO) == CLEARPAGE_OK);
    CHECK(clearpage_post_alloc(NULL, 0, CLEARPAGE_KNOWN_ZERO) == CLEARPAGE_OK);
    CHECK(untouched());
}

static void arguments_that_are_not_allowed(void)
{
    void *with_null[] = { pages, NULL }, *misaligned[] = { pages, pages + page + 8 };
    /* The rest of the address space behind `pages`, and two pages more. */
    size_t huge = SIZE_MAX / page, past_the_end = (SIZE_MAX - (uintptr_t)pages) / page + 2;

    dirty();
    CHECK(clearpage_clear_page(NULL) == CLEARPAGE_E_NULL);
    CHECK(clearpage_clear_page(pages + 1) == CLEARPAGE_E_ALIGN);
    CHECK(clearpage_clear_pages(NULL, 1, CLEARPAGE_AUTO) == CLEARPAGE_E_NULL);
    CHECK(clearpage_clear_pages(pages + page / 2, 1, CLEARPAGE_AUTO) == CLEARPAGE_E_ALIGN);
    CHECK(clearpage_clear_pages(pages, SIZE_MAX, CLEARPAGE_AUTO) == CLEARPAGE_E_LENGTH);
    CHECK(clearpage_clear_pages(pages, huge, CLEARPAGE_AUTO) == CLEARPAGE_E_LENGTH);
    CHECK(clearpage_clear_pages(pages, past_the_end, CLEARPAGE_AUTO) == CLEARPAGE_E_LENGTH);
    CHECK(clearpage_clear_pages(pages, 1, 3) == CLEARPAGE_E_INTENT);
    CHECK(clearpage_clear_pages(pages, 0, UINT32_MAX) == CLEARPAGE_E_INTENT);
    CHECK(clearpage_clear_pages_around(pages, 4, 4) == CLEARPAGE_E_HOT);
    CHECK(clearpage_clear_pages_around(pages, 0, 0) == CLEARPAGE_E_HOT);
    CHECK(clearpage_clear_pages_around(NULL, 4, 0) == CLEARPAGE_E_NULL);
    CHECK(clearpage_clear_pages_around(pages + 2, 4, 0) == CLEARPAGE_E_ALIGN);
    CHECK(clearpage_clear_pages_around(pages, huge, 0) == CLEARPAGE_E_LENGTH);
    CHECK(clearpage_clear_pages_chunked(pages, 4, 0, CLEARPAGE_AUTO, NULL, NULL, NULL) == CLEARPAGE_E_CHUNK);
    CHECK(clearpage_clear_pages_chunked(pages, 4, 1, 9, NULL, NULL, NULL) == CLEARPAGE_E_INTENT);
    CHECK(clearpage_clear_pages_chunked(NULL, 4, 1, CLEARPAGE_AUTO, NULL, NULL, NULL) == CLEARPAGE_E_NULL);
    CHECK(clearpage_clear_scattered(NULL, 2, CLEARPAGE_AUTO) == CLEARPAGE_E_NULL);
    CHECK(clearpage_clear_scattered(with_null, 2, CLEARPAGE_AUTO) == CLEARPAGE_E_NULL);
    CHECK(clearpage_clear_scattered(misaligned, 2, CLEARPAGE_AUTO) == CLEARPAGE_E_ALIGN);
    CHECK(clearpage_clear_scattered(misaligned, SIZE_MAX, CLEARPAGE_AUTO) == CLEARPAGE_E_LENGTH);
    CHECK(clearpage_clear_scattered(misaligned, 1, 3) == CLEARPAGE_E_INTENT);
    CHECK(clearpage_zero(NULL, 1, CLEARPAGE_AUTO) == CLEARPAGE_E_NULL);
    CHECK(clearpage_zero(pages, SIZE_MAX, CLEARPAGE_AUTO) == CLEARPAGE_E_LENGTH);
    CHECK(clearpage_zero(pages, 1, 3) == CLEARPAGE_E_INTENT);
    CHECK(clearpage_post_alloc(pages, 1, 4) == CLEARPAGE_E_FLAGS);
    CHECK(clearpage_post_alloc(NULL, 1, CLEARPAGE_ZERO) == CLEARPAGE_E_NULL);
    CHECK(clearpage_post_alloc(pages, SIZE_MAX, CLEARPAGE_ZERO) == CLEARPAGE_E_LENGTH);
    CHECK(clearpage_free_prepare(pages, 1, 32) == CLEARPAGE_E_FLAGS);
    CHECK(clearpage_free_prepare(NULL, 1, 0) == CLEARPAGE_E_NULL);
    CHECK(clearpage_set_policy(4) == CLEARPAGE_E_POLICY);
    CHECK(clearpage_force("no such") == CLEARPAGE_E_PRIMITIVE);
    CHECK(clearpage_force("") == CLEARPAGE_E_PRIMITIVE);
    CHECK(clearpage_plan_name(3, page) == NULL);
    CHECK(untouched());
}

static void policies(void)
{
    for (uint32_t policy = 0; policy < 4; policy++) {
        int on_alloc = (policy & CLEARPAGE_INIT_ON_ALLOC) != 0, on_free = (policy & CLEARPAGE_INIT_ON_FREE) != 0;
        CHECK(clearpage_set_policy(policy) == CLEARPAGE_OK);
        CHECK(clearpage_policy() == policy);
        dirty();
        CHECK(clearpage_post_alloc(pages + 1, 100, 0) == (on_alloc ? CLEARPAGE_CLEARED : CLEARPAGE_OK));
        CHECK(only(pages + 1, pages + (on_alloc ? 101 : 1)));
        dirty();
        CHECK(clearpage_post_alloc(pages, 3 * page, CLEARPAGE_WILL_OVERWRITE) == CLEARPAGE_OK);
        CHECK(clearpage_post_alloc(pages, 3 * page, CLEARPAGE_SKIP_ZERO) == CLEARPAGE_OK);
        CHECK(clearpage_post_alloc(pages, 3 * page, CLEARPAGE_ZERO | CLEARPAGE_KNOWN_ZERO) == CLEARPAGE_OK);
        CHECK(clearpage_free_prepare(pages, 3 * page, CLEARPAGE_KNOWN_ZERO) == CLEARPAGE_OK);
        CHECK(untouched());
        CHECK(clearpage_post_alloc(pages, 3 * page, CLEARPAGE_ZERO) == CLEARPAGE_CLEARED);
        CHECK(only(pages, pages + 3 * page));
        dirty();
        CHECK(clearpage_free_prepare(pages, 3 * page, 0) == (on_free ? CLEARPAGE_CLEARED : CLEARPAGE_OK));
        CHECK(only(pages, pages + (on_free ? 3 * page : 0)));
    }
    CHECK(clearpage_set_policy(0) == CLEARPAGE_OK);
}

static void texts(void)
{
    for (int code = CLEARPAGE_E_ENVIRONMENT; code < CLEARPAGE_OK; code++) {
        const char *text = clearpage_strerror(code);
        CHECK(strlen(text) > 10);
        CHECK(strcmp(text, "unknown code") != 0);
    }
    CHECK(strcmp(clearpage_strerror(CLEARPAGE_OK), "success") == 0);
    CHECK(strcmp(clearpage_strerror(CLEARPAGE_E_ENVIRONMENT - 1), "unknown code") == 0);
    CHECK(clearpage_version() == ((CLEARPAGE_VERSION_MAJOR << 16) | (CLEARPAGE_VERSION_MINOR << 8) | CLEARPAGE_VERSION_PATCH));
}

static void forced(void)
{
    const char *automatic = clearpage_plan_name(CLEARPAGE_AUTO, 1 << 30);

    CHECK(clearpage_force("generic") == CLEARPAGE_OK);
    CHECK(strcmp(clearpage_plan_name(CLEARPAGE_COLD, 1 << 30), "generic") == 0);
    clears();
    CHECK(clearpage_force(NULL) == CLEARPAGE_OK);
    CHECK(clearpage_force("generic") == CLEARPAGE_OK);
    CHECK(clearpage_set_policy(CLEARPAGE_INIT_ON_FREE) == CLEARPAGE_OK);
    CHECK(clearpage_init_default() == CLEARPAGE_OK);
    CHECK(strcmp(clearpage_plan_name(CLEARPAGE_AUTO, 1 << 30), automatic) == 0);
    CHECK(clearpage_policy() == 0);
}

/* With an argument: the variable is invalid; the argument is part of the message. */
static void invalid_variable(const char *expected)
{
    char whole[400], cut[8];
    size_t len;
    int of_the_policy;

    CHECK(clearpage_init() == CLEARPAGE_E_ENVIRONMENT);
    len = clearpage_init_message(whole, sizeof whole);
    CHECK(len == strlen(whole));
    CHECK(strstr(whole, expected) != NULL);
    CHECK(clearpage_init_message(cut, sizeof cut) == len);
    CHECK(strlen(cut) == sizeof cut - 1 && strncmp(cut, whole, sizeof cut - 1) == 0);
    CHECK(clearpage_init_message(NULL, 0) == len);
    of_the_policy = strncmp(expected, "CLEARPAGE_INIT_", 15) == 0;
    CHECK(clearpage_force(NULL) == (of_the_policy ? CLEARPAGE_OK : CLEARPAGE_E_ENVIRONMENT));

    CHECK(clearpage_init_default() == CLEARPAGE_OK);
    CHECK(clearpage_init() == CLEARPAGE_OK);
    CHECK(clearpage_init_message(whole, sizeof whole) == 0);
    CHECK(clearpage_policy() == 0);
    clears();
}

int main(int argc, char **argv)
{
    char text[4] = "abc";

    page = clearpage_page_size();
    before = aligned_alloc(page, (NPAGES + 2) * page);
    if (before == NULL)
        return 2;
    pages = before + page;
    errno = EDOM;
    if (argc > 1) {
        invalid_variable(argv[1]);
        CHECK(errno == EDOM);
        return failures != 0;
    }
    CHECK(clearpage_init() == CLEARPAGE_OK);
    CHECK(clearpage_init_message(text, sizeof text) == 0);
    CHECK(text[0] == 0 && text[1] == 'b');
    clears();
    chunks();
    nothing_to_clear();
    arguments_that_are_not_allowed();
    policies();
    texts();
    forced();
    CHECK(errno == EDOM);
    free(before);
    return failures != 0;
}
