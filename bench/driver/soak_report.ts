// bench/driver/soak_report.ts: the samples of a soak as a table, and the verdict: is it at the end as after five minutes?

import { median, table } from "./report.ts";
import type { SoakResults, SoakSample } from "./soak.ts";

export interface Bound {
    what: string;
    before: number; // in the five minutes after the first five; of a shorter run, in its second sixth
    after: number; // in the last five minutes, or sixth
    most: number;
    unit: string;
}

const FIVE_MINUTES = 300;
const FEW = 3; // samples, of which some may have met a machine that did other things
const MIB = 1024; // KiB
const BUDGET = 30; // MiB: DESIGN's, under load; at rest it cannot be more

/** Those in a part of the run, and the next ones to it while they are few. */
function around(samples: SoakSample[], from: number, to: number): SoakSample[] {
    const beside = (s: SoakSample) => Math.max(from - s.seconds, s.seconds - to, 0);
    const near = [...samples].sort((a, b) => beside(a) - beside(b));
    return near.filter((s, i) => i < FEW || beside(s) === 0);
}

/** What else the machine does only adds to the time of a call: growth shows in the quickest of some samples too. */
const least = (values: number[]) => (values.length === 0 ? Number.NaN : Math.min(...values));

export function bounds(results: SoakResults): Bound[] {
    const last = results.samples.at(-1)?.seconds ?? 0;
    const part = Math.min(FIVE_MINUTES, last / 6);
    const early = around(results.samples, part, 2 * part);
    const late = around(results.samples, last - part, last);
    type Of = (values: number[]) => number | undefined;
    const bound = (what: string, unit: string, read: (s: SoakSample) => number, most: (before: number) => number, of: Of = median): Bound => {
        const before = of(early.map(read)) ?? Number.NaN;
        return { what, unit, before, after: of(late.map(read)) ?? Number.NaN, most: most(before) };
    };
    return [
        bound("resident memory", "MiB", (s) => s.residentKiB / MIB, (before) => Math.min(BUDGET, before + 2)),
        bound("descriptors", "", (s) => s.descriptors, (before) => before + 2),
        bound("threads", "", (s) => s.threads, (before) => before),
        bound("p50 of a call over HTTP", "us", (s) => s.http.p50_us, (before) => before * 1.5, least),
        bound("p50 of a call over stdio", "us", (s) => s.stdio.p50_us, (before) => before * 1.5, least),
    ];
}

/** What makes the run a failure. */
export function soakFailures(results: SoakResults): string[] {
    const { recorded: r, counts } = results;
    const list = bounds(results).flatMap((b) => (b.after <= b.most ? [] : [`${b.what}: ${b.before.toFixed(1)}, then ${b.after.toFixed(1)} ${b.unit}`]));

    if (results.samples.length < 2 * FEW) list.push(`${results.samples.length} samples are too few to compare: of ${2 * FEW}, half each are`);
    for (const s of results.samples) if (s.left !== "") list.push(`at rest, after ${Math.round(s.seconds)} s, there were still ${s.left}`);
    if (r.problem) list.push(`the record cannot be read: ${r.problem}`);
    else if (r.recorded !== r.answered || r.twice > 0) list.push(`${r.recorded} of ${r.answered} answered calls are on record, ${r.twice} twice`);
    if (results.exit !== 0) list.push(`ended with ${results.exit} after SIGTERM`);
    list.push(...counts.wrong.slice(0, 10));
    if (counts.wrong.length > 10) list.push(`and ${counts.wrong.length - 10} more`);
    return list;
}

export function renderSoak(results: SoakResults, version: string, machine: string): string {
    const failed = soakFailures(results);
    const number = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
    const { recorded: r, counts } = results;
    const short = results.seconds < 2 * FIVE_MINUTES ? " The run was short: it may still have been warming up, which looks like growth, and growth of an hour need not show." : "";
    const samples = results.samples.map((s) => [
        `${Math.round(s.seconds)} s`, String(s.answered), (s.residentKiB / MIB).toFixed(1), (s.mostKiB / MIB).toFixed(1), String(s.descriptors), String(s.threads), s.left || "-",
        String(s.http.p50_us), String(s.http.p99_us), String(s.stdio.p50_us), String(s.stdio.p99_us), (s.fileBytes / 2 ** 20).toFixed(1),
    ]);
    return [
        `# Gatehouse ${version} under mixed load for ${results.seconds} s`, machine,
        `${failed.length === 0 ? "**Nothing grew, nothing was lost.**" : "**It did not hold.**"} ${r.recorded} of ${r.answered} answered calls are on record. ` +
            `${counts.refused} were refused in words while their server was away, ${counts.cut} were cut.${short}`,
        "## Bounds",
        table(["", "after five minutes", "at the end", "at most", ""],
            bounds(results).map((b) => [b.what, `${number(b.before)} ${b.unit}`, `${number(b.after)} ${b.unit}`, `${number(b.most)} ${b.unit}`, b.after <= b.most ? "ok" : "BROKEN"])),
        "## Samples, at rest",
        table(["at", "calls", "MiB", "most, at work", "descriptors", "threads", "left", "HTTP p50 us", "p99", "stdio p50 us", "p99", "database MiB"], samples),
        "## What was done to it",
        table(["", "times"], Object.entries(results.done).map(([what, times]) => [what, String(times)])),
        ...(failed.length > 0 ? ["## Failed", failed.map((line) => `- ${line}`).join("\n")] : []),
    ].join("\n\n") + "\n";
}
