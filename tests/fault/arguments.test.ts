// Every row of arguments.tsv against the snapshots of a Gatehouse with AddressSanitizer and UndefinedBehaviorSanitizer, over
// HTTP and on stdio: it is answered as the row says, what is refused leaves nothing behind, and nothing is given away.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { atEnd, House, open, sanitized } from '../e2e/harness.ts';
import { Person } from '../e2e/snapshots.ts';
import type { Message } from '../e2e/snapshots.ts';
import { bytesOf } from './inputs.ts';
import type { Values } from './inputs.ts';

const ROW_LIMIT_MS = 30000;
const sanitizers = { ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1', UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' };

// The table -----------------------------------------------------------------------------------------------------------

const expectations = ['wrong', 'unread', 'right', 'any'] as const;
type Case = { line: number; name: string; expected: (typeof expectations)[number]; tool: string; names: string[]; given: Buffer };

function casesOf(path: string): Case[] {
    const all: Case[] = [];
    const values: Values = {};
    let group = '';
    let places: { tool: string; names: string[]; source: string }[] = [];

    readFileSync(path, 'utf8').split('\n').forEach((line, index) => {
        const [first = '', second = '', third = '', fourth = ''] = line.split('\t');
        if (line === '' || line.startsWith('#')) return;
        if (first === 'let') values[second] = third;
        else if (line.startsWith('== ')) [group, places] = [line.slice(3), []];
        else if (first === 'in') places.push({ tool: second, names: third === '-' ? [] : third.split('|'), source: fourth });
        else {
            const expected = expectations.find((each) => each === first);
            if (expected === undefined || places.length === 0) throw new Error(`arguments.tsv:${index + 1}: ${line}`);
            for (const { tool, names, source } of places) {
                const given = bytesOf(source.replaceAll('\\(row)', () => third), values);
                all.push({ line: index + 1, name: `${group}: ${second}, ${tool} ${names[0] ?? ''}`, expected, tool, names, given });
            }
        }
    });
    return all;
}

// Ways in ---------------------------------------------------------------------------------------------------------------

/** Sends a line of bytes, which may be no JSON, and gives the answer: with its id, or with none when there was none to read. */
type Send = (body: Buffer, id: number) => Promise<Message>;

const callOf = (id: number, tool: string, given: Buffer) =>
    Buffer.concat([Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":`), given, Buffer.from('}}')]);

async function overHttp(t: TestContext, person: Person): Promise<{ send: Send; end: () => Promise<string> }> {
    const house = new House(t);
    house.home = person.env['GATEHOUSE_HOME']!;
    await house.start({ ...person.env, ...sanitizers }, sanitized('gatehouse'));
    const url = house.url('snapshots');
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...(await open(url)) };

    return {
        send: async (body) => {
            const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body), signal: AbortSignal.timeout(ROW_LIMIT_MS) });
            const text = await answer.text();
            return JSON.parse(/^data: ?(\{.*)$/m.exec(text)?.[1] ?? text) as Message;
        },
        end: () => house.stop(),
    };
}

