// A Gatehouse that is kept over many runs of one scenario, with the shim in it. Each run has servers of its own: the
// registry is written anew, and with the old entries their sessions and children go.

import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Gatehouse } from '../scenarios/runner/gatehouse.ts';
import type { House } from '../scenarios/runner/gatehouse.ts';
import { Shim } from './shim.ts';

const REGISTER_LIMIT_MS = 10000;
const REST_LIMIT_MS = 10000;

/** What must be the same afterwards. */
export type Holdings = { descriptors: number; children: number; exchanges: number; streams: number; sessions: number };

export class NthHouse {
    gatehouse: Gatehouse;
    shim: Shim;
    home: string;
    binary: string;
    #generation = 0;
    #usesBuiltIn = false;

    constructor(binary: string, home: string) {
        this.binary = binary;
        this.home = home;
        this.shim = new Shim(home);
        this.gatehouse = new Gatehouse(binary, home, this.shim.environment('gatehouse'));
    }

    /** It has sessions too, which end when its entry is another. */
    #builtIn(): Record<string, unknown> {
        return { snapshots: this.#usesBuiltIn ? { timeout: 30000 + this.#generation } : { enabled: false } };
    }

    /** Returns when what is built in has copied what it keeps, which it does once a day: that opens files. */
    async settle(): Promise<void> {
        const giveUpAt = performance.now() + REST_LIMIT_MS;
        const copies = `${this.home}/users/local/backups`;

        while (this.#usesBuiltIn && !(existsSync(copies) && readdirSync(copies).some((name) => name.endsWith('.db')))) {
            if (performance.now() > giveUpAt) throw new Error('no copy was made of what is built in');
            await sleep(50);
        }
    }

    /** For the sockets of a run's children. */
    nextDirectory(): string {
        return mkdtempSync(`${this.home}/run-`);
    }

    async start(house: House, usesBuiltIn: boolean): Promise<void> {
        this.#usesBuiltIn = usesBuiltIn;
        await this.gatehouse.start(this.#builtIn(), house);
        if (!this.shim.isIn) throw new Error('the shim is not in');
    }

    async stop(): Promise<string | undefined> {
        const ending = await this.gatehouse.stop();
        this.shim.close();
        return ending;
    }

    /** Returns when Gatehouse has these servers: it then has the entry that only marks this registry, too. */
    async register(entries: Record<string, unknown>): Promise<void> {
        const mark = `mark-${++this.#generation}`;
        const giveUpAt = performance.now() + REGISTER_LIMIT_MS;

        await this.gatehouse.writeRegistry({ ...this.#builtIn(), ...entries, [mark]: { type: 'http', url: 'http://127.0.0.1:1/mcp' } });
        process.kill(this.gatehouse.pid, 'SIGHUP');
        while ((await this.#ask(`/api/servers/config/${mark}`)).status !== 200) {
            if (performance.now() > giveUpAt || this.gatehouse.isGone) throw new Error('the registry was not taken');
            await sleep(5);
        }
    }

    async #ask(path: string): Promise<{ status: number; text: string }> {
        const token = (await readFile(`${this.home}/token`, 'utf8')).trim();
        const headers = { host: `localhost:${this.gatehouse.port}`, authorization: `Bearer ${token}`, connection: 'close' };

        return new Promise((resolve, reject) => {
            const options = { host: '127.0.0.1', port: this.gatehouse.port, path, headers, agent: false, setHost: false };
            const request = http.get(options, (answer) => {
                let text = '';
                answer.setEncoding('utf8');
                answer.on('data', (piece) => (text += piece));
                answer.on('end', () => resolve({ status: answer.statusCode!, text }));
                answer.on('error', reject);
            });
            request.on('error', reject);
        });
    }

    async #holdings(): Promise<Holdings> {
        const { pid } = this.gatehouse;
        const { text } = await this.#ask('/api/status');
        const live = JSON.parse(text).liveObjects;
        const tasks = readdirSync(`/proc/${pid}/task`);
        const children = tasks.flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ')).filter(Boolean);
        return { descriptors: readdirSync(`/proc/${pid}/fd`).length, children: children.length, ...live };
    }

    /** With no server registered; waits until nothing is held over `most`, if it is given, and tells what is held. */
    async rest(most?: Holdings): Promise<Holdings> {
        const giveUpAt = performance.now() + REST_LIMIT_MS;

        await this.register({});
        for (let before: Holdings | undefined; ; ) {
            const now = await this.#holdings();
            const isQuiet = most === undefined ? isSame(before, now) && isEmpty(now) : isWithin(now, most);
            if (isQuiet || performance.now() > giveUpAt) return now;
            before = now;
            await sleep(most === undefined ? 100 : 20);
        }
    }
}

const KEYS = ['descriptors', 'children', 'exchanges', 'streams', 'sessions'] as const;

export function isWithin(now: Holdings, most: Holdings): boolean {
    return KEYS.every((key) => now[key] <= most[key]);
}

function isEmpty(now: Holdings): boolean {
    return KEYS.every((key) => key === 'descriptors' || now[key] === 0);
}

function isSame(a: Holdings | undefined, b: Holdings): boolean {
    return a !== undefined && KEYS.every((key) => a[key] === b[key]);
}
