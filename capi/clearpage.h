/*
 * clearpage: zeroes page-aligned memory with the fastest instruction of the CPU, chosen at run time.
 *
 * All functions may be called from any thread and from inside an allocation or a signal handler: none allocates,
 * waits for a lock or unwinds, and on Linux on x86, Arm and RISC-V none changes errno. If an argument is not allowed,
 * the function writes nothing and returns a negative code, which clearpage_strerror explains. Lengths are in bytes;
 * npages, chunk, hot, done and cleared are numbers of pages.
 *
 * Made from capi/src by cbindgen; do not edit.
 */

#ifndef CLEARPAGE_H
#define CLEARPAGE_H

#include <stddef.h>
#include <stdint.h>

/* If a caller ignores an error, the memory may hold old data. */
#if (defined(__cplusplus) && __cplusplus >= 201703L) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define CLEARPAGE_NODISCARD [[nodiscard]]
#else
#define CLEARPAGE_NODISCARD
#endif

#if defined(__cplusplus) && __cplusplus >= 201103L
#define CLEARPAGE_NOEXCEPT noexcept
#else
#define CLEARPAGE_NOEXCEPT
#endif

/**
 * The version of this header.
 */
#define CLEARPAGE_VERSION_MAJOR 0

/**
 * The version of this header.
 */
#define CLEARPAGE_VERSION_MINOR 1

/**
 * The version of this header.
 */
#define CLEARPAGE_VERSION_PATCH 0

/**
 * The memory may be in the cache or not: the common case.
 */
#define CLEARPAGE_AUTO 0

/**
 * The memory is used soon after the clear.
 */
#define CLEARPAGE_HOT 1

/**
 * The memory is not used soon: clear it past the cache where that is faster.
 */
#define CLEARPAGE_COLD 2

/**
 * Success.
 */
#define CLEARPAGE_OK 0

/**
 * A pointer is NULL.
 */
#define CLEARPAGE_E_NULL -1

/**
 * A pointer to a page is not a multiple of the page size.
 */
#define CLEARPAGE_E_ALIGN -2

/**
 * The range is longer than PTRDIFF_MAX bytes or than the rest of the address space.
 */
#define CLEARPAGE_E_LENGTH -3

/**
 * The intent is none of CLEARPAGE_AUTO, CLEARPAGE_HOT and CLEARPAGE_COLD.
 */
#define CLEARPAGE_E_INTENT -4

/**
 * The flags have a bit that is not CLEARPAGE_ZERO, _SKIP_ZERO, _KNOWN_ZERO or _WILL_OVERWRITE.
 */
#define CLEARPAGE_E_FLAGS -5

/**
 * The policy has a bit that is neither CLEARPAGE_INIT_ON_ALLOC nor CLEARPAGE_INIT_ON_FREE.
 */
#define CLEARPAGE_E_POLICY -6

/**
 * The build has no primitive of this name.
 */
#define CLEARPAGE_E_PRIMITIVE -7

/**
 * This CPU, or this build, cannot run the primitive.
 */
#define CLEARPAGE_E_UNAVAILABLE -8

/**
 * The number of the hot page is not less than the number of pages.
 */
#define CLEARPAGE_E_HOT -9

/**
 * A chunk has 0 pages.
 */
#define CLEARPAGE_E_CHUNK -10

/**
 * A variable CLEARPAGE_FORCE, _TUNING, _INIT_ON_ALLOC or _INIT_ON_FREE has an invalid value.
 */
#define CLEARPAGE_E_ENVIRONMENT -11

/**
 * What a hook returns if it cleared the memory; CLEARPAGE_OK if the memory is unchanged.
 */
#define CLEARPAGE_CLEARED 1

/**
 * Policy: clear memory on allocation.
 */
#define CLEARPAGE_INIT_ON_ALLOC 1

/**
 * Policy: clear memory on free.
 */
