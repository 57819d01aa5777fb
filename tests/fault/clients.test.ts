// Clients that do not read, dawdle, crowd or leave: they hold no more than their share, others notice nothing, and what
// they held is given back.
// Alone: its neighbours are served in a quarter of a second.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLong, open, script, until } from '../e2e/harness.ts';
import { ask, chunk, counted, crowdOf, descriptors, event, forgetPeak, head, healthy, hostile, log, MIB, nothingLeft, p99s, peak, pour, quantile, resident, result, status, streamed, watchHealthy } from './peers.ts'; // prettier-ignore
import { house } from '../e2e/harness.ts';
import type { House } from '../e2e/harness.ts';
import type { Row } from './peers.ts';

const P99_MS = 250;
// Beside memory.max: what SQLite and zstd keep from the first write on, the store's blocks at hand, emptied records that are kept for the next,
// and bodies, queues and lines up to 64 KiB each (docs/architecture.md, Memory).
const BESIDE = 24 * MIB;

const housed: typeof house = async (...args) => {
    const gatehouse = await house(...args);
    port = gatehouse.port;
    return gatehouse;
};

/** A connection with whatever is said on it; `paused`: it is never read. */
async function speak(gatehouse: House, text = '', paused = false): Promise<Socket> {
    const socket = connect({ port: gatehouse.port, host: '127.0.0.1' });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve).once('error', resolve));
    if (paused) socket.pause();
    else socket.resume();
    socket.write(text);
    return socket;
}

