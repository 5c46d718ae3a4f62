/*
 * The host store: budgets in memory that the processes of a host share. host_layout.h tells
 * what lies there and why it stays right when a process is killed.
 *
 * Threads: open, change and free from any; budgets under their gates' locks. Fork: in a
 * child only free may be called.
 */
#ifndef GOV_GOVERNOR_STORE_HOST_H
#define GOV_GOVERNOR_STORE_HOST_H

#include "governor/budget.h"

/*
 * `directory`, `group`: as in mskgov_governor_options. Returns 0 and sets *store, or what
 * gov_host_file_open returns, MSKGOV_ERR_NO_MEMORY.
 */
int gov_store_host_new(gov_store **store, const gov_store_options *options,
                       const char *directory, const char *group, mskgov_error_info *error);

#endif
