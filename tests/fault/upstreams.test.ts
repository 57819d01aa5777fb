// Upstreams that are down, slow, broken or hostile: their callers hear so in time and in words, the log has it, others
// notice nothing, and nothing is left behind.
// Alone: others are served in a quarter of a second.

import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { Socket } from 'node:net';
import { house, isLong, open } from '../e2e/harness.ts';
import type { House } from '../e2e/harness.ts';
import { ask, chunk, counted, descriptors, drip, event, forgetPeak, head, healthy, hostile, logged, MIB, nothingLeft, p99s, peak, pour, quantile, resident, result, status, streamed, watchHealthy } from './peers.ts'; // prettier-ignore
import type { Asked, Said, Saying } from './peers.ts';

const TIMEOUT_MS = 1500;
const SLACK_MS = 8000; // for a machine that has other things to do
const P99_MS = 250;

/** `status`, data.reason and words of the error that the client gets, and the outcome in the log. A `cut` answer had begun: no words fit in any more. */
type Expected = { status: number; reason?: string; words?: RegExp; outcome: string; cut?: boolean | 'perhaps'; mayStream?: boolean };

const malformed = (words: RegExp): Expected => ({ status: 502, reason: 'malformed', words, outcome: 'cut' });
const closed = (words: RegExp, status = 502): Expected => ({ status, reason: 'closed', words, outcome: 'cut' });
const late = (status = 504): Expected => ({ status, reason: 'timed-out', words: /no answer within 1500 ms/, outcome: 'timed_out' });
const tooLarge = (words: RegExp, status = 502): Expected => ({ status, reason: 'too-large', words, outcome: 'cut' });
const brokenOff: Expected = { status: 200, outcome: 'cut', cut: true };
const fine: Expected = { status: 200, outcome: 'ok' };

const say =
    (text: (asked: Asked) => string, then: 'end' | 'reset' | 'stay' = 'stay'): Saying =>
    (socket, asked) => {
        socket.write(text(asked), () => (then === 'end' ? socket.end() : then === 'reset' ? socket.resetAndDestroy() : undefined));
    };
const big = Buffer.alloc(65536, 'x');
const forever = Number.MAX_SAFE_INTEGER;
const begunThen = (start: string | ((asked: Asked) => string), piece: string | Buffer, bytes: number): Saying => (socket, asked) => {
    socket.write(typeof start === 'string' ? start : start(asked));
    return pour(socket, piece, bytes);
};
const json = 'application/json';
const half = (asked: Asked) => result(asked.id, `{"text":"${'half of it'.repeat(10)}"}`).slice(0, 60);
const huge = 'x'.repeat(200000);
const chunks = 'Transfer-Encoding: chunked\r\n';
const unheard = 'Content-Length: 1000000\r\n';

