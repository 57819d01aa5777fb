// Sessions with stdio servers, left in every way: afterwards there is no process and no descriptor more than before,
// nothing is left of them inside, and the memory is what it was.

import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd, House, descendants, house, isLong, marked, raw, root, run, until } from '../e2e/harness.ts';
import type { Process } from '../e2e/harness.ts';
import { MARK, Visitor, atRest, boundedGroup, descriptors, difficult, isFailure, parentOf, said, settledKiB } from './sessions.ts';

const IDLE_MS = isLong ? 6000 : 3000;
const TIMEOUT_MS = isLong ? 8000 : 4000; // of a call: those who kill its child first need less
const GONE_MS = 1000; // "a dead child is said within a second"
const SLACK_MS = 4000; // of a machine that does other things
const MORE_THAN_IDLE_MS = IDLE_MS + 1500; // housekeeping comes once a second

const settings = { GATEHOUSE_SESSION_IDLE: `${IDLE_MS}ms`, GATEHOUSE_STDIO_ISOLATED_MAX: '400' };

function servers(mark: string) {
    const entry = { command: difficult, timeout: TIMEOUT_MS, env: { [MARK]: mark } };
    const rough = Object.fromEntries([0, 1, 2, 3].map((i) => [`rough${i}`, { ...entry }]));
    return { isolated: { ...entry, sessionMode: 'isolated' }, shared: entry, ...rough };
}

// Ways of leaving that trouble nobody else --------------------------------------------------------------------------

type Way = (visitor: Visitor) => Promise<void>;

/** A call that is never answered, on its way when this returns. */
async function wait(visitor: Visitor) {
    const answer = visitor.call('quiet');
    answer.catch(() => {});
    equal(await visitor.ask('echo', 'behind it'), 'behind it'); // lines come in order
    return { answer };
}

const gentle: Record<string, Way> = {
    async 'deleted'(visitor) {
        await visitor.open();
        equal(await visitor.ask('echo', 'hello'), 'hello');
        equal((await visitor.delete()).status, 200);
        equal((await visitor.call('echo')).status, 404);
    },
    async 'deleted while a call runs'(visitor) {
        await visitor.open();
        const { answer } = await wait(visitor);
        await visitor.delete();
        match(said(await answer), /ended the session/);
    },
    async 'deleted while it listens'(visitor) {
        await visitor.open();
        const { done } = await visitor.listen();
        await visitor.ask('chatter');
        await visitor.delete();
        match((await done).text, /list_changed/);
    },
    async 'deleted after it was asked'(visitor) {
        await visitor.open();
        const { done } = await visitor.listen();
        const answer = visitor.ask('ask');
        // who shares a child is asked only while nobody else's calls run
        const question = until('the question', 5000, () => /"id":"(roots-\d+)"/.exec(visitor.heard)?.[1]);
        const id = await Promise.race([answer, question]);
        equal((await visitor.reply(id, { roots: [] })).status, 202);
        await answer;
        await visitor.delete();
        await done;
    },
    async 'silent'(visitor) {
        await visitor.open();
        await visitor.ask('echo', 'last words');
        await sleep(MORE_THAN_IDLE_MS);
    },
    async 'silent with messages held for it'(visitor) {
        await visitor.open();
        for (let i = 0; i < 3; i++) await visitor.ask('chatter');
        await sleep(MORE_THAN_IDLE_MS);
    },
    async 'silent when asked'(visitor) {
        await visitor.open();
        visitor.call('ask').catch(() => {});
        await visitor.ask('echo', 'behind it');
        visitor.cut();
        await sleep(TIMEOUT_MS + MORE_THAN_IDLE_MS);
    },
    async 'cut while a call runs'(visitor) {
        await visitor.open();
        await wait(visitor);
        visitor.cut();
        await sleep(TIMEOUT_MS + MORE_THAN_IDLE_MS);
    },
    async 'cut while it listens'(visitor) {
        await visitor.open();
        const { done } = await visitor.listen();
        done.catch(() => {});
        visitor.cut();
        await sleep(MORE_THAN_IDLE_MS);
    },
    async 'cut while it opens'(visitor) {
        visitor.knock().catch(() => {});
        await sleep(5 * Math.random());
        visitor.cut();
        await sleep(MORE_THAN_IDLE_MS);
    },
};

// Ways that end the child, for one that has it alone ------------------------------------------------------------------

