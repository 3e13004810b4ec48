/* The static CGI's own room: what it takes from the environment, which catalog it finds and
 * believes, and the site that it makes of both. The catalog beside the program lies where the
 * program does, so this one starts itself anew from a directory of its own. */
#include "cgi/own_catalog.h"
#include "cgi/own_site.h"
#include "check.h"
#include "compile/writer.h"
#include "scratch.h"

#include <apr_general.h>
#include <errno.h>
#include <sys/mman.h>

#define HOME "TEST_OWN_CATALOG"
#define BESIDE "bin/handback.catalog"

enum {
    ROOT_USER = 0,
    OWNER = SCRATCH_NOBODY,
    STRANGER = SCRATCH_NOBODY - 1
};

static struct scratch home;
static apr_pool_t *pool;
static struct environment told; /* what the environment says */
static struct error error;

/* ---- catalogs and what surrounds them ---- */

static const char *at(const char *name)
{
    static char paths[8][SCRATCH_PATH * 2];
    static unsigned turn;
    char *path = paths[turn++ % COUNT(paths)];
    snprintf(path, sizeof *paths, "%s/%s", home.path, name);
    return path;
}

static void add_mount(struct writer *writer, enum mount_kind kind, const char *url,
                      const char *root)
{
    struct settings_mount mount = settings_default_mount(kind, pool);
    mount.url = url;
    mount.root = root;
    mount.max_age = 77;
    writer_add_mount(writer, &mount);
}

/* Releases "one" and "two" of the root, of which the second was published last. */
static void add_releases(struct writer *writer)
{
    apr_array_header_t *homes = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(homes, const char *) = "../static";
    for (int i = 0; i < 2; i++) {
        struct writer_release release = {.id = i ? "two" : "one",
                                         .manifest = "staticfiles.json",
                                         .md5 = "0123456789abcdef0123456789abcdef",
                                         .published = i,
                                         .homes = homes};
        writer_add_release(writer, &release);
    }
}

/* A catalog of static files and uploads; `state` is NULL for one that lies in a state directory. */
static void put_catalog(const char *name, const char *state)
{
    struct writer *writer = writer_make(pool);
    void *block;
    uint64_t size;
    if (state) {
        writer_set_state(writer, state);
    }
    add_mount(writer, MOUNT_STATIC, "/static/", "../static");
    add_mount(writer, MOUNT_MEDIA, "/media/", "../media");
    add_releases(writer);
    assert_int_equal(writer_finish(writer, &block, &size, &error), 0);
    scratch_write_bytes(&home, name, block, size);
    free(block);
}

static void give(const char *name, uid_t user)
{
    scratch_need(fchownat(home.fd, name, user, (gid_t)user, AT_SYMLINK_NOFOLLOW) == 0, name);
}

static int clean_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    return place->level == 0 || strcmp(path, at("bin")) == 0 || strcmp(path, at("bin/test")) == 0
               ? 0
               : remove(path);
}

/* Of the last test nothing stays but the program. */
static int begin(void **state)
{
    (void)state;
    nftw(home.path, clean_one, 16, FTW_DEPTH | FTW_PHYS);
    chmod(at("bin"), 0755);
    give("bin", geteuid());
    memset(&told, 0, sizeof told);
    memset(&error, 0, sizeof error);
    scratch_write(&home, "static/a.txt", "a");
    scratch_write(&home, "media/b.txt", "b");
    return 0;
}

static void tell_url(const struct path **url, const char *text)
{
    static struct path room[4];
    static unsigned turn;
    struct path *path = &room[turn++ % COUNT(room)];
    assert_true(path_read_prefix(text, path));
    *url = path;
}

/* ---- which one is found ---- */

static enum own_verdict find(struct own_catalog *own)
{
    enum own_verdict verdict = own_catalog_find(own, &told, &error);
    if (own->fd >= 0) {
        close(own->fd);
    }
    return verdict;
}

