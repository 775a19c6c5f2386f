// Keeps asking whether the tunnel works: every PERIOD milliseconds one request on a new TCP connection, given up after a
// second. Runs in a process of its own, on the peer's host. Usage: bun probe.ts PORT [PERIOD]. Prints `ok MS` or
// `no MS REASON` when a request is over; MS is how long it took. On SIGTERM it stops asking and ends with the last request.

const PATIENCE_MS = 1000;
const REQUEST = "GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";

const port = Number(process.argv[2]);
const asking = new Set<Promise<void>>();
const timer = setInterval(
	() => {
		const one = ask().finally(() => asking.delete(one));
		asking.add(one);
	},
	Number(process.argv[3] ?? 100),
);

process.on("SIGTERM", async () => {
	clearInterval(timer);
	await Promise.all(asking);
	process.exit(0);
});

async function ask(): Promise<void> {
	const begun = performance.now();
	const answer = Promise.withResolvers<string>();
	let text = "";
	const connecting = Bun.connect({
		hostname: "127.0.0.1",
		port,
		socket: {
			open: (socket) => void socket.write(REQUEST),
			data(_socket, bytes) {
				text += bytes.toString();
				if (text.endsWith("here")) answer.resolve("");
			},
			close: () => answer.resolve("closed without an answer"),
			error: (_socket, error) => answer.resolve(error.message),
		},
	});
	const timer = setTimeout(() => answer.resolve("no answer"), PATIENCE_MS);
	connecting.catch((error: unknown) => answer.resolve(String(error)));
	const reason = await answer.promise;
	clearTimeout(timer);
	const took = (performance.now() - begun).toFixed(2);
	console.log(reason === "" ? `ok ${took}` : `no ${took} ${reason}`);
	connecting.then(
		(socket) => socket.terminate(),
		() => {},
	);
}
