// bench/driver/snapshots.ts: a memory of 100,000 snapshots: what saving, loading and searching take, on a disk and where
// syncing costs nothing; beside the same commit in SQLite alone, and beside the memory server of the MCP project.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { placement } from "./measure.ts";
import { freePort, output, Program } from "./process.ts";
import { build, remove, root, tool } from "./targets.ts";

const MEMORY = "/dev/shm"; // a file system without a disk: what is left is not the disk's
const TMPFS = 0x01021994;
const PEER = join(root, "tests/node_modules/@modelcontextprotocol/server-memory/dist/index.js");
const PEER_CALLS = 20; // it reads all of its file for each, and writes all of it to add one
const WARM = 500; // saves before those that count: a log that still grows syncs its length as well
const NAMED = 10; // of so many snapshots one has a name

export type Place = "disk" | "no disk";

export interface Timing {
    program: string;
    what: string;
    place: Place;
    round: number;
    calls: number;
    errors: number;
    p50_us: number;
    p95_us: number;
    max_us: number;
}

export interface Snapshots {
    stored: number;
    fillSeconds: number;
    bytesEach: number; // of the database, over the snapshots in it
    timings: Timing[];
    exits: (number | string)[];
}

// Texts ---------------------------------------------------------------------------------------------------------------

