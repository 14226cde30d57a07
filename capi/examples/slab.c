/* A slab allocator with the hooks: memory is cleared on allocation or on free as the policy says, and never twice. */
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

static size_t number(const void *block)
{
    return (size_t)((const unsigned char *)block - slab) / SIZE;
}

static void *slab_alloc(uint32_t flags)
{
    struct block *block = free_list;

    if (block == NULL)
        return NULL;
    free_list = block->next;
    if (zero_after_link[number(block)]) {
        block->next = NULL;
        flags |= CLEARPAGE_KNOWN_ZERO;
    }
    /* The length of the block, not the one asked for: its next user may use more of it. A realloc that grows a block
     * in place calls this for the new part alone. */
    if (clearpage_post_alloc(block, SIZE, flags) < 0)
        abort(); /* A wrong argument, so a bug in this file. */
    zero_after_link[number(block)] = 0;
    return block;
}

static void slab_free(void *pointer)
{
    struct block *block = pointer;
    int code = clearpage_free_prepare(block, SIZE, 0);

    if (code < 0)
        abort(); /* As above. A block that may hold old data must not be used again. */
    zero_after_link[number(block)] = code == CLEARPAGE_CLEARED;
    block->next = free_list;
    free_list = block;
}

static int is_zero(const unsigned char *bytes)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, SIZE - 1) == 0;
}

int main(void)
{
    int code = clearpage_init();
    unsigned char *block, *again;

    slab = malloc((size_t)BLOCKS * SIZE);
    if (slab == NULL || code != CLEARPAGE_OK) {
        fprintf(stderr, "%s\n", slab ? clearpage_strerror(code) : "no memory");
        return 1;
    }
    for (size_t i = 0; i < BLOCKS; i++)
        slab_free(slab + i * SIZE);

    for (uint32_t policy = 0; policy <= (CLEARPAGE_INIT_ON_ALLOC | CLEARPAGE_INIT_ON_FREE); policy++) {
        if (clearpage_set_policy(policy) != CLEARPAGE_OK)
            return 1;
        block = slab_alloc(0);
        memset(block, 0xa5, SIZE);
        slab_free(block);
        again = slab_alloc(0);
        printf("policy %u: a new block is %s\n", (unsigned)policy, is_zero(again) ? "zero" : "as its last user left it");
        if (again != block || is_zero(again) != (policy != 0))
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
