// What pages do beyond HTML: charts to explore, times in the reader's zone, filters without a reload, live news.
const own = document.querySelector("script[data-vega]");
let vega; // loads once, and only where a chart comes into view

function loadVega() {
  vega ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.type = "module";
    script.src = own.dataset.vega;
    script.onload = () => done(window.vegaEmbed);
    script.onerror = () => failed(new Error("the charts' library did not load"));
    document.head.append(script);
  });
  return vega;
}

async function draw(figure) {
  const place = figure.querySelector(".drawing");
  try {
    const [embed, answer] = await Promise.all([loadVega(), fetch(figure.dataset.chart)]);
    if (!answer.ok) throw new Error((await answer.json()).detail);
    const spec = await answer.json();
    const drawn = document.createElement("div");
    place.replaceChildren(drawn);
    const { view } = await embed(drawn, spec, {
      ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true },
    });
    figure.vegaView = view;
    const picture = drawn.querySelector("svg");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", figure.dataset.description);
    // What is dragged over a chart has a role without words; the picture's own words stand for it.
    for (const brush of picture.querySelectorAll("g[class*='_brush']")) {
      brush.removeAttribute("role");
      brush.setAttribute("aria-hidden", "true");
    }
    figure.dataset.drawn = "yes";
  } catch (error) {
    const text = document.createElement("p");
    text.textContent = `The chart cannot be drawn: ${error.message}`;
    place.replaceChildren(text);
    figure.dataset.drawn = "no";
  }
}

const inView = new IntersectionObserver((entries) => {
  for (const one of entries) {
    if (!one.isIntersecting) continue;
    inView.unobserve(one.target);
    draw(one.target);
  }
}, { rootMargin: "200px" });

// A chart that was not in view yet is printed as its table, since printing does not wait for a drawing.
addEventListener("beforeprint", () => {
  for (const figure of document.querySelectorAll("figure[data-chart]:not([data-drawn])")) {
    const table = figure.querySelector("details");
    figure.classList.toggle("as-table", Boolean(table));
    if (table) table.open = true;
  }
});

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function enliven(root) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) inView.observe(figure);
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
  for (const form of root.querySelectorAll("form.filters")) {
    form.addEventListener("change", () => form.requestSubmit());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      // What is not chosen does not stand in the address, so that a view can be sent to a colleague.
      const chosen = [...new FormData(form)].filter(([, value]) => value !== "");
      const query = new URLSearchParams(chosen).toString();
      show(`${form.action.split("?")[0]}${query ? `?${query}` : ""}`, document.activeElement?.name);
    });
  }
  for (const form of root.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (event.submitter?.dataset.confirm && !confirm(event.submitter.dataset.confirm)) return event.preventDefault();
      // The button that was pressed still has to be sent.
      setTimeout(() => form.querySelectorAll("button").forEach((one) => { one.disabled = true; }));
    });
  }
  for (const part of root.querySelectorAll("[data-job]")) follow(part);
  for (const part of root.querySelectorAll("[data-load]")) load(part);
}

// A part that takes the server seconds comes behind the page: the part of the same id of another address.
async function load(part) {
  try {
    const answer = await fetch(part.dataset.load, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById(part.id);
    if (!part.isConnected || !found) return;
    part.replaceWith(found);
    enliven(found);
  } catch {
    // The link inside the part shows it too.
  }
}

let asked = 0;

async function show(address, focused, isBack = false) {
  const mine = ++asked;
  const main = document.querySelector("main");
  main.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked) return;
    main.replaceChildren(...page.querySelector("main").childNodes);
    document.title = page.title;
    if (!isBack) history.pushState({}, "", address);
    document.getElementById("changed").hidden = true;
    enliven(main);
    if (focused) main.querySelector(`form.filters [name="${CSS.escape(focused)}"]`)?.focus();
  } catch {
    location.assign(address);
  } finally {
    main.removeAttribute("aria-busy");
  }
}

addEventListener("popstate", () => show(location.href, null, true));

// A rebuild or discovery that is under way: its progress, and the page anew at its end.
function follow(part) {
  const events = new EventSource(`/api/memory/jobs/${encodeURIComponent(part.dataset.job)}/events`);
  const bar = part.querySelector("progress");
  const words = part.querySelector("[data-progress]");
  events.addEventListener("progress", (event) => {
    const { state, progress } = JSON.parse(event.data);
    if (bar && progress.total) { bar.max = progress.total; bar.value = progress.number; }
    if (words) words.textContent = progress.step ? `${progress.number} of ${progress.total}: ${progress.step.replaceAll("_", " ")}` : state;
  });
  events.addEventListener("end", () => { events.close(); show(location.pathname, null, true); });
}

function isEditing() {
  const field = document.activeElement;
  return Boolean(field?.closest("form:not(.filters)")) || Boolean(document.querySelector("main [data-keep]"));
}

if (!document.querySelector("form[action='/sign-in']")) {
  const news = new EventSource("/live");
  let wait;
  news.addEventListener("changed", () => {
    clearTimeout(wait);
    // Many outcomes may arrive at once; one look at them is enough.
    wait = setTimeout(() => {
      if (isEditing() || scrollY > 200) document.getElementById("changed").hidden = false;
      else show(location.href, null, true);
    }, 1000);
  });
  addEventListener("pagehide", () => news.close());
}

enliven(document);