const http: Record<string, [Saying, Expected]> = {
    // closes
    'closes at once': [(socket) => socket.end(), closed(/without an answer/)],
    'resets at once': [(socket) => socket.resetAndDestroy(), closed(/./)],
    'closes in the head': [say(() => 'HTTP/1.1 200 OK\r\nContent-Ty', 'end'), closed(/in the middle/)],
    'closes behind the head': [say(() => head(json, unheard), 'end'), closed(/in the middle/)],
    'closes in a body with a length': [say((asked) => head(json, unheard) + half(asked), 'end'), closed(/in the middle/)],
    'resets in a body with a length': [say((asked) => head(json, unheard) + half(asked), 'reset'), closed(/./)],
    'closes in a large body with a length': [say((asked) => head(json, unheard) + half(asked) + huge, 'end'), brokenOff],
    'closes in a body without a length': [say((asked) => head(json) + half(asked), 'end'), malformed(/not JSON/)],
    'closes in a large body without a length': [say((asked) => head(json) + half(asked) + huge, 'end'), brokenOff],
    'closes in a chunk': [say((asked) => head(json, chunks) + `100\r\n${half(asked)}`, 'end'), closed(/in the middle/)],
    'closes in a large chunk': [say((asked) => head(json, chunks) + `100000\r\n${half(asked)}${huge}`, 'end'), brokenOff],
    'closes between chunks': [say((asked) => head(json, chunks) + chunk(half(asked)), 'end'), closed(/in the middle/)],
    'closes between large chunks': [say((asked) => head(json, chunks) + chunk(half(asked)) + chunk(huge), 'end'), brokenOff],
    'closes in an event': [say(() => streamed('data: {"jsonrpc"'), 'end'), brokenOff],
    'closes between events': [say(() => streamed(event('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}')), 'end'), closed(/in the middle/, 200)], // prettier-ignore
    'ends its stream without the answer': [say(() => streamed(': nothing\n\n') + '0\r\n\r\n'), closed(/without the answer/, 200)],
    'ends its stream in an event': [say(() => streamed('data: {"jsonrpc"') + '0\r\n\r\n'), brokenOff],

    // garbage
    'speaks no HTTP': [say(() => '220 mail.example ESMTP\r\n'), malformed(/no proper HTTP/)],
    'speaks TLS': [say(() => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'), malformed(/no proper HTTP/)],
    'has a broken head': [say(() => 'HTTP/1.1 200 OK\r\nContent Type : application/json\r\n\r\n{}'), malformed(/no proper HTTP/)],
    'has no status': [say(() => 'HTTP/1.1 OK\r\n\r\n'), malformed(/no proper HTTP/)],
    'has the status 999': [say(() => 'HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n'), malformed(/status/)],
    'has two lengths': [say(() => head(json, 'Content-Length: 2\r\nContent-Length: 3\r\n') + '{}'), malformed(/Content-Length/)],
    'has a length that is none': [say(() => head(json, 'Content-Length: many\r\n') + '{}'), malformed(/no proper HTTP/)],
    'has a bad chunk size': [say(() => head(json, chunks) + 'xyz\r\n{}'), malformed(/no proper HTTP/)],
    'switches protocols': [say(() => 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'), malformed(/101/)],
    'floods with 1xx': [begunThen('', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(1000), forever), malformed(/larger than/)],
    'has a header beyond limits': [begunThen('HTTP/1.1 200 OK\r\nX-Long: ', big, forever), malformed(/larger than/)],
    'has headers without end': [begunThen('HTTP/1.1 200 OK\r\n', 'X-Many: 1\r\n'.repeat(5000), forever), malformed(/larger than/)],
    'redirects to itself': [say(() => 'HTTP/1.1 307 Temporary Redirect\r\nLocation: /mcp\r\nContent-Length: 0\r\n\r\n'), malformed(/redirect/)],
    'answers a page': [say(() => counted('<html>', 'text/html')), malformed(/text\/html/)],
    'answers without a type': [say(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'), malformed(/type/)],
    'answers an image': [say(() => counted('\x89PNG', 'image/png')), malformed(/image\/png/)],
    'answers zipped': [say(() => head(json, 'Content-Encoding: gzip\r\nContent-Length: 4\r\n') + '\x1f\x8b\x08\x00'), malformed(/Content-Encoding/)],
    'answers no JSON': [say(() => counted('Internal error: out of cheese')), malformed(/not JSON/)],
    'answers broken JSON': [say((asked) => counted(half(asked))), malformed(/./)],
    'answers JSON that is no JSON-RPC': [say(() => counted('{"ok":true}')), malformed(/./)],
    'answers a number': [say(() => counted('42')), malformed(/./)],
    'answers an empty body': [say(() => counted('')), malformed(/./)],
    'takes a request as a notification': [say(() => 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n'), malformed(/202/)],
    'says 204 to a request': [say(() => 'HTTP/1.1 204 No Content\r\n\r\n'), malformed(/204/)],
    'streams no JSON': [say(() => streamed(event('Internal error')) + '0\r\n\r\n'), closed(/without the answer/, 200)],
    'streams JSON that is no JSON-RPC': [say(() => streamed(event('{"ok":true}')) + '0\r\n\r\n'), closed(/without the answer/, 200)],

    // ids
    'answers twice': [say((asked) => counted(result(asked.id)) + counted(result(asked.id))), fine],
    'streams the answer twice': [say((asked) => streamed(event(result(asked.id)) + event(`{"jsonrpc":"2.0","id":${asked.id},"error":{"code":-32000,"message":"no"}}`)) + '0\r\n\r\n'), fine], // prettier-ignore
    "answers another's id": [say(() => counted(result('"of-another"'))), malformed(/another id/)],
    "streams the answer to another's id": [say(() => streamed(event(result('"of-another"'))) + '0\r\n\r\n'), closed(/without the answer/, 200)],
    'answers with the id null': [say(() => counted('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}')), { status: 200, outcome: 'error' }],

    // never
    'never answers': [() => {}, late()],
    'never ends its head': [say(() => 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'), late()],
    'never begins its body': [say(() => head(json, unheard)), late()],
    'never ends its body': [say((asked) => head(json, unheard) + half(asked)), late()],
    'never ends its large body': [say((asked) => head(json, unheard) + half(asked) + huge), { ...brokenOff, outcome: 'timed_out' }],
    'never says an event': [say(() => streamed()), late(200)],
    'never ends an event': [say(() => streamed('data: {"jsonrpc"')), { ...brokenOff, outcome: 'timed_out' }],
    'says comments only': [async (socket) => { socket.write(streamed()); while (!socket.destroyed) await drip(socket, '', 0), socket.write(chunk(': on it\n\n')), await new Promise((go) => setTimeout(go, 100)); }, late(200)], // prettier-ignore

    // slow
    'drips its head': [(socket) => drip(socket, head(json, unheard), 300), late()],
    'drips its body': [(socket, asked) => { socket.write(head(json, unheard)); return drip(socket, half(asked).padEnd(1000), 300); }, late()],
    'drips its large body': [(socket, asked) => { socket.write(head(json, unheard) + half(asked) + huge); return drip(socket, 'x'.repeat(1000), 300); }, { ...brokenOff, outcome: 'timed_out' }], // prettier-ignore
    'drips an event': [async (socket) => { socket.write(streamed()); for (const byte of event('x'.repeat(1000))) { if (socket.destroyed) return; socket.write(chunk(byte)); await new Promise((go) => setTimeout(go, 300)); } }, { ...brokenOff, outcome: 'timed_out' }], // prettier-ignore
    'asks without end': [(socket) => { socket.write(streamed()); let n = 0; const asking = setInterval(() => socket.destroyed ? clearInterval(asking) : socket.write(chunk(event(`{"jsonrpc":"2.0","id":"q${++n}","method":"ping"}`))), 50); }, late(200)], // prettier-ignore
};

async function houseWith(t: import('node:test').TestContext, servers: Record<string, unknown>, env: Record<string, string> = {}): Promise<House> {
    const all = Object.fromEntries(Object.entries({ ...(await healthy(t)), ...servers }).map(([name, entry]) => [name, { timeout: TIMEOUT_MS, ...(entry as object) }]));
    return await house(t, all, env);
}

async function check(gatehouse: House, what: string, name: string, said: Said, expected: Expected): Promise<string[]> {
    const wrong: string[] = [];
    const expect = (good: boolean, words: string) => good || wrong.push(`${what}: ${words}`);
    const row = await logged(gatehouse, said.id).catch(() => undefined);
    const got = `${said.status} ${said.type} ${said.cut ? 'cut ' : ''}${said.text.slice(0, 300)}`;

    expect(said.ms < TIMEOUT_MS + SLACK_MS, `took ${Math.round(said.ms)} ms`);
    const isLastEvent = expected.mayStream === true && said.status === 200 && said.type.startsWith('text/event-stream');
    expect(said.status === expected.status || isLastEvent, `expected status ${expected.status}, got ${got}`);
    expect(expected.cut === 'perhaps' || said.cut === (expected.cut ?? false), `expected it ${expected.cut ? 'cut' : 'whole'}, got ${got}`);
    if (expected.reason !== undefined) {
        expect(said.error?.code === -32603, `expected an error of ours, got ${got}`);
        expect(said.error?.data?.reason === expected.reason, `expected the reason ${expected.reason}, got ${got}`);
        expect(expected.words!.test(said.error?.message ?? ''), `expected ${expected.words}, got ${got}`);
        expect(said.error?.message?.startsWith(`${name} `) ?? false, `the words do not begin with the server's name: ${got}`);
    }
    expect(row?.outcome === expected.outcome, `expected the outcome ${expected.outcome} in the log, got ${JSON.stringify(row)}`);
    if (expected.outcome !== 'ok' && expected.outcome !== 'error') expect(row?.error_code === -32603, `no code in the log: ${JSON.stringify(row)}`);
    return wrong;
}

test('an HTTP server that breaks the rules is said so, in time, and harms nobody', { timeout: 120000 }, async (t) => {
    const cases = Object.entries(http).map(([what, [saying, expected]], i) => ({ what, saying, expected, name: `bad${i}` }));
    const servers: Record<string, unknown> = { gone: { url: 'http://127.0.0.1:1/mcp' } };
    for (const { name, saying } of cases) servers[name] = { url: (await hostile(t, saying)).url };
    const gatehouse = await houseWith(t, servers);
    const quiet = watchHealthy(t, gatehouse);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const alone = await quiet.stop();
    const before = descriptors(gatehouse.pid);

    const watch = watchHealthy(t, gatehouse);
    const answers = await Promise.all(cases.map(({ name }) => ask(gatehouse.url(name), 'tools/call', {}, { name: 'x', arguments: {} })));
    const beside = await watch.stop();
    const wrong = (await Promise.all(cases.map(({ what, name, expected }, i) => check(gatehouse, what, name, answers[i]!, expected)))).flat();
    const down = await ask(gatehouse.url('gone'), 'tools/call', {});
    wrong.push(...(await check(gatehouse, 'is down', 'gone', down, { status: 502, reason: 'unreachable', words: /refused/, outcome: 'unreachable' })));

    t.diagnostic(`alone: ${p99s(alone.times)}`);
    t.diagnostic(`beside: ${p99s(beside.times)}`);
    equal(wrong.join('\n'), '');
    equal(beside.wrong.join('\n'), '');
    for (const all of Object.values(beside.times)) ok(quantile(all, 0.99) < P99_MS, p99s(beside.times));
    const said = await status(gatehouse);
    for (const { what, name, expected } of cases) {
        const server = said.servers.find((each) => each.name === name)!;
        equal(server.errors, expected.outcome === 'ok' ? 0 : 1, `errors of the one that ${what}`);
        equal(server.calls, 1);
    }
    await nothingLeft(gatehouse, before + 8);
});

const child = (how: string, mib = 0) => ({ command: process.execPath, args: [`${import.meta.dirname}/child.mjs`, how, String(mib)] });
const cut = (words: RegExp): Expected => ({ status: 502, reason: 'closed', words, outcome: 'cut' });

// A call of a session becomes a stream before long: the error is then its last event.
const stdio: Record<string, Expected> = {
    exits: cut(/exited with status 3/),
    'is killed': cut(/SIGKILL|killed/i),
    'exits in its answer': cut(/./),
    'closes its stdout': late(),
    'closes its stdin': late(),
    'stops reading': late(),
    'never answers': late(),
    'says garbage': late(),
    'says JSON that is no JSON-RPC': late(),
    'answers twice': fine,
    "answers another's id": late(),
    'answers with an id never asked': late(),
    'answers what was asked before': late(),
    'asks without end': late(200),
    'drips its answer': late(),
    'talks without end on stderr': late(),
    'talks without end on stdout': late(),
};

test('a stdio server that breaks the rules is said so, in time, and harms nobody', { timeout: 120000 }, async (t) => {
    const cases = Object.entries(stdio).map(([what, expected], i) => ({ what, expected: { ...expected, mayStream: true }, name: `bad${i}` }));
    const gatehouse = await houseWith(t, Object.fromEntries(cases.map(({ what, name }) => [name, child(what)])));
    const before = descriptors(gatehouse.pid);
    const sessions: Record<string, string>[] = [];
    for (const { name } of cases) sessions.push(await open(gatehouse.url(name)));

    const watch = watchHealthy(t, gatehouse);
    const answers = await Promise.all(cases.map(({ name }, i) => ask(gatehouse.url(name), 'tools/call', sessions[i]!, { name: 'x', arguments: {} })));
    const beside = await watch.stop();
    const wrong = (await Promise.all(cases.map(({ what, name, expected }, i) => check(gatehouse, what, name, answers[i]!, expected)))).flat();

    t.diagnostic(`beside: ${p99s(beside.times)}`);
    equal(wrong.join('\n'), '');
    equal(beside.wrong.join('\n'), '');
    for (const all of Object.values(beside.times)) ok(quantile(all, 0.99) < P99_MS, p99s(beside.times));
    gatehouse.register({});
    await nothingLeft(gatehouse, before + 8);
});

// Large answers: 200 MB of each kind in long runs, a tenth of it else. What all messages on their way may hold together is
// lowered, so that it counts.
const SENT = (isLong ? 200 : 24) * MIB;
const MESSAGE_MAX = (isLong ? 64 : 8) * MIB;
const MEMORY_MAX = (isLong ? 128 : 32) * MIB;
// Beside it: the log's queue (16 MiB), what zstd and SQLite take, memory that malloc keeps.
const OTHER = 48 * MIB;

const begin = '{"jsonrpc":"2.0","result":"';
const note = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}';
const large: Record<string, [Saying | (ReturnType<typeof child> & { timeout?: number }), Expected]> = {
    'with a length': [begunThen(head(json, `Content-Length: ${SENT}\r\n`) + begin, big, SENT), tooLarge(/message.max/)],
    'in chunks': [begunThen(head(json, chunks) + chunk(begin), chunk(big.toString()), SENT), brokenOff],
    'until it closes': [begunThen(head(json) + begin, big, SENT), brokenOff],
    'in one event': [begunThen(streamed(`data: ${begin}`), chunk(big.toString()), SENT), brokenOff],
    'in small events': [begunThen(streamed(), chunk(event(note).repeat(700)), SENT), late(200)],
    'in comments': [begunThen(streamed(), chunk(': x\n'.repeat(16000)), SENT), { status: 200, outcome: 'timed_out', cut: 'perhaps' }], // an error event cannot stand within a comment
    'in spaces': [begunThen(head(json, chunks), chunk(' '.repeat(65536)), SENT), { ...brokenOff }],
    'in one line of a child': [{ ...child('sends a large line', SENT / MIB), timeout: 20000 }, { ...tooLarge(/a line of \d+ bytes/), mayStream: true }],
    'in one answer of a child': [{ ...child('sends a large answer', SENT / MIB), timeout: 20000 }, { ...tooLarge(/a line of \d+ bytes/), mayStream: true }],
    'in small lines of a child': [child('sends small lines', SENT / MIB), { status: 200, outcome: 'timed_out', cut: 'perhaps' }], // who reads slower than a shared child talks loses its stream
};

const limits = { GATEHOUSE_MEMORY_MAX: `${MEMORY_MAX}B`, GATEHOUSE_MESSAGE_MAX: `${MESSAGE_MAX}B` };

test('200 MB of any kind stay within memory.max', { timeout: 300000 }, async (t) => {
    const cases = Object.entries(large).map(([what, [how, expected]], i) => ({ what, how, expected, name: `bad${i}` }));
    const servers: Record<string, unknown> = {};
    for (const { name, how } of cases) servers[name] = typeof how === 'function' ? { url: (await hostile(t, how)).url } : how;
    const gatehouse = await houseWith(t, servers, limits);
    const watch = watchHealthy(t, gatehouse);
    const sessions = new Map<string, Record<string, string>>();
    for (const { name, how } of cases) sessions.set(name, typeof how === 'function' ? {} : await open(gatehouse.url(name)));
    const before = descriptors(gatehouse.pid);
    const rest = resident(gatehouse.pid);
    const wrong: string[] = [];

    for (const { name, what, expected } of cases) {
        forgetPeak(gatehouse.pid);
        const said = await ask(gatehouse.url(name), 'tools/call', sessions.get(name)!, { name: 'x', arguments: {} });
        const most = peak(gatehouse.pid) - rest;
        t.diagnostic(`${what}: ${Math.round(said.ms)} ms, ${Math.round(said.bytes / MIB)} MiB told; ${Math.round(most / MIB)} MiB more at most`);
        if (most > MEMORY_MAX + OTHER) wrong.push(`${what}: ${Math.round(most / MIB)} MiB`);
        wrong.push(...(await check(gatehouse, what, name, { ...said, ms: said.ms - (isLong ? 40000 : 5000) }, expected)));
    }
    const beside = await watch.stop();
    t.diagnostic(`beside: ${p99s(beside.times)}; resident ${Math.round(rest / MIB)} MiB before, ${Math.round(resident(gatehouse.pid) / MIB)} after`);
    equal(wrong.join('\n'), '');
    equal(beside.wrong.join('\n'), '');
    for (const all of Object.values(beside.times)) ok(quantile(all, 0.99) < P99_MS, p99s(beside.times));
    gatehouse.register({});
    await nothingLeft(gatehouse, before);
});

test('many large answers at once are refused before memory.max is passed', { timeout: 300000 }, async (t) => {
    const text = (asked: Asked) => result(asked.id, `"${'x'.repeat(MESSAGE_MAX - 1000)}"`);
    const stops = (socket: Socket, what: string) => socket.write(what); // all but the end: each is held until its time-out
    const gatehouse = await houseWith(
        t,
        {
            events: { url: (await hostile(t, (socket, asked) => stops(socket, streamed() + `${(MESSAGE_MAX + 100).toString(16)}\r\n` + event(text(asked)).slice(0, -2)))).url, timeout: 6000 },
            openings: { url: (await hostile(t, (socket, asked) => stops(socket, head(json, `Content-Length: ${MESSAGE_MAX}\r\n`) + text(asked)))).url, timeout: 6000 },
        },
        limits,
    );
    const watch = watchHealthy(t, gatehouse);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const before = descriptors(gatehouse.pid);
    const rest = resident(gatehouse.pid);
    forgetPeak(gatehouse.pid);
    const all = await Promise.all(
        Array.from({ length: 16 }, (_, i) => ask(gatehouse.url(i % 2 === 0 ? 'events' : 'openings'), i % 2 === 0 ? 'tools/call' : 'initialize', {}, { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } })),
    );
    const most = peak(gatehouse.pid) - rest;
    const beside = await watch.stop();
    t.diagnostic(`${Math.round(most / MIB)} MiB more at most, of ${16 * MESSAGE_MAX / MIB} sent; ${p99s(beside.times)}`);
    ok(most < MEMORY_MAX + OTHER, `${Math.round(most / MIB)} MiB`);
    const rows = await Promise.all(all.map(({ id }) => logged(gatehouse, id)));
    ok(rows.some(({ outcome }) => outcome === 'refused'), JSON.stringify(rows.map(({ outcome }) => outcome)));
    for (const row of rows) ok(row.outcome === 'refused' || row.outcome === 'timed_out', JSON.stringify(row));
    equal(beside.wrong.join('\n'), '');
    for (const each of Object.values(beside.times)) ok(quantile(each, 0.99) < P99_MS, p99s(beside.times));
    await nothingLeft(gatehouse, before);
});
