// The official client of tasks (@modelcontextprotocol/ext-tasks) on client 2.4.0 follows the tasks of the test server. The SDK
// itself lets no task through in this version, so what the package has to say goes over a wire of ours, as it wants it.

import { createTaskSessionFromClient, resultFromTaskOutcome, TaskCancelledError, TaskFailedError } from '@modelcontextprotocol/ext-tasks/client';
import type { TaskEnabledSession } from '@modelcontextprotocol/ext-tasks/client';
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { atEnd } from '../e2e/harness.ts';
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

for (const way of ['HTTP', 'stdio'])
    test(`the official client of tasks follows them over ${way}`, { timeout: 120000 }, async (t) => {
        const { session, wire, asked } = await follower(t, way === 'HTTP' ? { url: await serverOverHttp(t) } : serverOnStdio());

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
