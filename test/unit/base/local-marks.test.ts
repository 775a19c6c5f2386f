// Marks of local addresses: the same in every program of this machine, and nothing to anybody else.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { localMarks } from "../../../src/base/local-marks.ts";

const HUB = "a".repeat(64);
const marks = (host: string, port = 3000, hub = HUB) => localMarks({ host, port }, hub);

test("an address has one mark, however it is written, and localhost has those of both loopback addresses", () => {
	const [v4, v6] = [marks("127.0.0.1"), marks("::1")];
	for (const one of [v4, v6]) expect(one).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
	expect(marks("0:0:0:0:0:0:0:1")).toEqual(v6);
	expect(marks("::ffff:127.0.0.1")).toEqual(v4);
	expect(marks("LocalHost.")).toEqual([...v4, ...v6]);
	expect(marks("my-host")).toEqual([]);
});

test("another port, address or hub has another mark: no two hubs can tell that they see the same machine", () => {
	const all = [
		marks("127.0.0.1"),
		marks("::1"),
		marks("0.0.0.0"),
		marks("127.0.0.1", 3001),
		marks("127.0.0.1", 3000, "b"),
	];
	expect(new Set(all.flat()).size).toBe(all.length);
});

const program = `
	import { localMarks } from "${join(import.meta.dir, "../../../src/base/local-marks.ts")}";
	console.log(localMarks({ host: "127.0.0.1", port: 3000 }, "${HUB}").join());
`;
const elsewhere = async (...before: string[]) => {
	const run = Bun.spawn([...before, process.execPath, "-e", program], { stdout: "pipe", stderr: "ignore" });
	const said = await new Response(run.stdout).text();
	return (await run.exited) === 0 ? said.trim() : undefined;
};

test("another program on this machine finds the same mark", async () => {
	expect(await elsewhere()).toBe(marks("127.0.0.1").join());
});

test.skipIf(process.platform !== "linux")("a program in another network namespace finds another one", async () => {
	const mark = await elsewhere("unshare", "-rn");
	// Where namespaces are not allowed there is nothing to compare.
	if (mark !== undefined) expect(mark).not.toBe(marks("127.0.0.1").join());
});
