// A client that loses its stream comes back with the last event it saw: how much is kept for it, and what it is told
// when that was not enough.

import { equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { house, post, raw, script, until } from './harness.ts';
import type { House } from './harness.ts';

/** `chatty` says how far it is `n` times after a first, then answers; `large` answers with so many bytes. Each when `go` was called. */
const child = script(`
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    let waiting;
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, method, params } = JSON.parse(line);
        if (method === 'initialize')
            return say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'child', version: '1' } } });
        if (method !== 'tools/call') return;
        const { name, arguments: { n }, _meta } = params;
        const progress = (progress) => say({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress } });
        if (name === 'go') {
            waiting();
            return say({ id, result: { content: [] } });
        }
        progress(0);
        waiting = () => {
            if (name === 'chatty') for (let i = 1; i <= n; i++) progress(i);
            const text = name === 'large' ? 'x'.repeat(n) : 'rain';
            say({ id, result: { content: [{ type: 'text', text }] } });
        };
    });
`);

const envelope = { 'content-type': 'application/json', 'accept': 'application/json, text/event-stream' };

async function open(gatehouse: House) {
    const greeting = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'cut', version: '1' } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: greeting });
    const { headers } = await raw(gatehouse.url('child'), 'POST', envelope, body);
    return { 'mcp-session-id': String(headers['mcp-session-id']) };
}

/** Calls, leaves after the first event, lets the child say the rest; resolves to the id of that event. */
async function cutOff(gatehouse: House, session: Record<string, string>, name: string, n: number): Promise<string> {
    const leaving = new AbortController();
    const response = await fetch(gatehouse.url('child'), {
        method: 'POST',
        headers: { ...envelope, ...session },
        body: JSON.stringify({ jsonrpc: '2.0', id: 'lost', method: 'tools/call', params: { name, arguments: { n }, _meta: { progressToken: 1 } } }),
        signal: leaving.signal,
    });
    let text = '';
    for await (const bytes of response.body!) {
        text += Buffer.from(bytes);
        if (text.includes('\n\n')) break;
    }
    leaving.abort();
    const seen = /^id: (\S+)$/m.exec(text)![1]!;
    await until('the hop to go', 20000, async () => (await status(gatehouse)).objects.hops === 0);
    equal((await post(gatehouse.url('child'), 'tools/call', { name: 'go', arguments: {} }, session)).status, 200);
    return seen;
}

async function status(gatehouse: House): Promise<{ objects: Record<string, number> }> {
    const { text } = await raw(`http://127.0.0.1:${gatehouse.port}/api/status`, 'GET', { authorization: `Bearer ${gatehouse.token}` });
    return JSON.parse(text);
}

const comeBack = (gatehouse: House, session: Record<string, string>, seen: string) =>
    raw(gatehouse.url('child'), 'GET', { 'accept': 'text/event-stream', ...session, 'last-event-id': seen });

async function isForgotten(gatehouse: House, session: Record<string, string>) {
    await raw(gatehouse.url('child'), 'DELETE', session);
    const { objects } = await status(gatehouse);
    equal(objects.answerStreams, 0);
    equal(objects.keptEvents, 0);
}

test('of more events than are kept the last are, with the answer, and the gap is said', { timeout: 60000 }, async (t: TestContext) => {
    const gatehouse = await house(t, { child });
    const session = await open(gatehouse);
    const seen = await cutOff(gatehouse, session, 'chatty', 400);

    for (let i = 0; i < 2; i++) {
        const { status, text } = await comeBack(gatehouse, session, seen);
        equal(status, 200);
        match(text, /^: some of what followed is no longer kept\n/m);
        equal(text.match(/^data: /gm)!.length, 256);
        match(text, /"progress":400\b/);
        match(text, /"id":"lost","result".*"rain"/);
    }
    const query = "SELECT outcome FROM exchange WHERE method = 'tools/call' AND target = 'chatty'";
    const row = await until('its row', 20000, () => gatehouse.sql<{ outcome: string }>(query)[0]);
    equal(row.outcome, 'ok');
    await isForgotten(gatehouse, session);
});

test('an answer too large to be kept becomes an error, not silence', { timeout: 60000 }, async (t: TestContext) => {
    const gatehouse = await house(t, { child }, { GATEHOUSE_MEMORY_MAX: '64MiB' });
    const session = await open(gatehouse);
    const small = await cutOff(gatehouse, session, 'large', 5 << 20);
    const whole = await comeBack(gatehouse, session, small);
    ok(whole.text.length > 5 << 20);
    ok(whole.text.includes('"id":"lost","result"'));

    const seen = await cutOff(gatehouse, session, 'large', 30 << 20);
    const { status, text } = await comeBack(gatehouse, session, seen);
    equal(status, 200);
    ok(text.length < 2000);
    match(text, /"id":"lost","error".*no memory for its answer/);
    await isForgotten(gatehouse, session);
});
