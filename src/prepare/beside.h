/* Catalogs beside the static CGI, for directories that can have neither a link nor an environment:
 * each names the state directory, relative to where it lies. Where they were put is remembered, so
 * that every later prepare writes them anew. */
#ifndef PREPARE_BESIDE_H
#define PREPARE_BESIDE_H

#include "compile/compile.h"
#include "prepare/work.h"

/* Reads which directories have such a catalog, and adds `directory` to them (NULL: none). Returns
 * 0, or -1 with HB0084 when that one cannot be written to, or lies below a root. */
int beside_open(struct work *work, const char *directory, struct error *error);

/* Writes them all, behind the catalog itself: what was compiled with these options. A directory
 * that is gone, whose catalog somebody has removed, or in which another state directory has put one
 * since, is forgotten, unless this run asked for it; one that cannot be written is a fault. Returns
 * 0, or -1 with the reason why it cannot be compiled. */
int beside_publish(struct work *work, const struct compile_options *options, struct error *error);

#endif
