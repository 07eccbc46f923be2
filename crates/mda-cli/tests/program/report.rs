//! Reports, in a browser where there is one.

use super::{Bench, asset};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a page may weigh.
const MOST_BYTES: u64 = 3_000_000;

/// What a browser is asked to do with a page: use it as a person would, and tell what happened.
const PROBE: &str = r#"<script>
const seen = { errors: [], tips: 0 };
addEventListener('error', event => seen.errors.push(event.message));
addEventListener('securitypolicyviolation', event => seen.errors.push(event.blockedURI));
addEventListener('load', () => setTimeout(() => {
  const point = node => {
    const box = node.getBoundingClientRect();
    node.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: box.x + 2, clientY: box.y + 2 }));
    return document.getElementById('tip');
  };
  const layer = document.querySelector('details.layer');
  if (layer) {
    seen.closed = layer.open;
    layer.querySelector('summary').click();
    seen.open = layer.open;
    seen.layer = layer.innerText;
  }
  const tabs = document.querySelectorAll('.tabs button');
  const panels = [...document.querySelectorAll('.panel')];
  seen.first = panels.map(panel => panel.hidden);
  tabs[1].click();
  seen.second = panels.map(panel => panel.hidden);
  const node = panels[1].querySelector('.node[data-tiles]');
  const tip = point(node);
  seen.tip = tip.hidden ? '' : tip.innerText;
  seen.tiles = [...tip.querySelectorAll('.tile')].filter(tile => getComputedStyle(tile).backgroundImage.startsWith('url("data:image/png')).length;
  point(document.querySelector('h1'));
  seen.away = tip.hidden;
  panels[1].querySelector('.node').focus();
  seen.focused = !tip.hidden;
  seen.page = getComputedStyle(document.body).backgroundColor;
  seen.text = document.body.innerText;
  seen.fits = document.documentElement.scrollWidth <= innerWidth;
  const out = document.createElement('pre');
  out.id = 'seen';
  out.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(seen))));
  document.body.append(out);
}, 50));
</script>"#;

/// What is on paper: told of a page whose style for print is its style on the screen.
const ON_PAPER: &str = r#"<script>
addEventListener('load', () => setTimeout(() => {
  dispatchEvent(new Event('beforeprint'));
  const all = kind => [...document.querySelectorAll(kind)];
  const seen = {
    page: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.body).color,
    buttons: all('button').filter(button => button.getClientRects().length > 0).length,
    hidden: all('.panel, details > *').filter(part => part.getClientRects().length === 0).length,
    clipped: all('section, .scroll, details, table, svg, pre').filter(part => {
      const box = part.getBoundingClientRect();
      return box.right > innerWidth + 1 || box.left < 0;
    }).map(part => part.outerHTML.slice(0, 80)),
  };
  const out = document.createElement('pre');
  out.id = 'seen';
  out.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(seen))));
  document.body.append(out);
}, 50));
</script>"#;

/// A Chromium, where there is one: `MDA_BROWSER`, or by its usual names.
fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MDA_BROWSER") {
        return Some(named.into());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// What a browser sees of the page `text` with `probe` in it, in a light or a dark theme, and a window of `width` pixels.
fn seen(browser: &Path, bench: &Bench, text: &str, probe: &str, dark: bool, width: u32) -> Value {
    bench.write("probed.html", &text.replacen("<style>", &format!("{probe}<style>"), 1));
    let scheme = format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 });
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            "--enable-logging=stderr",
            "--virtual-time-budget=2000",
        ])
        .args([
            &scheme,
            &format!("--window-size={width},900"),
            &format!("--user-data-dir={}", bench.path("browser").display()),
        ])
        .arg(format!("file://{}", bench.path("probed.html").display()))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("CONSOLE"), "{told}");
    let dom = String::from_utf8(output.stdout).unwrap();
    let start = dom.find("<pre id=\"seen\">").unwrap_or_else(|| panic!("the page did not run: {told}"));
    let code = dom[start + 15..].split('<').next().unwrap();
    serde_json::from_slice(&unbase64(code)).unwrap()
}

