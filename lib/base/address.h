/*
 * Broker addresses, "host:port": checked once, at the door.
 */
#ifndef GOV_BASE_ADDRESS_H
#define GOV_BASE_ADDRESS_H

#include <mskgov/error.h>

#include <stddef.h>

/*
 * Checks "host:port" or "[v6]:port". `field` names it in the error. Sets *host_length, if
 * not NULL, to the length of the host with its brackets. Returns 0 or MSKGOV_ERR_INVALID.
 */
int gov_address_check(const char *field, const char *address, size_t *host_length,
                      mskgov_error_info *error);

#endif
