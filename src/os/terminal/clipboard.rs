//! The clipboard of the user's terminal (OSC 52).

/// How terminals name themselves that take text for the clipboard unless their user forbids it, by the documentation of
/// each: kitty (`clipboard_control`), foot (`security.osc52`), Alacritty (`terminal.osc52`), Ghostty (`clipboard-write`),
/// WezTerm and Windows Terminal. Others take none, or only if their user allows it (xterm, iTerm2, mintty, VTE).
const TAKERS: [(&str, &[&str]); 3] = [
    (
        "TERM",
        &[
            "xterm-kitty",
            "foot",
            "foot-extra",
            "alacritty",
            "alacritty-direct",
            "xterm-ghostty",
            "wezterm",
        ],
    ),
    ("TERM_PROGRAM", &["WezTerm", "ghostty"]),
    ("WT_SESSION", &[]),
];

/// What runs inside a terminal and passes such text on only if it is configured to.
const BETWEEN: [&str; 5] = ["TMUX", "STY", "ZELLIJ", "INSIDE_EMACS", "VIM_TERMINAL"];

/// Returns whether the terminal is known to put text into the clipboard.
pub(super) fn is_taken() -> bool {
    is_taken_by(|name| std::env::var(name).unwrap_or_default())
}

fn is_taken_by(variable: impl Fn(&str) -> String) -> bool {
    let term = variable("TERM");
    let is_between = BETWEEN.iter().any(|name| !variable(name).is_empty())
        || ["tmux", "screen", "dumb", "linux"]
            .iter()
            .any(|start| term.starts_with(start));
    let is_named = |(name, values): &(&str, &[&str])| {
        let value = variable(name);
        !value.is_empty() && (values.is_empty() || values.contains(&value.as_str()))
    };
    !is_between && TAKERS.iter().any(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipboard_is_used_only_where_it_is_known_to_be() {
        for (variables, expected) in [
            (&[("TERM", "xterm-kitty")][..], true),
            (&[("TERM", "foot")], true),
            (&[("TERM", "alacritty")], true),
            (&[("TERM", "xterm-ghostty")], true),
            (
                &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")],
                true,
            ),
            (&[("TERM", "xterm-256color"), ("WT_SESSION", "1")], true),
            (&[("TERM", "xterm-256color")], false),
            (
                &[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")],
                false,
            ),
            (
                &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")],
                false,
            ),
            (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x,1,0")], false),
            (
                &[("TERM", "tmux-256color"), ("TERM_PROGRAM", "ghostty")],
                false,
            ),
            (&[("TERM", "screen.foot"), ("WT_SESSION", "1")], false),
            (&[("TERM", "foot"), ("STY", "1.pts-0.host")], false),
            (&[("TERM", "xterm-kitty"), ("INSIDE_EMACS", "30.1")], false),
            (&[("TERM", "dumb"), ("WT_SESSION", "1")], false),
            (&[], false),
        ] {
            let find = |name: &str| {
                let found = variables.iter().find(|(it, _)| *it == name);
                found.map_or("", |(_, value)| *value).to_owned()
            };
            assert_eq!(is_taken_by(find), expected, "{variables:?}");
        }
    }
}
