// A task that a client was told of is found again, whatever became of the server meanwhile.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { Wire } from '../conformance/wire.ts';
import { atEnd, built, run, until } from '../e2e/harness.ts';

const program = built('conformance-server');
const follows = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } };

function home(t: TestContext): string {
    const made = mkdtempSync(join(tmpdir(), 'tasks-'));
    atEnd(t, () => rmSync(made, { recursive: true }));
    return made;
}

async function serve(t: TestContext, command: string, args: string[]) {
    const server = run(t, command, args);
    const url = await until('the URL of conformance-server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]);
    return { server, client: new Wire(t, { url }, '2026-07-28', follows) };
}

async function call(client: Wire, name: string, args = {}) {
    const { result, error } = await client.once('tools/call', { name, arguments: args });
    ok(result, JSON.stringify(error));
    return result;
}

async function get(client: Wire, taskId: string) {
    return (await client.once('tasks/get', { taskId })).result!;
}

test('kill -9 right after the answer: the task is there, as it ended or failed for the restart', async (t) => {
    const args = ['--home', home(t)];
    const running = { seconds: 600, label: 'long' };
    let { server, client } = await serve(t, program, args);

    const { taskId: done } = await call(client, 'slow_compute', { seconds: 0.01, label: 'short' });
    const { taskId: broken } = await call(client, 'protocol_error_job');
    await until('both ends', 20000, async () => (await get(client, done)).status === 'completed' && (await get(client, broken)).status === 'failed');
    const asks = (await call(client, 'confirm_delete', { filename: 'a' })).taskId;
    const many = await Promise.all(Array.from({ length: 50 }, () => call(client, 'slow_compute', running)));
    const { taskId: last } = await call(client, 'slow_compute', running);
    server.child.kill('SIGKILL');
    equal(await server.ended, 'SIGKILL');

    ({ server, client } = await serve(t, program, args));
    const lost = await get(client, last);
    equal(lost.taskId, last);
    equal(lost.status, 'failed');
    match(lost.error.message, /restarted/);
    deepEqual((await get(client, done)).result.content, [{ type: 'text', text: 'Computed short' }]);
    equal((await get(client, broken)).error.code, 4001);
    for (const taskId of [asks, ...many.map((each) => each.taskId)]) equal((await get(client, taskId)).status, 'failed');
    const { taskId: another } = await call(client, 'slow_compute', running);
    equal((await get(client, another)).status, 'working');
    server.child.kill('SIGTERM');
    equal(await server.ended, 'exit code 0');

    ({ client } = await serve(t, program, args));
    equal((await get(client, another)).status, 'failed');
    equal((await get(client, last)).lastUpdatedAt, lost.lastUpdatedAt);
});

test('a file that may not grow: calls wait for their results, and none is told of a task that is not kept', async (t) => {
    const full = `trap '' XFSZ; ulimit -f 100; exec "$0" "$@"`; // blocks of 512 bytes
    const { client } = await serve(t, 'sh', ['-c', full, program, '--home', home(t)]);
    const kinds: string[] = [];

    while (kinds.length < 200 && kinds.at(-1) !== 'complete') {
        const result = await call(client, 'slow_compute', { seconds: 0.01, label: 'all' });
        kinds.push(result.resultType);
        if (result.resultType === 'task') equal((await get(client, result.taskId)).taskId, result.taskId);
        else deepEqual(result.content, [{ type: 'text', text: 'Computed all' }]);
    }
    equal(kinds[0], 'task');
    equal(kinds.at(-1), 'complete');
});

test('a second server in one home is refused, and the first keeps its tasks', async (t) => {
    const args = ['--home', home(t)];
    const { client } = await serve(t, program, args);
    const { taskId } = await call(client, 'slow_compute', { seconds: 600 });
    const second = run(t, program, args);

    equal(await second.ended, 'exit code 1');
    match(second.stderr, /another process has it/);
    equal((await get(client, taskId)).status, 'working');
});
