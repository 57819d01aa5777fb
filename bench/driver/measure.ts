// bench/driver/measure.ts: one target under one load: what it did, what it cost, and what it recorded of it.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { cpus } from "node:os";
import { freePort, type Memory, output, pause, Program } from "./process.ts";
import { direct, remove, type Running, start, startUpstream, stop, type Target, temporary, tool } from "./targets.ts";

export interface Cell {
    connections: number;
    size: number; // bytes of JSON of each request
}

/** What bench/load prints. */
export interface Load {
    calls: number;
    errors: number;
    seconds: number;
    calls_per_second: number;
    p50_us: number;
    p99_us: number;
    max_us: number;
}

export interface Recorded {
    answered: number; // calls that the load saw answered
    recorded: number; // of these, rows in the database with an outcome
    twice: number;
    unknown: number; // rows with an id that was not answered: none, when no call failed
    diskBytes: number; // of the database and its companions after a clean stop
    checkpointedBytes: number;
    problem?: string;
}

export interface Sample extends Load {
    target: string;
    cell: Cell;
    cpuMicroseconds: number; // a call
    idle: Memory;
    loaded: Memory;
    exit: number | string;
    recorded?: Recorded;
}

// Ids say which load they came from; load.c wants twelve digits.
export const FIRST_ID = 100_000_000_000;
export const RUNS_APART = 1_000_000_000;

export interface Placement {
    program: string;
    load: string;
}

/** At one connection all share a processor, so that no wake-up of another is measured; else the program has its own. */
export function placement(connections: number): Placement {
    if (cpus().length < 2) return { program: "", load: "" };
    return connections === 1 ? { program: "1", load: "1" } : { program: "0", load: "1" };
}

/** Loads one running program and keeps count of the ids it answered. */
export class Loader {
    readonly ids: string[] = []; // files
    answered = 0;
    errors = 0;
    private readonly running: Running;
    private readonly cpus: string;

    constructor(running: Running, cpus: string) {
        this.running = running;
        this.cpus = cpus;
    }

    async run(cell: Cell, length: { seconds: number } | { calls: number }, word?: string): Promise<Load> {
        const ids = join(this.running.dir, `ids-${this.ids.length}`);
        const amount = "calls" in length ? ["--calls", `${length.calls}`] : ["--seconds", `${length.seconds}`];
        const command = [
            tool("load"), "--url", this.running.url, "--connections", `${cell.connections}`, "--size", `${cell.size}`,
            "--session", this.running.target.era ?? "per-connection", "--first-id", `${FIRST_ID + RUNS_APART * this.ids.length}`, "--ids", ids, "--json",
            ...amount, ...(word ? ["--word", word] : []),
        ];
        const load = JSON.parse(await output(this.cpus, command, [0, 1])) as Load; // 1: a call failed; it is counted
        this.ids.push(ids);
        this.answered += load.calls;
        this.errors += load.errors;
        return load;
    }
}

/** Compares the answered ids with the rows in the database of a stopped gateway. */
export function recordedOf(target: Target, dir: string, loader: Loader): Recorded {
    const path = join(dir, target.records!.file);
    const size = () => ["", "-wal", "-shm"].reduce((sum, end) => sum + (existsSync(path + end) ? statSync(path + end).size : 0), 0);
    const result: Recorded = { answered: loader.answered, recorded: 0, twice: 0, unknown: 0, diskBytes: 0, checkpointedBytes: 0 };
    const seen = new Map<number, Uint8Array>(); // by run: 1 answered, 2 recorded as well

    for (const file of loader.ids) {
        for (const line of readFileSync(file, "latin1").split("\n")) {
            if (line !== "") mark(seen, Number(line))!.array[mark(seen, Number(line))!.at] = 1;
        }
    }
    try {
        result.diskBytes = size();
        const database = new DatabaseSync(path);
        const rows = database.prepare(target.records!.ids);
        for (const row of rows.iterate()) {
            const place = mark(seen, Number((row as { id: string }).id), false);
            if (place === undefined || place.array[place.at] === 0) result.unknown++;
            else if (place.array[place.at] === 2) result.twice++;
            else {
                place.array[place.at] = 2;
                result.recorded++;
            }
        }
        database.exec("pragma wal_checkpoint(truncate)");
        database.close();
        result.checkpointedBytes = size();
    } catch (error) {
        result.problem = (error as Error).message;
    }
    return result;
}