#define CLEARPAGE_INIT_ON_FREE 2

/**
 * Flag: the caller relies on zeroed memory, as with calloc. Overrides the other flags except
 * CLEARPAGE_KNOWN_ZERO.
 */
#define CLEARPAGE_ZERO 1

/**
 * Flag: the caller applies the policy itself.
 */
#define CLEARPAGE_SKIP_ZERO 2

/**
 * Flag: every byte is already zero, such as memory fresh from the operating system.
 */
#define CLEARPAGE_KNOWN_ZERO 8

/**
 * Flag: the caller writes every byte before any read.
 */
#define CLEARPAGE_WILL_OVERWRITE 16

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the version of the library: major << 16 | minor << 8 | patch.
 */
uint32_t clearpage_version(void) CLEARPAGE_NOEXCEPT;

/**
 * Returns the size of a page in bytes: 4096, or 16384 or 65536 if the library was built with
 * CLEARPAGE_PAGE_SHIFT=14 or 16. Every function uses this size; the system's may differ.
 */
size_t clearpage_page_size(void) CLEARPAGE_NOEXCEPT;

/**
 * Zeroes one page.
 *
 * # Safety
 * `page` is valid for writes of one page.
 *
 * Returns CLEARPAGE_OK, CLEARPAGE_E_NULL, or CLEARPAGE_E_ALIGN if `page` is not a multiple of the
 * page size.
 */
CLEARPAGE_NODISCARD int clearpage_clear_page(void *page) CLEARPAGE_NOEXCEPT;

/**
 * Zeroes `npages` contiguous pages for `intent`: CLEARPAGE_AUTO, CLEARPAGE_HOT or CLEARPAGE_COLD.
 * With 0 pages it does nothing, for any `pages`.
 *
 * # Safety
 * `pages` is valid for writes of `npages` pages.
 *
 * Returns CLEARPAGE_OK. Nothing is written if it returns CLEARPAGE_E_INTENT, CLEARPAGE_E_NULL,
 * CLEARPAGE_E_ALIGN if `pages` is not a multiple of the page size, or CLEARPAGE_E_LENGTH if the
 * pages are longer than PTRDIFF_MAX bytes or than the rest of the address space.
 */
CLEARPAGE_NODISCARD
int clearpage_clear_pages(void *pages,
                          size_t npages,
                          uint32_t intent)
CLEARPAGE_NOEXCEPT;

/**
 * Zeroes `npages` contiguous pages and leaves page `hot`, counted from 0, in the cache, with 32 KiB on either
 * side of it: for the fault handler of a huge page, of which one byte was touched.
 *
 * # Safety
 * `pages` is valid for writes of `npages` pages.
 *
 * Returns CLEARPAGE_OK. Nothing is written if it returns CLEARPAGE_E_HOT, because `hot` is not less
 * than `npages`, or CLEARPAGE_E_NULL, CLEARPAGE_E_ALIGN or CLEARPAGE_E_LENGTH as
 * clearpage_clear_pages does.
 */
CLEARPAGE_NODISCARD
int clearpage_clear_pages_around(void *pages,
                                 size_t npages,
                                 size_t hot)
CLEARPAGE_NOEXCEPT;

/**
 * Zeroes `npages` contiguous pages in chunks of `chunk` pages. Between two chunks it calls `between`
 * with the number of pages cleared so far, `done`, and with `argument`; if that returns a value other
 * than 0, the remaining pages are unchanged. `between` may be NULL. It must not throw or longjmp. If
 * `cleared` is not NULL, it receives the number of cleared pages.
 *
 * # Safety
 * `pages` is valid for writes of `npages` pages; `cleared` is NULL or valid for a write; `between`
 * can be called with `argument`.
 *
 * Returns CLEARPAGE_OK, also if `between` stopped it. Nothing is written if it returns
 * CLEARPAGE_E_CHUNK, because `chunk` is 0, or CLEARPAGE_E_INTENT, CLEARPAGE_E_NULL,
 * CLEARPAGE_E_ALIGN or CLEARPAGE_E_LENGTH as clearpage_clear_pages does.
 */
