/*
 * Canaries: made-up secrets, one for each place where there can be a secret, so that one
 * that is found tells which way it came. Drawn at random once; most hold a slash and a plus
 * sign, which encodings change.
 */
#ifndef TEST_LEAK_CANARIES_H
#define TEST_LEAK_CANARIES_H

#include <stdbool.h>

#define CANARY_ENVIRONMENT_SECRET "b2tDDH8FixUINCGG6HVxxvzZF+O4EmZ5/m2kXDD9"
#define CANARY_ENVIRONMENT_SESSION                                                         \
  "0opbr8Mw/Jbfd4fA3sVsFFjPFBGqPiduaPtF+5ukwGJz/amU+ZSS+FgDbh0a"
#define CANARY_FILE_SECRET "YJXGKTf++5pVGhvD5gX6FawGvd/5xBROrKG1/GGS"
#define CANARY_FILE_SESSION "EwvxhJrGlYD9fzjt87iyZ9a0M3ZO/nrQRno9TQ+SZuUf5rRDvnF21L2vMuqb"
#define CANARY_PROCESS_SECRET "OLFhf/+dyzZ85TQUXuyjJhOWE3rJOa5fPC6GX/yS"
#define CANARY_PROCESS_SESSION                                                             \
  "WoSjpnXwEUj/qlciIwzlMPnb8ZR48k2cqJOvXug0s8Z+Yz096MrgELpjAfjo"
#define CANARY_PROCESS_ARGUMENT "WWeBM3uGJh+w/E507v/eHDHAHNLRZagN/qf/SZz4"
#define CANARY_WEB_IDENTITY "AFWdPycfX4Rp42Ffej6ZGr0llO1uJ5OjtTtZOeywjsFcb9RnL55nOoAN6C1n"
#define CANARY_CONTAINER_TOKEN "qT+4H3pAI/1C0su6trYbB0w9v+77XYsugVw7YU1ymjfHhSyl"
#define CANARY_CONTAINER_QUERY "q4hn3DA6MdFDB0hhtnApCKSU7KtABXrjvZtPd0tc"
#define CANARY_SERVICE_SECRET "BBf5j/8vcrBvOhG0iRm/jwhHJNIyNm1p1+H+GcHR"
#define CANARY_SERVICE_SESSION                                                             \
  "I2tNtFvwWP6KZImfZA+jjG/kH+l8HgmSPwETVBlVx0Jm6aLr4rOlU/90z7za"
#define CANARY_IMDS_TOKEN "xZD6HgQbZgS50aZggf8DsiQ7ZiAcmjTeSnthTP6EfvuN1vGOwn9UUYin"
#define CANARY_STS_SECRET "SUxc3foOxbUdx+B3F8gnCTwHFKgJ6/2zlPmWdYIJ"
#define CANARY_STS_SESSION "+1gzQ2PZVVji5/pN1Gg1TLWpLR+cCIFBjt5Gs2hI9kVxfnNgEwvlR+64o94l"
#define CANARY_SSO_TOKEN "pKykHQc9dmSrEZjNQt4tGNvtNBcZqmP/MNUmAzbPX6+DrU8uCxoAubOvT4Ub"
#define CANARY_SSO_CLIENT "8jYGJ+3R/UzwKQxdi0TFcX7BM7sSWVlMrbKS5jH9"
#define CANARY_SSO_SECRET "yIVKtOXmXIBRDmHintGZP+s/SB2xurq+B4Lybzct"
#define CANARY_SSO_SESSION "HEf7vxMEAX3fBVO249hLi+VpSLOezZTrhDN1nEvjbnNFRgQ/VIJrPesuzCXF"
#define CANARY_PASSWORD "ly5hkgc924ISBHWuZIJboz17LGGR4yqZ7ZFcP4lZ"
#define CANARY_EXTERNAL_ID "QTf88TV5nnHsp9WMIZbAMsQzQbki89rZ4VYbmCj2"
#define CANARY_CLIENT_SECRET "FABiZt5f/zXJXeeG2roIH//k+jMBvyfXe7Y0VHiX"
#define CANARY_CLIENT_SESSION "cYRg9vGbDs160V/eEL1ijNgWKSKe+HahQ5/REdXU9qA44WTg9fKy+aLv+22i"
#define CANARY_CLIENT_WRONG "m8ZAtd9AOBsylQR8vOySwhKZb+mcNn6o5/JK07TS"

typedef struct canary {
  const char *text;
  const char *name;
  bool in_token; /* a session token: every token signed with it holds it */
} canary;

static const canary canaries[] = {
    {CANARY_ENVIRONMENT_SECRET, "AWS_SECRET_ACCESS_KEY", false},
    {CANARY_ENVIRONMENT_SESSION, "AWS_SESSION_TOKEN", true},
    {CANARY_FILE_SECRET, "aws_secret_access_key of a file", false},
    {CANARY_FILE_SESSION, "aws_session_token of a file", true},
    {CANARY_PROCESS_SECRET, "SecretAccessKey of a process", false},
    {CANARY_PROCESS_SESSION, "SessionToken of a process", true},
    {CANARY_PROCESS_ARGUMENT, "an argument of a process", false},
    {CANARY_WEB_IDENTITY, "the web identity token", false},
    {CANARY_CONTAINER_TOKEN, "the container's authorization token", false},
    {CANARY_CONTAINER_QUERY, "the query of the container's URL", false},
    {CANARY_SERVICE_SECRET, "SecretAccessKey of a metadata service", false},
    {CANARY_SERVICE_SESSION, "Token of a metadata service", true},
    {CANARY_IMDS_TOKEN, "the session token of IMDS", false},
    {CANARY_STS_SECRET, "SecretAccessKey of STS", false},
    {CANARY_STS_SESSION, "SessionToken of STS", true},
    {CANARY_SSO_TOKEN, "accessToken of IAM Identity Center", false},
    {CANARY_SSO_CLIENT, "clientSecret of IAM Identity Center", false},
    {CANARY_SSO_SECRET, "secretAccessKey of IAM Identity Center", false},
    {CANARY_SSO_SESSION, "sessionToken of IAM Identity Center", true},
    {CANARY_PASSWORD, "the password in a URL", false},
    {CANARY_EXTERNAL_ID, "the external id of a role", false},
    {CANARY_CLIENT_SECRET, "the secret of a Kafka client", false},
    {CANARY_CLIENT_SESSION, "the session token of a Kafka client", true},
    {CANARY_CLIENT_WRONG, "the wrong secret of a Kafka client", false},
};

#define CANARIES (sizeof(canaries) / sizeof(canaries[0]))

#endif
