#include "common/credentials.h"

#include "common/random.h"

#include <string.h>

static void draw(char *text, size_t length, const char *letters, uint64_t *random) {
  size_t count = strlen(letters);

  for (size_t i = 0; i < length; i++)
    text[i] = letters[bench_random_next(random) % count];
  text[length] = '\0';
}

int bench_credentials_new(mskgov_credentials **credentials, uint64_t seed,
                          mskgov_error_info *error) {
  uint64_t random = seed ^ UINT64_C(0x6d736b676f76);
  char id[21] = "AKIA", secret[41];
  int rc;

  draw(id + 4, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", &random);
  draw(secret, 40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
       &random);
  rc = mskgov_credentials_new(credentials, id, secret, NULL, MSKGOV_NEVER, error);
  explicit_bzero(secret, sizeof(secret));

  return rc;
}
