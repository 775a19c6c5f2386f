// Which program listens on a port, found out without connecting to it.
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { allListeners, listenersOn, listeningOn, ownerName } from "../../../src/base/port-owner.ts";

const linux = process.platform === "linux";
const known = process.platform === "linux" || process.platform === "darwin";

async function listening(host: string, work: (port: number) => void | Promise<void>): Promise<void> {
	let connections = 0;
	const server = createServer(() => connections++);
	await new Promise<void>((resolve) => server.listen({ host, port: 0, ipv6Only: host.includes(":") }, resolve));
	try {
		await work((server.address() as { port: number }).port);
		expect(connections).toBe(0);
	} finally {
		await new Promise((resolve) => server.close(resolve));
	}
}

test.skipIf(!known)("the program and its address are found, for IPv4 and IPv6", async () => {
	for (const host of ["127.0.0.1", "::1", "0.0.0.0", "::"]) {
		await listening(host, async (port) => {
			const [owner, ...more] = listenersOn(port) ?? [];
			expect(more).toEqual([]);
			expect(owner?.address).toEqual({ host, port });
			expect(await listeningOn(port)).toEqual(linux ? [{ host, port }] : undefined);
			expect(owner?.pid).toBe(process.pid);
			expect(ownerName(owner as NonNullable<typeof owner>)).toMatch(new RegExp(`^\\S+ \\(pid ${process.pid}\\)$`));
		});
	}
});

test.skipIf(!known)("several ports are asked about at once, and none at all for nothing", async () => {
	await listening("127.0.0.1", (one) =>
		listening("::1", (other) => {
			const found = (listenersOn(one, other) ?? []).map(({ address }) => address);
			expect(found).toEqual(
				expect.arrayContaining([
					{ host: "127.0.0.1", port: one },
					{ host: "::1", port: other },
				]),
			);
			expect(found).toHaveLength(2);
		}),
	);
	expect(listenersOn()).toEqual([]);
});

test.skipIf(!known)("all that listen are found in one read", async () => {
	await listening("127.0.0.1", async (one) => {
		await listening("::1", (other) => {
			const mine = (allListeners() ?? []).filter(({ pid }) => pid === process.pid).map(({ address }) => address);
			expect(mine).toEqual(
				expect.arrayContaining([
					{ host: "127.0.0.1", port: one },
					{ host: "::1", port: other },
				]),
			);
		});
	});
});

test.skipIf(!known)("a port that nobody listens on has no owner", async () => {
	let free = 0;
	await listening("127.0.0.1", (port) => {
		free = port;
	});
	expect(listenersOn(free)).toEqual([]);
	expect(await listeningOn(free)).toEqual(linux ? [] : undefined);
});

test("another user's process, whose name is not known, is called another program", () => {
	const address = { host: "127.0.0.1", port: 1 };
	expect(ownerName({ address, pid: undefined, program: undefined })).toBe("another program");
	expect(ownerName({ address, pid: 7, program: "node" })).toBe("node (pid 7)");
});
