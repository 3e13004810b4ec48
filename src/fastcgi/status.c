#include "fastcgi/status.h"

#include "base/clock.h"
#include "fastcgi/connection.h"

#include <stdio.h>

enum {
    WORKERS_SHOWN = 256
};

static const char *const state_names[SCOREBOARD_STATES] = {
    [CONNECTION_IDLE] = "idle",           [CONNECTION_HEAD] = "head",
    [CONNECTION_ANSWER] = "answer",       [CONNECTION_SENDING] = "sending",
    [CONNECTION_LINGERING] = "lingering",
};

/* As in a URL: a name may hold bytes that are no UTF-8, which JSON cannot say. */
static void write_text(FILE *out, struct slice text)
{
    fputc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool plain = c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '%';
        fprintf(out, plain ? "%c" : "%%%02X", c);
    }
    fputc('"', out);
}

/* The counts of one worker, or with NULL of all. */
static void write_connections(FILE *out, struct scoreboard *board, struct scoreboard_worker *worker)
{
    fputs("\"connections\":", out);
    for (int state = CONNECTION_IDLE; state < SCOREBOARD_STATES; state++) {
        fprintf(out, "%c\"%s\":%d", state == CONNECTION_IDLE ? '{' : ',', state_names[state],
                worker ? atomic_load(&worker->connections[state])
                       : scoreboard_connections(board, state));
    }
    fputc('}', out);
}

static void write_workers(FILE *out, struct scoreboard *board)
{
    int shown = 0;
    fputs(",\"worker_processes\":[", out);
    for (int i = 0; i < SCOREBOARD_WORKERS && shown < WORKERS_SHOWN; i++) {
        struct scoreboard_worker *worker = &board->worker[i];
        int pid = atomic_load(&worker->pid);
        if (pid == 0) {
            continue;
        }
        fprintf(out, "%s{\"pid\":%d,\"uptime\":%lld,\"state\":\"%s\",\"requests\":%lu,",
                shown++ ? "," : "", pid, (clock_now() - atomic_load(&worker->started)) / 1000,
                atomic_load(&worker->retiring) ? "retiring" : "serving",
                atomic_load(&worker->requests));
        write_connections(out, board, worker);
        fputc('}', out);
    }
    fputc(']', out);
}

static void write_requests(FILE *out, struct scoreboard *board)
{
    const char *mark = "";
    fputs(",\"requests\":{", out);
    for (int i = 0; i < SCOREBOARD_STATUSES; i++) {
        unsigned long count = atomic_load(&board->requests[i]);
        if (count > 0) {
            fprintf(out, "%s\"%d\":%lu", mark, i + SCOREBOARD_STATUS_FIRST, count);
            mark = ",";
        }
    }
    fputc('}', out);
}

static void write_site(FILE *out, const struct site *site)
{
    fputs(",\"mounts\":[", out);
    for (uint32_t i = 0; site && i < catalog_mounts(&site->catalog); i++) {
        struct slice release = catalog_chosen_release(&site->catalog, i).id;
        fprintf(out, "%s{\"url\":", i > 0 ? "," : "");
        write_text(out, site->mount[i].url);
        fputs(",\"release\":", out);
        if (release.len > 0) {
            write_text(out, release);
        } else {
            fputs("null", out);
        }
        fprintf(out, ",\"root\":%s}", site->root[i] >= 0 ? "true" : "false");
    }
    fputs("],\"catalog\":", out);
    if (site) {
        fprintf(out, "{\"names\":%llu,\"releases\":%u,\"stored\":%s}",
                (unsigned long long)catalog_names(&site->catalog), catalog_releases(&site->catalog),
                site->stored ? "true" : "false");
    } else {
        fputs("null", out);
    }
}

size_t status_write(char *buffer, size_t size, struct scoreboard *board,
                    const struct site_source *source)
{
    FILE *out = fmemopen(buffer, size, "w");
    if (!out) {
        return 0;
    }
    fprintf(out, "{\"version\":\"" HANDBACK_VERSION "\",\"pid\":%d,\"uptime\":%lld",
            (int)board->master, (clock_now() - board->started) / 1000);
    write_workers(out, board);
    fprintf(out, ",\"workers_died\":%lu,\"reloads\":%lu,\"max_connections\":%d,",
            atomic_load(&board->workers_died), atomic_load(&board->reloads),
            scoreboard_connections_max(board));
    write_connections(out, board, NULL);
    fprintf(out, ",\"accepted\":%lu,\"refused\":%lu,\"late\":%lu", atomic_load(&board->accepted),
            atomic_load(&board->refused), atomic_load(&board->late));
    write_requests(out, board);
    struct site *site = source->current(source->context);
    write_site(out, site);
    site_release(site);
    fputc('}', out);
    fflush(out);
    long len = ftell(out);
    bool whole = !ferror(out) && len > 0 && (size_t)len < size;
    fclose(out);
    return whole ? (size_t)len : 0;
}
