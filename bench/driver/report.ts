// bench/driver/report.ts: medians, ratios and budgets, as text that is Markdown too.

import { type BridgeSample, OVER } from "./bridge.ts";
import type { Cell, Recorded, Sample, Streams } from "./measure.ts";
import { fullName, type Million } from "./million.ts";
import type { Snapshots, Timing } from "./snapshots.ts";
import { ERAS, type Toolkit, type ToolkitSample } from "./toolkit.ts";

export interface Results {
    date: string;
    version: string; // of the code: git describe
    machine: { cpu: string; cores: number; memoryGiB: number; kernel: string; node: string; nginx: string };
    rounds: number;
    seconds: number;
    samples: Sample[];
    starts: Record<string, number[]>; // microseconds
    streams: Record<string, Streams>;
    million?: Million;
    toolkit?: Toolkit;
    snapshots?: Snapshots;
    bridge?: BridgeSample[];
    problems: string[]; // what could not be measured
}

export interface Check {
    what: string;
    value: number | undefined;
    nginx?: number; // what nginx has there in the same run
    limit: number;
    unit: string;
}

export function median(values: number[]): number | undefined {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    if (sorted.length === 0) return undefined;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const CPU_LIMITS: Record<number, number> = { 350: 1.0, 1024: 1.4 }; // times nginx's, by request size
const MIB = 1024; // KiB

class Samples {
    private readonly all: Sample[];

    constructor(all: Sample[]) {
        this.all = all;
    }

    of(target: string, cell: Cell): Sample[] {
        return this.all.filter((s) => s.target === target && s.cell.connections === cell.connections && s.cell.size === cell.size);
    }

    /** The median over the rounds of one target's value to another's in the same round. */
    ratio(target: string, base: string, cell: Cell, value: (s: Sample) => number): number | undefined {
        const below = this.of(base, cell);
        return median(this.of(target, cell).flatMap((s, round) => (below[round] ? [value(s) / value(below[round])] : [])));
    }

    difference(target: string, base: string, cell: Cell, value: (s: Sample) => number): number | undefined {
        const below = this.of(base, cell);
        return median(this.of(target, cell).flatMap((s, round) => (below[round] ? [value(s) - value(below[round])] : [])));
    }
}

export function checks(results: Results): Check[] {
    const samples = new Samples(results.samples);
    const cpu = (s: Sample) => s.cpuMicroseconds;
    const small = samples.of("gatehouse", { connections: 32, size: 350 });
    const list: Check[] = [];

    for (const [size, limit] of Object.entries(CPU_LIMITS)) {
        const cell = { connections: 32, size: Number(size) };
        list.push({ what: `CPU per call of nginx's, ${size} B, 32 connections`, value: samples.ratio("gatehouse", "nginx", cell, cpu), limit, unit: "x" });
    }
    for (const size of Object.keys(CPU_LIMITS).map(Number)) {
        const added = (target: string) => samples.difference(target, "direct", { connections: 1, size }, (s) => s.p50_us);
        list.push({ what: `p50 added, ${size} B, all on one CPU`, value: added("gatehouse"), nginx: added("nginx"), limit: 30, unit: "us" });
    }
    const memory = (target: string, read: (s: Sample) => number) => mib(results.samples.filter((s) => s.target === target).map(read));
    const both = (read: (target: string) => number | undefined) => ({ value: read("gatehouse"), nginx: read("nginx") });
    list.push({ what: "resident, idle", ...both((t) => memory(t, (s) => s.idle.residentKiB)), limit: 10, unit: "MiB" });
    list.push({ what: "resident, most under load", ...both((t) => memory(t, (s) => s.loaded.peakKiB)), limit: 30, unit: "MiB" });
    list.push({ what: "resident, each idle stream", ...both((t) => results.streams[t]?.kibEach), limit: 4, unit: "KiB" });
    list.push({ what: "start to first answer", ...both((t) => scaled(median(results.starts[t] ?? []), 1000)), limit: 20, unit: "ms" });
    const disk = median(small.flatMap((s) => (s.recorded ? [s.recorded.diskBytes / Math.max(1, s.recorded.recorded)] : [])));
    list.push({ what: "disk per call, 350 B, 32 connections", value: disk, limit: 200, unit: "B" });
    if (results.million) list.push(...millionChecks(results.million));
    if (results.toolkit) list.push(...toolkitChecks(results.toolkit));
    if (results.snapshots) list.push(...snapshotChecks(results.snapshots));
    return list;
}

/** "The same as with none": a tenth is left to noise. */
function millionChecks({ stored, samples }: Million): Check[] {
    return Object.keys(CPU_LIMITS).map(Number).map((size) => {
        const cell = { connections: 32, size };
        const value = new Samples(samples).ratio(fullName({ name: "gatehouse" }, stored), "gatehouse", cell, (s) => s.cpuMicroseconds);
        return { what: `CPU per call with ${stored} stored of that with none, ${size} B`, value, limit: 1.1, unit: "x" };
    });
}

function toolkitChecks({ streams }: Toolkit): Check[] {
    return ERAS.map((era) => {
        const value = streams.find((s) => s.program === "toolkit" && s.era === era)?.streams.kibEach;
        return { what: `resident, each idle stream of a service, ${era}`, value, limit: 4, unit: "KiB" };
    });
}

function snapshotChecks({ stored, timings }: Snapshots): Check[] {
    const of = (program: string, place: string) => timings.filter((t) => t.program === program && t.place === place && t.what !== "fill");
    const inMemory = of("gatehouse", "no disk");
    const alone = of("SQLite alone", "disk");
    const ratio = (program: string, at: "p50" | "p95") => {
        const saves = of(program, "disk").filter((t) => t.what === "save");
        const rounds = saves.flatMap((t) => alone.filter((a) => a.round === t.round).map((a) => t[`${at}_us`] / a[`${at}_us`]));
        return { what: `saving a snapshot, ${at}, ${program}, of the same commit in SQLite alone`, value: median(rounds), limit: 1.3, unit: "x" };
    };
    const ratios = ["gatehouse", "gatehouse, stdio"].flatMap((program) => [ratio(program, "p95"), ratio(program, "p50")]);
    return [...inMemory.map((t) => ({ what: `${t.what}, p95, ${stored} snapshots`, value: t.p95_us / 1000, limit: 5, unit: "ms" })), ...ratios];
}

function mib(kib: number[]): number | undefined {
    return scaled(median(kib), MIB);
}

function scaled(value: number | undefined, by: number): number | undefined {
    return value === undefined ? undefined : value / by;
}

/** What makes the run a failure: something unanswered, unrecorded, or not measurable. */
export function failures(results: Results): string[] {
    const list = [...results.problems];
    for (const s of [...results.samples, ...(results.million?.samples ?? [])]) {
        if (!s.target.startsWith("gatehouse")) continue; // what a peer fails at stands in the tables
        const where = `${s.target}, ${s.cell.connections} x ${s.cell.size} B`;
        if (s.errors > 0) list.push(`${where}: ${s.errors} calls failed`);
        if (s.exit !== 0) list.push(`${where}: ended with ${s.exit} after SIGTERM`);
        if (s.recorded) list.push(...recordFailures(where, s.recorded));
    }
    for (const [name, streams] of Object.entries(results.streams)) {
        if (name.startsWith("gatehouse") && streams.failed > 0) list.push(`${name}: ${streams.failed} idle streams were not opened`);
    }
    if (results.million) {
        list.push(...recordFailures("with a million stored", results.million.recorded));
        for (const q of results.million.questions) if (q.problem) list.push(`${q.name}: ${q.problem}`);
    }
    if (results.toolkit) list.push(...toolkitFailures(results.toolkit));
    if (results.snapshots) list.push(...snapshotFailures(results.snapshots));
    for (const s of results.bridge ?? []) {
        const where = `${s.client} client, ${s.server} server, ${s.over}`;
        if (s.errors > 0) list.push(`${where}: ${s.errors} calls failed`);
        if (s.exit !== 0) list.push(`${where}: ended with ${s.exit} after SIGTERM`);
    }
    return list;
}

function toolkitFailures({ samples, streams }: Toolkit): string[] {
    const list: string[] = [];
    for (const s of samples.filter((s) => s.program === "toolkit")) {
        const where = `toolkit, ${s.era}, ${s.others} other sessions`;
        if (s.errors > 0) list.push(`${where}: ${s.errors} calls failed`);
        if (s.exit !== 0) list.push(`${where}: ended with ${s.exit} after SIGTERM`);
    }
    for (const s of streams.filter((s) => s.program === "toolkit" && s.streams.failed > 0)) {
        list.push(`toolkit, ${s.era}: ${s.streams.failed} idle streams were not opened`);
    }
    return list;
}

function snapshotFailures({ timings, exits }: Snapshots): string[] {
    const failed = timings.filter((t) => t.errors > 0 && t.program !== "server-memory, stdio");
    return [
        ...failed.map((t) => `${t.program}, ${t.place}, ${t.what}: ${t.errors} of ${t.calls} calls failed`),
        ...exits.filter((exit) => exit !== 0).map((exit) => `snapshots: ended with ${exit} after SIGTERM`),
    ];
}

function recordFailures(where: string, r: Recorded): string[] {
    if (r.problem) return [`${where}: the record cannot be read: ${r.problem}`];
    if (r.recorded === r.answered && r.twice === 0 && r.unknown === 0) return [];
    return [`${where}: ${r.recorded} of ${r.answered} answered calls recorded, ${r.twice} twice, ${r.unknown} not known`];
}

function number(value: number | undefined, digits = 3): string {
    if (value === undefined || !Number.isFinite(value)) return "-";
    return Math.abs(value) >= 10 ** digits ? Math.round(value).toString() : Number(value.toPrecision(digits)).toString();
}

export function table(head: string[], rows: string[][]): string {
    const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i].length)));
    const line = (row: string[]) => `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
    const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : "-".repeat(width + 1) + ":")).join("|")}|`;
    return [line(head), rule, ...rows.map(line)].join("\n");
}

