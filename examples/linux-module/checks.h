/* What the module does with each primitive. */
#ifndef CHECKS_H
#define CHECKS_H

/* The fault that the calls of the library have, so that a check must fail; empty for none. */
extern char *mutant;

/* Allocates the blocks. */
int checks_open(void);
void checks_close(void);

/* Runs all checks with the primitive in force; prints what is wrong and returns a negative error number. */
int checks_run(const char *primitive);

/* Nanoseconds of one clear of the block, by the library or by clear_highpage. */
u64 time_library(void);
u64 time_kernel(void);

#endif
