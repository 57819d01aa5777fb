// A server whose messages are large: they pass whole, the log has them whole, and the loop serves others meanwhile.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { house, open } from '../e2e/harness.ts';
import type { House } from '../e2e/harness.ts';
import { chunk, descriptors, hostile, log, MIB, nothingLeft, pour, streamed } from './peers.ts';

// CPU of the loop's thread in one turn. Seen: 3; before large messages were walked as they come and kept uncopied: 90 to 250.
const TURN_MS = 25;

type Large = { piece: string; count: number; first: boolean };
const TEXTS: Record<string, string> = { letters: 'x'.repeat(60), greek: 'αβγ'.repeat(10), escapes: 'a \\"line\\" of it\\n'.repeat(3) };
const message = (id: string, { piece, count, first }: Large) =>
    first ? [`{"jsonrpc":"2.0","id":${id},"result":{"text":"`, piece.repeat(count), '"}}'] : ['{"result":{"text":"', piece.repeat(count), `"},"jsonrpc":"2.0","id":${id}}`];
const large = (text: string, bytes: number, first: boolean): Large => ({ piece: TEXTS[text]!, count: Math.ceil(bytes / Buffer.byteLength(TEXTS[text]!) / 1000) * 1000, first });

/** An HTTP server that answers with one event, cut anywhere, and a child that answers with one line. */
async function both(t: TestContext) {
    let asked: Large;
    const events = await hostile(t, async (socket, { id }) => {
        const [begin, , end] = message(id, { ...asked, count: 0 });
        const piece = chunk(asked.piece.repeat(1000));
        socket.write(streamed(`event: message\ndata: ${begin}`));
        await pour(socket, piece, (piece.length * asked.count) / 1000);
        socket.write(chunk(`${end}\n\n`) + '0\r\n\r\n');
    });
    return {
        servers: { events: { url: events.url }, child: { command: process.execPath, args: [join(import.meta.dirname, 'child.mjs'), 'sends what it is asked'] } },
        expect: (what: Large) => (asked = what),
    };
}

const digest = (...parts: (string | Buffer)[]) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

/** The digest of the message that came, whatever it came in. */
async function call(url: string, headers: Record<string, string>, id: string, what: Large): Promise<string> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(id), method: 'tools/call', params: { name: 'x', arguments: what } });
    return await new Promise((resolve, reject) => {
        const going = request(url, { method: 'POST', agent: false, headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers } }, (response) => {
            const pieces: Buffer[] = [];
            response.on('data', (bytes) => pieces.push(bytes));
            response.on('error', reject);
            response.on('end', () => {
                const all = Buffer.concat(pieces);
                const from = all.indexOf('{');
                resolve(digest(all.subarray(from, all.lastIndexOf('}') + 1)));
            });
        });
        going.on('error', reject);
        going.end(body);
    });
}

/** In both ways, for each of `cases`; ids shorter and longer than a child's number. */
async function play(gatehouse: House, expect: (what: Large) => void, session: Record<string, string>, cases: Large[]): Promise<Record<string, string>> {
    const sent: Record<string, string> = {};
    for (const [i, what] of cases.entries())
        for (const server of ['events', 'child']) {
            const id = i % 2 === 0 ? JSON.stringify(`${server}-${i}-${'long'.repeat(20)}`) : String(Object.keys(sent).length + 1);
            expect(what);
            const wanted = digest(...message(id, what));
            equal(await call(gatehouse.url(server), server === 'child' ? session : {}, id, what), wanted, `${server}, ${id}`);
            sent[id.replaceAll('"', '')] = wanted;
        }
    return sent;
}

test('large messages pass whole, and the log has them whole', { timeout: 120000 }, async (t) => {
    const { servers, expect } = await both(t);
    const gatehouse = await house(t, servers);
    const session = await open(gatehouse.url('child'));
    await gatehouse.settled();
    const small = large('letters', 1000, true);
    expect(small);
    await call(gatehouse.url('events'), {}, '"first"', small);
    const before = descriptors(gatehouse.pid); // with the connections that are kept
    const sizes = [200000, 270000, 1 * MIB, 5 * MIB];
    const sent = await play(gatehouse, expect, session, sizes.flatMap((size) => Object.keys(TEXTS).flatMap((text) => [large(text, size, true), large(text, size, false)])));

    await nothingLeft(gatehouse, before);
    const rows = (await log(gatehouse, '--messages', '--method', 'tools/call')).filter(({ jsonrpc_id }) => jsonrpc_id in sent);
    equal(rows.length, Object.keys(sent).length);
    deepEqual(Object.fromEntries(rows.map(({ jsonrpc_id, messages }) => [jsonrpc_id, digest(messages!.at(-1)!.text)])), sent);
    for (const row of rows) equal(row.outcome, 'ok');
});

test('a message of 60 MiB does not hold the loop', { timeout: 120000 }, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-turn-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const library = join(directory, 'turn.so');
    execFileSync('cc', ['-std=gnu17', '-D_GNU_SOURCE', '-O2', '-fPIC', '-shared', '-Wall', '-Wextra', '-Werror', '-o', library, join(import.meta.dirname, 'turn.c'), '-ldl']);
    const { servers, expect } = await both(t);
    const gatehouse = await house(t, servers, { LD_PRELOAD: library });
    const session = await open(gatehouse.url('child'));
    const started = gatehouse.said.length;
    await play(gatehouse, expect, session, ['letters', 'greek'].map((text) => large(text, 60 * MIB, text === 'greek')));
    ok(gatehouse.said.includes('turns are watched'), gatehouse.said);
    const turns = [...gatehouse.said.slice(started).matchAll(/^turn: ([\d.]+) ms$/gm)].map(([, ms]) => Number(ms));

    t.diagnostic(`the longest turns: ${turns.sort((a, b) => b - a).slice(0, 5).join(', ') || 'under 4'} ms`);
    ok(turns.every((ms) => ms < TURN_MS), `a turn of ${Math.max(...turns)} ms`);
});
