/*
 * The ways to credentials, and off them: with canaries wherever there can be a secret. In
 * texts "{home}" stands for the home directory of the case and "{port}" for the port of its
 * web server, which plays every service.
 */
#ifndef TEST_LEAK_CASES_H
#define TEST_LEAK_CASES_H

#include "../unit/http_stub.h"
#include "leak_canaries.h"

typedef struct leak_case {
  const char *name;
  const char *environment[8]; /* NAME=value */
  const char *config;         /* ~/.aws/config; NULL: none */
  const char *credentials;    /* ~/.aws/credentials; NULL: none */
  size_t credentials_length;  /* 0: up to the NUL */
  const char *token;          /* ~/token; NULL: none */
  const char *sso;            /* the token of the session "corp"; NULL: none */
  const char *arguments[6];   /* of every command */
  http_stub_answer answers[5];
  bool slow;        /* tries again for seconds: one of the commands is enough */
  const char *says; /* of standard error; NULL: there are credentials */
} leak_case;

#define URL "http://127.0.0.1:{port}"
#define ROLE "arn:aws:iam::123456789012:role/demo"
#define ENVIRONMENT_ID "AWS_ACCESS_KEY_ID=AKIDENVIRONMENT"
#define ENVIRONMENT_SECRET "AWS_SECRET_ACCESS_KEY=" CANARY_ENVIRONMENT_SECRET
#define ENVIRONMENT_SESSION "AWS_SESSION_TOKEN=" CANARY_ENVIRONMENT_SESSION
#define ENVIRONMENT ENVIRONMENT_ID, ENVIRONMENT_SECRET, ENVIRONMENT_SESSION
#define STS "AWS_ENDPOINT_URL_STS=" URL
#define WEB_IDENTITY "AWS_WEB_IDENTITY_TOKEN_FILE={home}/token", "AWS_ROLE_ARN=" ROLE
#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI="
#define CONTAINER_TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN=" CANARY_CONTAINER_TOKEN
#define IMDS "AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT=" URL

#define FILE_KEYS                                                                          \
  "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = " CANARY_FILE_SECRET   \
  "\naws_session_token = " CANARY_FILE_SESSION "\n"
#define PROCESS(command) "[default]\ncredential_process = " command "\n"
#define ECHO(words) "sh -c 'echo \"" words "\"' x --key " CANARY_PROCESS_ARGUMENT
#define PROCESS_KEYS                                                                       \
  "\\\"AccessKeyId\\\":\\\"AKIDPROCESS\\\",\\\"SecretAccessKey\\\":"                       \
  "\\\"" CANARY_PROCESS_SECRET "\\\",\\\"SessionToken\\\":\\\"" CANARY_PROCESS_SESSION     \
  "\\\""

#define IDENTITY                                                                           \
  {                                                                                        \
    HTTP_STUB_OK("text/xml",                                                               \
                 "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/"       \
                 "2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:"  \
                 "user/Alice</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"    \
                 "</GetCallerIdentityResult></GetCallerIdentityResponse>"),                \
        HTTP_STUB_CLOSE                                                                    \
  }
#define OK(type, body)                                                                     \
  { HTTP_STUB_OK(type, body), HTTP_STUB_CLOSE }
#define REFUSED(status, body)                                                              \
  { HTTP_STUB_STATUS(status, "text/plain", body), HTTP_STUB_CLOSE }
#define STS_REFUSED(status, code, message)                                                 \
  REFUSED(status, "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"    \
                  "<Error><Code>" code "</Code><Message>" message                          \
                  "</Message></Error></ErrorResponse>")
#define ASSUMED(action)                                                                    \
  "<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action       \
  "Result><Credentials><AccessKeyId>ASIASTS</"                                             \
  "AccessKeyId><SecretAccessKey>" CANARY_STS_SECRET                                        \
  "</SecretAccessKey><SessionToken>" CANARY_STS_SESSION                                    \
  "</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></" action    \
  "Result></" action "Response>"
#define METADATA_KEYS                                                                      \
  "\"AccessKeyId\":\"ASIASERVICE\",\"SecretAccessKey\":\"" CANARY_SERVICE_SECRET           \
  "\",\"Token\":\"" CANARY_SERVICE_SESSION "\""
#define METADATA "{" METADATA_KEYS ",\"Expiration\":\"2100-01-01T00:00:00Z\"}"
#define SSO_CONFIG                                                                         \
  "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = demo\n"   \
  "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\n"                   \
  "sso_region = eu-west-1\n"
