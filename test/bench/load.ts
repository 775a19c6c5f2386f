// The benchmark's clients: bulk transfers, new connections, small requests. All of them talk to service.ts, directly or
// through a tunnel.

export interface Latency {
	perSecond: number;
	/** Milliseconds. */
	p50: number;
	p99: number;
}

/** MB/s at which `bytes` bytes arrive from the service. */
export async function download(port: number, bytes: number): Promise<number> {
	const done = Promise.withResolvers<void>();
	let got = 0;
	const start = performance.now();
	const socket = await Bun.connect({
		hostname: "127.0.0.1",
		port,
		socket: {
			binaryType: "uint8array",
			data(_, data: Uint8Array) {
				got += data.length;
				if (got >= bytes) done.resolve();
			},
			close: () => done.reject(new Error(`closed after ${got} bytes`)),
		},
	});
	socket.write("D");
	await done.promise;
	const seconds = (performance.now() - start) / 1000;
	socket.terminate();
	return bytes / 1e6 / seconds;
}

/** MB/s at which the service confirms `bytes` bytes. */
export async function upload(port: number, bytes: number): Promise<number> {
	const done = Promise.withResolvers<void>();
	const chunk = new Uint8Array(256 * 1024).fill(0x5a);
	const wanted = Math.floor(bytes / 1048576);
	let confirmed = 0;
	const pump = (socket: Bun.Socket) => {
		while (socket.write(chunk) === chunk.length);
	};
	const start = performance.now();
	const socket = await Bun.connect({
		hostname: "127.0.0.1",
		port,
		socket: {
			binaryType: "uint8array",
			data(_, data: Uint8Array) {
				confirmed += data.length;
				if (confirmed >= wanted) done.resolve();
			},
			drain: pump,
			close: () => done.reject(new Error(`closed after ${confirmed} MiB`)),
		},
	});
	socket.write("U");
	pump(socket);
	await done.promise;
	const seconds = (performance.now() - start) / 1000;
	socket.terminate();
	return (wanted * 1048576) / 1e6 / seconds;
}

/** Starts a bulk download; the returned function stops it. */
export async function background(port: number): Promise<() => void> {
	const started = Promise.withResolvers<void>();
	const socket = await Bun.connect({
		hostname: "127.0.0.1",
		port,
		socket: { binaryType: "uint8array", data: () => started.resolve() },
	});
	socket.write("D");
	await started.promise;
	return () => socket.terminate();
}

/** New connections with one request of 64 bytes each, `workers` at a time; the service answers and closes. */
export function connections(port: number, workers: number, ms: number): Promise<Latency> {
	return measured(workers, ms, () => oneRequest(port));
}

/** The same, for `count` connections and without measuring. */
export async function shortConnections(port: number, count: number, workers: number): Promise<void> {
	let left = count;
	await Promise.all(
		Array.from({ length: workers }, async () => {
			while (left-- > 0) await oneRequest(port);
		}),
	);
}

/** Requests of 64 bytes on `workers` connections that stay open. */
export async function requests(port: number, workers: number, ms: number): Promise<Latency> {
	const sockets = await Promise.all(Array.from({ length: workers }, () => echoSocket(port)));
	for (const socket of sockets) await socket.request();
	const result = await measured(workers, ms, (worker) => (sockets[worker] as Echo).request());
	for (const socket of sockets) socket.close();
	return result;
}

/** Opens `count` connections that do nothing; the returned function closes them. */
export async function idle(port: number, count: number): Promise<() => void> {
	const sockets: Echo[] = [];
	for (let i = 0; i < count; i++) {
		const socket = await echoSocket(port);
		await socket.request();
		sockets.push(socket);
	}
	return () => {
		for (const socket of sockets) socket.close();
	};
}

/** Starts a download whose client never reads; the returned function ends it. */
export async function stalledReader(port: number): Promise<() => void> {
	const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data: () => {} } });
	socket.pause();
	socket.write("D");
	return () => socket.terminate();
}

// --- internal ---

async function oneRequest(port: number): Promise<void> {
	const request = new Uint8Array(65).fill(0x51);
	const done = Promise.withResolvers<void>();
	let got = 0;
	await Bun.connect({
		hostname: "127.0.0.1",
		port,
		socket: {
			open(socket) {
				socket.setNoDelay(true);
				socket.write(request);
			},
			data(_, data) {
				got += data.length;
			},
			close: () => (got === 64 ? done.resolve() : done.reject(new Error(`closed after ${got} bytes`))),
		},
	});
	await done.promise;
}

interface Echo {
	request(): Promise<void>;
	close(): void;
}

async function echoSocket(port: number): Promise<Echo> {
	const request = new Uint8Array(64).fill(0x45);
	let waiting: PromiseWithResolvers<void> | undefined;
	let got = 0;
	let first = true;
	const socket = await Bun.connect({
		hostname: "127.0.0.1",
		port,
		socket: {
			binaryType: "uint8array",
			data(_, data: Uint8Array) {
				got += data.length;
				if (got >= 64) {
					got -= 64;
					waiting?.resolve();
				}
			},
			close: () => waiting?.reject(new Error("connection closed")),
		},
	});
	socket.setNoDelay(true);
	return {
		request() {
			waiting = Promise.withResolvers();
			socket.write(first ? new Uint8Array([0x45, ...request]) : request);
			first = false;
			return waiting.promise;
		},
		close() {
			waiting = undefined;
			socket.terminate();
		},
	};
}

async function measured(workers: number, ms: number, work: (worker: number) => Promise<void>): Promise<Latency> {
	const times: number[] = [];
	const start = performance.now();
	await Promise.all(
		Array.from({ length: workers }, async (_, worker) => {
			for (let now = performance.now(); now - start < ms; ) {
				await work(worker);
				const end = performance.now();
				times.push(end - now);
				now = end;
			}
		}),
	);
	const seconds = (performance.now() - start) / 1000;
	times.sort((a, b) => a - b);
	const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
	return { perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99) };
}
