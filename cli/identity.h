/*
 * The options that say whose credentials a command uses, and in which region.
 *
 * Threads: the main thread only.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <mskgov/mskgov.h>

#include <stdbool.h>

/* What was given; NULL: it was not. Borrowed from the command line. */
typedef struct identity {
  const char *profile;
  const char *region;
  const char *broker;
  const char *role_arn;
  const char *external_id;
  const char *session_name;
} identity;

/* For the table of getopt_long, and for the help. The broker is not among them. */
#define IDENTITY_OPTIONS                                                                   \
  {"profile", required_argument, NULL, 'P'}, {"region", required_argument, NULL, 'R'},     \
      {"role-arn", required_argument, NULL, 'A'},                                          \
      {"external-id", required_argument, NULL, 'E'}, {                                     \
    "session-name", required_argument, NULL, 'S'                                           \
  }
#define IDENTITY_HELP                                                                      \
  "  --profile P        a profile of ~/.aws/config and ~/.aws/credentials\n"               \
  "  --region R         the region, such as eu-west-1; else that of AWS_REGION,\n"         \
  "                     AWS_DEFAULT_REGION, the profile, the broker's name, the "          \
  "instance\n"                                                                             \
  "  --role-arn A       a role to assume with the credentials\n"                           \
  "  --external-id I    the external id that the role's trust policy asks for\n"           \
  "  --session-name N   the name of the role's session; else AWS_ROLE_SESSION_NAME, or\n"  \
  "                     mskgov-<host name>\n"
#define IDENTITY_CREDENTIALS                                                                 \
  "Credentials are looked for in the environment (AWS_ACCESS_KEY_ID, …), the profile, a\n" \
  "web identity, the container's and the instance's role; see docs/credentials.md.\n"

/* Takes an option that getopt_long answered; false: it is none of these. */
bool identity_take(identity *who, int option, const char *argument);

/* Checks what was given against each other. Returns 0, or TOOL_USAGE after a message. */
int identity_check(const identity *who);

/*
 * Finds the region and warns if the broker's name tells another one. Returns 0, or an exit
 * status after a message.
 */
int identity_region(const identity *who, char region[MSKGOV_REGION_SIZE]);

/* Makes the provider. Returns 0 and sets *provider (owned: mskgov_credentials_provider_free),
   or an exit status after a message. */
int identity_provider(const identity *who, const char *region,
                      mskgov_credentials_provider **provider);

#endif
