// bench/driver/toolkit.ts: what the toolkit of services costs by itself, beside the official SDK: no gateway between.

import { join } from "node:path";
import { type Cell, idleStreams, type Load, Loader, loadAndWatch, placement, type Streams } from "./measure.ts";
import { output } from "./process.ts";
import { build, PEERS, remove, type Running, start, stop, type Target, tool } from "./targets.ts";

export const ERAS = ["legacy", "modern"] as const;
export type Era = (typeof ERAS)[number];
export const IDLE_STREAMS = 2000;
const CELL: Cell = { connections: 32, size: 350 };

export interface ToolkitSample extends Load {
    program: string;
    era: Era;
    others: number; // sessions open beside those of the connections
    cpuMicroseconds: number; // a call
    kibEach?: number; // growth of resident memory for each of the others
    exit: number | string;
}

export interface Toolkit {
    others: number;
    samples: ToolkitSample[];
    streams: { program: string; era: Era; streams: Streams }[];
}

interface Measured extends Target {
    program: string;
    speaks: Era;
    othersAre?: Target; // whose clients open the other sessions: a modern one has none. None: there cannot be any
}

function target(program: string, speaks: Era, command: (port: number) => string[]): Measured {
    return {
        name: `${program}, ${speaks}`,
        program,
        speaks,
        upstream: "none",
        starts: 0,
        oneConnection: false,
        host: "127.0.0.1",
        era: speaks === "modern" ? "modern" : undefined,
        readyLine: /^http:/,
        prepare: (_dir, port) => ({ command: command(port), path: "/mcp" }),
    };
}

/** Ours speaks both eras at once, as it would anywhere; of the SDK each version is measured in the era that is its own. */
function programs(): Measured[] {
    return ERAS.flatMap((era) => {
        const ours = target("toolkit", era, (port) => [join(build, "bench", "echo_service"), "--port", `${port}`]);
        const theirs = target("sdk-server", era, (port) => [process.execPath, join(PEERS, "sdk_server.mjs"), era, `${port}`]);
        ours.othersAre = { ...ours, era: undefined };
        if (era === "legacy") theirs.othersAre = theirs;
        return [ours, theirs];
    });
}

/** Opens sessions that nobody uses any more; KiB of each. */
async function openOthers(running: Running, count: number, cpus: string): Promise<number> {
    const before = running.program.memory().residentKiB;
    await output(cpus, [
        tool("load"), "--url", running.url, "--session", "per-connection", "--open-sessions", `${count}`, "--calls", "1",
    ]);
    return (running.program.memory().residentKiB - before) / count;
}

async function measure(target: Measured, others: number, seconds: { warm: number; measured: number }): Promise<ToolkitSample[]> {
    const places = placement(CELL.connections);
    const running = await start(target, places);
    const loader = new Loader(running, places.load);
    const samples: ToolkitSample[] = [];
    const sample = async (beside: number, kibEach?: number) => {
        const { load, cpuMicroseconds } = await loadAndWatch(running, loader, CELL, seconds);
        samples.push({ ...load, program: target.program, era: target.speaks, others: beside, cpuMicroseconds, kibEach, exit: "?" });
    };
    try {
        await sample(0);
        if (target.othersAre) await sample(others, await openOthers(running, others, places.load));
    } finally {
        const exit = await stop(running);
        samples.forEach((s) => (s.exit = exit));
        remove(running.dir);
    }
    return samples;
}

export async function toolkit(
    options: { rounds: number; others: number; seconds: { warm: number; measured: number } },
    attempt: (what: string, work: () => Promise<void>) => Promise<void>,
    say: (text: string) => void,
): Promise<Toolkit> {
    const result: Toolkit = { others: options.others, samples: [], streams: [] };

    for (let round = 1; round <= options.rounds; round++) {
        for (const target of programs()) {
            await attempt(target.name, async () => {
                const samples = await measure(target, options.others, options.seconds);
                result.samples.push(...samples);
                for (const s of samples) say(`  ${target.name}, ${s.others} other sessions: ${s.cpuMicroseconds.toFixed(2)} us CPU a call`);
            });
        }
    }
    for (const target of programs()) {
        await attempt(`idle streams of ${target.name}`, async () => {
            const streams = await idleStreams(target, IDLE_STREAMS);
            result.streams.push({ program: target.program, era: target.speaks, streams });
            say(`  ${target.name}: ${streams.kibEach.toFixed(2)} KiB each of ${streams.open} idle streams`);
        });
    }
    return result;
}
