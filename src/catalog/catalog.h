/* Reading a catalog: opening one strictly as hostile input, and finding what a name stands for. All
 * slices are views into the block, which the caller keeps as long as the catalog is used. */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "base/error.h"
#include "base/slice.h"
#include "catalog/format.h"
#include "http/coding.h"

#include <stdint.h>

enum {
    CATALOG_MOUNTS_MAX = 16
};

enum delivery {
    DELIVERY_BODY,
    DELIVERY_X_SENDFILE,
    DELIVERY_LOCAL_REDIRECT,
    DELIVERY_X_ACCEL_REDIRECT,
    DELIVERY_COUNT
};

/* "body", "x-sendfile", "local-redirect", "x-accel-redirect"; DELIVERY_COUNT for any other word. */
enum delivery delivery_of(struct slice word);
const char *delivery_name(enum delivery delivery);

enum mount_kind {
    MOUNT_STATIC,
    MOUNT_MEDIA, /* user uploads: live, never promised, never run by a browser as the site */
    MOUNT_ROOT,  /* robots.txt and the like at the top of the site */
    MOUNT_KINDS
};

/* Why a release was chosen. */
enum catalog_choice {
    CHOICE_NONE,
    CHOICE_WANTED,    /* RELEASE_ID */
    CHOICE_CURRENT,   /* the link `current` */
    CHOICE_PUBLISHED, /* the last one in the root */
};

struct catalog {
    const unsigned char *block;
    uint64_t size;
    int fd; /* the block is only the head, pages are read from this file; 0: it is all */
    struct format_header header; /* as it was when it was checked, whatever becomes of the block */
    bool verified;               /* all of it: its pages need not be checked when they are read */
    bool sound;                  /* all leaves of it: nor need they */
    uint32_t chosen[CATALOG_MOUNTS_MAX]; /* the release that answers original names, per mount */
    enum catalog_choice choice[CATALOG_MOUNTS_MAX]; /* and why */
};

struct catalog_site {
    enum delivery delivery;
    struct slice coding_header; /* empty: encoded variants are not handed back */
    struct slice state; /* how the state directory is reached; empty: the catalog lies in it */
};

struct catalog_mount {
    struct slice url;
    struct slice root; /* absolute, or relative to the state directory */
    struct slice charset;
    struct slice manifests;     /* globs, separated by ':' */
    struct slice immutable;     /* likewise */
    struct slice follow;        /* directories that links may reach, separated by ':' */
    struct slice index_file;    /* empty: none */
    struct slice delivery_url;  /* empty: none */
    struct slice delivery_root; /* empty: as root */
    struct slice dirs;          /* directories searched live before the root, separated by ':' */
    bool max_age_sent;
    uint32_t max_age; /* seconds */
    bool allow_all_origins;
    enum mount_kind kind;
    uint32_t first_type, types;
    uint32_t first_field, fields;
};

/* A header field of its own for the names that a glob matches. */
struct catalog_field {
    struct slice glob;
    struct slice name;
    struct slice value;
    bool removed; /* what would be sent under this name is not */
};

enum catalog_proof {
    PROOF_UNREAD,
    PROOF_AGREES,
    PROOF_DIFFERS,
    PROOF_NO_HASH
};

struct catalog_variant {
    enum coding coding;
    struct slice suffix; /* behind the path of the file */
    uint64_t size;
    bool proven; /* it decodes to the bytes of the file */
};

struct catalog_entry {
    bool hashed; /* the name asked for is a hashed name: immutable once its bytes are proven */
    struct slice path;
    struct slice hash;
    struct slice type;
    bool pooled; /* the path is below the pool, and only then below the root */
    bool sized;  /* false: the file was not there when the catalog was made */
    uint64_t size;
    enum catalog_proof proof;
    const unsigned char *md5; /* 16 bytes: of the file's, where they agree */
    unsigned variants;
    struct catalog_variant variant[CODING_IDENTITY];
    _Alignas(8) unsigned char page[FORMAT_PAGE]; /* what the slices are views of, unless it is the
                                                    block: valid as long as the entry */
};