fn unbase64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = text.bytes().filter(|&c| c != b'=').map(|c| u32::from(digit(c))).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let bits = four.iter().enumerate().fold(0, |bits, (place, digit)| bits | digit << (18 - 6 * place));
        bits.to_be_bytes().into_iter().skip(1).take(four.len() - 1)
    });
    bytes.collect()
}

/// Looks at a page in both themes, on a phone and on paper.
fn look_at(bench: &Bench, page: &str, expected: &[&str]) {
    let text = bench.read(page);
    assert!(text.len() as u64 <= MOST_BYTES && text.starts_with("<!doctype html>\n<!-- A report of MDA. -->"));
    for elsewhere in ["http:", "https:", "src=", "@import"] {
        assert!(!text.contains(elsewhere), "the page names something elsewhere: {elsewhere}");
    }
    let Some(browser) = browser() else {
        assert!(
            std::env::var_os("MDA_REQUIRE_BROWSER").is_none(),
            "no Chromium is here, and MDA_REQUIRE_BROWSER asks for one"
        );
        eprintln!(
            "skipped: no Chromium is here to open {page} in; MDA_BROWSER names one, MDA_REQUIRE_BROWSER requires one"
        );
        return;
    };
    let light = seen(&browser, bench, &text, PROBE, false, 1100);
    let dark = seen(&browser, bench, &text, PROBE, true, 1100);
    let phone = seen(&browser, bench, &text, PROBE, false, 500);
    // As wide as the text on a sheet of A4.
    let paper = seen(&browser, bench, &text.replace("@media print", "@media all"), ON_PAPER, true, 718);
    assert_eq!((&paper["page"], &paper["ink"]), (&"rgb(255, 255, 255)".into(), &"rgb(0, 0, 0)".into()));
    assert_eq!((&paper["buttons"], &paper["hidden"]), (&0.into(), &0.into()), "all is open and nothing to be pressed");
    assert_eq!(paper["clipped"], serde_json::json!([]));
    assert_ne!(light["page"], dark["page"], "both themes are there");
    for seen in [&light, &dark, &phone] {
        assert_eq!(seen["errors"], serde_json::json!([]));
        assert_eq!((&seen["closed"], &seen["open"]), (&false.into(), &true.into()), "a click opens a layer");
        let layer = seen["layer"].as_str().unwrap();
        assert!(layer.contains("error repaired") && layer.contains("this layer alone cut"), "{layer}");
        assert_eq!((&seen["first"][0], &seen["first"][1]), (&false.into(), &true.into()));
        assert_eq!(
            (&seen["second"][0], &seen["second"][1]),
            (&true.into(), &false.into()),
            "a click changes the route"
        );
        assert!(seen["tip"].as_str().unwrap().contains("of the decision"), "{}", seen["tip"]);
        assert_eq!(seen["tiles"], 4, "a channel shows its images");
        assert_eq!((&seen["away"], &seen["focused"]), (&true.into(), &true.into()));
        assert_eq!(seen["fits"], true, "nothing scrolls sideways but what is made to");
        let text = seen["text"].as_str().unwrap();
        expected.iter().for_each(|part| assert!(text.contains(part), "{part} is not in {text}"));
    }
}

