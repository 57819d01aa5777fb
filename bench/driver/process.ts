// bench/driver/process.ts: a program that is measured: started on given processors, watched through /proc, stopped.
//
// What it costs is the cost of its whole process tree: all threads of all processes, those that ended included. A stdio
// upstream is part of the tree of whoever started it and is left out by name, as an HTTP upstream is.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const MICROSECONDS_PER_TICK = 1e6 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
const running = new Set<ChildProcess>();

process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

/** Processor lists as taskset takes them; "" leaves the choice to the kernel. */
export function pinned(cpus: string, command: string[]): string[] {
    return cpus === "" ? command : ["taskset", "-c", cpus, ...command];
}

export interface Memory {
    residentKiB: number; // shared pages counted once for each process
    proportionalKiB: number; // shared pages divided among those that have them
    peakKiB: number; // the most that was resident, of each process
}

export class Program {
    readonly child: ChildProcess;
    readonly ended: Promise<unknown>;
    private stderr = "";
    private readonly outside: string | undefined;

    /** `outside` is the name of processes in the tree that do not count. */
    constructor(cpus: string, command: string[], options: { outside?: string; env?: Record<string, string> } = {}) {
        const [file, ...args] = pinned(cpus, command);
        this.outside = options.outside;
        this.child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...options.env } });
        running.add(this.child);
        this.child.stdin!.on("error", () => {});
        this.child.stderr!.on("data", (data) => (this.stderr = (this.stderr + data).slice(-2000)));
        this.ended = once(this.child, "exit").then(() => running.delete(this.child));
    }

    /** The first line of stdout that matches; afterwards stdout is read and forgotten. */
    async line(pattern: RegExp, seconds = 30): Promise<RegExpMatchArray> {
        const lines = createInterface({ input: this.child.stdout! });
        const found = new Promise<RegExpMatchArray>((resolve) =>
            lines.on("line", (line) => {
                const match = line.match(pattern);
                if (match) resolve(match);
            }),
        );
        return within(seconds, `${this.name} to print ${pattern}`, this.orEnd(found));
    }

    get name(): string {
        return this.child.spawnargs.join(" ").slice(0, 120);
    }

    async orEnd<T>(what: Promise<T>): Promise<T> {
        const ended = this.ended.then(() => {
            throw new Error(`${this.name} ended early: ${this.stderr}`);
        });
        ended.catch(() => {}); // when `what` was first
        return Promise.race([what, ended]);
    }

    /** SIGTERM, and SIGKILL to what is left after 15 s. The exit code, or the signal's name. */
    async stop(): Promise<number | string> {
        if (this.child.exitCode === null && this.child.signalCode === null) {
            const tree = this.tree(true);
            const timer = setTimeout(() => tree.forEach((pid) => kill(pid)), 15_000);
            this.child.kill("SIGTERM");
            await this.ended;
            clearTimeout(timer);
            tree.forEach((pid) => kill(pid)); // what a bridge left behind
        }
        return this.child.exitCode ?? this.child.signalCode ?? "?";
    }

    tree(all = false): number[] {
        const pids = [this.child.pid!];
        for (let i = 0; i < pids.length; i++) {
            for (const task of list(`/proc/${pids[i]}/task`)) {
                pids.push(...numbers(text(`/proc/${pids[i]}/task/${task}/children`)));
            }
        }
        return pids.filter((pid) => all || text(`/proc/${pid}/comm`).trim() !== this.outside);
    }

    /** User and system time so far, of everything in the tree. */
    cpuMicroseconds(): number {
        let sum = 0;
        for (const pid of this.tree()) {
            let threads = 0; // exact, but only of those that live
            for (const task of list(`/proc/${pid}/task`)) {
                threads += (numbers(text(`/proc/${pid}/task/${task}/schedstat`))[0] ?? 0) / 1000;
            }
            const ticks = text(`/proc/${pid}/stat`).split(") ").pop()!.split(" ").map(Number); // from field 3 on
            const own = ((ticks[11] ?? 0) + (ticks[12] ?? 0)) * MICROSECONDS_PER_TICK;
            const endedChildren = ((ticks[13] ?? 0) + (ticks[14] ?? 0)) * MICROSECONDS_PER_TICK;
            sum += Math.max(threads, own) + endedChildren;
        }
        return sum;
    }

    memory(): Memory {
        const sum = { residentKiB: 0, proportionalKiB: 0, peakKiB: 0 };
        for (const pid of this.tree()) {
            const status = text(`/proc/${pid}/status`);
            sum.residentKiB += Number(status.match(/^VmRSS:\s+(\d+)/m)?.[1] ?? 0);
            sum.peakKiB += Number(status.match(/^VmHWM:\s+(\d+)/m)?.[1] ?? 0);
            sum.proportionalKiB += Number(text(`/proc/${pid}/smaps_rollup`).match(/^Pss:\s+(\d+)/m)?.[1] ?? 0);
        }
        return sum;
    }
}

function kill(pid: number): void {
    try {
        process.kill(pid, "SIGKILL");
    } catch {
        // gone already
    }
}

// Processes end while they are looked at: what is gone counts nothing.
function text(path: string): string {
    try {
        return readFileSync(path, "utf8");
    } catch {
        return "";
    }
}

function list(path: string): string[] {
    try {
        return readdirSync(path);
    } catch {
        return [];
    }
}

function numbers(from: string): number[] {
    return (from.match(/\d+/g) ?? []).map(Number);
}

export async function within<T>(seconds: number, what: string, promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`waited ${seconds} s for ${what}`)), seconds * 1000);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs to its end; stdout. Any other exit code than `good` is an error that has stderr's text. */
export async function output(cpus: string, command: string[], good = [0]): Promise<string> {
    const [file, ...args] = pinned(cpus, command);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    running.add(child);
    child.stdout.on("data", (data) => (stdout += data));
    child.stderr.on("data", (data) => (stderr += data));
    const [code] = await once(child, "close");
    running.delete(child);
    if (!good.includes(code)) throw new Error(`${command.join(" ")}: exit ${code}\n${stderr}${stdout}`);
    if (code !== 0) process.stderr.write(stderr);
    return stdout;
}

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, "close");
    return port;
}

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