struct catalog_release {
    struct slice id;
    struct slice manifest; /* its path below the root */
    struct slice md5;      /* of the manifest, in hexadecimal digits */
    uint32_t mount;
    uint32_t first_home, homes; /* the roots in which it was published */
    int64_t published;
};

/* What decides which release answers original names. */
struct catalog_wish {
    struct slice wanted;  /* RELEASE_ID; absent: none */
    struct slice current; /* what the link of that name in the root points to; absent: none */
    /* Whether `root`, in which a release was published, is the root of this moment. */
    bool (*is_here)(const void *context, struct slice root);
    const void *context;
};

/* Reads the head of an open file of `size` bytes, or as much as may be one, into *mapped bytes of
 * memory that the caller unmaps. NULL: there is no memory. */
void *catalog_read_head(int fd, uint64_t size, uint64_t *mapped);

/* Checks the head, its checksum and the bounds of every section, whatever the bytes are. `block`
 * must be aligned to eight bytes. Chooses no release yet. Returns 0, or -1 with HB0030 or, when it
 * is of another version, HB0034. */
int catalog_open(struct catalog *catalog, const void *block, uint64_t size, struct error *error);

/* Reads everything (of a block that is all of it): digest, checksums, order, every reference; what
 * holds then is not looked at again, so nobody else may be able to write to the block. Returns 0,
 * or -1 with HB0030. */
int catalog_verify(struct catalog *catalog, struct error *error);

/* Chooses the release that answers the original names of a mount: the one that is wanted, when it
 * is there, else `current`, else the one that was published last among those that are here. Returns
 * 0, or -1 with HB0026 when `wanted` is given and unknown; the choice is made all the same. */
int catalog_choose(struct catalog *catalog, uint32_t mount, const struct catalog_wish *wish,
                   struct error *error);

struct catalog_site catalog_site(const struct catalog *catalog);
uint32_t catalog_mounts(const struct catalog *catalog);
uint32_t catalog_releases(const struct catalog *catalog);
uint64_t catalog_names(const struct catalog *catalog);

/* A mount as it is where nothing is set: without a root. Its texts end with NUL. */
struct catalog_mount catalog_default_mount(enum mount_kind kind);

/* A catalog without a name or a mount. */
struct catalog catalog_of_nothing(void);

/* The element at an index below the count; an element that is not sound gives absent slices. */
struct catalog_mount catalog_mount(const struct catalog *catalog, uint32_t index);
struct catalog_release catalog_release(const struct catalog *catalog, uint32_t index);

/* All mounts; returns their count. */
uint32_t catalog_read_mounts(const struct catalog *catalog,
                             struct catalog_mount mounts[CATALOG_MOUNTS_MAX]);

/* One of the roots in which a release was published, `index` below its count of homes. */
struct slice catalog_home(const struct catalog *catalog, const struct catalog_release *release,
                          uint32_t index);

/* A field of a mount, `index` below its count of fields; false when it is not sound. */
bool catalog_field(const struct catalog *catalog, const struct catalog_mount *mount, uint32_t index,
                   struct catalog_field *field);

/* A media type of a mount's own, `index` below its count of types: a key (".ext" or a file name)
 * and a type. */
void catalog_own_type(const struct catalog *catalog, const struct catalog_mount *mount,
                      uint32_t index, struct slice *key, struct slice *type);

/* The release that was chosen for a mount; absent slices while there is none. */
struct catalog_release catalog_chosen_release(const struct catalog *catalog, uint32_t mount);

/* The one of `count` mounts with the longest URL that `path` begins with; *name is what follows.
 * False: none. */
bool catalog_find_mount(const struct catalog_mount *mounts, uint32_t count, struct slice path,
                        uint32_t *mount, struct slice *name);

enum catalog_verdict {
    CATALOG_ABSENT,
    CATALOG_FOUND,
    CATALOG_DAMAGED, /* what would tell is not as it was written */
};

/* Looks a name up below a mount. */
enum catalog_verdict catalog_find(const struct catalog *catalog, uint32_t mount, struct slice name,
                                  struct catalog_entry *entry);

/* The media type of a name, without charset, by the mount's own types and then the common table. */
struct slice catalog_media_type(const struct catalog *catalog, const struct catalog_mount *mount,
                                struct slice name);

#endif