const call = (id: string) => JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo', arguments: { text: 'x' } } });
let port = 0; // of the Gatehouse of the test that runs
const request = (name: string, body: string, headers: Record<string, string> = {}, verb = 'POST') =>
    `${verb} /s/${name}/mcp HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n` +
    Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`).join('') + `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`; // prettier-ignore

test('a client that reads nothing costs its share and no more', { timeout: 120000 }, async (t) => {
    const body = (id: string) => result(id, `{"text":"${'x'.repeat(30 * MIB)}"}`);
    const talks = (await hostile(t, (socket) => { socket.write(streamed()); return pour(socket, chunk(event('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}').repeat(100)), Number.MAX_SAFE_INTEGER); })).url; // prettier-ignore
    const largeJson = (await hostile(t, (socket, asked) => socket.write(counted(body(asked.id))))).url;
    const largeEvent = (await hostile(t, (socket, asked) => socket.write(head('text/event-stream', 'Connection: close\r\n') + event(body(asked.id)), () => socket.end()))).url;
    const child = (what: string) => script(`
        const say = (text) => process.stdout.write(text + '\\n');
        require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
            const { id, method } = JSON.parse(line);
            if (method === 'initialize') say(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'x', version: '1' } } }));
            else if (id !== undefined) { ${what} }
        });`);
    const entry = { timeout: 4000 };
    const gatehouse = await housed(
        t,
        {
            ...(await healthy(t)),
            talks: { url: talks, ...entry },
            json: { url: largeJson, ...entry },
            event: { url: largeEvent, ...entry },
            childtalks: { ...child(`setInterval(() => say(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(60000) } })), 2)`), ...entry },
            childlarge: { ...child(`say(JSON.stringify({ jsonrpc: '2.0', id, result: { text: 'x'.repeat(${30 * MIB}) } }))`), ...entry },
        },
        { GATEHOUSE_MEMORY_MAX: '128MiB' },
    );
    const sessions = { childtalks: await open(gatehouse.url('childtalks')), childlarge: await open(gatehouse.url('childlarge')) };
    const good = await open(gatehouse.url('goodhttp'));
    await sleep(300);
    await gatehouse.settled();
    const before = descriptors(gatehouse.pid);
    const rest = resident(gatehouse.pid);
    forgetPeak(gatehouse.pid);
    const watch = watchHealthy(t, gatehouse);
    const sockets: Socket[] = [];

    for (const name of ['talks', 'json', 'event', 'childtalks', 'childlarge'])
        for (let i = 0; i < 4; i++) sockets.push(await speak(gatehouse, request(name, call(`${name}-${i}`), sessions[name as keyof typeof sessions] ?? {}), true));
    for (const name of ['childtalks', 'talks']) sockets.push(await speak(gatehouse, request(name, '', { ...(sessions[name as keyof typeof sessions] ?? {}) }, 'GET'), true));
    for (let i = 0; i < 4; i++) {
        const pipelining = await speak(gatehouse, '', true); // asks and asks, and reads nothing
        for (let n = 0; n < 3000; n++) pipelining.write(request('goodhttp', call(`pipe-${i}-${n}`), good));
        sockets.push(pipelining);
    }
    await sleep(6000);
    const beside = await watch.stop();
    t.diagnostic(`resident ${Math.round(rest / MIB)} MiB before, peak ${Math.round(peak(gatehouse.pid) / MIB)}; ${p99s(beside.times)}`);
    equal(beside.wrong.join('\n'), '');
    ok(peak(gatehouse.pid) < rest + 128 * MIB + BESIDE, `${Math.round(peak(gatehouse.pid) / MIB)} MiB`);
    for (const all of Object.values(beside.times)) ok(quantile(all, 0.99) < P99_MS, p99s(beside.times));
    const rows = await log(gatehouse);
    for (const name of ['talks', 'json', 'event', 'childtalks', 'childlarge'])
        for (let i = 0; i < 4; i++) ok(rows.some((row) => row.jsonrpc_id === `${name}-${i}`), `${name}-${i} is not in the log`);
    for (const row of rows) if (/^(talks|json|event)-/.test(row.jsonrpc_id ?? '')) deepEqual([row.jsonrpc_id, row.outcome], [row.jsonrpc_id, 'cancelled'], 'it was the client');
    const told = await gatehouse.command('logs', '--json', '--messages', '--method', 'tools/call', '--server', 'json', '--limit', '1');
    match(told.stdout, /json was not read by its client: what came has waited for 4000 ms/);
    t.diagnostic(JSON.stringify(Object.fromEntries(rows.filter((row) => /-0$/.test(row.jsonrpc_id ?? '')).map((row) => [row.jsonrpc_id, `${row.outcome} ${row.http_status} ${row.error_code}`]))));
    for (const socket of sockets) socket.destroy();
    gatehouse.register({});
    await nothingLeft(gatehouse, before);
});

type Shown = { messages: { from: string; text?: string; omittedBytes?: number; isCut?: boolean }[] };

test('twenty answers of 30 MiB at once, to clients that read none, stay within memory.max', { timeout: 120000 }, async (t) => {
    const large = script(`
        const say = (text) => process.stdout.write(text + '\\n');
        require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
            const { id, method } = JSON.parse(line);
            if (method === 'initialize') say(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'x', version: '1' } } }));
            else if (id !== undefined) process.stdout.write('{"jsonrpc":"2.0","id":' + id + ',"result":{"text":"' + 'x'.repeat(${30 * MIB}) + '"}}\\n');
        });`);
    const names = ['a', 'b', 'c', 'd'];
    const gatehouse = await housed(t, { ...(await healthy(t)), ...Object.fromEntries(names.map((name) => [name, { ...large, timeout: 15000 }])) }, { GATEHOUSE_MEMORY_MAX: '128MiB' });
    const sessions = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await open(gatehouse.url(name))])));
    await ask(gatehouse.url('goodhttp'), 'tools/call', await open(gatehouse.url('goodhttp')), { name: 'echo', arguments: { text: 'x' } });
    await sleep(1000);
    await gatehouse.settled();
    const before = descriptors(gatehouse.pid);
    const rest = resident(gatehouse.pid);
    forgetPeak(gatehouse.pid);
    const sockets: Socket[] = [];

    for (let i = 0; i < 5; i++)
        for (const name of names) sockets.push(await speak(gatehouse, request(name, call(`${name}-${i}`), sessions[name]), true));
    const isTwenty = (row: Row) => names.some((name) => row.jsonrpc_id?.startsWith(`${name}-`));
    const rows = await until('all are over', 60000, async () => {
        const those = (await log(gatehouse)).filter(isTwenty);
        return those.length === 20 && those.every((row) => row.outcome !== null) ? those : undefined;
    });
    const said = await status(gatehouse);
    const outcomes = rows.map((row) => row.outcome);
    t.diagnostic(`resident ${Math.round(rest / MIB)} MiB before, peak ${Math.round(peak(gatehouse.pid) / MIB)}, not kept ${Math.round(said.recorded.missingBytes / MIB)} MiB; ${outcomes.join(' ')}`);
    ok(peak(gatehouse.pid) < rest + 128 * MIB + BESIDE, `${Math.round(peak(gatehouse.pid) / MIB)} MiB`);
    equal(said.recorded.lost, 0);
    // What the log has whole it shows whole, 30 MiB: for that the clients must have gone.
    for (const socket of sockets) socket.destroy();
    await until('what they held is free', 10000, async () => (await status(gatehouse)).objects.heldBytes < MIB);
    // What is not in the log whole is marked there. The first message is the request, the second what the child said.
    let kept = 0;
    for (const row of rows) {
        const shown = (await (await fetch(`http://127.0.0.1:${gatehouse.port}/api/logs/${row.id}`, { headers: { authorization: `Bearer ${gatehouse.token}` } })).json()) as Shown;
        const answer = shown.messages.find((message) => message.from === 'server');
        const bytes = answer?.omittedBytes ?? answer?.text?.length ?? 0;
        if (row.outcome === 'ok') ok(answer?.isCut || bytes > 30 * MIB, `${row.jsonrpc_id}: ${bytes} bytes, and no mark`);
        kept += bytes;
    }
    t.diagnostic(`kept ${Math.round(kept / MIB)} MiB`);
    ok(!outcomes.includes('timed_out'), 'whose answer was dropped hears of it at once');
    gatehouse.register({});
    await nothingLeft(gatehouse, before);
});