static bool finds(const char *path, bool beside)
{
    struct own_catalog own;
    char place[PATH_MAX];
    strcpy(place, at(path));
    bool found = find(&own) == OWN_FOUND && own.beside == beside && strcmp(own.path, place) == 0;
    strrchr(place, '/')[0] = '\0';
    return found && strcmp(own.place, place) == 0;
}

static void nothing_is_missing_and_no_fault(void **state)
{
    struct own_catalog own;
    (void)state;
    assert_int_equal(find(&own), OWN_MISSING);
    told.state = at("state");
    told.root[MOUNT_STATIC] = at("static");
    assert_int_equal(find(&own), OWN_MISSING);
    assert_int_equal(error.number, NO_DIAGNOSIS);
}

static void it_is_looked_for_beside_the_program_then_in_the_state_directory(void **state)
{
    struct own_catalog own;
    (void)state;
    put_catalog("static/.handback/catalog", NULL);
    told.root[MOUNT_STATIC] = at("static");
    assert_true(finds("static/.handback/catalog", false));
    told.state = at("state");
    assert_int_equal(find(&own), OWN_MISSING);
    put_catalog("state/catalog", NULL);
    assert_true(finds("state/catalog", false));
    put_catalog(BESIDE, "../state");
    assert_true(finds(BESIDE, true));
}

/* Links "bin/handback.catalog" -> "1" -> "2" ... -> the catalog, each in a directory of its own. */
static void put_chain(int links)
{
    char name[32] = BESIDE, target[32];
    for (int i = 1; i < links; i++) {
        snprintf(target, sizeof target, "../%d/link", i);
        scratch_link(&home, name, target);
        snprintf(name, sizeof name, "%d/link", i);
    }
    scratch_link(&home, name, at("state/catalog"));
}

static void links_lead_to_the_file_itself(void **state)
{
    (void)state;
    for (int links = 1; links <= 40; links++) {
        begin(NULL);
        put_catalog("state/catalog", NULL);
        put_chain(links);
        CHECK(links == 1 ? "one link" : "several links", finds("state/catalog", true));
    }
    check_end();
}

static void a_relative_link_is_relative_to_where_it_lies(void **state)
{
    struct own_catalog own;
    (void)state;
    put_catalog("state/catalog", NULL);
    scratch_link(&home, BESIDE, "../state/catalog");
    assert_int_equal(find(&own), OWN_FOUND);
    assert_string_equal(own.path, at("bin/../state/catalog"));
    assert_string_equal(own.place, at("bin/../state"));
}

static void a_link_to_nothing_is_no_catalog(void **state)
{
    (void)state;
    scratch_link(&home, BESIDE, "../nowhere/catalog");
    put_catalog("state/catalog", NULL);
    told.state = at("state");
    assert_true(finds("state/catalog", false));
}

static void what_is_there_and_is_no_catalog_is_refused(void **state)
{
    struct own_catalog own;
    (void)state;
    scratch_need(mkdirat(home.fd, BESIDE, 0755) == 0, "mkdir");
    CHECK("a directory", find(&own) == OWN_REFUSED && error.number == HB_CATALOG_INVALID);
    begin(NULL);
    scratch_need(mkfifoat(home.fd, BESIDE, 0644) == 0, "mkfifo");
    CHECK("a FIFO", find(&own) == OWN_REFUSED && error.number == HB_CATALOG_INVALID);
    begin(NULL);
    scratch_write(&home, BESIDE, "");
    CHECK("an empty file", find(&own) == OWN_REFUSED && error.number == HB_CATALOG_INVALID);
    begin(NULL);
    scratch_link(&home, BESIDE, "handback.catalog");
    CHECK("a link to itself", find(&own) == OWN_REFUSED && error.number == HB_CATALOG_INVALID);
    begin(NULL);
    put_catalog("state/catalog", NULL);
    put_chain(42);
    CHECK("too many links", find(&own) == OWN_REFUSED && error.number == HB_CATALOG_INVALID);
    CHECK("they are named", strstr(error.text, "handback.catalog") || strstr(error.text, "link"));
    check_end();
}

