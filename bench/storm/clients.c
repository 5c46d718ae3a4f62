#include "storm/clients.h"

#include <string.h>

const storm_clients_kind *const storm_clients_kinds[STORM_CLIENTS_KINDS] = {
    &storm_clients_rdkafka, &storm_clients_light};

const char *const storm_clients_names[] = {"rdkafka", "light", NULL};

const storm_clients_kind *storm_clients_find(const char *name) {
  for (int i = 0; i < STORM_CLIENTS_KINDS; i++)
    if (!strcmp(storm_clients_kinds[i]->name, name))
      return storm_clients_kinds[i];

  return NULL;
}
