// The worker: Python, Graphviz, this package. It runs one piece of code at a time; what it finds goes to the page as messages.
// The page ends it whenever it wants and starts another.

const FLUSH = 60; // ms between two messages of what is printed
const MOST = 200000; // characters that are printed in one run

let python, run;
let printed = "", total = 0, flushed = 0;

const tell = (kind, ...parts) => postMessage([kind, ...parts]);

function flush() {
  if (printed) tell("printed", printed);
  printed = "";
  flushed = performance.now();
}

function print(text) {
  if (total > MOST) return;
  total += text.length;
  printed += total > MOST ? text + "\n… and more, which is not shown\n" : text;
  if (performance.now() - flushed > FLUSH) flush();
}

async function start(base) {
  const [{ loadPyodide }, { instance }] = await Promise.all([import(base + "pyodide.mjs"), import(base + "viz.js")]);
  const file = async (name) => {
    const answer = await fetch(base + name);
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    return answer;
  };
  const [pyodide, viz, packages, shown] = await Promise.all([
    loadPyodide({ indexURL: base }),
    instance(),
    file("packages.zip").then((answer) => answer.arrayBuffer()),
    file("shown.py").then((answer) => answer.text()),
  ]);
  python = pyodide;
  const decoder = new TextDecoder();
  const write = (bytes) => (print(decoder.decode(bytes, { stream: true })), bytes.length);
  python.setStdout({ write });
  python.setStderr({ write });
  python.setStdin({ stdin: () => null });
  const site = python.runPython("import site; site.getsitepackages()[0]");
  python.unpackArchive(packages, "zip", { extractDir: site });
  python.globals.set("_draw", (dot) => viz.renderString(dot, { format: "svg" }));
  python.FS.writeFile(`${site}/shown.py`, shown);
  python.runPython("import autodiff, shown; autodiff.set_renderer(_draw)");
  run = python.runPython("shown.run");
  tell("ready");
}

onmessage = async ({ data: [order, text] }) => {
  try {
    if (order === "start") await start(text);
    if (order === "run") {
      total = 0;
      run(text, (kind, ...parts) => {
        flush();
        tell(kind, ...parts);
      });
    }
  } catch (error) { // Python itself has ended: the code's own errors come as messages
    flush();
    tell("fatal", String(error));
  }
};