static int find_closed(void *context)
{
    (void)context;
    struct own_catalog own;
    return find(&own) == OWN_REFUSED && error.number == HB_CATALOG_INVALID &&
                   strstr(error.text, "chmod")
               ? 0
               : 1;
}

static void one_that_may_not_be_read_is_refused_and_not_missing(void **state)
{
    (void)state;
    put_catalog(BESIDE, "../state");
    scratch_need(fchmodat(home.fd, BESIDE, 0, 0) == 0, "chmod");
    assert_int_equal(scratch_as_nobody(find_closed, NULL), 0);
}

/* ---- which one is believed ---- */

static void modes_decide(void **state)
{
    static const struct {
        const char *label;
        mode_t mode;
        enum own_verdict verdict;
    } rows[] = {{"as prepare writes it", 0644, OWN_FOUND},
                {"for its owner alone", 0600, OWN_FOUND},
                {"writable by its group", 0664, OWN_FOUND},
                {"writable by everybody", 0646, OWN_REFUSED},
                {"writable by everybody alone", 0602, OWN_REFUSED}};
    struct own_catalog own;
    (void)state;
    put_catalog(BESIDE, "../state");
    for (size_t i = 0; i < COUNT(rows); i++) {
        scratch_need(fchmodat(home.fd, BESIDE, rows[i].mode, 0) == 0, "chmod");
        CHECK(rows[i].label, find(&own) == rows[i].verdict);
        CHECK(rows[i].label, rows[i].verdict == OWN_FOUND || error.number == HB_CATALOG_UNTRUSTED);
    }
    check_end();
}

/* Who owns what; `root` is STATIC_ROOT's owner, -1: it is not told. */
static const struct owners {
    const char *label;
    bool beside;
    uid_t catalog, directory;
    mode_t mode; /* of the directory */
    int root;
    enum own_verdict verdict;
} owners[] = {
    {"beside, of root", true, ROOT_USER, OWNER, 0755, -1, OWN_FOUND},
    {"beside, of the directory's owner", true, OWNER, OWNER, 0755, -1, OWN_FOUND},
    {"beside, of the directory's owner, who is not the root's", true, OWNER, OWNER, 0755, STRANGER,
     OWN_FOUND},
    {"beside, of a stranger", true, STRANGER, OWNER, 0755, -1, OWN_REFUSED},
    {"beside, of the root's owner", true, STRANGER, OWNER, 0755, STRANGER, OWN_FOUND},
    {"beside, of a user in a directory of root", true, OWNER, ROOT_USER, 0755, -1, OWN_REFUSED},
    {"beside, in a directory for everybody", true, OWNER, OWNER, 0777, -1, OWN_REFUSED},
    {"beside, in a directory for everybody with its sticky bit", true, OWNER, OWNER, 01777, -1,
     OWN_REFUSED},
    {"beside, in a directory for its group", true, OWNER, OWNER, 0775, -1, OWN_FOUND},
    {"in the state, of root", false, ROOT_USER, OWNER, 0755, STRANGER, OWN_FOUND},
    {"in the state, of the root's owner", false, OWNER, STRANGER, 0755, OWNER, OWN_FOUND},
    {"in the state, of its owner, who is not the root's", false, OWNER, OWNER, 0755, STRANGER,
     OWN_REFUSED},
    {"in the state, of its owner, and no root told", false, OWNER, OWNER, 0755, -1, OWN_FOUND},
    {"in the state, of a stranger, and no root told", false, STRANGER, OWNER, 0755, -1,
     OWN_REFUSED},
};