test('a client that sends a byte a second holds its connection for ten seconds', { timeout: 60000 }, async (t) => {
    const gatehouse = await housed(t, await healthy(t), { GATEHOUSE_HTTP_HEADER_READ: '2s' });
    const text = request('goodhttp', call('slow'));
    const watch = watchHealthy(t, gatehouse);
    await sleep(1000);
    await gatehouse.settled();
    const before = descriptors(gatehouse.pid);
    const began = performance.now();
    const answers = await Promise.all(
        Array.from({ length: 200 }, async () => {
            const socket = await speak(gatehouse);
            let said = '';
            socket.on('data', (bytes) => (said += bytes));
            const closed = new Promise((resolve) => socket.once('close', resolve));
            const dripping = (async () => {
                for (const byte of text) {
                    if (socket.destroyed || !socket.writable) return;
                    socket.write(byte);
                    await sleep(100);
                }
            })();
            await Promise.race([closed, dripping]);
            socket.destroy();
            return said;
        }),
    );
    const beside = await watch.stop();
    for (const said of answers) match(said, /^HTTP\/1\.1 408 /);
    ok(performance.now() - began < 12000, `${performance.now() - began} ms`);
    t.diagnostic(p99s(beside.times));
    equal(beside.wrong.join('\n'), '');
    for (const all of Object.values(beside.times)) ok(quantile(all, 0.99) < P99_MS, p99s(beside.times));
    await nothingLeft(gatehouse, before);
});

