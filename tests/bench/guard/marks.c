/* What a program says to callgrind while it runs. Without valgrind these do nothing. */
#include <valgrind/callgrind.h>

void follow(void) { CALLGRIND_START_INSTRUMENTATION; }

/* From now on what is done counts, or it no longer counts. It counts at first. */
void toggle(void) { CALLGRIND_TOGGLE_COLLECT; }
