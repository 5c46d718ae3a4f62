/*
 * What `mskgov top` shows of a host store: its snapshot as a table, with the rates since
 * the snapshot before.
 */
#ifndef CLI_TOP_VIEW_H
#define CLI_TOP_VIEW_H

#include "top_table.h"

#include <mskgov/host.h>

typedef struct top_view top_view;

/*
 * `now` is borrowed until the view is freed; `before` (NULL: there is none, and rates are
 * unknown) during the call. Returns the view (owned: top_view_free), NULL without memory.
 */
top_view *top_view_new(const mskgov_host_snapshot *now, const mskgov_host_snapshot *before);
void top_view_free(top_view *view);

/* Borrowed from the view. */
const top_table *top_view_table(const top_view *view);

#endif
