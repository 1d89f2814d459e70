// node build.js [FOLDER]: makes page.html in built/, or in another folder: the template with style and script filled in.
// The Python half fills in the trace. Marks are replaced once, so that nothing that is filled in is searched for marks.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url)), out = process.argv[2] ?? join(here, "built");
const source = process.env.VIEWER_SOURCE ?? join(here, "src"); // tests build changed copies
const read = (name) => readFileSync(join(here, name), "utf8");

const bundle = (options) => build({ bundle: true, minify: true, write: false, legalComments: "none", charset: "utf8", target: "es2022", ...options });
const script = (await bundle({ entryPoints: [join(source, "main.ts")], format: "iife" })).outputFiles[0].text.trim();
const style = (await bundle({ entryPoints: [join(here, "style.css")] })).outputFiles[0].text.trim();

const parts = { STYLE: style, SCRIPT: script.replace(/<\/script/gi, "<\\/script") };
const page = read("page.html").replace(/@(STYLE|SCRIPT)@/g, (_, name) => parts[name]);

/** The sources in one digest, so that a test without Node can say that the asset is old. */
const files = [...readdirSync(source).sort().map((name) => join(source, name)), join(here, "page.html"), join(here, "style.css")];
const digest = createHash("sha256");
for (const file of files) digest.update(readFileSync(file));

mkdirSync(out, { recursive: true });
writeFileSync(join(out, "page.html"), page);
writeFileSync(join(out, "sources.sha256"), `${digest.digest("hex")}\n`);
console.log(`${join(out, "page.html")}: script ${script.length} bytes, style ${style.length}`);