/** The call that ran is answered with these words, within a second of `did`; so is the next. */
async function isTold(answer: Promise<{ text: string; status: number }>, did: number, words: RegExp, visitor: Visitor) {
    const { status, text } = await answer;

    ok(performance.now() - did < GONE_MS + SLACK_MS, `said after ${performance.now() - did} ms`);
    ok(isFailure({ status, text }), text);
    match(text, words);
    const next = await visitor.call('echo', 'still there?');
    ok(next.status === 404 || isFailure(next), next.text);
    ok(!/queue/.test(next.text), next.text);
}

async function killed(visitor: Visitor, which: 'child' | 'helper', before: string[] = []) {
    await visitor.open();
    for (const tool of before) await visitor.ask(tool);
    const child = Number(await visitor.ask('pid'));
    const helper = parentOf(child);
    equal(descriptors(child), 3);
    ok(descriptors(helper) <= 6, `the helper has ${descriptors(helper)} descriptors`);
    const { answer } = await wait(visitor);
    const did = performance.now();
    process.kill(which === 'child' ? child : helper, 'SIGKILL');
    await isTold(answer, did, which === 'child' ? /was killed by SIGKILL/ : /was killed (with its helper|by SIGKILL)/, visitor);
}

async function endsItself(visitor: Visitor, tool: string, words: RegExp) {
    await visitor.open();
    const { answer } = await wait(visitor);
    const did = performance.now();
    const last = await visitor.call(tool);
    match(last.text, words);
    await isTold(answer, did, words, visitor);
}

async function deleted(visitor: Visitor, ...tools: string[]) {
    await visitor.open();
    for (const tool of tools) await visitor.ask(tool);
    equal((await visitor.delete()).status, 200);
}

async function falls(visitor: Visitor, ...tools: string[]) {
    await visitor.open();
    for (const tool of tools) await visitor.ask(tool);
    await sleep(MORE_THAN_IDLE_MS);
}

const rough: Record<string, Way> = {
    'its child killed': (visitor) => killed(visitor, 'child'),
    'its child killed, with a process that hides': (visitor) => killed(visitor, 'child', ['hide']),
    'its helper killed': (visitor) => killed(visitor, 'helper'),
    'its helper killed, with a process that hides': (visitor) => killed(visitor, 'helper', ['hide', 'stubborn']),
    'its child exits': (visitor) => endsItself(visitor, 'die', /exited with status 3/),
    'its child crashes': (visitor) => endsItself(visitor, 'crash', /was killed by SIGSEGV/),
    'deleted, with a process that hides': (visitor) => deleted(visitor, 'hide'),
    'silent, with a process that hides': (visitor) => falls(visitor, 'hide'),
    'deleted, with a child that ignores SIGTERM': (visitor) => deleted(visitor, 'stubborn'),
    'silent, with both': (visitor) => falls(visitor, 'stubborn', 'hide'),
};

/** How often each way is gone in a round; those that end a child cost two processes a session. */
const WEIGHTS = isLong ? { isolatedGentle: 45, sharedGentle: 75, rough: 40, groups: 6 } : { isolatedGentle: 4, sharedGentle: 8, rough: 3, groups: 1 };
const AT_ONCE = isLong ? 120 : 60;

type Errand = { what: string; server: string; way: Way };

function errands(): Errand[] {
    const of = (server: string, ways: Record<string, Way>, times: number) =>
        Object.entries(ways).flatMap(([what, way]) => Array.from({ length: times }, () => ({ what, server, way })));
    const all = [...of('isolated', gentle, WEIGHTS.isolatedGentle), ...of('shared', gentle, WEIGHTS.sharedGentle), ...of('isolated', rough, WEIGHTS.rough)];

    return all.map((each, i) => ({ each, at: (i * 7919) % all.length })).sort((a, b) => a.at - b.at).map(({ each }) => each);
}

/** Fails when `going` takes longer than anything here may. */
async function within<T>(limitMs: number, going: Promise<T>): Promise<T> {
    const late = new AbortController();
    const over = sleep(limitMs, undefined, { signal: late.signal }).then(() => {
        throw new Error(`still not over after ${limitMs} ms`);
    });

    over.catch(() => {});
    return await Promise.race([going, over]).finally(() => late.abort());
}

/** Some at a time; resolves to how many there were, and what went wrong. */
async function runErrands(gatehouse: House, wrong: string[]): Promise<number> {
    const all = errands();
    let next = 0;

    await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
            for (let errand = all[next++]; errand !== undefined; errand = all[next++]) {
                const visitor = new Visitor(gatehouse.url(errand.server));
                await within(60000, errand.way(visitor)).catch((error) => wrong.push(`${errand.server}, ${errand.what}: ${error.message}`));
                visitor.cut();
            }
        }),
    );
    return all.length;
}

// A child that several share ends: each of them hears it, and the next call has a new one -----------------------------

