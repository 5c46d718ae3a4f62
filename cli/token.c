#include "command.h"
#include "tool.h"

#include <mskgov/mskgov.h>

#include <getopt.h>
#include <jansson.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

static const char help[] =
    "Usage: mskgov token --region REGION [--json]\n"
    "Prints a token for SASL OAUTHBEARER on an IAM listener of Amazon MSK. Whoever has "
    "it\n"
    "can connect until it expires: keep it out of logs.\n"
    "\n"
    "Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN "
    "and\n"
    "AWS_CREDENTIAL_EXPIRATION.\n"
    "\n"
    "  --region R    the region of the cluster, such as eu-west-1\n"
    "  --json        token, expiry, principal and region as JSON\n"
    "  --help        this text\n"
    "\n"
    "Exit status: 0 done; 2 the command line is wrong; 3 there is no token.\n"
    "\n"
    "Example: mskgov token --region eu-west-1 --json\n";

static void print_json(const mskgov_token *token, const char *region) {
  uint64_t expires_at_ns = mskgov_token_expires_at_ns(token);
  time_t seconds = (time_t)(expires_at_ns / NS_PER_S);
  char expires_at[32];
  struct tm utc;
  json_t *json;

  gmtime_r(&seconds, &utc);
  strftime(expires_at, sizeof(expires_at), "%Y-%m-%dT%H:%M:%SZ", &utc);
  json = json_pack("{s:i, s:s, s:s, s:I, s:s, s:s}", "schema", 1, "token",
                   mskgov_token_value(token), "expires_at", expires_at,
                   "expires_at_unix_ms", (json_int_t)(expires_at_ns / NS_PER_MS),
                   "principal", mskgov_token_principal(token), "region", region);
  json_dumpf(json, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(json);
}

static int run(const char *region, bool as_json) {
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;
  mskgov_token *token;
  mskgov_error_info error;
  int rc;

  mskgov_authenticator_options_init(&options);
  options.region = region;
  rc = mskgov_authenticator_new(&authenticator, &options, &error);
  if (rc == MSKGOV_ERR_INVALID)
    return tool_usage("--region: %s", error.text);
  if (rc)
    return tool_cannot("%s", error.text);

  rc = mskgov_authenticator_token(authenticator, &token, &error);
  mskgov_authenticator_free(authenticator);
  if (rc)
    return tool_cannot("%s", error.text);

  if (as_json)
    print_json(token, region);
  else
    puts(mskgov_token_value(token));
  mskgov_token_free(token);

  return tool_flush();
}

int cli_token_run(int argc, char **argv) {
  static const struct option longs[] = {{"region", required_argument, NULL, 'r'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  const char *region = NULL;
  bool as_json = false;
  int opt;

  while ((opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
    if (opt == 'h') {
      fputs(help, stdout);
      return tool_flush();
    }
    if (opt == 'r')
      region = optarg;
    else if (opt == 'j')
      as_json = true;
    else
      return tool_bad_option(opt, argv[optind - 1]);
  }
  if (optind < argc)
    return tool_usage("there is no argument \"%s\"", argv[optind]);
  if (!region)
    return tool_usage("--region is missing");

  return run(region, as_json);
}