CLEARPAGE_NODISCARD
int clearpage_clear_pages_chunked(void *pages,
                                  size_t npages,
                                  size_t chunk,
                                  uint32_t intent,
                                  int (*between)(size_t done, void *argument),
                                  void *argument,
                                  size_t *cleared)
CLEARPAGE_NOEXCEPT;

/**
 * Zeroes `npages` pages at any addresses, listed in any order, with one fence for all of them where
 * the CPU needs a fence. With 0 pages it does nothing, for any `pages`.
 *
 * # Safety
 * `pages` is an array of `npages` pointers, each valid for writes of one page. No part of the array
 * is in one of these pages.
 *
 * Returns CLEARPAGE_OK. Nothing is written if it returns CLEARPAGE_E_INTENT, CLEARPAGE_E_NULL if
 * `pages` or one of its pointers is NULL, CLEARPAGE_E_ALIGN if one of them is not a multiple of the
 * page size, or CLEARPAGE_E_LENGTH if the array is longer than PTRDIFF_MAX bytes.
 */
CLEARPAGE_NODISCARD
int clearpage_clear_scattered(void *const *pages,
                              size_t npages,
                              uint32_t intent)
CLEARPAGE_NOEXCEPT;

/**
 * Zeroes `len` bytes of any alignment for `intent`. With 0 bytes it does nothing, for any `bytes`.
 *
 * # Safety
 * `bytes` is valid for writes of `len` bytes.
 *
 * Returns CLEARPAGE_OK. Nothing is written if it returns CLEARPAGE_E_INTENT, CLEARPAGE_E_NULL, or
 * CLEARPAGE_E_LENGTH if `len` is more than PTRDIFF_MAX or than the rest of the address space.
 */
CLEARPAGE_NODISCARD int clearpage_zero(void *bytes, size_t len, uint32_t intent) CLEARPAGE_NOEXCEPT;

/**
 * Returns the text of a code that a function returned; a constant, so any thread may use it.
 */
const char *clearpage_strerror(int code) CLEARPAGE_NOEXCEPT;

/**
 * Sets the policy of the process: 0, CLEARPAGE_INIT_ON_ALLOC, CLEARPAGE_INIT_ON_FREE or both.
 *
 * Returns CLEARPAGE_OK, or CLEARPAGE_E_POLICY; the policy is then unchanged.
 */
CLEARPAGE_NODISCARD int clearpage_set_policy(uint32_t policy) CLEARPAGE_NOEXCEPT;

/**
 * Returns the policy of the process. Before clearpage_set_policy it is 0; a build with std takes it
 * from CLEARPAGE_INIT_ON_ALLOC and CLEARPAGE_INIT_ON_FREE, which are 0 or 1; see clearpage_init if
 * one is invalid.
 */
uint32_t clearpage_policy(void) CLEARPAGE_NOEXCEPT;

/**
 * For an allocator to call before it returns a block of `len` bytes, of any alignment: clears it if
 * `flags` and the policy require it. The result is best for memory that is used at once. See
 * clearpage_init if a variable is invalid.
 *
 * # Safety
 * `block` is valid for writes of `len` bytes.
 *
 * Returns CLEARPAGE_CLEARED, or CLEARPAGE_OK if the block is unchanged. Nothing is written if
 * it returns CLEARPAGE_E_FLAGS, CLEARPAGE_E_NULL, or CLEARPAGE_E_LENGTH as clearpage_zero does.
 */
CLEARPAGE_NODISCARD
int clearpage_post_alloc(void *block,
                         size_t len,
                         uint32_t flags)
CLEARPAGE_NOEXCEPT;

