/* A slab allocator with the hooks: a block is cleared on allocation or on free as the policy says, and never twice. */
#include <clearpage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 64, SIZE = 256 };

/* A free block begins with a link. */
struct block {
    struct block *next;
};

static struct block *free_list;
static unsigned char *slab;
/* Blocks whose bytes after the link are zero. */
static unsigned char zero_after_link[BLOCKS];
static unsigned clears;

static size_t number(const void *block)
{
    return (size_t)((const unsigned char *)block - slab) / SIZE;
}

static void *slab_alloc(uint32_t flags)
{
    struct block *block = free_list;
    int code;

    if (block == NULL)
        return NULL;
    free_list = block->next;
    if (zero_after_link[number(block)]) {
        block->next = NULL;
        flags |= CLEARPAGE_KNOWN_ZERO;
    }
    /* The size of the block, not the requested one: a later realloc in place may expose the rest. */
    code = clearpage_post_alloc(block, SIZE, flags);
    if (code < 0)
        abort(); /* A wrong argument, so a bug in this file. */
    clears += code == CLEARPAGE_CLEARED;
    zero_after_link[number(block)] = 0;
    return block;
}

static void slab_free(void *pointer)
{
    struct block *block = pointer;
    int code = clearpage_free_prepare(block, SIZE, 0);

    if (code < 0)
        abort(); /* As above. A block that may hold old data must not be used again. */
    clears += code == CLEARPAGE_CLEARED;
    zero_after_link[number(block)] = code == CLEARPAGE_CLEARED;
    block->next = free_list;
    free_list = block;
}

static int is_zero(const unsigned char *bytes)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, SIZE - 1) == 0;
}

/* An invalid variable of the environment must not end the programs that use this allocator. */
static void start(void)
{
    if (clearpage_init() != CLEARPAGE_OK) {
        char message[400];

        clearpage_init_message(message, sizeof message);
        fprintf(stderr, "%s; ignored\n", message);
        if (clearpage_init_default() != CLEARPAGE_OK)
            abort(); /* A library built for one primitive that this CPU lacks. */
    }
    slab = malloc((size_t)BLOCKS * SIZE);
    if (slab == NULL)
        abort();
    for (size_t i = 0; i < BLOCKS; i++)
        slab_free(slab + i * SIZE);
}

int main(void)
{
    int code;

    start();
    for (uint32_t policy = 0; policy <= (CLEARPAGE_INIT_ON_ALLOC | CLEARPAGE_INIT_ON_FREE); policy++) {
        unsigned char *block, *again;

        if (clearpage_set_policy(policy) != CLEARPAGE_OK)
            return 1;
        block = slab_alloc(0);
        memset(block, 0xa5, SIZE);
        clears = 0;
        slab_free(block);
        again = slab_alloc(0);
        printf("policy %u: %u clears; a new block is %s\n", (unsigned)policy, clears,
               is_zero(again) ? "zero" : "as its last user left it");
        if (again != block || is_zero(again) != (policy != 0) || clears != (policy != 0))
            return 1;
        memset(again, 0xa5, SIZE);
        slab_free(again);
        again = slab_alloc(CLEARPAGE_ZERO); /* calloc */
        if (!is_zero(again))
            return 1;
        slab_free(again);
    }

    code = clearpage_post_alloc(slab, SIZE, 4);
    printf("flag 4: %s\n", clearpage_strerror(code));
    free(slab);
    return code == CLEARPAGE_E_FLAGS ? 0 : 1;
}
