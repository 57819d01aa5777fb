import { deepEqual, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bannedNames, waysAround } from "./banned.ts";
import { root } from "./tree.ts";

const names = bannedNames(join(root, "src/base/banned.h"));

test("no file goes around base/banned.h", () => {
    ok(names.includes("strcpy") && names.includes("system"));
    deepEqual(waysAround(join(root, "src"), names), []);
});

test("base/banned.h stands before every file", () => {
    ok(readFileSync(join(root, "meson.build"), "utf8").includes("'-include', meson.current_source_dir() / 'src/base/banned.h'"));
});

test("each way around a ban is found", () => {
    deepEqual(waysAround(join(import.meta.dirname, "fixtures/banned"), names), [
        "around.c:1: #undef strcpy",
        "around.c:6: (sprintf)(to, from);",
        "around.c:7: void *keep = &strcat;",
    ]);
});
