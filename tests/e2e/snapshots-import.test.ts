// Who used WhenMoon-afk's server finds all of it in Gatehouse, under the same numbers, in the same words: its databases of
// every generation are read where they lie, never written to, each row once, and what is added to them later as well.

import { deepEqual, equal, match } from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { addOld, ask, fingerprint, generations, idsOf, oldDatabase, oldList, oldPrompt, Person, timeless, ways } from './snapshots.ts';
import type { Client, OldRow } from './snapshots.ts';

const row = (id: number, more: Partial<OldRow> = {}): OldRow => ({
    id,
    name: null,
    summary: `summary ${id}`,
    context: `context ${id}`,
    next_steps: null,
    created_at: `2025-11-0${Math.min(9, id)} 10:20:30`,
    ...more,
});

/** With holes where something was deleted, two of one second, two of one name, and every kind of text. */
const rows: OldRow[] = [
    row(1),
    row(3, { name: 'v1-whole', next_steps: 'Add logins', continuation_prompt: "I'm resuming work on: summary 3\n\n## Current State\ncontext 3\n\n## Next Steps\nAdd logins" }),
    row(4, { created_at: '2025-11-03 10:20:30', continuation_prompt: 'Resuming: summary 4\n\nContext:\ncontext 4' }),
    row(5, { name: 'v1-whole', summary: 'the same name again', continuation_prompt: ' \n' }), // what is only blank counts as none
    row(6, { name: '名前 with "quotes" and \'more\'', summary: 'Größe, Ωmega, 世界 🌍', context: 'נקודה\nточка\nنقطة', next_steps: 'próximo' }),
    row(7, { context: '' }), // an object without keys was saved so
    row(8, { context: 'Files:\n- a.ts\n\nCode State:\n{\n  "a": 1\n}', continuation_prompt: 'Resuming: summary 8\n\nContext:\nFiles:\n- a.ts\n\nCode State:\n{\n  "a": 1\n}' }),
    row(9, { summary: 'two\nlines', context: 'word '.repeat(40000) }), // 200 KB
    row(41, { created_at: '2025-12-31 23:59:59' }),
]; // prettier-ignore

const without = (all: OldRow[]): OldRow[] => all.map((each) => ({ ...each, continuation_prompt: undefined }) as OldRow);

async function sameAsOld(client: Client, all: OldRow[]): Promise<void> {
    equal((await ask(client, 'list_snapshots', { limit: 1000 })).text, oldList(all));
    for (const each of all) equal((await ask(client, 'load_snapshot', { id: each.id })).text, oldPrompt(each), `#${each.id}`);
    for (const name of new Set(all.map((each) => each.name).filter((each) => each !== null))) {
        const newest = all.filter((each) => each.name === name).at(-1)!;
        equal((await ask(client, 'load_snapshot', { name })).text, oldPrompt(newest), name);
    }
}

for (const generation of generations)
    for (const way of ways)
        test(`a database of the kind "${generation}" comes over whole, by the first answer over ${way}`, { timeout: 60000 }, async (t) => {
            const person = new Person(t);
            const path = person.path('old', 'snapshots.db');
            const all = generation === 'first' || generation === 'grown' ? without(rows) : rows;
            oldDatabase(t, path, generation, rows);
            person.env['SNAPSHOT_DB_PATH'] = path;
            const before = fingerprint(dirname(path));

            await sameAsOld(await person.client(way), all);
            deepEqual(fingerprint(dirname(path)), before);
        });

test('all places where it may lie are looked at, each database once', { timeout: 60000 }, async (t) => {
    const person = new Person(t);
    const places = [person.path('.claude-snapshots/snapshots.db'), person.path('.local/share/claude-snapshots/snapshots.db'), person.path('mine/own.db')];
    places.forEach((path, i) => oldDatabase(t, path, 'whole', [row(1, { name: `place ${i}`, summary: `first of ${i}` }), row(2 + i)]));
    mkdirSync(person.path('links'));
    symlinkSync(places[2]!, person.path('links/again.db'));
    person.env['SNAPSHOT_DB_PATH'] = person.path('links/again.db');
    const before = places.map((path) => fingerprint(dirname(path)));
    const client = await person.client('HTTP');

    equal(idsOf((await ask(client, 'list_snapshots')).text).length, 6);
    for (const name of ['place 0', 'place 1', 'place 2']) match((await ask(client, 'load_snapshot', { name })).text, /^Resuming: first of \d\n/);
    await person.end();
    equal(idsOf((await ask(await person.client('stdio'), 'list_snapshots')).text).length, 6);
    deepEqual(places.map((path) => fingerprint(dirname(path))), before); // prettier-ignore
});

