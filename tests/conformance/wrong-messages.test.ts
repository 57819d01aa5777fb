// Every row of wrong-messages.tsv against a conformance-server with AddressSanitizer and UndefinedBehaviorSanitizer: it is
// answered as the row says, the next call is answered as ever, and at the end nothing of any of them is held.

import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { run, sanitized, until } from '../e2e/harness.ts';
import { Table, bytesOf } from '../fault/inputs.ts';
import type { Row, Values } from '../fault/inputs.ts';
import type { Message } from './schemas.ts';
import { begin, endSession, openSession, send, sendRaw, talk, valuesOf } from './wrong.ts';

const CALLS = 10000;
const BATCH = 100; // what one array may hold
const AT_ONCE = 4;
const SECONDS = 2; // that a call takes: all of them wait at once, unless the machine is busy
const CANCELLED_SECONDS = 120; // of one that is cancelled: no machine is so busy that it answers before it reads that
const GROWTH_MOST_KIB = 48 * 1024; // when all is said once more; AddressSanitizer keeps freed blocks for a while
const ROUNDS_MOST = 5; // until one adds no more: of a busy machine each may be the first in which all of them wait
const program = sanitized('conformance-server');

process.env['ASAN_OPTIONS'] = 'detect_leaks=1:detect_stack_use_after_return=1:quarantine_size_mb=16';
process.env['UBSAN_OPTIONS'] = 'halt_on_error=1:print_stacktrace=1';

type Server = Awaited<ReturnType<typeof serve>>;

async function serve(t: TestContext) {
    const server = run(t, program, ['--page', '3', '--live']);
    const url = await until('the URL of conformance-server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]);

    return { ...server, url, port: Number(new URL(url).port), said: () => server.stderr };
}

const residentKib = (pid: number) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);

/** As the program says it: what it held when it was to end, its own listening sockets apart, and what was left of all. */
function isClean(stderr: string): void {
    doesNotMatch(stderr, /Sanitizer|runtime error|Assertion/);
    match(stderr, /^held at the end:( polls \d+)?\.$/m, stderr);
    match(stderr, /^left after it:\.$/m, stderr);
}

/** A failure shows both, and what was said. */
function compare(row: Row, said: { status: number; message: Message | undefined; text: string }): void {
    const { message } = said;
    const expected = { status: row.statuses[0], code: row.code, id: row.gets === '' ? undefined : row.gets };
    const id = /"id":("(?:[^"\\]|\\.)*"|[^,}\s]+)/.exec(said.text)?.[1];

    deepEqual({ status: said.status, code: message?.['error']?.code, id }, expected, said.text.slice(0, 500));
    if (said.status === 200 && row.code === undefined) ok(message?.['result'] !== undefined, said.text.slice(0, 500));
    if (said.status === 202) equal(said.text, '');
}

async function playHttp(row: Row, values: Values, server: Server, opened: string[]): Promise<void> {
    const said = await sendRaw(server.port, bytesOf(row.source, values));

    if (said.session !== undefined) opened.push(said.session);
    compare({ ...row, gets: bytesOf(row.gets, {}).toString('latin1') }, said);
}

/** Behind the row goes a good call, which is answered whatever came before. */
async function playStdio(row: Row, values: Values): Promise<void> {
    const isModern = row.at.endsWith('2026-07-28');
    const last = isModern ? '{"jsonrpc":"2.0","id":"last","method":"server/discover","params":{\\(meta)}}' : '{"jsonrpc":"2.0","id":"last","method":"ping"}';
    const { lines, stderr, code } = await talk(program, ['--stdio', '--live'], bytesOf(`${row.source}${last}\\n`, values));
    const answers = lines.filter((line) => line['id'] !== 'open' && line['id'] !== 'last');
    const message = answers[0];

    equal(code, 0, stderr);
    isClean(stderr);
    ok(lines.some((line) => line['id'] === 'last' && line['result'] !== undefined), JSON.stringify(lines));
    ok(answers.length <= 1, JSON.stringify(answers));
    compare(row, { status: message === undefined ? 202 : 200, message, text: message === undefined ? '' : JSON.stringify(message) });
}

