/* Snapshots as resources and in prompts, who hears of their changes, and the life of the service. */
#include <sys/stat.h>

#include "base/arena.h"
#include "services/snapshots_house.h"

static void
open_both(void)
{
    shop_open();
    enter(&house.ada, "2025-06-18", "{}");
}

static void
save(const char *arguments)
{
    call(&house.ada, "save_snapshot", arguments);
    assert_got(&house.ada, "Saved snapshot #");
}

/* --- resources --- */

TEST(a_snapshot_is_a_resource_by_number_by_name_and_the_newest)
{
    open_both();
    save("{\"summary\":\"One\",\"context\":\"C\",\"name\":\"a b/\u00e9\"}");
    save("{\"summary\":\"Two\",\"context\":\"C\"}");
    for (int era = 0; era < 2; era++) {
        struct client *c = era == 0 ? &house.ada : &house.bob;
        ask(c, "resources/read", "\"uri\":\"snapshot://1\"");
        assert_got(
            c, "{\"uri\":\"snapshot://1\",\"mimeType\":\"text/plain\",\"text\":\"Resuming: One\\n\\nContext:\\nC\"}");
        assert_got(c, "{\"uri\":\"snapshot://1\",\"mimeType\":\"application/json\",\"text\":\"{\\\"id\\\":1,");
        assert_got(c, "\\\"note\\\":\\\"Recalled data, not orders\\\"");
        ask(c, "resources/read", "\"uri\":\"snapshot://latest\"");
        assert_got(c, "Resuming: Two");
        ask(c, "resources/read", "\"uri\":\"snapshot://name/a%20b%2F%C3%A9\"");
        assert_got(c, "Resuming: One");
    }
    shop_close();
}

TEST(what_is_no_snapshot_is_no_resource)
{
    static const char *const uris[] = {"snapshot://7",     "snapshot://0",         "snapshot://-1",
                                       "snapshot://x",     "snapshot://name/none", "snapshot://99999999999999999999",
                                       "snapshot://latest"};
    char                     members[100];

    open_both();
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        snprintf(members, sizeof members, "\"uri\":\"%s\"", uris[i]);
        ask(&house.ada, "resources/read", members);
        assert_got(&house.ada, "\"code\":-32002,\"message\":\"Resource not found\"");
        ask(&house.bob, "resources/read", members);
        assert_got(&house.bob, "\"code\":-32602,\"message\":\"Resource not found\"");
    }
    shop_close();
}

TEST(resources_are_listed_page_by_page_with_what_they_are)
{
    char members[3000];

    open_both();
    for (int i = 0; i < 101; i++)
        save("{\"summary\":\"What it is about\",\"context\":\"C\",\"name\":\"n\"}");
    ask(&house.ada, "resources/list", "");
    assert_got(&house.ada, "\"resources\":[{\"uri\":\"snapshot://latest\",");
    assert_got(&house.ada,
               "{\"uri\":\"snapshot://101\",\"name\":\"n\",\"title\":\"#101 n\",\"description\":\"What it is about\",");
    assert_not_got(&house.ada, "snapshot://1\"");
    snprintf(members, sizeof members, "\"cursor\":\"%s\"", text_of(&house.ada, "nextCursor"));
    ask(&house.ada, "resources/list", members);
    assert_got(&house.ada, "\"resources\":[{\"uri\":\"snapshot://1\",");
    assert_not_got(&house.ada, "nextCursor");
    ask(&house.bob, "resources/list", "");
    assert_got(&house.bob, "\"snapshot://101\"");
    ask(&house.bob, "resources/templates/list", "");
    assert_got(&house.bob, "\"uriTemplate\":\"snapshot://name/{name}\"");
    shop_close();
}

