import { deepEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { linesOf, root } from "./tree.ts";

const path = join(root, "docs/ledger.md");
const counts: Record<string, number> = { SN: 65 };

type Row = { id: string; what: string; now: string; tests: string[] };

function rowsOf(lines: string[]): Row[] {
    return lines.flatMap((line) => {
        const [, id, what, now, shown] = /^\| ([A-Z]+-\d+) \| (.*?) \| (.*?) \| (.*?) ?\|$/.exec(line) ?? [];
        if (id === undefined) return [];
        return [{ id, what, now, tests: [...shown.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link) }];
    });
}

// What is wrong with the rows, each in words.
function faults(rows: Row[]): string[] {
    const wanted = Object.entries(counts).flatMap(([letters, count]) => Array.from({ length: count }, (_, i) => `${letters}-${i + 1}`));
    const ids = rows.map(({ id }) => id);

    return [
        ...wanted.filter((id) => !ids.includes(id)).map((id) => `${id} is missing`),
        ...ids.filter((id) => !wanted.includes(id)).map((id) => `${id} is no row of the inventory`),
        ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `${id} stands there twice`),
        ...rows.filter(({ now }) => !/^(works|waits|no)\b/.test(now)).map(({ id }) => `${id} says neither works, waits nor no`),
        ...rows.filter(({ now }) => now.split(/\s+/).length < 2 && now !== "works").map(({ id }) => `${id} says not until what, or why`),
        ...rows.filter(({ now, tests }) => now.startsWith("works") && tests.length === 0).map(({ id }) => `${id} works, and no test shows it`),
        ...rows.flatMap(({ id, tests }) => tests.filter((link) => !existsSync(join(dirname(path), link))).map((link) => `${id}: no ${link}`)),
    ];
}

test("each row of what was there before stands in the ledger once, and its tests are there", () => {
    deepEqual(faults(rowsOf(linesOf(path))), []);
});

test("a row that is missing, there twice, or shown by nothing is found", () => {
    const rows = rowsOf(linesOf(path));
    const [first, second, ...rest] = rows;
    deepEqual(faults([first, first, { ...rest[0], tests: [] }, { ...rest[1], now: "perhaps" }, { ...rest[2], tests: ["../tests/nothing.ts"] }, ...rest.slice(3)]), [
        `${second.id} is missing`,
        `${first.id} stands there twice`,
        `${rest[1].id} says neither works, waits nor no`,
        `${rest[1].id} says not until what, or why`,
        `${rest[0].id} works, and no test shows it`,
        `${rest[2].id}: no ../tests/nothing.ts`,
    ]);
});
