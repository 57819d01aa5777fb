// tests/lint/banned.ts: base/banned.h makes calls of some functions an error of the build; this finds the ways around it.
import { join } from "node:path";
import { filesBelow, linesOf } from "./tree.ts";

// The names that a header of the form of base/banned.h bans.
export function bannedNames(header: string): string[] {
    return linesOf(header).flatMap((line) => /^#define ([a-z]\w*)\(/.exec(line)?.[1] ?? []);
}

// `#undef strcpy`, `(strcpy)(a, b)` and `&strcpy`: each takes the name without being a call of the macro.
export function waysAround(source: string, names: string[]): string[] {
    const found: string[] = [];
    const name = `(${names.join("|")})\\b`;
    const around = new RegExp(`^\\s*#\\s*undef\\s+${name}|\\(\\s*${name}\\s*\\)\\s*\\(|&\\s*${name}`);
    for (const path of filesBelow(source)) {
        if (!/\.[ch]$/.test(path) || path.endsWith("banned.h")) continue;
        linesOf(join(source, path)).forEach((line, at) => {
            if (around.test(line)) found.push(`${path}:${at + 1}: ${line.trim()}`);
        });
    }
    return found;
}