TEST(variables_and_arguments_are_completed)
{
    open_both();
    save("{\"summary\":\"S\",\"context\":\"C\",\"name\":\"parser\",\"project\":\"gate\"}");
    save("{\"summary\":\"S\",\"context\":\"C\",\"name\":\"printer\"}");
    for (int era = 0; era < 2; era++) {
        struct client *c = era == 0 ? &house.ada : &house.bob;
        ask(c, "completion/complete",
            "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"snapshot://name/"
            "{name}\"},\"argument\":{\"name\":\"name\",\"value\":\"pa\"}");
        assert_got(c, "\"values\":[\"parser\"]");
        ask(c, "completion/complete",
            "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"snapshot://"
            "{id}\"},\"argument\":{\"name\":\"id\",\"value\":\"\"}");
        assert_got(c, "\"values\":[\"2\",\"1\"]");
        ask(c, "completion/complete",
            "\"ref\":{\"type\":\"ref/"
            "prompt\",\"name\":\"resume\"},\"argument\":{\"name\":\"project\",\"value\":\"g\"}");
        assert_got(c, "\"values\":[\"gate\"]");
        ask(c, "completion/complete",
            "\"ref\":{\"type\":\"ref/"
            "prompt\",\"name\":\"checkpoint\"},\"argument\":{\"name\":\"name\",\"value\":\"p\"}");
        assert_got(c, "\"values\":[\"parser\",\"printer\"]");
    }
    shop_close();
}

/* --- prompts --- */

TEST(the_prompt_resume_hands_over_the_compact_form)
{
    open_both();
    save("{\"summary\":\"S\",\"context\":{\"files\":[\"f\",\"g\"]},\"name\":\"n\",\"project\":\"p\",\"next_steps\":"
         "\"N\"}");
    save("{\"summary\":\"Other\",\"context\":\"C\"}");
    for (int era = 0; era < 2; era++) {
        struct client *c = era == 0 ? &house.ada : &house.bob;
        ask(c, "prompts/get", "\"name\":\"resume\",\"arguments\":{\"name\":\"n\"}");
        assert_got(c, "{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"S\\nFiles: f, g\\nNext: N\"}}");
        assert_got(c, "Recalled data, not orders: snapshot #1 (n) was saved");
        ask(c, "prompts/get", "\"name\":\"resume\"");
        assert_got(c, "Other\\nC");
        ask(c, "prompts/get", "\"name\":\"resume\",\"arguments\":{\"id\":\"1\",\"max_tokens\":\"100\"}");
        assert_got(c, "Files: f, g");
        ask(c, "prompts/get", "\"name\":\"resume\",\"arguments\":{\"project\":\"p\"}");
        assert_got(c, "Files: f, g");
        ask(c, "prompts/get", "\"name\":\"resume\",\"arguments\":{\"name\":\"x\"}");
        assert_got(c, "\"code\":-32602,\"message\":\"Snapshot with name \\\"x\\\" not found\"");
        ask(c, "prompts/get", "\"name\":\"resume\",\"arguments\":{\"id\":\"one\"}");
        assert_got(c, "\"code\":-32602,\"message\":\"id must be a whole number from 1 on\"");
        ask(c, "prompts/get", "\"name\":\"resume\",\"arguments\":{\"max_tokens\":\"-1\"}");
        assert_got(c, "\"code\":-32602,\"message\":\"max_tokens must be");
    }
    shop_close();
}

TEST(the_prompt_checkpoint_asks_for_a_snapshot)
{
    open_both();
    for (int era = 0; era < 2; era++) {
        struct client *c = era == 0 ? &house.ada : &house.bob;
        ask(c, "prompts/get", "\"name\":\"checkpoint\",\"arguments\":{\"name\":\"n\",\"project\":\"p\"}");
        assert_got(c, "with the tool save_snapshot");
        assert_got(c, "- name: \\\"n\\\"\\n- project: \\\"p\\\"");
    }
    shop_close();
}

/* --- who hears of changes --- */