#[test]
fn the_demo_reports_in_a_browser() {
    let bench = Bench::new();
    let said = bench.succeeds(&["demo", "--quiet", "--output=demo", "--report"]);
    assert!(said.contains("Open in a browser:\n  demo/report.html"), "{said}");
    let expected = [
        "joins 2 components and tells 10 categories apart",
        "On 2,000 test images it is right in",
        "as small, channels at random",
        "As many channels drawn at random and repaired alike reach",
        "How small can it be?",
        "Who takes whose images?",
        "chose between whole components",
        "mda demo --quiet --output=demo --report",
    ];
    look_at(&bench, "demo/report.html", &expected);
    let both = [
        "report",
        "demo/assembled.safetensors",
        "--data=demo/data/mnist",
        "--data=demo/data/fashion-mnist",
        "--source=demo/sources/lenet5-mnist.safetensors",
        "--source=demo/sources/lenet5-fashion-mnist.safetensors",
        "--json",
        "--quiet",
        "--output=both.html",
    ];
    let value: Value = serde_json::from_str(&bench.succeeds(&both)).unwrap();
    let joint: Vec<f64> = value["verdict"]["groups"][0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["score"]["percent"].as_f64().unwrap())
        .collect();
    assert!(joint.len() == 3 && joint.iter().all(|percent| (60.0..100.0).contains(percent)), "{joint:?}");
    assert!(
        joint[0] > joint[2],
        "components whose channels were drawn at random are worse when they are joined, too: {joint:?}"
    );
    // The assembled model alone, afterwards: without its sources there is nothing to compare it with, and it says so.
    let alone =
        ["report", "demo/assembled.safetensors", "--data=demo/data/mnist", "--data=demo/data/fashion-mnist", "--quiet"];
    let said = bench.succeeds(&[&alone[..], &["--output=alone.html"]].concat());
    assert!(
        said.contains("left out: This needs the model that mnist-0-2 was cut out of") && said.contains("--source FILE"),
        "{said}"
    );
    let page = bench.read("alone.html");
    assert!(page.contains("give it with --source FILE") && page.contains("class=\"flow\""));
}

#[test]
fn a_component_reports_with_its_source_and_its_recipe() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-fashion-mnist.safetensors"), format!("--data={}", asset("fashion-mnist")));
    let cut = [
        "disassemble",
        &model,
        &data,
        "--without=0-6",
        "--keep-params=20%",
        "--formulation=obs",
        "-q",
        "-o=c.safetensors",
    ];
    bench.succeeds(&[&cut[..], &["--card", "--report=made.html"]].concat());
    let expected =
        ["This component tells 3 categories apart: Sneaker, Bag and Ankle boot.", "its source, among these categories"];
    look_at(&bench, "made.html", &expected);
    let source = format!("--source={model}");
    let again = ["report", "c.safetensors", &data, &source, "--output=again.html", "--json"];
    let value: Value = serde_json::from_str(&bench.succeeds(&again)).unwrap();
    assert_eq!(value["kind"], "component");
    let rows = value["verdict"]["groups"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6, "{rows:?}");
    let (low, own, high) = (&rows[0]["score"]["low"], &rows[0]["score"]["percent"], &rows[0]["score"]["high"]);
    assert!(low.as_f64() < own.as_f64() && own.as_f64() < high.as_f64());
    let made = value["parts"][0]["made"].as_array().unwrap();
    let checked: Vec<&Value> = made.iter().filter(|fact| !fact["holds"].is_null()).collect();
    assert!(checked.len() == 2 && checked.iter().all(|fact| fact["holds"] == true), "{made:?}");
    // What the making told of the repair is found again by measuring.
    let errors = |page: &str| {
        let text = bench.read(page);
        let from = text.find("error repaired").unwrap();
        text[from..from + 40].to_owned()
    };
    assert_eq!(errors("made.html"), errors("again.html"));
    let card = bench.read("c.md");
    assert!(card.starts_with("---\nlibrary_name: mda\npipeline_tag: image-classification\n"), "{card}");
    for part in ["type: accuracy", "`Sneaker`, `Bag`, `Ankle boot`", "\"repair\"", "mda disassemble", "--without=0-6"] {
        assert!(card.contains(part), "{part} is not in {card}");
    }
}

#[test]
fn a_report_replaces_nothing_else() {
    let bench = Bench::new();
    bench.write("page.html", "<!doctype html><title>mine</title>");
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let said = bench.fails(&["report", &model, &data, "--output=page.html"]);
    assert!(said.contains("a report of MDA"), "{said}");
    let said = bench.fails(&["report", &model, &data, "--output=page.safetensors"]);
    assert!(said.contains("a safetensors file"), "{said}");
    bench.write("c.md", "# mine");
    let said = bench.fails(&["import", &model, "--output=c.safetensors", "--card"]);
    assert!(said.contains("a model card of MDA"), "{said}");
}
