// However Gatehouse ends under load: what was answered is on record, and no process of its is left.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { alive, built, descendants, echoHttp, everythingStdio, house, keepCalling, load, marked, open, post, until, upstream } from './harness.ts';
import type { Process } from './harness.ts';

const MARK = 'GATEHOUSE_E2E';

/** A child with a child of its own that has left its session and process group, and ignores what would end it. */
const withGrandchild = (mark: string) => ({
    command: 'sh',
    args: ['-c', `setsid sh -c 'trap "" TERM HUP INT; sleep 300 & wait; sleep 300' & exec ${built('bench/echo_stdio')}`],
    env: { [MARK]: mark },
});

async function underLoad(t: TestContext) {
    const mark = randomUUID();
    const url = await echoHttp(t, '--sessions');
    const everything = { ...everythingStdio, env: { [MARK]: mark } };
    const gatehouse = await house(t, { http: { url }, family: withGrandchild(mark), everything });
    const pressure = load(gatehouse.url('http'), '--connections', '16', '--seconds', '30'); // until its server goes
    const callers = ['http', 'family'].map((name) => keepCalling(gatehouse.url(name), 4));
    const long = { name: 'trigger-long-running-operation', arguments: { duration: 3, steps: 3 } };
    const session = await open(gatehouse.url('everything'));
    const longCall = post(gatehouse.url('everything'), 'tools/call', long, session);

    longCall.catch(() => {});
    await until('the children', 20000, () => marked(MARK, mark).length >= 4);
    await sleep(2500);
    return { mark, gatehouse, pressure, callers, longCall };
}

async function noneLeft(mark: string, those: Process[], limitMs: number): Promise<void> {
    const left = () => [...new Set([...marked(MARK, mark), ...alive(those)].map(({ pid, command }) => `${pid} ${command}`))];

    await until('the end of all processes', limitMs, () => left().length === 0).catch(() => {});
    deepEqual(left(), []);
}

test('after kill -9 under load the database is whole and no process is left', { timeout: 60000 }, async (t) => {
    const { mark, gatehouse, pressure, callers } = await underLoad(t);
    const those = descendants(gatehouse.pid);

    ok(those.length >= 5, those.map(({ command }) => command).join('\n'));
    const killed = performance.now();
    gatehouse.kill('SIGKILL');
    equal(await gatehouse.ended, 'SIGKILL');
    await noneLeft(mark, those, 5000);

    deepEqual(gatehouse.sql('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    const rows = gatehouse.sql<{ jsonrpc_id: string }>(`SELECT jsonrpc_id FROM exchange WHERE method = 'tools/call' AND outcome = 'ok'`);
    const recorded = new Set(rows.map((row) => row.jsonrpc_id));
    for (const caller of callers) {
        const answered = (await caller.stop()).filter((call) => call.status === 200 && call.ended < killed - 1000);
        ok(answered.length > 100, `only ${answered.length} calls were answered in time`);
        deepEqual(answered.filter((call) => !recorded.has(call.id)), []);
    }
    await pressure;

    // and the next start takes the same home
    await gatehouse.start();
    equal((await post(gatehouse.url('family'), 'ping', {}, await open(gatehouse.url('family')))).status, 200);
    equal(await gatehouse.stop(), 'exit code 0');
    await noneLeft(mark, [], 5000);
});

test('after SIGTERM under load calls in flight finish and no process is left', { timeout: 60000 }, async (t) => {
    const { mark, gatehouse, pressure, callers, longCall } = await underLoad(t);
    const those = descendants(gatehouse.pid);
    const asked = performance.now();

    gatehouse.kill('SIGTERM');
    const { status, text } = await longCall;
    equal(status, 200);
    ok(/completed/.test(text), text);
    equal(await gatehouse.ended, 'exit code 0');
    ok(performance.now() - asked < 16000);
    await noneLeft(mark, those, 500); // it waits for them before it ends

    for (const caller of callers) {
        const due = (await caller.stop()).filter((call) => call.began < asked - 20);
        deepEqual(due.filter((call) => call.status !== 200), []);
    }
    await pressure;
    deepEqual(gatehouse.sql('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    const answered = callers.flatMap((caller) => caller.calls.filter((call) => call.status === 200)).length;
    const [row] = gatehouse.sql<{ n: number }>(`SELECT count(*) AS n FROM exchange WHERE jsonrpc_id LIKE 'hand-%' AND method = 'tools/call' AND outcome = 'ok'`);
    equal(row!.n, answered + 1);
});

/** The answer to a request of 2026-07-28, as it comes; its params may be any. */
async function ask(url: string, method: string, token: string) {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    const params = { name: 'slow', notifications: { toolsListChanged: true }, _meta };
    const about = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': params.name };
    const accept = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: method, method, params });
    return await fetch(url, { method: 'POST', body, headers: { ...accept, ...about, authorization: `Bearer ${token}` } });
}

test('who listens hears of the end at once, while a call goes on', { timeout: 60000 }, async (t) => {
    let call: ServerResponse | undefined;
    const url = await upstream(t, (_, answer, body) => {
        answer.writeHead(200, { 'content-type': 'text/event-stream' });
        answer.write(': I am here\n\n');
        if (JSON.parse(body).method === 'tools/call') call = answer;
    });
    const gatehouse = await house(t, { weather: { url } });
    const token = readFileSync(`${gatehouse.home}/token`, 'utf8').trim();
    const own = gatehouse.url('weather').replace('/s/weather/', '/gateway/');

    const heard = await Promise.all([own, gatehouse.url('weather')].map((at) => ask(at, 'subscriptions/listen', token)));
    const called = await ask(gatehouse.url('weather'), 'tools/call', token);
    gatehouse.kill('SIGTERM');
    const [ofOwn, ofWeather] = await Promise.all(heard.map((answer) => answer.text()));
    ok(/"id":"subscriptions\/listen","result":\{"resultType":"complete".*subscriptionId":"subscriptions\/listen"/.test(ofOwn!), ofOwn);
    ok(/"id":"subscriptions\/listen","error":\{.*"reason":"shutdown"/.test(ofWeather!), ofWeather);

    call!.end('data: {"jsonrpc":"2.0","id":"tools/call","result":{"resultType":"complete","content":[]}}\n\n');
    const text = await called.text();
    ok(/"result":\{"resultType":"complete"/.test(text), text);
    equal(await gatehouse.ended, 'exit code 0');
});
