#include "command.h"
#include "identity.h"
#include "tool.h"

#include <mskgov/mskgov.h>

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static const char help[] =
    "Usage: mskgov whoami [--profile PROFILE] [--region REGION] [--role-arn ARN] [--json]\n"
    "Asks AWS STS whose the credentials are (GetCallerIdentity), and says where they come\n"
    "from, how long they live, and whether this host's clock is right.\n"
    "\n" IDENTITY_CREDENTIALS "\n" IDENTITY_HELP "  --json             all of it as JSON\n"
    "  --help             this text\n"
    "\n"
    "Exit status: 0 done; 1 STS refuses the credentials; 2 the command line is wrong; 3 "
    "there\n"
    "are no credentials, or STS was not reached.\n"
    "\n"
    "Example: mskgov whoami --profile production\n";

typedef struct answer {
  const char *region;
  mskgov_credentials *credentials;
  mskgov_caller caller;
} answer;

/* Seconds that the credentials have left, by the corrected clock. */
static int64_t left_s(uint64_t expires_at_ns) {
  struct timespec now;

  clock_gettime(CLOCK_REALTIME, &now);

  return (int64_t)(expires_at_ns / NS_PER_S) - now.tv_sec -
         mskgov_clock_skew_ns() / (int64_t)NS_PER_S;
}

static void print_json(const answer *said) {
  uint64_t expires_at_ns = mskgov_credentials_expires_at_ns(said->credentials);
  json_t *json =
      json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "schema", 1, "account",
                said->caller.account, "arn", said->caller.arn, "user_id",
                said->caller.user_id, "access_key_id",
                mskgov_credentials_access_key_id(said->credentials), "credential_source",
                mskgov_credentials_source(said->credentials), "region", said->region,
                "clock_skew_s", (json_int_t)(mskgov_clock_skew_ns() / (int64_t)NS_PER_S));
  char text[TOOL_TIME_SIZE];

  if (expires_at_ns == MSKGOV_NEVER) {
    json_object_set_new(json, "expires_at", json_null());
    json_object_set_new(json, "expires_in_s", json_null());
  } else {
    tool_format_time(expires_at_ns, text);
    json_object_set_new(json, "expires_at", json_string(text));
    json_object_set_new(json, "expires_in_s", json_integer(left_s(expires_at_ns)));
  }
  json_dumpf(json, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(json);
}

static void print_text(const answer *said) {
  uint64_t expires_at_ns = mskgov_credentials_expires_at_ns(said->credentials);
  int64_t skew_s = mskgov_clock_skew_ns() / (int64_t)NS_PER_S;
  char text[TOOL_TIME_SIZE];

  printf("account        %s\n", said->caller.account);
  printf("arn            %s\n", said->caller.arn);
  printf("user id        %s\n", said->caller.user_id);
  printf("access key id  %s\n", mskgov_credentials_access_key_id(said->credentials));
  printf("source         %s\n", mskgov_credentials_source(said->credentials));
  if (expires_at_ns == MSKGOV_NEVER) {
    printf("expires        never\n");
  } else {
    tool_format_time(expires_at_ns, text);
    printf("expires        %s (in %" PRId64 " min)\n", text, left_s(expires_at_ns) / 60);
  }
  printf("region         %s\n", said->region);
  if (skew_s)
    printf("clock          %" PRId64 " s %s AWS's; set it\n", skew_s > 0 ? skew_s : -skew_s,
           skew_s > 0 ? "behind" : "ahead of");
  else
    printf("clock          right, to half a minute\n");
}

static int ask(const identity *who, answer *said) {
  mskgov_credentials_provider *provider;
  mskgov_error_info error;
  int rc = identity_provider(who, said->region, &provider);

  if (rc)
    return rc;

  rc = mskgov_credentials_provider_get(provider, &said->credentials, &error);
  mskgov_credentials_provider_free(provider);
  if (rc)
    return tool_cannot("%s", error.text);

  rc = mskgov_caller_fetch(&said->caller, said->credentials, said->region, &error);
  if (rc) {
    tool_cannot("%s", error.text);
    return rc == MSKGOV_ERR_REFUSED ? TOOL_NO : TOOL_CANNOT;
  }

  return 0;
}

int cli_whoami_run(int argc, char **argv) {
  static const struct option longs[] = {IDENTITY_OPTIONS,
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  char region[MSKGOV_REGION_SIZE];
  answer said = {.region = region};
  identity who = {0};
  bool as_json = false;
  int opt, rc;

  while ((opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
    if (opt == 'h') {
      fputs(help, stdout);
      return tool_flush();
    }
    if (opt == 'j')
      as_json = true;
    else if (!identity_take(&who, opt, optarg))
      return tool_bad_option(opt, argv[optind - 1]);
  }
  if (optind < argc)
    return tool_usage("there is no argument \"%s\"", argv[optind]);

  rc = identity_check(&who);
  if (!rc)
    rc = identity_region(&who, region);
  if (!rc)
    rc = ask(&who, &said);
  if (!rc) {
    (as_json ? print_json : print_text)(&said);
    rc = tool_flush();
  }
  mskgov_credentials_free(said.credentials);

  return rc;
}
