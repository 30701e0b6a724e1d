// Allocates its whole heap, slowly. Four copies are linked at four addresses and run at once.

#include "process.h"

PROCESS_MAIN(void) { allocate_for_ever(sys_getpid()); }
