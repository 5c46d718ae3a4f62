/*
 * Secrets in memory, from programs and services. Their answers come as JSON or through HTTP:
 * jansson and libcurl free buffers of theirs as they are, and calls of jansson and expat may
 * be bound late, for which the dynamic linker saves registers. So remains of what was sent
 * and received are allowed on malloc's heap and on the stack, and nowhere else; what is made
 * of it (key, token, payload) has to be as clean as ever.
 */
#include "../unit/http_stub.h"
#include "memory_fixture.h"

#include <signal.h>

static mskgov_credentials_provider *from_process(uint16_t port) {
  mskgov_credentials_provider *provider;
  char command[128];

  (void)port;
  put_file("{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":"
           "\"" CANARY_PROCESS_SECRET "\",\"SessionToken\":\"" CANARY_PROCESS_SESSION
           "\"}");
  snprintf(command, sizeof(command), "sh -c 'cat %s' x " CANARY_PROCESS_ARGUMENT, path);
  ck_assert_int_eq(mskgov_credentials_provider_new_process(&provider, command, NULL), 0);
  explicit_bzero(command, sizeof(command));

  return provider;
}

static void set_url(const char *variable, uint16_t port) {
  char url[128];

  setenv(variable, http_stub_url(url, port, ""), 1);
}

static mskgov_credentials_provider *from_imds(uint16_t port) {
  mskgov_credentials_provider *provider;

  setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
  set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", port);
  ck_assert_int_eq(mskgov_credentials_provider_new_imds(&provider, NULL), 0);

  return provider;
}

static mskgov_credentials_provider *from_web_identity(uint16_t port) {
  mskgov_credentials_provider *provider;

  put_file(CANARY_WEB_IDENTITY "\n");
  set_url("AWS_ENDPOINT_URL_STS", port);
  setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/demo", 1);
  setenv("AWS_REGION", "eu-west-1", 1);
  ck_assert_int_eq(
      mskgov_credentials_provider_new_web_identity(&provider, path, NULL, NULL), 0);

  return provider;
}

#define ROLE                                                                               \
  { HTTP_STUB_OK("text/plain", "demo"), HTTP_STUB_CLOSE }
#define KEYS                                                                               \
  {                                                                                        \
    HTTP_STUB_OK("application/json",                                                       \
                 "{\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"" CANARY_SERVICE_SECRET  \
                 "\",\"Token\":\"" CANARY_SERVICE_SESSION                                  \
                 "\",\"Expiration\":\"2100-01-01T00:00:00Z\"}"),                           \
        HTTP_STUB_CLOSE                                                                    \
  }

static const struct {
  const char *name;
  mskgov_credentials_provider *(*make)(uint16_t port);
  const char *secret, *session;
  const char *kept, *dropped; /* further secrets: the provider keeps it, or does not */
  http_stub_answer answers[5];
} others[] = {
    {"process",
     from_process,
     CANARY_PROCESS_SECRET,
     CANARY_PROCESS_SESSION,
     CANARY_PROCESS_ARGUMENT,
     NULL,
     {{NULL, HTTP_STUB_CLOSE}}},
    {"instance",
     from_imds,
     CANARY_SERVICE_SECRET,
     CANARY_SERVICE_SESSION,
     CANARY_IMDS_TOKEN,
     NULL,
     {{HTTP_STUB_OK("text/plain", CANARY_IMDS_TOKEN), HTTP_STUB_CLOSE},
      ROLE,
      KEYS,
      ROLE,
      KEYS}},
    {"web identity",
     from_web_identity,
     CANARY_STS_SECRET,
     CANARY_STS_SESSION,
     NULL,
     CANARY_WEB_IDENTITY,
     {{HTTP_STUB_OK(
           "text/xml",
           "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>"
           "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>" CANARY_STS_SECRET
           "</SecretAccessKey><SessionToken>" CANARY_STS_SESSION
           "</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>"
           "</Credentials></AssumeRoleWithWebIdentityResult>"
           "</AssumeRoleWithWebIdentityResponse>"),
       HTTP_STUB_CLOSE}}},
};

/* In another process: what a server keeps of its clients is not what is looked at. */
static pid_t start_server(const http_stub_answer *answers, size_t count, uint16_t *port) {
  uint16_t *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  static http_stub stub;
  int ready[2];
  char byte;
  pid_t child;

  ck_assert_ptr_ne(shared, MAP_FAILED);
  ck_assert_int_eq(pipe(ready), 0);
  child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    http_stub_start(&stub, answers, count);
    *shared = stub.port;
    (void)!write(ready[1], "x", 1);
    for (;;)
      pause();
  }
  ck_assert_int_eq(read(ready[0], &byte, 1), 1);
  *port = *shared;
  munmap(shared, sizeof(*shared));

  return child;
}

/* A secret that a provider keeps between two gets, if any. */
static void check_kept(const char *text, bool lives) {
  needle kept;

  if (!text)
    return;
  needle_set(&kept, text);
  check("the provider's own", &kept, lives, true);
}

START_TEST(test_others) {
  mskgov_authenticator *authenticator;
  mskgov_token *token, *payload;
  size_t answers = 0;
  uint16_t port = 0;
  pid_t server;

  aws_environment_clear();
  while (answers < 5 && others[_i].answers[answers].text)
    answers++;
  server = start_server(others[_i].answers, answers ? answers : 1, &port);
  make_needles(others[_i].secret, others[_i].session);
  authenticator = make_authenticator(others[_i].make(port));
  sign(authenticator, &token, &payload);
  for (int i = ENCODED; i < NEEDLES; i++)
    check_lives(names[i], &needles[i]);
  check_kept(others[_i].kept, true);
  check_kept(others[_i].dropped, false);

  mskgov_token_free(token);
  mskgov_token_free(payload);
  mskgov_authenticator_free(authenticator);
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  unlink(path);
  for (int i = 0; i < NEEDLES; i++)
    check(names[i], &needles[i], false, i < ENCODED);
  check_kept(others[_i].kept, false);
}
END_TEST

MEMORY_TEST_MAIN("leaks_services", TEST_TABLE(test_others, others))
