//! Numbers and names as a page shows them.

use crate::report::pictures::base64;
use crate::report::value::{Fact, Missing, Section, Sheet, Speed};
use std::fmt::Write as _;

/// `text` with what HTML would take for its own written out, in content and in attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What would turn the direction of writing or command a terminal is shown as a question mark.
            other if other.is_control() || ('\u{202a}'..='\u{202e}').contains(&other) => out.push('?'),
            other => out.push(other),
        }
    }
    out
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A percentage with one decimal.
pub(super) fn percent(value: f64) -> String {
    format!("{value:.1}\u{a0}%")
}

/// `part` of `whole` in percent.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Milliseconds in three digits or so.
pub(super) fn milliseconds(value: f64) -> String {
    let digits = if value < 1.0 { 2 } else { usize::from(value < 100.0) };
    if value < 0.1 { format!("{:.0}\u{a0}\u{b5}s", 1000.0 * value) } else { format!("{value:.digits$}\u{a0}ms") }
}

/// Both times of a model.
pub(super) fn speeds(speed: Speed) -> String {
    format!(
        "{} an image, {} at a time; {} for one alone",
        milliseconds(speed.many),
        speed.batch,
        milliseconds(speed.alone)
    )
}

/// `a`, `a and b`, `a, b and c`, each emphasised; of many the first few.
pub(super) fn listed(names: &[String]) -> String {
    const MOST: usize = 10;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("<b>{}</b>", escaped(name))).collect();
    match (names.len(), shown.as_slice()) {
        (count, _) if count > MOST => format!("{} and {} more", shown.join(", "), count - MOST),
        (_, [others @ .., last]) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        (_, [only]) => only.clone(),
        _ => String::new(),
    }
}

/// What is missing in a section.
pub(super) fn gaps(missing: &[Missing], section: Section) -> String {
    let own = missing.iter().filter(|missing| missing.section == section);
    own.map(|missing| format!("<p class=\"gap\">{}</p>", escaped(&missing.sentence))).collect()
}

/// Facts in two columns.
pub(super) fn facts(facts: &[Fact]) -> String {
    let mut out = "<dl>".to_owned();
    for Fact { what, is, holds } in facts {
        let class = match holds {
            Some(true) => " class=\"yes\"",
            Some(false) => " class=\"no\"",
            None => "",
        };
        // Writing to a String cannot fail.
        let _ = write!(out, "<dt>{}</dt><dd{class}>{}", escaped(what), escaped(is));
        out.push_str(match holds {
            Some(true) => " <span class=\"small\">as that of the one given</span></dd>",
            Some(false) => " <span class=\"small\">the one given has another</span></dd>",
            None => "</dd>",
        });
    }
    out + "</dl>"
}

/// One tile of a sheet, its longer side `size` pixels.
pub(super) fn tile(sheet: &Sheet, class: &str, index: usize, size: f64) -> String {
    let [high, wide] = sheet.tile.map(|side| side as f64);
    let zoom = size / high.max(wide).max(1.0);
    let across = sheet.across.max(1);
    let (x, y) = ((index % across) as f64 * wide * zoom, (index / across) as f64 * high * zoom);
    format!(
        "<span class=\"tile {class}\" style=\"width:{:.1}px;height:{:.1}px;background-size:{:.1}px auto;background-position:\
         -{x:.1}px -{y:.1}px\"></span>",
        wide * zoom,
        high * zoom,
        wide * across as f64 * zoom
    )
}

/// The rule that gives tiles their picture.
pub(super) fn sheet_rule(class: &str, sheet: &Sheet) -> String {
    match sheet.count {
        0 => String::new(),
        _ => format!(".{class}{{background-image:url(data:image/png;base64,{})}}", base64(&sheet.png)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(escaped("<b a=\"x\" b='y'>&\u{202e}\n"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;??");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([thousands(7), thousands(1_234_567)], ["7", "1,234,567"]);
        let ms = [0.0123, 0.123, 1.234, 123.4].map(|value| milliseconds(value).replace('\u{a0}', " "));
        assert_eq!(ms, ["12 \u{b5}s", "0.12 ms", "1.2 ms", "123 ms"]);
        let names = |count: usize| listed(&(0..count).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(names(3), "<b>0</b>, <b>1</b> and <b>2</b>");
        assert!(names(12).ends_with("<b>9</b> and 2 more"));
    }
}
