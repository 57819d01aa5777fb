// kill -9 at random moments while eight `gatehouse stdio snapshots` save into one home, as eight clients would: every
// snapshot that was acknowledged is there, whole, its id its own, and the database is sound.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { atEnd, built, House, isLong } from '../e2e/harness.ts';

const KILLS = isLong ? 200 : 15;
const SAVERS = 8;
const IN_FLIGHT = 3; // calls of one client that wait at once
const MOST_MS = 250; // between two kills

type Saved = { id: number; summary: string };

const text = (summary: string) => Array(1 + (Number.parseInt(summary, 36) % 200)).fill(`${summary} größe 数据库`).join(' ');

class Saver {
    static count = 0;
    readonly acknowledged: Saved[] = [];
    readonly refused: string[] = [];
    readonly child: ChildProcessWithoutNullStreams;
    readonly ended: Promise<unknown>;
    said = '';
    #asked = new Map<number, string>();

    constructor(home: string) {
        this.child = spawn(built('gatehouse'), ['stdio', 'snapshots', '--home', home], { env: { ...process.env, HOME: home } });
        this.ended = new Promise((resolve) => this.child.on('close', (_code, signal) => resolve(signal)));
        this.child.stderr.on('data', (said) => (this.said += said));
        this.child.stdin.on('error', () => {}); // it was killed
        createInterface(this.child.stdout).on('line', (line) => this.#take(line));
        this.#send({
            id: 0, method: 'initialize',
            params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'saver', version: '1' } },
        });
    }

    #send(message: object) {
        this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    }

    #save() {
        const id = ++Saver.count;
        const summary = (id * 7919).toString(36);

        this.#asked.set(id, summary);
        this.#send({ id, method: 'tools/call', params: { name: 'save_snapshot', arguments: { summary, context: text(summary) } } });
    }

    #take(line: string) {
        if (!line.endsWith('}')) return; // it was killed while it wrote
        const { id, result, error } = JSON.parse(line);

        if (id === 0) {
            this.#send({ method: 'notifications/initialized' });
            for (let i = 0; i < IN_FLIGHT; i++) this.#save();
        } else if (this.#asked.has(id)) {
            if (error !== undefined || result.isError) this.refused.push(line);
            else this.acknowledged.push({ id: result.structuredContent.id, summary: this.#asked.get(id)! });
            this.#save();
        }
    }
}

test(`after kill -9 of eight that save, ${KILLS} times, all that was acknowledged is there`, { timeout: 1_200_000 }, async (t) => {
    const { home } = new House(t);
    const path = join(home, 'users/local/snapshots.db');
    const all: Saver[] = [];
    let savers: Saver[] = [];
    const start = () => {
        const saver = new Saver(home);
        all.push(saver);
        return saver;
    };
    const end = async (saver: Saver) => {
        assert.equal(saver.child.exitCode, null, `it ended by itself: ${saver.said}`);
        saver.child.kill('SIGKILL');
        assert.equal(await saver.ended, 'SIGKILL', saver.said);
    };
    atEnd(t, () => all.forEach((saver) => saver.child.kill('SIGKILL')));

    savers = Array.from({ length: SAVERS }, start);
    for (let i = 0; i < KILLS; i++) {
        await sleep(Math.random() * MOST_MS);
        if (i % 5 === 4) { // all at once: who comes then finds the log that nobody wrote back
            await Promise.all(savers.map(end));
            savers = Array.from({ length: SAVERS }, start);
            await sleep(MOST_MS);
            continue;
        }
        const which = Math.floor(Math.random() * SAVERS);
        await end(savers[which]!);
        savers[which] = start();
    }
    await sleep(1000);
    await Promise.all(savers.map(end));

    const sql = (query: string) =>
        JSON.parse(execFileSync('sqlite3', ['-json', path, '.timeout 5000', query], { encoding: 'utf8', maxBuffer: 1 << 30 }) || '[]');
    const acknowledged = all.flatMap((saver) => saver.acknowledged);
    const rows = new Map<number, { summary: string; context: string }>(
        sql('SELECT id, summary, context FROM snapshot').map((row: { id: number; summary: string; context: string }) => [row.id, row]),
    );
    assert.deepEqual(all.flatMap((saver) => saver.refused), []);
    assert.ok(acknowledged.length > KILLS, `only ${acknowledged.length} were acknowledged`);
    assert.equal(new Set(acknowledged.map(({ id }) => id)).size, acknowledged.length, 'an id was given twice');
    for (const { id, summary } of acknowledged) assert.equal(rows.get(id)?.summary, summary, `snapshot ${id} was acknowledged`);
    for (const [id, { summary, context }] of rows) assert.equal(context, text(summary), `snapshot ${id} is half of one`);
    execFileSync(built('gatehouse'), ['snapshots', 'verify', '--home', home]); // not sqlite3, which from 3.44 on wants our tokenizer
    assert.equal(all.filter(({ said }) => /damaged/.test(said)).length, 0);
    t.diagnostic(`${acknowledged.length} snapshots were acknowledged in ${KILLS} kills, ${rows.size} are there`);
});