function cells(samples: Sample[]): Cell[] {
    const found = new Map(samples.map((s) => [`${s.cell.connections}/${s.cell.size}`, s.cell]));
    return [...found.values()].sort((a, b) => b.connections - a.connections || a.size - b.size);
}

const names = (samples: Sample[]) => [...new Set(samples.map((s) => s.target))];

function callsTable(all: Sample[], cell: Cell): string {
    const samples = new Samples(all);
    const rows = names(all).flatMap((name) => {
        const of = samples.of(name, cell);
        if (of.length === 0) return [];
        const value = (read: (s: Sample) => number) => number(median(of.map(read)));
        const rates = of.map((s) => s.calls_per_second);
        return [[
            name, value((s) => s.calls_per_second), `${number(Math.min(...rates))}-${number(Math.max(...rates))}`,
            `${of.reduce((sum, s) => sum + s.errors, 0)}`, value((s) => s.p50_us),
            value((s) => s.p99_us), value((s) => s.cpuMicroseconds), number(samples.ratio(name, "nginx", cell, (s) => s.cpuMicroseconds)),
            number(samples.ratio(name, "nginx", cell, (s) => s.calls_per_second)),
        ]];
    });
    const where = cell.connections === 1 ? "1 connection, everything on one CPU" : `${cell.connections} connections, the program on a CPU of its own`;
    const head = ["program", "calls/s", "spread", "failed", "p50 us", "p99 us", "CPU us/call", "CPU of nginx's", "calls/s of nginx's"];
    return `### ${cell.size} B, ${where}\n\n${table(head, rows)}`;
}

