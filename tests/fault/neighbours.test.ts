// A server that misbehaves is a trouble to its own callers only.
// Alone: it compares times with and without the others.

import { equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { echoHttp, echoStdio, house, load, open, post, script, upstream } from '../e2e/harness.ts';
import type { House } from '../e2e/harness.ts';

const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'hand', version: '1' } };
const TIMEOUT_MS = 1000;

// Garbage without end would measure the machine: this is 64 KiB in a hundredth of a second, some of it no UTF-8.
const garbage = script(`setInterval(() => process.stdout.write(Buffer.alloc(65536, '\\xff{"jsonrpc":\\n\\0', 'latin1')), 10)`);
const crash = script(`console.error('out of luck'); process.exit(3)`);
const mute = script('process.stdin.resume()');
const floods = script(`setInterval(() => process.stderr.write('x'.repeat(1000) + '\\n'), 5)`);

async function p50s(gatehouse: House): Promise<Record<string, number>> {
    const said: Record<string, number> = {};
    for (const name of ['http', 'child']) {
        const { code, errors, p50_us, stderr } = await load(gatehouse.url(name), '--connections', '4', '--seconds', '1.5');
        equal(code, 0, stderr);
        equal(errors, 0);
        said[name] = p50_us;
    }
    return said;
}

test('a good server is as fast beside bad ones that are called all the time', { timeout: 60000 }, async (t) => {
    const silent = await upstream(t, () => {});
    const good = { http: { url: await echoHttp(t, '--sessions') }, child: echoStdio };
    const bad = { silent: { url: silent }, gone: { url: 'http://127.0.0.1:1/mcp' }, garbage, crash, mute, floods };
    const slow = Object.fromEntries(Object.entries(bad).map(([name, entry]) => [name, { ...entry, timeout: TIMEOUT_MS }]));
    const gatehouse = await house(t, { ...good, ...slow });
    const alone = await p50s(gatehouse);

    const stop = new AbortController();
    const pestering = Object.keys(bad).map(async (name) => {
        while (!stop.signal.aborted) {
            const { status } = await post(gatehouse.url(name), 'initialize', hello, {}, stop.signal).catch(() => ({ status: 0 }));
            ok(status === 0 || status >= 500, `${name} answered ${status}`);
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    });
    const beside = await p50s(gatehouse);
    stop.abort();
    await Promise.all(pestering);

    // They cost processor time, which the machine may not have to spare: a wait of any kind would be far longer.
    for (const name of Object.keys(good)) ok(beside[name]! < alone[name]! * 5 + 5000, `${name}: p50 ${alone[name]} us alone, ${beside[name]} us beside`);
});

test('a server that is silent, gone or crashed is said in time', { timeout: 60000 }, async (t) => {
    const silent = await upstream(t, () => {});
    const gatehouse = await house(t, {
        silent: { url: silent, timeout: TIMEOUT_MS },
        gone: { url: 'http://127.0.0.1:1/mcp' },
        crash,
        missing: { command: '/no/such/program' },
    });
    const expected = { silent: 504, gone: 502, crash: 502, missing: 502 };

    for (const [name, status] of Object.entries(expected)) {
        const began = performance.now();
        const got = await post(gatehouse.url(name), 'initialize', hello);
        equal(got.status, status, `${name}: ${got.text}`);
        equal(got.message.id, got.id);
        equal(got.message.error?.code, -32603);
        match(got.message.error!.message, new RegExp(name));
        ok(performance.now() - began < TIMEOUT_MS + 1500, `${name} took ${Math.round(performance.now() - began)} ms`);
    }
});

test('a child that stops answering times out its call, and the next one goes on', { timeout: 30000 }, async (t) => {
    const text = `
        const answer = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
        require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
            const { id, method, params } = JSON.parse(line);
            if (method === 'initialize') answer(id, { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'moody', version: '1' } });
            else if (method === 'ping') answer(id, {});
        });`;
    const gatehouse = await house(t, { moody: { ...script(text), timeout: TIMEOUT_MS } });
    const session = await open(gatehouse.url('moody'));
    const call = post(gatehouse.url('moody'), 'tools/call', { name: 'x', arguments: {} }, session);
    const began = performance.now();

    equal((await post(gatehouse.url('moody'), 'ping', {}, session)).status, 200);
    ok(performance.now() - began < 500);
    const late = await call;
    equal(late.status, 504);
    equal(late.message.error?.code, -32603);
    equal((await post(gatehouse.url('moody'), 'ping', {}, session)).status, 200);
});
