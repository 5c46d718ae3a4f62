/*
 * The inside of the process provider: its limits can be given, for tests.
 */
#ifndef GOV_CREDENTIALS_PROCESS_H
#define GOV_CREDENTIALS_PROCESS_H

#include <mskgov/credentials.h>

#include <stdint.h>

typedef struct gov_program_limits {
  uint32_t timeout_ms; /* from the start of the process to its end */
  uint32_t kill_ms;    /* how long it may take to die, once it is killed */
} gov_program_limits;

/* mskgov_credentials_provider_new_process with limits (copied). */
int gov_program_new(mskgov_credentials_provider **provider, const char *command,
                    const gov_program_limits *limits, mskgov_error_info *error);

#endif
