// The page of the playground: code in, what the worker finds out of it.

const $ = (id) => document.getElementById(id);
const base = new URL("./", import.meta.url).href;

const EXAMPLES = {
  "One weight": `import autodiff as ad

i, y = ad.Value(1.5), ad.Value(0.5)
w = ad.Value(0.8)
a = i * w
C = (y - a) ** 2
C.backward()

print(ad.explain(C, w))
w.grad
`,
  "A perceptron learns OR": `import autodiff as ad
from autodiff import nn, optim

rows = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 1)]
perceptron = nn.Perceptron(2, activation="sigmoid", seed=1)
optimizer = optim.SGD(perceptron.parameters(), lr=1.0)

for epoch in range(300):
    loss = nn.mse([perceptron(x) for x, _ in rows], [y for _, y in rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 50 == 0:
        print(epoch, round(loss.data, 4))

[round(perceptron(x).data, 2) for x, _ in rows]
`,
  "Used twice": `import autodiff as ad

x = ad.Value(3.0)
a = x**2
b = a * 2
c = a * b  # a waits for both of its uses before it passes its gradient on
c.backward()
x.grad
`,
  "Where does nan come from?": `import autodiff as ad

p = ad.Value(0.0)
loss = p * ad.log(p) + (1 - p) * ad.log(1 - p)
loss.backward()
print(loss.data)
ad.blame(loss)
`,
  "Derivatives of derivatives": `import autodiff as ad

f = ad.tanh
for order in range(5):
    print(order, f(0.5))
    f = ad.grad(f)

ad.hessian(lambda x: x[0] ** 2 * x[1] + ad.sin(x[1]))([1.0, 2.0])
`,
  "A row of one's own": `import autodiff as ad

softabs = ad.operation(
    "softabs",
    lambda x: (x * x + 1.0) ** 0.5 - 1.0,
    lambda x, out: (x / ad.sqrt(x * x + 1.0),),
    "softabs({0})",
)
x = ad.Value(2.0)
y = softabs(x) * x
y.backward()
ad.explain(y, x)
`,
  "A network": `import autodiff as ad
from autodiff import nn

model = nn.MLP(2, [4, 4, 1], activation="tanh", seed=1)
loss = nn.mse([model(x) for x in ([0.2, -0.5], [0.9, 0.3])], [1.0, -1.0])
loss.backward()
ad.summary(loss)
`,
};

// ---- the address ------------------------------------------------------------------------------------------------------------

async function squeezed(bytes, how) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(how)).arrayBuffer());
}

async function toAddress(code) {
  const bytes = await squeezed(new TextEncoder().encode(code), new CompressionStream("deflate-raw"));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return "#code=" + text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function fromAddress(hash) {
  if (!hash.startsWith("#code=")) return null;
  try {
    const text = atob(hash.slice(6).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    return new TextDecoder().decode(await squeezed(bytes, new DecompressionStream("deflate-raw")));
  } catch {
    return null;
  }
}

// ---- the worker -------------------------------------------------------------------------------------------------------------

let worker = null, source = null, ready = false, running = false, waiting = null;

// From a blob, so that this page's policy holds in the worker too: it may ask this site for files, and no other.
async function start() {
  ready = running = false;
  say("Starting Python …");
  source ??= URL.createObjectURL(new Blob([await (await fetch(base + "worker.js")).text()], { type: "text/javascript" }));
  worker = new Worker(source, { type: "module" });
  const mine = worker;
  worker.onmessage = ({ data: [kind, ...parts] }) => worker === mine && heard[kind](...parts);
  worker.onerror = (event) => worker === mine && heard.fatal(event.message ?? "the worker could not be started");
  worker.postMessage(["start", base]);
}

function stop(why) {
  worker?.terminate();
  waiting = null;
  start().then(() => say(why + " Starting Python anew …"));
}

function run() {
  if (running) stop("Stopped.");
  const code = $("code").value;
  toAddress(code).then((hash) => history.replaceState(null, "", hash));
  if (!ready) {
    waiting = code;
    say("Starting Python …");
    return;
  }
  running = true;
  $("printed").textContent = "";
  $("result").textContent = "";
  $("shown").replaceChildren();
  say("Running …");
  worker.postMessage(["run", code]);
}

const heard = {
  ready() {
    ready = true;
    say("Ready.");
    if (waiting !== null) {
      waiting = null;
      run();
    }
  },
  printed(text) {
    $("printed").append(text);
  },
  result(text) {
    $("result").textContent = text;
  },
  error(text) {
    const told = document.createElement("span");
    told.className = "error";
    told.textContent = text;
    $("printed").append(told);
  },
  value(title, picture, page) {
    section(title, picture, page);
  },
  page(title, page) {
    section(title, null, page);
  },
  picture(title, picture) {
    section(title, picture, null);
  },
  done(seconds) {
    running = false;
    say(`Done in ${seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`}.`);
  },
  fatal(text) {
    heard.error(`Python has ended: ${text}\n`);
    const again = ready;
    worker.terminate();
    if (again) start().then(() => say("Python had ended. Starting it anew …"));
    else say("Python does not start in this browser.");
  },
};

// ---- what is shown ----------------------------------------------------------------------------------------------------------

function say(text) {
  $("state").textContent = text;
}

// Pictures and pages are shown in places of their own, where nothing in them can reach this page.
function section(title, picture, page) {
  const made = document.createElement("section");
  const heading = document.createElement("h2");
  heading.textContent = title;
  made.append(heading);
  if (picture) {
    const image = document.createElement("img");
    image.alt = `The graph of ${title}`;
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(picture);
    const frame = document.createElement("div");
    frame.className = "graph";
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", "The graph");
    frame.append(image);
    made.append(frame);
  }
  if (page) {
    const frame = document.createElement("iframe");
    frame.title = `The live page of ${title}`;
    frame.setAttribute("sandbox", "allow-scripts allow-forms");
    frame.height = 700;
    frame.srcdoc = page;
    made.append(frame);
  }
  $("shown").append(made);
}

// ---- the page ---------------------------------------------------------------------------------------------------------------

function edited(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { // the next line begins where this one does
    const { value, selectionStart } = event.target;
    const line = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
    const indent = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
    if (indent) {
      event.preventDefault();
      document.execCommand("insertText", false, "\n" + indent);
    }
  }
}

async function load() {
  const code = await fromAddress(location.hash);
  if (code !== null) {
    $("code").value = code;
    say("This code came with the address. Read it; Run starts it.");
  }
  return code !== null;
}

for (const name of Object.keys(EXAMPLES)) $("examples").append(new Option(name));
$("examples").onchange = () => {
  $("code").value = EXAMPLES[$("examples").value];
  run();
};
$("run").onclick = run;
$("stop").onclick = () => stop("Stopped.");
$("code").onkeydown = edited;
addEventListener("hashchange", load);

const [linked] = await Promise.all([load(), start()]);
if (!linked) {
  $("code").value = Object.values(EXAMPLES)[0];
  waiting = $("code").value;
}
