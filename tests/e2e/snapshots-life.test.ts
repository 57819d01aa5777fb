// Snapshots as a program on a machine: how it starts, what it leaves on the disk, how it ends; and what a program that a
// model wrote does with it, by the patterns that the old server's documents name.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { atEnd, built, until } from './harness.ts';
import { ask, askOrRefuse, idsOf, officials, Person } from './snapshots.ts';
import type { Client, Message } from './snapshots.ts';

/** `gatehouse stdio snapshots` without a client between: what it says, line by line, and how it ends. */
function program(t: TestContext, person: Person) {
    const child = spawn(built('gatehouse'), ['stdio', 'snapshots'], { env: { PATH: process.env['PATH'] ?? '', ...person.env }, stdio: 'pipe' });
    const it = { child, lines: [] as string[], said: '', ended: Promise.resolve('') };

    createInterface({ input: child.stdout }).on('line', (line) => it.lines.push(line));
    child.stderr.on('data', (text) => (it.said += text));
    it.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`)));
    atEnd(t, () => child.kill('SIGKILL'));
    return {
        ...it,
        said: () => it.said,
        async request(id: number, method: string, params: Message): Promise<Message> {
            child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
            const line = await until(`an answer to ${id}`, 20000, () => it.lines.find((each) => JSON.parse(each).id === id));
            return JSON.parse(line) as Message;
        },
    };
}

const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'by hand', version: '1' } };
const save = (summary: string) => ({ name: 'save_snapshot', arguments: { summary, context: 'c' } });

for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`${signal} ends it with 0, and what was answered is kept`, { timeout: 60000 }, async (t) => {
        const person = new Person(t);
        const it = program(t, person);

        await it.request(1, 'initialize', hello);
        equal((await it.request(2, 'tools/call', save(signal)))['result'].content[0].text, 'Saved snapshot #1');
        it.child.kill(signal);
        equal(await it.ended, 'exit code 0');
        match((await ask(await person.client('stdio'), 'load_snapshot')).text, new RegExp(`^Resuming: ${signal}\n`));
    });

test('the end of what it reads ends it, when all is answered', { timeout: 60000 }, async (t) => {
    const person = new Person(t);
    const it = program(t, person);
    const requests = [{ id: 1, method: 'initialize', params: hello }, ...Array.from({ length: 50 }, (_, i) => ({ id: i + 2, method: 'tools/call', params: save(`no. ${i}`) }))];

    it.child.stdin.end(requests.map((each) => `${JSON.stringify({ jsonrpc: '2.0', ...each })}\n`).join(''));
    equal(await it.ended, 'exit code 0');
    const saved = it.lines.map((line) => JSON.parse(line)).filter(({ result }) => /^Saved/.test(result?.content?.[0]?.text));
    equal(saved.length, 50);
    equal(idsOf((await ask(await person.client('stdio'), 'list_snapshots')).text).length, 50);
});

test('it says on stderr what it is and where it keeps what it is told; stdout is for the protocol alone', { timeout: 60000 }, async (t) => {
    const person = new Person(t);
    const it = program(t, person);

    await it.request(1, 'initialize', hello);
    await it.request(2, 'tools/call', save('s'));
    it.child.stdin.end();
    equal(await it.ended, 'exit code 0');
    match(it.said(), /snapshots running on stdio/);
    match(it.said(), /\.gatehouse/);
    for (const line of it.lines) equal(JSON.parse(line).jsonrpc, '2.0');
});

test('what it keeps is its owner\'s alone, in a file that survives a loss of power', { timeout: 60000 }, async (t) => {
    const person = new Person(t);
    await ask(await person.client('stdio'), 'save_snapshot', { summary: 's', context: 'c' });
    const path = person.path('.gatehouse/users/local/snapshots.db');
    const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);

    deepEqual([person.path('.gatehouse'), person.path('.gatehouse/users'), person.path('.gatehouse/users/local'), path].map(mode), ['700', '700', '700', '600']); // prettier-ignore
    const database = new DatabaseSync(path, { readOnly: true });
    equal((database.prepare('pragma journal_mode').get() as Message)['journal_mode'], 'wal');
    equal((database.prepare('pragma integrity_check').get() as Message)['integrity_check'], 'ok');
    database.close();
});

test('a tool that is not there is refused by its name', { timeout: 60000 }, async (t) => {
    const person = new Person(t);
    for (const official of officials) {
        const answer = await askOrRefuse(await person.client('HTTP', official), 'forget_everything');
        equal(answer.code, -32602);
        match(answer.text, /forget_everything/);
    }
});

// What programs do ------------------------------------------------------------------------------------------------------

const listed = async (client: Client, given: Message = {}) => (await ask(client, 'list_snapshots', given)).result['structuredContent']['snapshots'] as Message[];

test('a program cleans up: all without a name that are old enough', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP', 'client 2.4.0');
    for (let i = 1; i <= 12; i++) await ask(client, 'save_snapshot', { summary: `s${i}`, context: 'c', ...(i % 3 === 0 && { name: `kept ${i}` }) });

    const before = Date.now() + 1000;
    const old = (await listed(client)).filter(({ name, created_at }) => name === undefined && Date.parse(created_at) < before);
    equal(old.length, 8);
    for (const { id } of old) equal((await ask(client, 'delete_snapshot', { id })).text, `Deleted snapshot #${id}`);
    deepEqual((await listed(client)).map(({ name }) => name), ['kept 12', 'kept 9', 'kept 6', 'kept 3']); // prettier-ignore
});

