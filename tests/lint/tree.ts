// tests/lint/tree.ts: the files of the repository, as somebody who clones it has them.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export const root = join(import.meta.dirname, "../..");

// What building and testing leave behind (.gitignore), and git's own.
const notOurs = /^(\.git|build.*|node_modules|\.cache|fixtures)$/;

// Paths of all files below `top`, relative to it, in order.
export function* filesBelow(top: string, folder = top): Generator<string> {
    const entries = readdirSync(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = join(folder, entry.name);
        if (notOurs.test(entry.name)) continue;
        if (entry.isDirectory()) yield* filesBelow(top, path);
        else if (entry.isFile()) yield relative(top, path);
    }
}

// The lines of a text file; none of one that holds a NUL.
export function linesOf(path: string): string[] {
    const text = readFileSync(path, "utf8");
    return text.includes("\0") ? [] : text.split("\n");
}
