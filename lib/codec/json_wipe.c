#include "codec/json_wipe.h"

#include "base/secret.h"

#include <jansson.h>

/* As deep as jansson reads. */
static void wipe(json_t *value) {
  const char *name;
  json_t *inner;
  size_t i;

  if (json_is_string(value))
    gov_secret_wipe((char *)json_string_value(value), json_string_length(value));
  else if (json_is_object(value))
    json_object_foreach(value, name, inner) wipe(inner);
  else if (json_is_array(value))
    json_array_foreach(value, i, inner) wipe(inner);
}

void gov_json_wipe(json_t *value) {
  if (value)
    wipe(value);
  json_decref(value);
}
