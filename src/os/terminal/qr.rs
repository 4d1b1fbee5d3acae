//! A QR code in half blocks, two modules in each character.

use console::Term;
use qrcodegen::{QrCode, QrCodeEcc};

/// The width of the empty border around the modules. Readers do with less than the four modules of the standard.
const BORDER: i32 = 2;

/// White ground and black modules, whatever the colours of the terminal are: a picture in the colours of a light one would be
/// inverted, which not every reader takes.
const COLORS: &str = "\u{1b}[48;5;15m\u{1b}[38;5;16m";

/// Returns the lines of the picture of a text, each as wide as the others; `None` if the text is too long for one. In colour a
/// block is a dark module; without colour it is a light one, as on a dark terminal.
fn picture(text: &str, in_color: bool) -> Option<Vec<String>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let range = -BORDER..code.size() + BORDER;
    // What lies outside of the code is light, and so is the lower half of an odd last row.
    let is_block = |x, y| code.get_module(x, y) == in_color;
    let cell = |x, y| match (is_block(x, y), is_block(x, y + 1)) {
        (true, true) => '\u{2588}',
        (true, false) => '\u{2580}',
        (false, true) => '\u{2584}',
        (false, false) => ' ',
    };
    let line = |y| range.clone().map(|x| cell(x, y)).collect();
    Some(range.clone().step_by(2).map(line).collect())
}

/// Shows a text as a QR code, if the terminal has UTF-8 and room for it, and for as many rows below; returns whether it is
/// shown.
pub fn show(text: &str, rows_below: usize) -> bool {
    let is_able = super::is_terminal() && super::unicode_is_shown() && !super::screen().quiet;
    let is_plain = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term == "linux");
    let in_color = console::colors_enabled_stderr();
    let (Some(picture), true, false) = (picture(text, in_color), is_able, is_plain) else {
        return false;
    };
    let (rows, columns) = Term::stderr().size();
    let width = picture.first().map_or(0, |line| line.chars().count());
    let has_room = width < usize::from(columns) && picture.len() + rows_below <= usize::from(rows);
    if has_room {
        for line in picture {
            super::put(&match in_color {
                true => format!("{COLORS}{line}\u{1b}[0m"),
                false => line,
            });
        }
    }
    has_room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dv12_a_picture_is_a_rectangle_with_a_border() {
        let url = "https://as.example/device?user_code=WDJB-MJHT";
        for in_color in [true, false] {
            let picture = picture(url, in_color).expect("a picture");
            let light = if in_color { ' ' } else { '\u{2588}' };
            // A code of 29 modules, with its border 33: the last row has one half.
            assert_eq!(picture.len(), 17);
            for line in &picture {
                assert_eq!(line.chars().count(), 33, "{line}");
                assert!(line.starts_with(light) && line.ends_with(light), "{line}");
            }
            let is_light = |line: &String| line.chars().all(|cell| cell == light);
            assert!(is_light(&picture[0]) && is_light(&picture[16]));
            assert!(picture[1].chars().filter(|cell| *cell != light).count() > 14);
        }
        assert_eq!(picture(&"x".repeat(4000), true), None);
    }
}
