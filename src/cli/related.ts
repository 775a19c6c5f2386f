// How an option relates to others of its command, and to the project file.

export interface Related {
	/** Another option that may not be given at the same time. */
	readonly excludes?: string;
	/** Another option without which this one does nothing; it counts only for commands that have it. */
	readonly needs?: string;
	/** Another option, `--OPTION NAME=VALUE`, of whose names this one lists those that count. */
	readonly narrows?: string;
	/** The same as `--OPTION NAME=VALUE`: the option and the name. */
	readonly insteadOf?: readonly [option: string, name: string];
	/** Why a project file may not set it, as a sentence. */
	readonly notInFile?: string;
}
