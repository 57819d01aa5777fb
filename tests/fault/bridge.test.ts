// A server of one era asks clients of the other in the middle of their calls: a thousand at once, clients that never come back, answer
// twice, answer another's question, leave; servers that die; a restart of Gatehouse. Each ends as docs/bridging.md says (the cells are
// named), and nothing is left of it.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../conformance/schemas.ts';
import { atEnd, built, descendants, House, house, isLong, run, sanitized, until } from '../e2e/harness.ts';
import { Legacy, Modern, kinds, textOf } from './bridge.ts';
import { atRest, descriptors, objects, settledKiB } from './sessions.ts';

const CALLS = isLong ? 1000 : 200;
const SESSIONS = 100; // of legacy clients, with their share of the calls
const AT_ONCE = 50; // that begin
const WAIT_MS = 4000; // bridge.wait, where clients do not come back
const LEFT_MS = 15000; // a call whose legacy client was cut off goes on for as long as any
const REST_LIMIT_MS = 100000; // what came of a call is kept for bridge.wait, at most a minute
const NO_MARK = 'none';
const program = built('conformance-server');
const overs = ['http', 'stdio'] as const;

type Place = { gatehouse: House; server: ReturnType<typeof run>; url: (over: string) => string };

/** Servers of one era, over HTTP and as a child; Gatehouse with sanitizers, unless it is measured. */
async function place(t: TestContext, era: 'legacy' | 'modern', env: Record<string, string> = {}, binary = sanitized('gatehouse'), timeout = 60000): Promise<Place> {
    const server = run(t, program, ['--era', era]);
    const url = await until('the URL of conformance-server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]);
    const child = { command: program, args: ['--stdio', '--era', era] };
    const settings = { GATEHOUSE_SESSION_IDLE: '3s', GATEHOUSE_STDIO_IDLE: '3s', GATEHOUSE_BRIDGE_WAIT: '60s', ...env };
    const gatehouse = await house(t, { http: { url, timeout }, stdio: { ...child, timeout } }, settings, binary);
    return { gatehouse, server, url: (over) => gatehouse.url(over) };
}

function client<C extends { cut: () => void }>(t: TestContext, it: C): C {
    atEnd(t, () => it.cut());
    return it;
}

/** So many at a time. */
async function each<T, R>(all: T[], atOnce: number, what: (one: T, at: number) => Promise<R>): Promise<R[]> {
    const made: R[] = [];
    let next = 0;
    await Promise.all(
        Array.from({ length: atOnce }, async () => {
            for (let at = next++; at < all.length; at = next++) made[at] = await what(all[at]!, at);
        }),
    );
    return made;
}

const names = Object.keys(kinds);
const kindAt = (at: number) => kinds[names[at % names.length]!]!;
const numbers = Array.from({ length: CALLS }, (_, at) => at);
const shuffled = <T>(all: T[]) => all.map((one, at) => [one, (at * 7919) % all.length] as const).sort(([, a], [, b]) => a - b).map(([one]) => one); // prettier-ignore

/** What bridging holds beyond what `atRest` looks at. */
async function bridged(gatehouse: House): Promise<Record<string, number>> {
    const now = await objects(gatehouse);
    return Object.fromEntries(['crossings', 'peers', 'mails', 'serviceCalls'].map((kind) => [kind, now[kind] ?? 0]).filter(([, count]) => Number(count) > 0));
}

/** All clients have gone: nothing is left inside, but what is kept a minute for who comes again, unless that is waited for. */
async function nothingLeft({ gatehouse }: Place, kept: 'kept' | 'gone' = 'kept'): Promise<number> {
    const left = async () => Object.keys(await bridged(gatehouse)).filter((kind) => kept === 'gone' || !/^(crossings|peers)$/.test(kind));
    await until('the end of what is bridged', REST_LIMIT_MS, async () => (await left()).length === 0).catch(async () => deepEqual(await bridged(gatehouse), {}));
    const rest = await atRest(gatehouse, NO_MARK, REST_LIMIT_MS);
    deepEqual(rest.left, {});
    return rest.descriptors;
}

const ended = async ({ gatehouse }: Place) => equal(await gatehouse.stop(), 'exit code 0', gatehouse.said.slice(-3000)); // the sanitizers have nothing to say

for (const over of overs) {
    test(`M13 M15 M16 M31 ${CALLS} calls of modern clients wait at a legacy server over ${over}`, { timeout: 300000 }, async (t) => {
        const there = await place(t, 'legacy');
        const ada = client(t, new Modern(there.url(over)));

        for (let round = 0; round < 2; round++) {
            const waiting = await each(numbers, AT_ONCE, (at) => ada.ask(kindAt(at), `r${round}-${at}`));
            equal((await objects(there.gatehouse))['crossings'], CALLS + (round === 0 ? 0 : CALLS)); // what came of the first round is still there
            const said = await each(shuffled(waiting), AT_ONCE, async (one) => [await ada.back(one), one.kind.says(one.mark)]);
            deepEqual(said.filter(([got, wanted]) => got !== wanted).slice(0, 5), []);
        }
        ada.cut();
        await nothingLeft(there, isLong ? 'gone' : 'kept');
        await ended(there);
    });

    test(`L13 L15 L16 L31 ${CALLS} calls of legacy clients wait for answers to a modern server over ${over}`, { timeout: 300000 }, async (t) => {
        const there = await place(t, 'modern', { GATEHOUSE_SESSION_IDLE: '30s' });
        const clients = await each(Array.from({ length: SESSIONS }), AT_ONCE, () => client(t, new Legacy(there.url(over))).open());
        const calls = numbers.map((at) => {
            const kind = kindAt(at);
            return { at, kind, said: clients[at % SESSIONS]!.call(kind.tool, kind.given(`mark-${at}`)) };
        });
        for (const { said } of calls) said.catch(() => {});

        await until('all questions', 120000, () => clients.reduce((sum, { questions }) => sum + questions.length, 0) === CALLS);
        equal((await objects(there.gatehouse))['crossings'], CALLS);
        await each(shuffled(clients), AT_ONCE, async (one) => {
            for (const { id, method, params } of shuffled(one.questions)) {
                const mark = /mark-\d+/.exec(JSON.stringify(params ?? {}))?.[0] ?? 'nobody';
                const kind = Object.values(kinds)[['elicitation/create', 'sampling/createMessage', 'roots/list'].indexOf(method)]!;
                equal(await one.reply(id, { result: kind.answer(mark) }), 202);
            }
        });
        const said = await Promise.all(calls.map(async ({ at, kind, said }) => [textOf((await said).message), kind.says(kind === kinds['roots'] ? 'nobody' : `mark-${at}`)]));
        deepEqual(said.filter(([got, wanted]) => got !== wanted).slice(0, 5), []);
        await each(clients, AT_ONCE, (one) => one.delete());
        for (const one of clients) one.cut();
        await nothingLeft(there);
        await ended(there);
    });

    test(`M19 M31 M32 modern clients that misbehave, over ${over}`, { timeout: 200000 }, async (t) => {
        const there = await place(t, 'legacy', { GATEHOUSE_BRIDGE_WAIT: `${WAIT_MS}ms` });
        const ada = client(t, new Modern(there.url(over)));
        const { elicitation } = kinds;

        // They never come back: the server is told, and who comes after all is refused.
        const never = await each(numbers.slice(0, 50), AT_ONCE, (at) => ada.ask(elicitation!, `never-${at}`));
        await sleep(WAIT_MS);
        await until('the end of all that waited', 20000, async () => (await objects(there.gatehouse))['crossings'] === 0);
        for (const one of never.slice(0, 5)) match(await ada.back(one), /-32602/);

        // They answer another's question, twice, and with something else: the call goes on waiting, and ends once.
        const [first, second] = [await ada.ask(elicitation!, 'first'), await ada.ask(elicitation!, 'second')];
        match(await ada.back({ ...first!, back: second!.back }), /-32602/);
        match(await ada.back({ ...first!, back: { ...first!.back, requestState: `${first!.back['requestState']}A` } }), /-32602/);
        equal((await ada.call(elicitation!.tool, elicitation!.given('first'), { ...first!.back, inputResponses: { nothing: {} } })).message['result'].resultType, 'input_required');
        const both = await Promise.all([ada.back(first!), ada.back(first!)]);
        deepEqual(both, [elicitation!.says('first'), elicitation!.says('first')]);
        equal(await ada.back(first!), elicitation!.says('first'));
        equal(await ada.back(second!), elicitation!.says('second'));

        // They leave: while they call, while they wait, while they come back.
        for (let i = 0; i < 30; i++) {
            const bob = new Modern(there.url(over));
            if (i % 3 === 0) bob.call(elicitation!.tool, elicitation!.given(`left-${i}`)).catch(() => {});
            if (i % 3 === 1) bob.call('slow_compute', { seconds: 30 }).catch(() => {});
            if (i % 3 === 2) bob.back(await bob.ask(elicitation!, `left-${i}`)).catch(() => {});
            await sleep(i % 7);
            bob.cut();
        }
        equal(await ada.back(await ada.ask(elicitation!, 'after')), elicitation!.says('after'));
        ada.cut();
        await nothingLeft(there);
        await ended(there);
    });

    test(`L19 L21 L32 legacy clients that misbehave, over ${over}`, { timeout: 200000 }, async (t) => {
        const there = await place(t, 'modern', { GATEHOUSE_SESSION_IDLE: '2s' }, sanitized('gatehouse'), LEFT_MS);
        const { elicitation } = kinds;
        const [ada, bob] = [await client(t, new Legacy(there.url(over))).open(), await client(t, new Legacy(there.url(over))).open()];
        const question = async (of: Legacy) => (await until('a question', 20000, () => of.questions.at(-1))).id;

        const calls = [ada.call(elicitation!.tool, elicitation!.given('ada')), bob.call(elicitation!.tool, elicitation!.given('bob'))];
        const ids = [await question(ada), await question(bob)];
        await bob.reply('nothing', { result: elicitation!.answer('nobody') });
        if (ids[0] !== ids[1]) await bob.reply(ids[0], { result: elicitation!.answer('mallory') });
        for (const mark of ['ada', 'twice']) await ada.reply(ids[0], { result: elicitation!.answer(mark) });
        await bob.reply(ids[1], { result: elicitation!.answer('bob') });
        await bob.reply(ids[1], { error: { code: -1, message: 'no, after all' } });
        deepEqual((await Promise.all(calls)).map(({ message }) => textOf(message)), [elicitation!.says('ada'), elicitation!.says('bob')]); // prettier-ignore

        // They refuse with an error, end their session, are cut off, fall silent.
        for (let i = 0; i < 30; i++) {
            const cyd = await new Legacy(there.url(over)).open();
            const said = cyd.call(elicitation!.tool, elicitation!.given(`left-${i}`));
            said.catch(() => {});
            const id = await question(cyd);
            if (i % 4 === 0) {
                await cyd.reply(id, { error: { code: -1, message: 'I would rather not' } });
                match(JSON.stringify((await said).message), /rather not|did not answer|-1/);
            }
            if (i % 4 === 1) equal(await cyd.delete(), 200);
            if (i % 4 !== 3) cyd.cut();
            else setTimeout(() => cyd.cut(), 3000).unref();
        }
        await Promise.all([ada.delete(), bob.delete()]);
        ada.cut();
        bob.cut();
        await nothingLeft(there);
        await ended(there);
    });

    test(`L29 legacy clients that leave their tasks alone, or misbehave, over ${over}`, { timeout: 200000 }, async (t) => {
        const there = await place(t, 'modern', { GATEHOUSE_SESSION_IDLE: '8s', GATEHOUSE_BRIDGE_WAIT: `${WAIT_MS}ms` }, sanitized('gatehouse'), LEFT_MS);
        const ada = await client(t, new Legacy(there.url(over))).open();
        const question = async (of: Legacy, count = 1) => (await until('a question', 20000, () => of.questions[count - 1])).id;
        const task = async (of: Legacy, tool: string, given: Message) => (await of.call(tool, given, { task: {} })).message['result'].task.taskId as string;
        const yes = { action: 'accept', content: { confirm: true } };

        // They refuse, and come again; they answer twice, and what was not asked.
        const taskId = await task(ada, 'confirm_delete', { filename: 'a.txt' });
        const first = ada.request('tasks/result', { taskId });
        await ada.reply(await question(ada), { error: { code: -1, message: 'I would rather not' } });
        match(JSON.stringify((await first).message['error']), /rather not/);
        equal((await ada.request('tasks/get', { taskId })).message['result'].status, 'input_required');
        const second = [ada.request('tasks/result', { taskId }), ada.request('tasks/result', { taskId })];
        await question(ada, 3);
        await ada.reply('nothing', { result: yes });
        for (const { id } of ada.questions.slice(1)) for (const result of [yes, { action: 'cancel' }]) await ada.reply(id, { result });
        for (const { message } of await Promise.all(second)) equal(textOf(message), 'Deleted a.txt');

        // What the server did not make a task of is there for bridge.wait.
        const made = await each(numbers.slice(0, 50), AT_ONCE, () => task(ada, 'greet', { name: 'Ada' }));
        for (const taskId of made) equal(textOf((await ada.request('tasks/result', { taskId })).message), 'Hello, Ada!');
        await sleep(WAIT_MS + 500);
        for (const taskId of made) equal((await ada.request('tasks/result', { taskId })).message['error'].code, -32602);

        // They leave: while they make a task, while they are asked, while they wait, while the bridge follows one for them.
        for (let i = 0; i < 30; i++) {
            const bob = await new Legacy(there.url(over)).open();
            if (i % 5 === 0) bob.call('slow_compute', { seconds: 30 }, { task: {} }).catch(() => {});
            if (i % 5 === 1) bob.request('tasks/result', { taskId: await task(bob, 'confirm_delete', { filename: 'b.txt' }) }).catch(() => {});
            if (i % 5 === 2) bob.request('tasks/result', { taskId: await task(bob, 'slow_compute', { seconds: 30 }) }).catch(() => {});
            if (i % 5 === 3) bob.call('failing_job', {}).catch(() => {});
            if (i % 5 === 4) await task(bob, 'slow_compute', { seconds: 30 });
            await sleep(i % 7);
            if (i % 2 === 0) equal(await bob.delete(), 200);
            bob.cut();
        }
        await ada.delete();
        ada.cut();
        await nothingLeft(there);
        await ended(there);
    });

    test(`L29 L32 a modern server that dies ends what waits for its tasks, over ${over}`, { timeout: 120000 }, async (t) => {
        const there = await place(t, 'modern');
        const ada = await client(t, new Legacy(there.url(over))).open();
        const ids = await each(numbers.slice(0, 20), AT_ONCE, async () => (await ada.call('slow_compute', { seconds: 60 }, { task: {} })).message['result'].task.taskId);
        const waiting = ids.map((taskId) => ada.request('tasks/result', { taskId }));

        await until('all calls', 20000, async () => (await objects(there.gatehouse))['crossings'] === ids.length);
        await sleep(500);
        if (over === 'http') there.server.child.kill('SIGKILL');
        else for (const { pid, command } of descendants(there.gatehouse.pid)) if (command.startsWith(program)) process.kill(pid, 'SIGKILL');
        for (const { message } of await Promise.all(waiting)) ok(message['error'] !== undefined, JSON.stringify(message));
        await ada.delete();
        ada.cut();
        await nothingLeft(there);
        await ended(there);
    });

    test(`M32 a legacy server that dies ends the calls that wait at it, over ${over}`, { timeout: 120000 }, async (t) => {
        const there = await place(t, 'legacy');
        const ada = client(t, new Modern(there.url(over)));
        const waiting = await each(numbers.slice(0, 20), AT_ONCE, (at) => ada.ask(kinds['elicitation']!, `dead-${at}`));

        if (over === 'http') there.server.child.kill('SIGKILL');
        else for (const { pid, command } of descendants(there.gatehouse.pid)) if (command.startsWith(program)) process.kill(pid, 'SIGKILL');
        await until('an error', 20000, async () => /-32\d\d\d/.test(await ada.back(waiting[0]!)));
        for (const one of waiting) match(await ada.back(one), /"code":-32\d\d\d/);
        if (over === 'stdio') equal(await ada.back(await ada.ask(kinds['elicitation']!, 'again')), kinds['elicitation']!.says('again'));
        ada.cut();
        await nothingLeft(there);
        await ended(there);
    });

    test(`L32 a modern server that dies ends the calls of legacy clients, over ${over}`, { timeout: 120000 }, async (t) => {
        const there = await place(t, 'modern');
        const ada = await client(t, new Legacy(there.url(over))).open();
        const calls = numbers.slice(0, 20).map(() => ada.call('slow_compute', { seconds: 60 }));

        await until('all calls', 20000, async () => (await objects(there.gatehouse))['crossings'] === calls.length);
        await sleep(500);
        if (over === 'http') there.server.child.kill('SIGKILL');
        else for (const { pid, command } of descendants(there.gatehouse.pid)) if (command.startsWith(program)) process.kill(pid, 'SIGKILL');
        for (const { message } of await Promise.all(calls)) ok(message['error'] !== undefined || message['result'].isError, JSON.stringify(message));
        await ada.delete();
        ada.cut();
        await nothingLeft(there);
        await ended(there);
    });

    test(`M32 L32 after a restart of Gatehouse what waited is refused, and begins anew, over ${over}`, { timeout: 120000 }, async (t) => {
        const { elicitation } = kinds;
        const elder = await place(t, 'legacy');
        const young = await place(t, 'modern');
        const ada = client(t, new Modern(elder.url(over)));
        const waiting = await each(numbers.slice(0, 20), AT_ONCE, (at) => ada.ask(elicitation!, `before-${at}`));
        const bob = await client(t, new Legacy(young.url(over))).open();
        const call = bob.call(elicitation!.tool, elicitation!.given('before'));
        call.catch(() => {});
        await until('a question', 20000, () => bob.questions.length === 1);

        for (const there of [elder, young]) {
            await ended(there);
            await there.gatehouse.start({ GATEHOUSE_SESSION_IDLE: '3s', GATEHOUSE_STDIO_IDLE: '3s' }, sanitized('gatehouse'));
        }
        const again = client(t, new Modern(elder.url(over)));
        for (const one of waiting) match(await again.back(one), /-32602/);
        equal(await again.back(await again.ask(elicitation!, 'after')), elicitation!.says('after'));
        again.cut();
        await call.catch(() => {});
        await nothingLeft(elder);
        await ended(elder);
        await ended(young);
    });
}

test('M31 there is room for as many as bridge.parked says, and again when some have ended', { timeout: 120000 }, async (t) => {
    const there = await place(t, 'legacy', { GATEHOUSE_BRIDGE_PARKED: '20' });
    const ada = client(t, new Modern(there.url('http')));
    const waiting = await each(numbers.slice(0, 20), AT_ONCE, (at) => ada.ask(kinds['elicitation']!, `parked-${at}`));
    const refused = await ada.call(kinds['elicitation']!.tool, kinds['elicitation']!.given('too many'));

    match(JSON.stringify(refused.message['error']), /bridge\.parked|too many/);
    for (const one of waiting.slice(0, 3)) equal(await ada.back(one), one.kind.says(one.mark));
    await ada.ask(kinds['elicitation']!, 'room again');
    ada.cut();
    await ended(there);
});

test('bridging leaves the memory as it was', { timeout: 300000, skip: !isLong && 'three minutes' }, async (t) => {
    const kiB: number[] = [];
    const open: number[] = [];
    const there = await place(t, 'legacy', { GATEHOUSE_BRIDGE_WAIT: '2s' }, built('gatehouse'));
    await there.gatehouse.settled();

    for (let round = 0; round < 3; round++) {
        for (const over of overs) {
            const ada = new Modern(there.url(over));
            const waiting = await each(numbers.slice(0, 300), AT_ONCE, (at) => ada.ask(kindAt(at), `m${round}-${at}`));
            await each(waiting.slice(0, 200), AT_ONCE, (one) => ada.back(one));
            ada.cut();
        }
        await nothingLeft(there, 'gone');
        kiB.push(await settledKiB(there.gatehouse.pid));
        open.push(descriptors(there.gatehouse.pid));
    }
    t.diagnostic(`${kiB.join(', ')} KiB, ${open.join(', ')} descriptors`);
    ok(kiB[2]! <= kiB[1]! + 2048, `${kiB.join(', ')} KiB`);
    ok(open[2]! <= open[1]!, `${open.join(', ')} descriptors`);
    equal(await there.gatehouse.stop(), 'exit code 0');
});