test('the data directory of the system is looked at where it was said to be', { timeout: 60000 }, async (t) => {
    const person = new Person(t);
    oldDatabase(t, person.path('data/claude-snapshots/snapshots.db'), 'whole', rows);
    oldDatabase(t, person.path('.local/share/claude-snapshots/snapshots.db'), 'whole', [row(70)]); // not that one then
    person.env['XDG_DATA_HOME'] = person.path('data');

    await sameAsOld(await person.client('stdio'), rows);
});

test('each row comes over once, and what the old server adds later at the next start', { timeout: 90000 }, async (t) => {
    const person = new Person(t);
    const path = person.path('.claude-snapshots/snapshots.db');
    oldDatabase(t, path, 'whole', [row(1), row(2), row(3)]);

    let client = await person.client('HTTP');
    deepEqual(idsOf((await ask(client, 'list_snapshots')).text), [3, 2, 1]);
    equal((await ask(client, 'delete_snapshot', { id: 2 })).failed, false);
    equal((await ask(client, 'save_snapshot', { summary: 'of today', context: 'c' })).text, 'Saved snapshot #4');
    await person.end();

    client = await person.client('HTTP');
    deepEqual(idsOf((await ask(client, 'list_snapshots')).text), [4, 3, 1]); // nor does what was deleted come back
    await person.end();

    // Number 4 is taken here meanwhile: theirs gets another, and both are there.
    addOld(path, row(4, { name: 'their fourth', created_at: '2025-11-20 00:00:00' }), row(50, { name: 'their fiftieth' }));
    const before = fingerprint(dirname(path));
    client = await person.client('HTTP');
    const ids = idsOf((await ask(client, 'list_snapshots')).text);
    equal(ids.length, 5);
    match((await ask(client, 'load_snapshot', { id: 4 })).text, /^Resuming: of today\n/);
    match((await ask(client, 'load_snapshot', { name: 'their fourth' })).text, /^Resuming: summary 4\n/);
    match((await ask(client, 'load_snapshot', { id: 50 })).text, /^Resuming: summary 50\n/);
    await person.end();

    client = await person.client('stdio');
    deepEqual(idsOf((await ask(client, 'list_snapshots')).text), ids);
    deepEqual(fingerprint(dirname(path)), before);
});

test('texts that no client may save now come over all the same, readable', { timeout: 60000 }, async (t) => {
    const person = new Person(t);
    const odd: OldRow[] = [
        row(1, { context: 'Windows\r\nlines\r\n' }),
        row(2, { context: 'a terminal: \x1b[31mred\x1b[0m, a bell \x07' }),
        row(3, { summary: '', context: '' }), // by another hand
        row(4, { name: 'n'.repeat(5000), summary: 'long '.repeat(10000), next_steps: 'x'.repeat(100000) }), // over what one may save in one part
    ];
    oldDatabase(t, person.path('.claude-snapshots/snapshots.db'), 'whole', odd);
    const client = await person.client('HTTP');

    deepEqual(idsOf((await ask(client, 'list_snapshots')).text), [4, 3, 2, 1]);
    equal((await ask(client, 'load_snapshot', { id: 4 })).text, oldPrompt(odd[3]!));
    match((await ask(client, 'load_snapshot', { id: 1 })).text, /^Resuming: summary 1\n\nContext:\nWindows\r?\nlines\r?\n/);
    match((await ask(client, 'load_snapshot', { id: 2 })).text, /red/);
});

test('what lies there and is none of its databases keeps nobody from working', { timeout: 90000 }, async (t) => {
    const things: Record<string, (path: string) => unknown> = {
        'a folder': (path) => mkdirSync(path),
        'a text': (path) => writeFileSync(path, 'not a database, but longer than its first hundred bytes. '.repeat(100)),
        'an empty file': (path) => writeFileSync(path, ''),
        'nothing': () => undefined,
        'a database of something else': (path) => {
            const database = new DatabaseSync(path);
            database.exec('create table snapshots (title text); insert into snapshots values (1)');
            database.close();
        },
    };

    for (const [what, make] of Object.entries(things))
        await t.test(what, async (t) => {
            const person = new Person(t);
            mkdirSync(person.path('old'));
            make(person.path('old/snapshots.db'));
            person.env['SNAPSHOT_DB_PATH'] = person.path('old/snapshots.db');
            const before = fingerprint(person.path('old'));

            for (const way of ways) equal((await ask(await person.client(way), 'save_snapshot', { summary: way, context: 'c' })).failed, false);
            equal(timeless((await ask(await person.client('HTTP'), 'list_snapshots')).text), '#2 - HTTP [TIME]\n#1 - stdio [TIME]');
            deepEqual(fingerprint(person.path('old')), before);
        });
});