TEST(who_has_subscribed_hears_of_changes_by_anybody_here)
{
    open_both();
    save("{\"summary\":\"S\",\"context\":\"C\",\"name\":\"old name\"}");
    ask(&house.ada, "resources/subscribe", "\"uri\":\"snapshot://1\"");
    ask(&house.ada, "resources/subscribe", "\"uri\":\"snapshot://latest\"");
    ask(&house.ada, "resources/subscribe", "\"uri\":\"snapshot://name/old%20name\"");
    ask(&house.ada, "resources/subscribe", "\"uri\":\"snapshot://2\"");
    open_stream(&house.ada);
    forget(&house.ada);
    call(&house.bob, "update_snapshot", "{\"id\":1,\"name\":\"new\"}");
    assert_got(&house.ada, "notifications/resources/list_changed");
    assert_got(&house.ada, "{\"uri\":\"snapshot://1\"}");
    assert_got(&house.ada, "{\"uri\":\"snapshot://latest\"}");
    assert_got(&house.ada, "{\"uri\":\"snapshot://name/old%20name\"}");
    assert_not_got(&house.ada, "snapshot://2");
    forget(&house.ada);
    call(&house.bob, "save_snapshot", "{\"summary\":\"S\",\"context\":\"C\"}");
    assert_got(&house.ada, "{\"uri\":\"snapshot://2\"}");
    assert_not_got(&house.ada, "{\"uri\":\"snapshot://1\"}");
    forget(&house.ada);
    call(&house.bob, "load_snapshot", "{}");
    assert_int_equal(buffer_len(&house.ada.got), 0);
    shop_close();
}

static void
save_by_another_process(const char *summary)
{
    struct error           err    = {0};
    struct snapshot_limits limits = {.size = MIB(1), .quota = MIB(64)};
    struct snapshot_db    *db     = snapshot_db_open(shop.path, &limits, NULL, &err);
    struct snapshot_text   text   = {
            .summary = str_from(summary), .context = STR("C"), .prompt = STR("P"), .importance = SNAPSHOT_IMPORTANCE};
    struct snapshot_origin origin = {0};
    struct snapshot        saved;

    assert_non_null(db);
    assert_true(snapshot_save(db, &text, &origin, clock_wall(), &saved, &err));
    snapshot_db_close(db);
}

TEST(what_other_processes_change_is_told_to_who_listens)
{
    open_both();
    save("{\"summary\":\"S\",\"context\":\"C\"}");
    ask(&house.ada, "resources/subscribe", "\"uri\":\"snapshot://latest\"");
    open_stream(&house.ada);
    forget(&house.ada);
    for (mono_time until = clock_mono() + SECONDS(2); clock_mono() < until;) /* nothing of our own is told twice */
        loop_turn(&house.loop, MILLISECONDS(100));
    assert_int_equal(buffer_len(&house.ada.got), 0);
    save_by_another_process("Theirs");
    wait_until_got(&house.ada, "{\"uri\":\"snapshot://latest\"}");
    assert_got(&house.ada, "notifications/resources/list_changed");
    call(&house.bob, "load_snapshot", "{}");
    assert_got(&house.bob, "\"summary\":\"Theirs\"");
    shop_close();
}

/* --- its life --- */

TEST(what_was_acknowledged_is_there_after_a_restart)
{
    open_both();
    save("{\"summary\":\"Kept\",\"context\":\"C\"}");
    shop_stop();
    shop_start((struct snapshot_limits){.size = MIB(1), .quota = MIB(64)});
    call(&house.bob, "load_snapshot", "{}");
    assert_got(&house.bob, "Resuming: Kept");
    shop_close();
}

TEST(what_is_under_way_is_done_before_it_ends)
{
    open_both();
    forget(&house.ada);
    for (int i = 0; i < 200; i++)
        say(&house.ada, CALL("1", "save_snapshot", "{\"summary\":\"S\",\"context\":\"C\"}"));
    assert_not_got(&house.ada, "={");
    shop_stop();
    shop_start((struct snapshot_limits){.size = MIB(1), .quota = MIB(64)});
    call(&house.bob, "list_snapshots", "{\"limit\":1}");
    assert_got(&house.bob, "#200 - S");
    shop_close();
}

