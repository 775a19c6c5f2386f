// Checks events against docs/events.schema.json, more strictly than a reader should: nothing may be in them that it does
// not describe.
import { Ajv2020 } from "ajv/dist/2020.js";
import schema from "../../docs/events.schema.json";

/** What is wrong with an event; undefined when nothing is. */
export function schemaError(event: unknown): string | undefined {
	if (validate(event)) return undefined;
	return `${JSON.stringify(event)}: ${ajv.errorsText(validate.errors)}`;
}

/** The names of all events. */
export const EVENT_NAMES: ReadonlySet<string> = new Set(schema.oneOf.map(({ properties }) => properties.event.const));

// --- internal ---

const ajv = new Ajv2020({ allErrors: false });
const validate = ajv.compile(closed(schema) as object);

/** The same schema, in which no object may have other fields. */
function closed(node: unknown): unknown {
	if (Array.isArray(node)) return node.map(closed);
	if (typeof node !== "object" || node === null) return node;
	const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
	return copy.type === "object" && copy.properties ? { ...copy, additionalProperties: false } : copy;
}
