// bench/driver/main.ts: measures everything in one run, in interleaved rounds, and writes down what came out.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bridge } from "./bridge.ts";
import { type Cell, firstAnswers, idleStreams, measure } from "./measure.ts";
import { million } from "./million.ts";
import { profile } from "./profile.ts";
import { checks, failures, render, type Results } from "./report.ts";
import { snapshots } from "./snapshots.ts";
import { soak } from "./soak.ts";
import { renderSoak, soakFailures } from "./soak_report.ts";
import { toolkit } from "./toolkit.ts";
import { here, installPeers, root, type Target, targets } from "./targets.ts";

const USAGE = `usage: script/bench [--quick] [--million [--stored N]] [--toolkit] [--snapshots] [--bridge] [--peers] [--only NAME,...] [--rounds N] [--seconds S] [--strict]
       script/bench --profile NAME [--seconds S]
       script/bench --soak [SECONDS]

  --quick     one round of one second: does it all work, roughly
  --million   then the same with a million exchanges stored, and questions to the log
  --toolkit   then services: the toolkit beside the official SDK from npm, with sessions and idle streams
  --snapshots then a memory of 100,000 snapshots, beside SQLite alone and server-memory
  --bridge    then calls between clients and servers of two eras, beside those of one
  --peers     Fiberplane's gateway, mcp-proxy and supergateway from npm as well
  --only      of direct, nginx, gatehouse, gatehouse-stdio and the peers only these; toolkit, snapshots, bridge: what these do alone
  --strict    a missed budget is a failure
  --soak      instead of measuring: mixed load for an hour, or so long, and whether anything grows; writes results/soak.md
  --profile   instead of measuring: where the time of this one goes, at 32 connections and 350 B (needs perf)
`;
const SIZES = [350, 1024];
const STREAMS = 1000;
const ours = ["direct", "nginx", "gatehouse", "gatehouse-stdio"]; // supergateway would start a process for each stream

/** --soak alone is an hour. */
function withLength(words: string[]): string[] {
    return words.flatMap((word, i) => (word === "--soak" && !/^\d/.test(words[i + 1] ?? "") ? ["--soak=3600"] : [word]));
}

function options() {
    try {
        const { values } = parseArgs({
            args: withLength(process.argv.slice(2)),
            options: {
                soak: { type: "string" },
                quick: { type: "boolean", default: false },
                million: { type: "boolean", default: false },
                stored: { type: "string", default: "1000000" },
                toolkit: { type: "boolean", default: false },
                snapshots: { type: "boolean", default: false },
                bridge: { type: "boolean", default: false },
                peers: { type: "boolean", default: false },
                only: { type: "string" },
                rounds: { type: "string" },
                seconds: { type: "string" },
                profile: { type: "string" },
                strict: { type: "boolean", default: false },
                help: { type: "boolean", short: "h", default: false },
            },
        });
        if (!values.help) return values;
        process.stdout.write(USAGE);
        process.exit(0);
    } catch (error) {
        process.stderr.write(`${(error as Error).message}\n${USAGE}`);
        process.exit(2);
    }
}