function costTable(results: Results): string {
    const rows = names(results.samples).map((name) => {
        const of = results.samples.filter((s) => s.target === name);
        const kept = of.flatMap((s) => (s.recorded ? [s.recorded] : []));
        const disk = (size: number, read: (r: Recorded) => number) => {
            const under = of.filter((s) => s.cell.size === size && s.cell.connections === 32).flatMap((s) => (s.recorded ? [s.recorded] : []));
            return number(median(under.map((r) => read(r) / Math.max(1, r.recorded))));
        };
        return [
            name, number(mib(of.map((s) => s.idle.residentKiB))), number(mib(of.map((s) => s.idle.proportionalKiB))),
            number(scaled(Math.max(...of.map((s) => s.loaded.peakKiB)), MIB)), number(results.streams[name]?.kibEach),
            number(scaled(median(results.starts[name] ?? []), 1000)), disk(350, (r) => r.diskBytes), disk(350, (r) => r.checkpointedBytes), disk(1024, (r) => r.diskBytes),
            kept.length === 0 ? "-" : `${kept.reduce((sum, r) => sum + r.recorded, 0)} of ${kept.reduce((sum, r) => sum + r.answered, 0)}`,
        ];
    });
    const head = [
        "program", "idle MiB", "idle PSS", "most MiB", "KiB/stream", "start ms", "disk B/call, 350 B", "checkpointed", "disk B/call, 1 KB", "recorded of answered",
    ];
    return table(head, rows);
}

