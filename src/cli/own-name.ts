// The name that this machine goes by when nobody gives one: its host name.
import { hostname } from "node:os";
import { isLiteral } from "../base/address.ts";
import { NAME_MAX } from "../protocol/limits.ts";

/** The host name without its domain, fit for readName(); `otherwise` where it says nothing. */
export function ownName(otherwise: string, host = hostname()): string {
	const [first = ""] = isLiteral(host) ? [host] : host.split(".", 1);
	const name = first.slice(0, NAME_MAX).replace(/\p{C}/gu, "").trim();
	return name === "" || name === "localhost" ? otherwise : name;
}
