import { deepEqual } from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { linesOf, root } from "./tree.ts";

const page = join(root, "docs/bridging.md");
const tests = ["tests/conformance/beyond.test.ts", "tests/e2e/bridge.test.ts", "tests/fault/bridge.test.ts"];
const scenarios = join(root, "tests/scenarios/bridge");

// A row has a cell for each direction, of one number.
function cellsOf(lines: string[]): string[] {
    return lines.flatMap((line) => {
        const [, modern, legacy] = /^\| [^|]+ \| \*\*(M\d+)\*\* [^|]+ \| \*\*(L\d+)\*\* [^|]+ \|$/.exec(line) ?? [];
        return modern === undefined ? [] : [modern, legacy];
    });
}

const named = (text: string) => [...text.matchAll(/\b[ML]\d+\b/g)].map(([id]) => id);

// What is wrong with the cells, and with the tests that name them.
function faults(cells: string[], shown: string[]): string[] {
    const wanted = Array.from({ length: cells.length / 2 }, (_, i) => [`M${i + 1}`, `L${i + 1}`]).flat();

    return [
        ...wanted.filter((id, at) => cells[at] !== id).map((id) => `${id} is missing, or not in its place`),
        ...cells.filter((id) => !shown.includes(id)).map((id) => `${id}: no test names it`),
        ...[...new Set(shown)].filter((id) => !cells.includes(id)).map((id) => `${id} is named by a test and is no cell`),
    ];
}

function shown(): string[] {
    const texts = tests.map((path) => readFileSync(join(root, path), "utf8"));
    for (const file of readdirSync(scenarios)) texts.push(readFileSync(join(scenarios, file), "utf8"));
    return texts.flatMap(named);
}

test("each cell of the table of bridging stands there once, and a test names it", () => {
    deepEqual(faults(cellsOf(linesOf(page)), shown()), []);
});

test("a cell that is missing, or named by nothing, is found", () => {
    deepEqual(faults(["M1", "L1", "M2", "L3"], ["M1", "L1", "M2", "L9"]), [
        "L2 is missing, or not in its place",
        "L3: no test names it",
        "L9 is named by a test and is no cell",
    ]);
});
