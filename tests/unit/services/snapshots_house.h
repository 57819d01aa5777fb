/* tests/unit/services/snapshots_house.h: the service of snapshots with a database in a directory of its own, and
 * clients of both eras. */
#ifndef GATEHOUSE_TESTS_UNIT_SERVICES_SNAPSHOTS_HOUSE_H
#define GATEHOUSE_TESTS_UNIT_SERVICES_SNAPSHOTS_HOUSE_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "mcp/service_house.h"
#include "services/snapshots/snapshots.h"

struct shop {
    char              directory[64], path[128];
    struct snapshots *snapshots;
    mono_time         retention; /* as it is set; 0: never */
    uint32_t          keep;
    struct buffer     told; /* to the person who runs it, a line each */
};

static struct shop shop;
static char *const shop_environment[] = {NULL};

static void
hear(void *owner, const char *line)
{
    (void)owner;
    buffer_printf(&shop.told, "%s\n", line);
}

static inline void
shop_start(struct snapshot_limits limits)
{
    struct error           err   = {0};
    struct snapshots_parts parts = {.loop        = &house.loop,
                                    .session_key = &house.key,
                                    .path        = shop.path,
                                    .limits      = limits,
                                    .retention   = shop.retention,
                                    .keep        = shop.keep,
                                    .environment = shop_environment,
                                    .tell        = hear,
                                    .owner       = &shop};

    shop.snapshots = snapshots_new(&parts, &err);
    if (shop.snapshots == NULL)
        fail_msg("%s", err.text);
    house.service = snapshots_service(shop.snapshots);
    house.ada = house.bob = (struct client){.front = {&front_ops}, .got = {.max = MIB(64)}};
}

static inline void
shop_open_with(struct snapshot_limits limits)
{
    struct error err = {0};

    shop  = (struct shop){.directory = "/tmp/gatehouse-snapshots.XXXXXX", .told.max = KIB(64)};
    house = (struct house){.key = {{7}}};
    assert_non_null(mkdtemp(shop.directory));
    snprintf(shop.path, sizeof shop.path, "%s/snapshots.db", shop.directory);
    assert_true(loop_init(&house.loop, &err));
    exchanges_init(&house.exchanges, &house.loop,
                   &(struct exchange_hooks){.on_message = on_message, .on_close = on_close});
    shop_start(limits);
}

static inline void
shop_open(void)
{
    shop_open_with((struct snapshot_limits){.size = MIB(1), .quota = MIB(64)});
}

static inline void
shop_stop(void)
{
    snapshots_free(shop.snapshots);
    buffer_clear(&house.ada.got);
    buffer_clear(&house.bob.got);
}

static inline void
remove_all(const char *directory)
{
    DIR *d = opendir(directory);
    char path[400];

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlink(path) != 0)
            remove_all(path);
    }
    if (d != NULL)
        closedir(d);
    rmdir(directory);
}

static inline void
shop_close(void)
{
    shop_stop();
    assert_int_equal(house.exchanges.open, 0);
    exchanges_clear(&house.exchanges);
    loop_clear(&house.loop);
    buffer_clear(&shop.told);
    remove_all(shop.directory);
}

/* Until the last message of what was asked has come. */
static inline void
wait_for_answer(struct client *c)
{
    for (mono_time until = clock_mono() + SECONDS(20); str_find(buffer_str(&c->got), STR("={")) < 0;) {
        if (clock_mono() > until)
            fail_msg("no answer: %.*s", STR_ARG(buffer_str(&c->got)));
        loop_turn(&house.loop, MILLISECONDS(20));
    }
}

static inline void
wait_until_got(struct client *c, const char *part)
{
    for (mono_time until = clock_mono() + SECONDS(20); !has_got(c, part);) {
        if (clock_mono() > until)
            fail_msg("%s never came: %.*s", part, STR_ARG(buffer_str(&c->got)));
        loop_turn(&house.loop, MILLISECONDS(20));
    }
}

/* Ada has a session of the revision of `enter`; Bob is modern, and says who he is. */
static inline void
ask(struct client *c, const char *method, const char *members)
{
    struct buffer text = {.max = MIB(8)};

    forget(c);
    if (c->session == NULL) {
        assert_true(buffer_printf(&text, "%s%s", members, members[0] == '\0' ? "" : ",") &&
                    buffer_append_char(&text, '\0'));
        ask_modern(c, "5", method, buffer_str(&text).data,
                   "{},\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bobs-editor\",\"version\":\"2.1\"}");
    } else {
        assert_true(
            buffer_printf(&text, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"%s\",\"params\":{%s}}", method, members) &&
            buffer_append_char(&text, '\0'));
        say(c, buffer_str(&text).data);
    }
    buffer_clear(&text);
    wait_for_answer(c);
}

static inline void
call(struct client *c, const char *tool, const char *arguments)
{
    struct buffer members = {.max = MIB(8)};

    assert_true(buffer_printf(&members, "\"name\":\"%s\",\"arguments\":%s", tool, arguments) &&
                buffer_append_char(&members, '\0'));
    ask(c, "tools/call", buffer_str(&members).data);
    buffer_clear(&members);
}

#endif
