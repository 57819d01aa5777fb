import { deepEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rooms, upwardIncludes } from "./includes.ts";
import { root } from "./tree.ts";

test("no room includes a room above it", () => {
    deepEqual(upwardIncludes(join(root, "src")), []);
});

test("an include that points up, aside, nowhere or around the rule is found", () => {
    deepEqual(upwardIncludes(join(import.meta.dirname, "fixtures/upward")), [
        'base/list.c:2: includes "gateway/registry.h": gateway is above base',
        'base/list.c:3: includes "list.h": write it as "room/file.h"',
        'base/list.c:4: includes "base/../gateway/registry.h": write it as "room/file.h"',
        'base/list.c:5: includes "base/gone.h": there is no such file',
        'services/briefs/tools.c:2: includes "services/skills/tools.h": services/skills is beside services/briefs, not below',
        "stray/stray.c: stands in no room",
    ]);
});

test("the build links the rooms in the same order", () => {
    const meson = readFileSync(join(root, "src/meson.build"), "utf8");
    const built = [.../room_names = \[([^\]]*)\]/.exec(meson)![1].matchAll(/'([a-z]+)'/g)].map((match) => match[1]);
    deepEqual(built, rooms.filter((room) => built.includes(room)));
});