function mark(seen: Map<number, Uint8Array>, id: number, add = true): { array: Uint8Array; at: number } | undefined {
    const run = Math.floor((id - FIRST_ID) / RUNS_APART);
    const at = (id - FIRST_ID) % RUNS_APART;
    let array = seen.get(run);
    if (!Number.isSafeInteger(id) || at < 0 || (!add && (array === undefined || at >= array.length))) return undefined;
    if (array === undefined || at >= array.length) {
        const larger = new Uint8Array(Math.max(1 << 16, at * 2));
        if (array) larger.set(array);
        seen.set(run, (array = larger));
    }
    return { array, at };
}

/** Warm-up, then the load that counts, with the program's cost on both sides of it. */
export async function loadAndWatch(running: Running, loader: Loader, cell: Cell, seconds: { warm: number; measured: number }) {
    await loader.run(cell, { seconds: seconds.warm });
    const before = running.program.cpuMicroseconds();
    const load = await loader.run(cell, { seconds: seconds.measured });
    await pause(600); // what is written after the answers is part of a call's cost
    const cost = running.program.cpuMicroseconds() - before;
    return { load, cpuMicroseconds: cost / Math.max(1, load.calls), loaded: running.program.memory() };
}

/** A fresh program with a fresh home, measured and stopped. */
export async function measure(target: Target, cell: Cell, seconds: { warm: number; measured: number }): Promise<Sample> {
    const places = placement(cell.connections);
    const running = await start(target, places);
    const loader = new Loader(running, places.load);
    try {
        await pause(1000);
        const idle = running.program.memory();
        const { load, cpuMicroseconds, loaded } = await loadAndWatch(running, loader, cell, seconds);
        const exit = await stop(running);
        const recorded = target.records ? recordedOf(target, running.dir, loader) : undefined;
        return { ...load, target: target.name, cell, cpuMicroseconds, idle, loaded, exit, recorded };
    } finally {
        await stop(running);
        remove(running.dir);
    }
}

/** Microseconds from start to the first answered call, so many times. */
export async function firstAnswers(target: Target, times: number): Promise<number[]> {
    const places = placement(1);
    const dir = temporary();
    const upstream = target === direct ? undefined : await startUpstream(places.load);
    const took: number[] = [];
    try {
        for (let i = 0; i < times; i++) {
            const port = await freePort();
            const { command, path, env } = target.prepare(dir, port, upstream?.url ?? "");
            const variables = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`);
            const setting = variables.length > 0 ? ["env", ...variables] : [];
            const url = `http://${target.host}:${port}${path}`;
            took.push(Number(await output("", [tool("first_answer"), "--url", url, "--", ...setting, ...command])));
        }
    } finally {
        await upstream?.program.stop();
        remove(dir);
    }
    return took;
}

export interface Streams {
    open: number;
    failed: number;
    kibEach: number; // growth of the tree's resident memory, for session and stream together
}

/** What sessions cost that only listen: each with a GET event stream on which nothing comes. */
export async function idleStreams(target: Target, count: number): Promise<Streams> {
    const places = placement(32);
    const running = await start(target, places);
    const loader = new Loader(running, places.load);
    let holder: Program | undefined;
    try {
        await loader.run({ connections: 32, size: 350 }, { calls: 1000 });
        await pause(1000);
        const before = running.program.memory().residentKiB;
        holder = new Program(places.load, [tool("streams"), "--url", running.url, "--count", `${count}`, "--era", target.era ?? "legacy"]);
        const [, open, failed] = await holder.line(/^(\d+) open, (\d+) failed/, 300);
        await pause(1000);
        const kibEach = (running.program.memory().residentKiB - before) / Math.max(1, Number(open));
        return { open: Number(open), failed: Number(failed), kibEach };
    } finally {
        await holder?.stop();
        await stop(running);
        remove(running.dir);
    }
}
