//! Patterns of names: `*` stands for any characters, `?` for one.

/// Whether `item` is meant as a pattern.
pub(super) fn is_pattern(item: &str) -> bool {
    item.contains(['*', '?'])
}

/// Whether `name` is what `pattern` describes.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Behind the last `*`, and the first character that it may yet take.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match (pattern.get(p), retry) {
            (Some('*'), _) => {
                retry = Some((p + 1, n));
                p += 1;
            }
            (Some(&c), _) if c == '?' || c == name[n] => {
                (p, n) = (p + 1, n + 1);
            }
            (_, Some((behind, from))) => {
                retry = Some((behind, from + 1));
                (p, n) = (behind, from + 1);
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_take_what_they_must() {
        for (pattern, name) in
            [("*", ""), ("a*c", "abbc"), ("*ab", "aaab"), ("a?c*", "abc"), ("**x", "x"), ("?\u{e9}", "\u{fc}\u{e9}")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("?", ""), ("a*c", "abcd"), ("ab", "abc"), ("*ab*c", "acb")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