/** Runs all, so many at a time; resolves to what failed. */
async function failuresOf(rows: Row[], play: (row: Row) => Promise<void>): Promise<Map<Row, unknown>> {
    const failures = new Map<Row, unknown>();
    const left = rows.values();
    const worker = async () => {
        for (const row of left) await play(row).catch((error: unknown) => failures.set(row, error));
    };

    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return failures;
}

async function report(t: TestContext, rows: Row[], failures: Map<Row, unknown>): Promise<void> {
    for (const row of rows)
        await t.test(`${row.line} ${row.at} ${row.group}: ${row.rule}`, () => {
            if (failures.has(row)) throw failures.get(row);
        });
}

const table = new Table(join(import.meta.dirname, 'wrong-messages.tsv'));
const isStdio = (row: Row) => row.at.startsWith('stdio');

test('the table has 200 messages of each era', () => {
    ok(existsSync(program), `${program} is built by the stage conformance: script/test conformance`);
    for (const era of ['legacy', 'modern']) ok(new Set(table.rows.filter((row) => row.group.startsWith(era)).map((row) => row.line)).size >= 200);
});

test('every wrong message of the table, over HTTP', async (t) => {
    const [server, other] = [await serve(t), await serve(t)];
    const rows = table.rows.filter((row) => !isStdio(row));
    const values = new Map<string, Values>();
    const opened: string[] = [];

    for (const revision of new Set(rows.map((row) => row.at))) values.set(revision, { ...table.texts, ...(await valuesOf(revision, server.url, other.url)) });
    await failuresOf(rows, (row) => playHttp(row, values.get(row.at)!, server, opened)); // warm: what a first run keeps for a next is no growth
    const before = residentKib(server.pid);
    const failures = await failuresOf(rows, (row) => playHttp(row, values.get(row.at)!, server, opened));
    const grown = residentKib(server.pid) - before;
    t.diagnostic(`${grown} KiB more`);

    await report(t, rows, failures);
    await t.test('the next call is answered as ever, and nothing is held', async () => {
        for (const { session = '' } of values.values()) {
            if (session === '') continue;
            await send(server.url, 'POST', { 'Mcp-Session-Id': session }, { jsonrpc: '2.0', id: 1, method: 'ping' });
            opened.push(session);
        }
        for (const session of opened) await endSession(server.url, session);
        ok(grown < GROWTH_MOST_KIB, `${grown} KiB more`);
        for (const each of [server, other]) {
            each.child.kill('SIGTERM');
            equal(await each.ended, 'exit code 0', each.said());
            isClean(each.said());
        }
    });
});

test('every wrong message of the table, on stdio', async (t) => {
    const rows = table.rows.filter(isStdio);
    const failures = await failuresOf(rows, (row) => playStdio(row, { ...table.texts, revision: row.at.slice('stdio-'.length) }));

    await report(t, rows, failures);
});

const slow = (id: string, seconds: number, more: Message = {}) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'slow_compute', arguments: { seconds }, ...more } });

/** 10,000 calls that all wait at the same time: each array is one POST. Resolves to the ids answered. */
async function callAll(url: string, session: string): Promise<Set<string>> {
    const batches = Array.from({ length: CALLS / BATCH }, (_, at) => Array.from({ length: BATCH }, (__, i) => slow(`${at}-${i}`, SECONDS)));
    const answers = await Promise.all(batches.map((batch) => send(url, 'POST', { 'Mcp-Session-Id': session }, batch)));

    return new Set(answers.flatMap(({ text }) => [...text.matchAll(/"id":"(\d+-\d+)","result"/g)].map(([, id]) => id!)));
}

/** By the last round; the first has nothing to be compared with. */
const growth = (held: number[]) => held.at(-1)! - (held.at(-2) ?? -Infinity);