test('a program keeps the state of a project, and reads it back as data', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP', 'client 2.4.0 at 2026-07-28');
    const states = ['planning', 'building', 'testing', 'done'];

    for (const state of states) {
        const { text, result } = await ask(client, 'save_snapshot', { project: 'harbour', summary: `Now ${state}`, context: { state, step: states.indexOf(state) } });
        match(text, /^Saved snapshot #\d+$/);
        const { id } = result['structuredContent'];
        const loaded = (await ask(client, 'load_snapshot', { project: 'harbour' })).result['structuredContent'];
        equal(loaded['id'], id);
        deepEqual(loaded['structured'], { state, step: states.indexOf(state) });
        equal(loaded['project'], 'harbour');
    }
});

test('a long memory is read page by page, each once, while more is saved', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP');
    for (let i = 1; i <= 25; i++) await ask(client, 'save_snapshot', { summary: `s${i}`, context: 'c', tags: i % 2 === 0 ? ['even'] : [] });

    for (const [filter, wanted] of [
        [{}, Array.from({ length: 25 }, (_, i) => 25 - i)],
        [{ tag: 'even' }, Array.from({ length: 12 }, (_, i) => 24 - 2 * i)],
    ] as [Message, number[]][]) {
        const seen: number[] = [];
        let cursor: string | undefined;
        do {
            const { result } = await ask(client, 'list_snapshots', { limit: 7, ...filter, ...(cursor !== undefined && { cursor }) });
            seen.push(...result['structuredContent']['snapshots'].map(({ id }: Message) => id));
            cursor = result['structuredContent']['next_cursor'];
            await ask(client, 'save_snapshot', { summary: 'meanwhile', context: 'c', tags: ['other'] });
        } while (cursor !== undefined);
        deepEqual(seen.filter((id) => id <= 25), wanted); // prettier-ignore
    }
});

test('an update is a new version, and the older one can still be read', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP');
    await ask(client, 'save_snapshot', { summary: 'first', context: 'c', name: 'n', tags: ['a'], importance: 5 });
    await ask(client, 'update_snapshot', { id: 1, summary: 'second' });

    equal((await ask(client, 'load_snapshot', { id: 1 })).text, 'Resuming: second\n\nContext:\nc');
    equal((await ask(client, 'load_snapshot', { id: 1, version: 1 })).text, 'Resuming: first\n\nContext:\nc');
    const { structuredContent: now } = (await ask(client, 'load_snapshot', { name: 'n' })).result;
    deepEqual([now['version'], now['tags'], now['importance']], [2, ['a'], 5]);
    equal(idsOf((await ask(client, 'list_snapshots')).text).length, 1);
});

test('what is deleted lies in the bin, and comes back as it was', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP');
    await ask(client, 'save_snapshot', { summary: 'kept', context: 'c', name: 'n' });
    await ask(client, 'delete_snapshot', { id: 1 });

    equal((await ask(client, 'load_snapshot', { name: 'n' })).failed, true);
    equal((await ask(client, 'restore_snapshot', { id: 1 })).failed, false);
    equal((await ask(client, 'load_snapshot', { name: 'n' })).text, 'Resuming: kept\n\nContext:\nc');
    equal((await ask(client, 'restore_snapshot', { id: 1 })).failed, true);
});

// Fewer tokens ------------------------------------------------------------------------------------------------------------

/** As most tokenizers count English: four letters, or a sign. */
const tokens = (text: string) => [...text.matchAll(/\p{L}{1,4}|\p{N}{1,3}|[^\p{L}\p{N}\s]|\n+/gu)].length;

const work = {
    summary: 'The tide service answers, and the gauges of six harbours are read',
    context: {
        files: ['src/service/tide.ts', 'src/service/gauge.ts', 'src/service/harbour.ts', 'src/store/readings.ts', 'test/service/tide.test.ts'],
        decisions: ['Heights are whole centimetres', 'Times are UTC, and shown in the zone of the harbour', 'A silent gauge is asked again after ten minutes'],
        blockers: ['The gauge at Bergen is silent since Tuesday'],
        code_state: { tests_passing: true, coverage: '95%', branch: 'gauges', open_questions: ['Which datum?', 'Who pays for the modem?'] },
        notes: 'The chart datum of 1989 differs by 7 cm.\nAsk the harbour master.',
    },
    next_steps: 'Call Bergen. Then draw the curve of a day.',
};

test('the compact form has the same facts in fewer tokens, and says what it left out', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP');
    await ask(client, 'save_snapshot', work);
    const full = (await ask(client, 'load_snapshot')).text;
    const compactOf = async (given: Message) => (await ask(client, 'load_snapshot', given)).text;
    const compact = await compactOf({ max_tokens: 10000 });
    const facts = ['tide.ts', 'gauge.ts', 'harbour.ts', 'readings.ts', 'tide.test.ts', 'whole centimetres', 'zone of the harbour', 'ten minutes', 'Bergen is silent', '95%', 'Which datum?', 'modem', '7 cm', 'harbour master', 'Call Bergen', 'curve of a day'];

    for (const fact of facts) ok(compact.includes(fact), `${fact} in ${compact}`);
    ok(tokens(compact) < 0.9 * tokens(full), `${tokens(compact)} tokens of ${tokens(full)}`);
    for (const most of [20, 50, 100]) {
        const cut = await compactOf({ max_tokens: most });
        ok(tokens(cut) <= 1.5 * most + 20, `${tokens(cut)} tokens for ${most}: ${cut}`);
        match(cut, /left out|omitted/i);
    }
    const resumed = JSON.stringify(await client.getPrompt({ name: 'resume', arguments: {} }));
    for (const fact of facts) ok(resumed.includes(fact), `${fact} in the prompt`);
});
