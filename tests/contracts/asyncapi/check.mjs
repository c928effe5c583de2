// Prints the faults that the official parser finds in the document named on the command line, as JSON.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const faults = diagnostics.filter((each) => each.severity === 0).map((each) => `${each.path.join("/")}: ${each.message}`);
console.log(JSON.stringify({ valid: document !== undefined, faults, channels: document?.allChannels().all().length ?? 0 }));