#define SSO_TOKEN(expiry)                                                                  \
  "{\"accessToken\":\"" CANARY_SSO_TOKEN "\",\"clientSecret\":\"" CANARY_SSO_CLIENT        \
  "\",\"refreshToken\":\"" CANARY_SSO_CLIENT "\",\"expiresAt\":\"" expiry "\"}"
#define SSO_KEYS                                                                           \
  "{\"roleCredentials\":{\"accessKeyId\":\"ASIASSO\",\"secretAccessKey\":"                 \
  "\"" CANARY_SSO_SECRET "\",\"sessionToken\":\"" CANARY_SSO_SESSION                       \
  "\",\"expiration\":4102444800000}}"

static const leak_case from_environment[] = {
    {.name = "environment", .environment = {ENVIRONMENT, STS}, .answers = {IDENTITY}},
    {.name = "half an environment",
     .environment = {ENVIRONMENT_SECRET, ENVIRONMENT_SESSION},
     .says = "AWS_SECRET_ACCESS_KEY is set"},
    {.name = "a line end in the secret",
     .environment = {ENVIRONMENT_ID, ENVIRONMENT_SECRET "\n"},
     .says = "AWS_SECRET_ACCESS_KEY has a byte"},
    {.name = "quotes and a space in the session token",
     .environment = {ENVIRONMENT_ID, ENVIRONMENT_SECRET,
                     "AWS_SESSION_TOKEN=\"" CANARY_ENVIRONMENT_SESSION " \""},
     .says = "AWS_SESSION_TOKEN has a byte"},
    {.name = "expired",
     .environment = {ENVIRONMENT, "AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z"},
     .says = "the credentials expired"},
    {.name = "role of the environment",
     .environment = {ENVIRONMENT, STS},
     .arguments = {"--role-arn", ROLE, "--external-id", CANARY_EXTERNAL_ID},
     .answers = {OK("text/xml", ASSUMED("AssumeRole")), IDENTITY}},
    {.name = "a role that may not be assumed",
     .environment = {ENVIRONMENT, STS},
     .arguments = {"--role-arn", ROLE, "--external-id", CANARY_EXTERNAL_ID},
     .answers = {STS_REFUSED("403 Forbidden", "AccessDenied", "no sts:AssumeRole for you")},
     .says = "AccessDenied): no sts:AssumeRole"},
    {.name = "an external id with a space",
     .environment = {ENVIRONMENT, STS},
     .arguments = {"--role-arn", ROLE, "--external-id", CANARY_EXTERNAL_ID " "},
     .says = "--external-id"},
    {.name = "an external id that STS repeats",
     .environment = {ENVIRONMENT, STS},
     .arguments = {"--role-arn", ROLE, "--external-id", CANARY_EXTERNAL_ID},
     .answers = {STS_REFUSED("400 Bad Request", "ValidationError",
                             "Value '" CANARY_EXTERNAL_ID "' at 'externalId' failed")},
     .says = "ValidationError"},
    {.name = "a refusal that repeats the request",
     .environment = {ENVIRONMENT, STS},
     .arguments = {"--role-arn", ROLE},
     .answers = {STS_REFUSED("403 Forbidden", "SignatureDoesNotMatch",
                             "The Canonical String for this request should have been 'POST "
                             "/ x-amz-security-token:" CANARY_ENVIRONMENT_SESSION "'")},
     .says = "SignatureDoesNotMatch"},
    {.name = "half an answer of STS",
     .environment = {ENVIRONMENT, STS},
     .arguments = {"--role-arn", ROLE},
     .answers = {OK("text/xml", "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
                                "<SecretAccessKey>" CANARY_STS_SECRET "</SecretAcc")},
     .says = "STS answered with something unexpected"},
    {.name = "an answer of STS without the expiration",
     .environment = {ENVIRONMENT, STS},
     .arguments = {"--role-arn", ROLE},
     .answers = {OK("text/xml",
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
                    "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>" CANARY_STS_SECRET
                    "</SecretAccessKey></Credentials>"
                    "</AssumeRoleResult></AssumeRoleResponse>")},
     .says = "STS answered"},
    {.name = "STS in trouble, with a body",
     .environment = {ENVIRONMENT, STS},
     .arguments = {"--role-arn", ROLE},
     .answers = {REFUSED("503 Service Unavailable", CANARY_ENVIRONMENT_SESSION)},
     .slow = true,
     .says = "503"},
    {.name = "an endpoint with a password",
     .environment = {ENVIRONMENT, "AWS_ENDPOINT_URL_STS=http://user:" CANARY_PASSWORD
                                  "@127.0.0.1:{port}"},
     .arguments = {"--role-arn", ROLE},
     .says = "AWS_ENDPOINT_URL_STS is no URL"},
    {.name = "a proxy with a password that refuses",
     .environment = {ENVIRONMENT, "AWS_ENDPOINT_URL_STS=http://sts.example.com",
                     "http_proxy=http://user:" CANARY_PASSWORD "@127.0.0.1:{port}"},
     .arguments = {"--role-arn", ROLE},
     .answers = {REFUSED("407 Proxy Authentication Required", CANARY_PASSWORD)},
     .says = "407"},
    {.name = "a proxy with a password that opens no tunnel",
     .environment = {ENVIRONMENT, "AWS_ENDPOINT_URL_STS=https://sts.example.com",
                     "https_proxy=http://user:" CANARY_PASSWORD "@127.0.0.1:{port}"},
     .arguments = {"--role-arn", ROLE},
     .answers = {REFUSED("407 Proxy Authentication Required", CANARY_PASSWORD)},
     .slow = true,
     .says = "sts.example.com"},
    {.name = "a malformed proxy with a password",
     .environment = {ENVIRONMENT, "AWS_ENDPOINT_URL_STS=https://sts.example.com",
                     "https_proxy=http://user:" CANARY_PASSWORD "@[::1:bad"},
     .arguments = {"--role-arn", ROLE},
     .slow = true,
     .says = "STS failed"},
};

