// The official client of tasks (@modelcontextprotocol/ext-tasks) on client 2.4.0 follows the tasks of the test server, and, bridged,
// those of a server of 2025-11-25 on SDK 1. The SDK itself lets no task through in this version, so what the package has to say goes
// over a wire of ours, as it wants it. The official client of 2025-11-25 (SDK 1) asks the test server for tasks, which has those of the
// extension: bridged.

import { createTaskSessionFromClient, resultFromTaskOutcome, TaskCancelledError, TaskFailedError } from '@modelcontextprotocol/ext-tasks/client';
import type { TaskEnabledSession } from '@modelcontextprotocol/ext-tasks/client';
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { atEnd, house, root, run, until } from '../e2e/harness.ts';
import { Peer, serverOnStdio, serverOverHttp } from './peers.ts';
import type { Message } from './schemas.ts';
import { Wire } from './wire.ts';
import type { Place } from './wire.ts';

const revision = '2026-07-28';
const capabilities = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } };

async function follower(t: TestContext, place: Place): Promise<{ session: TaskEnabledSession; wire: Wire; asked: string[] }> {
    const { client } = await new Peer('client 2.4.0 at 2026-07-28').connect(t, place);
    const wire = new Wire(t, place, revision, capabilities);
    const asked: string[] = [];
    const session = createTaskSessionFromClient(client as never, {
        endpointId: 'test-server',
        v2RequestFraming: { protocolVersion: revision, clientInfo: { name: 'follower', version: '1' }, clientCapabilities: capabilities },
        rawDispatch: async (request) => {
            const { method, params } = request as Message;
            const { result, error } = await wire.once(method, params);
            return error === undefined ? { kind: 'result', result: result as never } : { kind: 'error', error: error as never };
        },
        onInputRequest: async (request) => {
            asked.push(request.kind);
            return { action: 'accept', content: { name: 'Ada', confirm: true } } as never;
        },
    });

    atEnd(t, () => session.close());
    return { session, wire, asked };
}

/** Calls a tool and follows what becomes of it: as what it came, and its first text. */
async function follow(session: TaskEnabledSession, name: string, given: Message = {}): Promise<[string, string]> {
    const execution = await session.callTool(name, given as never);
    const { outcome } = await execution.settle();
    return [execution.kind, (resultFromTaskOutcome(outcome) as Message)['content'][0].text];
}

const cases: [tool: string, given: Message, became: 'immediate' | 'task', text: string][] = [
    ['greet', { name: 'Ada' }, 'immediate', 'Hello, Ada!'],
    ['slow_compute', { seconds: 0.2, label: 'all' }, 'task', 'Computed all'],
    ['failing_job', {}, 'task', 'This job always fails'],
    ['confirm_delete', { filename: 'a.txt' }, 'task', 'Deleted a.txt'],
    ['multi_input', {}, 'task', 'Ada and Ada'],
    ['test_tool_with_task', {}, 'task', 'Hello, Ada!'],
];

const legacy = ['--disable-warning=ExperimentalWarning', join(root, 'tests/e2e/servers/tasks-v1.ts')];

/** Gatehouse before a server whose tasks are those of 2025-11-25. */
async function bridged(t: TestContext, way: 'http' | 'stdio'): Promise<Place> {
    if (way === 'stdio') return { url: (await house(t, { tasks: { command: process.execPath, args: [...legacy, 'stdio'] } })).url('tasks') };
    const server = run(t, process.execPath, [...legacy, 'http']);
    const url = await until('the URL of the server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]);
    return { url: (await house(t, { tasks: { url } })).url('tasks') };
}

const places: Record<string, (t: TestContext) => Promise<Place>> = {
    HTTP: async (t) => ({ url: await serverOverHttp(t) }),
    stdio: async () => serverOnStdio(),
    'HTTP, bridged': (t) => bridged(t, 'http'),
    'stdio, bridged': (t) => bridged(t, 'stdio'),
};

for (const [way, place] of Object.entries(places))
    test(`the official client of tasks follows them over ${way}`, { timeout: 120000 }, async (t) => {
        const { session, wire, asked } = await follower(t, await place(t));

        const results = cases.map(([tool, given]) => follow(session, tool, given)); // at once: the client looks every second
        deepEqual(await Promise.all(results), cases.map(([, , became, text]) => [became, text])); // prettier-ignore
        deepEqual(asked, ['elicitation', 'elicitation', 'elicitation', 'elicitation']);
        await rejects(follow(session, 'protocol_error_job'), TaskFailedError);

        const long = await session.callTool('slow_compute', { seconds: 3600, label: 'never' });
        ok(long.kind === 'task');
        equal((await session.task(long.handle.taskId).snapshot()).status, 'working');
        await session.cancelTask(long.handle.taskId);
        await rejects(async () => resultFromTaskOutcome((await long.settle()).outcome), TaskCancelledError);
        deepEqual(wire.wrong, []);
    });

/** Calls a tool as a task, as SDK 1 does: how that went, and the first text, or the error. */
async function callAsTask(client: Message, name: string, given: Message = {}): Promise<[string[], string]> {
    const seen: string[] = [];
    let said = '';

    for await (const message of client['experimental'].tasks.callToolStream({ name, arguments: given }, undefined, { task: { ttl: 60000 } })) {
        seen.push(message.type);
        if (message.type === 'result') said = message.result.content[0].text;
        if (message.type === 'error') said = message.error.message;
    }
    return [seen.filter((type) => type !== 'taskStatus'), said]; // at which it looks now and then
}

for (const over of ['HTTP', 'stdio'])
    test(`the official client of 2025-11-25 asks a modern server for tasks over ${over}`, { timeout: 120000 }, async (t) => { // L29
        const modern = over === 'HTTP' ? { url: await serverOverHttp(t, '--era', 'modern') } : serverOnStdio('--era', 'modern');
        const { client } = await new Peer('sdk 1.32.2').connect(t, { url: (await house(t, { modern })).url('modern') });

        await client.listTools();
        for (const [tool, given, , text] of cases) deepEqual(await callAsTask(client, tool, given), [['taskCreated', 'result'], text]);
        deepEqual((await callAsTask(client, 'protocol_error_job'))[0], ['taskCreated', 'error']);
    });