function machine(): Results["machine"] {
    const nginx = spawnSync("nginx", ["-v"], { encoding: "utf8", env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    return {
        cpu: cpus()[0]?.model ?? "unknown",
        cores: cpus().length,
        memoryGiB: totalmem() / 2 ** 30,
        kernel: release(),
        node: process.versions.node,
        nginx: nginx.stderr?.match(/nginx\/(\S+)/)?.[1] ?? "?",
    };
}

function version(): string {
    const git = spawnSync("git", ["describe", "--always", "--dirty", "--tags"], { cwd: root, encoding: "utf8" });
    return git.stdout?.trim() || readFileSync(join(root, "meson.build"), "utf8").match(/version: '([^']+)'/)?.[1] || "unknown";
}

const say = (text: string) => process.stderr.write(`${text}\n`);

async function attempt(results: Results, what: string, work: () => Promise<void>): Promise<void> {
    try {
        await work();
    } catch (error) {
        results.problems.push(`${what}: ${(error as Error).message.trim()}`);
        say(`  ${what}: ${(error as Error).message.trim()}`);
    }
}

async function rounds(results: Results, chosen: Target[], seconds: { warm: number; measured: number }): Promise<void> {
    const cells: Cell[] = [32, 1].flatMap((connections) => SIZES.map((size) => ({ connections, size })));

    for (let round = 1; round <= results.rounds; round++) {
        for (const cell of cells) {
            say(`round ${round} of ${results.rounds}: ${cell.connections} connections, ${cell.size} B`);
            for (const target of chosen.filter((t) => t.oneConnection || cell.connections > 1)) {
                await attempt(results, `${target.name}, ${cell.connections} x ${cell.size} B`, async () => {
                    const sample = await measure(target, cell, seconds);
                    results.samples.push(sample);
                    say(`  ${target.name}: ${Math.round(sample.calls_per_second)} calls/s, ${sample.cpuMicroseconds.toFixed(2)} us CPU a call`);
                });
            }
        }
    }
}

function write(results: Results, isWhole: boolean): string {
    const text = render(results);
    const name = join(here, "results", results.date.replaceAll(":", "").slice(0, 15));
    writeFileSync(`${name}.json`, JSON.stringify(results, null, 1) + "\n");
    writeFileSync(`${name}.md`, text);
    if (isWhole) writeFileSync(join(here, "results", "latest.md"), text);
    return text;
}

function named(all: Target[], name: string): Target {
    const found = all.find((t) => t.name === name);
    if (!found) throw new Error(`there is no ${name}; there are ${all.map((t) => t.name).join(", ")}`);
    return found;
}

async function soakFor(seconds: number): Promise<number> {
    if (!(seconds > 0)) throw new Error("--soak takes a number of seconds");
    const results = await soak(seconds, say);
    const m = machine();
    const text = renderSoak(results, version(), `${m.cpu}, ${m.cores} cores, ${Math.round(m.memoryGiB)} GiB; Linux ${m.kernel}; ${new Date().toISOString()}.`);
    writeFileSync(join(here, "results", "soak.md"), text);
    process.stdout.write(text);
    return soakFailures(results).length > 0 ? 1 : 0;
}

async function main(): Promise<number> {
    const chosen = options();
    if (chosen.soak !== undefined) return await soakFor(Number(chosen.soak));
    const all = targets(chosen.peers);
    const names = chosen.only?.split(",");
    const services = ["toolkit", "snapshots", "bridge"];
    const only = names?.filter((name) => !services.includes(name)).map((name) => named(all, name));
    const withToolkit = chosen.toolkit || names?.includes("toolkit");
    const withSnapshots = chosen.snapshots || names?.includes("snapshots");
    const list = only ? all.filter((t) => only.includes(t)) : all;
    const measured = Number(chosen.seconds ?? (chosen.quick ? 1 : 4));
    const seconds = { warm: Math.min(1, measured), measured };
    const results: Results = {
        date: new Date().toISOString(), version: version(), machine: machine(), rounds: Number(chosen.rounds ?? (chosen.quick ? 1 : 3)),
        seconds: measured, samples: [], starts: {}, streams: {}, problems: [],
    };

    if (chosen.peers || withToolkit) installPeers();
    if (chosen.profile !== undefined) {
        process.stdout.write(await profile(named(all, chosen.profile), { connections: 32, size: SIZES[0] }, measured));
        return 0;
    }
    if (list.length > 0) await rounds(results, list, seconds);
    for (const target of list) {
        say(`starts of ${target.name}`);
        await attempt(results, `starts of ${target.name}`, async () => {
            results.starts[target.name] = await firstAnswers(target, chosen.quick ? 3 : target.starts);
        });
    }
    for (const target of list.filter((t) => ours.includes(t.name))) {
        await attempt(results, `idle streams of ${target.name}`, async () => {
            results.streams[target.name] = await idleStreams(target.forStreams ?? target, STREAMS);
        });
    }
    const gatehouse = list.find((t) => t.name === "gatehouse");
    if (chosen.million && gatehouse) {
        say(`${chosen.stored} exchanges, then the same again`);
        await attempt(results, `with ${chosen.stored} stored`, async () => {
            const cells = SIZES.map((size) => ({ connections: 32, size }));
            const beside = [gatehouse, named(all, "nginx")];
            results.million = await million(gatehouse, beside, Number(chosen.stored), cells, results.rounds, seconds);
        });
    }
    if (withToolkit) {
        say("the toolkit beside the official SDK");
        const others = chosen.quick ? 1000 : 10_000;
        results.toolkit = await toolkit({ rounds: results.rounds, others, seconds }, (what, work) => attempt(results, what, work), say);
    }
    if (withSnapshots) {
        const size = chosen.quick ? { stored: 5000, calls: 200 } : { stored: 100_000, calls: 2000 };
        say(`a memory of ${size.stored} snapshots`);
        await attempt(results, "snapshots", async () => {
            results.snapshots = await snapshots({ ...size, rounds: results.rounds }, (what, work) => attempt(results, what, work), say);
        });
    }

    if (chosen.bridge || names?.includes("bridge")) {
        say("bridging beside passing through");
        results.bridge = await bridge({ rounds: results.rounds, seconds }, (what, work) => attempt(results, what, work), say);
    }

    process.stdout.write(write(results, !chosen.quick && !only));
    const missed = checks(results).filter((c) => c.value !== undefined && c.value > c.limit);
    return failures(results).length > 0 || (chosen.strict && missed.length > 0) ? 1 : 0;
}

try {
    process.exit(await main());
} catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    process.exit(1);
}
