// tests/lint/committed.ts: what must not be in the repository: promises instead of code, and traces of a machine.
import { statSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, linesOf } from "./tree.ts";

// The words stand in pieces here, so that this file is not its own finding.
const rules: { what: string; in: RegExp; unless?: RegExp }[] = [
    { what: "a promise instead of code", in: new RegExp(`\\b(TO${"DO"}|FIX${"ME"}|XX${"X"})\\b`) },
    { what: "a path of somebody's machine", in: new RegExp(`(?<![\\w.$}])/(work/|home/(?!ada\\b|you\\b)[a-z]|Users/(?!ada\\b|you\\b)[a-z])`) },
    { what: "a package mirror", in: new RegExp(`://[^/\\s"]*\\b(registry|mirror|proxy|artifact\\w*)\\b|(deb|security)\\.${"debian"}\\.org|"res${"olved"}":`) },
    { what: "a conflict left by git", in: new RegExp(`^(${"<".repeat(7)}|${">".repeat(7)}) `) },
    { what: "blanks at the end of a line", in: /[ \t]+$/, unless: /\.md$|(^|\/)corpus\/|\.scn$/ },
];
const largest = 1024 * 1024;

// Every stray line and overlong file below `top`.
export function strays(top: string): string[] {
    const found: string[] = [];
    for (const path of filesBelow(top)) {
        if (statSync(join(top, path)).size > largest) found.push(`${path}: over 1 MiB`);
        linesOf(join(top, path)).forEach((line, at) => {
            for (const rule of rules) {
                if (rule.in.test(line) && !rule.unless?.test(path)) found.push(`${path}:${at + 1}: ${rule.what}`);
            }
        });
    }
    return found;
}
