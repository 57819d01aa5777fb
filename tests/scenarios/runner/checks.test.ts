// The lines about the record, against a database and a `gatehouse logs` made up here.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { difference } from './checks.ts';
import { Gatehouse } from './gatehouse.ts';
import { parseScenario } from './scenario.ts';

const home = mkdtempSync(`${tmpdir()}/checks-`);
const binary = `${home}/gatehouse`;
const logged = JSON.stringify({ id: '9007199254740993', messages: [{ from: 'client' }, { from: 'server' }] });

after(() => rmSync(home, { recursive: true }));
writeFileSync(
    binary,
    `#!/bin/sh\n[ "$1" = status ] && echo '1 down (weather)' && exit\n[ "$6" = 9007199254740993 ] && echo '${logged}'\n`,
    { mode: 0o755 },
);
execFileSync('sqlite3', [
    `${home}/traffic.db`,
    `CREATE TABLE exchange (id INTEGER PRIMARY KEY, at_us INTEGER, server TEXT, session TEXT, method TEXT, target TEXT,
         jsonrpc_id TEXT, outcome TEXT, kind TEXT, error_code INTEGER, http_status INTEGER, duration_us INTEGER, client TEXT);
     INSERT INTO exchange (id, server, method, target, outcome, kind, error_code, http_status) VALUES
         (9007199254740993, 'weather', 'tools/call', 'forecast', 'ok', 'request', NULL, 200),
         (9007199254740994, 'weather', 'tools/list', NULL, 'error', 'request', -32603, 502),
         (9007199254740995, 'files', 'tools/list', NULL, NULL, 'request', NULL, NULL),
         (9007199254740996, 'files', NULL, NULL, NULL, 'stream', NULL, 200);
     INSERT INTO exchange (id, server, method, outcome, kind, client) VALUES
         (9007199254740997, 'weather', 'tools/call', 'ok', 'request', 'gatehouse');`,
]);

async function differs(line: string): Promise<string | undefined> {
    const text = `server weather speaks 2025-11-25 over http\nthen ${line}\n`;
    return difference(parseScenario('t.scn', text).checks[0], new Gatehouse(binary, home));
}

test('what is in the record holds', async () => {
    const lines = [
        'captured one tools/call: 2 messages, outcome ok, target forecast, status 200, kind request',
        'captured one tools/call of weather by gatehouse: outcome ok',
        'captured 2 tools/list',
        'captured one tools/list of weather: outcome error, code -32603, status 502',
        'captured one stream',
        'captured no initialize',
        'status says "1 down"',
    ];
    for (const line of lines) assert.equal(await differs(line), undefined, line);
});

test('what is not in the record is told', async () => {
    const lines: [string, RegExp][] = [
        ['captured 2 tools/call', /^1: /],
        ['captured no tools/list of files', /^1: /],
        ['captured one tools/call: 3 messages', /2 messages/],
        ['captured one tools/call: outcome error', /outcome ok/],
        ['captured one tools/list of files: outcome ok', /outcome null/],
        ['captured one tools/list of weather: code -32000', /code -32603/],
        ['status says "all well"', /1 down/],
    ];
    for (const [line, got] of lines) assert.match((await differs(line)) ?? '', got, line);
});
