// Every call that was answered is on record, with its request and its response.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { atEnd, echoHttp, echoStdio, house, load, until } from './harness.ts';
import type { House } from './harness.ts';

const CALLS = 10000;

type Line = {
    id: string;
    jsonrpc_id: string;
    outcome: string;
    messages: { at_us: number; from: 'client' | 'server'; text: string }[];
};

/** Ids of the calls that the load generator saw answered rightly. */
async function manyCalls(t: TestContext, gatehouse: House): Promise<Set<string>> {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-ids-'));
    atEnd(t, () => rmSync(folder, { recursive: true }));
    const ids = join(folder, 'ids');
    const said = await load(gatehouse.url('echo'), '--connections', '32', '--calls', String(CALLS), '--ids', ids);

    equal(said.code, 0, said.stderr);
    equal(said.errors, 0);
    return new Set(readFileSync(ids, 'utf8').trim().split('\n'));
}

/** What `logs --json --messages` shows of one call is that call: the ids in both texts, and the text that was echoed. */
function checkLine(line: Line): void {
    const [request, answer] = line.messages.map(({ text }) => JSON.parse(text));

    deepEqual(line.messages.map(({ from }) => from), ['client', 'server']);
    ok(line.messages[0]!.at_us <= line.messages[1]!.at_us);
    equal(String(request.id), line.jsonrpc_id);
    equal(String(answer.id), line.jsonrpc_id);
    equal(answer.result.content[0].text, request.params.arguments.text);
}

async function checkRecord(gatehouse: House, ids: Set<string>): Promise<void> {
    const calls = `FROM exchange WHERE server = 'echo' AND kind = 'request' AND method = 'tools/call'`;
    await until('all calls in the database', 10000, () => gatehouse.sql<{ n: number }>(`SELECT count(*) AS n ${calls}`)[0]!.n >= CALLS);
    const rows = gatehouse.sql<Record<string, never>>(
        `SELECT jsonrpc_id, target, outcome, http_status, error_code, duration_us, session ${calls}`,
    );

    equal(ids.size, CALLS);
    equal(rows.length, CALLS);
    deepEqual(new Set(rows.map((row) => row['jsonrpc_id'])), ids);
    deepEqual(new Set(rows.map((row) => `${row['target']} ${row['outcome']} ${row['http_status']} ${row['error_code']}`)), new Set(['echo ok 200 null']));
    equal(new Set(rows.map((row) => row['session'])).size, 32);
    ok(rows.every((row) => row['duration_us'] > 0));
}

/** Through the command line, as a person would; every call of them. */
async function checkLogs(gatehouse: House, ids: Set<string>): Promise<void> {
    const { code, stdout, stderr } = await gatehouse.command(
        'logs', '--json', '--messages', '--server', 'echo', '--method', 'tools/call', '--limit', String(CALLS + 1),
    ); // prettier-ignore
    equal(code, 0, stderr);
    const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Line);

    equal(lines.length, CALLS);
    deepEqual(new Set(lines.map((line) => line.jsonrpc_id)), ids);
    for (const line of lines) checkLine(line);
}

for (const [name, place] of [
    ['an HTTP server', async (t: TestContext) => ({ url: await echoHttp(t, '--sessions') })],
    ['a child', async () => echoStdio],
] as const) {
    test(`10,000 calls from 32 connections to ${name} are all on record`, { timeout: 120000 }, async (t) => {
        const gatehouse = await house(t, { echo: await place(t) });
        const ids = await manyCalls(t, gatehouse);
        await checkRecord(gatehouse, ids);
        await checkLogs(gatehouse, ids);
        equal(await gatehouse.stop(), 'exit code 0');
        deepEqual(gatehouse.sql('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    });
}
