// An allocator for std::vector whose elements are zero without a constructor: the pages are cleared by one call.
#include <clearpage.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

template <class T> struct ZeroPages {
    using value_type = T;

    ZeroPages() = default;
    template <class U> ZeroPages(const ZeroPages<U> &) noexcept {}

    T *allocate(std::size_t n)
    {
        const std::size_t page = clearpage_page_size();
        if (n > (SIZE_MAX - page) / sizeof(T))
            throw std::bad_array_new_length();
        const std::size_t npages = (n * sizeof(T) + page - 1) / page;
        void *pages = std::aligned_alloc(page, npages * page);
        if (pages == nullptr)
            throw std::bad_alloc();
        // The program uses the elements soon, as far as they fit into the cache.
        if (int code = clearpage_clear_pages(pages, npages, CLEARPAGE_AUTO); code != CLEARPAGE_OK) {
            std::free(pages);
            throw std::runtime_error(clearpage_strerror(code));
        }
        return static_cast<T *>(pages);
    }

    void deallocate(T *elements, std::size_t) noexcept { std::free(elements); }

    // `vector(n)` leaves its elements as they are: zero.
    template <class U> void construct(U *) noexcept {}
    template <class U, class... Args> void construct(U *element, Args &&...args)
    {
        ::new (static_cast<void *>(element)) U(std::forward<Args>(args)...);
    }

    template <class U> bool operator==(const ZeroPages<U> &) const noexcept { return true; }
    template <class U> bool operator!=(const ZeroPages<U> &) const noexcept { return false; }
};

int main()
{
    std::vector<std::uint64_t, ZeroPages<std::uint64_t>> counters(1 << 20);
    if (std::any_of(counters.begin(), counters.end(), [](auto counter) { return counter != 0; }))
        return 1;
    counters.push_back(7);
    std::cout << counters.size() << " counters, " << counters.front() << " to " << counters.back() << '\n';

    const int code = clearpage_clear_pages(nullptr, 1, CLEARPAGE_AUTO);
    std::cout << "a null pointer: " << clearpage_strerror(code) << '\n';
    return code == CLEARPAGE_E_NULL ? 0 : 1;
}