static void judge_owners(const struct owners *row)
{
    struct own_catalog own;
    const char *directory = row->beside ? "bin" : "state";
    const char *name = row->beside ? BESIDE : "state/catalog";
    begin(NULL);
    put_catalog(name, row->beside ? "../state" : NULL);
    give(name, row->catalog);
    give(directory, row->directory);
    scratch_need(chmod(at(directory), row->mode) == 0, "chmod");
    told.state = row->beside ? NULL : at("state");
    if (row->root >= 0) {
        give("static", (uid_t)row->root);
        told.root[MOUNT_STATIC] = at("static");
    }
    CHECK(row->label, find(&own) == row->verdict);
    CHECK(row->label, row->verdict == OWN_FOUND || error.number == HB_CATALOG_UNTRUSTED);
}

static void owners_decide(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip(); /* files cannot be given to other users */
    }
    for (size_t i = 0; i < COUNT(owners); i++) {
        judge_owners(&owners[i]);
    }
    check_end();
}

/* ---- what the environment says ---- */

static void values_that_are_none_are_refused_by_name(void **state)
{
    static const struct {
        const char *name, *value;
        bool good;
    } rows[] = {
        {"STATIC_ROOT", "/srv/static", true},
        {"STATIC_ROOT", "static", false},
        {"STATIC_ROOT", "./static", false},
        {"STATIC_ROOT", "/srv/sta\ntic", false},
        {"STATIC_ROOT", "/srv/\x7f", false},
        {"STATIC_ROOT", "", true},
        {"MEDIA_ROOT", "~/media", false},
        {"HANDBACK_ROOT", "top", false},
        {"HANDBACK_STATE", "/srv/state", true},
        {"HANDBACK_STATE", "../state", false},
        {"HANDBACK_DELIVERY_ROOT", "seen", false},
        {"STATIC_URL", "/static/", true},
        {"STATIC_URL", "static/", true},
        {"STATIC_URL", "https://cdn.example.org/assets/", true},
        {"STATIC_URL", "/%zz/", false},
        {"STATIC_URL", "/a\nb/", false},
        {"MEDIA_URL", "/%00/", false},
        {"HANDBACK_DELIVERY_URL", "/%/", false},
        {"RELEASE_ID", "anything at all", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct environment read;
        setenv(rows[i].name, rows[i].value, 1);
        bool good = environment_read(&read, &error) == 0;
        CHECK(rows[i].value, good == rows[i].good);
        CHECK(rows[i].value, good || (error.number == HB_SETTING_BAD_VALUE &&
                                      strstr(error.text, rows[i].name) == error.text));
        unsetenv(rows[i].name);
    }
    check_end();
}

static void what_is_empty_is_not_given(void **state)
{
    static const char *const names[] = {"STATIC_ROOT",
                                        "STATIC_URL",
                                        "MEDIA_ROOT",
                                        "MEDIA_URL",
                                        "RELEASE_ID",
                                        "HANDBACK_ROOT",
                                        "HANDBACK_STATE",
                                        "HANDBACK_DELIVERY_URL",
                                        "HANDBACK_DELIVERY_ROOT"};
    struct environment read;
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        setenv(names[i], "", 1);
    }
    memset(&read, 0, sizeof read);
    assert_int_equal(environment_read(&read, &error), 0);
    assert_true(!read.root[MOUNT_STATIC] && !read.root[MOUNT_MEDIA] && !read.root[MOUNT_ROOT]);
    assert_true(!read.state && !read.release && !read.delivery_root);
    assert_true(!read.url[MOUNT_STATIC] && !read.url[MOUNT_MEDIA] && !read.delivery_url);
    for (size_t i = 0; i < COUNT(names); i++) {
        unsetenv(names[i]);
    }
}

/* ---- the site of both ---- */

static struct site *opened(void)
{
    struct site *site = calloc(1, sizeof *site);
    struct own_catalog own;
    error.number = NO_DIAGNOSIS;
    assert_non_null(site);
    if (own_site_open(site, &own, &told, &error) == 0) {
        return site;
    }
    if (site->mapped) {
        munmap(site->block, site->mapped);
    }
    free(site);
    return NULL;
}

