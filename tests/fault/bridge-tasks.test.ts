// Modern clients follow the tasks of a server of 2025-11-25, and do it badly: they never ask again, leave while they ask, answer twice and
// what was not asked, make more than there is room for; the server dies. Each ends as docs/bridging.md says (M29), and nothing is left.

import { deepEqual, equal, match, notEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../conformance/schemas.ts';
import { atEnd, descendants, house, root, run, sanitized, until } from '../e2e/harness.ts';
import type { House } from '../e2e/harness.ts';
import { Modern } from './bridge.ts';
import { atRest, objects } from './sessions.ts';

const WAIT_MS = 5000; // bridge.wait, where clients do not ask again
const SHORT_WAIT_MS = 2000; // where tasks are followed: they outlive it
const REST_LIMIT_MS = 60000;
const program = join(root, 'tests/e2e/servers/tasks-v1.ts');
const args = ['--disable-warning=ExperimentalWarning', program];

type Place = { gatehouse: House; url: string; kill: () => void };

async function place(t: TestContext, over: string, env: Record<string, string> = {}): Promise<Place> {
    const server = over === 'http' ? run(t, process.execPath, [...args, 'http']) : undefined;
    const url = server && (await until('the URL of the server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]));
    const entry = url === undefined ? { command: process.execPath, args: [...args, 'stdio'] } : { url };
    const settings = { GATEHOUSE_SESSION_IDLE: '3s', GATEHOUSE_STDIO_IDLE: '3s', ...env };
    const gatehouse = await house(t, { tasks: { ...entry, timeout: 30000 } }, settings, sanitized('gatehouse'));
    const kill = () => {
        if (server !== undefined) server.child.kill('SIGKILL');
        else for (const { pid, command } of descendants(gatehouse.pid)) if (command.includes(program)) process.kill(pid, 'SIGKILL');
    };
    return { gatehouse, url: gatehouse.url('tasks'), kill };
}

function client(t: TestContext, { url }: Place): Modern {
    const it = new Modern(url);
    atEnd(t, () => it.cut());
    return it;
}

async function taskOf(client: Modern, tool: string, given: Message = {}): Promise<string> {
    const { result, error } = await client.begin(tool, given);
    equal(result?.resultType, 'task', JSON.stringify(error));
    return result.taskId;
}

const held = async ({ gatehouse }: Place) => (await objects(gatehouse))['heldTasks'] ?? 0;
const status = async (client: Modern, id: string): Promise<Message> => (await client.task('get', id))['result'];
const asked = (client: Modern, id: string) => until('its questions', 20000, async () => (await status(client, id))['inputRequests'] as Message | undefined);
const done = (client: Modern, id: string) => until('its end', 20000, async () => (await status(client, id))['result'] as Message | undefined);
const many = <T>(count: number, what: (at: number) => Promise<T>) => Promise.all(Array.from({ length: count }, (_, at) => what(at)));

async function nothingLeft(there: Place): Promise<void> {
    deepEqual((await atRest(there.gatehouse, 'none', REST_LIMIT_MS)).left, {});
    equal(await held(there), 0);
    equal(await there.gatehouse.stop(), 'exit code 0', there.gatehouse.said.slice(-3000)); // the sanitizers have nothing to say
}

for (const over of ['http', 'stdio']) {
    test(`M29 modern clients that leave tasks alone, over ${over}`, { timeout: 200000 }, async (t) => {
        const there = await place(t, over, { GATEHOUSE_BRIDGE_WAIT: `${WAIT_MS}ms` });
        const ada = client(t, there);

        // They never ask again, at work, asked, or done: the server is told, and who asks after all is refused.
        const never = [
            ...(await many(10, () => taskOf(ada, 'slow_compute', { seconds: 600 }))),
            ...(await many(10, () => taskOf(ada, 'failing_job'))),
            ...(await many(10, () => taskOf(ada, 'confirm_delete', { filename: 'never.txt' }))),
        ];
        equal(await held(there), 30);
        for (const id of never.slice(20)) equal(Object.keys(await asked(ada, id)).length, 1);
        await until('the end of all', 4 * WAIT_MS, async () => (await held(there)) === 0);
        for (const id of never.slice(0, 3)) equal((await ada.task('get', id))['error'].code, -32602);

        // They leave: while they make one, while they ask how it is, while they answer.
        for (let i = 0; i < 30; i++) {
            const bob = new Modern(there.url);
            const id = i % 3 === 0 ? '' : await taskOf(bob, i % 2 === 0 ? 'multi_input' : 'slow_compute', { seconds: 1 });
            if (i % 3 === 0) bob.begin('multi_input', {}).catch(() => {});
            if (i % 3 === 1) bob.task('get', id).catch(() => {});
            if (i % 3 === 2) bob.task('update', id, { inputResponses: { q1: { action: 'cancel' } } }).catch(() => {});
            await sleep(i % 7);
            bob.cut();
        }
        // Who follows none leaves while the task is followed for it.
        for (let i = 0; i < 10; i++) {
            const bob = new Modern(there.url);
            bob.call('slow_compute', { seconds: 600 }).catch(() => {});
            await sleep(100 + (i % 7));
            bob.cut();
        }
        ada.cut();
        await until('the end of all', 4 * WAIT_MS, async () => (await held(there)) === 0);
        await nothingLeft(there);
    });

    test(`M29 modern clients that answer a task twice, and what was not asked, over ${over}`, { timeout: 100000 }, async (t) => {
        const there = await place(t, over);
        const ada = client(t, there);
        const [first, second] = [await taskOf(ada, 'multi_input'), await taskOf(ada, 'multi_input')];
        const [one, other] = [await asked(ada, first), await asked(ada, second)];
        const name = (name: string) => ({ action: 'accept', content: { name } });
        const answers = (keys: string[], given: string) => ({ inputResponses: Object.fromEntries(keys.map((key) => [key, name(given)])) });

        await ada.task('update', first, answers([...Object.keys(other), 'never', '__proto__'], 'Mallory'));
        await ada.task('update', first, { inputResponses: { [Object.keys(one)[0]!]: { action: 'perhaps' }, [Object.keys(one)[1]!]: 7 } });
        deepEqual(Object.keys(await asked(ada, first)).sort(), Object.keys(one).sort());
        await Promise.all(['Ada', 'Bob'].map((given) => ada.task('update', first, answers(Object.keys(one), given))));
        match((await done(ada, first))['content'][0].text, /^(Ada and Ada|Bob and Bob)$/);
        equal((await ada.task('update', first, answers(Object.keys(one), 'late')))['error'], undefined);
        equal((await ada.task('update', second, {}))['error'].code, -32602);
        await ada.task('cancel', second);
        equal((await status(ada, second))['status'], 'cancelled');
        ada.cut();
        equal(await there.gatehouse.stop(), 'exit code 0', there.gatehouse.said.slice(-3000));
    });

    test(`M29 news of tasks reach modern clients that listen, and leave, over ${over}`, { timeout: 100000 }, async (t) => {
        const there = await place(t, over, { GATEHOUSE_BRIDGE_WAIT: `${SHORT_WAIT_MS}ms` });
        const ada = client(t, there);
        const news: Record<string, Message[]> = {};
        const hear = (task: Message) => void (news[task['taskId']] ??= []).push(task);
        const heard = (id: string, status: string) => until(`${status} of ${id}`, 20000, () => news[id]?.find((task) => task['status'] === status));
        const followers = async () => (await objects(there.gatehouse))['followers'] ?? 0;

        // They hear how each goes and ends, and ask nothing; the task outlives the time after which nobody asks about one.
        const slow = await taskOf(ada, 'slow_compute', { seconds: (1.5 * SHORT_WAIT_MS) / 1000, label: 'all' });
        const [fails, deletes, refused] = await Promise.all([taskOf(ada, 'failing_job'), taskOf(ada, 'confirm_delete', { filename: 'a.txt' }), taskOf(ada, 'protocol_error_job')]);
        const ids = [slow, fails!, deletes!, refused!];
        void ada.listen(ids, hear).catch(() => {});
        const { inputRequests } = await heard(deletes!, 'input_required');
        await ada.task('update', deletes!, { inputResponses: { [Object.keys(inputRequests)[0]!]: { action: 'accept', content: { confirm: true } } } });
        match((await heard(deletes!, 'completed'))['result'].content[0].text, /Deleted a\.txt/);
        equal((await heard(fails!, 'completed'))['result'].isError, true);
        equal((await heard(refused!, 'failed'))['error'].code, 4001);
        match((await heard(slow, 'completed'))['result'].content[0].text, /Computed all/);
        for (const id of ids) {
            const told = news[id]!.map((task) => JSON.stringify({ ...task, ttlMs: 0, lastUpdatedAt: '' }));
            for (const [at, one] of told.slice(1).entries()) notEqual(one, told[at]);
        }

        // Who listens too often is not told: the server is asked for each.
        const often = await taskOf(ada, 'slow_compute', { seconds: 600 });
        const crowd = client(t, there);
        for (let i = 0; i < 40; i++) void crowd.listen([often], hear).catch(() => {});
        await until('32 that follow it', 20000, async () => (await followers()) >= 4 + 32);
        await sleep(300);
        equal(await followers(), 4 + 32);
        crowd.cut();
        await until('the end of these', 20000, async () => (await followers()) === 4);

        // They leave while they listen, at work, asked, in the middle of an answer.
        for (let i = 0; i < 30; i++) {
            const bob = new Modern(there.url);
            const many = [await taskOf(bob, 'slow_compute', { seconds: 600 }), await taskOf(bob, 'multi_input')];
            void bob.listen(many, hear).catch(() => {});
            await sleep(i % 3 === 0 ? 300 : i % 7);
            bob.cut();
        }
        await until('the end of their followers', 20000, async () => (await followers()) === 4);
        ada.cut();
        await until('the end of all', 6 * SHORT_WAIT_MS, async () => (await held(there)) === 0);
        await nothingLeft(there);
    });

    test(`M29 M32 a legacy server that dies takes its tasks along, over ${over}`, { timeout: 100000 }, async (t) => {
        const there = await place(t, over);
        const ada = client(t, there);
        const ids = [...(await many(10, () => taskOf(ada, 'slow_compute', { seconds: 600 }))), ...(await many(10, () => taskOf(ada, 'multi_input')))];

        for (const id of ids.slice(10)) await asked(ada, id);
        const news: Message[] = [];
        void client(t, there).listen(ids, (task) => news.push(task)).catch(() => {});
        await until('news of each', 20000, () => new Set(news.map(({ taskId }) => taskId)).size === ids.length);
        there.kill();
        await until('an error', 20000, async () => (await ada.task('get', ids[0]!))['error'] !== undefined);
        for (const id of ids) match(JSON.stringify((await ada.task('get', id))['error']), /-3260[23]/);
        ada.cut();
        if (over === 'stdio') {
            equal(await held(there), 0);
            await until('news of its end', 5000, () => news.filter(({ status }) => status === 'failed').length === ids.length);
        }
        equal(await there.gatehouse.stop(), 'exit code 0', there.gatehouse.said.slice(-3000));
    });
}

test('M29 M31 tasks have the places of bridge.parked, and who is over makes room', { timeout: 100000 }, async (t) => {
    const there = await place(t, 'stdio', { GATEHOUSE_BRIDGE_PARKED: '20' });
    const ada = client(t, there);
    const [first] = await many(20, () => taskOf(ada, 'slow_compute', { seconds: 600 }));

    match(JSON.stringify((await ada.begin('slow_compute', { seconds: 600 }))['error']), /bridge\.parked/);
    await ada.task('cancel', first!);
    await taskOf(ada, 'slow_compute', { seconds: 600 });
    equal((await ada.task('get', first!))['error'].code, -32602);
    equal(await held(there), 20);
    ada.cut();
    equal(await there.gatehouse.stop(), 'exit code 0', there.gatehouse.said.slice(-3000));
});