static const leak_case from_files[] = {
    {.name = "credentials file",
     .environment = {STS},
     .credentials = FILE_KEYS,
     .answers = {IDENTITY}},
    {.name = "a section that is not closed",
     .credentials = FILE_KEYS "[" CANARY_FILE_SECRET "\n",
     .says = "has no \"]\""},
    {.name = "a line without =",
     .credentials = "[default]\naws_access_key_id = A\n" CANARY_FILE_SECRET "\n",
     .says = "line 3"},
    {.name = "a setting before the first section",
     .credentials = "aws_secret_access_key = " CANARY_FILE_SECRET "\n",
     .says = "line 1"},
    {.name = "a NUL",
     .credentials = "[default]\naws_secret_access_key = " CANARY_FILE_SECRET "\0\n",
     .credentials_length =
         sizeof("[default]\naws_secret_access_key = " CANARY_FILE_SECRET "\0\n") - 1,
     .says = "NUL"},
    {.name = "the secret where a value has none",
     .credentials = "[default]\nnothing =\n  " CANARY_FILE_SECRET "\n",
     .says = "expected name = value"},
    {.name = "a secret on two lines",
     .credentials =
         "[default]\naws_access_key_id = A\naws_secret_access_key = " CANARY_FILE_SECRET
         "\n  " CANARY_FILE_SECRET "\n",
     .says = "secret_access_key has a byte"},
    {.name = "half the keys",
     .credentials = "[default]\naws_secret_access_key = " CANARY_FILE_SECRET "\n",
     .says = "no aws_access_key_id"},
};

static const leak_case from_processes[] = {
    {.name = "process",
     .environment = {STS},
     .config = PROCESS(ECHO("{\\\"Version\\\":1," PROCESS_KEYS "}")),
     .answers = {IDENTITY}},
    {.name = "broken JSON of a process",
     .config = PROCESS(ECHO("{\\\"Version\\\":1," PROCESS_KEYS)),
     .says = "something else than an object in JSON"},
    {.name = "no JSON of a process",
     .config = PROCESS(ECHO(CANARY_PROCESS_SECRET)),
     .says = "something else than an object in JSON"},
    {.name = "another version of a process",
     .config = PROCESS(ECHO("{\\\"Version\\\":\\\"" CANARY_PROCESS_SECRET "\\\"}")),
     .says = "Version"},
    {.name = "a bad expiration of a process",
     .config = PROCESS(ECHO("{\\\"Version\\\":1," PROCESS_KEYS
                            ",\\\"Expiration\\\":\\\"" CANARY_PROCESS_SECRET "\\\"}")),
     .says = "Expiration"},
    {.name = "a name twice of a process",
     .config = PROCESS(ECHO("{\\\"Version\\\":1," PROCESS_KEYS "," PROCESS_KEYS "}")),
     .says = "twice"},
    {.name = "a process that fails",
     .config = PROCESS("sh -c 'echo " CANARY_PROCESS_SECRET
                       "; exit 3' x " CANARY_PROCESS_ARGUMENT),
     .says = "ended with the status 3"},
    {.name = "a quote that is not closed",
     .config = PROCESS("tool --key \"" CANARY_PROCESS_ARGUMENT),
     .says = "not closed"},
    {.name = "a process that is not there",
     .config = PROCESS("/nowhere/tool --key " CANARY_PROCESS_ARGUMENT),
     .says = "cannot start the credential process \"/nowhere/tool\""},
    {.name = "a process in quotes, arguments and all",
     .config = PROCESS("\"/nowhere/tool --key " CANARY_PROCESS_ARGUMENT "\""),
     .says = "cannot start the credential process"},
    {.name = "a process after a variable",
     .config = PROCESS("KEY=" CANARY_PROCESS_ARGUMENT " /nowhere/tool"),
     .says = "cannot start the credential process"},
};

