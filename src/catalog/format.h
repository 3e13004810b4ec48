/* The catalog, byte by byte: the compiled index of a site in one position-independent file.
 *
 *   head    header | sites | mounts | types | fields | releases | homes | text    whole pages
 *   slots   which leaf stands for a name                                         whole pages
 *   leaves  one for each name under which a client may ask                       whole pages
 *
 * A page is FORMAT_PAGE bytes. The head is read and checked as a whole when a catalog is opened: it
 * is the policy of the site, small whatever the number of files. To find a name, one page of slots
 * and the page with its leaf are read besides (a second page of slots when the name is no original
 * name of the chosen release), each checked by itself: three or four pages, whatever the size.
 *
 * Numbers are in the byte order of the machine, which the header names. There are no pointers: a
 * text of the head is a place in its text section, without a NUL behind it or a control byte in it
 * (an empty one is {0, 0}); every other reference is an index. Sections begin at multiples of eight
 * bytes; what no element fills is zero. Paths are relative: those of files to the root of their
 * mount, or to the directory "pool" in the state directory; roots to the state directory unless
 * they are absolute. That is the directory in which the catalog lies; one that is put beside a
 * program names it. So a copy of the directories is valid wherever it lies.
 *
 * The same input gives the same bytes: leaves are sorted by (mount, name, release), names byte by
 * byte and a shorter one before those that begin with it, FORMAT_EVERY_RELEASE last; no time of a
 * file enters.
 *
 * Written by compile/writer.c, read by catalog/ and nobody else. */
#ifndef CATALOG_FORMAT_H
#define CATALOG_FORMAT_H

#include <stdint.h>

#define FORMAT_MAGIC "HANDBACK"
enum {
    FORMAT_VERSION = 4,
    FORMAT_BYTE_ORDER = 0x01020304,
    FORMAT_PAGE = 4096,    /* bytes */
    FORMAT_PAYLOAD = 4088, /* of a page of slots or leaves; its last eight bytes are its checksum */
    FORMAT_NAME_MAX = 1800 /* bytes of a name: so that a leaf fits into one page */
};

/* ---- the head ---- */

struct format_section {
    uint64_t offset; /* from the start of the file, in bytes */
    uint64_t count;  /* of elements */
};

struct format_text {
    uint32_t offset; /* from the start of the text section */
    uint32_t len;
};

/* Magic and version stand at the same place in every version of the format. */
struct format_header {
    char magic[8];
    uint32_t version;
    uint32_t byte_order;
    uint64_t size;      /* of the whole file: head_size + (slot_pages + leaf_pages) * FORMAT_PAGE */
    uint64_t head_size; /* a multiple of FORMAT_PAGE */
    uint64_t slot_pages; /* they follow the head */
    uint64_t slots;      /* a power of two, more than there are leaves */
    uint64_t leaf_pages; /* they follow the slots */
    uint64_t leaves;
    struct format_section sites; /* exactly one */
    struct format_section mounts;
    struct format_section types;
    struct format_section fields;
    struct format_section releases;
    struct format_section homes;
    struct format_section text;
    uint64_t digest; /* of the pages behind the head, one after the other, without their checksums:
                        format_sum from 0 */
    uint64_t head_sum; /* format_sum of the head, with 0 in this place, from `digest` */
};

/* What holds for the whole site. */
struct format_site {
    uint32_t delivery; /* 0 body, 1 x-sendfile, 2 local-redirect, 3 x-accel-redirect */
    struct format_text coding_header; /* empty: none */
    struct format_text state; /* how the state directory is reached from the directory of the
                                 catalog; empty: it is that directory */
    uint32_t reserved;
};

#define FORMAT_NO_MAX_AGE UINT32_MAX
enum {
    FORMAT_ALLOW_ALL_ORIGINS = 1,
};

