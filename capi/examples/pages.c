/* Clears pages, and shows how a wrong argument is reported. */
#include <clearpage.h>

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    size_t npages = 512, page = clearpage_page_size();
    unsigned char *pages = aligned_alloc(page, npages * page);
    int code = clearpage_init();

    if (pages == NULL || code != CLEARPAGE_OK) {
        fprintf(stderr, "%s\n", pages ? clearpage_strerror(code) : "no memory");
        return 1;
    }

    /* These pages are not used soon. */
    code = clearpage_clear_pages(pages, npages, CLEARPAGE_COLD);
    printf("cleared %zu pages with %s: %s\n", npages, clearpage_plan_name(CLEARPAGE_COLD, npages * page),
           clearpage_strerror(code));

    /* Not the start of a page. */
    code = clearpage_clear_pages(pages + 8, 1, CLEARPAGE_COLD);
    printf("8 bytes further: %s\n", clearpage_strerror(code));

    free(pages);
    return code == CLEARPAGE_E_ALIGN ? 0 : 1;
}
