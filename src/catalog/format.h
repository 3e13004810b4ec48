/* The catalog, byte by byte: the compiled index of a site in one position-independent block.
 *
 *   header | sites | mounts | types | fields | releases | names | entries | variants | slots | text
 *
 * Every section begins at a multiple of eight bytes; numbers are in the byte order of the machine,
 * which the header names. There are no pointers: a text is a place in the text section (its bytes,
 * no NUL), everything else an index into a section. Names are sorted by (mount, name, release), so
 * the same input gives the same bytes. Slots are an open-addressed hash table with linear probing
 * over the names: index + 1 of the first name of its (mount, name), or 0.
 *
 * Written by compile/writer.c, read by catalog/catalog.c and nobody else. */
#ifndef CATALOG_FORMAT_H
#define CATALOG_FORMAT_H

#include <stdint.h>

#define FORMAT_MAGIC "HANDBACK"
enum {
    FORMAT_VERSION = 2,
    FORMAT_BYTE_ORDER = 0x01020304
};

struct format_section {
    uint64_t offset; /* from the start of the block, in bytes */
    uint64_t count;  /* of elements */
};

struct format_text {
    uint32_t offset; /* from the start of the text section */
    uint32_t len;
};

struct format_header {
    char magic[8];
    uint32_t version;
    uint32_t byte_order;
    uint64_t size; /* of the whole block */
    uint64_t
        digest; /* format_hash of everything behind the header, and of the header with 0 here */
    struct format_section sites; /* exactly one */
    struct format_section mounts;
    struct format_section types;
    struct format_section fields;
    struct format_section releases;
    struct format_section names;
    struct format_section entries;
    struct format_section variants;
    struct format_section slots; /* a power of two, more than the names */
    struct format_section text;
};

/* What holds for the whole site. */
struct format_site {
    uint32_t delivery;                /* enum delivery */
    struct format_text coding_header; /* empty: none */
    uint32_t reserved;
};

#define FORMAT_NO_MAX_AGE UINT32_MAX
enum {
    FORMAT_ALLOW_ALL_ORIGINS = 1,
};

/* A URL prefix, a directory and a policy. */
struct format_mount {
    struct format_text url;  /* decoded, begins and ends with '/' */
    struct format_text root; /* absolute, no '/' at the end */
    struct format_text charset;
    struct format_text manifests;     /* globs, separated by ':' */
    struct format_text immutable;     /* likewise, or empty */
    struct format_text follow;        /* directories, separated by ':', or empty */
    struct format_text index_file;    /* a file name, or empty */
    struct format_text delivery_url;  /* begins and ends with '/', or empty */
    struct format_text delivery_root; /* absolute, or empty: as root */
    uint32_t max_age;                 /* seconds, or FORMAT_NO_MAX_AGE */
    uint32_t kind;                    /* enum mount_kind */
    uint32_t flags;
    uint32_t first_type; /* this mount's media types of its own */
    uint32_t types;
    uint32_t first_field; /* this mount's header fields of its own */
    uint32_t fields;
    uint32_t reserved;
};

/* A media type that beats the compiled-in table. */
struct format_type {
    struct format_text key; /* ".ext", or a whole file name */
    struct format_text type;
};

enum {
    FORMAT_FIELD_REMOVED = 1
};

/* A header field of the answers whose names a glob matches. */
struct format_field {
    struct format_text glob;
    struct format_text name;
    struct format_text value;
    uint32_t flags;
    uint32_t reserved;
};

enum {
    FORMAT_IN_ROOT = 1
}; /* the manifest lies in the root itself, not in a state directory */

struct format_release {
    struct format_text id;
    uint32_t mount;
    uint32_t flags;
    int64_t published; /* a number that grows with each publication */
};

#define FORMAT_EVERY_RELEASE UINT32_MAX

/* One name under which a client may ask. */
struct format_name {
    struct format_text name; /* relative to the mount */
    uint32_t mount;
    uint32_t release; /* index: an original name of that release; or FORMAT_EVERY_RELEASE: a hashed
                         one */
    uint32_t entry;
    uint32_t reserved;
};

enum format_proof {
    FORMAT_UNREAD,  /* nobody has compared the md5 of the bytes with the name yet */
    FORMAT_AGREES,  /* it agrees */
    FORMAT_DIFFERS, /* it does not */
    FORMAT_NO_HASH, /* the name carries none: the file is served by the rules of live files */
};

#define FORMAT_NO_SIZE UINT64_MAX

/* One file. */
struct format_entry {
    struct format_text path; /* relative to the mount's root */
    struct format_text hash; /* as in its name; the entity tag of identity, without quotes */
    struct format_text type; /* without charset */
    uint64_t size;           /* in bytes, or FORMAT_NO_SIZE: it was not there */
    uint32_t first_variant;
    uint16_t variants;
    uint16_t proof;
};

/* A compressed copy of an entry's file. */
struct format_variant {
    struct format_text path;
    uint64_t size;
    uint32_t coding; /* enum coding */
    uint32_t reserved;
};

/* FNV-1a, 64 bits. Start with FORMAT_HASH_START, or go on from an earlier result. */
#define FORMAT_HASH_START 14695981039346656037u

static inline uint64_t format_hash(uint64_t hash, const void *bytes, uint64_t len)
{
    const unsigned char *at = bytes;
    for (uint64_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * 1099511628211u;
    }
    return hash;
}

/* The hash of a name decides its slot. */
static inline uint64_t format_name_hash(uint32_t mount, const char *name, uint64_t len)
{
    return format_hash(format_hash(FORMAT_HASH_START, &mount, sizeof mount), name, len);
}

#endif