async function onStdio(t: TestContext, person: Person): Promise<{ send: Send; end: () => Promise<string> }> {
    const child: ChildProcess = spawn(sanitized('gatehouse'), ['stdio', 'snapshots'], { env: { ...process.env, ...person.env, ...sanitizers }, stdio: 'pipe' });
    const answers: Message[] = [];
    let said = '';
    let rest = '';
    let heard = () => {};
    const ended = new Promise<string>((resolve) => child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}${code === 0 ? '' : `: ${said.slice(-3000)}`}`)));

    atEnd(t, () => child.kill('SIGKILL'));
    child.stdin!.on('error', () => {});
    child.stderr!.on('data', (text) => (said += text));
    child.stdout!.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        answers.push(...lines.map((line) => JSON.parse(line) as Message));
        heard();
    });
    const send: Send = async (body, id) => {
        const late = AbortSignal.timeout(ROW_LIMIT_MS);
        child.stdin!.write(Buffer.concat([body, Buffer.from('\n')]));
        for (;;) {
            const at = answers.findIndex((each) => each['id'] === id || (each['error'] !== undefined && (each['id'] ?? null) === null));
            if (at >= 0) return answers.splice(at, 1)[0]!;
            await new Promise<void>((resolve, reject) => {
                heard = resolve;
                late.onabort = () => reject(new Error(`no answer to ${id}: ${said.slice(-500)}`));
            });
        }
    };
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'hand', version: '1' } };
    await send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: hello })), 0);
    child.stdin!.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    return {
        send,
        end: async () => {
            child.stdin!.end();
            return await ended;
        },
    };
}

// What must not change --------------------------------------------------------------------------------------------------

function filesBelow(folder: string): string[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => !/-(wal|shm|journal)$|traffic|tasks\.db|\/backups/.test(path)).sort();
}

/** Whether something was stored: a look from outside. */
class Watcher {
    #database: DatabaseSync;
    #version = 0;
    #content = '';

    constructor(t: TestContext, path: string) {
        this.#database = new DatabaseSync(path, { readOnly: true });
        atEnd(t, () => this.#database.close());
        this.look();
    }

    /** Remembers how it is. */
    look(): void {
        this.#version = this.#commits();
        this.#content = this.#all();
    }

    /** Since then. A commit that leaves all as it was is none. */
    hasChanged(): boolean {
        return this.#commits() !== this.#version && this.#all() !== this.#content;
    }

    #commits(): number {
        return (this.#database.prepare('pragma data_version').get() as { data_version: number }).data_version;
    }

    /** All rows of all tables, as one number; but for the inside of the index of words, which is tidied now and then. */
    #all(): string {
        const tables = "select name from sqlite_schema where type = 'table' and sql not like 'create virtual%' and name not glob 'words_*' order by name";
        const hash = createHash('sha256');
        for (const { name } of this.#database.prepare(tables).all() as { name: string }[])
            hash.update(`${name}:${JSON.stringify(this.#database.prepare(`select * from "${name}"`).all())}\n`);
        return hash.digest('hex');
    }
}

/** Words that say how it is made, or where it lies. What the caller said itself may be said back. */
const secret = /sqlite|\bsql\b|fts5|no such (table|column)|constraint|syntax error|\busers\/local|snapshots\.db|\.gatehouse|gatehouse-person|\/tmp\/|\/home\/|\.[ch]:\d|0x[0-9a-f]{8}|addresssanitizer|runtime error|yyjson/i;

function given(answer: string, said: Buffer): string | undefined {
    const found = secret.exec(answer)?.[0];
    return found !== undefined && !said.toString('latin1').toLowerCase().includes(found.toLowerCase()) ? found : undefined;
}

// A row -------------------------------------------------------------------------------------------------------------------

const said = (answer: Message): string => answer['error']?.message ?? answer['result']?.content?.map((each: Message) => each['text']).join('\n') ?? '';

function kindOf(answer: Message): (typeof expectations)[number] {
    if (answer['error'] !== undefined) return answer['error'].code === -32602 ? 'wrong' : 'unread';
    return answer['result']?.isError === true ? 'wrong' : 'right';
}

/** What is wrong with the answer to a row; nothing, when all is well. */
function judge({ expected, names, given: bytes }: Case, answer: Message): string[] {
    const kind = kindOf(answer);
    const text = said(answer);
    const secretSaid = given(JSON.stringify(answer), bytes);
    const findings: string[] = [];
    // A parser may see what is unread before the tool can; that it was refused in words is enough.
    const fits = expected === 'any' || kind === expected || (expected === 'unread' && kind === 'wrong');

    if (!fits) findings.push(`is ${kind}`);
    if (secretSaid !== undefined) findings.push(`gives away ${secretSaid}`);
    if (/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text)) findings.push('says control characters back');
    if (kind !== 'right' && text.length < 8) findings.push('has no words');
    if (kind !== 'right' && text.length > 1000) findings.push(`says ${text.length} characters`);
    if (kind === 'wrong' && expected === 'wrong' && names.length > 0 && !names.some((name) => text.toLowerCase().includes(name.replace('_', ' ')) || text.toLowerCase().includes(name)))
        findings.push(`does not name ${names.join(' or ')}`);
    return findings.length === 0 ? [] : [`${findings.join(', ')}: ${text.slice(0, 300)}`];
}

for (const [way, enter] of Object.entries({ HTTP: overHttp, stdio: onStdio }))
    test(`every wrong argument of the table, over ${way}`, { timeout: 600000 }, async (t) => {
        assert.ok(existsSync(sanitized('gatehouse')), `${sanitized('gatehouse')} is built by the stage fault: script/test fault`);
        const person = new Person(t);
        const home = person.env['GATEHOUSE_HOME']!;
        mkdirSync(home, { mode: 0o700 });
        const { send, end } = await enter(t, person);
        let id = 0;
        const call = async (tool: string, bytes: Buffer) => await send(callOf(++id, tool, bytes), id);
        const findings: string[] = [];

        const kept = await call('save_snapshot', Buffer.from('{"summary":"kept","context":"what was there before","name":"kept"}'));
        assert.equal(said(kept), 'Saved snapshot #1 (kept)', JSON.stringify(kept));
        const watcher = new Watcher(t, join(home, 'users/local/snapshots.db'));
        const files = filesBelow(home);

        for (const one of casesOf(join(import.meta.dirname, 'arguments.tsv'))) {
            const answer = await call(one.tool, one.given);
            const wrong = judge(one, answer);

            if (kindOf(answer) === 'right') {
                const saved = /^Saved snapshot #(\d+)/.exec(said(answer))?.[1];
                if (saved !== undefined) await call('delete_snapshot', Buffer.from(`{"id":${saved}}`));
                if (one.tool === 'update_snapshot') await call('update_snapshot', Buffer.from('{"id":1,"summary":"kept","name":"kept"}'));
                watcher.look();
            } else if (watcher.hasChanged()) {
                wrong.push('was refused, and something is stored that was not');
                watcher.look();
            }
            const list = await call('list_snapshots', Buffer.from('{}'));
            if (!/^#1 \(kept\) - kept \[[-: \d]+\]$/.test(said(list))) wrong.push(`the list is then: ${JSON.stringify(list).slice(0, 300)}`);
            findings.push(...wrong.map((what) => `arguments.tsv:${one.line}: ${one.name}: ${what}`));
        }
        assert.deepEqual(findings, []);
        assert.deepEqual(filesBelow(home), files);
        assert.equal(await end(), 'exit code 0');
    });
