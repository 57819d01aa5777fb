#include "store/migrate.h"

/* What each table is for:
 *
 *   exchange_row  one each. `sequence` is the first of its entries in the stream of its principal and slot, `entries`
 *                 how many follow each other there; NULL: no messages
 *   more          further entries, of exchanges that came in several records
 *   label, name   texts that many rows share; label: what struct labels holds
 *   open          exchanges whose row is open: what a crash must close
 *   stream        (principal, slot): who writes one run of entries, numbered from 1 on; `floor`: none below is free
 *   block, tail   entries first..last of a stream; their id is stream << 40 | first. A block's body and words lie
 * apart, so that a search reads little. first_id, last_id: least and greatest exchange in it. `parts`: it holds entries
 * of exchanges that have others elsewhere gap           when exchanges could not be recorded, and how many
 *
 * Numbers of kinds and outcomes are those of record.h; a test holds them together. */
static const char first_schema[] =
    "CREATE TABLE exchange_row(id INTEGER PRIMARY KEY, label INTEGER, method INTEGER, target INTEGER, jsonrpc_id,"
    " kind INTEGER, outcome INTEGER, error_code INTEGER, http_status INTEGER, duration_us INTEGER,"
    " first_byte_us INTEGER, bytes_in INTEGER, bytes_out INTEGER, tokens_in INTEGER, tokens_out INTEGER,"
    " sequence INTEGER, entries INTEGER);"
    "CREATE TABLE more(exchange INTEGER, sequence INTEGER, entries INTEGER, PRIMARY KEY(exchange, sequence))"
    " WITHOUT ROWID;"
    "CREATE TABLE label(id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, server TEXT, session TEXT, principal TEXT,"
    " client TEXT, client_version TEXT, server_name TEXT, server_version TEXT, revision TEXT, transport TEXT,"
    " address TEXT, user_agent TEXT);"
    "CREATE INDEX label_by_hash ON label(hash);"
    "CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE open(id INTEGER PRIMARY KEY);"
    "CREATE TABLE stream(id INTEGER PRIMARY KEY, principal TEXT NOT NULL, slot INTEGER NOT NULL,"
    " floor INTEGER NOT NULL DEFAULT 1, UNIQUE(principal, slot));"
    "CREATE TABLE block(id INTEGER PRIMARY KEY, last INTEGER NOT NULL, first_id INTEGER NOT NULL,"
    " last_id INTEGER NOT NULL, raw INTEGER NOT NULL, parts INTEGER NOT NULL);"
    "CREATE TABLE block_body(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
    "CREATE TABLE block_words(id INTEGER PRIMARY KEY, words BLOB NOT NULL);"
    "CREATE TABLE tail(id INTEGER PRIMARY KEY, last INTEGER NOT NULL, first_id INTEGER NOT NULL,"
    " last_id INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE gap(id INTEGER PRIMARY KEY, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, lost INTEGER NOT NULL);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('epoch', 1);"
    "CREATE VIEW exchange AS SELECT e.id AS id, e.id >> 10 AS at_us, l.server AS server, l.session AS session,"
    " m.text AS method, t.text AS target, CAST(e.jsonrpc_id AS TEXT) AS jsonrpc_id,"
    " CASE e.kind WHEN 0 THEN 'request' WHEN 1 THEN 'notification' WHEN 2 THEN 'reply' WHEN 3 THEN 'stream'"
    " WHEN 4 THEN 'delete' END AS kind,"
    " CASE e.outcome WHEN 2 THEN 'ok' WHEN 3 THEN 'error' WHEN 4 THEN 'cancelled' WHEN 5 THEN 'timed_out'"
    " WHEN 6 THEN 'unreachable' WHEN 7 THEN 'cut' WHEN 8 THEN 'refused' END AS outcome,"
    " e.error_code AS error_code, e.http_status AS http_status, e.duration_us AS duration_us,"
    " e.first_byte_us AS first_byte_us, e.bytes_in AS bytes_in, e.bytes_out AS bytes_out, e.tokens_in AS tokens_in,"
    " e.tokens_out AS tokens_out, l.principal AS principal, l.client AS client, l.client_version AS client_version,"
    " l.server_name AS server_name, l.server_version AS server_version, l.revision AS revision,"
    " l.transport AS transport, l.address AS address, l.user_agent AS user_agent"
    " FROM exchange_row e LEFT JOIN label l ON l.id = e.label LEFT JOIN name m ON m.id = e.method"
    " LEFT JOIN name t ON t.id = e.target;";

static const char *const      steps[] = {first_schema};
static const struct db_schema traffic = {.steps = steps, .count = sizeof steps / sizeof steps[0]};

bool
db_is_current(sqlite3 *db, const char *path, struct error *err)
{
    int64_t version;

    if (!migrate_version(db, path, &traffic, &version, err))
        return false;
    if (version == 0)
        return error_set(err, ERROR_NOT_FOUND, "%s holds nothing yet", path);
    return version == traffic.count ||
           error_set(err, ERROR_INVALID, "%s is of an older Gatehouse: start this one once", path);
}

bool
db_migrate(sqlite3 *db, const char *path, struct error *err)
{
    /* page_size and auto_vacuum take effect in a file that is empty, and never again. */
    if (!db_exec(db, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL", err)) {
        error_wrap(err, "opening %s", path);
        return false;
    }
    return migrate(db, path, &traffic, err);
}