/* A URL prefix, a directory and a policy. */
struct format_mount {
    struct format_text url;  /* decoded, begins and ends with '/' */
    struct format_text root; /* no '/' at the end */
    struct format_text charset;
    struct format_text manifests;     /* globs, separated by ':' */
    struct format_text immutable;     /* likewise, or empty */
    struct format_text follow;        /* directories, separated by ':', or empty */
    struct format_text index_file;    /* a file name, or empty */
    struct format_text delivery_url;  /* begins and ends with '/', or empty */
    struct format_text delivery_root; /* absolute, or empty: as root */
    struct format_text dirs;          /* absolute, separated by ':', or empty */
    uint32_t max_age;                 /* seconds, or FORMAT_NO_MAX_AGE */
    uint32_t kind;                    /* 0 static, 1 media, 2 root */
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

/* One manifest, kept with its files. */
struct format_release {
    struct format_text id;
    struct format_text manifest; /* its path below the root in which it was found */
    struct format_text md5;      /* of the manifest, 32 hexadecimal digits */
    uint32_t mount;
    uint32_t first_home; /* the roots in which it was published */
    uint32_t homes;
    uint32_t reserved;
    int64_t published; /* a number that grows with each publication */
};

struct format_home {
    struct format_text root; /* as that of a mount */
};

/* ---- slots ---- */

/* An open-addressed hash table over the leaves, FORMAT_SLOTS of them in each page; format_slot_at
 * tells in which order slots are tried: all of one page before those of another. */
struct format_slot {
    uint32_t leaf; /* its place behind the start of the leaves, in units of eight bytes, plus one;
                      or 0: the slot is free */
    uint32_t tag;  /* the upper half of format_key of its name */
};
enum {
    FORMAT_SLOTS = FORMAT_PAYLOAD / sizeof(struct format_slot)
};

/* The slot that is tried as number `probe`, from 0, for a key. */
static inline uint64_t format_slot_at(uint64_t slots, uint64_t key, uint64_t probe)
{
    uint64_t start = key & (slots - 1);
    uint64_t first = start - start % FORMAT_SLOTS; /* of its page */
    uint64_t count = slots - first < FORMAT_SLOTS ? slots - first : FORMAT_SLOTS;
    return probe < count ? first + (start - first + probe) % count : (first + probe) % slots;
}

/* ---- leaves ---- */

#define FORMAT_EVERY_RELEASE UINT32_MAX

enum format_proof {
    FORMAT_UNREAD,  /* nobody has compared the bytes with the hash in the name yet */
    FORMAT_AGREES,  /* prepare has read them: they are what was promised; `md5` is theirs */
    FORMAT_DIFFERS, /* they are not */
    FORMAT_NO_HASH, /* the name carries none: the file is served by the rules of live files */
};

enum {
    FORMAT_SIZED = 1,  /* the file was there, and `size` is its size */
    FORMAT_POOLED = 2, /* it lies in the pool; else below the root of the mount */
};

/* One name, and the file that it stands for. Behind it: the variants, the bytes of the name, of the
 * path (none: it is the name) and of the media type, and zeros to a multiple of eight bytes. A leaf
 * lies in one page; where none fits any more, zeros fill the page. */
struct format_leaf {
    uint32_t len;     /* of the whole leaf, in bytes */
    uint32_t mount;   /* index */
    uint32_t release; /* index: an original name of it; or FORMAT_EVERY_RELEASE: a hashed name,
                         immutable once its bytes are proven */
    uint16_t name_len;
    uint16_t path_len;
    uint16_t type_len;
    uint16_t flags;
    uint16_t proof;
    uint16_t variants;
    uint64_t size;         /* of the file, in bytes */
    unsigned char md5[16]; /* of its bytes, where it agrees; else zeros */
};

enum {
    FORMAT_SUFFIX = 8
};

/* A compressed copy of the file: beside it, with a suffix behind its path. Not more than one of
 * each coding. */
struct format_variant {
    uint64_t size;
    uint32_t coding;            /* 0 br, 1 zstd, 2 gzip */
    uint32_t proven;            /* 1: it decodes to the bytes of the file */
    char suffix[FORMAT_SUFFIX]; /* ".br"; ".zst" or ".zstd"; ".gz"; filled up with NUL */
};

_Static_assert(sizeof(struct format_site) == 24 && sizeof(struct format_mount) == 112 &&
                   sizeof(struct format_type) == 16 && sizeof(struct format_field) == 32 &&
                   sizeof(struct format_release) == 48 && sizeof(struct format_home) == 8 &&
                   sizeof(struct format_slot) == 8 && sizeof(struct format_leaf) == 48 &&
                   sizeof(struct format_variant) == 24,
               "no structure has holes, or grows unnoticed");

/* ---- checksums ---- */

/* Goes on from `sum` over whole words of eight bytes. */
static inline uint64_t format_sum(uint64_t sum, const void *words, uint64_t bytes)
{
    const uint64_t *word = words;
    for (uint64_t i = 0; i < bytes / 8; i++) {
        sum = (sum ^ word[i]) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 32;
    }
    return sum;
}

/* What stands in the last eight bytes of page `number` behind the head. It begins with the digest,
 * so that a page of another catalog, or one in another place, is not taken for it. */
static inline uint64_t format_page_sum(uint64_t digest, uint64_t number, const void *page)
{
    return format_sum(digest + number, page, FORMAT_PAYLOAD);
}

/* The key of a name: its lower bits choose the slot. FNV-1a over the bytes of mount, release and
 * name, mixed once more. */
static inline uint64_t format_key(uint32_t mount, uint32_t release, const char *name, uint64_t len)
{
    uint64_t key = UINT64_C(14695981039346656037) ^ ((uint64_t)release << 32 | mount);
    for (uint64_t i = 0; i < len; i++) {
        key = (key ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
    }
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return key ^ key >> 29;
}

#endif