function millionText(m: Million): string {
    const questions = m.questions.map((q) => [q.name, number(q.p50_ms), number(q.p95_ms), `${q.times}`, q.problem ?? `${q.found}`]);
    const { recorded, answered, diskBytes } = m.recorded;
    const kept = `${recorded} of ${answered} answered calls recorded, ${number(diskBytes / Math.max(1, recorded))} B a call on disk.`;
    return [
        `## With ${m.stored} exchanges stored`,
        `Filled through the gateway in ${number(m.fillSeconds)} s. ${kept}`,
        ...cells(m.samples).map((cell) => callsTable(m.samples, cell)),
        "### Questions to the log, one at a time, nothing else going on",
        table(["question", "p50 ms", "p95 ms", "times", "found"], questions),
    ].join("\n\n");
}

function toolkitText(t: Toolkit): string {
    const kinds = new Map(t.samples.map((s) => [`${s.era}/${s.others}/${s.program}`, s])).values();
    const rows = [...kinds].sort((a, b) => ERAS.indexOf(a.era) - ERAS.indexOf(b.era) || a.others - b.others).map((kind) => {
        const of = t.samples.filter((s) => s.program === kind.program && s.era === kind.era && s.others === kind.others);
        const value = (read: (s: ToolkitSample) => number | undefined) => number(median(of.flatMap((s) => read(s) ?? [])));
        const rest = [value((s) => s.calls_per_second), `${of.reduce((sum, s) => sum + s.errors, 0)}`, value((s) => s.p50_us), value((s) => s.p99_us)];
        return [`${kind.program}, ${kind.era}`, `${kind.others}`, ...rest, value((s) => s.cpuMicroseconds), value((s) => s.kibEach)];
    });
    const streams = t.streams.map(({ program, era, streams }) => [
        `${program}, ${era}`, `${streams.open}`, `${streams.failed}`, number(streams.kibEach),
    ]);
    return [
        "## A service on the toolkit, beside the official SDK",
        "One tool that echoes, requests of 350 B (a modern one has its envelope besides), 32 connections, the program on a CPU of its own, no gateway between.",
        table(["program", "other sessions", "calls/s", "failed", "p50 us", "p99 us", "CPU us/call", "KiB/session"], rows),
        table(["idle streams of", "open", "failed", "KiB/stream"], streams),
    ].join("\n\n");
}

