/*
 * Random UUIDs (RFC 9562, version 4), as MSK puts in front of its refusals.
 *
 * Threads: any.
 */
#ifndef GOV_BROKER_UUID_H
#define GOV_BROKER_UUID_H

#define GOV_UUID_SIZE 37 /* 36 characters and the end */

/* Returns 0 or MSKGOV_ERR_CRYPTO: no randomness was to be had. */
int gov_uuid_random(char text[GOV_UUID_SIZE]);

#endif