/**
 * For an allocator to call when a block of `len` bytes, of any alignment, is freed: clears it if the
 * policy has CLEARPAGE_INIT_ON_FREE, unless CLEARPAGE_KNOWN_ZERO says that it is zero. An allocator
 * that then writes to the block, such as a link of a free list, must not pass KNOWN_ZERO for it later.
 *
 * # Safety
 * `block` is valid for writes of `len` bytes.
 *
 * Returns what clearpage_post_alloc returns.
 */
CLEARPAGE_NODISCARD
int clearpage_free_prepare(void *block,
                           size_t len,
                           uint32_t flags)
CLEARPAGE_NOEXCEPT;

/**
 * Detects the CPU and, in a build with std, obeys CLEARPAGE_FORCE, CLEARPAGE_TUNING,
 * CLEARPAGE_INIT_ON_ALLOC and CLEARPAGE_INIT_ON_FREE, with the values from when the library was
 * loaded. A tuning of another CPU is ignored, with a line on standard error. May be called more than
 * once.
 *
 * Optional: the first clear and clearpage_plan_name read the first two variables;
 * clearpage_policy, clearpage_post_alloc and clearpage_free_prepare read the others. They cannot
 * report an invalid one, so they end the process with status 2, even after clearpage_init reported it.
 *
 * Returns CLEARPAGE_OK, CLEARPAGE_E_ENVIRONMENT, or CLEARPAGE_E_UNAVAILABLE if the library was built
 * for one primitive that this CPU lacks: a clear would raise an invalid-instruction exception.
 * clearpage_init_message has the whole error.
 */
CLEARPAGE_NODISCARD
int clearpage_init(void)
CLEARPAGE_NOEXCEPT;

/**
 * Makes the plan for this CPU and sets the policy to 0, whatever the variables of the environment
 * say: for a program that must start with invalid variables, or that obeys none.
 *
 * Returns CLEARPAGE_OK, and clearpage_init does afterwards, or CLEARPAGE_E_UNAVAILABLE as
 * clearpage_init does.
 */
CLEARPAGE_NODISCARD int clearpage_init_default(void) CLEARPAGE_NOEXCEPT;

/**
 * Writes the text of the error that clearpage_init returns, with the variable and its value, or an
 * empty text if it returns CLEARPAGE_OK: at most `size` bytes, of which the last is 0.
 *
 * Returns the length of the whole text without the 0, as snprintf does.
 *
 * # Safety
 * `text` is valid for writes of `size` bytes; it may be NULL if `size` is 0.
 */
size_t clearpage_init_message(char *text, size_t size) CLEARPAGE_NOEXCEPT;

/**
 * Clears all pages from now on with one primitive, such as "avx2"; clearpage_zero still clears short
 * ranges with ordinary stores. Other threads continue with the primitive that they have read. NULL
 * undoes it and makes the plan again, from CLEARPAGE_FORCE, CLEARPAGE_TUNING or the CPU. To compare
 * primitives, and to test; it overrides the environment.
 *
 * # Safety
 * `name` is NULL or a string that ends with 0.
 *
 * Returns CLEARPAGE_OK. Nothing changes, so an earlier primitive stays, if it returns
 * CLEARPAGE_E_PRIMITIVE, CLEARPAGE_E_UNAVAILABLE because this CPU or build cannot run the primitive,
 * or for NULL CLEARPAGE_E_ENVIRONMENT because one of the two variables is invalid.
 */
CLEARPAGE_NODISCARD
int clearpage_force(const char *name)
CLEARPAGE_NOEXCEPT;

/**
 * Returns the name of the primitive that clears `bytes` bytes for `intent`, a constant such as
 * "clzero", or NULL if the intent is unknown. For short ranges that are not whole pages
 * clearpage_zero uses ordinary stores instead.
 */
const char *clearpage_plan_name(uint32_t intent, size_t bytes) CLEARPAGE_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"
#endif // __cplusplus

#endif /* CLEARPAGE_H */