const GROUP = 10;

async function shares(gatehouse: House, server: string, how: 'child' | 'helper' | 'die' | 'hide'): Promise<number> {
    const url = gatehouse.url(server);
    // the group before may still keep the child that is waited with
    const visitors = Array.from({ length: GROUP }, () => new Visitor(url));
    const [first] = visitors as [Visitor];
    await until('a session', 20000, () => first.open().then(() => true, () => sleep(200, false)));
    await Promise.all(visitors.slice(1).map((visitor) => visitor.open()));
    if (how === 'hide') for (const tool of ['hide', 'stubborn']) await first.ask(tool);
    const child = Number(await first.ask('pid'));
    const waiting = await Promise.all(visitors.map(wait));
    const did = performance.now();

    if (how === 'die') await first.call('die');
    else process.kill(how === 'child' ? child : parentOf(child), 'SIGKILL');
    for (const answer of await Promise.all(waiting.map((each) => each.answer))) {
        ok(isFailure(answer), answer.text);
        match(answer.text, how === 'die' ? /exited with status 3/ : /was killed/);
    }
    ok(performance.now() - did < GONE_MS + SLACK_MS);
    await Promise.all(
        visitors.map(async (visitor, i) => {
            const next = await visitor.call('echo', 'again');
            ok(next.status === 200 || /started again in/.test(next.text), next.text);
            if (i % 2 === 0) await visitor.delete();
            visitor.cut();
        }),
    );
    return GROUP;
}

async function runGroups(gatehouse: House, wrong: string[]): Promise<number> {
    const counts = await Promise.all(
        (['child', 'helper', 'die', 'hide'] as const).map(async (how, i) => {
            let count = 0;
            for (let time = 0; time < WEIGHTS.groups; time++) {
                count += await within(60000, shares(gatehouse, `rough${i}`, how)).catch((error) => (wrong.push(`shared by many, ${how}: ${error.message}`), 0));
            }
            return count;
        }),
    );
    return counts.reduce((a, b) => a + b, 0);
}

// How a child that died is told -------------------------------------------------------------------------------------

type Server = { name: string; state: string; detail: string; pid: number };

async function stateOf(gatehouse: House, name: string): Promise<Server> {
    const { text } = await raw(`http://127.0.0.1:${gatehouse.port}/api/status`, 'GET', { authorization: `Bearer ${gatehouse.token}` });
    return (JSON.parse(text) as { servers: Server[] }).servers.find((each) => each.name === name)!;
}

test('one of many isolated children that dies does not take the server down, and is told', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, servers(randomUUID()));
    const visitors = [new Visitor(gatehouse.url('isolated')), new Visitor(gatehouse.url('isolated'))] as const;
    atEnd(t, () => visitors.forEach((visitor) => visitor.cut()));

    for (const visitor of visitors) await visitor.open();
    match((await visitors[0].call('die')).text, /exited with status 3/);
    const { state, detail } = await stateOf(gatehouse, 'isolated');
    deepEqual([state, detail], ['running', 'one of its children exited with status 3']);
    equal(await visitors[1].ask('echo', 'alive'), 'alive');
    match((await visitors[1].call('crash')).text, /was killed by SIGSEGV/);
    deepEqual((await stateOf(gatehouse, 'isolated')).state, 'down');
});

test('a server that is restarted answers those who call meanwhile', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, { shared: { command: difficult } });
    const visitor = await new Visitor(gatehouse.url('shared')).open();
    atEnd(t, () => visitor.cut());
    const restart = `http://127.0.0.1:${gatehouse.port}/api/servers/shared/restart`;
    const before = await visitor.ask('pid');

    await visitor.ask('stubborn'); // so that its end takes its time
    equal((await raw(restart, 'POST', { authorization: `Bearer ${gatehouse.token}` })).status, 200);
    const after = await visitor.ask('pid');
    notEqual(after, before);
    deepEqual((await stateOf(gatehouse, 'shared')).state, 'running');
});

test('a command that cannot be started is named to the operator, not to the client', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, { gone: { command: '/secret/place/server' } });
    const visitor = new Visitor(gatehouse.url('gone'));
    const { status, text } = await visitor.knock();
    visitor.cut();

    equal(status, 502);
    match(text, /gone is down: it could not be started"/);
    ok(!text.includes('secret'));
    match((await stateOf(gatehouse, 'gone')).detail, /could not be started: \/secret\/place\/server: no such file/);
    const added = await gatehouse.command('add', 'more', '--', '/secret/place/other');
    match(added.stdout, /it does not work yet: more is down: it could not be started: \/secret\/place\/other: no such file/);
});

