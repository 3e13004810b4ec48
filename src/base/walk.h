/* Opens a path one component at a time, none of which is followed blindly: for kernels without
 * openat2 (before 5.6) and sandboxes that refuse it. It needs nothing that Linux 3.10 lacks.
 */
#ifndef BASE_WALK_H
#define BASE_WALK_H

enum walk_bounds {
    WALK_BENEATH, /* RESOLVE_BENEATH: neither `..` nor a link leaves the directory (EXDEV) */
    WALK_ANYWHERE
};

/* Opens `path` from `directory` on with the flags of open (none that creates; O_CLOEXEC is added),
 * as openat2 would with RESOLVE_NO_MAGICLINKS and these bounds, errors included. Returns a
 * descriptor that the caller closes, or -1 with errno. What is renamed meanwhile may make it fail,
 * and never leave WALK_BENEATH. */
int walk_open(int directory, const char *path, int flags, enum walk_bounds bounds);

#endif
