// bench/driver/profile.ts: where a program's time goes under load, by Linux's perf.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Cell, Loader, placement } from "./measure.ts";
import { output } from "./process.ts";
import { remove, start, stop, type Target } from "./targets.ts";

/** The functions that cost most, of the whole process tree, user and kernel; text. */
export async function profile(target: Target, cell: Cell, seconds: number): Promise<string> {
    if (spawnSync("perf", ["--version"]).status !== 0) throw new Error("perf is missing: apt-get install linux-perf");
    const places = placement(cell.connections);
    const running = await start(target, places);
    const data = join(running.dir, "perf.data");
    try {
        const loader = new Loader(running, places.load);
        await loader.run(cell, { seconds: 1 });
        const record = ["perf", "record", "-q", "-F", "997", "-g", "-o", data, "-p", running.program.tree().join(","), "--", "sleep", `${seconds}`];
        await Promise.all([loader.run(cell, { seconds }), output("", record)]);
        const show = (...how: string[]) => output("", ["perf", "report", "-i", data, "--stdio", "-q", "--percent-limit", "0.5", ...how]);
        const threads = await show("--no-children", "-g", "none", "--sort", "comm,tid");
        const functions = await show("--no-children", "-g", "none", "--sort", "dso,symbol");
        const callers = await show("--children", "-g", "none", "--sort", "symbol");
        const parts = [["By thread", threads], ["By function", functions], ["By function with all it calls", callers]];
        return parts.map(([title, text]) => `## ${title}\n${text.trimEnd()}\n`).join("\n");
    } finally {
        await stop(running);
        remove(running.dir);
    }
}
