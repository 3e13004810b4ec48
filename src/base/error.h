/* What went wrong on the side of the system or the operator: a number that stays the same over all
 * versions (the manual explains each) and one line of text. Owned by the caller. What a client did
 * wrong is a verdict (an enum) instead, what the programmer did wrong an assert. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum diagnosis {
    NO_DIAGNOSIS = 0,
    /* settings */
    HB_SETTINGS_FILE_UNREADABLE = 1,
    HB_SETTINGS_FILE_NOT_JSON = 2,
    HB_SETTING_UNKNOWN = 3,
    HB_SETTING_BAD_VALUE = 4,
    HB_SETTING_REQUIRED = 5,
    HB_SETTING_WITHOUT_EFFECT = 6,
    /* mount roots */
    HB_ROOT_MISSING = 10,
    HB_ROOT_NOT_DIRECTORY = 11,
    HB_ROOT_CLOSED = 12,
    HB_TREE_UNREADABLE = 13,
    HB_ROOT_IS_PROJECT = 14,
    /* manifests and releases */
    HB_MANIFEST_UNREADABLE = 20,
    HB_MANIFEST_NOT_JSON = 21,
    HB_MANIFEST_SHAPE = 22,
    HB_MANIFEST_VERSION = 23,
    HB_MANIFEST_NAME = 24,
    HB_MANIFEST_GONE = 25,
    HB_RELEASE_UNKNOWN = 26,
    HB_NO_MANIFEST = 27,
    /* the catalog */
    HB_CATALOG_INVALID = 30,
    HB_CATALOG_TOO_LARGE = 31,
    HB_CATALOG_OLDER = 32,
    HB_CATALOG_UNTRUSTED = 33,
    HB_CATALOG_VERSION = 34,
    HB_CATALOG_OTHER = 35,
    HB_CATALOG_GROUP = 36,
    HB_CATALOG_GONE = 37,
    HB_CATALOG_MISSING = 38,
    HB_CATALOG_MISPLACED = 39,
    /* one request */
    HB_FILE_DIFFERS = 40,
    HB_FILE_IN_MOTION = 41,
    HB_FILE_GONE = 42,
    HB_FILE_CLOSED = 43,
    HB_FILE_FAILED = 44,
    HB_SENT_AS_BODY = 45,
    HB_FILE_SHRANK = 46,
    HB_NO_LOCAL_REDIRECT = 47,
    HB_DELIVERY_UNKNOWN = 48,
    HB_LINK_LEAVES_ROOT = 49,
    HB_HEAD_TOO_LONG = 50,
    /* the FastCGI responder */
    HB_LISTEN_FAILED = 60,
    HB_SOCKET_LIVE = 61,
    HB_WORKER_DIED = 62,
    HB_OUT_OF_DESCRIPTORS = 63,
    HB_OUT_OF_MEMORY = 64,
    HB_SYSTEM_CALL = 65,
    HB_RELOADED = 66,
    HB_FASTCGI_INVALID = 67,
    HB_LISTENING = 68,
    HB_WORKERS_DYING = 69,
    HB_CONNECTIONS_TAKEN = 70,
    HB_SOCKET_TEMPORARY = 71,
    HB_LOG_CLOSED = 72,
    HB_FEW_DESCRIPTORS = 73,
    HB_NO_STATUS = 74,
    /* prepare and the state directory */
    HB_STATE_CLOSED = 80,
    HB_STATE_LOCKED = 81,
    HB_OBJECT_DIFFERS = 82,
    HB_VARIANT_WRONG = 83,
    HB_WRITE_FAILED = 84,
    HB_RELEASES_INVALID = 85,
    HB_MANIFEST_TRUSTED = 86,
    HB_SOURCE_MISSING = 87,
    HB_HTACCESS_FOREIGN = 88,
    HB_HTACCESS_TREE = 89,
    HB_HTACCESS_DECLINED = 90,
    HB_HTACCESS_SETTING = 91,
};

struct error {
    enum diagnosis number;
    char text[480];
};

/* Fills *error from a printf format; control bytes in the result become '?', so that nobody's file
 * name can forge a log line. Returns -1, so that a caller can end with it. */
int error_set(struct error *error, enum diagnosis number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