// A client that is killed with all its sessions -----------------------------------------------------------------------

const CLIENT_SESSIONS = 20;

const clientScript = (base: string) => `
    const { Visitor } = await import(${JSON.stringify(new URL('sessions.ts', import.meta.url).pathname)});
    await Promise.all(Array.from({ length: ${CLIENT_SESSIONS} }, async (_, i) => {
        const visitor = await new Visitor(${JSON.stringify(base)}.replace('NAME', i % 2 === 0 ? 'isolated' : 'shared')).open();
        if (i % 3 === 0) await visitor.listen();
        if (i % 3 === 1) visitor.call('quiet').catch(() => {});
        await visitor.ask('echo', 'up');
    }));
    console.log('open');
    setInterval(() => {}, 1000);`;

async function killedClient(t: TestContext, gatehouse: House): Promise<number> {
    const client = run(t, process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', clientScript(gatehouse.url('NAME'))]);

    await until('the sessions of the client', 30000, () => client.stdout.includes('open')).catch((error) => {
        throw new Error(`${error.message} ${client.stderr}`);
    });
    client.child.kill('SIGKILL');
    await client.ended;
    return CLIENT_SESSIONS;
}

// Fork bombs ----------------------------------------------------------------------------------------------------------

async function bombs(t: TestContext, gatehouse: House): Promise<number> {
    const group = boundedGroup(t, 300);
    if (group === undefined) t.diagnostic('no cgroup with pids.max can be made here: 300 processes that hide stand for the fork bomb');
    const neighbour = await new Visitor(gatehouse.url('shared')).open();
    const visitors = await Promise.all([0, 1, 2].map(() => new Visitor(gatehouse.url('isolated')).open()));
    const children: number[] = [];
    for (const visitor of visitors) {
        children.push(Number(await visitor.ask('pid')));
        await visitor.ask('bomb', group ?? '');
    }
    await sleep(500);
    const [first, second, third] = visitors as [Visitor, Visitor, Visitor];
    await first.delete();
    process.kill(children[1]!, 'SIGKILL');
    process.kill(parentOf(children[2]!), 'SIGKILL');
    for (let i = 0; i < 20; i++) ok((await neighbour.call('echo', 'near')).ms < 2000, 'a neighbour of a fork bomb waits');
    for (const pid of children.slice(1)) await until(`the end of process ${pid}`, 20000, () => !existsSync(`/proc/${pid}`));
    for (const visitor of [second, third]) {
        const answer = await visitor.call('echo');
        ok(answer.status === 404 || isFailure(answer), answer.text);
    }
    for (const visitor of [neighbour, ...visitors]) {
        await visitor.delete();
        visitor.cut();
    }
    return 4;
}

// -----------------------------------------------------------------------------------------------------------------------

async function nothingIsLeft(gatehouse: House, mark: string, most: number) {
    const rest = await atRest(gatehouse, mark, 40000);

    deepEqual(rest.left, {});
    deepEqual(rest.processes, []);
    ok(rest.descriptors <= most, `${rest.descriptors} descriptors, ${most} before`);
    return rest;
}

/** The descriptors of one that has served each kind of session once, and has none. */
async function usual(gatehouse: House, mark: string): Promise<number> {
    for (const server of ['isolated', 'shared']) {
        const visitor = new Visitor(gatehouse.url(server));
        await deleted(visitor);
        visitor.cut();
    }
    await gatehouse.settled();
    return (await nothingIsLeft(gatehouse, mark, Infinity)).descriptors;
}

/** Rounds of sessions with one gateway; the memory after each. */
async function rounds(t: TestContext, count: number): Promise<number[]> {
    const mark = randomUUID();
    const gatehouse = await house(t, servers(mark), settings);
    const wrong: string[] = [];
    const kiB: number[] = [];
    const most = await usual(gatehouse, mark);

    t.diagnostic(`at first: ${most} descriptors, ${await settledKiB(gatehouse.pid)} KiB`);
    for (let round = 1; round <= count; round++) {
        const began = performance.now();
        const counts = await Promise.all([runErrands(gatehouse, wrong), runGroups(gatehouse, wrong), killedClient(t, gatehouse)]);
        deepEqual(wrong, []);
        counts.push(await within(60000, bombs(t, gatehouse)));
        const rest = await nothingIsLeft(gatehouse, mark, most);
        const seconds = Math.round((performance.now() - began) / 1000);
        const sessions = counts.reduce((a, b) => a + b, 0);
        kiB.push(await settledKiB(gatehouse.pid));
        t.diagnostic(`round ${round}: ${sessions} sessions in ${seconds} s; left: ${rest.processes.length} processes, ${rest.descriptors} descriptors, ${kiB.at(-1)} KiB`);
        ok(!isLong || sessions >= 1700, `only ${sessions} sessions`);
    }
    equal(await gatehouse.stop(), 'exit code 0');
    return kiB;
}

test('sessions left in every way leave nothing behind, and the memory is what it was', { timeout: isLong ? 1800000 : 240000 }, async (t) => {
    const kiB = await rounds(t, isLong ? 3 : 1);
    if (isLong) ok(kiB[2]! <= kiB[1]! + 1024, `${kiB.join(', ')} KiB`);
});

test('kill -9 of Gatehouse with sessions of every kind open leaves no process', { timeout: 120000 }, async (t) => {
    for (let round = 0; round < (isLong ? 3 : 1); round++) {
        const mark = randomUUID();
        const gatehouse = await house(t, servers(mark));
        const group = boundedGroup(t, 300);
        const visitors = await Promise.all(
            Array.from({ length: isLong ? 100 : 30 }, async (_, i) => {
                const visitor = await new Visitor(gatehouse.url(i % 2 === 0 ? 'isolated' : 'shared')).open();
                for (const tool of [[], ['hide'], ['stubborn'], ['hide', 'stubborn']][Math.floor(i / 2) % 4]!) await visitor.ask(tool);
                if (i === 28) await visitor.ask('bomb', group ?? '');
                if (i % 3 === 0) visitor.call('quiet').catch(() => {});
                return visitor;
            }),
        );
        ok(marked(MARK, mark).length > 30);
        gatehouse.kill('SIGKILL');
        await gatehouse.ended;
        await until('the end of all processes', 15000, () => marked(MARK, mark).length === 0).catch(() => {});
        deepEqual(marked(MARK, mark), []);
        for (const visitor of visitors) visitor.cut();
    }
});

// Servers as people run them: npx, a shell, node ------------------------------------------------------------------------

const npx = spawnSync('npx', ['--version']).status === 0;
const NPX_SESSIONS = isLong ? 50 : 4;
const NPX_AT_ONCE = 4;

/** The pid of the first process of the session's child, npx itself. */
const npxBelow = (helper: Process) => descendants(helper.pid).map((each) => each.pid)[0]!;

test('Node servers under npx leave nothing behind either', { skip: npx ? false : 'no npx here: apt-get install npm', timeout: isLong ? 600000 : 120000 }, async (t) => {
    const mark = randomUUID();
    const entry = { command: 'npx', args: ['--no-install', 'mcp-server-everything', 'stdio'], cwd: join(root, 'tests'), env: { [MARK]: mark }, timeout: 60000 };
    const gatehouse = await house(t, { node: { ...entry, sessionMode: 'isolated' }, ...servers(mark) }, { GATEHOUSE_SESSION_IDLE: '8s' });
    const helpers = () => descendants(gatehouse.pid).filter((each) => parentOf(each.pid) === gatehouse.pid);
    const before = await usual(gatehouse, mark);
    const leave: Way[] = [
        async (visitor) => equal((await visitor.delete()).status, 200),
        () => sleep(10000),
        async () => process.kill(npxBelow(helpers().at(-1)!), 'SIGKILL') && undefined,
        async () => process.kill(helpers()[0]!.pid, 'SIGKILL') && undefined,
        async (visitor) => visitor.cut(),
    ];
    let next = 0;

    await Promise.all(
        Array.from({ length: NPX_AT_ONCE }, async () => {
            for (let i = next++; i < NPX_SESSIONS; i = next++) {
                const visitor = new Visitor(gatehouse.url('node'));
                try {
                    await visitor.open();
                    match((await visitor.request('tools/list')).text, /"echo"/);
                    await leave[i % leave.length]!(visitor);
                } catch (error) {
                    // a helper or child that was killed may have been this one's, or ends while we look
                    match(String(error), /was killed|Session not found|404|502|ESRCH|ENOENT|undefined/);
                }
                visitor.cut();
            }
        }),
    );
    const rest = await nothingIsLeft(gatehouse, mark, before);
    t.diagnostic(`${NPX_SESSIONS} sessions; left: ${rest.processes.length} processes, ${rest.descriptors} descriptors (${before} before)`);

    const open = await Promise.all([0, 1].map(() => new Visitor(gatehouse.url('node')).open()));
    ok(marked(MARK, mark).length >= 4);
    gatehouse.kill('SIGKILL');
    await until('the end of all processes', 15000, () => marked(MARK, mark).length === 0).catch(() => {});
    deepEqual(marked(MARK, mark), []);
    for (const visitor of open) visitor.cut();
});
