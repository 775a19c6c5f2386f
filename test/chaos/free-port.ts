// For hubs that are started again on the same port.

/** A UDP port that is free now. */
export async function freePort(): Promise<number> {
	const socket = await Bun.udpSocket({ hostname: "127.0.0.1", port: 0 });
	const { port } = socket;
	socket.close();
	return port;
}