function snapshotsText({ stored, fillSeconds, bytesEach, timings }: Snapshots): string {
    const kinds = new Map(timings.map((t) => [`${t.what}/${t.place}/${t.program}`, t])).values();
    const rows = [...kinds].map((kind) => {
        const of = timings.filter((t) => t.what === kind.what && t.place === kind.place && t.program === kind.program);
        const value = (read: (t: Timing) => number) => number(median(of.map(read)));
        const calls = `${of.reduce((sum, t) => sum + t.calls, 0)}`;
        return [kind.what, kind.place, kind.program, calls, value((t) => t.p50_us), value((t) => t.p95_us), value((t) => t.max_us)];
    });
    return [
        `## A memory of ${stored} snapshots`,
        `One caller, everything on one CPU. Filled in ${number(fillSeconds)} s; ${number(bytesEach)} B a snapshot in the database. *No disk*: on a tmpfs, where a sync costs nothing.`,
        table(["what", "where", "program", "calls", "p50 us", "p95 us", "max us"], rows),
    ].join("\n\n");
}

/** Beside each bridged call that of the same client which passes through; ratios within a round. */
function bridgeText(samples: BridgeSample[]): string {
    const rows = OVER.flatMap((over) => ERAS.flatMap((client) => ERAS.map((server) => {
        const of = samples.filter((s) => s.over === over && s.client === client && s.server === server);
        const through = samples.filter((s) => s.over === over && s.client === client && s.server === client);
        const value = (read: (s: BridgeSample) => number) => number(median(of.map(read)));
        const ratio = median(of.flatMap((s, round) => (through[round] ? [s.cpuMicroseconds / through[round].cpuMicroseconds] : [])));
        return [
            `${client} client, ${server} server, ${over}`, client === server ? "passed" : "bridged", value((s) => s.calls_per_second),
            `${of.reduce((sum, s) => sum + s.errors, 0)}`, value((s) => s.p50_us), value((s) => s.p99_us), value((s) => s.cpuMicroseconds), number(ratio),
        ];
    })));
    return [
        "## Bridging, beside passing through",
        "One tool that echoes (the service of the toolkit, told to speak one era), requests of 350 B, 32 connections, the gateway on a CPU of its own.",
        table(["who", "call is", "calls/s", "failed", "p50 us", "p99 us", "CPU us/call", "CPU of passed"], rows),
    ].join("\n\n");
}

function checksTable(results: Results): string {
    const rows = checks(results).map((c) => [
        c.what, `${number(c.value)} ${c.unit}`, `${c.limit} ${c.unit}`, number(c.nginx),
        c.value === undefined ? "not measured" : c.value <= c.limit ? "ok" : "MISSED",
    ]);
    return table(["budget", "measured", "at most", "nginx", ""], rows);
}

export function render(results: Results): string {
    const { machine: m } = results;
    const failed = failures(results);
    const parts = [
        `# Gatehouse ${results.version}, ${results.date}`,
        `${m.cpu}, ${m.cores} cores, ${number(m.memoryGiB)} GiB; Linux ${m.kernel}; nginx ${m.nginx}; Node ${m.node} (the driver and the peers). ` +
            `Medians of ${results.rounds} rounds of ${results.seconds} s. What each figure means: bench/README.md.`,
        "## Budgets", checksTable(results),
        "## Calls", ...cells(results.samples).map((cell) => callsTable(results.samples, cell)),
        "## Memory, start, disk", costTable(results),
    ];
    if (results.million) parts.push(millionText(results.million));
    if (results.toolkit) parts.push(toolkitText(results.toolkit));
    if (results.snapshots) parts.push(snapshotsText(results.snapshots));
    if (results.bridge) parts.push(bridgeText(results.bridge));
    if (failed.length > 0) parts.push("## Failed", failed.map((line) => `- ${line}`).join("\n"));
    return parts.join("\n\n") + "\n";
}