static struct site *opened_live(void)
{
    struct site *site = calloc(1, sizeof *site);
    assert_non_null(site);
    if (own_site_open_live(site, &told, &error) == 0) {
        atomic_init(&site->holders, 1);
        return site;
    }
    free(site);
    return NULL;
}

/* Whether the directory of a mount is this one. */
static bool leads_to(const struct site *site, uint32_t mount, const char *name)
{
    struct stat found, wanted;
    return mount < site->mounts && site->root[mount] >= 0 &&
           fstat(site->root[mount], &found) == 0 && stat(at(name), &wanted) == 0 &&
           found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev;
}

static bool is_mount(const struct site *site, uint32_t mount, const char *url, const char *root)
{
    return mount < site->mounts && slice_equal(site->mount[mount].url, slice_of(url)) &&
           leads_to(site, mount, root);
}

static void one_of_a_state_directory_may_be_linked_to(void **state)
{
    (void)state;
    put_catalog("state/catalog", NULL);
    scratch_link(&home, BESIDE, "../state/catalog");
    struct site *site = opened();
    assert_non_null(site);
    assert_true(is_mount(site, 0, "/static/", "static") && is_mount(site, 1, "/media/", "media"));
    assert_int_equal(site->mounts, 2);
    assert_int_equal(site->mount[0].max_age, 77);
    site_release(site);
}

static void one_that_names_its_state_directory_may_lie_beside_the_program(void **state)
{
    (void)state;
    put_catalog(BESIDE, "../state");
    scratch_need(mkdirat(home.fd, "state", 0755) == 0, "mkdir");
    struct site *site = opened();
    assert_non_null(site);
    assert_string_equal(site->state, at("state"));
    assert_string_equal(site->pool_path, at("state/pool"));
    assert_true(is_mount(site, 0, "/static/", "static"));
    site_release(site);
}

static void a_mere_copy_is_refused(void **state)
{
    (void)state;
    put_catalog(BESIDE, NULL);
    CHECK("beside the program", !opened() && error.number == HB_CATALOG_MISPLACED);
    begin(NULL);
    put_catalog("state/copy", NULL);
    scratch_link(&home, BESIDE, "../state/copy");
    CHECK("of another name", !opened() && error.number == HB_CATALOG_MISPLACED);
    begin(NULL);
    put_catalog("state/catalog", "../state");
    told.state = at("state");
    CHECK("in the state directory", !opened() && error.number == HB_CATALOG_MISPLACED);
    begin(NULL);
    put_catalog("static/.handback/catalog", "../state");
    told.root[MOUNT_STATIC] = at("static");
    CHECK("in the root", !opened() && error.number == HB_CATALOG_MISPLACED);
    check_end();
}

static void roots_of_the_environment_take_the_place_of_those_of_the_catalog(void **state)
{
    (void)state;
    put_catalog(BESIDE, "../state");
    scratch_write(&home, "elsewhere/static/a.txt", "a");
    scratch_write(&home, "elsewhere/media/b.txt", "b");
    told.root[MOUNT_STATIC] = at("elsewhere/static");
    told.root[MOUNT_MEDIA] = at("elsewhere/media");
    struct site *site = opened();
    assert_non_null(site);
    assert_int_equal(site->mounts, 2);
    assert_true(is_mount(site, 0, "/static/", "elsewhere/static"));
    assert_true(is_mount(site, 1, "/media/", "elsewhere/media"));
    site_release(site);
}

static void uploads_and_the_top_of_the_site_are_added_when_the_catalog_has_none(void **state)
{
    (void)state;
    put_catalog(BESIDE, "../state");
    scratch_write(&home, "more/c.txt", "c");
    scratch_write(&home, "top/robots.txt", "*");
    told.root[MOUNT_MEDIA] = at("more");
    tell_url(&told.url[MOUNT_MEDIA], "/more/");
    told.root[MOUNT_ROOT] = at("top");
    struct site *site = opened();
    assert_non_null(site);
    assert_int_equal(site->mounts, 4);
    assert_true(is_mount(site, 1, "/media/", "media") && is_mount(site, 2, "/more/", "more"));
    assert_int_equal(site->mount[2].kind, MOUNT_MEDIA);
    assert_true(is_mount(site, 3, "/", "top"));
    assert_int_equal(site->mount[3].kind, MOUNT_ROOT);
    site_release(site);
}

