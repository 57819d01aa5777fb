// tests/lint/includes.ts: the folder tree is the architecture: a room includes itself and the rooms below it, nothing else.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, linesOf } from "./tree.ts";

// From the bottom to the top (docs/architecture.md).
export const rooms = ["base", "store", "child", "http", "exchange", "mcp", "guard", "gateway", "services", "api", "daemon", "cli"];

// Where a file stands: src/services/snapshots/tools.c -> room services, part services/snapshots.
function place(path: string): { room: string; part: string } {
    const [room, part] = path.split("/");
    return { room, part: room === "services" ? `${room}/${part}` : room };
}

// What is wrong with one include of the file `path` (relative to src/); undefined when it is right.
function fault(source: string, path: string, included: string): string | undefined {
    if (!included.includes("/") || included.includes("..")) return `write it as "room/file.h"`;
    if (!existsSync(join(source, included)) && !existsSync(join(source, `${included}.in`))) return "there is no such file";
    if (path === "main.c") return undefined;
    const here = place(path);
    const there = place(included);
    if (rooms.indexOf(there.room) < 0) return `${there.room} is no room`;
    if (rooms.indexOf(there.room) > rooms.indexOf(here.room)) return `${there.room} is above ${here.room}`;
    if (there.room === here.room && there.part !== here.part) return `${there.part} is beside ${here.part}, not below`;
    return undefined;
}

// Every include below `source` that points up or aside, and every file that stands in no room.
export function upwardIncludes(source: string): string[] {
    const found: string[] = [];
    for (const path of filesBelow(source)) {
        if (!/\.[ch]$/.test(path)) continue;
        if (path !== "main.c" && rooms.indexOf(place(path).room) < 0) found.push(`${path}: stands in no room`);
        linesOf(join(source, path)).forEach((line, at) => {
            const included = /^\s*#\s*include\s+"([^"]+)"/.exec(line)?.[1];
            const wrong = included && fault(source, path, included);
            if (wrong) found.push(`${path}:${at + 1}: includes "${included}": ${wrong}`);
        });
    }
    return found;
}
