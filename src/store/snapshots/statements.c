#include "store/snapshots/statements.h"

/* clang-format off */
#define SHORT "id, version, created, changed, deleted, importance, bytes, name, project, tags, client, client_version," \
              " server, source, summary, next_steps"
#define LONG  "context, structured, prompt"
#define WORDS "name, project, tags, summary, context, next_steps"

/* The one changed last. One that was never updated changed when it was created: so the newest of all is the one created
 * last, or the one changed last of the few that were updated, which have an index of their own. */
#define NEWEST(where)                                                                                              \
    "SELECT " SHORT " FROM snapshot WHERE id = (SELECT id FROM ("                                                  \
    " SELECT * FROM (SELECT id, changed FROM snapshot WHERE deleted IS NULL" where                                 \
    " ORDER BY created DESC, id DESC LIMIT 1) UNION ALL"                                                           \
    " SELECT * FROM (SELECT id, changed FROM snapshot WHERE deleted IS NULL AND changed <> created" where          \
    " ORDER BY changed DESC, id DESC LIMIT 1)) ORDER BY changed DESC, id DESC LIMIT 1)"

/* ?1, ?2: created before, or then with a lesser id; ?3: changed since. The rest of a filter is list.c's. */
#define PAGE " AND created <= ?1 AND (created < ?1 OR id < ?2) AND changed >= ?3 ORDER BY created DESC, id DESC"

#define NEXT(column) \
    "SELECT " column " FROM snapshot WHERE deleted IS NULL AND " column " >= ?1 ORDER BY " column " LIMIT 1"

