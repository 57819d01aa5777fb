import { deepEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./tree.ts";

// Node runs TypeScript without looking at its types; tsc looks at them and runs nothing.
function typeErrors(...args: string[]): string[] {
    const tsc = join(root, "tests/node_modules/.bin/tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "--pretty", "false", ...args], { cwd: root, encoding: "utf8" });
    return stdout.split("\n").filter((line) => line !== "");
}

test("the types of the tests and of the bench agree", () => {
    deepEqual(typeErrors("-p", "tests"), []);
});

test("a type that does not agree is found", () => {
    const top = mkdtempSync(join(tmpdir(), "gatehouse-lint-"));
    try {
        writeFileSync(join(top, "wrong.ts"), `export const calls: number = "many";\n`);
        deepEqual(typeErrors("--noEmit", "--ignoreConfig", join(top, "wrong.ts")).map((line) => line.replace(/.*error /, "")), [
            "TS2322: Type 'string' is not assignable to type 'number'.",
        ]);
    } finally {
        rmSync(top, { recursive: true });
    }
});
