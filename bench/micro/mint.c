/*
 * mskgov-mint: what does an IAM token cost?
 *
 * A token with a session token of 700 bytes, from credentials that do not change, against the
 * plain SHA-256 of as many bytes as are hashed for it: what no signer can do without. Both
 * take turns, so that a change of the machine's mood hits both.
 */
#include "common/clock.h"
#include "common/failure.h"
#include "common/numbers.h"
#include "micro/rig.h"
#include "tool.h"

#include <jansson.h>
#include <openssl/evp.h>

#include <string.h>

#define SESSION_LENGTH 700
#define REGION "eu-west-1"
#define ROUND_NS (20 * BENCH_NS_PER_MS)
#define BATCH 20u
#define ROUNDS_MAX 1001u
#define RATIO_BOUND 3.0

static const char help[] =
    "Usage: mskgov-mint [--rounds N] [--json]\n"
    "Times the signing of IAM tokens with a session token of 700 bytes, against the plain\n"
    "SHA-256 of the bytes that are hashed for one.\n"
    "\n"
    "  --rounds N    rounds of each kind, of 20 ms, 1 to 1001 (51)\n"
    "  --json        the figures as JSON\n"
    "  --help        this text\n"
    "\n"
    "Exit status: 0 a token costs at most 3 times as much; 1 it costs more; 2 the command\n"
    "line is wrong; 3 it could not run.\n"
    "\n"
    "Example: mskgov-mint --rounds 101\n";

typedef struct mint {
  mskgov_authenticator *authenticator;
  EVP_MD *sha256;
  EVP_MD_CTX *context;
  unsigned char *bytes;
  size_t hashed; /* for one token */
} mint;

/* What is hashed for a token, as SigV4 has it: the canonical request, and the string to
   sign within HMAC, which hashes two blocks of key and a digest besides. */
static size_t count_hashed(size_t query_length) {
  size_t request = strlen("GET\n/\n") + query_length +
                   strlen("\nhost:kafka." REGION ".amazonaws.com\n\nhost\n") + 64;
  size_t to_sign = strlen("AWS4-HMAC-SHA256\n20260102T030405Z\n20260102/" REGION
                          "/kafka-cluster/aws4_request\n") +
                   64;

  return request + (64 + to_sign) + (64 + 32);
}

static size_t decoded_length(const char *token) {
  return strlen(token) / 4 * 3 + (strlen(token) % 4 ? strlen(token) % 4 - 1 : 0);
}

/* From the length of a token: it is the query with what is not signed around it. */
static int measure_hashed(mint *self, mskgov_error_info *error) {
  static const char around[] = "https://kafka." REGION ".amazonaws.com/?"
                               "&X-Amz-Signature=&User-Agent=mskgov%2F" MSKGOV_VERSION;
  mskgov_token *token;
  int rc = mskgov_authenticator_token(self->authenticator, &token, error);

  if (rc)
    return rc;

  self->hashed =
      count_hashed(decoded_length(mskgov_token_value(token)) - strlen(around) - 64);
  mskgov_token_free(token);

  return 0;
}

/* As STS's: base64, which begins like this, and is as good as random afterwards. */
static void fill_session(char session[SESSION_LENGTH + 1]) {
  static const char begin[] = "IQoJb3JpZ2luX2VjEJv//////////wEa";
  static const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t x = 2463534242u;

  for (size_t i = 0; i < SESSION_LENGTH; i++) {
    x = x * 1664525u + 1013904223u;
    session[i] = i < sizeof(begin) - 1 ? begin[i] : letters[x >> 26];
  }
  session[SESSION_LENGTH] = '\0';
}

static int start(mint *self, mskgov_error_info *error) {
  mskgov_authenticator_options options;
  mskgov_credentials *credentials = NULL;
  char session[SESSION_LENGTH + 1];
  int rc;

  fill_session(session);
  mskgov_authenticator_options_init(&options);
  options.region = REGION;
  rc = mskgov_credentials_new(&credentials, "ASIAIOSFODNN7EXAMPLE",
                              "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", session,
                              MSKGOV_NEVER, error);
  if (!rc)
    rc = mskgov_credentials_provider_new_static(&options.credentials, credentials, error);
  if (!rc)
    rc = mskgov_authenticator_new(&self->authenticator, &options, error);
  mskgov_credentials_provider_free(options.credentials);
  mskgov_credentials_free(credentials);
  if (!rc)
    rc = measure_hashed(self, error);
  if (rc)
    return rc;

  self->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  self->context = EVP_MD_CTX_new();
  self->bytes = calloc(1, self->hashed);

  return self->sha256 && self->context && self->bytes
             ? 0
             : bench_fail(error, MSKGOV_ERR_NO_MEMORY, "no memory");
}