static const leak_case from_web_identity[] = {
    {.name = "web identity",
     .environment = {WEB_IDENTITY, STS},
     .token = CANARY_WEB_IDENTITY "\n",
     .answers = {OK("text/xml", ASSUMED("AssumeRoleWithWebIdentity")), IDENTITY}},
    {.name = "bad bytes in the token",
     .environment = {WEB_IDENTITY, STS},
     .token = CANARY_WEB_IDENTITY "\001" CANARY_WEB_IDENTITY,
     .says = "the web identity token has a byte"},
    {.name = "a web identity that STS repeats",
     .environment = {WEB_IDENTITY, STS},
     .token = CANARY_WEB_IDENTITY,
     .answers = {STS_REFUSED("400 Bad Request", "ValidationError",
                             "Value '" CANARY_WEB_IDENTITY "' at 'webIdentityToken' "
                             "failed to satisfy constraint")},
     .says = "ValidationError"},
    {.name = "a page instead of an answer",
     .environment = {WEB_IDENTITY, STS},
     .token = CANARY_WEB_IDENTITY,
     .answers = {OK("text/html", "<html>" CANARY_WEB_IDENTITY "</body></html>")},
     .says = "STS answered with something unexpected"},
    {.name = "no role for the token",
     .environment = {"AWS_WEB_IDENTITY_TOKEN_FILE={home}/token", STS},
     .token = CANARY_WEB_IDENTITY,
     .says = "set AWS_ROLE_ARN"},
};

