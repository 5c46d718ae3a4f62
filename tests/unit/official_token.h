/*
 * What AWS's own signer answers, for the tests of tokens. Made with
 * aws-msk-iam-sasl-signer-python 1.0.2 and botocore 1.44.5 under Python 3.11, the time
 * held by freezegun 1.5.5. To repeat it:
 *
 *   logging.basicConfig(level=logging.DEBUG)  # botocore.auth prints every stage
 *   class Provider(botocore.credentials.CredentialProvider):
 *     def __init__(self, *parts): self.credentials = Credentials(*parts)
 *     def load(self): return self.credentials
 *   with freezegun.freeze_time("2026-01-02 03:04:05"):
 *     print(MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(
 *         "eu-west-1", Provider("AKIDEXAMPLE", OFFICIAL_SECRET)))
 *
 * and likewise for the other regions, times and credentials named below.
 */
#ifndef TEST_OFFICIAL_TOKEN_H
#define TEST_OFFICIAL_TOKEN_H

#define OFFICIAL_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define OFFICIAL_USER_AGENT "aws-msk-iam-sasl-signer-python/1.0.2"
#define OFFICIAL_NOW_S 1767323045 /* 2026-01-02T03:04:05Z */
#define OFFICIAL_TIMESTAMP "20260102T030405Z"

/* The region eu-west-1, access key id AKIDEXAMPLE: the token as it stands. */
#define OFFICIAL_TOKEN                                                                     \
  "aHR0cHM6Ly9rYWZrYS5ldS13ZXN0LTEuYW1hem9uYXdzLmNvbS8_QWN0aW9uPWthZmthLWNsdXN0ZXIlM0FD"   \
  "b25uZWN0JlgtQW16LUFsZ29yaXRobT1BV1M0LUhNQUMtU0hBMjU2JlgtQW16LUNyZWRlbnRpYWw9QUtJREVY"   \
  "QU1QTEUlMkYyMDI2MDEwMiUyRmV1LXdlc3QtMSUyRmthZmthLWNsdXN0ZXIlMkZhd3M0X3JlcXVlc3QmWC1B"   \
  "bXotRGF0ZT0yMDI2MDEwMlQwMzA0MDVaJlgtQW16LUV4cGlyZXM9OTAwJlgtQW16LVNpZ25lZEhlYWRlcnM9"   \
  "aG9zdCZYLUFtei1TaWduYXR1cmU9N2NjMTc4NDUzMzQyZTQ3OWRlZjhlMGU2OWNiZmY0NDNjYTkyOWI1YjA0"   \
  "MjZhZjBmNGI2NDU1NDE3MmM3MTk1ZCZVc2VyLUFnZW50PWF3cy1tc2staWFtLXNhc2wtc2lnbmVyLXB5dGhv"   \
  "biUyRjEuMC4y"
#define OFFICIAL_SIGNATURE                                                                 \
  "7cc178453342e479def8e0e69cbff443ca929b5b0426af0f4b64554172c7195d"

/* The same one second before midnight, and at midnight. */
#define OFFICIAL_MIDNIGHT_S 1767398400 /* 2026-01-03T00:00:00Z */
#define OFFICIAL_SIGNATURE_BEFORE_MIDNIGHT                                                 \
  "daa1496f5a5f88e86ebb11761fa6f4857ab5ba7748ed00f886dc1dfbfb242c53"
#define OFFICIAL_SIGNATURE_AT_MIDNIGHT                                                     \
  "f99cbd11509bec96a1090fcefb41bbec32ccbb2c2e4681baca70797241e1d2f5"

/* At OFFICIAL_NOW_S again, with other credentials. */
#define OFFICIAL_ROTATED_ID "AKIDROTATED"
#define OFFICIAL_ROTATED_SECRET "anotherSecretAccessKeyForTheRotationTest"
#define OFFICIAL_ROTATED_SIGNATURE                                                         \
  "9c91b972fb41b248100d3c56870186fef9c02d0d3914ebe4eb3b9e4d607ace24"

#endif
