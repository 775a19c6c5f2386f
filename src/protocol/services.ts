// The three services of a development stack: their names on the wire, on the command line and on the screen.

export interface Service {
	/** The port id on the wire (PROTOCOL.md, "Streams"). */
	readonly portId: number;
	/** Its name in messages. */
	readonly name: string;
	/** The label of its URL on the peer's screen. */
	readonly label: string;
	readonly scheme: string;
	/** The option of `join` that sets its local address. */
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
