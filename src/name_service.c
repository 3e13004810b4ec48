/* Linked into the static program alone, in place of glibc's functions of the same names. Those load
 * what the host's nsswitch.conf names, libraries of the host's own glibc, which a program that
 * brings another one may not survive. Here a group is what /etc/group says, an address is written
 * in digits, and what APR and libfcgi bring along and nobody calls is not there. */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- serve --socket-group ---- */

struct group *getgrnam(const char *name)
{
    struct group *group = NULL;
    FILE *file = fopen("/etc/group", "re");
    if (file) {
        do {
            group = fgetgrent(file);
        } while (group && strcmp(group->gr_name, name) != 0);
        fclose(file);
    }
    return group;
}

/* ---- serve --listen HOST:PORT ---- */

/* An address and what describes it, in one piece of memory. */
struct found {
    struct addrinfo info;
    struct sockaddr_storage address;
};

static bool read_v4(const char *text, in_port_t port, struct addrinfo *info)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};
    bool local = strcmp(text, "localhost") == 0;
    if (inet_pton(AF_INET, local ? "127.0.0.1" : text, &address.sin_addr) != 1) {
        return false;
    }
    memcpy(info->ai_addr, &address, sizeof address);
    info->ai_family = AF_INET;
    info->ai_addrlen = sizeof address;
    return true;
}

static bool read_v6(const char *text, in_port_t port, struct addrinfo *info)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = port};
    if (inet_pton(AF_INET6, text, &address.sin6_addr) != 1) {
        return false;
    }
    memcpy(info->ai_addr, &address, sizeof address);
    info->ai_family = AF_INET6;
    info->ai_addrlen = sizeof address;
    return true;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *wanted,
                struct addrinfo **info)
{
    char *end;
    in_port_t port = htons((in_port_t)strtoul(service, &end, 10));
    struct found *found = calloc(1, sizeof *found);
    if (!found || *end != '\0') {
        free(found);
        return found ? EAI_SERVICE : EAI_MEMORY;
    }
    found->info.ai_socktype = wanted->ai_socktype;
    found->info.ai_addr = (struct sockaddr *)&found->address;
    if (!read_v4(host, port, &found->info) && !read_v6(host, port, &found->info)) {
        free(found);
        return EAI_NONAME;
    }
    *info = &found->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    free(info); /* the first member of the struct found that holds it */
}

const char *gai_strerror(int fault)
{
    return fault == EAI_SERVICE ? "this static program looks up no names: give the port in digits"
           : fault == EAI_NONAME
               ? "this static program looks up no names: give the address in digits"
               : "out of memory";
}

/* ---- called by nobody ---- */

int getgrnam_r(const char *name, struct group *group, char *text, size_t size,
               struct group **result)
{
    (void)name, (void)group, (void)text, (void)size;
    *result = NULL;
    return ENOSYS;
}

int getgrgid_r(gid_t id, struct group *group, char *text, size_t size, struct group **result)
{
    (void)id, (void)group, (void)text, (void)size;
    *result = NULL;
    return ENOSYS;
}

int getpwnam_r(const char *name, struct passwd *user, char *text, size_t size,
               struct passwd **result)
{
    (void)name, (void)user, (void)text, (void)size;
    *result = NULL;
    return ENOSYS;
}

int getpwuid_r(uid_t id, struct passwd *user, char *text, size_t size, struct passwd **result)
{
    (void)id, (void)user, (void)text, (void)size;
    *result = NULL;
    return ENOSYS;
}

struct hostent *gethostbyname(const char *name)
{
    (void)name;
    return NULL;
}

int getservbyname_r(const char *name, const char *protocol, struct servent *service, char *text,
                    size_t size, struct servent **result)
{
    (void)name, (void)protocol, (void)service, (void)text, (void)size;
    *result = NULL;
    return ENOSYS;
}

int getnameinfo(const struct sockaddr *address, socklen_t len, char *host, socklen_t host_size,
                char *service, socklen_t service_size, int flags)
{
    (void)address, (void)len, (void)host, (void)host_size;
    (void)service, (void)service_size, (void)flags;
    return EAI_FAIL;
}
