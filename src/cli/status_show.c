#include "cli/status_show.h"

#include "fastcgi/status_ask.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static unsigned long long number(const json_t *object, const char *key)
{
    return (unsigned long long)json_integer_value(json_object_get(object, key));
}

/* What a responder writes is plain ASCII; what is not, is nothing that a terminal should see. */
static const char *plain(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~') {
            return "?";
        }
    }
    return text;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? plain(value) : "none";
}

/* "3 d 4 h", "4 h 5 min", "5 min 6 s": the two largest units. */
static void print_duration(unsigned long long seconds)
{
    if (seconds >= 86400) {
        printf("%llu d %llu h", seconds / 86400, seconds % 86400 / 3600);
    } else if (seconds >= 3600) {
        printf("%llu h %llu min", seconds / 3600, seconds % 3600 / 60);
    } else if (seconds >= 60) {
        printf("%llu min %llu s", seconds / 60, seconds % 60);
    } else {
        printf("%llu s", seconds);
    }
}

/* "200 17, 404 3": the numbers of an object in its own order. */
static void print_numbers(json_t *object)
{
    const char *key, *mark = "";
    json_t *value;
    json_object_foreach(object, key, value)
    {
        printf("%s%s %llu", mark, plain(key), (unsigned long long)json_integer_value(value));
        mark = ", ";
    }
    puts(*mark ? "" : "none");
}

static unsigned long long sum_of(json_t *object)
{
    unsigned long long sum = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        sum += (unsigned long long)json_integer_value(value);
    }
    return sum;
}

static void print_workers(const json_t *workers)
{
    size_t index;
    json_t *worker;
    json_array_foreach(workers, index, worker)
    {
        printf("  %-8llu %s, up ", number(worker, "pid"), text(worker, "state"));
        print_duration(number(worker, "uptime"));
        printf(", %llu requests, %llu connections\n", number(worker, "requests"),
               sum_of(json_object_get(worker, "connections")));
    }
}

static void print_site(const json_t *status)
{
    size_t index;
    json_t *mount;
    const json_t *catalog = json_object_get(status, "catalog");
    json_array_foreach(json_object_get(status, "mounts"), index, mount)
    {
        printf("mount       %s release %s%s\n", text(mount, "url"), text(mount, "release"),
               json_is_true(json_object_get(mount, "root")) ? "" : ", its root cannot be opened");
    }
    if (json_is_object(catalog)) {
        printf("catalog     %llu names, %llu releases, %s\n", number(catalog, "names"),
               number(catalog, "releases"),
               json_is_true(json_object_get(catalog, "stored")) ? "as prepare has written it"
                                                                : "made in memory");
    } else {
        puts("catalog     none: the settings are bad");
    }
}

static void print_status(const json_t *status)
{
    json_t *connections = json_object_get(status, "connections");
    const json_t *workers = json_object_get(status, "worker_processes");
    printf("handback %s, process %llu, up ", text(status, "version"), number(status, "pid"));
    print_duration(number(status, "uptime"));
    printf("\nworkers     %zu, %llu died, %llu reloads\n", json_array_size(workers),
           number(status, "workers_died"), number(status, "reloads"));
    print_workers(workers);
    printf("connections %llu of %llu: ", sum_of(connections), number(status, "max_connections"));
    print_numbers(connections);
    printf("            %llu accepted, %llu refused, %llu late\nrequests    ",
           number(status, "accepted"), number(status, "refused"), number(status, "late"));
    print_numbers(json_object_get(status, "requests"));
    print_site(status);
}

int status_show(const char *where, bool json, struct error *error)
{
    static char answer[STATUS_ASK_SIZE];
    json_error_t fault;
    if (status_ask(where, answer, error) < 0) {
        return -1;
    }
    json_t *status = json_loads(answer, JSON_REJECT_DUPLICATES, &fault);
    if (!json_is_object(status)) {
        json_decref(status);
        return error_set(error, HB_NO_STATUS, "no status from %s: it is another version", where);
    }
    if (json) {
        puts(answer);
    } else {
        print_status(status);
    }
    json_decref(status);
    return 0;
}
