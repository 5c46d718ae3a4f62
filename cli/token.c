#include "command.h"
#include "identity.h"
#include "tool.h"

#include <mskgov/mskgov.h>

#include <getopt.h>
#include <jansson.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

static const char help[] =
    "Usage: mskgov token [--region REGION] [--broker HOST:PORT] [--mechanism M] "
    "[--json]\n"
    "Prints what an IAM listener of Amazon MSK takes: a token for SASL OAUTHBEARER, or "
    "the\n"
    "first message of SASL AWS_MSK_IAM. Whoever has it can connect until it expires: keep "
    "it\n"
    "out of logs.\n"
    "\n" IDENTITY_CREDENTIALS "\n" IDENTITY_HELP
    "  --broker B         the broker that it is for; only aws-msk-iam needs it\n"
    "  --mechanism M      oauthbearer (the default) or aws-msk-iam\n"
    "  --json             token, expiry, principal, source of the credentials and region\n"
    "                     as JSON\n"
    "  --help             this text\n"
    "\n"
    "Exit status: 0 done; 2 the command line is wrong; 3 there is no token.\n"
    "\n"
    "Example: mskgov token --region eu-west-1 --json\n";

static void print_json(const mskgov_token *token, const char *region) {
  uint64_t expires_at_ns = mskgov_token_expires_at_ns(token);
  char expires_at[TOOL_TIME_SIZE];
  json_t *json;

  tool_format_time(expires_at_ns, expires_at);
  json = json_pack("{s:i, s:s, s:s, s:I, s:s, s:s, s:s}", "schema", 1, "token",
                   mskgov_token_value(token), "expires_at", expires_at,
                   "expires_at_unix_ms", (json_int_t)(expires_at_ns / NS_PER_MS),
                   "principal", mskgov_token_principal(token), "credential_source",
                   mskgov_token_source(token), "region", region);
  json_dumpf(json, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(json);
}

typedef struct request {
  identity who;
  bool for_msk_iam;
  bool as_json;
} request;

static int make(mskgov_authenticator *authenticator, const request *wanted,
                mskgov_token **token, mskgov_error_info *error) {
  return wanted->for_msk_iam
             ? mskgov_authenticator_payload(authenticator, wanted->who.broker, token, error)
             : mskgov_authenticator_token(authenticator, token, error);
}

static int run(const request *wanted, const char *region) {
  mskgov_authenticator_options options;
  mskgov_authenticator *authenticator;
  mskgov_token *token;
  mskgov_error_info error;
  int rc;

  mskgov_authenticator_options_init(&options);
  options.region = region;
  rc = identity_provider(&wanted->who, region, &options.credentials);
  if (rc)
    return rc;
  rc = mskgov_authenticator_new(&authenticator, &options, &error);
  mskgov_credentials_provider_free(options.credentials);
  if (rc)
    return tool_cannot("%s", error.text);

  rc = make(authenticator, wanted, &token, &error);
  mskgov_authenticator_free(authenticator);
  if (rc == MSKGOV_ERR_INVALID && strncmp(error.text, "broker ", 7) == 0)
    return tool_usage("--%s", error.text);
  if (rc)
    return tool_cannot("%s", error.text);

  if (wanted->as_json)
    print_json(token, region);
  else
    puts(mskgov_token_value(token));
  mskgov_token_free(token);

  return tool_flush();
}

static int check_mechanism(const char *mechanism, request *wanted) {
  wanted->for_msk_iam = strcmp(mechanism, "aws-msk-iam") == 0;
  if (!wanted->for_msk_iam && strcmp(mechanism, "oauthbearer") != 0)
    return tool_usage("--mechanism is \"%s\"; allowed are oauthbearer and aws-msk-iam",
                      mechanism);
  if (wanted->for_msk_iam && !wanted->who.broker)
    return tool_usage("--broker is missing; aws-msk-iam is signed for one broker");

  return 0;
}

int cli_token_run(int argc, char **argv) {
  static const struct option longs[] = {IDENTITY_OPTIONS,
                                        {"broker", required_argument, NULL, 'b'},
                                        {"mechanism", required_argument, NULL, 'm'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  const char *mechanism = "oauthbearer";
  char region[MSKGOV_REGION_SIZE];
  request wanted = {0};
  int opt, rc;

  while ((opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
    if (opt == 'h') {
      fputs(help, stdout);
      return tool_flush();
    }
    if (opt == 'b')
      wanted.who.broker = optarg;
    else if (opt == 'm')
      mechanism = optarg;
    else if (opt == 'j')
      wanted.as_json = true;
    else if (!identity_take(&wanted.who, opt, optarg))
      return tool_bad_option(opt, argv[optind - 1]);
  }
  if (optind < argc)
    return tool_usage("there is no argument \"%s\"", argv[optind]);

  rc = check_mechanism(mechanism, &wanted);
  if (!rc)
    rc = identity_check(&wanted.who);
  if (!rc)
    rc = identity_region(&wanted.who, region);

  return rc ? rc : run(&wanted, region);
}
