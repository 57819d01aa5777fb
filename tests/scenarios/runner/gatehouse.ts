// A Gatehouse of its own for one run: started on an empty home with the scenario's servers, asked what it recorded, ended.

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Message } from './message.ts';

const run = promisify(execFile);

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
    #binary: string;
    #home: string;
    #process?: ChildProcess;
    #exit?: Promise<string>;
    #said = '';

    constructor(binary: string, home: string) {
        this.#binary = binary;
        this.#home = home;
    }

    async start(entries: Record<string, unknown>, house: House = {}): Promise<void> {
        const settings = Object.entries(house.settings ?? {}).map(([key, value]) => [
            `GATEHOUSE_${key.toUpperCase().replaceAll('.', '_')}`,
            String(value),
        ]);
        const env = { ...process.env, GATEHOUSE_HOME: this.#home, ...Object.fromEntries(settings) };

        await writeFile(`${this.#home}/mcp.json`, JSON.stringify({ mcpServers: entries }, null, 2), { mode: 0o600 });
        if (house.token !== undefined) await writeFile(`${this.#home}/token`, house.token, { mode: 0o600 });
        const gatehouse = spawn(this.#binary, ['serve', '--home', this.#home, '--port', '0'], { env, stdio: 'pipe' });

        this.#process = gatehouse;
        this.#exit = new Promise((resolve) => {
            gatehouse.on('error', (error) => resolve(String(error)));
            gatehouse.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
        });
        gatehouse.stderr.on('data', (text) => (this.#said += text));
        this.port = await Promise.race([
            new Promise<number>((resolve) => {
                gatehouse.stdout.on('data', (text) => {
                    this.#said += text;
                    const url = /^.*http:\/\/localhost:(\d+).*$/m.exec(this.#said);
                    if (url) resolve(Number(url[1]));
                });
            }),
            this.#exit.then((how) => Promise.reject(new Error(`gatehouse did not start: ${how}; ${this.tail()}`))),
        ]);
    }

    /** Resolves to what was wrong with the ending; undefined for exit code 0 after SIGTERM. */
    async stop(): Promise<string | undefined> {
        if (this.#process?.pid === undefined) return undefined;
        this.#process.kill('SIGTERM');
        const timer = setTimeout(() => this.#process!.kill('SIGKILL'), 15000);
        const how = await this.#exit!;
        clearTimeout(timer);
        return how === 'exit code 0' ? undefined : `${how}; ${this.tail()}`;
    }

    /** The last of what it said. */
    tail(): string {
        return this.#said.trim().split('\n').slice(-8).join(' | ').slice(-1200);
    }

    async rows(where: string): Promise<Row[]> {
        const columns = 'CAST(id AS TEXT) AS id, server, method, target, outcome, kind, error_code, http_status';
        const query = `SELECT ${columns} FROM exchange WHERE ${where} ORDER BY exchange.id`;
        const { stdout } = await run('sqlite3', ['-readonly', '-json', `${this.#home}/traffic.db`, query]);
        return stdout.trim() === '' ? [] : JSON.parse(stdout);
    }

    async messages(id: string): Promise<Message[]> {
        const { stdout } = await run(this.#binary, ['logs', '--home', this.#home, '--json', '--messages', id]);
        const lines = stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line));
        return lines.find((line) => line.id === id)?.messages ?? [];
    }

    async status(): Promise<string> {
        const { stdout } = await run(this.#binary, ['status', '--home', this.#home]);
        return stdout;
    }
}