/** The same numbers in each run. */
function chance(seed: number): () => number {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

interface Text {
    name?: string;
    summary: string;
    context: string;
    next_steps: string;
}

/** Texts as a person saves them: a sentence, a page, a sentence, of words some of which are frequent and most rare. */
class Author {
    private readonly words: string[];
    private readonly next = chance(13);

    constructor(words: string[]) {
        this.words = words;
    }

    private some(count: number): string {
        return Array.from({ length: count }, () => this.words[Math.floor(this.words.length * this.next() ** 3)]).join(" ");
    }

    text(number: number): Text {
        const name = number % NAMED === 0 ? { name: `milestone-${number}` } : {};
        return { ...name, summary: this.some(10), context: this.some(90), next_steps: this.some(8) };
    }

    number(below: number): number {
        return Math.floor(below * this.next());
    }

    word(from: number, to: number): string {
        return this.words[from + this.number(to - from)];
    }
}

type Call = [tool: string, given: unknown];

/** What is asked of the memory, each so many times. */
function questions(author: Author, stored: number): Record<string, () => Call> {
    const names = Math.floor(stored / NAMED);
    return {
        "load latest": () => ["load_snapshot", {}],
        "load by name": () => ["load_snapshot", { name: `milestone-${(1 + author.number(names)) * NAMED}` }],
        "list 20": () => ["list_snapshots", { limit: 20 }],
        "search, a rare word": () => ["search_snapshots", { query: author.word(3000, 4096), limit: 10 }],
        "search, a frequent word": () => ["search_snapshots", { query: author.word(0, 20), limit: 10 }],
        "search, two words": () => ["search_snapshots", { query: `${author.word(20, 400)} ${author.word(20, 400)}`, limit: 10 }],
        "search, a beginning": () => ["search_snapshots", { query: `${author.word(400, 4096).slice(0, 4)}*`, limit: 10 }],
    };
}

const lines = (count: number, make: (i: number) => Call) =>
    Array.from({ length: count }, (_, i) => make(i)).map(([name, given]) => `${name}\t${JSON.stringify(given)}\n`).join("");

// Programs ------------------------------------------------------------------------------------------------------------

interface Run {
    dir: string; // for files of calls
    cpus: string;
    calls: number;
    author: Author;
    result: Snapshots;
    written: number; // snapshots given out so far
}

async function timed(run: Run, what: Omit<Timing, "calls" | "errors" | "p50_us" | "p95_us" | "max_us">, command: string[]): Promise<void> {
    const measured = JSON.parse(await output(run.cpus, command, [0, 1])) as Timing;
    run.result.timings.push({ ...what, ...measured });
}

async function ask(run: Run, of: { program: string; place: Place; round: number }, what: string, text: string, where: string[], warm = 0): Promise<void> {
    const calls = join(run.dir, "calls");
    writeFileSync(calls, text);
    await timed(run, { ...of, what }, [tool("ask"), "--calls", calls, ...(warm > 0 ? ["--warm", `${warm}`] : []), ...where]);
}

function saves(run: Run, count: number): string {
    return lines(count, () => ["save_snapshot", run.author.text(++run.written)]);
}

async function gatehouse(run: Run, home: string, use: (url: string) => Promise<void>): Promise<void> {
    const port = await freePort();
    const program = new Program(run.cpus, [join(build, "gatehouse"), "serve", "--home", home, "--port", String(port)], {
        env: { HOME: join(run.dir, "nobody"), XDG_DATA_HOME: "", SNAPSHOT_DB_PATH: "", GATEHOUSE_SNAPSHOTS_QUOTA: "100GiB" },
    });
    try {
        await program.line(/^http:/);
        await use(`http://127.0.0.1:${port}/s/snapshots/mcp`);
    } finally {
        run.result.exits.push(await program.stop());
    }
}

const databaseOf = (home: string) => join(home, "users", "local", "snapshots.db");

/** A copy for raw_save, which has none of our code: SQLite's tokenizer in the place of ours. */
function rawCopy(from: string, to: string): string {
    mkdirSync(to, { recursive: true });
    const path = join(to, "raw.db");
    cpSync(databaseOf(from), path);
    const database = new DatabaseSync(path);
    database.exec(
        "pragma writable_schema = on;" +
            "update sqlite_schema set sql = replace(sql, '''gatehouse''', '''unicode61 remove_diacritics 2''') where name = 'words'",
    );
    database.close();
    return path;
}

async function raw(run: Run, of: { place: Place; round: number }, database: string): Promise<void> {
    const rows = join(run.dir, "rows");
    const text = Array.from({ length: WARM + run.calls }, () => run.author.text(++run.written))
        .map(({ name, summary, context, next_steps }) => `${[name ?? "", summary, context, next_steps].join("\t")}\n`);
    writeFileSync(rows, text.join(""));
    await timed(run, { program: "SQLite alone", what: "save", ...of }, [tool("raw_save"), "--database", database, "--rows", rows, "--warm", `${WARM}`]);
}

/** Its file is a line of JSON for each entity; made here, for it takes the square of them to make them by its tool. */
async function peer(run: Run, stored: number): Promise<void> {
    const file = join(run.dir, "memory.jsonl");
    const entity = (number: number) => {
        const { summary, context, next_steps } = run.author.text(number);
        return { name: `milestone-${number}`, entityType: "snapshot", observations: [summary, context, next_steps] };
    };
    writeFileSync(file, Array.from({ length: stored }, (_, i) => JSON.stringify({ type: "entity", ...entity(i + 1) })).join("\n"));
    const of = { program: "server-memory, stdio", place: "disk" as const, round: 1 };
    const where = ["--", "env", `MEMORY_FILE_PATH=${file}`, process.execPath, PEER];

    await ask(run, of, "save", lines(PEER_CALLS, (i) => ["create_entities", { entities: [entity(stored + i + 1)] }]), where);
    await ask(run, of, "load by name", lines(PEER_CALLS, () => ["open_nodes", { names: [`milestone-${1 + run.author.number(stored)}`] }]), where);
    await ask(run, of, "search, a rare word", lines(PEER_CALLS, () => ["search_nodes", { query: run.author.word(3000, 4096) }]), where);
}

// The whole -----------------------------------------------------------------------------------------------------------

function withoutDisk(): string {
    if (!existsSync(MEMORY) || statfsSync(MEMORY).type !== TMPFS) throw new Error(`${MEMORY} is no tmpfs: nothing to measure without the disk's sync`);
    return mkdtempSync(join(MEMORY, "gatehouse-bench-"));
}

async function measureMemory(run: Run, memory: string, stored: number): Promise<void> {
    const home = join(memory, "home");
    const of = { program: "gatehouse", place: "no disk" as const, round: 1 };

    mkdirSync(home, { mode: 0o700 });
    await gatehouse(run, home, async (url) => {
        const began = performance.now();
        await ask(run, of, "fill", saves(run, stored), ["--url", url]);
        run.result.fillSeconds = (performance.now() - began) / 1000;
        await ask(run, of, "save", saves(run, WARM + run.calls), ["--url", url], WARM);
        for (const [what, make] of Object.entries(questions(run.author, stored))) await ask(run, of, what, lines(run.calls, make), ["--url", url]);
    });
    await raw(run, { place: "no disk", round: 1 }, rawCopy(home, join(memory, "raw")));
}

async function measureDisk(run: Run, filled: string, stored: number, rounds: number): Promise<void> {
    const home = join(run.dir, "home");
    execFileSync("cp", ["-a", filled, home]); // its modes too: nobody else may enter
    const database = rawCopy(home, join(run.dir, "raw"));
    const stdio = ["--", "env", `GATEHOUSE_HOME=${home}`, `HOME=${run.dir}`, "GATEHOUSE_SNAPSHOTS_QUOTA=100GiB", join(build, "gatehouse"), "stdio", "snapshots"];

    for (let round = 1; round <= rounds; round++) {
        await gatehouse(run, home, async (url) => {
            await ask(run, { program: "gatehouse", place: "disk", round }, "save", saves(run, WARM + run.calls), ["--url", url], WARM);
        });
        await raw(run, { place: "disk", round }, database);
        await ask(run, { program: "gatehouse, stdio", place: "disk", round }, "save", saves(run, WARM + run.calls), stdio, WARM);
    }
    const of = { program: "gatehouse, stdio", place: "disk" as const, round: 1 };
    for (const [what, make] of Object.entries(questions(run.author, stored))) await ask(run, of, what, lines(run.calls, make), stdio);
}

export async function snapshots(
    options: { stored: number; calls: number; rounds: number },
    attempt: (what: string, work: () => Promise<void>) => Promise<void>,
    say: (text: string) => void,
): Promise<Snapshots> {
    const result: Snapshots = { stored: options.stored, fillSeconds: 0, bytesEach: 0, timings: [], exits: [] };
    const memory = withoutDisk();
    const dir = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
    const words = (await output("", [tool("load"), "--print-words"])).trim().split("\n");
    const run: Run = { dir, cpus: placement(1).program, calls: options.calls, author: new Author(words), result, written: 0 };

    try {
        await attempt("snapshots, no disk", () => measureMemory(run, memory, options.stored));
        if (existsSync(databaseOf(join(memory, "home")))) {
            result.bytesEach = bytesOf(databaseOf(join(memory, "home")));
            await attempt("snapshots, disk", () => measureDisk(run, join(memory, "home"), options.stored, options.rounds));
        }
        await attempt("server-memory", () => peer(run, options.stored));
        for (const t of result.timings) say(`  ${t.program}, ${t.place}, ${t.what}: p50 ${Math.round(t.p50_us)} us, p95 ${Math.round(t.p95_us)} us`);
        return result;
    } finally {
        remove(dir);
        rmSync(memory, { recursive: true, force: true });
    }
}

/** Bytes of each snapshot in it. */
function bytesOf(path: string): number {
    const database = new DatabaseSync(path, { readOnly: true });
    const row = database.prepare("select (select count from total) as count, page_count * page_size as bytes from pragma_page_count, pragma_page_size").get();
    database.close();
    return Number(row!["bytes"]) / Math.max(1, Number(row!["count"]));
}
