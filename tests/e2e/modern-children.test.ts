// A child of 2026-07-28 under pressure: one process for all clients, and no answer goes to another.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants, house, isLong, post, script, until } from './harness.ts';
import type { House } from './harness.ts';

/** It answers out of order, never answers `hang`, ends at `die`, and says at `seen` what it was told to give up. */
const child = script(`
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    let waiting = 0, cancelled = 0;
    const content = (text) => ({ resultType: 'complete', content: [{ type: 'text', text }] });
    const tools = {
        echo: ({ id, params }) => setTimeout(() => say({ id, result: content(params.arguments.text) }), Math.random() * 5),
        hang: () => { waiting++; },
        die: () => process.exit(3),
        seen: ({ id }) => say({ id, result: content(waiting + ' ' + cancelled) }),
    };
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const message = JSON.parse(line);
        if (message.method === 'server/discover') say({ id: message.id, result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } });
        if (message.method === 'notifications/cancelled') { waiting--; cancelled++; }
        if (message.method === 'tools/call') tools[message.params.name](message);
    });
`);

const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };

function call(gatehouse: House, name: string, text = '', signal?: AbortSignal) {
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name };
    return post(gatehouse.url('child'), 'tools/call', { name, arguments: { text }, _meta }, headers, signal);
}

const textOf = (answer: Awaited<ReturnType<typeof post>>) => (answer.message.result?.['content'] as { text: string }[] | undefined)?.[0]?.text;

test('thousands of calls of many clients, some of which leave, on one modern child', { timeout: 300000 }, async (t) => {
    const gatehouse = await house(t, { child });
    const callers = 20, calls = isLong ? 5000 : 500; // prettier-ignore
    const wrong: unknown[] = [];
    let left = 0;

    await Promise.all(
        Array.from({ length: callers }, async (_, caller) => {
            for (let at = 0; at < calls; at++) {
                const text = `${caller}.${at}`;
                if (at % 50 === 49) {
                    const leaving = new AbortController();
                    const hanging = call(gatehouse, 'hang', text, leaving.signal).catch(() => left++);
                    await sleep(20);
                    leaving.abort();
                    await hanging;
                    continue;
                }
                const answer = await call(gatehouse, 'echo', text);
                if (answer.status !== 200 || answer.message.id !== answer.id || textOf(answer) !== text) wrong.push([text, answer.status, answer.text]);
            }
        }),
    );
    deepEqual(wrong, []);
    equal(left, (callers * calls) / 50);
    /* what left before it was told to the child, the child never heard of */
    const [waiting, cancelled] = await until('every cancellation', 20000, async () => {
        const seen = textOf(await call(gatehouse, 'seen'))!.split(' ').map(Number);
        return seen[0] === 0 && seen;
    });
    equal(waiting, 0);
    ok(cancelled! > 0 && cancelled! <= left);
    equal(descendants(gatehouse.pid).filter((each) => each.command.includes('readline')).length >= 1, true);

    const { stdout } = await gatehouse.command('list', '--json');
    match(stdout, /"child"/);
});

test('a modern child that dies in the middle ends each call once, and the next one starts another', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, { child });
    const hanging = Array.from({ length: 50 }, () => call(gatehouse, 'hang'));

    await until('all of them at the child', 20000, async () => textOf(await call(gatehouse, 'seen')) === '50 0');
    const dying = await call(gatehouse, 'die');
    for (const { status, message } of [dying, ...(await Promise.all(hanging))]) {
        equal(status, 502);
        equal(message.error?.code, -32603);
        match(message.error!.message, /exited with status 3/);
    }
    equal(textOf(await call(gatehouse, 'echo', 'again')), 'again');
});
