// The three services of a development stack, as a table: what the wire, the options and the screen call them.
// Called by cli.ts, join.ts, serve.ts, health.ts, downtime.ts and demo.ts; calls nothing.

export interface Service {
	/** Port id on the wire (PROTOCOL.md). */
	readonly portId: number;
	/** The word in messages. */
	readonly name: string;
	/** The word before the URL on the peer's screen. */
	readonly label: string;
	readonly scheme: string;
	/** The option of `join` that moves its local address. */
	readonly option: string;
	/** Where `join` listens without that option. */
	readonly defaultAddress: string;
}

export const SERVICES = [
	{
		portId: 0x01,
		name: "frontend",
		label: "Frontend",
		scheme: "http",
		option: "frontend-addr",
		defaultAddress: "127.0.0.1:3000",
	},
	{
		portId: 0x02,
		name: "backend",
		label: "Backend",
		scheme: "http",
		option: "backend-addr",
		defaultAddress: "127.0.0.1:8000",
	},
	{
		portId: 0x03,
		name: "websocket",
		label: "WebSocket",
		scheme: "ws",
		option: "ws-addr",
		defaultAddress: "127.0.0.1:4000",
	},
] as const satisfies readonly Service[];