static const leak_case from_metadata[] = {
    {.name = "container",
     .environment = {FULL_URI URL "/get?key=" CANARY_CONTAINER_QUERY, CONTAINER_TOKEN, STS},
     .answers = {OK("application/json", METADATA), IDENTITY}},
    {.name = "a container's service that refuses",
     .environment = {FULL_URI URL "/get?key=" CANARY_CONTAINER_QUERY, CONTAINER_TOKEN},
     .answers = {REFUSED("403 Forbidden", CANARY_CONTAINER_TOKEN)},
     .says = "status 403"},
    {.name = "a container's service with a Code",
     .environment = {FULL_URI URL "/get?key=" CANARY_CONTAINER_QUERY, CONTAINER_TOKEN},
     .answers = {OK("application/json",
                    "{\"Code\":\"" CANARY_SERVICE_SECRET "\"," METADATA_KEYS "}")},
     .says = "has no credentials to give"},
    {.name = "half an answer of a container's service",
     .environment = {FULL_URI URL "/get?key=" CANARY_CONTAINER_QUERY, CONTAINER_TOKEN},
     .answers = {OK("application/json", "{" METADATA_KEYS ",")},
     .says = "something else than an object in JSON"},
    {.name = "a container's service that is elsewhere",
     .environment = {FULL_URI "http://192.0.2.1/get?key=" CANARY_CONTAINER_QUERY,
                     CONTAINER_TOKEN},
     .says = "192.0.2.1"},
    {.name = "a container's service that is not there",
     .environment = {FULL_URI "http://127.0.0.1:1/get?key=" CANARY_CONTAINER_QUERY,
                     CONTAINER_TOKEN},
     .slow = true,
     .says = "cannot connect to 127.0.0.1:1"},
    {.name = "a container's URL with a password",
     .environment = {FULL_URI "http://user:" CANARY_PASSWORD "@127.0.0.1:{port}/",
                     CONTAINER_TOKEN},
     .says = "it has a user name"},
    {.name = "a container's URL of another kind",
     .environment = {FULL_URI "ftp://127.0.0.1/get?key=" CANARY_CONTAINER_QUERY,
                     CONTAINER_TOKEN},
     .says = "the URL is not allowed"},
    {.name = "a container's path without a slash",
     .environment = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=get?" CANARY_CONTAINER_QUERY},
     .says = "does not start with a slash"},
    {.name = "a container's token with a line end",
     .environment = {FULL_URI URL, CONTAINER_TOKEN "\r\nX-Other: x"},
     .says = "AWS_CONTAINER_AUTHORIZATION_TOKEN has a byte"},
    {.name = "a container's token in a file, with a line end",
     .environment = {FULL_URI URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE={home}/token"},
     .token = CANARY_CONTAINER_TOKEN "\n",
     .says = "has a byte"},
    {.name = "instance",
     .environment = {IMDS, STS},
     .answers = {OK("text/plain", CANARY_IMDS_TOKEN), OK("text/plain", "demo"),
                 OK("application/json", METADATA), IDENTITY}},
    {.name = "an instance's answer without an expiration",
     .environment = {IMDS},
     .answers = {OK("text/plain", CANARY_IMDS_TOKEN), OK("text/plain", "demo"),
                 OK("application/json", "{" METADATA_KEYS "}")},
     .says = "Expiration"},
    {.name = "an instance that repeats the token as a role",
     .environment = {IMDS},
     .answers = {OK("text/plain", CANARY_IMDS_TOKEN),
                 OK("text/plain", CANARY_IMDS_TOKEN "/" CANARY_IMDS_TOKEN)},
     .says = "a role name that IAM does not allow"},
    {.name = "an instance's token with a space",
     .environment = {IMDS},
     .answers = {OK("text/plain", CANARY_IMDS_TOKEN " ")},
     .says = "no visible ASCII"},
    {.name = "an instance that does not know the token",
     .environment = {IMDS},
     .answers = {OK("text/plain", CANARY_IMDS_TOKEN), REFUSED("401 Unauthorized", "no"),
                 OK("text/plain", CANARY_IMDS_TOKEN), REFUSED("401 Unauthorized", "no")},
     .says = "401"},
};

static const leak_case from_sso[] = {
    {.name = "IAM Identity Center",
     .environment = {"AWS_ENDPOINT_URL_SSO=" URL, STS},
     .config = SSO_CONFIG,
     .sso = SSO_TOKEN("2100-01-01T00:00:00Z"),
     .answers = {OK("application/json", SSO_KEYS), IDENTITY}},
    {.name = "its token has expired",
     .config = SSO_CONFIG,
     .sso = SSO_TOKEN("2020-01-01T00:00:00Z"),
     .says = "has expired"},
    {.name = "its token's expiry is none",
     .config = SSO_CONFIG,
     .sso = SSO_TOKEN(CANARY_SSO_CLIENT),
     .says = "it is no JSON with"},
    {.name = "its token's file is cut",
     .config = SSO_CONFIG,
     .sso = "{\"accessToken\":\"" CANARY_SSO_TOKEN,
     .says = "it is no JSON with"},
    {.name = "its token has a space",
     .config = SSO_CONFIG,
     .sso = "{\"accessToken\":\"" CANARY_SSO_TOKEN " "
            "\",\"expiresAt\":\"2100-01-01T00:00:00Z\"}",
     .says = "accessToken has a byte"},
    {.name = "it refuses, and repeats the token",
     .environment = {"AWS_ENDPOINT_URL_SSO=" URL},
     .config = SSO_CONFIG,
     .sso = SSO_TOKEN("2100-01-01T00:00:00Z"),
     .answers = {REFUSED("401 Unauthorized", "{\"message\":\"" CANARY_SSO_TOKEN "\"}")},
     .says = "status 401"},
    {.name = "it answers with half of it",
     .environment = {"AWS_ENDPOINT_URL_SSO=" URL},
     .config = SSO_CONFIG,
     .sso = SSO_TOKEN("2100-01-01T00:00:00Z"),
     .answers = {OK("application/json",
                    "{\"roleCredentials\":{\"secretAccessKey\":\"" CANARY_SSO_SECRET
                    "\"}}")},
     .says = "accessKeyId"},
};

#endif