test('10,000 calls at once in one session, over HTTP', async (t) => {
    const server = await serve(t);
    const session = await openSession(server.url, '2025-03-26'); // whose clients send arrays

    const held: number[] = [];

    do {
        equal((await callAll(server.url, session)).size, CALLS);
        held.push(residentKib(server.pid));
    } while (growth(held) >= GROWTH_MOST_KIB && held.length < ROUNDS_MOST);
    await endSession(server.url, session);
    t.diagnostic(`KiB after each 10,000: ${held.join(', ')}`);
    ok(growth(held) < GROWTH_MOST_KIB, `KiB after each 10,000: ${held.join(', ')}`);
    server.child.kill('SIGTERM');
    equal(await server.ended, 'exit code 0', server.said());
    isClean(server.said());
});

const PARKED = 10;

/** Calls that ask and get only wrong replies, and streams: all of them cut by their clients. */
test('what waited for a client that is gone is not held', async (t) => {
    const server = await serve(t);
    const [asked, other] = [await openSession(server.url, '2025-11-25', { elicitation: {} }), await openSession(server.url, '2025-11-25', { elicitation: {} })];
    const ours = { 'Mcp-Session-Id': asked };
    const ask = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'test_elicitation', arguments: { message: 'Who?' } } };
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    const listen = { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true }, _meta: meta } };
    const modern = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'subscriptions/listen' };
    const call = (_: unknown, i: number) => begin(server.url, 'POST', ours, { ...ask, id: i }, 'elicitation/create');
    const calls = await Promise.all(Array.from({ length: PARKED }, call));
    const streams = await Promise.all([
        begin(server.url, 'GET', ours, undefined, 'HTTP/1.1 200'),
        ...Array.from({ length: PARKED }, () => begin(server.url, 'POST', modern, listen, 'subscriptions/acknowledged')),
    ]);
    const questions = calls.map(({ came }) => JSON.parse(/\{[^{\n]*"elicitation\/create"[^\n]*\}/.exec(came)![0])['id'] as unknown);
    const result = { action: 'accept', content: { username: 'nobody' } };

    for (const id of ['nobody', -1, 999999, '0']) await send(server.url, 'POST', ours, { jsonrpc: '2.0', id, result });
    for (const id of questions) await send(server.url, 'POST', { 'Mcp-Session-Id': other }, { jsonrpc: '2.0', id, result }); // of another session
    await send(server.url, 'POST', ours, { jsonrpc: '2.0', id: 'ping', method: 'ping' });
    for (const { came } of calls) doesNotMatch(came, /"result"/);
    for (const stream of [...calls, ...streams]) stream.cut();
    for (const session of [asked, other]) await endSession(server.url, session);
    server.child.kill('SIGTERM');
    equal(await server.ended, 'exit code 0', server.said());
    isClean(server.said());
});

for (const era of ['legacy', 'modern'])
    test(`10,000 calls at once on stdio, ${era}, half of them cancelled`, async () => {
        const envelope = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
        const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'wrong', version: '1' } };
        const isCancelled = (i: number) => i % 2 === 1;
        const more = era === 'modern' ? { _meta: envelope } : {};
        const calls = Array.from({ length: CALLS }, (_, i) => slow(`call-${i}`, isCancelled(i) ? CANCELLED_SECONDS : SECONDS, more));
        const cancelled = calls.filter((_, i) => isCancelled(i)).map(({ id }) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }));
        const opening = era === 'modern' ? [] : [{ jsonrpc: '2.0', id: 'open', method: 'initialize', params }];
        const input = [...opening, ...calls, ...cancelled].map((message) => JSON.stringify(message) + '\n').join('');
        const { lines, stderr, code } = await talk(program, ['--stdio', '--live'], Buffer.from(input));
        const answered = lines.filter((line) => line['result'] !== undefined && line['id'] !== 'open').map((line) => line['id']);

        equal(code, 0, stderr);
        isClean(stderr);
        deepEqual(new Set(answered), new Set(calls.filter((_, i) => !isCancelled(i)).map(({ id }) => id)));
    });
