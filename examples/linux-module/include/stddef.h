/* clearpage.h includes this header of a C library; the kernel has its types here. */
#include <linux/types.h>
