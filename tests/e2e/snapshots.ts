// What the tests of snapshots share: a person with a home that holds no memory yet, the clients that ask for theirs, and
// databases as the server of WhenMoon-afk left them (facts of its 1.0 and 1.1; the SQL is ours).

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { Peer, officials } from '../conformance/peers.ts';
import type { Client, Official } from '../conformance/peers.ts';
import type { Message } from '../conformance/schemas.ts';
import { atEnd, built, House } from './harness.ts';

export const ways = ['stdio', 'HTTP'] as const;
export type Way = (typeof ways)[number];
export { officials };
export type { Client, Message, Official };

// A person ----------------------------------------------------------------------------------------------------------

export class Person {
    /** Their home directory, and in it that of Gatehouse. */
    readonly home: string;
    readonly env: Record<string, string>;
    /** The gateway for HTTP; it runs from the first connection that wants it on. */
    house: House | undefined;
    #t: TestContext;

    constructor(t: TestContext, env: Record<string, string> = {}) {
        this.#t = t;
        this.home = mkdtempSync(join(tmpdir(), 'gatehouse-person-'));
        atEnd(t, () => rmSync(this.home, { recursive: true, force: true }));
        this.env = { HOME: this.home, XDG_DATA_HOME: '', SNAPSHOT_DB_PATH: '', GATEHOUSE_HOME: join(this.home, '.gatehouse'), ...env };
    }

    path(...parts: string[]): string {
        return join(this.home, ...parts);
    }

    /** Where a client finds them. Over stdio nothing else need run: a client starts it as it started the old server. */
    async place(way: Way): Promise<{ url: string } | { command: string; args: string[]; env: Record<string, string> }> {
        if (way === 'stdio') return { command: built('gatehouse'), args: ['stdio', 'snapshots'], env: { PATH: process.env['PATH'] ?? '', ...this.env } };
        return { url: (await this.serve()).url('snapshots') };
    }

    async serve(): Promise<House> {
        if (this.house !== undefined) return this.house;
        const house = new House(this.#t);
        house.home = this.env['GATEHOUSE_HOME']!;
        mkdirSync(house.home, { mode: 0o700, recursive: true });
        await house.start(this.env);
        return (this.house = house);
    }

    /** The gateway ends; the next connection over HTTP starts another. */
    async end(): Promise<string | undefined> {
        const house = this.house;
        this.house = undefined;
        return await house?.stop();
    }

    /** A client of theirs; it ends with the test, or by `close`. */
    async client(way: Way, official: Official = 'sdk 1.32.2'): Promise<Client> {
        return (await new Peer(official).connect(this.#t, await this.place(way))).client;
    }

    async peer(way: Way, official: Official): Promise<Peer> {
        return await new Peer(official).connect(this.#t, await this.place(way));
    }
}

// Asking ------------------------------------------------------------------------------------------------------------

/** Of a tool's result: its first block, in which the old server said all it had to say, whether it failed, and the rest. */
export type Answer = { text: string; failed: boolean; result: Message };

export async function ask(client: Client, tool: string, given: Message = {}): Promise<Answer> {
    const result = await client.callTool({ name: tool, arguments: given });
    return { text: result['content']?.[0]?.text ?? '', failed: result['isError'] === true, result };
}

/** The same where an error of the protocol is an answer as well. */
export async function askOrRefuse(client: Client, tool: string, given: Message = {}): Promise<Answer & { code?: number }> {
    try {
        return await ask(client, tool, given);
    } catch (error) {
        const { code, message } = error as Error & { code?: number };
        return { text: message, failed: true, result: {}, ...(code !== undefined && { code }) };
    }
}

/** Ids in the order in which a text names them: `#7` at the beginning of a line. */
export const idsOf = (text: string): number[] => [...text.matchAll(/^#(\d+)\b/gm)].map(([, id]) => Number(id));

/** Times of saving are chance. */
export const timeless = (text: string) => text.replace(/\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]/g, '[TIME]');

// The old server's databases ------------------------------------------------------------------------------------------

export type OldRow = {
    id: number;
    name: string | null;
    summary: string;
    context: string;
    next_steps: string | null;
    created_at: string;
    continuation_prompt?: string; // of a row without: what the column says by itself
};

/** first: before prompts were stored. grown: such a file, opened since by a server that stores them. whole: 1.0 and 1.1.
 *  wal: of the branch that wrote ahead, its last rows not yet in the file itself. */
export const generations = ['first', 'grown', 'whole', 'wal'] as const;
export type Generation = (typeof generations)[number];

const schema = `
    create table snapshots (
        id integer primary key autoincrement, name text, summary text not null, context text not null, next_steps text,
        created_at text not null default (datetime('now')));
    create index idx_snapshots_created_at on snapshots (created_at desc);
    create index idx_snapshots_name on snapshots (name) where name is not null;`;
const prompts = `alter table snapshots add column continuation_prompt text not null default ''`;

function insert(database: DatabaseSync, row: OldRow): void {
    const { continuation_prompt: prompt, ...rest } = row;
    const all = Object.entries(prompt === undefined ? rest : row);
    const names = all.map(([name]) => name);

    database.prepare(`insert into snapshots (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`).run(...all.map(([, value]) => value as string));
}

/** Makes one. Of `wal` the writer stays until the test ends, as a server that still runs. */
export function oldDatabase(t: TestContext, path: string, generation: Generation, rows: OldRow[]): void {
    mkdirSync(dirname(path), { recursive: true });
    const database = new DatabaseSync(path);

    if (generation === 'wal') database.exec('pragma journal_mode = wal; pragma wal_autocheckpoint = 0');
    database.exec(schema);
    if (generation === 'whole' || generation === 'wal') database.exec(prompts);
    for (const row of rows) insert(database, generation === 'first' || generation === 'grown' ? { ...row, continuation_prompt: undefined } : row);
    if (generation === 'grown') database.exec(prompts);
    if (generation === 'wal') atEnd(t, () => database.close());
    else database.close();
}

/** What the old server does when it is used once more. */
export function addOld(path: string, ...rows: OldRow[]): void {
    const database = new DatabaseSync(path);
    rows.forEach((row) => insert(database, row));
    database.close();
}

export const newestFirst = (rows: OldRow[]) =>
    [...rows].sort((a, b) => (a.created_at === b.created_at ? b.id - a.id : a.created_at < b.created_at ? 1 : -1));

/** What 1.1 says of such rows. */
export const oldList = (rows: OldRow[]) =>
    newestFirst(rows)
        .map(({ id, name, summary, created_at }) => `#${id}${name ? ` (${name})` : ''} - ${summary} [${created_at}]`)
        .join('\n');

export function oldPrompt({ summary, context, next_steps, continuation_prompt }: OldRow): string {
    if (continuation_prompt !== undefined && continuation_prompt.trim() !== '') return continuation_prompt;
    return `Resuming: ${summary}\n\nContext:\n${context}${next_steps ? `\n\nNext:\n${next_steps}` : ''}`;
}

/** Everything about a folder that somebody who reads must leave as it is. */
export function fingerprint(folder: string): Record<string, string> {
    const one = (name: string) => {
        const path = join(folder, name);
        const { mtimeMs, mode, size } = statSync(path);
        // The index of a log is shared memory: each reader takes a lock in it, and says how far it reads.
        if (name.endsWith('-shm')) return 'there';
        if (statSync(path).isDirectory()) return `folder ${mode}`;
        return `${size} ${mode} ${mtimeMs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
    };
    return Object.fromEntries(readdirSync(folder).sort().map((name) => [name, one(name)]));
}