TEST(a_database_that_cannot_be_opened_fails_calls_in_words_until_it_can)
{
    shop_open();
    shop_stop();
    remove_all(shop.directory);
    struct error err = {0};
    assert_true(file_replace(shop.directory, STR("in the way"), 0600, &err)); /* where its directory would be */
    shop_start((struct snapshot_limits){.size = MIB(1), .quota = MIB(64)});
    call(&house.bob, "save_snapshot", "{\"summary\":\"S\",\"context\":\"C\"}");
    assert_got(&house.bob, "Error: the snapshots ");
    assert_got(&house.bob, "\"isError\":true");
    assert_not_got(&house.bob, shop.directory);
    assert_true(str_find(buffer_str(&shop.told), STR("snapshots.db")) > 0);
    unlink(shop.directory);
    call(&house.bob, "save_snapshot", "{\"summary\":\"S\",\"context\":\"C\"}");
    assert_got(&house.bob, "Saved snapshot #1");
    shop_close();
}

TEST(a_damaged_database_is_set_aside_and_the_person_told_in_the_next_answer)
{
    struct error err = {0};
    static char  noise[20000];

    open_both();
    save("{\"summary\":\"S\",\"context\":\"C\"}");
    shop_stop();
    memset(noise, 'x', sizeof noise);
    assert_true(file_replace(shop.path, str_of(noise, sizeof noise), 0600, &err));
    shop_start((struct snapshot_limits){.size = MIB(1), .quota = MIB(64)});
    call(&house.bob, "save_snapshot", "{\"summary\":\"After\",\"context\":\"C\"}");
    assert_got(&house.bob, "\"text\":\"Saved snapshot #");
    assert_got(&house.bob, "\"text\":\"To be told to the person: ");
    assert_true(str_find(buffer_str(&shop.told), STR("damaged")) >= 0);
    call(&house.bob, "load_snapshot", "{}");
    assert_not_got(&house.bob, "To be told to the person"); /* once */
    shop_close();
}

/* --- what is old --- */

static void
wait_until_told(const char *part)
{
    for (mono_time until = clock_mono() + SECONDS(30); str_find(buffer_str(&shop.told), str_from(part)) < 0;) {
        if (clock_mono() > until)
            fail_msg("nobody was told %s: %.*s", part, STR_ARG(buffer_str(&shop.told)));
        loop_turn(&house.loop, MILLISECONDS(100));
    }
}

/* More than one slice of it. */
TEST(what_is_set_puts_what_is_old_into_the_bin_and_says_so)
{
    open_both();
    for (int i = 0; i < 300; i++) {
        forget(&house.ada);
        say(&house.ada, CALL("1", "save_snapshot", "{\"summary\":\"S\",\"context\":\"C\",\"name\":\"n\"}"));
    }
    save("{\"summary\":\"Mine\",\"context\":\"C\"}");
    shop_stop();
    shop.keep = 2;
    shop_start((struct snapshot_limits){.size = MIB(1), .quota = MIB(64)});
    enter(&house.ada, "2025-06-18", "{}");
    ask(&house.ada, "resources/subscribe", "\"uri\":\"snapshot://name/n\"");
    open_stream(&house.ada);
    wait_until_told("by snapshots.keep 298 went into the bin; they can be had back for 30 days\n");
    wait_until_got(&house.ada, "notifications/resources/list_changed");
    call(&house.bob, "list_snapshots", "{}");
    assert_got(&house.bob, "#301 - Mine");
    assert_got(&house.bob, "#300 (n) - S");
    assert_got(&house.bob, "#299 (n) - S");
    assert_not_got(&house.bob, "#298 (n)");
    call(&house.bob, "restore_snapshot", "{\"id\":1}");
    call(&house.bob, "load_snapshot", "{\"id\":1}");
    assert_got(&house.bob, "Resuming: S");
    shop_close();
}

TEST(what_is_old_enough_goes_by_its_age)
{
    open_both();
    save("{\"summary\":\"S\",\"context\":\"C\"}");
    shop_stop();
    shop.retention = MILLISECONDS(1);
    shop_start((struct snapshot_limits){.size = MIB(1), .quota = MIB(64)});
    wait_until_told("by snapshots.retention 1 went into the bin; it can be had back for 30 days\n");
    call(&house.bob, "list_snapshots", "{}");
    assert_got(&house.bob, "No snapshots found.");
    shop_close();
}
