// What an endpoint tells its owner while it accepts connections. Facts only: the owner decides what to print.

export type EndpointEvent =
	/** One incoming connection failed, or accepting one did. */
	| { type: "attempt_failed"; reason: string }
	/** The native endpoint ended by itself and is being bound again; its connections are gone. */
	| { type: "endpoint_restarting" }
	/** It was bound again on other ports than were asked for, because the old ones do not become free. */
	| { type: "endpoint_moved"; from: readonly string[]; to: readonly string[] }
	/** Binding it again has failed for some time, most recently for this reason. It is tried until it works. */
	| { type: "endpoint_bind_failed"; reason: string };
