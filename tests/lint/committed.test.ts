import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { strays } from "./committed.ts";
import { root } from "./tree.ts";

test("nothing stray is in the repository", () => {
    deepEqual(strays(root), []);
});

test("a promise, a machine's path, a mirror, a conflict and trailing blanks are found", () => {
    const top = mkdtempSync(join(tmpdir(), "gatehouse-lint-"));
    try {
        writeFileSync(join(top, "stray.c"), [
            `/* TO${"DO"}: later */`,
            `"/ho${"me"}/somebody/src"`,
            `"/home/ada/src" and $HOME/work/ are nobody's`,
            `https://npm${"-"}registry.example/left-pad`,
            `${"<".repeat(7)} HEAD`,
            `x = 1; `,
        ].join("\n"));
        deepEqual(strays(top), [
            "stray.c:1: a promise instead of code",
            "stray.c:2: a path of somebody's machine",
            "stray.c:4: a package mirror",
            "stray.c:5: a conflict left by git",
            "stray.c:6: blanks at the end of a line",
        ]);
    } finally {
        rmSync(top, { recursive: true });
    }
});
