// Preloaded into a program: on SIGUSR2 it has a bug that nothing catches, of the kind that FAULT names.
const FAULTS: Record<string, () => void> = {
	thrown: () => {
		throw new TypeError("undefined is not a peer\nwith more to it");
	},
	rejected: () => void Promise.reject(new TypeError("undefined is not a peer\nwith more to it")),
	repeated: () => {
		for (let i = 0; i < 3; i++) void Promise.reject(new TypeError(`undefined is not a peer ${i}`));
	},
};

process.on("SIGUSR2", () => FAULTS[process.env.FAULT ?? ""]?.());
