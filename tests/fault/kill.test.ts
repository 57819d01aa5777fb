// kill -9 in the middle of the work, again and again: the database opens clean each time, and every call that was
// answered more than a second before the kill is in it, whole.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { echoHttp, echoStdio, House, isLong, keepCalling } from '../e2e/harness.ts';

const ROUNDS = isLong ? 30 : 3;
const CALLERS = 3; // of each server
const PROMISED_MS = 1000; // what was answered longer ago than this is on the disk

test(`after kill -9 under load, ${ROUNDS} times, every call answered a second before is there`, async (t) => {
    const house = new House(t);
    let answered = 0;
    house.register({ web: { type: 'http', url: await echoHttp(t) }, child: echoStdio });

    for (let round = 0; round < ROUNDS; round++) {
        await house.start();
        assert.deepEqual(house.sql('SELECT count(*) AS open FROM exchange WHERE outcome IS NULL'), [{ open: 0 }]);
        const loads = ['web', 'child'].map((server) => keepCalling(house.url(server), CALLERS));
        await sleep(PROMISED_MS + 300 + Math.random() * 1500);
        const killed = performance.now();
        house.kill('SIGKILL');
        assert.equal(await house.ended, 'SIGKILL');
        await Promise.allSettled(loads.map((load) => load.stop()));

        const due = loads.flatMap((load) => load.calls).filter((call) => call.status === 200 && call.ended < killed - PROMISED_MS);
        assert.deepEqual(house.sql('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
        const rows = house.sql<{ jsonrpc_id: string }>("SELECT jsonrpc_id FROM exchange WHERE method = 'tools/call' AND outcome = 'ok'");
        const kept = new Set(rows.map((row) => row.jsonrpc_id));
        const missing = due.filter((call) => !kept.has(call.id));
        assert.equal(missing.length, 0, `round ${round}: ${missing.length} of ${due.length} answered calls are not there`);
        assert.ok(due.length > 0, `round ${round}: nothing was answered a second before the kill`);
        answered += due.length;
    }
    t.diagnostic(`${answered} calls were answered more than a second before one of ${ROUNDS} kills`);

    const { code, stdout, stderr } = await house.command('logs', '--json', '--messages', '--method', 'tools/call', '--limit', '500');
    assert.equal(code, 0, stderr);
    const calls = stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(calls.length, 500);
    for (const call of calls.filter((each) => each.outcome === 'ok')) assert.equal(call.messages.length, 2, JSON.stringify(call));
});