const char *const snapshot_statements[STATEMENTS] = {
    [BEGIN]       = "BEGIN IMMEDIATE",
    [COMMIT]      = "COMMIT",
    [ROLLBACK]    = "ROLLBACK",
    [SAVEPOINT]   = "SAVEPOINT change",
    [RELEASE]     = "RELEASE change",
    [ROLLBACK_TO] = "ROLLBACK TO change",
    [STAMP]       = "PRAGMA data_version",

    [ADD]    = "INSERT INTO snapshot(" SHORT ", " LONG ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
               " ?14, ?15, ?16, ?17, ?18, ?19)",
    [CHANGE] = "UPDATE snapshot SET version = ?2, changed = ?4, importance = ?6, bytes = ?7, name = ?8, project = ?9,"
               " tags = ?10, client = ?11, client_version = ?12, server = ?13, source = ?14, summary = ?15,"
               " next_steps = ?16, context = ?17, structured = ?18, prompt = ?19 WHERE id = ?1",
    [KEEP]   = "INSERT INTO version(" SHORT ", " LONG ") SELECT " SHORT ", " LONG " FROM snapshot WHERE id = ?1",
    [ADD_WORDS]    = "INSERT INTO words(rowid, " WORDS ") SELECT id, " WORDS " FROM snapshot WHERE id = ?1",
    [REMOVE_WORDS] = "INSERT INTO words(words, rowid, " WORDS ") SELECT 'delete', id, " WORDS " FROM snapshot"
                     " WHERE id = ?1",
    [ADD_TAG]      = "INSERT OR IGNORE INTO tag(tag, created, id) VALUES(?1, ?2, ?3)",
    [REMOVE_TAG]   = "DELETE FROM tag WHERE tag = ?1 AND created = ?2 AND id = ?3",
    [ADD_TOTAL]    = "UPDATE total SET count = count + ?1, in_bin = in_bin + ?2, versions = versions + ?3,"
                     " bytes = bytes + ?4 WHERE ?5 = 0 OR ?4 <= 0 OR bytes + ?4 <= ?5",
    [SET_DELETED]  = "UPDATE snapshot SET deleted = ?2 WHERE id = ?1",
    [FIND_SOURCE]  = "SELECT id FROM snapshot WHERE source = ?1 LIMIT 1",
    [FIND_IMPORTED] = "SELECT 1 FROM imported WHERE source = ?1",
    [ADD_IMPORTED]  = "INSERT OR IGNORE INTO imported VALUES(?1)",
    [OVERDUE]      = "SELECT id, bytes FROM snapshot WHERE deleted <= ?1 ORDER BY deleted LIMIT 1",
    [REMOVE]          = "DELETE FROM snapshot WHERE id = ?1",
    [REMOVE_VERSIONS] = "DELETE FROM version WHERE id = ?1",
    [VERSIONS_TOTAL]  = "SELECT count(*), sum(bytes) FROM version WHERE id = ?1",
    [NEXT_OLD]        = "SELECT id FROM snapshot INDEXED BY snapshot_card WHERE id > ?1 AND id <= ?2 AND deleted IS NULL"
                        " AND changed < ?3 ORDER BY id LIMIT 1",
    [NEXT_ID]         = "SELECT id FROM snapshot WHERE id > ?1 ORDER BY id LIMIT 1",
    [COUNT_NEWER]     = "SELECT count(*) FROM (SELECT 1 FROM snapshot INDEXED BY snapshot_name WHERE deleted IS NULL"
                        " AND name = ?1 AND project IS ?2 AND created >= ?3 AND (created > ?3 OR id > ?4)"
                        " ORDER BY created DESC LIMIT ?5)",
    [MERGE_WORDS]     = "INSERT INTO words(words, rank) VALUES('merge', ?1)",

    [LOAD_ID]           = "SELECT " SHORT " FROM snapshot WHERE id = ?1",
    [LOAD_VERSION]      = "SELECT " SHORT " FROM version WHERE id = ?1 AND version = ?2",
    [LOAD_NEWEST]       = NEWEST(""),
    [LOAD_NAME]         = NEWEST(" AND name = ?1 AND (?2 IS NULL OR project = ?2)"),
    [LOAD_PROJECT]      = NEWEST(" AND project = ?2"),
    [LOAD_LONG]         = "SELECT " LONG " FROM snapshot WHERE id = ?1",
    [LOAD_LONG_VERSION] = "SELECT " LONG " FROM version WHERE id = ?1 AND version = ?2",
    [LIST_ALL]      = "SELECT " SHORT " FROM snapshot WHERE deleted IS NULL" PAGE,
    [LIST_NAME]     = "SELECT " SHORT " FROM snapshot WHERE deleted IS NULL AND name = ?4" PAGE,
    [LIST_PROJECT]  = "SELECT " SHORT " FROM snapshot WHERE deleted IS NULL AND project = ?4" PAGE,
    [LIST_TAG]      = "SELECT s.id, version, s.created, changed, deleted, importance, bytes, name, project, tags, client,"
                      " client_version, server, source, summary, next_steps FROM tag t CROSS JOIN snapshot s"
                      " ON s.id = t.id WHERE t.tag = ?4 AND t.created <= ?1 AND (t.created < ?1 OR t.id < ?2)"
                      " AND changed >= ?3 ORDER BY t.created DESC, t.id DESC",
    [LIST_BIN]      = "SELECT " SHORT " FROM snapshot WHERE deleted IS NOT NULL" PAGE,
    [LIST_VERSIONS] = "SELECT " SHORT " FROM snapshot WHERE id = ?1 UNION ALL SELECT " SHORT " FROM version WHERE id = ?1"
                      " ORDER BY version DESC",
    [FIGURES]       = "SELECT count, in_bin, versions, bytes, (SELECT created FROM snapshot WHERE deleted IS NULL"
                      " ORDER BY created DESC LIMIT 1), (SELECT changed FROM snapshot WHERE deleted IS NULL"
                      " AND changed <> created ORDER BY changed DESC LIMIT 1) FROM total",
    [NEXT_NAME]     = NEXT("name"),
    [NEXT_PROJECT]  = NEXT("project"),
    [NEXT_TAG]      = "SELECT tag FROM tag WHERE tag >= ?1 ORDER BY tag LIMIT 1",
    [SEARCH]        = "SELECT s.id, s.importance, s.changed, gatehouse_find(words, ?2) FROM words CROSS JOIN snapshot s"
                      " INDEXED BY snapshot_card ON s.id = words.rowid WHERE words MATCH ?1"
                      " AND (s.deleted IS NOT NULL) = ?3 AND s.changed >= ?4 AND (?5 IS NULL OR s.name = ?5)"
                      " AND (?6 IS NULL OR s.project = ?6)"
                      " AND (?7 IS NULL OR instr(char(10) || s.tags || char(10), char(10) || ?7 || char(10)) > 0)"
                      " AND (?8 IS NULL OR substr(CAST(s.name AS BLOB), 1, length(CAST(?8 AS BLOB))) = CAST(?8 AS BLOB))"
                      " AND (?9 = 0 OR s.created < ?9 OR (s.created = ?9 AND s.id < ?10))"
                      " ORDER BY words.rowid DESC",
};
/* clang-format on */