test('a client that leaves after any step leaves nothing behind', { timeout: 60000 }, async (t) => {
    const slow = (await hostile(t, (socket, asked) => { socket.write(head('application/json', 'Content-Length: 1000000\r\n') + result(asked.id).slice(0, 20)); })).url; // prettier-ignore
    const midway = (await hostile(t, (socket, asked) => { socket.write(head('application/json', 'Content-Length: 1000000\r\n') + result(asked.id).slice(0, 20) + 'x'.repeat(200000)); })).url; // prettier-ignore
    const events = (await hostile(t, (socket) => { socket.write(streamed(event('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}'))); })).url; // prettier-ignore
    const gatehouse = await housed(t, { ...(await healthy(t)), slow: { url: slow, timeout: 3000 }, midway: { url: midway, timeout: 3000 }, events: { url: events, timeout: 3000 } });
    const child = await open(gatehouse.url('goodchild'));
    const whole = request('slow', call('left'));
    const split = whole.indexOf('\r\n\r\n') + 4;
    const steps: [string, string, boolean][] = [
        ['connected', '', false],
        ['half the head', whole.slice(0, 50), false],
        ['the head', whole.slice(0, split), false],
        ['half the body', whole.slice(0, split + 20), false],
        ['the body', whole, false],
        ['the first byte of an answer', request('midway', call('left')), true],
        ['the first byte of a stream', request('events', call('left')), true],
        ['asked a child', request('goodchild', call('left'), child), false],
        ['a pipeline', request('goodhttp', call('left')).repeat(20) + whole.slice(0, 30), true],
    ];
    const watch = watchHealthy(t, gatehouse);
    await sleep(1000);
    await gatehouse.settled();
    const before = descriptors(gatehouse.pid);
    for (let round = 0; round < (isLong ? 50 : 5); round++)
        for (const way of ['FIN', 'RST'])
            for (const [, text, hears] of steps) {
                const socket = await speak(gatehouse, text);
                if (hears) await new Promise((resolve) => socket.once('data', resolve));
                else if (round > 0) await sleep(round);
                if (way === 'FIN') socket.end();
                else socket.resetAndDestroy();
                if (way === 'FIN') setTimeout(() => socket.destroy(), 50);
            }
    await until('exchanges are over', 15000, async () => (await status(gatehouse)).liveObjects.exchanges <= 2);
    const beside = await watch.stop();
    t.diagnostic(p99s(beside.times));
    equal(beside.wrong.join('\n'), '');
    for (const all of Object.values(beside.times)) ok(quantile(all, 0.99) < P99_MS, p99s(beside.times));
    await nothingLeft(gatehouse, before);
    const rows = async () => (await log(gatehouse)).filter((row) => row.jsonrpc_id === 'left');
    ok((await rows()).length > 0);
    await until('all that were left are over on record', 15000, async () => (await rows()).every((row) => row.outcome !== null));
});

test('10,000 connections leave room for those who speak', { timeout: 180000 }, async (t) => {
    const count = isLong ? 10000 : 1500;
    const limit = isLong ? 4096 : 512;
    const gatehouse = await housed(t, await healthy(t), { GATEHOUSE_HTTP_CONNECTIONS: String(limit), GATEHOUSE_HTTP_HEADER_READ: '3s' });
    const rest = resident(gatehouse.pid);
    const watch = watchHealthy(t, gatehouse);
    const good = await open(gatehouse.url('goodhttp'));
    await sleep(1000);
    await gatehouse.settled();
    const before = descriptors(gatehouse.pid);
    forgetPeak(gatehouse.pid);

    const crowd = await crowdOf(t, gatehouse.port, count, '');
    const late = await ask(gatehouse.url('goodhttp'), 'tools/call', good, { name: 'echo', arguments: { text: 'late' } });
    equal(late.status, 200);
    ok(late.ms < 5000, `${late.ms} ms beside idle connections`);
    ok(descriptors(gatehouse.pid) <= before + limit + 50, `${descriptors(gatehouse.pid)} descriptors`);
    crowd.child.stdin!.end();
    await crowd.ended;

    const rude = await crowdOf(t, gatehouse.port, count, 'POST /s/goodhttp/mcp HTTP/1.1\r\nHost: loc');
    const through = await ask(gatehouse.url('goodhttp'), 'tools/call', good, { name: 'echo', arguments: { text: 'late' } });
    equal(through.status, 200);
    t.diagnostic(`a new client beside idle connections: ${late.ms.toFixed(0)} ms, beside half heads: ${through.ms.toFixed(0)} ms`);
    const beside = await watch.stop();
    t.diagnostic(`${count} connections, resident ${Math.round(rest / MIB)} MiB before, peak ${Math.round(peak(gatehouse.pid) / MIB)} MiB; ${p99s(beside.times)}`);
    equal(beside.wrong.join('\n'), '');
    for (const all of Object.values(beside.times)) ok(quantile(all, 0.99) < P99_MS, p99s(beside.times));
    rude.child.stdin!.end();
    await rude.ended;
    await nothingLeft(gatehouse, before);
});
