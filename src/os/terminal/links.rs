//! Links that a terminal shows as such (OSC 8).

/// Tells whether the terminal shows links (OSC 8). One that does not may print the codes, so only known ones count.
pub(super) fn are_shown() -> bool {
    are_shown_by(|name| std::env::var(name).unwrap_or_default())
}

fn are_shown_by(variable: impl Fn(&str) -> String) -> bool {
    let term = variable("TERM");
    // The variables of the terminal around these are inherited, and say nothing of what they show themselves.
    let is_inside = !variable("STY").is_empty() || !variable("INSIDE_EMACS").is_empty();
    if is_inside
        || ["screen", "eterm", "linux", "dumb"]
            .iter()
            .any(|start| term.starts_with(start))
    {
        return false;
    }
    let known_program = [
        "iTerm.app",
        "WezTerm",
        "vscode",
        "ghostty",
        "Hyper",
        "Tabby",
    ]
    .contains(&variable("TERM_PROGRAM").as_str());
    let known_term = ["kitty", "alacritty", "foot", "ghostty"]
        .iter()
        .any(|name| term.contains(name));
    let vte = variable("VTE_VERSION")
        .parse::<u32>()
        .is_ok_and(|version| version >= 5000);
    let windows = !variable("WT_SESSION").is_empty();
    known_program || known_term || vte || windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p58_links_only_where_they_are_shown() {
        for (variables, expected) in [
            (
                &[("VTE_VERSION", "7600"), ("TERM", "xterm-256color")][..],
                true,
            ),
            (&[("TERM", "xterm-kitty")], true),
            (
                &[("TERM_PROGRAM", "WezTerm"), ("TERM", "xterm-256color")],
                true,
            ),
            (&[("TERM", "xterm")], false),
            (
                &[("VTE_VERSION", "7600"), ("TERM", "screen.xterm-256color")],
                false,
            ),
            (
                &[
                    ("VTE_VERSION", "7600"),
                    ("TERM", "xterm-256color"),
                    ("STY", "1.pts-0.host"),
                ],
                false,
            ),
            (
                &[
                    ("TERM_PROGRAM", "vscode"),
                    ("TERM", "screen"),
                    ("TMUX", "/tmp/tmux-0/default,1,0"),
                ],
                false,
            ),
            (
                &[
                    ("VTE_VERSION", "7600"),
                    ("TERM", "eterm-color"),
                    ("INSIDE_EMACS", "29.1,term:0.96"),
                ],
                false,
            ),
            (
                &[
                    ("TERM_PROGRAM", "vscode"),
                    ("TERM", "xterm"),
                    ("INSIDE_EMACS", "30.1,comint"),
                ],
                false,
            ),
            (&[("WT_SESSION", "x"), ("TERM", "linux")], false),
            (&[("VTE_VERSION", "7600"), ("TERM", "dumb")], false),
        ] {
            let find = |name: &str| {
                variables
                    .iter()
                    .find(|(it, _)| *it == name)
                    .map_or("", |(_, value)| *value)
                    .to_owned()
            };
            assert_eq!(are_shown_by(find), expected, "{variables:?}");
        }
    }
}
