// A Gatehouse of its own for one run: started on an empty home with the scenario's servers, asked what it recorded,
// ended.

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Message } from './message.ts';

const START_LIMIT_MS = 10000;
const ASK_LIMIT_MS = 5000;
const STOP_LIMIT_MS = 15000; // its drain takes 10 s at most

const ask = (program: string, args: string[]) => promisify(execFile)(program, args, { timeout: ASK_LIMIT_MS });

export type Row = {
    id: string;
    server: string;
    method: string;
    target: string | null;
    outcome: string | null;
    kind: string;
    error_code: number | null;
    http_status: number | null;
};

/** What a scenario may want of Gatehouse itself. */
export type House = { settings?: Record<string, string | number | boolean>; token?: string };

export class Gatehouse {
    port = 0;
    since = '0'; // rows up to this id are not looked at
    #binary: string;
    #home: string;
    #env: Record<string, string>;
    #process?: ChildProcess;
    #exit?: Promise<string>;
    #said = '';

    constructor(binary: string, home: string, env: Record<string, string> = {}) {
        this.#binary = binary;
        this.#home = home;
        this.#env = env;
    }

    get pid(): number {
        return this.#process?.pid ?? 0;
    }

    /** Whether it ended by itself, or was never started. */
    get isGone(): boolean {
        return this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
    }

    async writeRegistry(entries: Record<string, unknown>): Promise<void> {
        await writeFile(`${this.#home}/mcp.json`, JSON.stringify({ mcpServers: entries }, null, 2), { mode: 0o600 });
    }

    async start(entries: Record<string, unknown>, house: House = {}): Promise<void> {
        const settings = Object.entries(house.settings ?? {}).map(([key, value]) => [
            `GATEHOUSE_${key.toUpperCase().replaceAll('.', '_')}`,
            String(value),
        ]);
        const env = { ...process.env, GATEHOUSE_HOME: this.#home, ...Object.fromEntries(settings), ...this.#env };

        await this.writeRegistry(entries);
        if (house.token !== undefined) await writeFile(`${this.#home}/token`, house.token, { mode: 0o600 });
        const gatehouse = spawn(this.#binary, ['serve', '--home', this.#home, '--port', '0'], { env, stdio: 'pipe' });

        this.#process = gatehouse;
        this.#exit = new Promise((resolve) => {
            gatehouse.on('error', (error) => resolve(String(error)));
            gatehouse.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
        });
        gatehouse.stderr.on('data', (text) => (this.#said += text));
        this.port = await new Promise<number>((resolve, reject) => {
            const fail = (how: string) => reject(new Error(`gatehouse did not start: ${how}; ${this.tail()}`));
            const timer = setTimeout(() => fail('no URL in time'), START_LIMIT_MS);

            void this.#exit!.then(fail).then(() => clearTimeout(timer));
            gatehouse.stdout.on('data', (text) => {
                this.#said += text;
                const url = /http:\/\/localhost:(\d+).*\n/.exec(this.#said);
                if (url === null) return;
                clearTimeout(timer);
                resolve(Number(url[1]));
            });
        });
    }

    /** Resolves to what was wrong with the ending; undefined for exit code 0 after SIGTERM. */
    async stop(): Promise<string | undefined> {
        if (this.#process?.pid === undefined) return undefined;
        this.#process.kill('SIGTERM');
        const timer = setTimeout(() => this.#process!.kill('SIGKILL'), STOP_LIMIT_MS);
        const how = await this.#exit!;
        clearTimeout(timer);
        return how === 'exit code 0' ? undefined : `${how}; ${this.tail()}`;
    }

    /** All that it said. */
    get said(): string {
        return this.#said;
    }

    /** The last of what it said. */
    tail(): string {
        return this.#said.trim().split('\n').slice(-8).join(' | ').slice(-1200);
    }

    async rows(where: string): Promise<Row[]> {
        const columns = 'CAST(id AS TEXT) AS id, server, method, target, outcome, kind, error_code, http_status';
        const query = `SELECT ${columns} FROM exchange WHERE ${where} AND exchange.id > ${this.since} ORDER BY exchange.id`;
        const { stdout } = await ask('sqlite3', ['-readonly', '-json', `${this.#home}/traffic.db`, query]);
        return stdout.trim() === '' ? [] : JSON.parse(stdout);
    }

    async messages(id: string): Promise<Message[]> {
        const { stdout } = await ask(this.#binary, ['logs', '--home', this.#home, '--json', '--messages', id]);
        const lines = stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line));
        return lines.find((line) => line.id === id)?.messages ?? [];
    }

    async status(): Promise<string> {
        const { stdout } = await ask(this.#binary, ['status', '--home', this.#home]);
        return stdout;
    }
}