static void a_url_of_static_files_that_the_catalog_has_not_sets_it_aside(void **state)
{
    (void)state;
    put_catalog(BESIDE, "../state");
    tell_url(&told.url[MOUNT_STATIC], "/assets/");
    assert_null(opened());
    assert_int_equal(error.number, HB_CATALOG_OTHER);
    tell_url(&told.url[MOUNT_STATIC], "/static/");
    struct site *site = opened();
    assert_non_null(site);
    site_release(site);
}

static void the_hand_back_is_adopted_by_the_static_files_alone(void **state)
{
    (void)state;
    put_catalog(BESIDE, "../state");
    tell_url(&told.delivery_url, "/closed/");
    told.delivery_root = "/seen";
    struct site *site = opened();
    assert_non_null(site);
    assert_true(slice_equal(site->mount[0].delivery_url, slice_of("/closed/")));
    assert_true(slice_equal(site->mount[0].delivery_root, slice_of("/seen")));
    assert_false(slice_equal(site->mount[1].delivery_url, slice_of("/closed/")));
    assert_false(slice_equal(site->mount[1].delivery_root, slice_of("/seen")));
    site_release(site);
}

static bool chooses(const char *wanted, const char *id)
{
    told.release = wanted;
    struct site *site = opened();
    bool chosen = site && slice_equal(catalog_chosen_release(&site->catalog, 0).id, slice_of(id));
    if (site) {
        site_release(site);
    }
    return chosen;
}

static void the_release_is_the_one_that_is_named_or_that_was_published_last(void **state)
{
    (void)state;
    put_catalog(BESIDE, "../state");
    scratch_need(mkdirat(home.fd, "state", 0755) == 0, "mkdir");
    CHECK("none is named", chooses(NULL, "two"));
    CHECK("the first is named", chooses("one", "one"));
    CHECK("an unknown one is named", chooses("three", "two"));
    check_end();
}

static void a_catalog_that_is_none_is_refused_by_its_own_fault(void **state)
{
    (void)state;
    scratch_write(&home, BESIDE, "HANDBACK, or so it says");
    assert_null(opened());
    assert_int_equal(error.number, HB_CATALOG_VERSION);
    scratch_write(&home, BESIDE, "{\"paths\": {}}");
    assert_null(opened());
    assert_int_equal(error.number, HB_CATALOG_INVALID);
    scratch_unlink(&home, BESIDE);
    assert_null(opened());
    assert_int_equal(error.number, NO_DIAGNOSIS);
}

static void the_directory_of_a_project_is_refused_with_and_without_a_catalog(void **state)
{
    (void)state;
    scratch_write(&home, "static/manage.py", "");
    told.root[MOUNT_STATIC] = at("static");
    assert_null(opened_live());
    assert_int_equal(error.number, HB_ROOT_IS_PROJECT);
    put_catalog(BESIDE, "../state");
    assert_null(opened());
    assert_int_equal(error.number, HB_ROOT_IS_PROJECT);
}

/* ---- without a catalog ---- */

static void without_a_catalog_and_a_root_nothing_can_be_served(void **state)
{
    (void)state;
    told.state = at("state");
    told.root[MOUNT_MEDIA] = at("media");
    assert_null(opened_live());
    assert_int_equal(error.number, HB_CATALOG_MISSING);
    assert_non_null(strstr(error.text, "--beside"));
}