static void stop(mint *self) {
  mskgov_authenticator_free(self->authenticator);
  EVP_MD_free(self->sha256);
  EVP_MD_CTX_free(self->context);
  free(self->bytes);
}

static int mint_one(mint *self, mskgov_error_info *error) {
  mskgov_token *token;
  int rc = mskgov_authenticator_token(self->authenticator, &token, error);

  if (!rc)
    mskgov_token_free(token);

  return rc;
}

/* The quickest way that OpenSSL has: nothing is looked up or made anew. */
static int hash_one(mint *self, mskgov_error_info *error) {
  unsigned char digest[EVP_MAX_MD_SIZE];

  if (EVP_DigestInit_ex2(self->context, self->sha256, NULL) != 1 ||
      EVP_DigestUpdate(self->context, self->bytes, self->hashed) != 1 ||
      EVP_DigestFinal_ex(self->context, digest, NULL) != 1)
    return bench_fail(error, MSKGOV_ERR_CRYPTO, "SHA-256 failed");
  self->bytes[0] = digest[0];

  return 0;
}

/* One round; *ns is what one costs. */
static int time_round(mint *self, int (*one)(mint *, mskgov_error_info *), double *ns,
                      mskgov_error_info *error) {
  uint64_t from_ns = bench_now_ns(), now_ns = from_ns, count = 0;
  int rc = 0;

  while (!rc && now_ns - from_ns < ROUND_NS) {
    for (unsigned i = 0; i < BATCH && !rc; i++)
      rc = one(self, error);
    count += BATCH;
    now_ns = bench_now_ns();
  }
  *ns = (double)(now_ns - from_ns) / (double)count;

  return rc;
}

static int run(mint *self, uint32_t rounds, bool as_json, double *ratio,
               mskgov_error_info *error) {
  double token[ROUNDS_MAX], hash[ROUNDS_MAX], token_ns, hash_ns;
  int rc = 0;

  for (uint32_t i = 0; i < rounds && !rc && !tool_signal(); i++) {
    rc = time_round(self, mint_one, &token[i], error);
    if (!rc)
      rc = time_round(self, hash_one, &hash[i], error);
  }
  if (rc || tool_signal())
    return rc;

  token_ns = bench_median(token, rounds);
  hash_ns = bench_median(hash, rounds);
  *ratio = token_ns / hash_ns;
  if (as_json) {
    json_t *json =
        json_pack("{s:i, s:i, s:I, s:f, s:f, s:f, s:f}", "schema", 1, "rounds", (int)rounds,
                  "hashed_bytes", (json_int_t)self->hashed, "token_ns", token_ns,
                  "sha256_ns", hash_ns, "ratio", *ratio, "bound", RATIO_BOUND);

    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
  } else {
    printf("Minting, medians of %u rounds\n"
           "  a token, session token of %d bytes  %8.0f ns\n"
           "  SHA-256 of the %4zu bytes hashed    %8.0f ns\n"
           "  ratio                               %8.2f  (bound %.2f)\n",
           rounds, SESSION_LENGTH, token_ns, self->hashed, hash_ns, *ratio, RATIO_BOUND);
  }

  return 0;
}

int main(int argc, char **argv) {
  static const micro_command command = {"mskgov-mint", help, "rounds", 1, ROUNDS_MAX};
  mskgov_error_info error = {0};
  uint32_t rounds = 51;
  double ratio = 0;
  mint self = {0};
  bool as_json;
  int rc;

  if (!micro_parse(&command, argc, argv, &rounds, &as_json, &rc))
    return rc;

  tool_catch_signals();
  rc = start(&self, &error);
  if (!rc)
    rc = run(&self, rounds, as_json, &ratio, &error);
  stop(&self);
  if (tool_signal())
    return tool_die_of_signal();
  if (rc)
    return tool_cannot("%s", error.text);
  rc = tool_flush();

  return rc ? rc : ratio <= RATIO_BOUND ? TOOL_DONE : TOOL_NO;
}