static void without_a_catalog_the_directories_of_the_environment_are_served_live(void **state)
{
    (void)state;
    told.root[MOUNT_STATIC] = at("static");
    tell_url(&told.url[MOUNT_STATIC], "/assets/");
    told.root[MOUNT_MEDIA] = at("media");
    struct site *site = opened_live();
    assert_non_null(site);
    assert_int_equal(site->mounts, 2);
    assert_true(is_mount(site, 0, "/assets/", "static") && is_mount(site, 1, "/media/", "media"));
    assert_int_equal(site->mount[0].max_age, 60);
    assert_true(site->pool < 0 && site->made == INT64_MIN);
    struct catalog_entry entry;
    assert_int_equal(catalog_find(&site->catalog, 0, slice_of("a.txt"), &entry), CATALOG_ABSENT);
    site_release(site);
}

static void a_root_that_is_not_there_yet_is_no_fault_of_the_settings(void **state)
{
    (void)state;
    told.root[MOUNT_STATIC] = at("later");
    struct site *site = opened_live();
    assert_non_null(site);
    assert_int_equal(site->root[0], -ENOENT);
    site_release(site);
}

/* ---- from a directory of its own ---- */

static void copy_self_to(const char *path)
{
    char buffer[65536];
    ssize_t got;
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    scratch_need(from >= 0 && to >= 0, path);
    while ((got = read(from, buffer, sizeof buffer)) > 0) {
        scratch_need(write(to, buffer, (size_t)got) == got, path);
    }
    close(from);
    close(to);
}

static void start_from_own_directory(void)
{
    struct scratch made = scratch_make();
    char path[SCRATCH_PATH + 16];
    snprintf(path, sizeof path, "%s/bin", made.path);
    scratch_need(mkdir(path, 0755) == 0, path);
    snprintf(path, sizeof path, "%s/bin/test", made.path);
    copy_self_to(path);
    setenv(HOME, made.path, 1);
    execv(path, (char *const[]){path, NULL});
    perror(path);
    abort();
}

static void remember_home(void)
{
    snprintf(home.path, sizeof home.path, "%s", getenv(HOME));
    home.fd = open(home.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scratch_need(home.fd >= 0, home.path);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_missing_and_no_fault),
        TEST(it_is_looked_for_beside_the_program_then_in_the_state_directory),
        TEST(links_lead_to_the_file_itself),
        TEST(a_relative_link_is_relative_to_where_it_lies),
        TEST(a_link_to_nothing_is_no_catalog),
        TEST(what_is_there_and_is_no_catalog_is_refused),
        TEST(one_that_may_not_be_read_is_refused_and_not_missing),
        TEST(modes_decide),
        TEST(owners_decide),
        TEST(values_that_are_none_are_refused_by_name),
        TEST(what_is_empty_is_not_given),
        TEST(one_of_a_state_directory_may_be_linked_to),
        TEST(one_that_names_its_state_directory_may_lie_beside_the_program),
        TEST(a_mere_copy_is_refused),
        TEST(roots_of_the_environment_take_the_place_of_those_of_the_catalog),
        TEST(uploads_and_the_top_of_the_site_are_added_when_the_catalog_has_none),
        TEST(a_url_of_static_files_that_the_catalog_has_not_sets_it_aside),
        TEST(the_hand_back_is_adopted_by_the_static_files_alone),
        TEST(the_release_is_the_one_that_is_named_or_that_was_published_last),
        TEST(a_catalog_that_is_none_is_refused_by_its_own_fault),
        TEST(the_directory_of_a_project_is_refused_with_and_without_a_catalog),
        TEST(without_a_catalog_and_a_root_nothing_can_be_served),
        TEST(without_a_catalog_the_directories_of_the_environment_are_served_live),
        TEST(a_root_that_is_not_there_yet_is_no_fault_of_the_settings),
    };
    if (!getenv(HOME)) {
        start_from_own_directory();
    }
    remember_home();
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    int failed = cmocka_run_group_tests_name("own_catalog", tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    scratch_remove(&home);
    return failed;
}
